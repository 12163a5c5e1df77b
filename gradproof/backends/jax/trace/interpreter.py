"""The interpreter: a jaxpr, run once on cells. Whatever holds an inner program (jit, custom derivatives, checkpoints,
loops, branches) is entered; of a custom derivative that is the primal function, so that the derivative is put to the
test and not to use."""

import os
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np
from jax.extend.core import ClosedJaxpr, Jaxpr, JaxprEqn, Literal

from gradproof.backends.jax.trace import concrete, elementwise, factorizing, moving, reductions, special
from gradproof.backends.jax.trace.operation import Operation, Value, as_plain, moved
from gradproof.backends.jax.trace.operation import concrete as as_value
from gradproof.oracles.tape import Cells, ComplexCells, Predicates, Tape
from gradproof.oracles.tape.program import is_user_code

LONGEST_LOOP = 100_000
"""A while loop of more steps is taken for one that does not end."""

REAL = elementwise.REAL | reductions.REAL | moving.SUMS | factorizing.RULES
COMPLEX = elementwise.COMPLEX | reductions.COMPLEX | moving.COMPLEX_SUMS | factorizing.RULES
PREDICATES = elementwise.PREDICATES
GENERAL = moving.RULES | reductions.GENERAL | {"select_n": elementwise.select}
"""Rules for operands of any kinds."""

RUNS = frozenset("composite custom_jvp_call custom_vjp_call custom_vmap_call jit linear_call remat2 remat_opt".split())
"""Primitives that run an inner program."""

FORMERLY = frozenset("checkpoint custom_vjp_call_jaxpr pjit".split())
"""What older versions of JAX, from 0.4.36 on, call some of them."""

OF_JAX = f"{Path(jax.__file__).parent}{os.sep}"
"""Where the functions are whose derivatives are JAX's own."""

INNER = ("call_jaxpr", "jaxpr", "callee", "call", "fwd_jaxpr", "fun_jaxpr")
"""The parameters in which they hold it."""

PASSES = frozenset("copy device_put name optimization_barrier sharding_constraint".split())
"""Primitives that give back their operands as they are."""

SILENT = frozenset("debug_callback debug_print".split())
"""Primitives that compute nothing."""

FIX_THE_KEY = "Fix the key, or pass the noise as an argument"
NO_KERNEL = "a kernel of its own, into which the trace does not see"
REFUSED = {
    "pure_callback": "it runs Python code that the trace does not see",
    "io_callback": "it runs Python code that the trace does not see",
    **dict.fromkeys(("pallas_call", "ffi_call", "custom_partitioning", "tpu_custom_call"), NO_KERNEL),
    "rng_uniform": "a random draw that no key fixes",
    "random_gamma": "a random draw from a distribution that depends on the input",
}
"""What is known and cannot be put on a tape, and why."""

CURES = dict.fromkeys(("rng_uniform", "random_gamma"), FIX_THE_KEY)
"""The cure where it is not `truth=`."""


