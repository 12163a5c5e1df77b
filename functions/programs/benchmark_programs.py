"""Programs on which tools for automatic differentiation publish their times: recursion, integration in time, and
optimization inside of optimization, with the inner derivatives written out."""

from gradproof import Positive, Reals, function, weights

STEPS = 2
"""Steps in time, few enough to be derived one by one."""


@function(
    A=Reals((4, 4), low=-100.0, high=100.0),
    points=[
        dict(
            A=[[0.5, -1.25, 2.0, 0.75], [1.5, 3.0, -0.375, 0.25], [-2.5, 0.625, 1.0, -1.75], [0.125, 1.125, -3.0, 2.25]]
        ),
        dict(A=[[1.0, 2.0, 3.0, 4.0], [2.0, 4.0, 6.0, 8.0], [0.0, 1.0, 0.0, 2.0], [5.0, 0.0, 1.0, 0.0]]),  # rank 3
        dict(A=[[1.0, 1.0, 1.0, 1.0]] * 4),  # rank 1: every minor is 0
        dict(A=[[0.0, 0.0, 0.0, 0.0], [1.0, 0.0, 0.0, 0.0], [0.0, 2.0, 0.0, 0.0], [0.0, 0.0, 0.0, -3.0]]),
    ],
)
def determinant_by_minors(xp, A):
    """f(A) = det A, expanded along the first row: det A = Σⱼ (-1)ʲ A₀ⱼ det(A without row 0 and column j)

    A: n x n = 4x4, of any rank: no division, n! products. The benchmark det_by_minor of B. M. Bell (CppAD)."""

    def expand(i, columns):
        if i == A.shape[0]:
            return xp.ones(())
        return sum((-1) ** j * A[i, c] * expand(i + 1, columns[:j] + columns[j + 1 :]) for j, c in enumerate(columns))

    return expand(0, list(range(A.shape[0])))


@determinant_by_minors.gradient
def _(xp, A):
    n = A.shape[0]
    d_A = [[xp.zeros(()) for _ in range(n)] for _ in range(n)]

    def pull(i, columns, d):  # sends d to the entries from row i on, and gives the minor that they make
        if i == n:
            return xp.ones(())
        minor = 0
        for j, c in enumerate(columns):
            sign = (-1) ** j
            smaller = pull(i + 1, columns[:j] + columns[j + 1 :], sign * A[i, c] * d)  # the factor smaller
            d_A[i][c] = d_A[i][c] + sign * smaller * d  # the factor A
            minor = minor + sign * A[i, c] * smaller
        return minor

    pull(0, list(range(n)), xp.ones(()))
    return xp.stack([xp.stack(row) for row in d_A])


@determinant_by_minors.inputs_of_size
def _(n, rng):
    return dict(A=rng.normal(size=(n, n)))


@function(
    x=Reals((4,), low=-4.0, high=4.0),
    points=[dict(x=[0.5, -1.25, 2.0, 0.75]), dict(x=[1.0, 0.0, -2.0, 1.0]), dict(x=[4.0, -4.0, 2.0**-20, 3.0])],
)
def chain_by_runge_kutta(xp, x):
    """f(x) = Σ w y(1), y₁' = x₁, yᵢ' = xᵢ yᵢ₋₁, y(0) = 0

    x: n = 4. Two steps of the classical Runge-Kutta method, which are exact here up to n = 4: yᵢ(t) =
    x₁ … xᵢ tⁱ/i!. The benchmark ode of GradBench, after B. M. Bell (cmpad)."""
    h, one, y = 1 / STEPS, xp.ones((1,)), xp.zeros_like(x)
    for _ in range(STEPS):
        k1 = x * xp.concat([one, y[:-1]])
        k2 = x * xp.concat([one, (y + h / 2 * k1)[:-1]])
        k3 = x * xp.concat([one, (y + h / 2 * k2)[:-1]])
        k4 = x * xp.concat([one, (y + h * k3)[:-1]])
        y = y + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
    return xp.sum(weights(xp, x.shape) * y)


