"""The rules by which aten operations go onto the tape, by families. See `Interpreter` for how a rule is called."""

from gradproof.backends.torch.trace.rules import elementwise, layers, linear_algebra, movement, products, reductions
from gradproof.backends.torch.trace.rules.layers import is_drawn

RULES = {
    **elementwise.RULES,
    **reductions.RULES,
    **products.RULES,
    **movement.RULES,
    **linear_algebra.RULES,
    **layers.RULES,
}

DECOMPOSED = frozenset(
    "binary_cross_entropy binary_cross_entropy_with_logits celu elu gelu glu grid_sampler_2d hardshrink hardsigmoid "
    "hardswish huber_loss leaky_relu log_sigmoid_forward mish mse_loss multi_margin_loss "
    "multilabel_margin_loss_forward mvlgamma silu smooth_l1_loss soft_margin_loss softplus softshrink special_entr "
    "binary_cross_entropy_backward elu_backward gelu_backward glu_backward hardsigmoid_backward hardswish_backward "
    "hardtanh_backward huber_loss_backward leaky_relu_backward log_sigmoid_backward mse_loss_backward "
    "native_batch_norm_backward native_group_norm_backward native_layer_norm_backward nll_loss_backward sigmoid_backward "
    "silu_backward smooth_l1_loss_backward softplus_backward softshrink_backward tanh_backward threshold_backward "
    "_softmax_backward_data _log_softmax_backward_data embedding_dense_backward select_backward slice_backward "
    "logit logit_backward mish_backward affine_grid_generator trace rad2deg deg2rad".split()
)
"""Fused operations that are traced as the operations that PyTorch itself says they are made of."""

VIEWS = frozenset(
    "_conj _neg_view alias as_strided detach diagonal expand permute select slice split split_with_sizes squeeze t "
    "transpose unbind unfold unsqueeze view view_as_complex view_as_real".split()
)
"""Operations that give another view of the same memory, and so of the same cells."""

OPERATIONS = sorted({*RULES, *DECOMPOSED, *VIEWS})
"""The operations of aten that can be traced, without their overloads, in place or not. What PyTorch composes of others
before it differentiates (CompositeImplicitAutograd) is no operation here."""

__all__ = ["DECOMPOSED", "OPERATIONS", "RULES", "VIEWS", "is_drawn"]
