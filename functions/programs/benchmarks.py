"""Problems on which tools for automatic differentiation publish their times, derived from their formulas; those of them
that belong to another family, as mixtures, k-means and least squares, stand there. `benchmarks_of_others.toml` lists
them all."""

from gradproof import Reals, function, weights


def observed(xp, n):
    """Where n points were seen."""
    return xp.asarray([[(3 * i + 1) % 5 / 8 - 0.25, (2 * i + 3) % 7 / 8 - 0.5] for i in range(n)])


@function(
    rotation=Reals((3,), low=-0.375, high=0.375),
    centre=Reals((3,), low=-0.5, high=0.5),
    focal=Reals((), low=-4.0, high=4.0),
    principal=Reals((2,), low=-4.0, high=4.0),
    radial=Reals((2,), low=-1.0, high=1.0),
    points=[
        dict(
            rotation=[0.125, -0.1875, 0.0625],
            centre=[0.25, -0.375, 0.5],
            focal=1.5,
            principal=[0.25, -0.5],
            radial=[0.125, -0.0625],
            x=[[0.5, -1.0, 0.25], [1.25, 0.75, -0.5]],
            w=[0.75, 1.25],
        ),
        dict(  # no rotation, where the angle has no derivative
            rotation=[0.0, 0.0, -0.0],
            centre=[0.0, 0.0, 0.0],
            focal=1.0,
            principal=[0.0, 0.0],
            radial=[0.5, 0.25],
            x=[[1.0, -0.5, 0.5], [0.0, 0.0, 1.0]],
            w=[1.0, 0.0],
        ),
        dict(  # nearly none
            rotation=[2.0**-30, -(2.0**-31), 0.0],
            centre=[0.5, -0.5, -0.5],
            focal=2.0,
            principal=[1.0, 2.0],
            radial=[0.0, 0.0],
            x=[[1.5, 1.25, -1.5], [-1.5, 0.25, 1.5]],
            w=[1.0, -0.5],
        ),
    ],
    x=Reals((2, 3), low=-1.5, high=1.5),
    w=Reals((2,), low=-4.0, high=4.0),
)
def bundle_adjustment(xp, rotation, centre, focal, principal, radial, x, w):
    """f(r, c, φ, o, κ, x, w) = Σ W wᵢ (φ (1 + κ₁ ρᵢ + κ₂ ρᵢ²) pᵢ + o - yᵢ) + Σ W (1 - wᵢ²), p = (z₁, z₂)/z₃, ρ = ‖p‖²,
    z = d + a r x d + b r x (r x d), d = x - c + (0, 0, 6), a = sin θ/θ, b = (1 - cos θ)/θ² = ½ (sin ½θ/½θ)², θ = ‖r‖

    One camera: r, c: 3, φ: a scalar, o, κ: 2; x: n = 2 points, so near the origin that the camera has them in front; w:
    n weights; y: fixed observations. Rodrigues' rotation in a form that does not cancel; at r = 0 the quotients have
    the limit 1. Šrajer, Kukelova and Fitzgibbon, Optimization Methods and Software 33 (2018), section 4.2."""
    n = x.shape[0]
    square = xp.sum(rotation * rotation)
    theta = xp.sqrt(xp.where(square == 0, xp.ones_like(square), square))
    a = xp.where(square == 0, xp.ones_like(square), xp.sin(theta) / theta)
    h = xp.where(square == 0, xp.ones_like(square), xp.sin(theta / 2) / (theta / 2))
    r, d = rotation * xp.ones_like(x), x - centre + xp.asarray([0.0, 0.0, 6.0])
    u = xp.linalg.cross(r, d)
    z = d + a * u + h * h / 2 * xp.linalg.cross(r, u)
    p = z[:, :2] / z[:, 2:]
    rho = xp.sum(p * p, axis=1, keepdims=True)
    seen = focal * (1 + radial[0] * rho + radial[1] * rho * rho) * p + principal
    return xp.sum(weights(xp, (n, 2)) * w[:, None] * (seen - observed(xp, n))) + xp.sum(weights(xp, (n,)) * (1 - w * w))


