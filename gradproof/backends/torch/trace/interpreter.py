"""Traces a forward pass of PyTorch: each aten operation that the dispatcher sees below autograd, so also those inside
autograd.Function.forward, is run and put on the tape.

What has a derivative is what autograd says. A tensor that requires no gradient (detached, made under no_grad, a
non-differentiable result) is frozen where it is read, whatever memory it shares. Inside autograd.Function.forward and
inside a composite operation autograd records nothing, and there all is differentiated: their forward pass is the
truth that the backward pass is held to."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch._decomp import decomposition_table
from torch._library.custom_ops import OPDEFS
from torch._ops import HigherOrderOperator, OpOverload
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

from gradproof.backends.torch.trace import memory, rules
from gradproof.backends.torch.trace.memory import FORMATS, Cellular, Memory, is_traceable, to_numpy
from gradproof.oracles.tape import Cells, ComplexCells, Predicates, Tape, Untraceable, where_in_user_code
from gradproof.oracles.tape.complex_cells import lifted

TRUTH = "Say what is meant by truth=…, as code that can be traced or in xp."
NOISE = "Draw it outside and pass it as an argument, or seed the generator inside the function."

SHAPE_ALONE = frozenset("squeeze_ unsqueeze_ transpose_ t_ swapaxes_ swapdims_ as_strided_".split())
"""In-place operations that move nothing."""

OF_SHAPES = frozenset({"is_same_size", "_has_same_storage_numel"})
"""Operations that look at no values."""

ORDERING = frozenset("amax amin cummax cummin fmax fmin max maximum min minimum sort topk".split())
"""Operations of numbers that take booleans as well, as what PyTorch's distributions ask of their parameters: these are
settled."""

ALIASES = frozenset("alias lift_fresh _reshape_alias _unsafe_view _conj _neg_view detach".split())
"""Operations that share memory with their argument, besides those that PyTorch calls views."""


class Interpreter(TorchDispatchMode):
    """Runs every operation and lowers those that touch a tensor with cells.

    A rule is called as `rule(run, result, *args, **kwargs)`: `run` is this interpreter, `result` what PyTorch computed
    from the arguments that follow. It gives cells for each tensor of the result, or None where that is concrete."""

    supports_higher_order_operators = True

    def __init__(self, tape: Tape) -> None:
        super().__init__()
        self.tape, self.memory = tape, Memory(tape)
        self.operations: Counter[str] = Counter()
        self.notes: list[str] = []
        self.reverse_alone: list[str] = []
        self._looked_away = False  # whether the operation at work reads, inside no_grad, what has a gradient
        self.generators: list[tuple[str, str, torch.Generator]] = []
        self.within = 0  # how many forwards of an autograd.Function, or composite operations, are running
        self.functions = 0  # of them, how many autograd.Functions
        self.own_rules: dict[str, None] = {}  # the names of those that somebody has written
        self._live: dict[int, int] = {}  # by frozen cell, the cell of what is saved for a backward pass
        self._inputs: dict[int, torch.Tensor] = {}
        self._made: dict[int, torch.Tensor] = {}  # results that autograd may not have seen yet, by identity
        self._ungraded: set[int] = set()  # memory written first while gradients were off

    def add_input(self, x: torch.Tensor) -> Cells | ComplexCells:
        """Give a leaf cells that are inputs of the tape."""
        values, format = to_numpy(x), FORMATS[x.dtype]
        if x.is_complex():
            cells = ComplexCells(self.tape.input(values.real, format), self.tape.input(values.imag, format))
        else:
            cells = self.tape.input(values, format)
        self.memory.write(x, cells)
        self._inputs[id(x)] = x
        return cells

    # What the rules ask for

    def holds(self, x: Any) -> bool:
        """Whether this is a tensor with cells."""
        return torch.is_tensor(x) and x in self.memory

    def read(self, x: torch.Tensor) -> Cellular:
        """The cells of a tensor that has some, frozen where autograd takes it for a constant."""
        cells = self.memory.read(x)
        if isinstance(cells, Predicates) or self._has_gradient(x):
            return cells
        self._looked_away = self._looked_away or (x.requires_grad and not torch.is_grad_enabled())
        return self._frozen(cells)

    def cells(self, x: Any, like: torch.Tensor | None = None, exact: bool = False) -> Any:
        """A tensor or number as cells, in the format of `like` (its own, if none); complex where either is. A constant
        is rounded to what kernels compute in, or with `exact` to the dtype itself."""
        kind = like if like is not None else x
        format = FORMATS[kind.dtype]
        held = self.read(x) if self.holds(x) else None
        if held is None:
            real = kind.dtype.to_real() if kind.dtype.is_complex else kind.dtype
            held = memory.constant(self.tape, x, format, real if exact else None)
        if isinstance(held, Predicates):
            held = self.tape.lift(held, format)
        if isinstance(held, ComplexCells):
            return ComplexCells(self.tape.cast(held.re, format), self.tape.cast(held.im, format))
        held = self.tape.cast(held, format)
        return lifted(self.tape, held) if kind.dtype.is_complex else held

    def real(self, x: Any, like: torch.Tensor | None = None) -> Cells:
        """As `cells`, for operations that are traced for real numbers only."""
        cells = self.cells(x, like)
        if isinstance(cells, ComplexCells):
            raise self.refusal("it is not traced for complex numbers", TRUTH)
        return cells

    def truths(self, x: Any) -> Any:
        """A boolean tensor as predicates, or as an array where it is concrete; of numbers, whether they are not 0."""
        if not self.holds(x):
            return np.asarray(memory.to_numpy(x) != 0 if torch.is_tensor(x) else bool(x))
        cells = self.read(x)
        return cells if isinstance(cells, Predicates) else cells != 0.0

    def indices(self, x: torch.Tensor) -> np.ndarray:
        """A tensor of integers or of booleans, to index with. What the input decides is settled."""
        return self.tape.settle(self.truths(x)) if x.dtype == torch.bool else memory.to_numpy(x)

    def number(self, value: float, like: torch.Tensor) -> Cells:
        """A Python number, as a kernel for this tensor takes it."""
        return memory.constant(self.tape, value, FORMATS[like.dtype])

    def poison(self, result: torch.Tensor, reason: str, cure: str = TRUTH) -> Cellular:
        """Cells that must not be used, for a result without a rule."""
        shape, format = tuple(result.shape), FORMATS[result.dtype]
        parts = [
            self.tape.poison(shape, format, self.tape.source, reason, cure) for _ in range(1 + result.is_complex())
        ]
        return ComplexCells(*parts) if result.is_complex() else parts[0]

    def settle(self, x: Any) -> None:
        """Hold fixed what an integer result was made of."""
        cells = self.read(x)
        if isinstance(cells, Predicates):
            self.tape.settle(cells)
        else:
            for part in (cells.re, cells.im) if isinstance(cells, ComplexCells) else (cells,):
                self.tape.settle_step(part)

    def refusal(self, reason: str, cure: str = TRUTH) -> Untraceable:
        """What to raise for the operation that is being lowered."""
        return Untraceable(self.tape.source, reason, self.tape.where, cure)

    def leave(self, operation: str, always: bool = False) -> None:
        """A value leaves the trace. Outside of an autograd.Function it is a constant to autograd too, whatever becomes
        of it; inside, it may come back with a derivative written by hand."""
        where = where_in_user_code()
        if self.functions or always:
            raise Untraceable(operation, "a value leaves PyTorch, where it cannot be followed", where, TRUTH)
        self.notes.append(f"{operation} at {where}: a value left the trace")

    # What autograd takes for a constant

    def _has_gradient(self, x: torch.Tensor) -> bool:
        if self.within:
            return True
        if not torch.is_grad_enabled():
            return False
        if x.requires_grad:
            if x.is_leaf:  # what is no argument of ours is a leaf of its own, such as a view made under no_grad
                return id(x) in self._inputs
            if self.memory.key(x) in self._ungraded:
                raise self.refusal("an argument was computed by an autograd function that is not Python", TRUTH)
            return True
        # The dispatcher resolves conjugates and symbolic zeros below autograd, and hands over what autograd never saw.
        return id(x) in self._made

    def _frozen(self, cells: Any) -> Any:
        if isinstance(cells, ComplexCells):
            return ComplexCells(self.tape.freeze(cells.re), self.tape.freeze(cells.im))
        return self.tape.freeze(cells)

    # The interception

    def __torch_dispatch__(self, func: Any, types: Sequence[type], args: tuple = (), kwargs: dict | None = None) -> Any:
        kwargs = kwargs or {}
        if any(_dispatches_itself(kind) for kind in types):
            return NotImplemented  # it comes again, as the operations on what it is made of
        self.tape.source, self.tape.where = str(func), where_in_user_code()
        tensors = [a for a in tree_leaves((args, kwargs)) if torch.is_tensor(a)]
        if isinstance(func, HigherOrderOperator):
            return self._higher_order(func, args, kwargs)
        if torch.Tag.nondeterministic_seeded in func.tags:
            self._note_randomness(func, args, kwargs)
        if not any(x.numel() and self.holds(x) for x in tensors):
            return func(*args, **kwargs)
        name = func._schema.name.split("::")[1]
        if name in OF_SHAPES or _without_values(tensors, kwargs):
            return func(*args, **kwargs)
        if name in SHAPE_ALONE or name in ALIASES or (func.is_view and not _is_composite(func)):
            return self._view(func, name, args, kwargs)
        return self._lower(func, name, args, kwargs)

    def _view(self, func: OpOverload, name: str, args: tuple, kwargs: dict) -> Any:
        self.operations[name.rstrip("_")] += name != "detach"
        result = func(*args, **kwargs)
        has_gradient = name != "detach" and torch.is_grad_enabled() and self._has_gradient(args[0])
        for x in tree_leaves(result):
            if torch.is_tensor(x) and self.memory.key(x) != self.memory.key(args[0]):
                raise self.refusal("its result is no view of its argument")
            if has_gradient:
                self._remember(x)
        return result

    def _lower(self, func: OpOverload, name: str, args: tuple, kwargs: dict) -> Any:
        in_place = name.endswith("_") and not name.endswith("__")
        base = name.rstrip("_") if in_place else name
        rule = rules.RULES.get(base)
        if rule is None and base not in rules.DECOMPOSED:
            return self._decomposed(self._body(func), args, kwargs)
        self.operations[base] += 1
        self._looked_away = False
        out = kwargs.get("out")
        options = {name: value for name, value in kwargs.items() if name != "out"}
        targets = [args[0]] if in_place else [] if out is None else tree_leaves(out)
        before = [self._adopted(x) for x in targets]
        source, where = self.tape.source, self.tape.where
        # Before the operation itself, which may overwrite its argument.
        parts = None if rule else self._parts(func, base, args, options)
        result = func(*args, **kwargs)
        if all(torch.is_tensor(x) and not x.numel() for x in tree_leaves(result)):
            return result
        if (_is_integer(result) or base in ORDERING) and self._settled_truths((args, kwargs)):
            return result
        cells = self._cells_of(parts, result) if parts else self._by_rule(rule, result, args, options)
        self.tape.source, self.tape.where = source, where
        self._store(result, cells, before)
        return result

    def _by_rule(self, rule: Callable, result: Any, args: tuple, kwargs: dict) -> Any:
        try:
            return rule(self, result, *args, **kwargs)
        except (TypeError, ValueError, IndexError) as error:  # a call of another form than the rule knows
            raise self.refusal(f"its rule does not know this call ({type(error).__name__}: {error})") from error

    def _settled_truths(self, arguments: Any) -> bool:
        """Whether all that has cells among the arguments is boolean, which is then settled: for integer results."""
        held = [x for x in tree_leaves(arguments) if self.holds(x)]
        if any(x.dtype != torch.bool for x in held):
            return False
        for x in held:
            self.tape.settle(self.read(x))
        return True

    def _adopted(self, x: torch.Tensor) -> Cellular | None:
        """The cells of a tensor that is about to be written: constants, if it has none yet."""
        if not is_traceable(x) or not x.numel():
            return None
        if not self.holds(x):
            values = to_numpy(x)
            booleans = x.dtype == torch.bool
            self.memory.write(x, self.tape.lift_predicates(values) if booleans else self._constants(x))
        return self.memory.read(x)

    def _constants(self, x: torch.Tensor) -> Cellular:
        return memory.constant(self.tape, x, FORMATS[x.dtype], x.dtype)

    def _body(self, func: OpOverload) -> Callable:
        """What an operation is made of that PyTorch composes of others, or that was defined in Python."""
        if _is_composite(func):
            return func.decompose
        custom = OPDEFS.get(func._schema.name)
        if custom is None and any(word in func.name() for word in ("sparse", "mkldnn")):
            raise self.refusal("tensors that are not dense are not traced")
        if custom is None:
            raise self.refusal("there is no rule for this operation")
        self.own_rules[func._schema.name] = None
        return self._counting(custom._init_fn)

    def _counting(self, body: Callable) -> Callable:
        """A body whose derivative is written by hand, as that of an autograd.Function is."""

        def run(*args: Any, **kwargs: Any) -> Any:
            self.functions += 1
            try:
                return body(*args, **kwargs)
            finally:
                self.functions -= 1

        return run

    def _decomposed(self, body: Callable, args: tuple, kwargs: dict) -> Any:
        """An operation as the operations that it is made of, below autograd."""
        source, where = self.tape.source, self.tape.where
        args, kwargs = tree_map(self._below_autograd, (args, kwargs))
        self.within += 1
        try:
            with self:
                result = body(*args, **kwargs)
        finally:
            self.within -= 1
        self.tape.source, self.tape.where = source, where
        for x in tree_leaves(result):
            if self.holds(x):
                self._remember(x)
        return result

    def for_backward(self, cells: Cells) -> Cells:
        """Frozen cells of what an operation saves for its own backward pass, and gives no gradient as a result."""
        frozen = self.tape.freeze(cells)
        self._live.update(zip(frozen.numbers.flat, cells.numbers.flat, strict=True))
        return frozen

    def _below_autograd(self, x: Any) -> Any:
        """A tensor as an operation below autograd reads it: what was saved for it with its derivative."""
        cells = self.memory.read(x) if self._live and self.holds(x) and x.dtype != torch.bool else None
        if not isinstance(cells, Cells) or not cells.numbers.size or not self._live.keys() >= set(cells.numbers.flat):
            return self._as_constant(x)
        copy = x.detach().clone()
        numbers = [self._live[number] for number in cells.numbers.flat]
        self.memory.write(copy, cells.like(np.reshape(numbers, cells.shape)))
        return copy

    def _as_constant(self, x: Any) -> Any:
        """A copy with frozen cells of a tensor that autograd takes for a constant; below autograd nobody would know."""
        if not self.holds(x) or self._has_gradient(x) or x.dtype == torch.bool:
            return x
        copy = x.detach().clone()
        self.memory.write(copy, self.read(x))
        return copy

    def given_to_a_function(self, args: Sequence[Any]) -> Sequence[Any]:
        """The arguments of an autograd.Function, in whose forward everything has its derivative: copies of those that
        autograd takes for constants have none there either."""
        return args if self.within else tuple(map(self._as_constant, args))

    def _parts(self, func: OpOverload, base: str, args: tuple, options: dict) -> list[torch.Tensor]:
        """The results of a fused operation, computed by the operations that PyTorch says it is made of."""
        table = decomposition_table
        body = table.get(func) or table.get(getattr(getattr(torch.ops.aten, base), func._overloadname, None))
        if body is None:
            raise self.refusal("there is no rule for this form of the operation")
        return [x for x in tree_leaves(self._decomposed(body, args, options)) if torch.is_tensor(x)]

    def _cells_of(self, parts: list[torch.Tensor], result: Any) -> list:
        """The cells of these parts, which must be what the operation itself gave."""
        results = [x for x in tree_leaves(result) if torch.is_tensor(x)]
        for part, x in zip(parts, results, strict=True):
            tolerance = torch.finfo(x.dtype).eps ** 0.5 if x.is_floating_point() else 0.0
            if not torch.allclose(part, x, tolerance, tolerance, equal_nan=True):
                raise self.refusal("what PyTorch says it is made of gives another value")
        return [self.memory.read(x) if self.holds(x) else None for x in parts]

    # What is written back

    def _store(self, result: Any, cells: Any, before: list) -> None:
        results = [x for x in tree_leaves(result) if torch.is_tensor(x)]
        found = list(cells) if isinstance(cells, list | tuple) else [cells]
        for i, x in enumerate(results):
            own = self._fitting(x, found[i] if i < len(found) else None)
            if own is None:
                continue
            if self._looked_away and not isinstance(own, Predicates):
                self.reverse_alone.append(f"torch.no_grad holds in reverse mode only: {self.tape.where}")
            if before:
                own = self._written(x, own, before[i])
            else:
                self._remember(x)
            self.memory.write(x, own)

    def _fitting(self, x: torch.Tensor, cells: Any) -> Cellular | None:
        """The cells of a result in its own format; None where it is concrete."""
        if x.dtype == torch.bool:
            if isinstance(cells, Predicates):
                return cells
            return self.tape.lift_predicates(to_numpy(x)) if self.holds(x) else None
        if not x.numel():
            return None
        if x.dtype not in FORMATS:
            if x.is_floating_point() or x.is_complex():
                raise self.refusal(f"its result is of the dtype {x.dtype}, which is not traced")
            return None
        if cells is None:
            return self.poison(x, "this result of it has no rule")
        if isinstance(cells, np.ndarray):
            return self._constants(x)
        if x.is_complex():
            cells = lifted(self.tape, cells)
            return ComplexCells(*(self.tape.cast(part, FORMATS[x.dtype]) for part in (cells.re, cells.im)))
        return self.tape.cast(cells, FORMATS[x.dtype])

    def _remember(self, x: torch.Tensor) -> None:
        if self.within:
            return
        if torch.is_grad_enabled():
            self._made[id(x)] = x
        else:
            self._ungraded.add(self.memory.key(x))

    def _written(self, x: torch.Tensor, cells: Cellular, before: Cellular | None) -> Cellular:
        """What an in-place write leaves. Where autograd does not see it, the derivative stays that of the old entry."""
        if self.within or before is None or isinstance(cells, Predicates):
            return cells
        if self._has_gradient(x):
            self._ungraded.discard(self.memory.key(x))
            return cells
        if torch.is_grad_enabled() and _is_active(cells):
            if self.memory.has_gradient(x):
                raise self.refusal(
                    "it writes what has a gradient into memory that a detached tensor shares with another",
                    "Use .detach().clone().",
                )
            return cells
        if isinstance(cells, ComplexCells):
            return ComplexCells(self._grafted(cells.re, before.re), self._grafted(cells.im, before.im))
        return self._grafted(cells, before)

    def _grafted(self, cells: Cells, before: Cells) -> Cells:
        stays = before.active & ~self.tape.poisoned(before)
        if not stays.any():
            return cells
        numbers = np.broadcast_to(cells.numbers, before.shape).copy()
        numbers[stays] = self.tape.graft(cells.like(numbers[stays]), before.like(before.numbers[stays])).numbers
        return cells.like(numbers)

    # Randomness, and what is no operation of aten

    def _note_randomness(self, func: OpOverload, args: tuple, kwargs: dict) -> None:
        names = [argument.name for argument in func._schema.arguments]
        given = dict(zip(names, args, strict=False)) | kwargs
        base = func._schema.name.split("::")[1].rstrip("_")
        if not rules.is_drawn(base, given):
            return
        generator = given.get("generator")
        if generator is None:
            device = next((a.device for a in tree_leaves((args, kwargs)) if torch.is_tensor(a)), torch.device("cpu"))
            devices = torch.cuda.default_generators if device.type == "cuda" else ()
            generator = devices[device.index or 0] if devices else torch.default_generator
        self.generators.append((self.tape.source, self.tape.where, generator))

    def _higher_order(self, func: HigherOrderOperator, args: tuple, kwargs: dict) -> Any:
        self.tape.source = func.name()
        if not any(map(self.holds, tree_leaves((args, kwargs)))):
            return func(*args, **kwargs)
        raise self.refusal("operations on functions are not traced", "Write the control flow in Python. " + TRUTH)


def _is_composite(func: OpOverload) -> bool:
    return torch._C._dispatch_has_kernel_for_dispatch_key(func.name(), "CompositeImplicitAutograd")


def _without_values(tensors: list[torch.Tensor], kwargs: dict) -> bool:
    """Whether an operation is only about the shape and dtype of its result: on the device of tensors without memory."""
    return any(x.is_meta for x in tensors) or torch.device(kwargs.get("device") or "cpu").type == "meta"


def _is_integer(result: Any) -> bool:
    tensors = [x for x in tree_leaves(result) if torch.is_tensor(x)]
    return bool(tensors) and not any(is_traceable(x) for x in tensors)


def _is_active(cells: Any) -> bool:
    parts = (cells.re, cells.im) if isinstance(cells, ComplexCells) else (cells,)
    return any(part.active.any() for part in parts)


def _dispatches_itself(kind: type) -> bool:
    plain = torch.Tensor.__torch_dispatch__
    return kind not in (torch.Tensor, torch.nn.Parameter) and kind.__torch_dispatch__ is not plain
