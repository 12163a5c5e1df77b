"""The machine model: how far each operation of a backend may be from the exact result, in one table with its sources.

Standard model of floating-point arithmetic (Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., section
2.2): fl(x op y) = (x op y)(1 + δ), |δ| ≤ u, and gradual underflow adds |η| at most the smallest subnormal. An
elementary function within k ulp has |δ| ≤ 2ku. A sum of n terms in any order has |error| ≤ (n - 1) u Σ|terms| (section
4.2)."""

from dataclasses import dataclass
from functools import cache

import numpy as np
from flint import arb

SLACK = 4.0
"""What a bound is multiplied by before it accuses anybody: backends differentiate by programs of their own, a few
operations longer than the hand-derived one. docs/bounds.md says how far below it backends stay."""

SWEEP_SLACK = 2.0
"""The same for the bound of the body's own reverse sweep, which is the program that a backend runs, but for the order
of sums and for what it fuses."""

ULPS = {
    # Correctly rounded by IEEE 754-2019, clause 5.4.1: half an ulp.
    "add": 0.5,
    "multiply": 0.5,
    "divide": 0.5,
    "sqrt": 0.5,
    # The OpenCL SPIR-V environment specification, "Relative Error as ULPs", full profile, float64 and float32. It is
    # a table that CPU and GPU libraries alike keep to; glibc and CUDA publish tighter ones.
    "acos": 4,
    "acosh": 4,
    "asin": 4,
    "asinh": 4,
    "atan": 5,
    "atan2": 6,
    "atanh": 5,
    "cos": 4,
    "cosh": 4,
    "erf": 16,
    "erfc": 16,
    "exp": 3,
    "expm1": 3,
    "hypot": 4,
    "log": 3,
    "log10": 3,
    "log1p": 2,
    "log2": 3,
    "pow": 16,
    "sin": 4,
    "sinh": 4,
    "tan": 5,
    "tanh": 5,
    # That table leaves lgamma to the implementation and has no digamma: the 16 ulp of its tgamma, relative to at least
    # 1, because no library keeps a relative error at their zeros.
    "gammaln": 16,
    "digamma": 16,
    # A composition of exp, an addition and a division: 3 + 0.5 + 0.5.
    "expit": 4,
    # A composition of a product with π, sin and a division: 0.5 + 0.5 + 4 + 0.5, and a little for the second π.
    "sinc": 6,
    # Cephes (S. L. Moshier, Cephes Mathematical Library, release 2.8), "ACCURACY" in the head of each file: the peak
    # relative error in float64, divided by 2u. It is what SciPy, TensorFlow, JAX and PyTorch took these functions
    # from. igam 3.6e-14 and igamc 1.9e-14 (a, x up to 30 and 100), incbet 6.9e-15 (a, b up to 5; the errors grow with
    # the parameters, because xᵃ is computed through logarithms), to which are added the 16 ulp of each of the three
    # gammaln that other implementations take its factor 1 / B(a, b) from, i0 5.8e-16, i0e 5.4e-16, i1 1.9e-15, i1e
    # 2.0e-15, j0 4.2e-16 and j1 2.6e-16 (x up to 30, absolute errors), expn 1.7e-15, ndtri 7.2e-16.
    "gammainc": 163,
    "gammaincc": 86,
    "betainc": 80,
    "i0": 3,
    "i0e": 3,
    "i1": 9,
    "i1e": 10,
    "j0": 2,
    "j1": 2,
    # The same heads as Eigen keeps them, which TensorFlow takes these from: k0 and k0e 1.4e-15, k1e 7.8e-16, y0 1.3e-15
    # and y1 1.0e-15 (absolute errors). That of k1 repeats a number of float32; it is taken to be that of k0.
    "k0": 7,
    "k0e": 7,
    "k1": 7,
    "k1e": 4,
    "y0": 6,
    "y1": 5,
    "expn": 8,
    "ndtri": 4,
    # Nobody publishes an error of these for a CPU (CUDA gives 2 and 5 ulp for its erfinv). As much as OpenCL grants
    # the functions they belong to: erfinv and log_ndtr to erf and erfc, polygamma and zeta to tgamma, lambertw, an
    # iteration with exp and divisions, to pow.
    # dawsn, erfcx, expi, spence and the integrals of Fresnel, series and rational functions, are granted as much as
    # erf.
    "dawsn": 16,
    "erfcx": 16,
    "erfinv": 16,
    "expi": 16,
    "fresnel_cos": 16,
    "fresnel_sin": 16,
    "lambertw": 16,
    "log_ndtr": 16,
    "polygamma": 16,
    "spence": 16,
    "zeta": 16,
}

