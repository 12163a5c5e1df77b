"""Paths in physics, step by step: of a planet, of heat, of a pendulum and of light. The gradient goes the same path
backwards, the adjoint method."""

from gradproof import Positive, Reals, function, weights

STEPS = 4
"""Steps in time, and Newton's steps."""


@function(
    M=Reals((3,), low=-4.0, high=4.0),
    e=Reals((3,), low=0.0, high=0.5),
    points=[
        dict(M=[0.5, -1.25, 3.0], e=[0.25, 0.5, 0.125]),
        dict(M=[0.0, 0.0, 2.0], e=[0.0, 0.5, 0.0]),  # at the nearest point of the path; a circle
        dict(M=[4.0, 2.0**-20, -4.0], e=[0.5, 0.375, 0.0625]),
    ],
)
def keplers_equation(xp, M, e):
    """f(M, e) = Σ w E, E after four of Newton's steps from M to the solution of E - e sin E = M

    M: 3, e: 3; the mean and the eccentric anomaly of a planet, and the eccentricity of its path. With e up to 1/2 four
    steps leave an error below 10⁻⁹; the derivative is that of the steps, and goes the same way to that of the
    solution, 1 / (1 - e cos E) and sin E / (1 - e cos E). Danby, Fundamentals of Celestial Mechanics, chapter 6."""

    def step(_, E):
        return E - (E - e * xp.sin(E) - M) / (1 - e * xp.cos(E))

    return xp.sum(weights(xp, M.shape) * xp.fori_loop(0, STEPS, step, M))


@keplers_equation.gradient
def _(xp, M, e):
    Es = [M]
    for k in range(STEPS):
        r = Es[k] - e * xp.sin(Es[k]) - M  # node 1 of step k
        s = 1 - e * xp.cos(Es[k])  # node 2 of step k
        Es += [Es[k] - r / s]  # node 3 of step k
    d_M, d_e, d_E = 0, 0, weights(xp, M.shape)  # node 4 input: f = Σ w E
    for k in reversed(range(STEPS)):
        sine, cosine = xp.sin(Es[k]), xp.cos(Es[k])
        r, s = Es[k] - e * sine - M, 1 - e * cosine
        d_r, d_s = -d_E / s, r / (s * s) * d_E  # node 3 input
        d_E = d_E + e * sine * d_s  # node 3 and 2 input
        d_e = d_e - cosine * d_s  # node 2 input
        d_E = d_E + s * d_r  # node 1 input: dr/dE is the same 1 - e cos E
        d_e = d_e - sine * d_r  # node 1 input
        d_M = d_M - d_r  # node 1 input
    return d_M + d_E, d_e  # the first E is M itself


@keplers_equation.inputs_of_size
def _(n, rng):
    return dict(M=rng.uniform(-4, 4, size=n), e=rng.uniform(0, 0.5, size=n))


@function(
    u=Reals((4,)),
    k=Reals((5,), low=0.0, high=1.0),
    y=Reals((4,)),
    points=[
        dict(u=[0.5, -1.25, 2.0, 0.75], k=[0.5, 0.875, 0.75, 1.0, 0.25], y=[0.25, 0.5, -0.375, 1.0]),
        dict(
            u=[1.0, 0.0, 0.0, 0.0], k=[0.0, 0.0, 1.0, 0.0, 0.625], y=[1.0, 0.0, 0.0, 0.0]
        ),  # nothing moves: the loss is 0
        dict(u=[40.0, 40.0, 40.0, 40.0], k=[0.0, 1.0, 1.0, 1.0, 0.0], y=[0.0, 0.0, 1.0, 0.0]),  # insulated ends
    ],
)
def heat_by_explicit_steps(xp, u, k, y):
    """f(u, k, y) = ½ ‖u(1) - y‖², ∂u/∂t = ∂/∂x (k ∂u/∂x), u = 0 at both ends

    u: 4, the temperatures at the time 0, y: 4, those measured at the time 1, k: 5, the conductivity between neighbours
    (and, first and last, to the ends). Four of Euler's steps, stable for k up to 2; the steps of length 1 in space.
    Morton and Mayers, Numerical Solution of Partial Differential Equations, chapter 2."""
    end = xp.zeros((1,))

    def step(_, u):
        v = xp.concat([end, u, end])
        flow = k * (v[1:] - v[:-1])
        return u + (flow[1:] - flow[:-1]) / STEPS

    r = xp.fori_loop(0, STEPS, step, u) - y
    return 0.5 * xp.sum(r * r)


