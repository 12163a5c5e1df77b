"""Recurrent layers with gates, over time: what a gate lets through is a product of two things that both depend on the
past, and so is what goes back."""

from gradproof import Reals, function, weights
from gradproof.registry.points import mixed, repeated


@function(
    x=Reals((3, 1, 1)),
    h=Reals((1, 2)),
    c=Reals((1, 2)),
    W=Reals((8, 1)),
    U=Reals((8, 2)),
    b=Reals((8,)),
    points=[
        dict(
            x=mixed(3, 1, 1),
            h=[[0.5, -0.125]],
            c=[[-0.75, 1.25]],
            W=mixed(8, 1, first=8),
            U=mixed(8, 2, first=5),
            b=mixed(8, first=1),
        ),
        dict(x=mixed(3, 1, 1), h=[[0.0, 0.0]], c=[[0.0, 0.0]], W=[[0.0]] * 8, U=[[0.0] * 2] * 8, b=[0.0] * 8),
        dict(  # gates wide open and shut
            x=8.0 * mixed(3, 1, 1),
            h=[[1.0, -1.0]],
            c=[[4.0, -0.5]],
            W=mixed(8, 1, first=5),
            U=repeated(8, 2),
            b=[0.5, -0.5, 8.0, 8.0, 0.0, 0.0, -8.0, 1.0],
        ),
    ],
)
def long_short_term_memory(xp, x, h, c, W, U, b):
    """f(x, h₀, c₀, W, U, b) = Σₜ wₜ · hₜ, a = W xₜ + U hₜ₋₁ + b in four parts, cₜ = σ(a_f) cₜ₋₁ + σ(a_i) tanh a_g,
    hₜ = σ(a_o) tanh cₜ

    x: 3x1x1 (steps, batch, inputs); h₀ and c₀: 1x2 (batch, width); W: 8x1 and U: 8x2, for the parts i, f, g and o one
    below the other; b: 8. Hochreiter and Schmidhuber, Neural Computation 9, 1997, with the forget gate of Gers,
    Schmidhuber and Cummins, Neural Computation 12, 2000."""
    states = xp.nn.lstm(x, h, c, W, U, b)
    return xp.sum(weights(xp, tuple(states.shape)) * states)


@long_short_term_memory.gradient
def _(xp, x, h, c, W, U, b):
    steps, (batch, width) = x.shape[0], h.shape
    w, hs, cs, gates = weights(xp, (steps, batch, width)), [h], [c], []  # hs[t] is the state before step t
    for t in range(steps):
        a = x[t, :, :] @ xp.matrix_transpose(W) + hs[t] @ xp.matrix_transpose(U) + b  # node 1 of step t
        i, f, o = (xp.special.expit(a[:, k * width : (k + 1) * width]) for k in (0, 1, 3))  # node 2 of step t
        g = xp.tanh(a[:, 2 * width : 3 * width])  # node 2 of step t
        cs += [f * cs[t] + i * g]  # node 3 of step t
        hs += [o * xp.tanh(cs[t + 1])]  # node 5 of step t, with node 4: tanh c
        gates += [(i, f, g, o)]
    d_W, d_U, d_b, d_x, d_h, d_c = 0, 0, 0, [], 0, 0
    for t in reversed(range(steps)):
        (i, f, g, o), u = gates[t], xp.tanh(cs[t + 1])
        d_h = d_h + w[t, :, :]  # node 6 input: f = Σ w h, besides what step t + 1 has sent
        d_o = u * d_h  # node 5 input
        d_c = d_c + (1 - u * u) * o * d_h  # node 5 input, node 4 input, besides what step t + 1 has sent
        d_f, d_i, d_g = cs[t] * d_c, g * d_c, i * d_c  # node 3 input
        parts = [i * (1 - i) * d_i, f * (1 - f) * d_f, (1 - g * g) * d_g, o * (1 - o) * d_o]  # node 2 input
        d_a = xp.concat(parts, axis=1)
        d_W = d_W + xp.matrix_transpose(d_a) @ x[t, :, :]  # node 1 input
        d_U = d_U + xp.matrix_transpose(d_a) @ hs[t]  # node 1 input
        d_b = d_b + xp.sum(d_a, axis=0)  # node 1 input
        d_x = [d_a @ W, *d_x]  # node 1 input
        d_h = d_a @ U  # node 1 input: to the step before
        d_c = f * d_c  # node 3 input: to the step before
    return xp.stack(d_x, axis=0), d_h, d_c, d_W, d_U, d_b


@long_short_term_memory.inputs_of_size
def _(n, rng):
    sizes = dict(x=(3, n, 3), h=(n, 2), c=(n, 2), W=(8, 3), U=(8, 2), b=(8,))
    return {name: rng.normal(size=size) for name, size in sizes.items()}


