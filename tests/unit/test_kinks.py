"""Kinks: every convention in use lies in the subdifferential and is admitted, everything outside it is not, and a tie
where the function is smooth is no kink at all."""

import math
from collections.abc import Callable
from functools import cache

import numpy as np
import pytest

from gradproof.oracles import kinks
from gradproof.oracles.kinks import Kink, nearest
from gradproof.oracles.machine_model import FORMATS, MachineModel
from gradproof.oracles.reference import Reference
from gradproof.registry import Function, Inputs
from tests.unit.made import at, entry

FORMAT_NAMES = ("float64", "float32", "float16", "bfloat16")
MIXED = (1.5, -2.0, 0.75)


@cache
def reference(made: Function) -> Reference:
    return Reference(made)


def kink_of(made: Function, inputs: Inputs) -> Kink:
    kink = reference(made).truth(inputs).kink
    assert kink is not None and kink.exists
    return kink


def admits(made: Function, inputs: Inputs, *answer: object, name: str = "float32") -> bool:
    bounds = reference(made).bounds(inputs, MachineModel(FORMATS[name]))
    assert not bounds.out_of_range
    return kink_of(made, inputs).admits(at(*answer), bounds.gradient)


# Each with and without a hand-derived gradient: the limits come from it, or from Taylor arithmetic.

ABSOLUTE = [
    entry(lambda xp, x: xp.abs(x), lambda xp, x: xp.sign(x), x=()),
    entry(lambda xp, x: xp.abs(x), x=()),
    entry(lambda xp, x: xp.maximum(x, -x), x=()),
    entry(lambda xp, x: xp.where(x > 0, x, -x), x=()),
    entry(lambda xp, x: xp.sqrt(x * x), lambda xp, x: x / xp.sqrt(x * x), x=()),
]
every_absolute = pytest.mark.parametrize("made", ABSOLUTE, ids=["hand", "bare", "maximum", "branch", "root of square"])


@every_absolute
@pytest.mark.parametrize("name", FORMAT_NAMES)
@pytest.mark.parametrize("slope", [0.0, -0.0, 1.0, -1.0, 0.5])
def test_slopes_of_the_absolute_value(made: Function, name: str, slope: float) -> None:
    assert admits(made, at(0.0), slope, name=name)


@every_absolute
@pytest.mark.parametrize("name", FORMAT_NAMES[:3])  # what bfloat16 may round at a kink is an eighth
@pytest.mark.parametrize("slope", [2.0, -1.1, math.nan, math.inf, -math.inf])
def test_no_slopes_of_the_absolute_value(made: Function, name: str, slope: float) -> None:
    assert not admits(made, at(0.0), slope, name=name)


@every_absolute
@pytest.mark.parametrize("x", [1e-38, -1e-38, 2.0**-149, 1.0])
def test_the_absolute_value_is_smooth_beside_zero(made: Function, x: float) -> None:
    truth = Reference(made).truth(at(x))
    assert truth.kink is None and truth.gradient[0].high == np.sign(x)


def test_weights_stretch_the_slopes() -> None:
    made = entry(lambda xp, x: -3 * xp.abs(x), lambda xp, x: -3 * xp.sign(x), x=())
    assert all(admits(made, at(0.0), slope) for slope in (-3.0, 0.0, 3.0, 2.5))
    assert not any(admits(made, at(0.0), slope) for slope in (3.01, -3.01))


def largest_gradient(xp, x):
    return xp.where(x == xp.max(x), xp.ones_like(x), xp.zeros_like(x))


MAXIMA = [entry(lambda xp, x: xp.max(x), x=(3,)), entry(lambda xp, x: xp.max(x), largest_gradient, x=(3,))]
every_maximum = pytest.mark.parametrize("made", MAXIMA, ids=["bare", "hand"])


@every_maximum
@pytest.mark.parametrize("shares", [(1, 0, 0), (0, 1, 0), (0.5, 0.5, 0), (0.25, 0.75, 0)])
def test_shares_of_a_tie(made: Function, shares: tuple[float, ...]) -> None:
    assert admits(made, at([2, 2, -1]), shares)