@bundle_adjustment.gradient
def _(xp, rotation, centre, focal, principal, radial, x, w):
    n = x.shape[0]
    square = xp.sum(rotation * rotation)  # node 1
    none, one = square == 0, xp.ones_like(square)
    theta = xp.sqrt(xp.where(none, one, square))  # node 2
    a = xp.where(none, one, xp.sin(theta) / theta)  # node 3
    h = xp.where(none, one, xp.sin(theta / 2) / (theta / 2))  # node 4
    r, d = rotation * xp.ones_like(x), x - centre + xp.asarray([0.0, 0.0, 6.0])  # node 5
    u = xp.linalg.cross(r, d)  # node 6
    v = xp.linalg.cross(r, u)  # node 7
    z = d + a * u + h * h / 2 * v  # node 8
    p = z[:, :2] / z[:, 2:]  # node 9
    rho = xp.sum(p * p, axis=1, keepdims=True)  # node 10
    L = 1 + radial[0] * rho + radial[1] * rho * rho  # node 11
    e = focal * L * p + principal - observed(xp, n)  # node 12
    W = weights(xp, (n, 2))
    d_e = W * w[:, None]  # node 13 input: f = Σ W w e + Σ W (1 - w²)
    d_w = xp.sum(W * e, axis=1) - 2 * w * weights(xp, (n,))  # node 13 input
    d_focal = xp.sum(L * p * d_e)  # node 12 input
    d_principal = xp.sum(d_e, axis=0)  # node 12 input
    d_L = focal * xp.sum(p * d_e, axis=1, keepdims=True)  # node 12 input
    d_radial = xp.stack([xp.sum(rho * d_L), xp.sum(rho * rho * d_L)])  # node 11 input
    d_rho = (radial[0] + 2 * radial[1] * rho) * d_L  # node 11 input
    d_p = focal * L * d_e + 2 * p * d_rho  # nodes 12 and 10 input
    d_z = xp.concat([d_p, -xp.sum(p * d_p, axis=1, keepdims=True)], axis=1) / z[:, 2:]  # node 9 input
    d_a, d_h = xp.sum(u * d_z), h * xp.sum(v * d_z)  # node 8 input
    d_v = h * h / 2 * d_z  # node 8 input
    d_u = a * d_z + xp.linalg.cross(d_v, r)  # nodes 8 and 7 input: (r x u) · v = u · (v x r)
    d_d = d_z + xp.linalg.cross(d_u, r)  # nodes 8 and 6 input
    d_r = xp.linalg.cross(u, d_v) + xp.linalg.cross(d, d_u)  # nodes 7 and 6 input: (r x u) · v = r · (u x v)
    d_theta = ((xp.cos(theta) - a) * d_a + (xp.cos(theta / 2) - h) * d_h) / theta  # nodes 3 and 4 input
    d_rotation = xp.sum(d_r, axis=0)  # node 5 input
    # Nodes 2 and 1 input: r/θ; at r = 0 both quotients are even functions of θ, and send nothing.
    d_rotation = d_rotation + xp.where(none, xp.zeros_like(rotation), rotation / theta * d_theta)
    return d_rotation, -xp.sum(d_d, axis=0), d_focal, d_principal, d_radial, d_d, d_w


@bundle_adjustment.inputs_of_size
def _(n, rng):
    camera = dict(rotation=0.125 * rng.normal(size=3), centre=0.25 * rng.normal(size=3), focal=1.5)
    lens = dict(principal=[0.25, -0.5], radial=[0.125, -0.0625])
    return camera | lens | dict(x=rng.uniform(-1.5, 1.5, size=(n, 3)), w=rng.uniform(0.5, 1.5, size=n))


@function(
    layers=Reals((4, 8), low=-3.0, high=3.0),
    ends=Reals((3, 2), low=-3.0, high=3.0),
    states=Reals((4, 2), low=-3.0, high=3.0),
    sequence=Reals((3, 2), low=-3.0, high=3.0),
    points=[
        dict(
            layers=[[(7 * i + 4 * j + 3) % 37 / 16 - 1.1875 for j in range(8)] for i in range(4)],
            ends=[[0.75, -0.5], [1.25, 0.875], [-0.25, 0.375]],
            states=[[0.5, -0.25], [0.125, 0.625], [-0.75, 0.375], [0.25, -1.0]],
            sequence=[[0.5, -1.25], [1.0, 0.25], [-0.375, 0.75]],
        ),
        dict(
            layers=[[0.0] * 8] * 4,
            ends=[[0.0, 0.0]] * 3,
            states=[[0.0, 0.0]] * 4,
            sequence=[[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]],
        ),
        dict(  # saturated gates
            layers=[[3.0 - (5 * i + 3 * j) % 17 * 0.375 for j in range(8)] for i in range(4)],
            ends=[[3.0, -3.0], [2.0, 1.0], [0.5, -0.5]],
            states=[[1.0, -1.0], [3.0, -3.0], [0.5, 0.25], [-2.0, 1.0]],
            sequence=[[3.0, -3.0], [0.5, 1.0], [-2.0, 1.5]],
        ),
    ],
)
def diagonal_lstm(xp, layers, ends, states, sequence):
    """f(w, v, s, x) = -1/((n - 1) h) Σₜ xₜ₊₁ · log softmax(v₂ yₜ + v₃), where yₜ is what two layers make of v₁ xₜ; of
    an input x a layer with weights w, biases b and state (h, c) makes its new h = σ(w³ x + b³) tanh c, with the new
    c = σ(w¹ x + b¹) c + σ(w² h + b²) tanh(w⁴ h + b⁴); σ(a) = 1/(1 + e⁻ᵃ), all products by entries

    Of each layer a row of weights and one of biases, each for four gates: 4x8; v: 3x2; of each layer a row for h and
    one for c: 4x2; x: n x h = 3x2. The objective lstm of ADBench (Microsoft), where the gates 1 and 3 see the input, 2
    and 4 the state before; its programs add a constant 2 inside the logarithm of the softmax, which is not meant, and
    not here. Within ±3 the gates saturate, but the square of an e⁻ᵃ does not overflow."""
    size, f = ends.shape[1], 0
    memory = [states[i] for i in range(states.shape[0])]
    for t in range(sequence.shape[0] - 1):
        x = ends[0] * sequence[t]
        for i in range(0, len(memory), 2):
            a = xp.concat([x, memory[i], x, memory[i]]) * layers[i] + layers[i + 1]
            gates = xp.nn.sigmoid(a[: 3 * size])
            cell = gates[:size] * memory[i + 1] + gates[size : 2 * size] * xp.tanh(a[3 * size :])
            x = gates[2 * size :] * xp.tanh(cell)
            memory[i], memory[i + 1] = x, cell
        f = f - xp.sum(sequence[t + 1] * xp.nn.log_softmax(ends[1] * x + ends[2], axis=0))
    return f / (size * (sequence.shape[0] - 1))


