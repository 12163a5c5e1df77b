"""What a transformer is made of: embedding, dense layer, dropout, attention with several heads; and a block of it."""

from gradproof import Reals, function, weights
from gradproof.registry.points import mixed, repeated

EPSILON = 2.0**-16


@function(
    table=Reals((4, 3)),
    points=[dict(table=mixed(4, 3)), dict(table=repeated(4, 3)), dict(table=1000.0 * mixed(4, 3))],
)
def embedded_tokens(xp, table):
    """f(E) = Σ w ∘ e², e_k = row 3k mod n of E, k from 0 to n + 1

    E: 4x3 (tokens, width), n = 4, e: 6x3. Some rows are read twice, and what comes from both adds up. Bengio et al.,
    Journal of Machine Learning Research 3, 2003, section 2."""
    n, width = table.shape
    rows = xp.nn.embedding(xp.asarray([3 * k % n for k in range(n + 2)]), table)
    return xp.sum(weights(xp, (n + 2, width)) * rows * rows)


@embedded_tokens.gradient
def _(xp, table):
    n, width = table.shape
    indices = [3 * k % n for k in range(n + 2)]
    w = weights(xp, (n + 2, width))
    d_table = [0 * table[i, :] for i in range(n)]
    for k, i in enumerate(indices):
        d_row = 2 * w[k, :] * table[i, :]  # node 2 input: f = Σ w e²
        d_table[i] = d_table[i] + d_row  # node 1 input: e_k is row i of E
    return (xp.stack(d_table, axis=0),)


@embedded_tokens.inputs_of_size
def _(n, rng):
    return dict(table=rng.normal(size=(n, 3)))


@function(
    x=Reals((3, 2)),
    W=Reals((2, 4)),
    b=Reals((4,)),
    points=[
        dict(x=mixed(3, 2), W=mixed(2, 4, first=8), b=mixed(4, first=5)),
        dict(x=repeated(3, 2), W=repeated(2, 4, first=1), b=[0.0] * 4),
        dict(x=[[1000.0, 1001.0], [2.0**-10, -1.0], [0.5, 40.0]], W=[[1.0] * 4, [-1.0] * 4], b=mixed(4)),  # cancels
    ],
)
def dense_layer(xp, x, W, b):
    """f(x, W, b) = Σ w ∘ (x W + b)²

    x: 3x2 (batch, inputs), W: 2x4, b: 4."""
    y = xp.nn.dense(x, W, b)
    return xp.sum(weights(xp, tuple(y.shape)) * y * y)


@dense_layer.gradient
def _(xp, x, W, b):
    y = x @ W + b  # node 1
    d_y = 2 * weights(xp, tuple(y.shape)) * y  # node 2 input: f = Σ w y²
    d_x = d_y @ xp.matrix_transpose(W)  # node 1 input
    d_W = xp.matrix_transpose(x) @ d_y  # node 1 input
    d_b = xp.sum(d_y, axis=0)  # node 1 input: b was stretched over the rows
    return d_x, d_W, d_b


@dense_layer.inputs_of_size
def _(n, rng):
    return dict(x=rng.normal(size=(n, 2)), W=rng.normal(size=(2, 4)), b=rng.normal(size=4))


@function(
    x=Reals((3, 4)),
    points=[dict(x=mixed(3, 4)), dict(x=repeated(3, 4)), dict(x=1000.0 * mixed(3, 4))],
)
def dropout_of_fixed_units(xp, x):
    """f(x) = Σ w ∘ y², y = m ∘ x / ¾

    x: 3x4. A mask m of zeros and ones, fixed, so that it is one function: a quarter is dropped, and the rest raised, so
    that the mean stays. Srivastava et al., Journal of Machine Learning Research 15, 2014, section 10, raises it in
    training too."""
    mask = xp.asarray([[float((i + 2 * j) % 4 != 1) for j in range(x.shape[1])] for i in range(x.shape[0])])
    y = mask * x / 0.75
    return xp.sum(weights(xp, tuple(x.shape)) * y * y)


@dropout_of_fixed_units.gradient
def _(xp, x):
    mask = xp.asarray([[float((i + 2 * j) % 4 != 1) for j in range(x.shape[1])] for i in range(x.shape[0])])
    y = mask * x / 0.75  # node 1
    d_y = 2 * weights(xp, tuple(x.shape)) * y  # node 2 input: f = Σ w y²
    return mask * d_y / 0.75  # node 1 input


