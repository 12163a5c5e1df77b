"""Spectral decompositions, QR and pseudoinverse of balls: what defines them holds to many digits, bounds hold what
LAPACK makes of them, derivatives are those of exact differences."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from flint import acb, arb, ctx

from gradproof.oracles.balls import BallArithmetic, Balls
from gradproof.oracles.balls.spectral import KEPT, once
from gradproof.oracles.machine_model import FORMATS, SLACK, MachineModel
from tests.unit.made import at, confirmed, entry

MODELS = {dtype: MachineModel(FORMATS[np.dtype(dtype).name]) for dtype in (np.float64, np.float32)}
RANDOM = np.random.default_rng(17)


@pytest.fixture(autouse=True, scope="module")
def many_bits() -> Iterator[None]:
    with ctx.workprec(512):
        yield


def symmetric(n: int) -> np.ndarray:
    a = np.float32(RANDOM.normal(size=(n, n))).astype(np.float64)
    return np.tril(a) + np.tril(a, -1).T


def general(*shape: int) -> np.ndarray:
    return np.float32(RANDOM.normal(size=shape)).astype(np.float64)


def evaluate(name: str, a: np.ndarray, model: MachineModel | None = None, **options: Any) -> Any:
    on = BallArithmetic(model)
    return getattr(on.namespace().linalg, name)(on.inputs(a), **options)


def matrix(rows: list[list[Any]]) -> np.ndarray:
    return np.array(rows, dtype=object)


def largest(x: Balls) -> float:
    return max(float(abs(e).abs_upper()) for e in x.entries.flat)


SHAPES = [(3, 3), (4, 2), (2, 5), (1, 1), (1, 3), (2, 3, 2)]
DEGENERATE = {
    "identity": np.eye(3),
    "zero": np.zeros((2, 2)),
    "rank one": np.ones((3, 3)),
    "pair": np.diag([2.0, 1, 2]),
}


@pytest.mark.parametrize("a", [symmetric(1), symmetric(2), symmetric(5), np.stack([symmetric(3), symmetric(3)])])
def test_eigenvectors_diagonalize(a: np.ndarray) -> None:
    values, vectors = evaluate("eigh", a)
    on, n = values.on, a.shape[-1]
    assert largest(vectors.mT @ vectors - on.eye(n)) < 1e-120
    assert largest((vectors * values[..., None, :]) @ vectors.mT - on.inputs(a)) < 1e-120
    assert np.allclose(values.entries.astype(float), np.linalg.eigvalsh(a), rtol=1e-13, atol=1e-13)
    assert largest(values - evaluate("eigvalsh", a)) < 1e-120


@pytest.mark.parametrize("a", DEGENERATE.values(), ids=DEGENERATE)
def test_equal_eigenvalues_are_a_kink_with_a_value(a: np.ndarray) -> None:
    values = evaluate("eigvalsh", a)
    assert np.allclose(values.entries.astype(float), np.linalg.eigvalsh(a), atol=1e-13)
    assert values.on.at_kink and all(e.rad() < 1e-120 for e in values.entries)
    assert largest(evaluate("svdvals", a) - np.linalg.svdvals(a)) < 1e-14


def test_eigenvalues_of_a_known_matrix() -> None:
    # 2 on the diagonal, -1 beside it: 2 - 2 cos(k π / (n + 1)).
    a = 2 * np.eye(4) - np.eye(4, k=1) - np.eye(4, k=-1)
    for k, value in enumerate(evaluate("eigvalsh", a).entries, start=1):
        known = 2 - 2 * (arb(k) / 5).cos_pi()
        assert value.overlaps(known) and value.rel_accuracy_bits() > 450


@pytest.mark.parametrize("shape", SHAPES)
def test_singular_vectors_give_the_matrix_back(shape: tuple[int, ...]) -> None:
    a = general(*shape)
    u, s, vh = evaluate("svd", a, full_matrices=False)
    on, k = s.on, min(shape[-2:])
    assert (u.shape, s.shape, vh.shape) == (*[(*shape[:-1], k), (*shape[:-2], k), (*shape[:-2], k, shape[-1])],)
    assert largest((u * s[..., None, :]) @ vh - on.inputs(a)) < 1e-120
    assert largest(u.mT @ u - on.eye(k)) < 1e-120 and largest(vh @ vh.mT - on.eye(k)) < 1e-120
    assert largest(s - evaluate("svdvals", a)) < 1e-120
    assert np.allclose(s.entries.astype(float), np.linalg.svdvals(a), rtol=1e-13)


def test_all_singular_vectors_are_asked_for_in_vain() -> None:
    with pytest.raises(NotImplementedError, match="backend"):
        evaluate("svd", general(3, 2))


@pytest.mark.parametrize("shape", SHAPES)
def test_factors_give_the_matrix_back(shape: tuple[int, ...]) -> None:
    a = general(*shape)
    q, r = evaluate("qr", a)
    assert largest(q @ r - q.on.inputs(a)) < 1e-140 and largest(q.mT @ q - q.on.eye(min(shape[-2:]))) < 1e-140
    assert [x.shape for x in (q, r)] == [x.shape for x in np.linalg.qr(a)]
    assert largest(q.on.tril(r[..., : r.shape[-2]], k=-1)) == 0
    assert (q.on.namespace().linalg.diagonal(r).entries.astype(float) > 0).all()


@pytest.mark.parametrize("shape", SHAPES)
def test_the_pseudoinverse_is_one(shape: tuple[int, ...]) -> None:
    a = general(*shape)
    x = evaluate("pinv", a)
    ball = x.on.inputs(a)
    assert largest(ball @ x @ ball - ball) < 1e-120 and largest(x @ ball @ x - x) < 1e-120
    for product in (x @ ball, ball @ x):
        assert largest(product - product.mT) < 1e-120


# Bounds


def within(bound: Balls, true: Balls, got: np.ndarray) -> bool:
    triples = zip(bound.entries.flat, true.entries.flat, np.ravel(got), strict=True)
    return all(bool(abs(arb(float(g)) - t) <= SLACK * abs(b - t).abs_upper()) for b, t, g in triples)


def alike(vectors: np.ndarray, true: Balls) -> np.ndarray:
    """The columns with the signs of those in balls."""
    ours = true.entries.astype(float)
    return vectors * np.sign(np.sum(vectors * ours, axis=0))


@pytest.mark.parametrize("dtype", MODELS)
@pytest.mark.parametrize("n", [2, 3, 5, 8])
def test_bounds_hold_eigenvalues_and_eigenvectors(n: int, dtype: type) -> None:
    for _ in range(3):
        a = symmetric(n)
        values, vectors = np.linalg.eigh(a.astype(dtype))
        bound, true = evaluate("eigh", a, MODELS[dtype]), evaluate("eigh", a)
        assert within(bound[0], true[0], values)
        assert within(bound[1], true[1], alike(vectors, true[1]))
        assert max(float(e.rad()) for e in bound[0].entries) < 50 * n * np.finfo(dtype).eps * np.abs(values).max()


@pytest.mark.parametrize("dtype", MODELS)
@pytest.mark.parametrize("shape", [(3, 3), (5, 2), (2, 4)])
def test_bounds_hold_singular_values_and_vectors(shape: tuple[int, int], dtype: type) -> None:
    for _ in range(3):
        a = general(*shape)
        u, s, vh = np.linalg.svd(a.astype(dtype), full_matrices=False)
        bound, true = (evaluate("svd", a, model, full_matrices=False) for model in (MODELS[dtype], None))
        assert within(bound[1], true[1], s)
        assert within(bound[0], true[0], alike(u, true[0]))
        assert within(bound[2].mT, true[2].mT, alike(vh.T, true[2].mT))


@pytest.mark.parametrize("dtype", MODELS)
@pytest.mark.parametrize("shape", [(3, 3), (5, 2), (2, 4)])
def test_bounds_hold_factors_and_pseudoinverses(shape: tuple[int, int], dtype: type) -> None:
    for _ in range(3):
        a = general(*shape)
        assert within(evaluate("pinv", a, MODELS[dtype]), evaluate("pinv", a), np.linalg.pinv(a.astype(dtype)))
        q, r = np.linalg.qr(a.astype(dtype))
        signs = np.sign(np.diag(r))
        for bound, true, got in zip(
            evaluate("qr", a, MODELS[dtype]), evaluate("qr", a), (q * signs, r * signs[:, None]), strict=True
        ):
            assert within(bound, true, got)


def test_eigenvectors_of_nearly_equal_eigenvalues_may_be_anything() -> None:
    a = np.diag([1.0, 1.0 + 2.0**-24, 3.0])
    vectors = evaluate("eigh", a, MODELS[np.float32])[1]
    assert vectors.on.undecided and vectors.entries[0, 1].contains(1)
    assert not evaluate("eigh", a, MODELS[np.float64])[1].on.undecided


@pytest.mark.parametrize("ord", ["fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf])
def test_bounds_hold_matrix_norms(ord: Any) -> None:
    a = general(4, 3)
    got = np.linalg.matrix_norm(a.astype(np.float32), ord=ord)
    true, bound = (evaluate("matrix_norm", a, model, ord=ord) for model in (None, MODELS[np.float32]))
    assert within(bound, true, got) and bound.entries[()].rel_accuracy_bits() > 12


# Derivatives

MATRIX = [[3.0, -0.5, 0.25], [0.75, -2.5, 1.0], [-0.125, 0.5, 1.5]]
TALL = [[3.0, -0.5], [0.75, -2.5], [-0.125, 0.5]]
WEIGHTS = np.array([[1.0, -2.0, 0.5], [0.25, 3.0, -1.5], [2.0, -0.75, 1.25]])


def weighted(xp: Any, result: Any) -> Any:
    rows, columns = (1, *result.shape)[-2:]
    return xp.sum(result * xp.asarray(WEIGHTS[:rows, :columns]))


def of_spectrum(xp: Any, x: Any) -> Any:
    values, vectors = xp.linalg.eigh((x + xp.matrix_transpose(x)) / 2)
    return (vectors * xp.exp(values)[None, :]) @ xp.matrix_transpose(vectors)


def parts(name: str, *chosen: int, **options: Any) -> Callable:
    def body(xp: Any, x: Any) -> Any:
        results = getattr(xp.linalg, name)(x, **options)
        return sum(weighted(xp, results[i]) for i in chosen)

    return body


BODIES: dict[str, tuple[Callable, Any]] = {
    "eigvalsh": (lambda xp, x: weighted(xp, xp.linalg.eigvalsh((x + x.mT) / 2)), MATRIX),
    "eigvalsh of a triangle": (lambda xp, x: weighted(xp, xp.linalg.eigvalsh(x)), MATRIX),
    "eigenvectors": (parts("eigh", 1), MATRIX),
    "of the spectrum": (lambda xp, x: weighted(xp, of_spectrum(xp, x)), MATRIX),
    "svdvals": (lambda xp, x: weighted(xp, xp.linalg.svdvals(x)), TALL),
    "svd": (parts("svd", 0, 1, 2, full_matrices=False), MATRIX),
    "svd of a tall one": (parts("svd", 0, 2, full_matrices=False), TALL),
    "svd of a wide one": (lambda xp, x: parts("svd", 0, 1, 2, full_matrices=False)(xp, x.mT), TALL),
    "qr": (parts("qr", 0, 1), MATRIX),
    "qr of a tall one": (parts("qr", 0, 1), TALL),
    "pinv": (lambda xp, x: weighted(xp, xp.linalg.pinv(x)), TALL),
    "pinv of a wide one": (lambda xp, x: weighted(xp, xp.linalg.pinv(x.mT)), TALL),
    **{
        f"norm {ord}": (lambda xp, x, ord=ord: xp.linalg.matrix_norm(x, ord=ord), TALL)
        for ord in ("fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf)
    },
}


@pytest.mark.parametrize("name", BODIES)
def test_derivatives(name: str) -> None:
    body, x = BODIES[name]
    assert confirmed(entry(body, x=np.shape(x)), at(x))


def test_a_matrix_is_decomposed_once_in_each_precision() -> None:
    asked = []
    decompose = once(lambda a: asked.append(a) or len(asked))
    one, other = (matrix([[arb(1), arb(x)], [arb(x), arb(3)]]) for x in (2, 2 + 2.0**-50))
    assert [decompose(one), decompose(one.copy()), decompose(other), decompose(one)] == [1, 1, 2, 1]
    with ctx.workprec(200):
        assert decompose(one) == 3
    assert decompose(one) == 1
    complex_one = matrix([[acb(1), acb(0, 2)], [acb(0, -2), acb(3)]])
    assert [decompose(complex_one), decompose(complex_one.copy()), decompose(complex_one.T)] == [4, 4, 5]


def test_only_the_last_matrices_are_kept_and_none_that_is_not_finite() -> None:
    asked = []
    decompose = once(lambda a: asked.append(a) or len(asked))
    matrices = [matrix([[arb(k)]]) for k in range(KEPT + 1)]
    assert [decompose(a) for a in matrices] == [*range(1, KEPT + 2)]
    assert decompose(matrices[1]) == 2 and decompose(matrices[0]) == KEPT + 2
    nothing = matrix([[arb("nan")]])
    assert decompose(nothing) != decompose(nothing)