@every_maximum
@pytest.mark.parametrize(
    "shares", [(1, 1, 0), (0, 0, 0), (0.5, 0.4, 0), (0.5, 0.6, 0), (1.5, -0.5, 0), (0.5, 0, 0.5), (math.nan, 1, 0)]
)
def test_no_shares_of_a_tie(made: Function, shares: tuple[float, ...]) -> None:
    assert not admits(made, at([2, 2, -1]), shares)


@every_maximum
def test_a_tie_of_all(made: Function) -> None:
    assert admits(made, at([0, -0.0, 0]), [1 / 3] * 3) and admits(made, at([5, 5, 5]), [0.5, 0, 0.5])
    assert not admits(made, at([5, 5, 5]), [1, 1, 1]) and not admits(made, at([5, 5, 5]), [0.3, 0.3, 0.3])


@every_maximum
def test_a_tie_below_the_largest_is_no_kink(made: Function) -> None:
    assert Reference(made).truth(at([2, 2, 3])).kink is None


def hinge_gradient(xp, x, w):
    margin = 1 - xp.sum(x * w)
    on = xp.where(margin > 0, xp.ones_like(margin), xp.zeros_like(margin))
    return -on * w, -on * x


HINGE = entry(lambda xp, x, w: xp.maximum(1 - xp.sum(x * w), xp.asarray(0.0)), hinge_gradient, x=(2,), w=(2,))


@pytest.mark.parametrize("share", [0.0, 1.0, 0.5])
def test_shares_of_the_hinge(share: float) -> None:
    x, w = np.array([0.5, 2.0]), np.array([1.0, 0.25])
    assert admits(HINGE, at(x, w), -share * w, -share * x)


@pytest.mark.parametrize(("of_x", "of_w"), [(1.1, 1.1), (-0.1, -0.1), (2.0, 2.0), (1.0, 0.0), (0.0, 1.0)])
def test_no_shares_of_the_hinge(of_x: float, of_w: float) -> None:
    x, w = np.array([0.5, 2.0]), np.array([1.0, 0.25])
    assert not admits(HINGE, at(x, w), -of_x * w, -of_w * x)


CLIP = entry(
    lambda xp, x: xp.clip(x, -1.0, 1.0),
    lambda xp, x: xp.where(xp.abs(x) <= 1, xp.ones_like(x), xp.zeros_like(x)),
    x=(),
)


@pytest.mark.parametrize("x", [1.0, -1.0])
def test_slopes_of_clip(x: float) -> None:
    assert all(admits(CLIP, at(x), slope) for slope in (0.0, 1.0, 0.5))
    assert not any(admits(CLIP, at(x), slope) for slope in (2.0, -0.1, 1.1, math.nan))


NORMS = [
    entry(lambda xp, x: xp.linalg.vector_norm(x), lambda xp, x: x / xp.sqrt(xp.sum(x * x)), x=(3,)),
    entry(lambda xp, x: xp.linalg.vector_norm(x), x=(3,)),
]


@pytest.mark.parametrize("made", NORMS, ids=["hand", "bare"])
def test_slopes_of_the_norm(made: Function) -> None:
    inside = [(0, 0, 0), (1, 0, 0), (0, 0, -1), (0.5, -0.5, 0.5), (0.6, 0, 0.8)]
    assert all(admits(made, at([0, 0, 0]), slopes) for slopes in inside)
    outside = [(1.1, 0, 0), (1, 1, 1), (-2, 0, 0), (0, math.nan, 0), (0.8, 0.8, 0.8)]
    assert not any(admits(made, at([0, 0, 0]), slopes) for slopes in outside)


DIFFERENCES = [
    entry(lambda xp, x, y: xp.abs(x) - xp.abs(y), lambda xp, x, y: (xp.sign(x), -xp.sign(y)), x=(), y=()),
    entry(lambda xp, x, y: xp.abs(x) - xp.abs(y), x=(), y=()),
]


@pytest.mark.parametrize("made", DIFFERENCES, ids=["hand", "bare"])
def test_slopes_of_a_difference_of_kinks(made: Function) -> None:
    usual = (0.0, 1.0, -1.0, 0.5)
    assert all(admits(made, at(0.0, 0.0), p, q) for p in usual for q in usual)
    assert not any(admits(made, at(0.0, 0.0), p, q) for p, q in [(2, 0), (0, -1.1), (1.1, 1), (math.nan, 0)])


