"""Real functions of complex arguments. The gradient for z = x + iy is ∂f/∂x + i ∂f/∂y, the direction of steepest
ascent; with Wirtinger's derivatives it is 2 ∂f/∂z̄. Where w = g(z) is analytic, d_z = conj(g'(z)) d_w (Brandwood, IEE
Proceedings H 130, 1983)."""

from gradproof import Complex, Reals, complex_weights, function, weights


@function(
    z=Complex((3,), low=-8.0, high=8.0),
    points=[
        dict(z=[1.5 - 0.5j, -0.25 + 2j, 3 + 1.25j]),
        dict(z=[1.0, 2j, -3.0]),  # on the axes, where a part is zero
        dict(z=[0.0, 1 + 1j, 1e-3 - 1e-3j]),
    ],
)
def squared_modulus(xp, z):
    """f(z) = Σ w |z|² = Σ w z z̄

    z: 3"""
    return xp.sum(weights(xp, (3,)) * xp.real(z * xp.conj(z)))


@squared_modulus.gradient
def _(xp, z):
    d_p = xp.astype(weights(xp, (3,)), z.dtype)  # node 2 input: f = Σ w Re p
    return (z * d_p + z * xp.conj(d_p),)  # node 1 input: p = z z̄ by z, d_p z̄̄, and by z̄, conj(d_p) z


@function(
    z=Complex((3,), low=-4.0, high=4.0),
    points=[
        dict(z=[1.5 - 0.5j, -0.25 + 2j, 3 + 1.25j]),
        dict(z=[3 + 4j, -1.0, 2j]),
        dict(z=[0.0, 1 + 1j, -2.0]),  # |z| has a kink at 0: every direction has the slope 1
    ],
)
def modulus(xp, z):
    """f(z) = Σ w |z|

    z: 3"""
    return xp.sum(weights(xp, (3,)) * xp.abs(z))


@modulus.gradient
def _(xp, z):
    r = xp.abs(z)  # node 1
    d_r = weights(xp, (3,))  # node 2 input: f = Σ w r
    scale = d_r / xp.where(r > 0, r, xp.ones_like(r))  # at the kink z = 0 this makes the gradient 0
    return (xp.astype(scale, z.dtype) * z,)  # node 1 input: r = √(x² + y²) has the slopes x/r and y/r


@function(
    z=Complex((3,), low=-4.0, high=4.0),
    points=[dict(z=[1.5 - 0.5j, -0.25 + 2j, 3 + 1.25j]), dict(z=[0.0, 3.140625j, -1.0]), dict(z=[4 + 4j, -4j, 1.0])],
)
def analytic_composition(xp, z):
    """f(z) = Re Σ v̄ sin(eᶻ / 16)

    z: 3; v are complex weights."""
    return xp.sum(xp.real(xp.conj(complex_weights(xp, (3,))) * xp.sin(xp.exp(z) / 16)))


@analytic_composition.gradient
def _(xp, z):
    e = xp.exp(z)  # node 1
    d_s = complex_weights(xp, (3,))  # node 3 input: f = Re Σ v̄ s, the gradient of Re(v̄ s) for s is v
    d_e = xp.conj(xp.cos(e / 16)) / 16 * d_s  # node 2 input: s = sin(e / 16)
    return (xp.conj(e) * d_e,)  # node 1 input


@function(
    A=Complex((2, 3), low=-8.0, high=8.0),
    b=Complex((3,), low=-8.0, high=8.0),
    s=Reals((2,), low=-8.0, high=8.0),
    points=[
        dict(A=[[1 + 0.5j, -2j, 0.25], [0.75 - 1j, 1.5, -1 + 1j]], b=[0.5 - 1.25j, 2.0, -0.75 + 0.5j], s=[1.5, -0.5]),
        dict(A=[[0.0, 1j, 1.0], [1.0, 0.0, -1j]], b=[1.0, 1j, -1.0], s=[0.0, 1.0]),
    ],
)
def complex_product(xp, A, b, s):
    """f(A, b, s) = Re Σᵢ v̄ᵢ (A b)ᵢ + Σᵢ sᵢ |(A b)ᵢ|²

    A: 2x3 and b: 3, complex; s: 2, real."""
    p = xp.matmul(A, b)
    return xp.sum(xp.real(xp.conj(complex_weights(xp, (2,))) * p)) + xp.sum(s * xp.real(p * xp.conj(p)))


