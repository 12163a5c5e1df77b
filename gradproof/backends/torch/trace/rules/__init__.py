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
    (
        "_log_softmax_backward_data _softmax_backward_data affine_grid_generator binary_cross_entropy "
        "binary_cross_entropy_backward celu deg2rad elu elu_backward "
        "gelu gelu_backward glu glu_backward grid_sampler_2d hardshrink hardsigmoid "
        "hardswish hardswish_backward hardtanh_backward huber_loss huber_loss_backward "
        "leaky_relu leaky_relu_backward log_sigmoid_backward log_sigmoid_forward logit logit_backward mish "
        "mish_backward mse_loss mse_loss_backward multi_margin_loss mvlgamma "
        "native_batch_norm_backward native_group_norm_backward native_layer_norm_backward nll_loss_backward rad2deg "
        "select_backward sigmoid_backward silu silu_backward slice_backward smooth_l1_loss smooth_l1_loss_backward "
        "softplus softplus_backward softshrink special_entr tanh_backward threshold_backward"
    ).split()
)
"""Fused operations that are traced as the operations that PyTorch itself says they are made of."""

VIEWS = frozenset(
    "_conj _neg_view _unsafe_view alias as_strided detach diagonal expand permute select slice split "
    "split_with_sizes squeeze t transpose unbind unfold unsqueeze view view_as_complex view_as_real".split()
)
"""Operations that give another view of the same memory, and so of the same cells."""

OPERATIONS = sorted({*RULES, *DECOMPOSED, *VIEWS})
"""The operations of aten that can be traced, without their overloads, in place or not. What PyTorch composes of others
before it differentiates (CompositeImplicitAutograd) is no operation here."""

__all__ = ["DECOMPOSED", "OPERATIONS", "RULES", "VIEWS", "is_drawn"]