def weighted_maxima(xp, x, y):
    return xp.sum(xp.asarray(MIXED) * xp.maximum(x, y))


def weighted_maxima_gradient(xp, x, y):
    w, zero = xp.asarray(MIXED), xp.zeros_like(x)
    return xp.where(x > y, w, zero), xp.where(x > y, zero, w)


PAIRS = [
    entry(weighted_maxima, x=(3,), y=(3,)),
    entry(weighted_maxima, weighted_maxima_gradient, x=(3,), y=(3,)),
]


@pytest.mark.parametrize("made", PAIRS, ids=["bare", "hand"])
@pytest.mark.parametrize("shares", [(1, 1, 1), (0, 0, 0), (0.5, 0.5, 0.5), (1, 0, 1), (0, 1, 0.5), (0.25, 1, 0)])
def test_shares_of_many_ties(made: Function, shares: tuple[float, ...]) -> None:
    w, s, tie = np.array(MIXED), np.array(shares), [0.5, -2.0, 3.0]
    assert admits(made, at(tie, tie), w * s, w * (1 - s))


@pytest.mark.parametrize("made", PAIRS, ids=["bare", "hand"])
@pytest.mark.parametrize(
    ("ours", "theirs"),
    [((1, 1, 1), (1, 1, 1)), ((0, 0, 0), (0, 0, 0)), ((0.5, 0, 1), (0.5, 0, 0)), ((2, 1, 0), (-1, 0, 1))],
)
def test_no_shares_of_many_ties(made: Function, ours: tuple[float, ...], theirs: tuple[float, ...]) -> None:
    w, tie = np.array(MIXED), [0.5, -2.0, 3.0]
    assert not admits(made, at(tie, tie), w * np.array(ours), w * np.array(theirs))


def shared_windows(xp, x):
    """Σ w max(xᵢ, xᵢ₊₁, xᵢ₊₂): windows that share entries, and weights of either sign"""
    return sum(w * xp.max(x[i : i + 3]) for i, w in enumerate(SLOPES))


SLOPES = (1.125, -1.5, 1.875, 1.25, -1.625, 2.0)


@pytest.mark.parametrize(
    "answer", [(*SLOPES, 0.0, 0.0), (0.0, 0.0, *SLOPES)], ids=["the first of each window", "the last of each window"]
)
def test_ties_broken_by_place(answer: tuple[float, ...]) -> None:
    assert admits(entry(shared_windows, x=(8,)), at([0.0] * 8), list(answer))


def test_a_kink_leaves_the_other_entries_their_bounds() -> None:
    made = entry(lambda xp, x, y: xp.abs(x) + y * y, lambda xp, x, y: (xp.sign(x), 2 * y), x=(), y=())
    assert admits(made, at(0.0, 3.0), 0.0, 6.0)
    assert not admits(made, at(0.0, 3.0), 0.0, 6.0 + 1e-4)


# Ties where the function is smooth


def shifted(xp, x):
    largest = xp.max(x)
    return xp.log(xp.sum(xp.exp(x - largest))) + largest


def softmax_of_first(xp, x):
    exponentials = xp.exp(x - xp.max(x))
    return exponentials[0] / xp.sum(exponentials)


def huber(xp, x):
    return xp.where(xp.abs(x) <= 1, x * x / 2, xp.abs(x) - 0.5)


def square_of_relu(xp, x):
    return xp.maximum(x, xp.zeros_like(x)) ** 2


@pytest.mark.parametrize(
    ("body", "x", "gradient"),
    [
        (shifted, [1.0, 1.0], [0.5, 0.5]),
        (softmax_of_first, [3.0, 3.0], [0.25, -0.25]),
        (huber, 1.0, 1.0),
        (huber, -1.0, -1.0),
        (square_of_relu, 0.0, 0.0),
        (lambda xp, x: xp.maximum(x, 1 * x), 2.0, 1.0),
    ],
    ids=["log sum exp", "softmax", "huber above", "huber below", "square of relu", "maximum of the same"],
)
def test_a_smooth_tie_is_no_kink(body: Callable, x: object, gradient: object) -> None:
    made = entry(body, x=np.shape(x))
    truth = Reference(made).truth(at(x))
    assert truth.kink is None
    assert np.allclose(truth.gradient[0].high, gradient, rtol=1e-15, atol=1e-38)