@heat_by_explicit_steps.gradient
def _(xp, u, k, y):
    end, slopes = xp.zeros((1,)), []
    for _ in range(STEPS):
        v = xp.concat([end, u, end])  # node 1
        slopes += [v[1:] - v[:-1]]  # node 2
        flow = k * slopes[-1]  # node 3
        u = u + (flow[1:] - flow[:-1]) / STEPS  # node 4
    r = u - y  # node 5
    d_u, d_y, d_k = r, -r, 0  # node 6 and 5 input: f = ½ Σ r²
    for slope in reversed(slopes):
        d_flow = (xp.concat([end, d_u]) - xp.concat([d_u, end])) / STEPS  # node 4 input
        d_k = d_k + slope * d_flow  # node 3 input
        d_slope = k * d_flow  # node 3 input
        d_u = d_u + d_slope[:-1] - d_slope[1:]  # node 4 input, u itself, and node 2 and 1 input without the ends
    return d_u, d_k, d_y


@heat_by_explicit_steps.inputs_of_size
def _(n, rng):
    return dict(u=rng.normal(size=n), k=rng.uniform(0.25, 1, size=n + 1), y=rng.normal(size=n))


@function(
    u=Reals((4, 1)),
    k=Positive((), low=0.125, high=4.0),
    points=[
        dict(u=[[0.5], [-1.25], [2.0], [0.75]], k=1.25),
        dict(u=[[1.0], [0.0], [0.0], [0.0]], k=4.0),  # one hot place
        dict(u=[[0.0], [0.0], [0.0], [0.0]], k=2.0),
    ],
)
def heat_by_crank_nicolson(xp, u, k):
    """f(u, k) = ½ Σ w u(1)², (1 + k/4 A) uₜ₊₁ = (1 - k/4 A) uₜ, A u = 2 uᵢ - uᵢ₋₁ - uᵢ₊₁

    u: 4x1, the temperatures at the time 0, k: the conductivity. Two steps of Crank and Nicolson, Proceedings of the
    Cambridge Philosophical Society 43 (1947): each solves a system of equations, and is stable for every k."""
    n = u.shape[0]
    A = 2 * xp.eye(n) - xp.eye(n, k=1) - xp.eye(n, k=-1)
    for _ in range(2):
        u = xp.linalg.solve(xp.eye(n) + k / 4 * A, (xp.eye(n) - k / 4 * A) @ u)
    return 0.5 * xp.sum(weights(xp, (n, 1)) * u * u)


@heat_by_crank_nicolson.gradient
def _(xp, u, k):
    n, us = u.shape[0], [u]
    A = 2 * xp.eye(n) - xp.eye(n, k=1) - xp.eye(n, k=-1)
    left, right = xp.eye(n) + k / 4 * A, xp.eye(n) - k / 4 * A  # nodes 1 and 2
    for t in range(2):
        us += [xp.linalg.solve(left, right @ us[t])]  # node 4 of step t, with node 3: b = right u
    d_u, d_left, d_right = weights(xp, (n, 1)) * us[2], 0, 0  # node 5 input: f = ½ Σ w u²
    for t in reversed(range(2)):
        d_b = xp.linalg.solve(xp.matrix_transpose(left), d_u)  # node 4 input
        d_left = d_left - d_b @ xp.matrix_transpose(us[t + 1])  # node 4 input: d left⁻¹ = -left⁻¹ d left left⁻¹
        d_right = d_right + d_b @ xp.matrix_transpose(us[t])  # node 3 input
        d_u = xp.matrix_transpose(right) @ d_b  # node 3 input: to the step before
    return d_u, xp.sum(A * (d_left - d_right)) / 4  # node 1 and 2 input