@dropout_of_fixed_units.inputs_of_size
def _(n, rng):
    return dict(x=rng.normal(size=(n, 4)))


@function(
    q=Reals((1, 2, 3, 2)),
    k=Reals((1, 2, 3, 2)),
    v=Reals((1, 2, 3, 2)),
    points=[
        dict(q=mixed(1, 2, 3, 2), k=mixed(1, 2, 3, 2, first=8), v=mixed(1, 2, 3, 2, first=5)),
        dict(q=0 * mixed(1, 2, 3, 2), k=repeated(1, 2, 3, 2), v=mixed(1, 2, 3, 2)),  # the average of all that is seen
        dict(q=20.0 * mixed(1, 2, 3, 2), k=mixed(1, 2, 3, 2, first=8), v=mixed(1, 2, 3, 2)),  # one key takes it all
    ],
)
def attention_of_heads(xp, q, k, v, *, causal=False):
    """f(Q, K, V) = Σ w ∘ (softmax(Q Kᵀ / √d) V), head by head

    Q, K and V: 1x2x3x2 (batch, heads, tokens, width), so d = 2. Causal: a token sees itself and those before it.
    Vaswani et al., arXiv:1706.03762, section 3.2."""
    return xp.sum(weights(xp, tuple(q.shape)) * xp.nn.dot_product_attention(q, k, v, causal=causal))


@attention_of_heads.gradient
def _(xp, q, k, v, *, causal=False):
    tokens, root = q.shape[2], q.shape[3] ** 0.5
    w = weights(xp, tuple(q.shape))
    d_q, d_k, d_v = [], [0 * k[:, :, t, :] for t in range(tokens)], [0 * v[:, :, t, :] for t in range(tokens)]
    for t in range(tokens):  # query by query; it sees so many keys:
        seen = t + 1 if causal else tokens
        q_t, keys, values = q[:, :, t : t + 1, :], k[:, :, :seen, :], v[:, :, :seen, :]
        s = xp.matmul(q_t, xp.matrix_transpose(keys)) / root  # node 1, (batch, heads, 1, seen)
        p = xp.nn.softmax(s, axis=-1)  # node 2
        d_o = w[:, :, t : t + 1, :]  # node 4 input: f = Σ w o, with node 3: o = p v
        d_p = xp.matmul(d_o, xp.matrix_transpose(values))  # node 3 input
        d_s = p * (d_p - xp.sum(p * d_p, axis=-1, keepdims=True))  # node 2 input: ∂pᵢ/∂sⱼ = pᵢ (δᵢⱼ - pⱼ)
        d_q += [xp.matmul(d_s, keys) / root]  # node 1 input
        for j in range(seen):
            d_k[j] = d_k[j] + d_s[:, :, 0, j : j + 1] * q_t[:, :, 0, :] / root  # node 1 input
            d_v[j] = d_v[j] + p[:, :, 0, j : j + 1] * d_o[:, :, 0, :]  # node 3 input
    return xp.concat(d_q, axis=2), xp.stack(d_k, axis=2), xp.stack(d_v, axis=2)


@attention_of_heads.inputs_of_size
def _(n, rng):
    return dict(q=rng.normal(size=(1, 2, n, 2)), k=rng.normal(size=(1, 2, n, 2)), v=rng.normal(size=(1, 2, n, 2)))


attention_of_heads.variant("causal", causal=True).inputs_of_size(attention_of_heads.generator)