def test_a_smooth_tie_with_a_gradient_by_hand_is_no_kink() -> None:
    made = entry(huber, lambda xp, x: xp.where(xp.abs(x) <= 1, x, xp.sign(x)), x=())
    truth = Reference(made).truth(at(1.0))
    assert (truth.kink, truth.hand) == (None, "agrees")


# Where the gradient has no limit


@pytest.mark.parametrize(
    "made",
    [
        entry(lambda xp, x: xp.sqrt(x), lambda xp, x: 1 / (2 * xp.sqrt(x)), x=()),
        entry(lambda xp, x: xp.sqrt(xp.abs(x)), x=()),
        entry(lambda xp, x: xp.sqrt(xp.abs(x)), lambda xp, x: xp.sign(x) / (2 * xp.sqrt(xp.abs(x))), x=()),
    ],
    ids=["root", "root of absolute", "root of absolute by hand"],
)
def test_an_unbounded_gradient_has_no_limit(made: Function) -> None:
    kink = reference(made).truth(at(0.0)).kink
    assert kink is not None and not kink.exists


def test_the_limits_do_not_trust_a_wrong_derivation() -> None:
    made = entry(lambda xp, x: xp.abs(x), lambda xp, x: 2 * xp.sign(x), x=())
    assert admits(made, at(0.0), 1.0)
    assert not admits(made, at(0.0), 2.0)


def test_a_root_of_what_is_zero_wherever_one_looks_is_smooth() -> None:
    # Taylor arithmetic has no series for it; differences of the body stand in.
    deviation = entry(lambda xp, x: xp.sqrt(xp.sum((x - xp.mean(x)) * (x - xp.mean(x)))), x=(1,))
    truth = Reference(deviation).truth(at([0.75]))
    assert truth.kink is None and (truth.gradient[0].high == 0).all()


@pytest.mark.parametrize(
    ("x", "flushes", "judged"), [(-1e-39, True, False), (-1e-39, False, True), (-1e-37, True, True)]
)
def test_a_kink_beside_a_number_that_may_be_flushed_is_out_of_range(x: float, flushes: bool, judged: bool) -> None:
    reference = Reference(entry(lambda xp, x: xp.sum(xp.abs(x)), x=(2,)))
    bounds = reference.bounds(at([x, 0.0]), MachineModel(FORMATS["float32"], flushes))
    assert (bounds.out_of_range == "") == judged


# Kinks that are curved, or where very many meet: the limits seen are a few of a continuum.


def frame(n: int) -> np.ndarray:
    """An orthogonal matrix of which every entry is exact"""
    v = np.array([1.0, 1.0, -1.0, 1.0])[:n]
    return np.eye(n) - 2 * np.outer(v, v) / (v @ v)


def nuclear_gradient(xp, matrix):
    left, _, right = xp.linalg.svd(matrix, full_matrices=False)
    return left @ right


def spectral_gradient(xp, matrix):
    left, _, right = xp.linalg.svd(matrix, full_matrices=False)
    return left[:, :1] @ right[:1, :]


NUCLEAR = [
    entry(lambda xp, matrix: xp.sum(xp.linalg.svdvals(matrix)), nuclear_gradient, matrix=(3, 3)),
    entry(lambda xp, matrix: xp.linalg.matrix_norm(matrix, ord="nuc"), matrix=(3, 3)),
]


@pytest.mark.parametrize("made", NUCLEAR, ids=["hand", "bare"])
def test_nuclear_norm_one_rank_short(made: Function) -> None:
    # U Vᵀ + W with UᵀW = 0, WV = 0 and ‖W‖ ≤ 1 (Watson, Linear Algebra and its Applications 170, 1992).
    matrix = np.array([[2.0, 1.0, 1.0], [1.0, 2.0, -1.0], [1.0, -1.0, 2.0]])
    left, _, right = np.linalg.svd(matrix)
    fixed, free = left[:, :2] @ right[:2], np.outer(left[:, 2], right[2])
    for share in (0.0, 1.0, -1.0, 0.999, -0.5):
        assert admits(made, at(matrix), fixed + share * free, name="float64")
    assert not admits(made, at(matrix), 1.01 * fixed, name="float64")
    assert not any(admits(made, at(matrix), fixed + share * free, name="float64") for share in (1.01, -1.01))


