"""Long transforms of balls are those of the definition, for either sign, and for series of balls too."""

import numpy as np
import pytest
from flint import arb, arb_series

from gradproof.oracles.balls import fourier

RANDOM = np.random.default_rng(0)


def balls(numbers: np.ndarray) -> np.ndarray:
    return np.asarray(np.frompyfunc(lambda v: arb(float(v)), 1, 1)(numbers), dtype=object)


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("n", [5, 65])
def test_a_fast_transform_is_the_sum_that_defines_it(n: int, sign: int) -> None:
    re, im = (balls(RANDOM.normal(size=(2, n))) for _ in range(2))
    pairs = zip(fourier._one_by_one(re, im, sign), fourier._fast(re, im, sign), strict=True)
    for summed, fast in pairs:
        assert fast.shape == (2, n)
        assert all(p.overlaps(q) and q.rad() < 1e-12 for p, q in zip(summed.flat, fast.flat, strict=True))


def test_of_series_each_term_is_transformed() -> None:
    values, slopes = RANDOM.normal(size=(2, 6))
    re = np.empty(6, dtype=object)
    re[:] = [arb_series([float(v), float(s)]) for v, s in zip(values, slopes, strict=True)]
    im = balls(np.zeros(6))
    for summed, fast in zip(fourier._one_by_one(re, im, -1), fourier._fast(re, im, -1), strict=True):
        assert all(p[k].overlaps(q[k]) for p, q in zip(summed.flat, fast.flat, strict=True) for k in (0, 1))
