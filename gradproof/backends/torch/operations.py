"""PyTorch's own list of operations: the records, with sample inputs, by which PyTorch tests itself."""

import warnings
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from torch.utils import _pytree as pytree

from gradproof.backends.operations import Layout, Operation, Operations, Sample
from gradproof.backends.transformations import Missing

SOURCE = "torch.testing: op_db"

DTYPES = ("float64", "float32", "float16", "bfloat16", "complex128", "complex64")

ONE_TRIANGLE = ("cholesky_inverse", "cholesky_solve", "triangular_solve")
"""They read one triangle of an argument. Their records take the other away before a gradient is looked at, and here it
is looked at."""

LARGEST = (200, 2000)
"""Calls with more numbers are left out where there are others: of as many as the first, or else the second."""


def _records() -> list[Any]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from torch.testing._internal.common_methods_invocations import op_db
    except ModuleNotFoundError as error:
        raise Missing(f"PyTorch's records of its operations need {error.name}: pip install {error.name}") from error
    return op_db


class TorchOperations(Operations):
    """The records of `op_db`."""

    layouts = (
        Layout("non-contiguous", lambda x: torch.stack([x, x], -1)[..., 0]),
        Layout("expanded", lambda x: x[..., :1].expand(x.shape) if x.dim() else x),
    )

    def all(self) -> list[Operation]:
        found = {}
        for record in _records():
            # Where two records bear a name, the first is the plain one.
            found.setdefault(_name(record), record)
        return [_operation(name, record) for name, record in sorted(found.items())]

    def replaced(self, array: torch.Tensor, mask: np.ndarray, value: float) -> torch.Tensor:
        return torch.where(torch.as_tensor(mask), torch.full_like(array, value), array)


def _name(record: Any) -> str:
    variant = f" ({record.variant_test_name})" if record.variant_test_name else ""
    return f"{record.name}{variant}"


def _operation(name: str, record: Any) -> Operation:
    claimed = [str(dtype).removeprefix("torch.") for dtype in record.supported_backward_dtypes("cpu")]
    modes = {
        "reverse": record.supports_autograd,
        "forward": record.supports_forward_ad,
        "reverse_over_reverse": record.supports_gradgrad,
        "forward_over_reverse": record.supports_fwgrad_bwgrad,
    }
    reason = "" if record.supports_autograd else "PyTorch's record says that it is not differentiable"
    return Operation(
        name=name,
        source=SOURCE,
        samples=partial(_samples, record),
        dtypes=tuple(dtype for dtype in DTYPES if dtype in claimed),
        modes=tuple(mode for mode, has in modes.items() if has),
        reason=reason,
        takes_layouts="as_strided" not in name,
    )


def _samples(record: Any, dtype: str) -> Sequence[Sample]:
    torch.manual_seed(0)
    np.random.seed(0)
    given = list(record.sample_inputs("cpu", getattr(torch, dtype), requires_grad=True))
    for largest in LARGEST:
        if small := [sample for sample in given if _size(sample) <= largest]:
            return [_sample(record, sample) for sample in small]
    return [_sample(record, sample) for sample in given]


def _plainly(op: Callable, *args: Any, **kwargs: Any) -> Any:
    return op(*args, **kwargs)


def _size(sample: Any) -> int:
    leaves = pytree.tree_leaves((sample.input, sample.args, sample.kwargs))
    return sum(leaf.numel() for leaf in leaves if torch.is_tensor(leaf))


def _sample(record: Any, sample: Any) -> Sample:
    return Sample(_call(record, sample), (sample.input, sample.args, sample.kwargs), _written(record, sample))


def _call(record: Any, sample: Any) -> Callable:
    # A record may say how an argument is made Hermitian, or what is left of a result where it is masked.
    wrap = record.gradcheck_wrapper if record.name not in ONE_TRIANGLE else _plainly

    def call(input: Any, args: tuple, kwargs: dict) -> Any:
        return sample.output_process_fn_grad(wrap(record.op, input, *args, **kwargs))

    return call


def _written(record: Any, sample: Any) -> str:
    given = [_shown(sample.input), *map(_shown, sample.args)]
    return f"{record.name}({', '.join(given + [f'{k}={_shown(v)}' for k, v in sample.kwargs.items()])})"


def _shown(value: Any) -> str:
    if torch.is_tensor(value):
        layout = "" if value.layout == torch.strided and value.is_contiguous() else " strided otherwise"
        return f"{str(value.dtype).removeprefix('torch.')}{list(value.shape)}{layout}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_shown, value))}]"
    return repr(value)


OPERATIONS = TorchOperations