@function(
    x=Reals((3, 4), low=-8.0, high=8.0),
    g1=Reals((4,), low=-2.0, high=2.0),
    b1=Reals((4,), low=-2.0, high=2.0),
    W=Reals((4, 12), low=-1.0, high=1.0),
    U=Reals((4, 4), low=-2.0, high=2.0),
    g2=Reals((4,), low=-2.0, high=2.0),
    b2=Reals((4,), low=-2.0, high=2.0),
    V1=Reals((4, 3), low=-2.0, high=2.0),
    c1=Reals((3,), low=-4.0, high=4.0),
    V2=Reals((3, 4), low=-2.0, high=2.0),
    c2=Reals((4,), low=-8.0, high=8.0),
    points=[
        dict(
            x=mixed(3, 4),
            g1=[1.25, 0.75, -0.5, 2.0],
            b1=[0.5, -0.25, 0.125, 1.0],
            W=mixed(4, 12, first=8) / 2,
            U=mixed(4, 4, first=5),
            g2=[0.75, 1.5, 1.0, -0.5],
            b2=[-0.5, 0.25, 0.75, 0.0625],
            V1=mixed(4, 3, first=2),
            c1=mixed(3, first=9),
            V2=mixed(3, 4, first=6),
            c2=mixed(4, first=4),
        ),
        dict(  # attention and layers that do nothing: the residuals alone
            x=mixed(3, 4),
            g1=[1.0] * 4,
            b1=[0.0] * 4,
            W=[[0.0] * 12] * 4,
            U=[[0.0] * 4] * 4,
            g2=[1.0] * 4,
            b2=[0.0] * 4,
            V1=[[0.0] * 3] * 4,
            c1=[0.0] * 3,
            V2=[[0.0] * 4] * 3,
            c2=[0.0] * 4,
        ),
    ],
)
def transformer_block(xp, x, g1, b1, W, U, g2, b2, V1, c1, V2, c2):
    """f(x, …) = Σ w ∘ z, z = y + gelu(norm(y) V₁ + c₁) V₂ + c₂, y = x + attend(norm(x) W) U

    x: 3x4 (tokens, width); norm: x less its mean, over its spread, times g plus b (4 each, for either norm); W: 4x12,
    queries, keys and values of two heads; attend: causal, a token sees itself and those before it; U: 4x4; V₁: 4x3,
    c₁: 3, V₂: 3x4, c₂: 4. Vaswani et al., arXiv:1706.03762, section 3, with the norms in front: Xiong et al.,
    arXiv:2002.04745. Entries are bounded, or rounding would decide which key a query
    gives all to."""
    tokens, width = x.shape
    a = xp.nn.layer_norm(x, g1, b1, EPSILON) @ W
    q, k, v = (a[:, i * width : (i + 1) * width] for i in range(3))
    q, k, v = (xp.permute_dims(xp.reshape(part, (1, tokens, 2, width // 2)), (0, 2, 1, 3)) for part in (q, k, v))
    heads = xp.nn.dot_product_attention(q, k, v, causal=True)
    y = x + xp.reshape(xp.permute_dims(heads, (0, 2, 1, 3)), (tokens, width)) @ U
    z = y + xp.nn.gelu(xp.nn.layer_norm(y, g2, b2, EPSILON) @ V1 + c1) @ V2 + c2
    return xp.sum(weights(xp, (tokens, width)) * z)


@transformer_block.gradient
def _(xp, x, g1, b1, W, U, g2, b2, V1, c1, V2, c2):
    (tokens, width), half = x.shape, x.shape[1] // 2
    # Forward
    m1 = x - xp.mean(x, axis=1, keepdims=True)  # node 1
    s1 = xp.sqrt(xp.mean(m1 * m1, axis=1, keepdims=True) + EPSILON)  # node 2
    n1 = g1 * (m1 / s1) + b1  # node 3
    a = n1 @ W  # node 4: queries, keys and values, each of head 0 and head 1
    heads, shares = [], {}
    for h in range(2):
        q, k, v = (a[:, i * width + h * half : i * width + (h + 1) * half] for i in range(3))
        rows = []
        for t in range(tokens):
            s = q[t : t + 1, :] @ xp.matrix_transpose(k[: t + 1, :]) / half**0.5  # node 5 of query t
            shares[h, t] = xp.nn.softmax(s, axis=1)  # node 6 of query t, (1, t + 1)
            rows += [shares[h, t] @ v[: t + 1, :]]  # node 7 of query t
        heads += [xp.concat(rows, axis=0)]
    o = xp.concat(heads, axis=1)
    y = x + o @ U  # node 8
    m2 = y - xp.mean(y, axis=1, keepdims=True)  # node 9
    s2 = xp.sqrt(xp.mean(m2 * m2, axis=1, keepdims=True) + EPSILON)  # node 10
    n2 = g2 * (m2 / s2) + b2  # node 11
    r = n2 @ V1 + c1  # node 12
    u = xp.nn.gelu(r)  # node 13; node 14: z = y + u V2 + c2
    # Backward
    d_z = weights(xp, (tokens, width))  # node 15 input: f = Σ w z
    d_c2 = xp.sum(d_z, axis=0)  # node 14 input
    d_V2 = xp.matrix_transpose(u) @ d_z  # node 14 input
    d_u = d_z @ xp.matrix_transpose(V2)  # node 14 input
    below = (1 + xp.special.erf(r / xp.sqrt(xp.asarray(2.0)))) / 2
    density = xp.exp(-r * r / 2) / xp.sqrt(2 * xp.pi * xp.ones_like(r))
    d_r = (below + r * density) * d_u  # node 13 input: gelu = r Φ(r), Φ = (1 + erf(r / √2)) / 2, Φ' = φ
    d_c1 = xp.sum(d_r, axis=0)  # node 12 input
    d_V1 = xp.matrix_transpose(n2) @ d_r  # node 12 input
    d_n2 = d_r @ xp.matrix_transpose(V1)  # node 12 input
    d_b2 = xp.sum(d_n2, axis=0)  # node 11 input
    d_g2 = xp.sum(m2 / s2 * d_n2, axis=0)  # node 11 input
    d_s2 = -xp.sum(g2 * d_n2 * m2, axis=1, keepdims=True) / (s2 * s2)  # node 11 input
    d_m2 = g2 * d_n2 / s2 + m2 * d_s2 / (s2 * width)  # node 11 input, node 10 input
    d_y = d_z + d_m2 - xp.mean(d_m2, axis=1, keepdims=True)  # node 14 input, node 9 input
    d_U = xp.matrix_transpose(o) @ d_y  # node 8 input
    d_o = d_y @ xp.matrix_transpose(U)  # node 8 input
    d_a = [None] * 6
    for h in range(2):
        q, k, v = (a[:, i * width + h * half : i * width + (h + 1) * half] for i in range(3))
        d_q, d_k, d_v = [], 0 * k, 0 * v
        for t in range(tokens):
            p, d_ot = shares[h, t], d_o[t : t + 1, h * half : (h + 1) * half]
            unseen = xp.zeros((tokens - t - 1, half))
            d_p = d_ot @ xp.matrix_transpose(v[: t + 1, :])  # node 7 input
            d_v = d_v + xp.concat([xp.matrix_transpose(p) @ d_ot, unseen], axis=0)  # node 7 input
            d_s = p * (d_p - xp.sum(p * d_p, axis=1, keepdims=True)) / half**0.5  # node 6 input, node 5 input
            d_q += [d_s @ k[: t + 1, :]]  # node 5 input
            d_k = d_k + xp.concat([xp.matrix_transpose(d_s) @ q[t : t + 1, :], unseen], axis=0)  # node 5 input
        d_a[h], d_a[2 + h], d_a[4 + h] = xp.concat(d_q, axis=0), d_k, d_v
    d_a = xp.concat(d_a, axis=1)
    d_W = xp.matrix_transpose(n1) @ d_a  # node 4 input
    d_n1 = d_a @ xp.matrix_transpose(W)  # node 4 input
    d_b1 = xp.sum(d_n1, axis=0)  # node 3 input
    d_g1 = xp.sum(m1 / s1 * d_n1, axis=0)  # node 3 input
    d_s1 = -xp.sum(g1 * d_n1 * m1, axis=1, keepdims=True) / (s1 * s1)  # node 3 input
    d_m1 = g1 * d_n1 / s1 + m1 * d_s1 / (s1 * width)  # node 3 input, node 2 input
    d_x = d_y + d_m1 - xp.mean(d_m1, axis=1, keepdims=True)  # node 8 input, node 1 input
    return d_x, d_g1, d_b1, d_W, d_U, d_g2, d_b2, d_V1, d_c1, d_V2, d_c2


@transformer_block.inputs_of_size
def _(n, rng):
    sizes = dict(x=(n, 4), g1=(4,), b1=(4,), W=(4, 12), U=(4, 4), g2=(4,), b2=(4,), V1=(4, 3), c1=(3,), V2=(3, 4), c2=4)
    return {name: rng.normal(size=size) for name, size in sizes.items()}
