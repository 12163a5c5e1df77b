"""Random programs find what is planted in a rule, shrink it to a few lines, and print it as code; and on the backends
as they are, a slice of them finds nothing."""

import ast
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, find, given, seed, settings
from hypothesis import strategies as st

from gradproof import divergences
from gradproof.backends import BACKENDS, MODES
from gradproof.verification.programs import Program, cause_of, check, known, programs, truth_of
from gradproof.verification.programs.grammar import LARGEST, MOST
from tests.unit.made import DIFFERENTIATING, NAMES, needs

COUNT = 1000
"""What is planted must be found within so many programs."""

QUICK = settings(deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))


def _drawn(count: int) -> list[Program]:
    found: list[Program] = []

    @seed(3)
    @settings(QUICK, derandomize=False, max_examples=count, phases=[Phase.generate])
    @given(programs())
    def draw(program: Program) -> None:
        found.append(program)

    draw()
    return found


def test_programs_are_finite_and_hold_every_kind_of_operation() -> None:
    drawn = _drawn(400)
    text = "\n".join(program.source for program in drawn)
    kinds = (
        "xp.sin xp.max( xp.sum( xp.where( xp.scan( xp.cond( xp.fori_loop( softmax log_softmax @ xp.matmul xp.reshape"
    )
    kinds += " xp.concat xp.take( [1:] xp.cumulative_sum( xp.permute_dims xp.var( xp.broadcast_to xp.hypot( xp.special"
    assert [kind for kind in kinds.split() if kind not in text] == []
    assert sum(len(program.statements) for program in drawn) > 2 * len(drawn)


def test_a_program_is_what_its_tape_says() -> None:
    judged = 0
    for program in _drawn(40):
        checked = truth_of(program, prove=True)
        if checked.problem:
            continue
        judged += 1
        assert checked.solution.proved
    assert judged > 20


def test_a_kink_and_a_tie_are_left_out() -> None:
    x = np.array([0.5, 0.5])
    tied = Program((x,), ("v0 = xp.max(a, axis=0, keepdims=False)",), ("v0",))
    assert "kink" in truth_of(tied).problem
    assert truth_of(Program((x - [0, 1],), tied.statements, tied.results)).problem == ""
    assert LARGEST < 100 and MOST < 100


@contextmanager
def _rule(primitive: Callable, argument: int, planted: Callable) -> Iterator[None]:
    """Another rule of reverse mode for one argument of a primitive."""
    from autograd.core import primitive_vjps

    rules = primitive_vjps[primitive]

    def replaced(argnums: tuple[int, ...], answer: object, arguments: tuple, options: dict) -> Callable:
        vjps = [
            planted(answer, *arguments, **options)
            if argnum == argument
            else rules((argnum,), answer, arguments, options)
            for argnum in argnums
        ]

        def pull(g: object) -> tuple:
            parts = [vjp(g) for vjp in vjps]
            return tuple(part[0] if isinstance(part, tuple) else part for part in parts)

        return pull

    primitive_vjps[primitive] = replaced
    try:
        yield
    finally:
        primitive_vjps[primitive] = rules


def _term_dropped() -> tuple:
    import autograd.numpy as anp

    # The rule of the quotient for its divisor, without the minus.
    return anp.true_divide, 1, lambda answer, x, y: lambda g: _summed(g * x / y**2, y)


def _broadcast_sum_forgotten() -> tuple:
    import autograd.numpy as anp

    return anp.multiply, 0, lambda answer, x, y: lambda g: _first_rows(g * y, x)


def _axis_swapped() -> tuple:
    import autograd.numpy as anp

    return anp.cumsum, 0, lambda answer, x, axis=None: lambda g: anp.cumsum(g[::-1], axis=0)[::-1]


def _summed(g: np.ndarray, like: np.ndarray) -> np.ndarray:
    from autograd.numpy.numpy_vjps import unbroadcast

    return unbroadcast(g, (np.shape(like), np.ndim(like), np.result_type(like), False))