@heat_by_crank_nicolson.inputs_of_size
def _(n, rng):
    return dict(u=rng.normal(size=(n, 1)), k=1.5)


@function(
    q=Reals((3,), low=-4.0, high=4.0),
    p=Reals((3,), low=-4.0, high=4.0),
    k=Positive((3,), low=0.125, high=4.0),
    points=[
        dict(q=[1.0, 0.0, -2.0], p=[0.0, 1.5, 0.25], k=[1.0, 2.5, 0.5]),
        dict(q=[0.0, 0.0, 3.0], p=[0.0, -0.0, 0.0], k=[1.0, 0.25, 4.0]),  # two at rest
        dict(q=[0.5, -1.25, 2.0], p=[0.75, 4.0, -4.0], k=[0.125, 4.0, 0.75]),
    ],
)
def pendulum_by_leapfrog(xp, q, p, k):
    """f(q, p, k) = Σ w ∘ (q(1), p(1)), q' = p, p' = -k sin q

    q: 3, p: 3, k: 3; angle, velocity, and gravity over length of three pendulums. Four symplectic steps of Störmer and
    Verlet (Hairer, Lubich and Wanner, Geometric Numerical Integration, section I.1.4)."""
    h = 1 / STEPS

    def step(_, state):
        q, p = state
        p = p - h / 2 * k * xp.sin(q)
        q = q + h * p
        return q, p - h / 2 * k * xp.sin(q)

    return xp.sum(weights(xp, (2, *q.shape)) * xp.stack(xp.fori_loop(0, STEPS, step, (q, p))))


@pendulum_by_leapfrog.gradient
def _(xp, q, p, k):
    h, qs = 1 / STEPS, [q]
    for t in range(STEPS):
        p = p - h / 2 * k * xp.sin(qs[t])  # node 1 of step t: the velocity half a step later
        qs += [qs[t] + h * p]  # node 2 of step t
        p = p - h / 2 * k * xp.sin(qs[t + 1])  # node 3 of step t
    w = weights(xp, (2, *q.shape))
    d_q, d_p, d_k = w[0], w[1], 0  # node 4 input: f = Σ w (q, p)
    for t in reversed(range(STEPS)):
        d_k = d_k - h / 2 * xp.sin(qs[t + 1]) * d_p  # node 3 input
        d_q = d_q - h / 2 * k * xp.cos(qs[t + 1]) * d_p  # node 3 input
        d_p = d_p + h * d_q  # node 2 input
        d_k = d_k - h / 2 * xp.sin(qs[t]) * d_p  # node 1 input
        d_q = d_q - h / 2 * k * xp.cos(qs[t]) * d_p  # node 1 input
    return d_q, d_p, d_k


@pendulum_by_leapfrog.inputs_of_size
def _(n, rng):
    return dict(q=rng.uniform(-3, 3, size=n), p=rng.uniform(-2, 2, size=n), k=rng.uniform(0.5, 2, size=n))