class Interpreter:
    """Runs jaxprs on values and writes what they do to floating-point numbers on `tape`. `platform` is that of the
    arguments, as JAX names it; `operations` counts the primitives that were met, and `own_rules` has the names of
    functions whose derivative somebody has written."""

    def __init__(self, tape: Tape, platform: str = "cpu") -> None:
        self.tape, self.platform = tape, platform
        self.operations: Counter[str] = Counter()
        self.own_rules: dict[str, None] = {}
        self._live: dict[tuple[Jaxpr, tuple[bool, ...]], list[tuple[JaxprEqn, tuple[bool, ...]]]] = {}
        self._calls = {
            **dict.fromkeys(RUNS | FORMERLY, self._inner),
            **dict.fromkeys(PASSES, lambda op, *values: list(values)),
            **dict.fromkeys(SILENT, lambda op, *values: []),
            "cond": self._branch,
            "custom_linear_solve": factorizing.linear_solve,
            "platform_index": self._platform_index,
            "scan": self._scan,
            "while": self._loop,
        }

    def run(
        self,
        program: ClosedJaxpr | Jaxpr,
        values: Sequence[Value],
        needed: Sequence[bool] | None = None,
        tape: Tape | None = None,
    ) -> list[Value]:
        """The results of a program at these values. Those that are not `needed` may be None. Where a `tape` is given,
        what the program does is written on that one."""
        if tape is not None:
            return Interpreter(tape, self.platform).run(program, values, needed)
        jaxpr = getattr(program, "jaxpr", program)
        constants = [as_value(self.tape, c) for c in getattr(program, "consts", ())]
        environment: dict[Any, Value | None] = dict(zip(jaxpr.constvars, constants, strict=True))
        environment.update(zip(jaxpr.invars, values, strict=True))

        def read(atom: Any) -> Value | None:
            if isinstance(atom, Literal):
                return as_value(self.tape, atom.val, atom.aval.dtype)
            return environment.get(atom)

        for equation, wanted in self._live_equations(jaxpr, tuple(needed or (True,) * len(jaxpr.outvars))):
            results = self._equation(equation, [read(atom) for atom in equation.invars], wanted)
            environment.update(zip(equation.outvars, results, strict=True))
        return [read(atom) for atom in jaxpr.outvars]

    def _live_equations(self, jaxpr: Jaxpr, needed: tuple[bool, ...]) -> list[tuple[JaxprEqn, tuple[bool, ...]]]:
        """The equations that what is needed depends on, and which of their results are used. What no result depends on
        has no derivative, and costs nothing; as the factors with which JAX would solve a linear system."""
        key = (jaxpr, needed)
        if key not in self._live:
            used = {atom for atom, wanted in zip(jaxpr.outvars, needed, strict=True) if wanted and _is_variable(atom)}
            live = []
            for equation in reversed(jaxpr.eqns):
                wanted = tuple(v in used for v in equation.outvars)
                if any(wanted):
                    live.append((equation, wanted))
                    used.update(atom for atom in _read_by(equation) if _is_variable(atom))
            self._live[key] = live[::-1]
        return self._live[key]

    def _equation(self, equation: JaxprEqn, values: list[Value], wanted: tuple[bool, ...]) -> list[Value]:
        place = _place(equation)
        outer, self.tape.where = self.tape.where, place or self.tape.where
        results = [v.aval for v in equation.outvars]
        op = Operation(equation.primitive, equation.params, results, self.tape, self.run, wanted)
        found = self.apply(op, values)
        self.tape.where = outer
        return found

    def apply(self, op: Operation, values: Sequence[Value]) -> list[Value]:
        """The results of one operation."""
        self.operations[op.name] += 1
        self.tape.source = op.name
        results = self._rule(op, values)(op, *values)
        return results if isinstance(results, list) else [results]

    def _rule(self, op: Operation, values: Sequence[Value]) -> Callable[..., Any]:
        if op.name in self._calls:
            return self._calls[op.name]
        if any(isinstance(x, elementwise.Bits) for x in values):
            return elementwise.sign_of_bits
        if any(isinstance(x, jax.Array) for x in values) and not any(map(concrete.moves, values)):
            return concrete.compute
        if op.name in GENERAL:
            return GENERAL[op.name]
        for kind, rules in ((ComplexCells, COMPLEX), (Cells, REAL), (Predicates, PREDICATES)):
            if any(isinstance(x, kind) for x in values):
                return rules.get(op.name) or _unknown(op, kind, values)
        if op.name in REFUSED:
            _refuse(op)
        return concrete.compute

    # What holds an inner program

    def _inner(self, op: Operation, *values: Value) -> list[Value]:
        program = next(op.params[name] for name in INNER if hasattr(op.params.get(name), "eqns"))
        self.note_rule(op.name, getattr(program, "jaxpr", program))
        own = values[op.params.get("num_consts", 0) :]  # JAX gives the arrays of the function's own code first
        rule = special.rule_for(program, own)
        if rule is not None:
            found = rule(op, *own)
            return found if isinstance(found, list) else [found]
        return self.run(program, values, op.needed)

    def note_rule(self, primitive: str, program: Any) -> None:
        """Note whose derivative it is that a primitive has, by what JAX knows of its program."""
        told = getattr(getattr(program, "debug_info", None), "func_src_info", None) or ""  # "f at path.py:12"
        name, _, path = str(told).rpartition(" at ")
        if primitive.startswith(("custom_jvp_call", "custom_vjp_call")) and name and not path.startswith(OF_JAX):
            self.own_rules[name] = None

    def _branch(self, op: Operation, which: Value, *values: Value) -> list[Value]:
        branches = op.params["branches"]
        which = int(np.clip(int(as_plain(self.tape, which)), 0, len(branches) - 1))
        return self.run(branches[which], values, op.needed)

    def _platform_index(self, op: Operation) -> np.ndarray:
        for i, platforms in enumerate(op.params["platforms"]):
            if platforms is None or self.platform in platforms:
                return np.asarray(i, np.int32)
        op.refuse(f"no branch is for the platform {self.platform}")

    def _loop(self, op: Operation, *values: Value) -> list[Value]:
        count, inner = op.params["cond_nconsts"], op.params["body_nconsts"]
        of_condition, of_body, state = values[:count], values[count : count + inner], list(values[count + inner :])
        for _ in range(LONGEST_LOOP):
            (more,) = self.run(op.params["cond_jaxpr"], [*of_condition, *state])
            more = as_plain(self.tape, more)
            if not more.any():
                return state
            after = self.run(op.params["body_jaxpr"], [*of_body, *state])
            # Under vmap each row goes on as long as its own condition holds.
            if more.ndim:
                after = [_going_on(self.tape, more, *each) for each in zip(after, state, op.results, strict=True)]
            state = after
        op.refuse(f"a loop of more than {LONGEST_LOOP} steps")

    def _scan(self, op: Operation, *values: Value) -> list[Value]:
        count, carried, length = (op.params[name] for name in ("num_consts", "num_carry", "length"))
        constants, state, lines = values[:count], list(values[count : count + carried]), values[count + carried :]
        order = range(length)
        rows = []
        for i in reversed(order) if op.params["reverse"] else order:
            results = self.run(op.params["jaxpr"], [*constants, *state, *(line[i] for line in lines)])
            state, row = results[:carried], results[carried:]
            rows.append(row)
        if op.params["reverse"]:
            rows.reverse()
        return [*state, *(self._joined([row[k] for row in rows], aval) for k, aval in enumerate(op.results[carried:]))]

    def _joined(self, parts: list[Value], aval: Any) -> Value:
        if not parts:
            return as_value(self.tape, np.zeros(aval.shape), aval.dtype)
        if isinstance(parts[0], jax.Array):
            return jax.numpy.stack(parts)
        return moved(lambda *arrays: np.stack(arrays), self.tape, aval.dtype, *parts)