def _first_rows(g: np.ndarray, like: np.ndarray) -> np.ndarray:
    # Of what was stretched the first entry alone, in place of their sum.
    shape = np.shape(like)
    g = g[(0,) * (np.ndim(g) - len(shape))]
    return g[tuple(slice(0, n) for n in shape)] if shape else g


PLANTED = {"term-dropped": _term_dropped, "sum-forgotten": _broadcast_sum_forgotten, "axis-swapped": _axis_swapped}


@pytest.mark.parametrize("name", PLANTED)
def test_what_is_planted_in_a_rule_is_found_and_shrinks_to_a_few_lines(name: str, tmp_path: Path) -> None:
    needs("autograd")
    alarms = {}

    def alarming(program: Program) -> bool:
        checked = truth_of(program)
        found = None if checked.problem else check(checked, "autograd", "float64", "reverse")
        if found is None or found.refused:
            return False
        alarms[program.file] = found
        return True

    with _rule(*PLANTED[name]()):
        smallest = find(programs(), alarming, settings=settings(QUICK, max_examples=COUNT))
    assert len(smallest.statements) <= 3
    text = alarms[smallest.file].script(tmp_path)
    ast.parse(text)
    assert "gradproof" not in text.split('"""')[-1] and "xp." not in text.split('"""')[-1]


@pytest.mark.parametrize(
    "backend",
    [pytest.param(name, id=short, marks=pytest.mark.xdist_group(name)) for short, name in DIFFERENTIATING.items()],
)
@pytest.mark.generative
# HypoFuzz takes no test in which another may be nested.
@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large])
@given(programs(), st.integers(0, 5), st.sampled_from(["float64", "float32"]))
def test_random_programs_are_right(backend: str, program: Program, choice: int, dtype: str) -> None:
    needs(backend)
    known = BACKENDS[backend]
    modes = [mode for mode in ("forward", "vectorized", "forward_over_reverse") if mode in known.modes]
    modes = [mode for mode in modes if MODES[mode].order == 1 or known.quick == "reverse"]
    # Every other program in reverse mode; the others in one of the rest.
    mode = "reverse" if choice < 3 else modes[choice % len(modes)]
    alarm = check(truth_of(program), backend, dtype, mode)
    assert alarm is None or alarm.refused or cause_of(alarm), str(alarm)


def test_what_programs_meet_again_is_recorded_and_still_there() -> None:
    needs("autograd")
    for entry in known():
        recorded = {place.cause for place in divergences.load(entry["backend"])}
        assert entry["cause"] in recorded
    x = np.array([[0.5, -1.25, 1.75]])
    zero = Program((x,), ("v0 = xp.nn.relu(a)", "v1 = xp.prod(v0, axis=None, keepdims=True)"), ("v1", "a"))
    alarm = check(truth_of(zero), "autograd", "float64", "reverse")
    assert alarm is not None and cause_of(alarm) == "product-divided-by-entry"
    assert check(truth_of(Program((x,), ("v0 = xp.nn.relu(a)",), ("v0",))), "autograd", "float64", "reverse") is None


@pytest.mark.parametrize("operation", [entry["operation"] for entry in known() if entry["backend"] == NAMES["TF"]])
def test_what_an_activation_loses_is_known_where_it_is_recorded_and_nowhere_else(operation: str) -> None:
    needs(NAMES["TF"])
    inputs = [np.array([-0.75, 1.390625]), np.array([-(2.0**-30)])]
    made = [Program((x,), (f"v0 = {operation}a)",), ("v0",)) for x in inputs]
    alarm = next(filter(None, (check(truth_of(one), NAMES["TF"], "float64", "reverse") for one in made)))
    assert cause_of(alarm)
    assert not cause_of(replace(alarm, backend=NAMES["JX"])) and not cause_of(replace(alarm, mode="xla"))
