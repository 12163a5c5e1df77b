"""The layers of `xp.nn` on PyTorch: the native operations, with the arguments of the formulas."""

import torch
from torch.nn import functional


def _batch_norm(x: torch.Tensor, gain: torch.Tensor, bias: torch.Tensor, epsilon: float) -> torch.Tensor:
    return functional.batch_norm(x, None, None, gain, bias, training=True, eps=epsilon)


def _instance_norm(x: torch.Tensor, gain: torch.Tensor, bias: torch.Tensor, epsilon: float) -> torch.Tensor:
    return functional.instance_norm(x, weight=gain, bias=bias, eps=epsilon)


def _lstm(
    x: torch.Tensor, h: torch.Tensor, c: torch.Tensor, w: torch.Tensor, u: torch.Tensor, b: torch.Tensor
) -> torch.Tensor:
    # One layer, training, one direction, steps first; the native cell has two biases, which are added.
    return torch.lstm(x, (h[None], c[None]), [w, u, b, torch.zeros_like(b)], True, 1, 0.0, True, False, False)[0]


def _gru(
    x: torch.Tensor, h: torch.Tensor, w: torch.Tensor, u: torch.Tensor, b: torch.Tensor, d: torch.Tensor
) -> torch.Tensor:
    return torch.gru(x, h[None], [w, u, b, d], True, 1, 0.0, True, False, False)[0]


LAYERS = {
    "dense": lambda x, w, b: functional.linear(x, w.mT, b),
    "embedding": functional.embedding,
    "conv": lambda x, kernel, stride=1, padding=0, dilation=1, groups=1: functional.conv1d(
        x, kernel, None, stride, padding, dilation, groups
    ),
    "conv2d": lambda x, kernel, stride=1, padding=0, dilation=1, groups=1: functional.conv2d(
        x, kernel, None, stride, padding, dilation, groups
    ),
    "conv_transpose": lambda x, kernel, stride=1, padding=0, dilation=1: functional.conv_transpose1d(
        x, kernel, None, stride, padding, dilation=dilation
    ),
    "conv_transpose2d": lambda x, kernel, stride=1, padding=0, dilation=1: functional.conv_transpose2d(
        x, kernel, None, stride, padding, dilation=dilation
    ),
    "max_pool": functional.max_pool1d,
    "max_pool2d": functional.max_pool2d,
    "avg_pool": lambda x, window, stride, padding=0, counting_padding=True: functional.avg_pool1d(
        x, window, stride, padding, False, counting_padding
    ),
    "avg_pool2d": lambda x, window, stride, padding=0, counting_padding=True: functional.avg_pool2d(
        x, window, stride, padding, False, counting_padding
    ),
    "layer_norm": lambda x, gain, bias, epsilon: functional.layer_norm(x, gain.shape, gain, bias, epsilon),
    "batch_norm": _batch_norm,
    "group_norm": lambda x, gain, bias, groups, epsilon: functional.group_norm(x, groups, gain, bias, epsilon),
    "instance_norm": _instance_norm,
    "rms_norm": lambda x, gain, epsilon: functional.rms_norm(x, gain.shape, gain, epsilon),
    "lstm": _lstm,
    "gru": _gru,
    "dot_product_attention": lambda q, k, v, causal=False: functional.scaled_dot_product_attention(
        q, k, v, is_causal=causal
    ),
}
