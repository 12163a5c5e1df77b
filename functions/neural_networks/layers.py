"""Layers of neural networks, small enough to follow each node and with sizes that all differ."""

from gradproof import Reals, function, weights


@function(
    x=Reals((3, 4)),
    gain=Reals((4,)),
    bias=Reals((4,)),
    points=[
        dict(
            x=[[0.5, -1.0, 2.25, 0.75], [1.5, 3.0, -0.5, 0.25], [-2.5, -1.75, -3.0, -0.625]],
            gain=[1.25, 0.75, -0.5, 2.0],
            bias=[0.5, -0.25, 0.125, 1.0],
        ),
        dict(  # rows without any spread, where only ε keeps the division alive
            x=[[1.5] * 4, [0.0] * 4, [-2.0, -2.0, -2.0, -2.0 + 2.0**-10]],
            gain=[1.0, 2.0, 3.0, 4.0],
            bias=[0.0] * 4,
        ),
        dict(  # a large offset beside a small spread
            x=[[1000.0, 1001.0, 998.0, 1000.5], [-40.0, 1000.0, 0.5, 2.0], [2.0**-10, -(2.0**-9), 0.0, 2.0**-8]],
            gain=[0.5, -1.5, 1.0, 0.25],
            bias=[1.0, 2.0, 3.0, 4.0],
        ),
    ],
)
def layer_norm(xp, x, gain, bias):
    """f(x, g, b) = Σ w ∘ (g (x - x̄) / √(v + ε) + b), v the mean of (x - x̄)² along each row

    x: 3x4, gain: 4, bias: 4, ε = 2⁻¹⁶. Ba, Kiros and Hinton, arXiv:1607.06450."""
    centred = x - xp.mean(x, axis=1, keepdims=True)
    variance = xp.mean(centred * centred, axis=1, keepdims=True)
    return xp.sum(weights(xp, tuple(x.shape)) * (gain * (centred / xp.sqrt(variance + 2.0**-16)) + bias))


@layer_norm.gradient
def _(xp, x, gain, bias):
    m = xp.mean(x, axis=1, keepdims=True)  # node 1, (3, 1)
    c = x - m  # node 2
    v = xp.mean(c * c, axis=1, keepdims=True)  # node 3, (3, 1)
    s = xp.sqrt(v + 2.0**-16)  # node 4, (3, 1)
    n = c / s  # node 5
    d_y = weights(xp, tuple(x.shape))  # node 7 input: f = Σ w y
    d_bias = xp.sum(d_y, axis=0)  # node 6 input: y = gain n + bias
    d_gain = xp.sum(n * d_y, axis=0)  # node 6 input
    d_n = gain * d_y  # node 6 input
    # Nodes 5 to 1 in one line. c reaches n directly, which gives d_n / s, and through s, where d_s = -Σ d_n c / s²
    # (node 5), d_v = d_s / 2s (node 4) and 2c d_v over the row's length (node 3) make -n mean(d_n n) / s. Subtracting
    # the mean (nodes 2 and 1) takes the mean of both away again; the second has none, because Σ n = 0.
    d_x = (d_n - xp.mean(d_n, axis=1, keepdims=True) - n * xp.mean(d_n * n, axis=1, keepdims=True)) / s
    return d_x, d_gain, d_bias


@layer_norm.inputs_of_size
def _(n, rng):
    return dict(x=rng.normal(size=(n, 4)), gain=rng.normal(size=4), bias=rng.normal(size=4))


