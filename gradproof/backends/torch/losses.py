"""The losses of `xp.nn` that PyTorch has itself, in the argument order of the formulas, without a reduction."""

from typing import Any

import torch
from torch.nn import functional


def _cross_entropy_of_labels(logits: torch.Tensor, labels: torch.Tensor, smoothing: float = 0.0) -> torch.Tensor:
    return functional.cross_entropy(logits, labels, reduction="none", label_smoothing=smoothing)


def _sigmoid_cross_entropy(logits: torch.Tensor, targets: torch.Tensor, positive_weight: float = 1.0) -> torch.Tensor:
    weight = None if positive_weight == 1 else torch.full((), positive_weight, dtype=logits.dtype, device=logits.device)
    return functional.binary_cross_entropy_with_logits(logits, targets, reduction="none", pos_weight=weight)


def _triplet_margin(
    anchor: torch.Tensor,
    positive: torch.Tensor,
    negative: torch.Tensor,
    margin: float = 1.0,
    epsilon: float = 2.0**-10,
) -> torch.Tensor:
    return functional.triplet_margin_loss(anchor, positive, negative, margin=margin, eps=epsilon, reduction="none")


def _ctc_loss(logits: torch.Tensor, labels: list[int]) -> torch.Tensor:
    return _ctc_loss_of_log_probabilities(functional.log_softmax(logits, dim=1), labels)


def _ctc_loss_of_log_probabilities(log_p: torch.Tensor, labels: list[int]) -> torch.Tensor:
    # For a batch of one, whose axis stands behind that of the steps.
    targets, lengths = torch.asarray([labels], device=log_p.device), ((log_p.shape[0],), (len(labels),))
    return functional.ctc_loss(log_p[:, None, :], targets, *lengths, blank=0, reduction="none")[0]


LOSSES: dict[str, Any] = {
    "squared_error": lambda x, y: functional.mse_loss(x, y, reduction="none"),
    "absolute_error": lambda x, y: functional.l1_loss(x, y, reduction="none"),
    "huber_loss": lambda x, y, delta=1.0: functional.huber_loss(x, y, reduction="none", delta=delta),
    "smooth_absolute_error": lambda x, y, beta=1.0: functional.smooth_l1_loss(x, y, reduction="none", beta=beta),
    "poisson_nll": lambda x, y: functional.poisson_nll_loss(x, y, log_input=True, full=False, reduction="none"),
    "kl_divergence": lambda x, y: functional.kl_div(x, y, reduction="none"),
    "cosine_similarity": lambda x, y, axis=-1: functional.cosine_similarity(x, y, dim=axis),
    "triplet_margin": _triplet_margin,
    "softmax_cross_entropy": lambda x, y: functional.cross_entropy(x, y, reduction="none"),
    "cross_entropy_of_labels": _cross_entropy_of_labels,
    "sigmoid_cross_entropy": _sigmoid_cross_entropy,
    "binary_cross_entropy": lambda p, t: functional.binary_cross_entropy(p, t, reduction="none"),
    "ctc_loss": _ctc_loss,
    "ctc_loss_of_log_probabilities": _ctc_loss_of_log_probabilities,
}