@pytest.mark.parametrize("seed", range(4))
def test_nuclear_norm_two_ranks_short(seed: int) -> None:
    matrix = np.outer([1.0, 2.0, 2.0], [2.0, -1.0, 2.0])
    left, _, right = np.linalg.svd(matrix)
    free = np.random.default_rng(seed).normal(size=(2, 2))
    free /= np.linalg.norm(free, 2)
    inside, outside = (left[:, :1] @ right[:1] + size * left[:, 1:] @ free @ right[1:] for size in (1.0, 1.01))
    assert admits(NUCLEAR[0], at(matrix), inside) and not admits(NUCLEAR[0], at(matrix), outside)
    assert admits(NUCLEAR[0], at(matrix), inside, name="float64")


@pytest.mark.parametrize(("order", "gradient"), [(2, spectral_gradient), ("nuc", nuclear_gradient)])
@pytest.mark.parametrize("seed", range(3))
def test_matrix_norms_at_the_zero_matrix(order: object, gradient: Callable, seed: int) -> None:
    made = entry(lambda xp, matrix: xp.linalg.matrix_norm(matrix, ord=order), gradient, matrix=(3, 2))
    slopes = np.random.default_rng(seed).normal(size=(3, 2))
    sizes = np.linalg.svd(slopes, compute_uv=False)
    slopes /= sizes.sum() if order == 2 else sizes.max()  # onto the sphere of the dual norm
    assert admits(made, at(np.zeros((3, 2))), slopes)
    assert not admits(made, at(np.zeros((3, 2))), 1.01 * slopes)


REPEATED = frame(4) @ np.diag([3.0, 3.0, 3.0, 1.0]) @ frame(4)


def eigenvalue(place: int, sign: int, n: int) -> Function:
    def gradient(xp, x):
        _, vectors = xp.linalg.eigh((x + xp.matrix_transpose(x)) / 2)
        v = vectors[:, place][:, None]
        return sign * v @ xp.matrix_transpose(v)

    return entry(lambda xp, x: sign * xp.linalg.eigvalsh((x + xp.matrix_transpose(x)) / 2)[place], gradient, x=(n, n))


@pytest.mark.parametrize("sign", [1, -1], ids=["convex", "concave"])
@pytest.mark.parametrize("seed", range(3))
def test_largest_eigenvalue_where_three_are_equal(sign: int, seed: int) -> None:
    # V Z Vᵀ with Z ≥ 0 and tr Z = 1 (Overton, SIAM Journal on Matrix Analysis 9, 1988).
    made, vectors = eigenvalue(-1, sign, 4), frame(4)[:, :3]
    root = np.random.default_rng(seed).normal(size=(3, 1 + seed))
    slopes = vectors @ (root @ root.T / np.sum(root * root)) @ vectors.T
    indefinite = vectors @ np.diag([0.51, 0.5, -0.01]) @ vectors.T
    assert admits(made, at(REPEATED), sign * slopes)
    assert not any(admits(made, at(REPEATED), sign * wrong) for wrong in (1.01 * slopes, 0.99 * slopes, indefinite))


def test_an_eigenvalue_between_equal_ones() -> None:
    # It is neither convex nor concave, and its limits v vᵀ are curved all the same.
    made = eigenvalue(1, 1, 3)
    for seed in range(2):
        v = np.random.default_rng(seed).normal(size=3)
        assert admits(made, at(np.eye(3)), np.outer(v, v) / (v @ v))
    assert not any(admits(made, at(np.eye(3)), np.diag(d)) for d in ([1.01, 0, 0], [0.4, 0.4, 0.4], [0.0, 0, -0.01]))


@pytest.mark.parametrize("name", ["float32", "float64"])
@pytest.mark.parametrize("size", [1.0, 0.999, 0.5])
@pytest.mark.parametrize("sign", [1.0, -1.0], ids=["convex", "concave"])
def test_slopes_of_the_norm_of_many_entries(name: str, size: float, sign: float) -> None:
    def gradient(xp, x):
        return sign * x / xp.sqrt(xp.sum(x * x))

    made = entry(lambda xp, x: sign * xp.linalg.vector_norm(x), gradient, x=(12,))
    for seed in range(3):
        v = np.random.default_rng(seed).normal(size=12)
        v *= 1 / np.linalg.norm(v)
        assert admits(made, at([0.0] * 12), size * v, name=name)
        assert not admits(made, at([0.0] * 12), 1.01 * v, name=name)