@function(
    y=Reals((3,), low=-0.5, high=0.5),
    R=Positive((2,), low=2.0, high=8.0),
    n=Positive((), low=1.25, high=1.75),
    t=Positive((), low=0.125, high=0.5),
    z=Positive((), low=0.25, high=8.0),
    points=[
        dict(y=[0.5, -0.25, 0.125], R=[2.5, 4.0], n=1.5, t=0.25, z=1.0),
        dict(y=[0.0, 2.0**-20, 0.375], R=[2.0, 2.0], n=1.5, t=0.125, z=2.0),  # on the axis, and near the focus
        dict(y=[-0.5, 0.5, 0.0625], R=[8.0, 2.0], n=1.75, t=0.5, z=8.0),
    ],
)
def rays_through_a_lens(xp, y, R, n, t, z):
    """f(y, R, n, t, z) = Σ w h, h the heights at which rays that come in at the heights y, parallel to the axis, hit a
    screen at the distance z behind a lens of two spherical surfaces

    y: 3, R: 2, the radii, n: the refractive index, t: the thickness. Each surface obeys Snell's law, n sin α = sin β. A
    ray is followed by its slope angle and its distance from the surface's vertex, as in Conrady, Applied Optics and
    Optical Design (1929): a ray at the distance Q and with the angle U passes the center of a sphere of radius R at the
    distance Q + R sin U, which is R times the sine of the angle of incidence."""
    a = y / R[0]  # the sine of the angle of incidence
    b = a / n
    slope = xp.asin(b) - xp.asin(a)
    s = xp.sin(slope)
    Q = R[0] * (b - s) + t * s  # at the second vertex, whose sphere has its center before it
    c = s - Q / R[1]
    d = n * c
    last = slope - xp.asin(c) + xp.asin(d)
    v = xp.sin(last)
    P = R[1] * (v - d)
    return xp.sum(weights(xp, y.shape) * (P + z * v) / xp.cos(last))


@rays_through_a_lens.gradient
def _(xp, y, R, n, t, z):
    a = y / R[0]  # node 1
    b = a / n  # node 2
    slope = xp.asin(b) - xp.asin(a)  # node 3
    s = xp.sin(slope)  # node 4
    Q = R[0] * (b - s) + t * s  # node 5
    c = s - Q / R[1]  # node 6
    d = n * c  # node 7
    last = slope - xp.asin(c) + xp.asin(d)  # node 8
    v = xp.sin(last)  # node 9
    P = R[1] * (v - d)  # node 10
    g = xp.cos(last)  # node 11
    h = (P + z * v) / g  # node 12
    d_h = weights(xp, y.shape)  # node 13 input: f = Σ w h
    d_P, d_v, d_z, d_g = d_h / g, z / g * d_h, xp.sum(v / g * d_h), -h / g * d_h  # node 12 input
    d_last = -v * d_g  # node 11 input: v is the sine of the same angle
    d_R2, d_v, d_d = xp.sum((v - d) * d_P), d_v + R[1] * d_P, -R[1] * d_P  # node 10 input
    d_last = d_last + g * d_v  # node 9 input
    d_slope = d_last  # node 8 input
    d_c = -d_last / xp.sqrt(1 - c * c)  # node 8 input
    d_d = d_d + d_last / xp.sqrt(1 - d * d)  # node 8 input
    d_n, d_c = xp.sum(c * d_d), d_c + n * d_d  # node 7 input
    d_s, d_Q, d_R2 = d_c, -d_c / R[1], d_R2 + xp.sum(Q / (R[1] * R[1]) * d_c)  # node 6 input
    d_R1, d_b, d_t = xp.sum((b - s) * d_Q), R[0] * d_Q, xp.sum(s * d_Q)  # node 5 input
    d_s = d_s + (t - R[0]) * d_Q  # node 5 input
    d_slope = d_slope + xp.cos(slope) * d_s  # node 4 input
    d_b = d_b + d_slope / xp.sqrt(1 - b * b)  # node 3 input
    d_a = -d_slope / xp.sqrt(1 - a * a)  # node 3 input
    d_a, d_n = d_a + d_b / n, d_n - xp.sum(b / n * d_b)  # node 2 input
    d_y, d_R1 = d_a / R[0], d_R1 - xp.sum(a / R[0] * d_a)  # node 1 input
    return d_y, xp.stack([d_R1, d_R2]), d_n, d_t, d_z


@rays_through_a_lens.inputs_of_size
def _(n, rng):
    return dict(y=rng.uniform(-0.5, 0.5, size=n), R=rng.uniform(2, 8, size=2), n=1.5, t=0.25, z=4.0)