@complex_product.gradient
def _(xp, A, b, s):
    p = xp.matmul(A, b)  # node 1
    d_p = complex_weights(xp, (2,))  # node 2 input: Re Σ v̄ p
    d_p = d_p + xp.astype(2 * s, p.dtype) * p  # node 3 input: s |p|² has the gradient 2 s p
    d_s = xp.real(p * xp.conj(p))  # node 3 input
    d_A = d_p[:, None] * xp.conj(b)[None, :]  # node 1 input
    d_b = xp.matmul(xp.conj(xp.matrix_transpose(A)), d_p)  # node 1 input
    return d_A, d_b, d_s


@function(
    z=Complex((3,), low=0.25, high=8.0),
    points=[dict(z=[1.5 + 0.5j, 0.25 + 2j, 3 + 1.25j]), dict(z=[1 + 1j, 0.5 + 0.5j, 8 + 0.25j])],
)
def square_root_and_quotient(xp, z):
    """f(z) = Re Σ v̄ √z + Im Σ v / z

    z: 3, in the first quadrant, away from the cut of the root along the negative axis."""
    v = complex_weights(xp, (3,))
    return xp.sum(xp.real(xp.conj(v) * xp.sqrt(z))) + xp.sum(xp.imag(v / z))


@square_root_and_quotient.gradient
def _(xp, z):
    v = complex_weights(xp, (3,))
    r = xp.sqrt(z)  # node 1
    d_z = xp.conj(1 / (2 * r)) * v  # node 1 input, behind node 2: f₁ = Re Σ v̄ r
    d_q = xp.asarray([1j, 1j, 1j])  # node 4 input: Im q has the gradient i
    return (d_z + xp.conj(-v / (z * z)) * d_q,)  # node 3 input: q = v / z


@function(
    x=Reals((3,), low=-8.0, high=8.0),
    z=Complex((3,), low=-8.0, high=8.0),
    points=[
        dict(x=[0.5, -1.25, 2.0], z=[1.5 - 0.5j, -0.25 + 2j, 3 + 1.25j]),
        dict(x=[0.0, 1.0, -0.0], z=[1j, -2.0, 0.0]),
    ],
)
def real_made_complex(xp, x, z):
    """f(x, z) = Re Σ v̄ c² z, c = x as a complex number

    x: 3, z: 3; v are complex weights."""
    c = xp.astype(x, z.dtype)
    return xp.sum(xp.real(xp.conj(complex_weights(xp, (3,))) * c * c * z))


@real_made_complex.gradient
def _(xp, x, z):
    c = xp.astype(x, z.dtype)  # node 1
    d_p = complex_weights(xp, (3,))  # node 3 input: f = Re Σ v̄ p
    d_c = xp.conj(2 * c * z) * d_p  # node 2 input: p = c² z
    d_z = xp.conj(c * c) * d_p  # node 2 input
    d_x = xp.real(d_c)  # node 1 input: x moves c along the real axis alone
    return d_x, d_z


@function(
    z=Complex((3,), low=0.25, high=8.0),
    points=[
        dict(z=[1.5 + 0.5j, -0.25 + 2j, 3 - 1.25j]),
        dict(z=[1.0, 2j, -2j]),  # on the axes, not on the cut
        dict(z=[2.0**-120 * (1 + 1j), 2.0**100 * (1 - 2j), 2.0**-30 + 1j]),  # squares that leave complex64's range
    ],
)
def angle_of_number(xp, z):
    """f(z) = Σ w φ, z = |z| exp(iφ)

    z: 3, drawn in the first quadrant, tried elsewhere, not on the cut along the negative axis. φ = Im log z."""
    return xp.sum(weights(xp, (3,)) * xp.angle(z))


@angle_of_number.gradient
def _(xp, z):
    x, y = xp.real(z), xp.imag(z)
    r = xp.hypot(x, y)
    d_angle = weights(xp, (3,))  # node 2 input: f = Σ w φ
    d_x = -y / r / r * d_angle  # node 1 input: divided by r twice, they need no square
    d_y = x / r / r * d_angle  # node 1 input
    i = xp.asarray([1j, 1j, 1j])
    return (xp.astype(d_x, z.dtype) + i * xp.astype(d_y, z.dtype),)