@chain_by_runge_kutta.gradient
def _(xp, x):
    h, one, zero, y, stages = 1 / STEPS, xp.ones((1,)), xp.zeros((1,)), xp.zeros_like(x), []

    def shifted(y):
        return xp.concat([one, y[:-1]])

    def pull(s, d_k):  # from k = x s, where s is shifted(y), to x and to y
        return s * d_k, xp.concat([(x * d_k)[1:], zero])

    for _ in range(STEPS):
        s1 = shifted(y)  # node 1
        s2 = shifted(y + h / 2 * x * s1)  # node 2
        s3 = shifted(y + h / 2 * x * s2)  # node 3
        s4 = shifted(y + h * x * s3)  # node 4
        stages += [(s1, s2, s3, s4)]
        y = y + h / 6 * x * (s1 + 2 * s2 + 2 * s3 + s4)  # node 5
    d_x, d_y = 0, weights(xp, x.shape)  # node 6 input: f = Σ w y
    for s1, s2, s3, s4 in reversed(stages):
        x4, d_y4 = pull(s4, h / 6 * d_y)  # node 5 input
        x3, d_y3 = pull(s3, h / 3 * d_y + h * d_y4)  # node 5 input, node 4 input
        x2, d_y2 = pull(s2, h / 3 * d_y + h / 2 * d_y3)  # node 5 input, node 3 input
        x1, d_y1 = pull(s1, h / 6 * d_y + h / 2 * d_y2)  # node 5 input, node 2 input
        d_x = d_x + x1 + x2 + x3 + x4
        d_y = d_y + d_y1 + d_y2 + d_y3 + d_y4  # y stands alone in nodes 1 to 5
    return d_x


@chain_by_runge_kutta.inputs_of_size
def _(n, rng):
    return dict(x=rng.uniform(0.5, 1.5, size=n))


@function(
    u=Reals((3,), low=-2.0, high=2.0),
    v=Reals((3,), low=-2.0, high=2.0),
    a=Reals((), low=-4.0, high=4.0),
    b=Reals((), low=-4.0, high=4.0),
    alpha=Reals((), low=-1.0, high=1.0),
    points=[
        dict(u=[0.5, 1.25, 1.0], v=[2.0, 0.75, 1.5], a=1.0, b=3.0, alpha=0.125),
        dict(u=[1.0, 1.0, 1.0], v=[3.0, 3.0, 3.0], a=1.0, b=3.0, alpha=0.02734375),  # nothing moves: u = a, v = b/a
        dict(u=[2.0, -2.0, 0.0], v=[-2.0, 0.5, 2.0], a=-4.0, b=4.0, alpha=1.0),
    ],
)
def brusselator(xp, u, v, a, b, alpha):
    """f(u, v, a, b, α) = Σ w u(¼) + Σ w v(¼), u' = a + u² v - (b + 1) u + α Δu, v' = b u - u² v + α Δv, (Δu)ᵢ = uᵢ₊₁ +
    uᵢ₋₁ - 2uᵢ on a ring

    u, v: n = 3 cells at the time 0, a, b, α: scalars. Two steps of the classical Runge-Kutta method. Hairer and Wanner,
    Solving Ordinary Differential Equations II, equations IV.10.11 (BRUSS) on one line."""
    h = 1 / 8

    def slope(y):
        u, v = y[0], y[1]
        square = u * u * v
        spread = xp.roll(y, 1, axis=1) + xp.roll(y, -1, axis=1) - 2 * y
        return xp.stack([a + square - (b + 1) * u, b * u - square]) + alpha * spread

    y = xp.stack([u, v])
    for _ in range(STEPS):
        k1 = slope(y)
        k2 = slope(y + h / 2 * k1)
        k3 = slope(y + h / 2 * k2)
        k4 = slope(y + h * k3)
        y = y + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
    return xp.sum(weights(xp, y.shape) * y)


