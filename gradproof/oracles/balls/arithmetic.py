"""Ball arithmetic as an array namespace: NumPy object arrays of Arb numbers, each a midpoint with a rigorous radius.

The same body runs in three ways. With no machine model every operation is exact to the working precision: the truth.
With a model, each operation also multiplies its result by the ball 1 ± δ of the machine model: the final radius bounds
what rounding in that format can do at this very input. And on Taylor series (`taylor.py`) it gives derivatives that
need no hand-derived gradient. Here the families of operations become one `xp`."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from operator import attrgetter
from typing import Any

from flint import arb

from gradproof.oracles.balls import complex_linalg, complex_numbers, fourier, linalg, special, spectral, steps
from gradproof.oracles.balls.real import RealArithmetic
from gradproof.oracles.balls.scalars import ELEMENTARY, SEVERAL, SPECIAL
from gradproof.registry import Namespace

_INTERNAL = "angle answered center elementwise fork hull inputs length logsumexp power scalar softmax".split()
_MAIN = [name for name in dir(RealArithmetic) if not name.startswith("_") and name not in _INTERNAL]

_LINALG = linalg.OPERATIONS | spectral.OPERATIONS

_Maker = Callable[[RealArithmetic], Any]
"""Makes an operation of `xp` for an evaluation."""


class _OfOne(Mapping):
    """The operations of one evaluation, each made when a body asks for it: a body asks for few of them, and there are
    thousands of evaluations."""

    def __init__(self, operations: Mapping[str, _Maker], on: RealArithmetic) -> None:
        self.operations, self.on = operations, on

    def __getitem__(self, name: str) -> Any:
        return self.operations[name](self.on)

    def __iter__(self) -> Iterator[str]:
        return iter(self.operations)

    def __len__(self) -> int:
        return len(self.operations)


def _first(operations: Mapping[str, Callable]) -> dict[str, _Maker]:
    """Operations that take the evaluation as their first argument."""
    return {name: lambda on, operation=operation: partial(operation, on) for name, operation in operations.items()}


def _elementwise(names: Iterable[str]) -> dict[str, _Maker]:
    return {name: lambda on, name=name: partial(on.elementwise, name) for name in names}


def _namespace() -> dict[str, dict[str, _Maker]]:
    main = {name: attrgetter(name) for name in _MAIN} | _elementwise(ELEMENTARY) | _first(steps.OPERATIONS)
    main |= {"inf": lambda on: math.inf, "nan": lambda on: math.nan, "newaxis": lambda on: None}
    main |= {"pi": lambda on: on._constant_ball(arb.pi()), "e": lambda on: on._constant_ball(arb(1).exp())}
    for name in (*complex_numbers.OPERATIONS, *complex_numbers.PARTWISE):
        main[name] = lambda on, name=name, plain=main[name]: complex_numbers.aware(on, name, plain(on))
    matrices = _first(_LINALG) | {name: attrgetter(name) for name in ("matmul", "matrix_transpose", "tensordot")}
    matrices |= {name: main[name] for name in matrices if name in main}
    for name, of_complex in _first(complex_linalg.OPERATIONS).items():
        matrices[name] = lambda on, plain=matrices[name], of_complex=of_complex: complex_numbers.either(
            plain(on), of_complex(on)
        )
    functions = _elementwise((*SPECIAL, *SEVERAL)) | _first(special.OPERATIONS)
    functions["logsumexp"] = attrgetter("logsumexp")
    neural = {"tanh": main["tanh"], "softmax": attrgetter("softmax")}
    return {"main": main, "linalg": matrices, "fft": _first(fourier.OPERATIONS), "special": functions, "nn": neural}


_NAMESPACE = _namespace()
"""The operations of `xp` by group and name."""


class BallArithmetic(RealArithmetic):
    """One evaluation in balls, with all operations of `xp`."""

    def namespace(self) -> Namespace:
        """The `xp` that runs a body in this evaluation."""
        groups = {group: _OfOne(operations, self) for group, operations in _NAMESPACE.items()}
        return Namespace("the exact arithmetic", groups["main"], groups)