def test_norms_of_rows_with_weights_of_either_sign() -> None:
    made = entry(lambda xp, x: xp.sum(xp.asarray([1.5, -2.0]) * xp.linalg.vector_norm(x, axis=1)), x=(2, 4))
    v = np.random.default_rng(3).normal(size=(2, 4))
    v *= np.array([[1.5], [2.0]]) / np.linalg.norm(v, axis=1, keepdims=True)
    assert admits(made, at(np.zeros((2, 4))), v)
    assert not admits(made, at(np.zeros((2, 4))), v * [[1.01], [1.0]])
    assert not admits(made, at(np.zeros((2, 4))), v * [[0.5], [1.01]])


def test_the_largest_of_two_norms() -> None:
    made = entry(lambda xp, x, y: xp.maximum(*(xp.linalg.vector_norm(z) for z in (x, y))), x=(3,), y=(3,))
    p, q = np.array([0.6, 0.0, 0.8]), np.array([2.0, 1.0, -2.0]) / 3
    assert all(admits(made, at([0.0] * 3, [0.0] * 3), s * p, (1 - s) * q) for s in (0.0, 0.25, 1.0))
    assert not admits(made, at([0.0] * 3, [0.0] * 3), 0.51 * p, 0.5 * q)


def test_slopes_of_a_saddle_with_a_kink() -> None:
    made = entry(lambda xp, x, y: x * xp.abs(y), x=(), y=())
    assert Reference(made).truth(at(0.0, 0.0)).kink is None  # there the slopes are 0, on all sides
    for x in (2.0, -2.0):
        assert all(admits(made, at(x, 0.0), 0.0, slope) for slope in (-2.0, 0.0, 1.5, 2.0))
        assert not any(admits(made, at(x, 0.0), *slopes) for slopes in [(0.0, 2.02), (0.0, -2.02), (0.01, 0.0)])


def test_slopes_of_the_smaller_size() -> None:
    made = entry(lambda xp, x, y: xp.minimum(xp.abs(x), xp.abs(y)), x=(), y=())
    inside = [(0, 0), (1, 0), (0, -1), (0.5, 0.5), (-0.25, 0.75)]
    assert all(admits(made, at(0.0, 0.0), *slopes) for slopes in inside)
    assert not any(admits(made, at(0.0, 0.0), *slopes) for slopes in [(1.01, 0), (0.505, 0.505), (0.7, -0.7)])


def test_slopes_just_outside_a_difference_of_kinks() -> None:
    assert all(admits(made, at(0.0, 0.0), 1.0, -1.0) for made in DIFFERENCES)
    assert not any(admits(made, at(0.0, 0.0), *slopes) for made in DIFFERENCES for slopes in [(1.01, 0), (1, -1.01)])


def test_the_nearest_point_between_others() -> None:
    corners = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.25, 0.25]])
    assert np.allclose(nearest(corners, np.array([1.0, 1.0])), 0.5, atol=1e-15)
    assert np.allclose(nearest(corners, np.array([0.25, 0.5])), [0.25, 0.5], atol=1e-15)
    assert np.allclose(nearest(corners, np.array([-1.0, -2.0])), 0.0, atol=1e-15)


# How limits are sought


def seen(slopes: Callable, *directions: object) -> tuple[Kink, list]:
    """A kink of one argument, of which the gradient along a direction is known, and what is looked
    at beyond the directions given."""
    looks: list = []

    def look(direction: Inputs) -> Inputs:
        looks.append(direction)
        return at(slopes(*(float(v) for v in direction[0])))

    ways = [at(direction) for direction in directions]
    limits = np.array([slopes(*direction) for direction in directions], dtype=float)
    return Kink((limits,), True, ways, look), looks


def sizes(p: float, q: float) -> list[float]:
    """The slopes of |x| + |y| / 4."""
    return [math.copysign(1.0, p), math.copysign(0.25, q)]


def test_the_span_is_that_of_each_entry() -> None:
    kink, _ = seen(sizes, [1.0, 2.0], [-1.0, -2.0], [1.0, -2.0])
    low, high = kink.span(0)
    assert (low.tolist(), high.tolist()) == ([-1.0, -0.25], [1.0, 0.25])


