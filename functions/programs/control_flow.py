"""Functions with loops and branches, where the backward pass of the backend's own control flow is what is verified."""

from gradproof import Positive, Reals, function, weights

STEPS = 4
"""Newton's iterations, steps in time, and terms of a series: few enough to be derived one by one."""


@function(
    W=Reals((2, 2)),
    h=Reals((2,)),
    x=Reals((3, 2)),
    points=[
        dict(W=[[0.5, -0.75], [1.25, 0.25]], h=[0.5, -0.125], x=[[0.5, -1.0], [1.5, 0.625], [-0.25, 2.0]]),
        dict(W=[[0.0, 0.0], [0.0, 0.0]], h=[1.0, 2.0], x=[[0.0, 0.0], [0.5, 1.0], [0.0, 0.0]]),
        dict(W=[[2.0, 1.0], [-1.0, 3.0]], h=[1.0, -1.0], x=[[8.0, 0.5], [0.25, -0.5], [-0.125, 0.75]]),  # saturates
    ],
)
def recurrence_by_scan(xp, W, h, x):
    """f(W, h₀, x) = Σₜ wₜ · hₜ, hₜ = tanh(W hₜ₋₁ + xₜ)

    W: 2x2; h₀: 2; x: 3x2, a row for each step."""
    states = xp.scan(lambda h, row: xp.tanh(xp.matmul(W, h) + row), h, x)
    return xp.sum(weights(xp, tuple(x.shape)) * states)


@recurrence_by_scan.gradient
def _(xp, W, h, x):
    w, hs = weights(xp, tuple(x.shape)), [h]
    for t in range(x.shape[0]):
        hs += [xp.tanh(xp.matmul(W, hs[t]) + x[t])]  # node 1 of step t
    d_W, d_h, d_x = 0, 0, []
    for t in reversed(range(x.shape[0])):
        d_h = d_h + w[t]  # node 2 input: f = Σ w h, besides what the step after has sent
        d_a = (1 - hs[t + 1] * hs[t + 1]) * d_h  # node 1 input: tanh
        d_W = d_W + d_a[:, None] * hs[t][None, :]  # node 1 input: a = W h + x
        d_x = [d_a, *d_x]
        d_h = xp.matmul(xp.matrix_transpose(W), d_a)  # to the step before
    return d_W, d_h, xp.stack(d_x)


@recurrence_by_scan.inputs_of_size
def _(n, rng):
    return dict(W=0.5 * rng.normal(size=(2, 2)), h=rng.normal(size=2), x=rng.normal(size=(n, 2)))


@function(
    a=Positive((3,), low=0.25, high=16.0),
    points=[dict(a=[2.0, 0.25, 9.0]), dict(a=[1.0, 1.0, 1.0]), dict(a=[16.0, 0.5, 3.0])],
)
def newton_square_root(xp, a):
    """f(a) = Σ w y₄, yₖ₊₁ = (yₖ + a / yₖ) / 2, y₀ = a

    a: 3, positive. Four of Newton's steps to √a (Heron's method); the loop runs a fixed number of times."""
    return xp.sum(weights(xp, (3,)) * xp.fori_loop(0, STEPS, lambda k, y: (y + a / y) / 2, a))


@newton_square_root.gradient
def _(xp, a):
    ys = [a]
    for k in range(STEPS):
        ys += [(ys[k] + a / ys[k]) / 2]  # node 1 of step k
    d_a, d_y = 0, weights(xp, (3,))  # node 2 input: f = Σ w y
    for k in reversed(range(STEPS)):
        d_a = d_a + d_y / (2 * ys[k])  # node 1 input, the dividend
        d_y = d_y * (1 - a / (ys[k] * ys[k])) / 2  # node 1 input: y stands alone and as the divisor
    return (d_a + d_y,)  # y₀ is a itself


@function(
    x=Reals((3,), low=-4.0, high=4.0),
    points=[dict(x=[0.5, -1.25, 2.0]), dict(x=[0.0, 1.0, -1.0]), dict(x=[4.0, -4.0, 2.0**-20])],
)
def exponential_series(xp, x):
    """f(x) = Σ w (1 + x + x²/2! + x³/3! + x⁴/4!)

    x: 3. The terms are added while a counter is below 4: the number of iterations is a value, not known to a
    compiler."""

    def step(state):
        k, term, total = state
        term = term * x / (k + 1)
        return k + 1, term, total + term

    one = xp.ones_like(x)
    state = xp.while_loop(lambda state: state[0] < STEPS, step, (xp.zeros(()), one, one))
    return xp.sum(weights(xp, (3,)) * state[2])


@exponential_series.gradient
def _(xp, x):
    # tₖ₊₁ = tₖ x / (k + 1)  node 1 of step k
    # f = Σ w (t₀ + … + t₄)  node 2
    w, terms = weights(xp, (3,)), [xp.ones_like(x)]
    for k in range(STEPS):
        terms += [terms[k] * x / (k + 1)]
    d_x, d_t = 0, 0
    for k in reversed(range(STEPS)):
        d_t = d_t + w  # node 2 input, besides what the step after has sent
        d_x = d_x + d_t * terms[k] / (k + 1)  # node 1 input
        d_t = d_t * x / (k + 1)  # node 1 input
    return (d_x,)