@brusselator.gradient
def _(xp, u, v, a, b, alpha):
    h = 1 / 8

    def spread(y):  # symmetric: its transpose is the same
        return xp.roll(y, 1, axis=1) + xp.roll(y, -1, axis=1) - 2 * y

    def slope(y):
        u, v = y[0], y[1]
        return xp.stack([a + u * u * v - (b + 1) * u, b * u - u * u * v]) + alpha * spread(y)

    def pull(y, d):  # from the slope at y to y, and to a, b and alpha
        u, v = y[0], y[1]
        d_square = d[0] - d[1]
        d_u = 2 * u * v * d_square - (b + 1) * d[0] + b * d[1]
        d_parameters = xp.stack([xp.sum(d[0]), xp.sum(-u * d_square), xp.sum(spread(y) * d)])
        return xp.stack([d_u, u * u * d_square]) + alpha * spread(d), d_parameters

    y, stages = xp.stack([u, v]), []  # node 1
    for _ in range(STEPS):
        y2 = y + h / 2 * slope(y)  # node 2
        y3 = y + h / 2 * slope(y2)  # node 3
        y4 = y + h * slope(y3)  # node 4
        stages += [(y, y2, y3, y4)]
        y = y + h / 6 * (slope(y) + 2 * slope(y2) + 2 * slope(y3) + slope(y4))  # node 5
    d_y, d_parameters = weights(xp, y.shape), 0  # node 6 input: f = Σ w y
    for y1, y2, y3, y4 in reversed(stages):
        d_y4, p4 = pull(y4, h / 6 * d_y)  # node 5 input
        d_y3, p3 = pull(y3, h / 3 * d_y + h * d_y4)  # node 5 input, node 4 input
        d_y2, p2 = pull(y2, h / 3 * d_y + h / 2 * d_y3)  # node 5 input, node 3 input
        d_y1, p1 = pull(y1, h / 6 * d_y + h / 2 * d_y2)  # node 5 input, node 2 input
        d_y = d_y + d_y1 + d_y2 + d_y3 + d_y4  # y stands alone in nodes 2 to 5
        d_parameters = d_parameters + p1 + p2 + p3 + p4
    return d_y[0], d_y[1], d_parameters[0], d_parameters[1], d_parameters[2]  # node 1 input


@brusselator.inputs_of_size
def _(n, rng):
    return dict(u=rng.uniform(0.5, 1.5, size=n), v=rng.uniform(2.0, 4.0, size=n), a=1.0, b=3.0, alpha=0.02734375)


@function(
    x=Reals((2,), low=-8.0, high=8.0),
    y=Reals((2,), low=-8.0, high=8.0),
    rate=Positive((), low=2.0**-10, high=0.75),
    points=[
        dict(x=[0.5, -1.25], y=[2.0, 0.75], rate=0.125),
        dict(x=[0.0, 0.0], y=[0.0, 0.0], rate=0.25),  # the saddle itself
        dict(x=[8.0, -1.0], y=[-8.0, 3.0], rate=0.75),  # jumps over it
    ],
)
def saddle_by_descent_and_ascent(xp, x, y, rate):
    """f(x, y, η) = g(x₂, y₃(x₂)), g(x, y) = ‖x‖² - ‖y‖²: two steps of descent on x, by the derivative of
    g(x, y₃(x)) in x, where y₃(x) is what three steps of ascent from y arrive at

    x, y: 2, η: a scalar, the size of a step. The problem min over x of max over y of g; Pearlmutter and Siskind, "Using
    programming language theory to make automatic differentiation sound and efficient", Advances in Automatic
    Differentiation (2008), with steps of a fixed number and size, and the derivatives 2x and -2y written out."""
    for _ in range(2):
        x = x - rate * (2 * x)
    for _ in range(3):
        y = y + rate * (-2 * y)
    return xp.sum(x * x) - xp.sum(y * y)


