"""The namespace `xp` whose arrays are cells of a tape: a body of the registry, run in it, is recorded as the program
that it is, operation by operation, so that its own reverse sweep can be taken. What stands in no table here is composed
of the textbook formulas, as for a backend; what neither has is `Untraceable` or a `MissingOperation`."""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from gradproof.oracles.tape import complex_cells, factorizations, lowering
from gradproof.oracles.tape.complex_cells import ComplexCells
from gradproof.oracles.tape.program import (
    CONNECTIVES,
    MAPS,
    QUESTIONS,
    STEPS,
    Cells,
    Predicates,
    Tape,
    Untraceable,
)
from gradproof.registry import Function, Inputs, Namespace

MOVES: dict[str, Callable] = {
    "broadcast_to": np.broadcast_to,
    "matrix_transpose": lambda x: np.swapaxes(x, -1, -2),
    "moveaxis": np.moveaxis,
    "permute_dims": np.transpose,
    "positive": lambda x: x,
    "reshape": lambda x, shape, **_: np.reshape(x, shape),
    "squeeze": np.squeeze,
    "tile": np.tile,
    "expand_dims": lambda x, axis=0: np.expand_dims(x, axis),
    "flip": lambda x, axis=None: np.flip(x, axis),
    "roll": lambda x, shift, axis=None: np.roll(x, shift, axis),
    "repeat": lambda x, repeats, axis=None: np.repeat(x, repeats, axis),
    "take": lambda x, indices, axis=None: np.take(x, indices, axis),
    "take_along_axis": lambda x, indices, axis=-1: np.take_along_axis(x, indices, axis),
}
"""Operations that move entries, on index arrays."""

OF_ONE = (
    "acos acosh asin asinh atan atanh cos cosh exp expm1 log log10 log1p log2 sin sinh sqrt tan tanh digamma erf erfc "
    "erfinv expit gammaln i0 i1 j0 j1 lambertw log_ndtr ndtri sinc"
).split()
OF_SEVERAL = "atan2 betainc expn gammainc gammaincc hypot polygamma zeta".split()
SPECIAL = frozenset(MAPS) - frozenset("add sub mul div neg pow".split())

COMPARISONS = {"greater": "gt", "greater_equal": "ge", "less": "lt", "less_equal": "le", "not_equal": "ne"}
OPERATORS: dict[str, Callable] = {
    "add": lambda x, y: x + y,
    "subtract": lambda x, y: x - y,
    "multiply": lambda x, y: x * y,
    "divide": lambda x, y: x / y,
    "equal": lambda x, y: x == y,
    "negative": lambda x: -x,
}


def record(function: Function, inputs: Inputs) -> tuple[Tape, Cells]:
    """The body of `function` at `inputs` on a tape, and the cell of its value. Raises `Untraceable`, or whatever the
    body raises, where it cannot be recorded."""
    tape = Tape()
    arrays = [tape.input(x, "float64") for x in inputs]
    domains = function.domains.values()
    native = [ComplexCells(x[..., 0], x[..., 1]) if d.is_complex else x for x, d in zip(arrays, domains, strict=True)]
    value = function.body(namespace(tape), *native)
    if not isinstance(value, Cells):
        value = tape.constant(np.asarray(value, float))
    return tape, value


def namespace(tape: Tape) -> Namespace:
    """The `xp` that writes on this tape."""
    on = _Recording(tape)
    main = {name: getattr(on, name) for name in dir(on) if not name.startswith("_") and name != "tape"}
    main |= {name: partial(on._moved, move) for name, move in MOVES.items()}
    main |= {name: partial(on._of_one, name) for name in OF_ONE}
    main |= {name: partial(on._of_several, name) for name in OF_SEVERAL}
    main |= {name: partial(on._operator, operation) for name, operation in OPERATORS.items()}
    main |= {name: partial(on._compared, relation) for name, relation in COMPARISONS.items()}
    main |= {f"logical_{name}": partial(tape.logic, name) for name in CONNECTIVES}
    main |= {name: partial(on._step, name) for name in STEPS}
    main |= {name: partial(on._asked, name) for name in QUESTIONS}
    main |= {"inf": math.inf, "nan": math.nan, "newaxis": None, "pi": math.pi, "e": math.e}
    special = {name: main[name] for name in main if name in SPECIAL} | {"logsumexp": on._logsumexp}
    special |= {name: partial(on._scaled, name) for name in ("i0e", "i1e")}
    linalg = {name: getattr(factorizations, name) for name in ("solve", "inv", "det", "slogdet", "cholesky")}
    linalg |= {name: main[name] for name in ("matmul", "matrix_transpose", "tensordot")}
    linalg |= {name.removeprefix("_linalg_"): getattr(on, name) for name in dir(on) if name.startswith("_linalg_")}
    fft = {name.removeprefix("_fft_"): getattr(on, name) for name in dir(on) if name.startswith("_fft_")}
    neural = {"tanh": main["tanh"], "softmax": on._softmax}
    hidden = SPECIAL - set(dir(np)) - {"expit"}
    plain = {name: operation for name, operation in main.items() if name not in hidden}
    return Namespace("the tape", plain, {"linalg": linalg, "fft": fft, "special": special, "nn": neural})