@function(
    x=Reals((3, 2)),
    W1=Reals((2, 5)),
    b1=Reals((5,)),
    W2=Reals((5, 4)),
    b2=Reals((4,)),
    points=[
        dict(
            x=[[0.5, -1.25], [0.75, 1.5], [-0.375, 0.25]],
            W1=[[0.5, -0.25, 1.0, -0.75, 0.125], [-0.5, 0.625, 0.375, 0.25, -1.125]],
            b1=[0.125, -0.5, 0.25, 0.0625, -0.375],
            W2=[[(7 * i + 4 * j + 3) % 13 / 8 - 0.8125 for j in range(4)] for i in range(5)],
            b2=[0.25, -0.125, 0.5, -0.75],
        ),
        dict(  # everything 0: the softmax is uniform, and W1 gets nothing through W2
            x=[[1.0, -2.0], [0.5, 3.0], [0.0, 0.0]], W1=[[0.0] * 5] * 2, b1=[0.0] * 5, W2=[[0.0] * 4] * 5, b2=[0.0] * 4
        ),
        dict(  # saturated units and a loss that is sure of itself
            x=[[40.0, 1.0], [-3.0, 0.5], [2.0, -40.0]],
            W1=[[0.5, -2.0, 0.25, 1.0, -0.125], [1.5, 0.75, -1.0, 0.5, 2.0]],
            b1=[0.5, 0.0, -0.25, 1.0, -1.0],
            W2=[[(5 * i + 3 * j + 1) % 11 - 4.5 for j in range(4)] for i in range(5)],
            b2=[0.0, 1.0, -1.0, 0.5],
        ),
    ],
)
def multilayer_perceptron(xp, x, W1, b1, W2, b2):
    """f(x, W₁, b₁, W₂, b₂) = -1/n Σ T ∘ log softmax(tanh(x W₁ + b₁) W₂ + b₂)

    x: nx2, n = 3, W₁: 2x5, b₁: 5, W₂: 5x4, b₂: 4, fixed one-hot targets T. Rumelhart, Hinton and Williams, Nature 323
    (1986), with the cross-entropy in place of their squared loss."""
    T = xp.asarray([[float(j == (i + 2) % 3) for j in range(4)] for i in range(x.shape[0])])
    z = xp.tanh(x @ W1 + b1) @ W2 + b2
    return -xp.sum(T * xp.nn.log_softmax(z, axis=1)) / x.shape[0]


@multilayer_perceptron.gradient
def _(xp, x, W1, b1, W2, b2):
    T = xp.asarray([[float(j == (i + 2) % 3) for j in range(4)] for i in range(x.shape[0])])
    a = x @ W1 + b1  # node 1, (n, 5)
    h = xp.tanh(a)  # node 2, (n, 5)
    z = h @ W2 + b2  # node 3, (n, 4)
    log_p = xp.nn.log_softmax(z, axis=1)  # node 4, (n, 4)
    d_log_p = -T / x.shape[0]  # node 5 input: f = -Σ T log p / n
    d_z = d_log_p - xp.exp(log_p) * xp.sum(d_log_p, axis=1, keepdims=True)  # node 4 input: (p - T) / n
    d_h = d_z @ xp.matrix_transpose(W2)  # node 3 input
    d_W2 = xp.matrix_transpose(h) @ d_z  # node 3 input
    d_b2 = xp.sum(d_z, axis=0)  # node 3 input: b₂ was stretched over the rows
    d_a = (1 - h * h) * d_h  # node 2 input
    d_x = d_a @ xp.matrix_transpose(W1)  # node 1 input
    d_W1 = xp.matrix_transpose(x) @ d_a  # node 1 input
    d_b1 = xp.sum(d_a, axis=0)  # node 1 input
    return d_x, d_W1, d_b1, d_W2, d_b2


@multilayer_perceptron.inputs_of_size
def _(n, rng):
    sizes = dict(x=(n, 2), W1=(2, 5), b1=(5,), W2=(5, 4), b2=(4,))
    return {name: rng.normal(size=size) for name, size in sizes.items()}


@function(
    q=Reals((3, 2)),
    k=Reals((4, 2)),
    v=Reals((4, 5)),
    points=[
        dict(
            q=[[0.5, -1.25], [0.75, 1.5], [-0.375, 0.25]],
            k=[[1.0, -0.5], [0.25, 0.625], [-1.5, 0.75], [0.125, -2.0]],
            v=[[(7 * i + 4 * j + 3) % 19 / 8 - 1.1875 for j in range(5)] for i in range(4)],
        ),
        dict(  # no query asks for anything: the average of all values
            q=[[0.0, 0.0]] * 3,
            k=[[1.0, 2.0], [3.0, -4.0], [0.0, 0.5], [-1.0, 0.25]],
            v=[[i - 2.0 * j for j in range(5)] for i in range(4)],
        ),
        dict(  # one key takes nearly all of the weight
            q=[[40.0, 1.0], [-3.0, 20.0], [8.0, 8.0]],
            k=[[2.0, -0.5], [0.25, 3.0], [-1.5, 0.75], [0.5, -2.0]],
            v=[[(5 * i + 3 * j + 1) % 11 - 4.5 for j in range(5)] for i in range(4)],
        ),
    ],
)
def attention(xp, q, k, v):
    """f(Q, K, V) = Σ W ∘ (softmax(Q Kᵀ / √d) V)

    Q: 3x2, K: 4x2, V: 4x5, so d = 2. One head, no mask. Vaswani et al., arXiv:1706.03762, equation 1."""
    scores = q @ xp.matrix_transpose(k) / 2**0.5
    return xp.sum(weights(xp, (q.shape[0], v.shape[1])) * (xp.nn.softmax(scores, axis=1) @ v))


