"""Functions that walk along a sequence, where each step reads what the step before has left."""

from gradproof import Reals, function, weights


@function(
    W=Reals((2, 2)),
    U=Reals((2, 3)),
    b=Reals((2, 1)),
    h=Reals((2, 1)),
    x=Reals((3, 4)),
    points=[
        dict(
            W=[[0.5, -0.75], [1.25, 0.25]],
            U=[[0.375, -0.5, 1.0], [-0.25, 0.625, 0.125]],
            b=[[0.25], [-0.375]],
            h=[[0.5], [-0.125]],
            x=[[0.5, -1.0, 0.75, 0.25], [1.5, 0.625, -0.5, -1.25], [-0.25, 2.0, 1.25, -0.875]],
        ),
        dict(  # everything 0 but the input: the derivative of each tanh is 1
            W=[[0.0] * 2] * 2, U=[[0.0] * 3] * 2, b=[[0.0]] * 2, h=[[0.0]] * 2, x=[[1.0, 2.0, 3.0, 4.0]] * 3
        ),
        dict(  # the first step saturates, and what lies before it is cut off
            W=[[0.5, 1.0], [-1.0, 0.25]],
            U=[[2.0, -0.5, 1.0], [0.25, 3.0, -1.5]],
            b=[[0.0], [0.5]],
            h=[[0.25], [-0.5]],
            x=[[40.0, -0.25, 0.0, 0.5], [8.0, 0.5, 0.125, -0.25], [1.0, -0.5, 0.25, 0.75]],
        ),
    ],
)
def recurrent_network(xp, W, U, b, h, x):
    """f(W, U, b, h₀, x) = Σₜ wₜ · hₜ, hₜ = tanh(W hₜ₋₁ + U xₜ + b)

    W: 2x2, U: 2x3, b: 2x1, h₀: 2x1, x: 3x4, a column for each of the four steps."""
    w, f = weights(xp, (h.shape[0], 4)), 0
    for t in range(4):
        h = xp.tanh(W @ h + U @ x[:, t : t + 1] + b)
        f = f + xp.sum(w[:, t : t + 1] * h)
    return f


@recurrent_network.gradient
def _(xp, W, U, b, h, x):
    w, hs = weights(xp, (h.shape[0], 4)), [h]  # hs[t] is the state before step t, hs[t + 1] the one after it
    for t in range(4):
        a = W @ hs[t] + U @ x[:, t : t + 1] + b  # node 1 of step t
        hs += [xp.tanh(a)]  # node 2 of step t
    # Backpropagation through time (Werbos, Proceedings of the IEEE 78, 1990): the same nodes, from the last step to the
    # first. W, U and b serve in every step, so what the steps send to them adds up.
    d_W, d_U, d_b, d_x, d_h = 0, 0, 0, [], 0
    for t in reversed(range(4)):
        d_h = d_h + w[:, t : t + 1]  # node 3 input: f = Σ w h, besides what step t + 1 has sent
        d_a = (1 - hs[t + 1] * hs[t + 1]) * d_h  # node 2 input
        d_W = d_W + d_a @ xp.matrix_transpose(hs[t])  # node 1 input
        d_U = d_U + d_a @ xp.matrix_transpose(x[:, t : t + 1])  # node 1 input
        d_b = d_b + d_a  # node 1 input
        d_x = [xp.matrix_transpose(U) @ d_a, *d_x]  # node 1 input, (3, 1)
        d_h = xp.matrix_transpose(W) @ d_a  # node 1 input: to the step before
    return d_W, d_U, d_b, d_h, xp.concat(d_x, axis=1)


@recurrent_network.inputs_of_size
def _(n, rng):
    sizes = dict(U=(n, 3), b=(n, 1), h=(n, 1), x=(3, 4))
    return dict(W=rng.normal(size=(n, n)) / n**0.5) | {name: rng.normal(size=size) for name, size in sizes.items()}


@function(
    x=Reals((5,)),
    points=[
        dict(x=[0.5, -1.25, 2.0, 0.75, -3.5]),
        dict(x=[1.5, -0.5, 0.0, 2.25, 3.0]),  # one zero: its own derivative is not 0, though each later product is
        dict(x=[1.5, 0.0, 0.5, -0.0, 3.0]),  # two zeros: nothing behind the second counts
        dict(x=[0.0, 0.0, 1.0, 2.0, 3.0]),
    ],
)
def cumulative_product(xp, x):
    """f(x) = Σₖ wₖ Πⱼ≤ₖ xⱼ

    x: 5. Dividing each product by xᵢ would fail at 0; the derivative is a product of the others instead."""
    return xp.sum(weights(xp, (5,)) * xp.cumulative_prod(x, axis=0))


@cumulative_product.gradient
def _(xp, x):
    # c_k = Π over j ≤ k of x_j  node 1
    # f = Σ w c                  node 2
    d_c = weights(xp, (5,))  # node 2 input
    d_x = []
    for i in range(5):  # node 1 input: c_k depends on x_i for k ≥ i, with the product of the other factors as slope
        others = xp.ones_like(x[i])
        for j in range(i):
            others = others * x[j]
        d_xi = others * d_c[i]
        for k in range(i + 1, 5):
            others = others * x[k]
            d_xi = d_xi + others * d_c[k]
        d_x += [d_xi]
    return (xp.stack(d_x),)