@function(
    x=Reals((3, 1, 1)),
    h=Reals((1, 2)),
    W=Reals((6, 1)),
    U=Reals((6, 2)),
    b=Reals((6,)),
    d=Reals((6,)),
    points=[
        dict(
            x=mixed(3, 1, 1),
            h=[[0.5, -0.125]],
            W=mixed(6, 1, first=8),
            U=mixed(6, 2, first=5),
            b=mixed(6, first=1),
            d=mixed(6, first=4),
        ),
        dict(x=mixed(3, 1, 1), h=[[0.0, 0.0]], W=[[0.0]] * 6, U=[[0.0] * 2] * 6, b=[0.0] * 6, d=[0.0] * 6),
        dict(  # gates wide open and shut
            x=8.0 * mixed(3, 1, 1),
            h=[[1.0, -1.0]],
            W=mixed(6, 1, first=5),
            U=repeated(6, 2),
            b=[0.5, -0.5, 8.0, -8.0, 0.0, 0.0],
            d=[0.0, 0.0, 0.25, 1.0, -0.5, 2.0],
        ),
    ],
)
def gated_recurrent_units(xp, x, h, W, U, b, d):
    """f(x, h₀, W, U, b, d) = Σₜ wₜ · hₜ, a = W xₜ + b and s = U hₜ₋₁ + d in three parts,
    r = σ(a_r + s_r), z = σ(a_z + s_z), g = tanh(a_g + r s_g), hₜ = (1 - z) g + z hₜ₋₁

    x: 3x1x1 (steps, batch, inputs); h₀: 1x2 (batch, width); W: 6x1 and U: 6x2, for the parts r, z and g one below the
    other; b and d: 6. Cho et al., arXiv:1406.1078, with r behind the product, as libraries for GPUs have it."""
    states = xp.nn.gru(x, h, W, U, b, d)
    return xp.sum(weights(xp, tuple(states.shape)) * states)


@gated_recurrent_units.gradient
def _(xp, x, h, W, U, b, d):
    steps, (batch, width) = x.shape[0], h.shape
    w, hs, gates = weights(xp, (steps, batch, width)), [h], []  # hs[t] is the state before step t
    for t in range(steps):
        a = x[t, :, :] @ xp.matrix_transpose(W) + b  # node 1 of step t
        s = hs[t] @ xp.matrix_transpose(U) + d  # node 2 of step t
        r = xp.special.expit(a[:, :width] + s[:, :width])  # node 3 of step t
        z = xp.special.expit(a[:, width : 2 * width] + s[:, width : 2 * width])  # node 4 of step t
        g = xp.tanh(a[:, 2 * width :] + r * s[:, 2 * width :])  # node 5 of step t
        hs += [(1 - z) * g + z * hs[t]]  # node 6 of step t
        gates += [(r, z, g, s[:, 2 * width :])]
    d_W, d_U, d_b, d_d, d_x, d_h = 0, 0, 0, 0, [], 0
    for t in reversed(range(steps)):
        r, z, g, s_g = gates[t]
        d_h = d_h + w[t, :, :]  # node 7 input: f = Σ w h, besides what step t + 1 has sent
        d_z = (hs[t] - g) * d_h  # node 6 input
        d_ag = (1 - g * g) * (1 - z) * d_h  # node 6 input, node 5 input
        d_az = z * (1 - z) * d_z  # node 4 input
        d_ar = r * (1 - r) * s_g * d_ag  # node 5 input, node 3 input
        d_a = xp.concat([d_ar, d_az, d_ag], axis=1)
        d_s = xp.concat([d_ar, d_az, r * d_ag], axis=1)  # node 5 input
        d_W = d_W + xp.matrix_transpose(d_a) @ x[t, :, :]  # node 1 input
        d_b = d_b + xp.sum(d_a, axis=0)  # node 1 input
        d_x = [d_a @ W, *d_x]  # node 1 input
        d_U = d_U + xp.matrix_transpose(d_s) @ hs[t]  # node 2 input
        d_d = d_d + xp.sum(d_s, axis=0)  # node 2 input
        d_h = d_s @ U + z * d_h  # node 2 input, node 6 input: to the step before
    return xp.stack(d_x, axis=0), d_h, d_W, d_U, d_b, d_d


@gated_recurrent_units.inputs_of_size
def _(n, rng):
    sizes = dict(x=(3, n, 3), h=(n, 2), W=(6, 3), U=(6, 2), b=(6,), d=(6,))
    return {name: rng.normal(size=size) for name, size in sizes.items()}