@attention.gradient
def _(xp, q, k, v):
    a = q @ xp.matrix_transpose(k)  # node 1, (3, 4)
    s = a / 2**0.5  # node 2
    p = xp.nn.softmax(s, axis=1)  # node 3
    d_o = weights(xp, (q.shape[0], v.shape[1]))  # node 5 input: f = Σ W ∘ o, with node 4: o = p v
    d_p = d_o @ xp.matrix_transpose(v)  # node 4 input
    d_v = xp.matrix_transpose(p) @ d_o  # node 4 input
    d_s = p * (d_p - xp.sum(p * d_p, axis=1, keepdims=True))  # node 3 input: ∂pᵢ/∂sⱼ = pᵢ (δᵢⱼ - pⱼ)
    d_a = d_s / 2**0.5  # node 2 input
    d_q = d_a @ k  # node 1 input
    d_k = xp.matrix_transpose(d_a) @ q  # node 1 input
    return d_q, d_k, d_v


@attention.inputs_of_size
def _(n, rng):
    return dict(q=rng.normal(size=(n, 2)), k=rng.normal(size=(n, 2)), v=rng.normal(size=(n, 5)))


@function(
    x=Reals((2, 3, 4)),
    kernel=Reals((5, 3, 2)),
    points=[
        dict(
            x=[
                [[(7 * c + 5 * t + 11 * n + 2) % 29 / 8 - 1.8125 for t in range(4)] for c in range(3)] for n in range(2)
            ],
            kernel=[
                [[(9 * o + 4 * c + 7 * k + 1) % 31 / 16 - 0.96875 for k in range(2)] for c in range(3)]
                for o in range(5)
            ],
        ),
        dict(  # a single impulse, and a kernel with zeros in it
            x=[[[1.0 * (n == 1 and c == 2 and t == 0) for t in range(4)] for c in range(3)] for n in range(2)],
            kernel=[[[(o + c + k) % 3 - 1.0 for k in range(2)] for c in range(3)] for o in range(5)],
        ),
        dict(  # large values that cancel over the taps
            x=[[[1000.0 + c - 40.0 * n for t in range(4)] for c in range(3)] for n in range(2)],
            kernel=[[[1.0 - 2.0 * k + o / 4 for k in range(2)] for c in range(3)] for o in range(5)],
        ),
    ],
)
def convolution(xp, x, kernel):
    """f(x, K) = Σ w ∘ y, yₙₒₜ = Σ_c Σ_k xₙ,c,t₊ₖ K_o,c,k

    x: 2x3x4 (batch, channels, length), K: 5x3x2 (outputs, channels, taps), y: 2x5x3. Stride 1, no padding; what deep
    learning calls a convolution is a cross-correlation."""
    y = xp.nn.conv(x, kernel)
    return xp.sum(weights(xp, tuple(y.shape)) * y)


@convolution.gradient
def _(xp, x, kernel):
    # y = conv(x, kernel)  node 1
    # f = Σ w y            node 2
    batch, channels, _ = x.shape
    d_y = weights(xp, (batch, 5, 3))[:, :, None, :]  # node 2 input, with room for the channels: (2, 5, 1, 3)
    d_x, d_kernel = 0, []
    for k in range(2):  # node 1 input, tap by tap: y = Σ over k of (x shifted by k) times tap k
        window, tap = x[:, None, :, k : k + 3], kernel[None, :, :, k : k + 1]
        d_kernel += [xp.sum(window * d_y, axis=(0, 3))]  # (5, 3): every batch and every step used this tap
        d_window = xp.sum(tap * d_y, axis=1)  # (2, 3, 3): every output used this window
        before, after = xp.zeros((batch, channels, k)), xp.zeros((batch, channels, 1 - k))
        d_x = d_x + xp.concat([before, d_window, after], axis=2)  # put back where the window was cut out
    return d_x, xp.stack(d_kernel, axis=2)


@convolution.inputs_of_size
def _(n, rng):
    return dict(x=rng.normal(size=(n, 3, 4)), kernel=rng.normal(size=(5, 3, 2)))
