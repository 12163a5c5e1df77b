"""Linear algebra in complex balls: what defines each factorization holds to many digits, bounds hold what LAPACK makes
of it, derivatives are those of exact differences; and the errors that are usual with complex matrices, a transpose for
an adjoint and the phase of singular vectors left out, are caught."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from flint import arb, ctx

from gradproof.oracles.agreement import hand_against_exact
from gradproof.oracles.balls import BallArithmetic, Balls, ComplexBalls
from gradproof.oracles.balls.complex_numbers import lifted
from gradproof.oracles.machine_model import FORMATS, SLACK, MachineModel
from gradproof.registry import Function, load_builtin
from tests.unit.made import at, confirmed, entry

MODELS = {np.complex128: MachineModel(FORMATS["float64"]), np.complex64: MachineModel(FORMATS["float32"])}
RANDOM = np.random.default_rng(29)


@pytest.fixture(autouse=True, scope="module")
def many_bits() -> Iterator[None]:
    with ctx.workprec(512):
        yield


def general(*shape: int) -> np.ndarray:
    return (RANDOM.normal(size=shape) + 1j * RANDOM.normal(size=shape)).astype(np.complex64).astype(np.complex128)


def hermitian(n: int) -> np.ndarray:
    a = general(n, n)
    return np.tril(a, -1) + np.tril(a, -1).conj().T + np.diag(np.diag(a).real)


def balls(on: BallArithmetic, a: np.ndarray) -> ComplexBalls:
    return ComplexBalls(on.inputs(a.real), on.inputs(a.imag))


def evaluate(name: str, *arguments: np.ndarray, model: MachineModel | None = None, **options: Any) -> Any:
    on = BallArithmetic(model)
    return getattr(on.namespace().linalg, name)(*(balls(on, a) for a in arguments), **options)


def parts(x: Any) -> list[Balls]:
    return [x.re, x.im] if isinstance(x, ComplexBalls) else [x]


def largest(x: Any) -> float:
    return max(float(abs(e).abs_upper()) for part in parts(x) for e in part.entries.flat)


def adjoint(x: ComplexBalls) -> ComplexBalls:
    return ComplexBalls(x.re.mT, -x.im.mT)


def native(x: Any) -> np.ndarray:
    values = [part.entries.astype(float) for part in parts(x)]
    return values[0] + 1j * values[1] if len(values) == 2 else values[0]


SHAPES = [(3, 3), (4, 2), (2, 4), (1, 1), (2, 3, 2)]


@pytest.mark.parametrize("a", [hermitian(1), hermitian(2), hermitian(5), np.stack([hermitian(3), hermitian(3)])])
def test_eigenvectors_diagonalize(a: np.ndarray) -> None:
    values, vectors = evaluate("eigh", a)
    assert largest(adjoint(vectors) @ vectors - values.on.eye(a.shape[-1])) < 1e-120
    assert largest((vectors * values[..., None, :]) @ adjoint(vectors) - balls(values.on, a)) < 1e-120
    assert np.allclose(native(values), np.linalg.eigvalsh(a), rtol=1e-13, atol=1e-13)
    assert largest(values - evaluate("eigvalsh", a)) < 1e-120


def test_only_the_lower_triangle_is_read() -> None:
    a = hermitian(3)
    other = np.tril(a) + np.triu(general(3, 3), 1) + 1j * np.diag([1.0, 2.0, 3.0])
    assert largest(evaluate("eigvalsh", a) - evaluate("eigvalsh", other)) < 1e-120


def test_eigenvalues_of_a_known_matrix() -> None:
    # Of the second Pauli matrix, and of one with 2 on the diagonal and ±i beside it: 2 - 2 cos(k π / (n + 1)).
    assert largest(evaluate("eigvalsh", np.array([[0, -1j], [1j, 0]])) - np.array([-1.0, 1.0])) < 1e-120
    a = 2 * np.eye(4) + 1j * np.eye(4, k=1) - 1j * np.eye(4, k=-1)
    for k, value in enumerate(evaluate("eigvalsh", a).entries, start=1):
        known = 2 - 2 * (arb(k) / 5).cos_pi()
        assert value.overlaps(known) and value.rel_accuracy_bits() > 450


def test_equal_eigenvalues_are_a_kink_with_a_value() -> None:
    values = evaluate("eigvalsh", np.eye(3) + 0j)
    assert values.on.at_kink and native(values).tolist() == [1, 1, 1]
    vectors = evaluate("eigh", np.diag([1, 1 + 2.0**-24, 3]) + 0j, model=MODELS[np.complex64])[1]
    assert vectors.on.undecided and vectors.re.entries[0, 1].contains(1)


@pytest.mark.parametrize("shape", SHAPES)
def test_singular_vectors_give_the_matrix_back(shape: tuple[int, ...]) -> None:
    a = general(*shape)
    u, s, vh = evaluate("svd", a, full_matrices=False)
    on, k = s.on, min(shape[-2:])
    assert largest((u * s[..., None, :]) @ vh - balls(on, a)) < 1e-120
    assert largest(adjoint(u) @ u - on.eye(k)) < 1e-120 and largest(vh @ adjoint(vh) - on.eye(k)) < 1e-120
    assert largest(s - evaluate("svdvals", a)) < 1e-120 and np.allclose(native(s), np.linalg.svdvals(a), rtol=1e-13)


@pytest.mark.parametrize("shape", SHAPES)
def test_factors_give_the_matrix_back(shape: tuple[int, ...]) -> None:
    a = general(*shape)
    q, r = evaluate("qr", a)
    assert largest(q @ r - balls(q.on, a)) < 1e-140
    assert largest(adjoint(q) @ q - q.on.eye(min(shape[-2:]))) < 1e-140
    x = evaluate("pinv", a)
    ball = balls(x.on, a)
    assert largest(ball @ x @ ball - ball) < 1e-120 and largest(x @ ball @ x - x) < 1e-120
    for product in (x @ ball, ball @ x):
        assert largest(product - adjoint(product)) < 1e-120


def test_the_root_of_a_positive_definite_matrix() -> None:
    a = np.stack([hermitian(3) + 8 * np.eye(3), hermitian(3) + 9 * np.eye(3)])
    lower, upper = evaluate("cholesky", a), evaluate("cholesky", a, upper=True)
    assert largest(lower @ adjoint(lower) - balls(lower.on, a)) < 1e-140
    assert largest(upper - adjoint(lower)) < 1e-140
    assert all(largest(lower.on.triu(part, k=1)) == 0 for part in parts(lower))


def test_all_singular_vectors_are_asked_for_in_vain() -> None:
    with pytest.raises(NotImplementedError, match="backend"):
        evaluate("svd", general(3, 2))


# Bounds


def within(bound: Any, true: Any, got: np.ndarray) -> bool:
    values = [got.real, got.imag] if isinstance(true, ComplexBalls) else [got]
    bounds = parts(lifted(bound.on, bound)) if isinstance(true, ComplexBalls) else [bound]
    return all(
        bool(abs(arb(float(g)) - t) <= SLACK * abs(b - t).abs_upper())
        for ball, exact, value in zip(bounds, parts(true), values, strict=True)
        for b, t, g in zip(ball.entries.flat, exact.entries.flat, np.ravel(value), strict=True)
    )


PLAIN: dict[str, Callable[[], tuple[np.ndarray, ...]]] = {
    "solve": lambda: (general(4, 4), general(4, 2)),
    "inv": lambda: (general(4, 4),),
    "det": lambda: (general(4, 4),),
    "cholesky": lambda: (hermitian(4) + 10 * np.eye(4),),
    "pinv": lambda: (general(4, 2),),
    "eigvalsh": lambda: (hermitian(5),),
    "svdvals": lambda: (general(3, 5),),
    "matrix_norm": lambda: (general(3, 5),),
}


@pytest.mark.parametrize("dtype", MODELS)
@pytest.mark.parametrize("name", PLAIN)
def test_bounds_hold_what_lapack_gives(name: str, dtype: type) -> None:
    for _ in range(5):
        arguments = PLAIN[name]()
        got = getattr(np.linalg, name)(*(a.astype(dtype) for a in arguments))
        true, bound = evaluate(name, *arguments), evaluate(name, *arguments, model=MODELS[dtype])
        assert within(bound, true, got)
        # … and not because they are wide.
        size = np.abs(native(true)).max()
        assert (
            max(float(e.rad()) for part in parts(bound) for e in part.entries.flat) < 1e4 * np.finfo(dtype).eps * size
        )


@pytest.mark.parametrize("dtype", MODELS)
def test_bounds_hold_sign_and_logarithm_of_determinants(dtype: type) -> None:
    a = general(4, 4)
    for bound, true, got in zip(
        evaluate("slogdet", a, model=MODELS[dtype]),
        evaluate("slogdet", a),
        np.linalg.slogdet(a.astype(dtype)),
        strict=True,
    ):
        assert within(bound, true, got)


@pytest.mark.parametrize("dtype", MODELS)
def test_bounds_hold_vectors_but_for_their_phases(dtype: type) -> None:
    a = hermitian(5)
    true, bound = evaluate("eigh", a)[1], evaluate("eigh", a, model=MODELS[dtype])[1]
    vectors = np.linalg.eigh(a.astype(dtype))[1].astype(np.complex128)
    phases = np.sum(vectors.conj() * native(true), axis=0)
    assert within(bound, true, vectors * (phases / np.abs(phases)))


# Derivatives

X = [[3.0, -0.5, 0.25], [0.75, -2.5, 1.0], [-0.125, 0.5, 1.5]]
Y = [[0.5, 1.0, -0.25], [-0.5, 0.75, 0.125], [0.25, -1.0, 0.375]]
WEIGHTS = np.array([[1.0 + 2j, -2.0, 0.5j], [0.25, 3.0 - 1j, -1.5], [2j, -0.75, 1.25 + 0.5j]])


def weighted(xp: Any, z: Any) -> Any:
    rows, columns = (1, 1, *z.shape)[-2:]
    return xp.sum(xp.real(xp.asarray(WEIGHTS[:rows, :columns]) * z))


def of_spectrum(xp: Any, z: ComplexBalls) -> Any:
    values, vectors = xp.linalg.eigh((z + adjoint(z)) / 2)
    return (vectors * xp.exp(values)[None, :]) @ adjoint(vectors)


def of_singular_values(xp: Any, z: ComplexBalls) -> Any:
    u, s, vh = xp.linalg.svd(z, full_matrices=False)
    return (u * (s * s)[None, :]) @ vh


BODIES: dict[str, Callable[[Any, ComplexBalls], Any]] = {
    "spectrum": of_spectrum,
    "eigenvalues of a triangle": lambda xp, z: xp.linalg.eigvalsh(z),
    "singular values": of_singular_values,
    "singular values of a tall one": lambda xp, z: of_singular_values(xp, z[:, :2]),
    "factors": lambda xp, z: xp.matmul(*xp.linalg.qr(z)) + xp.abs(xp.linalg.qr(z)[0]),
    "pseudoinverse": lambda xp, z: xp.linalg.pinv(z[:2]),
    "phase and size": lambda xp, z: xp.linalg.slogdet(z)[0] * xp.linalg.slogdet(z)[1],
    "root": lambda xp, z: xp.linalg.cholesky(xp.matmul(z, adjoint(z))),
    "power": lambda xp, z: xp.linalg.matrix_power(z, -2),
}


@pytest.mark.parametrize("name", BODIES)
def test_derivatives(name: str) -> None:
    made = entry(lambda xp, x, y: weighted(xp, BODIES[name](xp, ComplexBalls(x, y))), x=(3, 3), y=(3, 3))
    assert confirmed(made, at(X, Y))


# Planted errors

COMPLEX = {f.name: f for f in load_builtin() if f.is_complex}


class Unconjugated:
    """A namespace without conjugation: every adjoint is a transpose."""

    def __init__(self, xp: Any) -> None:
        self.xp = xp

    def __getattr__(self, name: str) -> Any:
        return (lambda z: z) if name == "conj" else getattr(self.xp, name)


class Unturned:
    """A namespace in which the diagonals of Uᴴ dU are taken to be 0, as they are for real matrices."""

    def __init__(self, xp: Any) -> None:
        self.xp = xp

    def __getattr__(self, name: str) -> Any:
        return (lambda z: 0 * self.xp.imag(z)) if name == "imag" else getattr(self.xp, name)


def caught(function: Function, namespace: type) -> bool:
    assert function.hand is not None and hand_against_exact(function, function.points[0]).holds
    hand = function.hand
    planted = replace(function, hand=lambda xp, *arguments: hand(namespace(xp), *arguments))
    return not hand_against_exact(planted, function.points[0]).holds


@pytest.mark.parametrize(
    "name",
    [
        "complex_matrix_product",
        "complex_linear_solve",
        "complex_inverse",
        "complex_determinant",
        "complex_log_determinant",
        "complex_power_of_matrix",
        "complex_cross_product",
        "complex_cholesky_factor",
        "unitary_factors",
        "function_of_hermitian_matrix",
        "complex_pseudoinverse",
        "function_of_complex_singular_values",
    ],
)
def test_a_transpose_for_an_adjoint_is_caught(name: str) -> None:
    assert caught(COMPLEX[name], Unconjugated)


@pytest.mark.parametrize("name", ["function_of_complex_singular_values", "complex_determinant_phase"])
def test_a_phase_that_is_left_out_is_caught(name: str) -> None:
    assert caught(COMPLEX[name], Unturned)


ZERO_BUT_FOR_ROUNDING = {
    # The gradients of log det and det by two backends have 1.1e-16 i and 3.5e-18 there, where elimination has 0.
    "a diagonal matrix": (np.diag([0.25, 0.1875 + 0.1875j]), (0, 0), 1.1102230246251565e-16j),
    "a triangular matrix": (np.array([[0.25, 0, 0], [0, 0.25, 0], [0, 0.0625, 0.3125 + 0j]]), (1, 2), 4.5e-17),
}


@pytest.mark.parametrize("what", ZERO_BUT_FOR_ROUNDING)
def test_a_solver_need_not_keep_the_zeros_of_a_matrix(what: str) -> None:
    matrix, at, noise = ZERO_BUT_FOR_ROUNDING[what]
    true, bound = evaluate("inv", matrix), evaluate("inv", matrix, model=MODELS[np.complex128])
    got = native(true).astype(np.complex128)
    got[at] += noise
    assert within(bound, true, got)
    # … and not because the bound is wide.
    got[at] += 1e3 * noise
    assert not within(bound, true, got)
