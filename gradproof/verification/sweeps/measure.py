"""How far a backend's values and slopes are from the truth, counted over all inputs of a sweep."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from decimal import ROUND_CEILING, Context
from typing import Any

import numpy as np

from gradproof.backends import BACKENDS, Adapter, Unsupported, differentiate
from gradproof.oracles.machine_model import Format
from gradproof.verification.sweeps.entrywise import Entrywise

LIMITS = (1, 4, 16)
"""The errors, in ulp, beyond which inputs are counted."""

DIGITS = Context(prec=3, rounding=ROUND_CEILING)
"""How the errors of a profile are written."""

MODES = ("reverse", "forward", "compiled")
"""The modes that are swept: the gradient of the sum over all entries, tangents along a direction of ones, and that
gradient compiled. The value is that of the body, compiled where the gradient is."""


@dataclass(frozen=True)
class Answer:
    """What a backend gives at all inputs at once, in float64: the values, then the slopes in each argument; and how
    many seconds a second call took, after one that compiles."""

    quantities: tuple[np.ndarray, ...]
    seconds: float


def ask(
    entry: Entrywise, adapter: Adapter, dtype: str, device: str, mode: str, inputs: tuple[np.ndarray, ...]
) -> Answer:
    """Run a backend on all inputs. What it raises is for the caller: a refusal is a result as well."""
    arrays = [adapter.array(x, dtype, device) for x in inputs]
    slopes = _slopes(entry, adapter, dtype, device, mode, len(inputs))
    values = adapter.callable(entry.function, dtype, device)
    if mode == "compiled":
        values = adapter.compile(values)
    values(*arrays), slopes(*arrays)
    start = time.perf_counter()
    parts = [values(*arrays), *slopes(*arrays)]
    found = [_array(adapter, part, inputs[0].shape, dtype) for part in parts]
    return Answer(tuple(found), time.perf_counter() - start)


def _slopes(entry: Entrywise, adapter: Adapter, dtype: str, device: str, mode: str, count: int) -> Callable:
    if mode != "forward":
        return differentiate(adapter, entry.summed, dtype, device, mode)
    if mode not in BACKENDS[adapter.name].modes:
        raise Unsupported(BACKENDS[adapter.name].lacks[mode])
    push = adapter.prepared(adapter.jvp(adapter.callable(entry.function, dtype, device)))

    def along_ones(*arrays: Any) -> list[Any]:
        shape = adapter.to_numpy(arrays[0]).shape
        zero, one = (adapter.array(np.full(shape, number), dtype, device) for number in (0.0, 1.0))
        return [push(*arrays, *(one if i == moving else zero for i in range(count))) for moving in range(count)]

    return along_ones


def _array(adapter: Adapter, part: Any, shape: tuple[int, ...], dtype: str) -> np.ndarray:
    if part is None:
        return np.zeros(shape)  # unconnected: it says that nothing depends on the argument
    if adapter.dtype_of(part) != dtype:
        raise ValueError(f"it gives {adapter.dtype_of(part)} for {dtype}, of which errors in ulp say nothing")
    found = np.asarray(adapter.to_numpy(part)).astype(np.float64)
    if found.shape not in (shape, ()):
        raise ValueError(f"it gives the shape {found.shape} at inputs of the shape {shape}")
    return np.broadcast_to(found, shape)


def statistics(
    got: np.ndarray,
    truth: tuple[np.ndarray, np.ndarray],
    inputs: tuple[np.ndarray, ...],
    left_out: np.ndarray,
    format: Format,
    bins: np.ndarray | None = None,
) -> dict[str, Any]:
    """The counts of one quantity, under the names that `gradproof.verification.sweeps` explains. `bins` are those of
    the inputs, where a profile is wanted."""
    high, low = truth
    right = rounded(high, low, format)
    judged = ~np.isnan(high) & ~left_out
    expected = judged & np.isfinite(right)
    flushed = expected & (got == 0) & (right != 0) & (np.abs(right) < format.tiny)
    as_zero = judged & ~flushed & (got != right) & _answered_as_zero(got, inputs, format)
    lost = expected & ~np.isfinite(got) & ~as_zero
    made = judged & ~np.isfinite(right) & np.isfinite(got) & ~as_zero
    compared = expected & ~lost & ~flushed & ~as_zero
    error = np.where(compared, errors(got, high, low, format), 0.0)
    row = {
        "compared": int(compared.sum()),
        "correct": _share(compared & (got == right), compared),
        **{f"beyond_{limit}": _share(error > limit, compared) for limit in LIMITS},
        "nonfinite": int(lost.sum()),
        "finite": int(made.sum()),
        "flushed": int(flushed.sum()),
        "as_zero": int(as_zero.sum()),
    }
    if compared.any():
        worst = int(np.argmax(error))
        row |= {"ulp": float(error[worst]), "input": _hex(inputs, worst)}
        row |= {"got": float(got[worst]).hex(), "truth": float(high[worst]).hex()}
    for name, where in (("nonfinite", lost), ("finite", made)):
        if where.any():
            row[f"{name}_input"] = _hex(inputs, _most_ordinary(inputs, where))
    if bins is not None:
        row["profile"] = _profile(error, compared, lost, bins)
    return row


def _profile(error: np.ndarray, compared: np.ndarray, lost: np.ndarray, bins: np.ndarray) -> list[float | str | None]:
    """The largest error of each bin."""
    largest = np.full(int(bins.max()) + 1, np.nan)
    np.fmax.at(largest, bins, np.where(lost, np.inf, np.where(compared, error, np.nan)))
    return [None if math.isnan(e) else "inf" if math.isinf(e) else _rounded_up(e) for e in largest]


def _rounded_up(error: float) -> float:
    # In fewer digits, but never below what it is: 0.5001 ulp is not correctly rounded.
    return float(DIGITS.create_decimal(error))


def rounded(high: np.ndarray, low: np.ndarray, format: Format) -> np.ndarray:
    """The number of the format nearest to high + low, ties to even; infinite beyond the largest."""
    nearest = format.rounded(high)
    if format.precision == 53:
        return nearest
    with np.errstate(over="ignore", invalid="ignore"):
        ulp = spacing(high, format)
        # Of a tie between two neighbours what is below float64 decides.
        is_tie = np.abs(high - nearest) * 2 == ulp
        away = np.where((low > 0) == (high > nearest), high + np.copysign(ulp / 2, high - nearest), nearest)
        decided = np.where(is_tie & (low != 0), away, nearest)
    return np.where(np.abs(decided) > format.largest, np.copysign(np.inf, decided), decided)


def spacing(values: np.ndarray, format: Format) -> np.ndarray:
    """One unit in the last place at these values."""
    exponents = np.maximum(np.frexp(np.where(np.isfinite(values), values, 1.0))[1], np.frexp(format.tiny)[1])
    return np.ldexp(1.0, exponents - format.precision)


def errors(got: np.ndarray, high: np.ndarray, low: np.ndarray, format: Format) -> np.ndarray:
    """|got - (high + low)| in units of the last place of the truth."""
    with np.errstate(all="ignore"):
        return np.abs(((got - high) - low) / spacing(high, format))


def _answered_as_zero(got: np.ndarray, inputs: tuple[np.ndarray, ...], format: Format) -> np.ndarray:
    """Where a subnormal number was taken for zero; seen of one argument."""
    if len(inputs) > 1:
        return np.zeros(got.shape, bool)
    (x,) = inputs
    at_zero = got[x == 0]
    if not len(at_zero):
        return np.zeros(got.shape, bool)
    # Of a zero with a minus sign an infinity has the other sign.
    same = (np.abs(got) == np.abs(at_zero[0])) | (np.isnan(got) & np.isnan(at_zero[0]))
    return same & (x != 0) & (np.abs(x) < format.tiny)


def _share(part: np.ndarray, whole: np.ndarray) -> float:
    return float(part.sum() / whole.sum()) if whole.any() else 0.0


def _hex(inputs: tuple[np.ndarray, ...], index: int) -> list[str]:
    return [float(x[index]).hex() for x in inputs]


def _most_ordinary(inputs: tuple[np.ndarray, ...], where: np.ndarray) -> int:
    """Of these inputs the one that is nearest to 1 in size: it says more than one at the end of the range."""
    chosen = np.flatnonzero(where)
    with np.errstate(divide="ignore"):
        distance = sum(np.abs(np.log2(np.abs(x[chosen]))) for x in inputs)
    return int(chosen[np.argmin(distance)])