def _is_variable(atom: Any) -> bool:
    return not isinstance(atom, Literal)


def _read_by(equation: JaxprEqn) -> list[Any]:
    """The operands that the rule of an equation reads."""
    if equation.primitive.name != "custom_linear_solve":
        return equation.invars
    counts = equation.params["const_lengths"]
    right_sides = equation.invars[sum(counts) :]
    if len(equation.outvars) > len(right_sides):  # the solver tells more than x
        return equation.invars
    return equation.invars[: counts.matvec] + right_sides


def _place(equation: JaxprEqn) -> str:
    """The place in the user's code that an equation comes from; "" where there is none."""
    traceback = equation.source_info.traceback
    for frame in traceback.frames if traceback is not None else ():
        if is_user_code(frame.file_name):
            return f"{Path(frame.file_name).name}:{frame.line_num}"
    return ""


def _going_on(tape: Tape, more: np.ndarray, after: Value, before: Value, aval: Any) -> Value:
    more = more.reshape(more.shape + (1,) * (len(aval.shape) - more.ndim))
    return moved(lambda new, old: np.where(more, new, old), tape, aval.dtype, after, before)


def _unknown(op: Operation, kind: type, values: Sequence[Value]) -> Callable[..., Any]:
    """What is done where there is no rule for this kind of operand."""
    if kind is Predicates and (op.name in concrete.NUMPY or op.name in concrete.BY_JAX):
        return lambda op, *values: concrete.compute(op, *(as_plain(op.tape, x) for x in values))
    if op.name in concrete.OF_CONSTANTS and not any(map(concrete.moves, values)):
        return concrete.compute
    if op.name in REFUSED:
        _refuse(op)
    of = {ComplexCells: " of complex numbers", Predicates: " of booleans that depend on the input"}.get(kind, "")
    return op.refuse(f"this operation{of} is not known here")


def _refuse(op: Operation) -> None:
    if op.name in CURES:
        op.refuse(REFUSED[op.name], CURES[op.name])
    op.refuse(REFUSED[op.name])


OPERATIONS = sorted(
    {
        *REAL,
        *COMPLEX,
        *PREDICATES,
        *GENERAL,
        *concrete.NUMPY,
        *concrete.BY_JAX,
        *concrete.OF_CONSTANTS,
        *RUNS,
        *PASSES,
        *SILENT,
    }
    | {"cond", "custom_linear_solve", "platform_index", "scan", "while"}
)
"""The primitives that are claimed to be known."""