ARITHMETIC = ("add", "multiply", "divide", "sqrt")

ABSOLUTE = ("gammaln", "digamma", "expi", "j0", "j1", "sinc", "y0", "y1")
"""Functions whose error is relative to the larger of the result and 1."""

SATURATING = ("tanh", "expit", "expm1", "dawsn", "erfcx")
"""Functions whose textbook derivative comes from their value and cancels where that saturates: 1 - t², s(1 - s),
m + 1, 1 - 2xD and 2xE - 2/√π. Whoever differentiates so loses the value's error from the derivative, absolutely. The
policy, for all of them: it is granted where nothing but the program or the body says what is meant; a derivation that
keeps those digits asks them of everybody."""


@dataclass(frozen=True)
class Format:
    """A binary floating-point format (IEEE 754-2019, table 3.5; bfloat16 by its usual definition).

    `precision` p in bits, hidden bit included; unit roundoff u = 2**-p; `largest` finite, `tiny` smallest normal and
    `smallest` subnormal number."""

    name: str
    precision: int
    largest: float
    tiny: float

    @property
    def unit_roundoff(self) -> float:
        """u = 2**-p, the largest relative error of rounding to nearest."""
        return 2.0**-self.precision

    def rounded(self, values: np.ndarray) -> np.ndarray:
        """The nearest numbers of this format, ties to even, as float64; infinite beyond the largest."""
        with np.errstate(over="ignore"):
            exponents = np.maximum(np.frexp(values)[1], np.frexp(self.tiny)[1])
            quantum = np.ldexp(1.0, exponents - self.precision)
            near = np.rint(values / quantum) * quantum
        return np.where(np.abs(near) > self.largest, np.copysign(np.inf, values), near)

    @property
    def smallest(self) -> float:
        """The smallest subnormal number."""
        return self.tiny * 2.0 ** (1 - self.precision)


TF32 = Format("tf32", 11, (2 - 2.0**-10) * 2.0**127, 2.0**-126)
"""What the factors of a float32 product are rounded to on a GPU where TF32 is on; no dtype of its own."""

FORMATS = {
    f.name: f
    for f in (
        Format("float64", 53, (2 - 2.0**-52) * 2.0**1023, 2.0**-1022),
        Format("float32", 24, (2 - 2.0**-23) * 2.0**127, 2.0**-126),
        Format("float16", 11, 65504.0, 2.0**-14),
        Format("bfloat16", 8, (2 - 2.0**-7) * 2.0**127, 2.0**-126),
    )
}


@dataclass(frozen=True)
class MachineModel:
    """A format, whether results below its smallest normal number may become zero (`flushes`), and whether a slope of
    the `SATURATING` may be taken from their value."""

    format: Format
    flushes: bool = False
    slopes_from_values: bool = True

    def underflow(self, operation: str = "add") -> float:
        """The largest absolute error that underflow adds to one operation.

        Gradual underflow is promised for arithmetic alone: the published errors of elementary functions hold for
        normal results, and a library may give zero below them."""
        return self.format.tiny if self.flushes or operation not in ARITHMETIC else self.format.smallest

    def may_flush(self, values: np.ndarray) -> bool:
        """Whether some of these numbers may be taken for zero."""
        return self.flushes and bool(((values != 0) & (np.abs(values) < self.format.tiny)).any())

    def factor(self, operation: str, count: int = 1) -> arb:
        """The ball 1 ± δ that holds what `count` roundings of `operation` may multiply a result by."""
        return _factor(self.format.precision, operation, count)

    def exact(self, value: float) -> bool:
        """Whether `value` is a number of this format, underflow aside."""
        mantissa = abs(value)
        if mantissa == 0 or mantissa > self.format.largest:
            return mantissa == 0
        numerator, _ = value.as_integer_ratio()
        odd = abs(numerator) // (abs(numerator) & -abs(numerator))
        return odd.bit_length() <= self.format.precision


@cache
def _factor(precision: int, operation: str, count: int) -> arb:
    return arb(1, arb(2 * ULPS[operation] * count) * arb(2) ** -precision)