@diagonal_lstm.gradient
def _(xp, layers, ends, states, sequence):
    size, depth, n = ends.shape[1], states.shape[0], sequence.shape[0]
    count = size * (n - 1)
    memory, steps = [states[i] for i in range(depth)], []
    for t in range(n - 1):
        x, step = ends[0] * sequence[t], []  # node 1 of step t
        for i in range(0, depth, 2):
            seen = xp.concat([x, memory[i], x, memory[i]])  # node 2 of layer i
            a = seen * layers[i] + layers[i + 1]  # node 3
            gates, g = xp.nn.sigmoid(a[: 3 * size]), xp.tanh(a[3 * size :])  # nodes 4 and 5
            forget, take, give = gates[:size], gates[size : 2 * size], gates[2 * size :]
            cell = forget * memory[i + 1] + take * g  # node 6
            x = give * xp.tanh(cell)  # nodes 7 and 8
            step += [(seen, gates, g, memory[i + 1], xp.tanh(cell))]
            memory[i], memory[i + 1] = x, cell
        steps += [(step, x, xp.nn.log_softmax(ends[1] * x + ends[2], axis=0))]  # nodes 9 and 10
    nothing = xp.zeros_like(ends[0])
    d_layers, d_ends, d_sequence = [0] * depth, [0, 0, 0], [nothing] * n
    d_memory = [nothing] * depth
    for t in reversed(range(n - 1)):
        step, y, log_p = steps[t]
        d_sequence[t + 1] = d_sequence[t + 1] - log_p / count  # node 11 input: f = -Σ x · log p / count
        d_log_p = -sequence[t + 1] / count  # node 11 input
        d_z = d_log_p - xp.exp(log_p) * xp.sum(d_log_p)  # node 10 input
        d_ends[1], d_ends[2] = d_ends[1] + y * d_z, d_ends[2] + d_z  # node 9 input
        d_x = ends[1] * d_z  # node 9 input
        for i in reversed(range(0, depth, 2)):
            seen, gates, g, old, h = step[i // 2]
            forget, take, give = gates[:size], gates[size : 2 * size], gates[2 * size :]
            d_x = d_x + d_memory[i]  # besides what the step after has sent
            d_cell = d_memory[i + 1] + (1 - h * h) * give * d_x  # nodes 8 and 7 input
            d_gates = xp.concat([old * d_cell, g * d_cell, h * d_x])  # nodes 6 and 8 input
            d_g = take * d_cell  # node 6 input
            d_a = xp.concat([gates * (1 - gates) * d_gates, (1 - g * g) * d_g])  # nodes 4 and 5 input
            d_layers[i], d_layers[i + 1] = d_layers[i] + seen * d_a, d_layers[i + 1] + d_a  # node 3 input
            d_seen = layers[i] * d_a  # node 3 input
            d_x = d_seen[:size] + d_seen[2 * size : 3 * size]  # node 2 input: to the layer below
            d_memory[i] = d_seen[size : 2 * size] + d_seen[3 * size :]  # node 2 input: to the step before
            d_memory[i + 1] = forget * d_cell  # node 6 input
        d_ends[0] = d_ends[0] + sequence[t] * d_x  # node 1 input
        d_sequence[t] = d_sequence[t] + ends[0] * d_x  # node 1 input
    return xp.stack(d_layers), xp.stack(d_ends), xp.stack(d_memory), xp.stack(d_sequence)


@diagonal_lstm.inputs_of_size
def _(n, rng):
    sizes = dict(layers=(4, 4 * n), ends=(3, n), states=(4, n), sequence=(n + 1, n))
    return {name: rng.normal(size=shape) for name, shape in sizes.items()}