class _Recording:
    """The operations of the main namespace on one tape; those of the groups begin with an underscore."""

    def __init__(self, tape: Tape) -> None:
        self.tape = tape

    def _lifted(self, x: Any) -> Any:
        if isinstance(x, ComplexCells) or np.iscomplexobj(x):
            return complex_cells.lifted(self.tape, x)
        return self.tape.lift(x)

    def _moved(self, move: Callable, x: Any, *arguments: Any, **options: Any) -> Any:
        if isinstance(x, ComplexCells):
            return x.moved(move, *arguments, **options)
        if isinstance(x, Predicates):
            return x.like(move(x.numbers, *arguments, **options))
        x = self.tape.lift(x)
        return x.like(move(x.numbers, *arguments, **options))

    def _partwise(self, operation: Callable, x: Any) -> Any:
        x = self._lifted(x)
        return ComplexCells(operation(x.re), operation(x.im)) if isinstance(x, ComplexCells) else operation(x)

    # Entry by entry

    def _of_one(self, name: str, x: Any) -> Any:
        x = self._lifted(x)
        return complex_cells.FUNCTIONS[name](x) if isinstance(x, ComplexCells) else self.tape.map(name, x)

    def _of_several(self, name: str, *arguments: Any) -> Cells:
        return self.tape.map(name, *map(self.tape.lift, arguments))

    def _scaled(self, name: str, x: Any) -> Cells:
        return self.tape.map(name, x, self.tape.abs(x))

    def _operator(self, operation: Callable, *arguments: Any) -> Any:
        return operation(*map(self._lifted, arguments))

    def _compared(self, relation: str, x: Any, y: Any) -> Any:
        return self.tape.compare(relation, x, y)

    def _step(self, name: str, x: Any) -> Cells:
        return self.tape.step(name, x)

    def _asked(self, question: str, x: Any) -> np.ndarray:
        return self.tape.ask(question, self.tape.lift(x))

    def abs(self, x: Any) -> Cells:
        x = self._lifted(x)
        return complex_cells.absolute(x) if isinstance(x, ComplexCells) else self.tape.abs(x)

    def sign(self, x: Any) -> Cells:
        return self.tape.sign(self.tape.lift(x))

    def maximum(self, x: Any, y: Any) -> Cells:
        return self.tape.maximum(x, y)

    def minimum(self, x: Any, y: Any) -> Cells:
        return self.tape.minimum(x, y)

    def pow(self, x: Any, y: Any) -> Any:
        return self._lifted(x) ** y

    def real(self, x: Any) -> Cells:
        return x.re if isinstance(x, ComplexCells) else self.tape.lift(x)

    def imag(self, x: Any) -> Cells:
        return x.im if isinstance(x, ComplexCells) else self.zeros_like(x)

    def conj(self, x: Any) -> Any:
        return complex_cells.conj(x) if isinstance(x, ComplexCells) else self.tape.lift(x)

    def where(self, condition: Any, x: Any, y: Any) -> Any:
        if any(isinstance(part, ComplexCells) or np.iscomplexobj(part) for part in (x, y)):
            return complex_cells.choose(self.tape, condition, x, y)
        return self.tape.choose(condition, x, y)

    def signbit(self, x: Any) -> Any:
        return self.tape.compare("lt", x, 0.0)

    # Making arrays

    def asarray(self, values: Any, dtype: Any = None, **_: Any) -> Any:
        if isinstance(values, Cells | Predicates | ComplexCells):
            return values
        array = np.asarray(values)
        return array if array.dtype.kind in "iub" and dtype is None else self._lifted(array)

    def astype(self, x: Any, dtype: Any, **_: Any) -> Any:
        return self._lifted(x)

    def zeros(self, shape: Any, **_: Any) -> Cells:
        return self.full(shape, 0.0)

    def ones(self, shape: Any, **_: Any) -> Cells:
        return self.full(shape, 1.0)

    def full(self, shape: Any, value: float, **_: Any) -> Cells:
        return self.tape.constant(np.full(shape, float(value)))

    def zeros_like(self, x: Any, **_: Any) -> Cells:
        return self.full(x.shape, 0.0)

    def ones_like(self, x: Any, **_: Any) -> Cells:
        return self.full(x.shape, 1.0)

    def full_like(self, x: Any, value: float, **_: Any) -> Cells:
        return self.full(x.shape, value)

    def eye(self, rows: int, columns: int | None = None, *, k: int = 0, **_: Any) -> Cells:
        return self.tape.constant(np.eye(rows, columns, k))

    def arange(self, *bounds: Any, dtype: Any = None, **_: Any) -> Any:
        return self.asarray(np.arange(*bounds), dtype)

    def linspace(self, start: float, stop: float, num: int, *, endpoint: bool = True, **_: Any) -> Cells:
        return self.tape.constant(np.linspace(start, stop, num, endpoint=endpoint))

    def tril(self, x: Any, *, k: int = 0) -> Any:
        return self.where(np.tri(*x.shape[-2:], k, dtype=bool), x, 0.0)

    def triu(self, x: Any, *, k: int = 0) -> Any:
        return self.where(~np.tri(*x.shape[-2:], k - 1, dtype=bool), x, 0.0)

    def concat(self, arrays: Any, *, axis: int | None = 0) -> Any:
        return self._joined(complex_cells.concat, self.tape.concat, arrays, axis)

    def stack(self, arrays: Any, *, axis: int = 0) -> Any:
        return self._joined(complex_cells.stack, self.tape.stack, arrays, axis)

    def _joined(self, of_complex: Callable, plain: Callable, arrays: Any, axis: int | None) -> Any:
        arrays = [self._lifted(a) for a in arrays]
        if axis is None:
            arrays, axis = [self._moved(np.ravel, a) for a in arrays], 0
        if any(isinstance(a, ComplexCells) for a in arrays):
            return of_complex(self.tape, arrays, axis)
        return plain(arrays, axis)

    # Over axes

    def sum(self, x: Any, *, axis: Any = None, keepdims: bool = False, **_: Any) -> Any:
        return self._partwise(lambda part: self.tape.sum(part, axis, keepdims), x)

    def mean(self, x: Any, *, axis: Any = None, keepdims: bool = False) -> Any:
        return self._partwise(lambda part: self.tape.mean(part, axis, keepdims), x)

    def prod(self, x: Any, *, axis: Any = None, keepdims: bool = False, **_: Any) -> Cells:
        return self.tape.prod(x, axis, keepdims)

    def cumulative_sum(self, x: Any, *, axis: int | None = None, include_initial: bool = False, **_: Any) -> Any:
        total = self._partwise(lambda part: self.tape.cumsum(part, axis or 0), x)
        return self._behind(0.0, total, axis or 0) if include_initial else total

    def cumulative_prod(self, x: Any, *, axis: int | None = None, include_initial: bool = False, **_: Any) -> Any:
        product = self.tape.cumulate(lambda a, b: a * b, self.tape.lift(x), axis or 0)
        return self._behind(1.0, product, axis or 0) if include_initial else product

    def _behind(self, start: float, x: Any, axis: int) -> Any:
        shape = [1 if a == axis % x.ndim else n for a, n in enumerate(x.shape)]
        return self.concat([self.full(shape, start), x], axis=axis)

    def max(self, x: Any, *, axis: Any = None, keepdims: bool = False) -> Cells:
        return self.tape.extremum("max", x, axis, keepdims)

    def min(self, x: Any, *, axis: Any = None, keepdims: bool = False) -> Cells:
        return self.tape.extremum("min", x, axis, keepdims)

    def all(self, x: Any, *, axis: Any = None, keepdims: bool = False) -> Any:
        return self.tape.all(x, axis, keepdims)

    def any(self, x: Any, *, axis: Any = None, keepdims: bool = False) -> Any:
        return self.tape.any(x, axis, keepdims)

    def matmul(self, x: Any, y: Any) -> Any:
        x, y = self._lifted(x), self._lifted(y)
        either = isinstance(x, ComplexCells) or isinstance(y, ComplexCells)
        return complex_cells.matmul(x, y) if either else self.tape.matmul(x, y)

    def tensordot(self, x: Any, y: Any, *, axes: Any = 2) -> Any:
        return lowering.tensordot(self._lifted(x), self._lifted(y), axes)

    def _logsumexp(self, x: Any, *, axis: Any = None, keepdims: bool = False) -> Cells:
        return lowering.logsumexp(self.tape.lift(x), axis, keepdims)

    def _softmax(self, x: Any, *, axis: int = -1) -> Cells:
        return lowering.softmax(self.tape.lift(x), axis)

    # Places, which are held fixed

    def argmax(self, x: Any, *, axis: int | None = None, keepdims: bool = False) -> np.ndarray:
        return self._place("max", x, axis, keepdims)

    def argmin(self, x: Any, *, axis: int | None = None, keepdims: bool = False) -> np.ndarray:
        return self._place("min", x, axis, keepdims)

    def _place(self, kind: str, x: Any, axis: int | None, keepdims: bool) -> np.ndarray:
        x = self.tape.lift(x)
        place = np.asarray(self.tape.settle_extremum(kind, x, axis))
        if not keepdims:
            return place
        return place.reshape((1,) * x.ndim) if axis is None else np.expand_dims(place, axis)

    def argsort(self, x: Any, *, axis: int = -1, descending: bool = False, **_: Any) -> np.ndarray:
        return self.tape.argsort(self.tape.lift(x), axis, descending)

    def sort(self, x: Any, *, axis: int = -1, descending: bool = False, **_: Any) -> Cells:
        order = self.argsort(x, axis=axis, descending=descending)
        return self._moved(MOVES["take_along_axis"], x, order, axis=axis)

    def searchsorted(self, x1: Any, x2: Any, *, side: str = "left", sorter: Any = None) -> np.ndarray:
        edges = x1 if sorter is None else self._moved(np.take, x1, np.asarray(sorter), 0)
        relation = "lt" if side == "left" else "le"
        below = self.tape.compare(relation, edges, self._moved(np.expand_dims, x2, -1))
        return np.sum(self.tape.settle(below), axis=-1)

    def nonzero(self, x: Any) -> tuple[np.ndarray, ...]:
        return np.nonzero(self.tape.settle(self.tape.compare("ne", x, 0.0)))

    def count_nonzero(self, x: Any, *, axis: Any = None, keepdims: bool = False) -> np.ndarray:
        present = self.tape.settle(self.tape.compare("ne", x, 0.0))
        return np.count_nonzero(present, axis=axis, keepdims=keepdims)

    # Linear algebra

    def _linalg_diagonal(self, x: Any, *, offset: int = 0) -> Any:
        return self._moved(partial(np.diagonal, axis1=-2, axis2=-1), x, offset=offset)

    def _linalg_matrix_power(self, x: Any, n: int) -> Any:
        return factorizations.matrix_power(x, n)

    def _linalg_eigh(self, x: Any) -> tuple[Cells, Cells]:
        return factorizations.eigh(x, *np.linalg.eigh(x.value))

    def _linalg_eigvalsh(self, x: Any) -> Cells:
        return factorizations.eigvalsh(x, np.linalg.eigvalsh(x.value))

    def _linalg_svdvals(self, x: Any) -> Cells:
        return factorizations.svdvals(x, np.linalg.svd(x.value, compute_uv=False))

    def _linalg_svd(self, x: Any, *, full_matrices: bool = True) -> tuple[Cells, Cells, Cells]:
        if full_matrices and x.shape[-1] != x.shape[-2]:
            raise Untraceable("svd", "the vectors beyond the reduced decomposition are nobody's function")
        return factorizations.svd(x, *np.linalg.svd(x.value, full_matrices=False))

    def _linalg_qr(self, x: Any, *, mode: str = "reduced") -> tuple[Cells, Cells]:
        if mode != "reduced":
            raise Untraceable("qr", "the vectors beyond the reduced decomposition are nobody's function")
        return factorizations.qr(x, *np.linalg.qr(x.value))

    def _linalg_pinv(self, x: Any, **options: Any) -> Cells:
        return factorizations.pinv(x, np.linalg.pinv(x.value))

    # Fourier transforms

    def _transform(self, sign: int, x: Any, n: int | None, axis: int, norm: str) -> ComplexCells:
        x = self._lifted(x)
        length = x.shape[axis] if n is None else n
        return _scaled(lowering.fourier(x, sign, axis, length), length, norm, sign)

    def _fft_fft(self, x: Any, *, n: int | None = None, axis: int = -1, norm: str = "backward") -> ComplexCells:
        return self._transform(-1, x, n, axis, norm)

    def _fft_ifft(self, x: Any, *, n: int | None = None, axis: int = -1, norm: str = "backward") -> ComplexCells:
        return self._transform(1, x, n, axis, norm)

    def _fft_rfft(self, x: Any, *, n: int | None = None, axis: int = -1, norm: str = "backward") -> ComplexCells:
        whole = self._transform(-1, x, n, axis, norm)
        return whole.moved(np.take, np.arange(whole.shape[axis] // 2 + 1), axis)

    def _fft_irfft(self, x: Any, *, n: int | None = None, axis: int = -1, norm: str = "backward") -> Cells:
        x = complex_cells.lifted(self.tape, x)
        length = 2 * (x.shape[axis] - 1) if n is None else n
        return _scaled(lowering.fourier_from_half(x, axis, length), length, norm, 1)

    def _over_axes(self, one: Callable, x: Any, s: Any, axes: Any, norm: str) -> Any:
        for n, axis in zip(s if s is not None else (None,) * len(axes), axes, strict=True):
            x = one(x, n=n, axis=axis, norm=norm)
        return x

    def _fft_fftn(self, x: Any, *, s: Any = None, axes: Any = None, norm: str = "backward") -> ComplexCells:
        return self._over_axes(self._fft_fft, x, s, _last(x, s, axes), norm)

    def _fft_ifftn(self, x: Any, *, s: Any = None, axes: Any = None, norm: str = "backward") -> ComplexCells:
        return self._over_axes(self._fft_ifft, x, s, _last(x, s, axes), norm)

    def _fft_rfftn(self, x: Any, *, s: Any = None, axes: Any = None, norm: str = "backward") -> ComplexCells:
        *others, last = _last(x, s, axes)
        half = self._fft_rfft(x, n=None if s is None else s[-1], axis=last, norm=norm)
        return self._over_axes(self._fft_fft, half, None if s is None else s[:-1], others, norm)

    def _fft_irfftn(self, x: Any, *, s: Any = None, axes: Any = None, norm: str = "backward") -> Cells:
        *others, last = _last(x, s, axes)
        z = self._over_axes(self._fft_ifft, x, None if s is None else s[:-1], others, norm)
        return self._fft_irfft(z, n=None if s is None else s[-1], axis=last, norm=norm)

    def _fft_fftshift(self, x: Any, *, axes: Any = None) -> Any:
        return self._moved(np.fft.fftshift, x, axes)

    def _fft_ifftshift(self, x: Any, *, axes: Any = None) -> Any:
        return self._moved(np.fft.ifftshift, x, axes)

    def _fft_fftfreq(self, n: int, *, d: float = 1.0, **_: Any) -> Cells:
        return self.tape.constant(np.fft.fftfreq(n, d))

    def _fft_rfftfreq(self, n: int, *, d: float = 1.0, **_: Any) -> Cells:
        return self.tape.constant(np.fft.rfftfreq(n, d))


def _last(x: Any, s: Any, axes: Any) -> tuple[int, ...]:
    """The axes of a transform over several: with lengths alone, the last ones."""
    if axes is not None:
        return tuple(axes)
    return tuple(range(x.ndim)) if s is None else tuple(range(x.ndim - len(s), x.ndim))


def _scaled(z: Any, length: int, norm: str, sign: int) -> Any:
    exponent = {"backward": 0.0 if sign < 0 else -1.0, "ortho": -0.5, "forward": -1.0 if sign < 0 else 0.0}[norm]
    return z * float(length) ** exponent if exponent else z