@saddle_by_descent_and_ascent.gradient
def _(xp, x, y, rate):
    xs, ys = [x], [y]
    for k in range(2):
        xs += [xs[k] - rate * (2 * xs[k])]  # node 1 of step k
    for k in range(3):
        ys += [ys[k] + rate * (-2 * ys[k])]  # node 2 of step k
    d_x, d_y, d_rate = 2 * xs[2], -2 * ys[3], 0  # node 3 input: f = Σ x² - Σ y²
    for k in reversed(range(2)):
        d_rate = d_rate - xp.sum(2 * xs[k] * d_x)  # node 1 input
        d_x = d_x - 2 * rate * d_x  # node 1 input: x stands alone and in the derivative
    for k in reversed(range(3)):
        d_rate = d_rate - xp.sum(2 * ys[k] * d_y)  # node 2 input
        d_y = d_y - 2 * rate * d_y  # node 2 input
    return d_x, d_y, d_rate


@saddle_by_descent_and_ascent.inputs_of_size
def _(n, rng):
    return dict(x=rng.normal(size=n), y=rng.normal(size=n), rate=0.125)


@function(
    w=Reals((), low=-1.0, high=1.0),
    position=Reals((2,), low=-1.0, high=1.0),
    velocity=Reals((2,), low=-1.0, high=1.0),
    points=[
        dict(w=0.25, position=[0.5, -0.25], velocity=[0.75, 0.125]),
        dict(w=0.0, position=[0.0, 0.0], velocity=[0.75, 0.0]),  # as published, but for the fall
        dict(w=-1.0, position=[1.0, 1.0], velocity=[1.0, -1.0]),
    ],
)
def charged_particle(xp, w, position, velocity):
    """f(w, x₀, v₀) = r², r the place where the line through x₃ with the direction v₃ meets the first axis: xₖ₊₁ = xₖ +
    vₖ/2, vₖ₊₁ = vₖ + ½ Σ (xₖ - c)/‖xₖ - c‖³ over two charges at c = (10, 10 - w) and (10, 0)

    w: a scalar; x₀, v₀: 2, from (0, 8) and (0, -2). The particle of Pearlmutter and Siskind (see
    `saddle_by_descent_and_ascent`), the derivative of its potential Σ 1/‖x - c‖ written out; with a fixed number of
    Euler's steps, in place of as many as take it to the axis, and falling from the start, so that it meets it."""
    x, v = position + xp.asarray([0.0, 8.0]), velocity + xp.asarray([0.0, -2.0])
    charges = [xp.stack([10 + 0 * w, 10 - w]), xp.asarray([10.0, 0.0])]
    for _ in range(3):
        force = 0
        for c in charges:
            d = x - c
            force = force + d / xp.sum(d * d) ** 1.5
        x, v = x + v / 2, v + force / 2
    return (x[0] - x[1] / v[1] * v[0]) ** 2


@charged_particle.gradient
def _(xp, w, position, velocity):
    x, v = position + xp.asarray([0.0, 8.0]), velocity + xp.asarray([0.0, -2.0])  # node 1
    charges = [xp.stack([10 + 0 * w, 10 - w]), xp.asarray([10.0, 0.0])]  # node 2
    steps = []
    for _ in range(3):
        ds = [x - c for c in charges]  # node 3
        steps += [ds]
        force = sum(d / xp.sum(d * d) ** 1.5 for d in ds)  # node 4
        x, v = x + v / 2, v + force / 2  # nodes 5 and 6
    q = x[1] / v[1]  # node 7
    r = x[0] - q * v[0]  # node 8
    d_r = 2 * r  # node 9 input: f = r²
    d_q = -v[0] * d_r  # node 8 input
    d_x = xp.stack([d_r, d_q / v[1]])  # nodes 8 and 7 input
    d_v = xp.stack([-q * d_r, -q / v[1] * d_q])  # nodes 8 and 7 input
    d_w = 0
    for ds in reversed(steps):
        d_force = d_v / 2  # node 6 input
        d_v = d_v + d_x / 2  # node 5 input, besides node 6
        for k, d in enumerate(ds):
            s = xp.sum(d * d)
            d_d = d_force / s**1.5 - 3 * d * xp.sum(d * d_force) / s**2.5  # node 4 input: d stands alone and in s
            d_x = d_x + d_d  # node 3 input
            d_w = d_w + (d_d[1] if k == 0 else 0)  # node 3 and 2 input: the first charge falls with w
    return d_w, d_x, d_v  # node 1 input