@function(
    y=Reals((2,), low=-2.0, high=2.0),
    k=Positive((), low=0.125, high=4.0),
    points=[dict(y=[1.0, 0.0], k=1.0), dict(y=[0.5, -1.25], k=2.5), dict(y=[0.0, 0.0], k=1.0)],
)
def pendulum_by_runge_kutta(xp, y, k):
    """f(y, k) = w · y(1), y' = (y₂, -k sin y₁)

    y: 2, angle and velocity at the time 0; k: gravity over length. Four steps of the classical Runge-Kutta method
    (Hairer, Nørsett and Wanner, Solving Ordinary Differential Equations I, table 1.2)."""
    h = 1 / STEPS

    def slope(y):
        return xp.stack([y[1], -k * xp.sin(y[0])])

    def step(_, y):
        k1 = slope(y)
        k2 = slope(y + h / 2 * k1)
        k3 = slope(y + h / 2 * k2)
        k4 = slope(y + h * k3)
        return y + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)

    return xp.sum(weights(xp, tuple(y.shape)) * xp.fori_loop(0, STEPS, step, y))


@pendulum_by_runge_kutta.gradient
def _(xp, y, k):
    h = 1 / STEPS

    def slope(y):
        return xp.stack([y[1], -k * xp.sin(y[0])])

    def pull(y, d_slope):  # from the slope at y to y and to k
        return xp.stack([-k * xp.cos(y[0]) * d_slope[1], d_slope[0]]), -xp.sin(y[0]) * d_slope[1]

    stages = []
    for _ in range(STEPS):
        y1 = y  # node 1
        y2 = y + h / 2 * slope(y1)  # node 2
        y3 = y + h / 2 * slope(y2)  # node 3
        y4 = y + h * slope(y3)  # node 4
        stages += [(y1, y2, y3, y4)]
        y = y + h / 6 * (slope(y1) + 2 * slope(y2) + 2 * slope(y3) + slope(y4))  # node 5
    d_y, d_k = weights(xp, tuple(y.shape)), 0
    for y1, y2, y3, y4 in reversed(stages):
        d_y4, k4 = pull(y4, h / 6 * d_y)  # node 5 input
        d_y3, k3 = pull(y3, h / 3 * d_y + h * d_y4)  # node 5 input, node 4 input
        d_y2, k2 = pull(y2, h / 3 * d_y + h / 2 * d_y3)  # node 5 input, node 3 input
        d_y1, k1 = pull(y1, h / 6 * d_y + h / 2 * d_y2)  # node 5 input, node 2 input
        d_y = d_y + d_y1 + d_y2 + d_y3 + d_y4  # y stands alone in nodes 1 to 5
        d_k = d_k + k1 + k2 + k3 + k4
    return d_y, d_k


@pendulum_by_runge_kutta.inputs_of_size
def _(n, rng):
    return dict(y=rng.uniform(-2, 2, size=(2, n)), k=rng.uniform(0.5, 2, size=n))


@function(
    x=Reals((), low=-8.0, high=8.0),
    points=[dict(x=0.5), dict(x=-1.25), dict(x=3.0), dict(x=1.0)],  # 1 is a kink: the branches meet at an angle
)
def branch(xp, x):
    """f(x) = x³ where x < 1, 2x - 1 elsewhere

    x: a scalar, which decides which of two programs runs."""
    return xp.cond(x < 1, lambda x: x * x * x, lambda x: 2 * x - 1, x)


@branch.gradient
def _(xp, x):
    return xp.where(x < 1, 3 * x * x, 2 * xp.ones_like(x))  # node 1 input, of the branch that runs


@function(
    x=Reals((4,), low=-2.0, high=2.0),
    points=[dict(x=[0.5, -1.25, 1.5, 0.75]), dict(x=[2.0, 1.0, -0.5, 1.0]), dict(x=[-1.0, -1.0, 0.5, -1.5])],
)
def branch_within_scan(xp, x):
    """f(x) = s₄, sₖ = sₖ₋₁ xₖ² where xₖ > 0, sₖ₋₁ + 3 xₖ elsewhere; s₀ = 1

    x: 4. A branch inside a loop, taken anew in every step."""

    def step(s, row):
        return xp.cond(row > 0, lambda s, row: s * row * row, lambda s, row: s + 3 * row, s, row)

    return xp.scan(step, xp.ones(()), x)[-1]


@branch_within_scan.gradient
def _(xp, x):
    zero, states = xp.zeros(()), [xp.ones(())]
    for k in range(4):
        states += [xp.where(x[k] > 0, states[k] * x[k] * x[k], states[k] + 3 * x[k])]  # node 1 of step k
    d_x, d_s = [], xp.ones(())
    for k in reversed(range(4)):
        d_x = [xp.where(x[k] > 0, 2 * x[k] * states[k] * d_s, zero + 3 * d_s), *d_x]  # node 1 input, of the same branch
        d_s = xp.where(x[k] > 0, x[k] * x[k] * d_s, d_s)  # node 1 input
    return (xp.stack(d_x),)