def test_an_entry_is_known_to_a_part_of_the_largest() -> None:
    kink, _ = seen(lambda p, q: [math.copysign(1.0, p), 0.0], [1.0, 0.0], [-1.0, 0.0])
    nothing = (np.zeros(2),)
    assert kink.admits(at([0.5, 2.0**-65]), nothing)
    assert not kink.admits(at([0.5, 2.0**-60]), nothing)


def test_entries_that_bend_a_little_either_way_are_told_apart() -> None:
    ways = [[1.0, 2.0], [-1.0, -2.0], [2.0, -1.0], [-2.0, 1.0]]
    kink, _ = seen(lambda p, q: [math.copysign(2.0**-8, p), -math.copysign(2.0**-8, q)], *ways)
    assert kink._signs is not None and kink._signs.tolist() == [1.0, -1.0]


def test_the_farthest_limit_of_a_convex_function_is_found_at_one_look() -> None:
    kink, looks = seen(sizes, [1.0, 2.0], [-1.0, -2.0])
    assert kink._reaches(np.array([1.0, 1.0]), 1.25) and not looks  # seen already
    assert kink._reaches(np.array([1.0, -1.0]), 1.25) and len(looks) == 1


def test_a_limit_that_takes_several_turns_is_found() -> None:
    # One more for each entry that goes up; straight along the first entry nothing is to be had.
    def level(*direction: float) -> list[float]:
        along = min(map(abs, direction)) > 2.0**-40
        return [float(along and sum(v > 0 for v in direction)), 0.0, 0.0]

    kink, _ = seen(level, [-1.0, -2.0, -4.0], [-2.0, -1.0, -4.0])
    kink._signs = None
    assert kink._reaches(np.array([1.0, 0.0, 0.0]), 3.0)


def test_what_is_as_near_as_its_tolerance_is_not_separate() -> None:
    kink, _ = seen(sizes, [1.0, 2.0], [-1.0, -2.0], [1.0, -2.0], [-1.0, 2.0])
    assert not kink._is_separate(np.array([1.25, 0.25]), np.array([0.25, 0.0]))
    assert kink._is_separate(np.array([1.25, 0.25]), np.array([0.125, 0.0]))
    assert kink._is_separate(np.array([1.25, 0.25]), np.array([0.125, 10.0]))


def test_leanings_go_to_both_sides_and_become_small() -> None:
    start = at([3.0, 4.0])
    moves = [np.array([float(v) for v in d[0]]) - start[0] for d in kinks._leaning(start)]
    ahead, back = np.array(moves[::2]), np.array(moves[1::2])
    assert np.allclose(ahead, -back, atol=1e-12) and (np.abs(ahead).max(axis=1) > 0).all()
    reach = np.abs(ahead).max(axis=1)
    assert reach.max() <= 8.0 and reach[23] < reach[0] * 2.0**-20


def test_probes_run_along_each_entry_all_of_them_and_a_falling_row() -> None:
    inputs = at([0.0, 0.0, 0.0])
    *probes, falling = (d[0] for d in kinks._probe_directions(inputs))
    for straight, probe in zip([*np.eye(3), np.ones(3)], probes, strict=False):
        assert 0 < np.abs(probe - straight).max() <= 2 * kinks.TILT
    assert (np.diff(falling) < 0).all() and (falling > 0).all()


def test_probes_go_to_both_sides() -> None:
    asked: list = []

    def gradient_at(direction: Inputs, distance: object) -> Inputs:
        asked.append(direction[0])
        return at(sizes(*(float(v) for v in direction[0])))

    assert kinks.probe(at([0.0, 0.0]), gradient_at) is not None
    ways = kinks._probe_directions(at([0.0, 0.0]))
    expected = [sign * way[0] for way in ways for sign in (1.0, -1.0)]
    assert all(np.array_equal(got, right) for got, right in zip(asked, expected, strict=False))


def test_the_nearest_point_of_many() -> None:
    random = np.random.default_rng(3)
    for _ in range(200):
        points, target = random.normal(size=(9, 4)), 2 * random.normal(size=4)
        found = nearest(points, target)
        # No point lies farther towards the target than what was found, which is what makes it the nearest.
        assert ((points - found) @ (target - found)).max() <= 1e-9
