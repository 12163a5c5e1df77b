"""Convolutions of signals and images, with steps, edges, holes and groups; their transposes; and a residual block. What
deep learning calls a convolution is a cross-correlation."""

from itertools import product

from gradproof import Reals, function, weights
from gradproof.registry.points import mixed, repeated


@function(
    x=Reals((2, 4, 5)),
    kernel=Reals((2, 4, 3)),
    points=[
        dict(x=mixed(2, 4, 5), kernel=mixed(2, 4, 3, first=8)),
        dict(x=repeated(2, 4, 5), kernel=repeated(2, 4, 3, first=1)),
        dict(x=1000.0 + mixed(2, 4, 5), kernel=[[[1.0, -2.0, 1.0]] * 4, [[0.5, 0.0, -0.5]] * 4]),  # cancels
    ],
)
def convolution_of_signals(xp, x, kernel, *, stride=2, padding=1, dilation=1, groups=1):
    """f(x, K) = Σ w ∘ y, yₙₒₜ = Σ_c Σ_k xₙ,c,p K_o,c,k, p = t·stride + k·dilation - padding

    x: 2x4x5 (batch, channels, length), with zeros where p lies outside; K: 2x4x3 (outputs, channels / groups, taps); y:
    2x2x3. With groups, an output sees the channels of its own group. Goodfellow, Bengio and Courville, Deep Learning,
    section 9.5."""
    y = xp.nn.conv(x, kernel, stride=stride, padding=padding, dilation=dilation, groups=groups)
    return xp.sum(weights(xp, tuple(y.shape)) * y)


@convolution_of_signals.gradient
def _(xp, x, kernel, *, stride=2, padding=1, dilation=1, groups=1):
    # y = conv(x, kernel)  node 1
    # f = Σ w y            node 2
    (batch, _, length), (outputs, channels, taps) = x.shape, kernel.shape
    steps = (length + 2 * padding - dilation * (taps - 1) - 1) // stride + 1
    w = weights(xp, (batch, outputs, steps))
    d_x, d_kernel = [], []
    for g in range(groups):
        x_g = x[:, g * channels : (g + 1) * channels, :]
        K_g = kernel[g * outputs // groups : (g + 1) * outputs // groups, :, :]
        d_y = w[:, g * outputs // groups : (g + 1) * outputs // groups, :]  # node 2 input
        d_xg, d_Kg = [0 * x_g[:, :, p] for p in range(length)], [0 * K_g[:, :, k] for k in range(taps)]
        for t, k in product(range(steps), range(taps)):  # node 1 input: y at t has the term K_k x at p
            p = t * stride + k * dilation - padding
            if 0 <= p < length:
                d_xg[p] = d_xg[p] + d_y[:, :, t] @ K_g[:, :, k]
                d_Kg[k] = d_Kg[k] + xp.matrix_transpose(d_y[:, :, t]) @ x_g[:, :, p]
        d_x += [xp.stack(d_xg, axis=2)]
        d_kernel += [xp.stack(d_Kg, axis=2)]
    return xp.concat(d_x, axis=1), xp.concat(d_kernel, axis=0)


@convolution_of_signals.inputs_of_size
def _(n, rng):
    return dict(x=rng.normal(size=(n, 4, 5)), kernel=rng.normal(size=(2, 4, 3)))


convolution_of_signals.variant("dilated", stride=1, padding=2, dilation=2).inputs_of_size(
    convolution_of_signals.generator
)
convolution_of_signals.variant("dilated_with_stride", padding=2, dilation=2)
convolution_of_signals.variant("unread_end", stride=3, padding=0)  # the last two places are in no window
grouped = convolution_of_signals.variant(
    "grouped",
    kernel=Reals((4, 2, 3)),
    groups=2,
    points=[
        dict(x=mixed(2, 4, 5), kernel=mixed(4, 2, 3, first=8)),
        dict(x=repeated(2, 4, 5), kernel=repeated(4, 2, 3, first=1)),
    ],
)


@grouped.inputs_of_size
def _(n, rng):
    return dict(x=rng.normal(size=(n, 4, 5)), kernel=rng.normal(size=(4, 2, 3)))


by_channel = convolution_of_signals.variant(
    "by_channel",
    kernel=Reals((8, 1, 2)),
    stride=1,
    padding=0,
    groups=4,
    points=[
        dict(x=mixed(2, 4, 5), kernel=mixed(8, 1, 2, first=8)),
        dict(x=repeated(2, 4, 5), kernel=repeated(8, 1, 2, first=1)),
    ],
)


@by_channel.inputs_of_size
def _(n, rng):
    return dict(x=rng.normal(size=(n, 4, 5)), kernel=rng.normal(size=(8, 1, 2)))


convolution_of_signals.variant(
    "of_one_tap",
    kernel=Reals((3, 4, 1)),
    stride=1,
    padding=0,
    points=[dict(x=mixed(2, 4, 5), kernel=mixed(3, 4, 1, first=8))],
)


@function(
    x=Reals((2, 2, 4, 3)),
    kernel=Reals((2, 2, 3, 2)),
    points=[
        dict(x=mixed(2, 2, 4, 3), kernel=mixed(2, 2, 3, 2, first=8)),
        dict(x=repeated(2, 2, 4, 3), kernel=repeated(2, 2, 3, 2, first=1)),
        dict(x=1000.0 + mixed(2, 2, 4, 3), kernel=[[[[1.0, -1.0], [-2.0, 2.0], [1.0, -1.0]]] * 2] * 2),  # cancels
    ],
)
def convolution_of_images(xp, x, kernel, *, stride=(2, 1), padding=(1, 0), dilation=(1, 1), groups=1):
    """f(x, K) = Σ w ∘ y, yₙₒₜᵤ = Σ_c Σᵢⱼ xₙ,c,p,q K_o,c,i,j, p = t·stride + i·dilation - padding, q likewise of u and j

    x: 2x2x4x3 (batch, channels, height, width), with zeros where p or q lies outside; K: 2x2x3x2 (outputs, channels /
    groups, rows, columns); y: 2x2x2x2. Goodfellow, Bengio and Courville, Deep Learning, section 9.5."""
    y = xp.nn.conv2d(x, kernel, stride=stride, padding=padding, dilation=dilation, groups=groups)
    return xp.sum(weights(xp, tuple(y.shape)) * y)


@convolution_of_images.gradient
def _(xp, x, kernel, *, stride=(2, 1), padding=(1, 0), dilation=(1, 1), groups=1):
    # y = conv2d(x, kernel)  node 1
    # f = Σ w y              node 2
    (batch, _, height, width), (outputs, channels, rows, columns) = x.shape, kernel.shape
    down = (height + 2 * padding[0] - dilation[0] * (rows - 1) - 1) // stride[0] + 1
    across = (width + 2 * padding[1] - dilation[1] * (columns - 1) - 1) // stride[1] + 1
    w = weights(xp, (batch, outputs, down, across))
    d_x, d_kernel = [], []
    for g in range(groups):
        x_g = x[:, g * channels : (g + 1) * channels, :, :]
        K_g = kernel[g * outputs // groups : (g + 1) * outputs // groups, :, :, :]
        d_y = w[:, g * outputs // groups : (g + 1) * outputs // groups, :, :]  # node 2 input
        d_xg = [[0 * x_g[:, :, p, q] for q in range(width)] for p in range(height)]
        d_Kg = [[0 * K_g[:, :, i, j] for j in range(columns)] for i in range(rows)]
        for t, u, i, j in product(range(down), range(across), range(rows), range(columns)):
            p = t * stride[0] + i * dilation[0] - padding[0]
            q = u * stride[1] + j * dilation[1] - padding[1]
            if 0 <= p < height and 0 <= q < width:  # node 1 input: y at (t, u) has the term K_ij x at (p, q)
                d_xg[p][q] = d_xg[p][q] + d_y[:, :, t, u] @ K_g[:, :, i, j]
                d_Kg[i][j] = d_Kg[i][j] + xp.matrix_transpose(d_y[:, :, t, u]) @ x_g[:, :, p, q]
        d_x += [xp.stack([xp.stack(line, axis=2) for line in d_xg], axis=2)]
        d_kernel += [xp.stack([xp.stack(line, axis=2) for line in d_Kg], axis=2)]
    return xp.concat(d_x, axis=1), xp.concat(d_kernel, axis=0)


@convolution_of_images.inputs_of_size
def _(n, rng):
    return dict(x=rng.normal(size=(n, 2, 4, 3)), kernel=rng.normal(size=(2, 2, 3, 2)))


convolution_of_images.variant("plain", stride=(1, 1), padding=(0, 0))
convolution_of_images.variant("dilated", stride=(1, 1), padding=(2, 1), dilation=(2, 2)).inputs_of_size(
    convolution_of_images.generator
)
grouped_images = convolution_of_images.variant(
    "grouped",
    kernel=Reals((4, 1, 2, 2)),
    groups=2,
    points=[
        dict(x=mixed(2, 2, 4, 3), kernel=mixed(4, 1, 2, 2, first=8)),
        dict(x=repeated(2, 2, 4, 3), kernel=repeated(4, 1, 2, 2, first=1)),
    ],
)


@grouped_images.inputs_of_size
def _(n, rng):
    return dict(x=rng.normal(size=(n, 2, 4, 3)), kernel=rng.normal(size=(4, 1, 2, 2)))


@function(
    x=Reals((2, 3, 3)),
    kernel=Reals((3, 2, 3)),
    points=[
        dict(x=mixed(2, 3, 3), kernel=mixed(3, 2, 3, first=8)),
        dict(x=repeated(2, 3, 3), kernel=repeated(3, 2, 3, first=1)),
        dict(x=1000.0 + mixed(2, 3, 3), kernel=[[[1.0, 0.5, -1.0]] * 2] * 3),  # cancels where taps meet
    ],
)
def transposed_convolution_of_signals(xp, x, kernel, *, stride=2, padding=1, dilation=1):
    """f(x, K) = Σ w ∘ y, y the sum of xₙ,c,t K_c,o,k at the places (n, o, t·stride + k·dilation - padding)

    x: 2x3x3 (batch, channels, length), K: 3x2x3 (channels, outputs, taps), y: 2x2x5; what falls outside is lost. The
    transpose of a convolution as a linear map. Dumoulin and Visin, arXiv:1603.07285, chapter 4."""
    y = xp.nn.conv_transpose(x, kernel, stride=stride, padding=padding, dilation=dilation)
    return xp.sum(weights(xp, tuple(y.shape)) * y)


@transposed_convolution_of_signals.gradient
def _(xp, x, kernel, *, stride=2, padding=1, dilation=1):
    # y = conv_transpose(x, kernel)  node 1
    # f = Σ w y                      node 2
    (batch, _, length), (_, outputs, taps) = x.shape, kernel.shape
    places = (length - 1) * stride + dilation * (taps - 1) + 1 - 2 * padding
    d_y = weights(xp, (batch, outputs, places))  # node 2 input
    d_x, d_kernel = [0 * x[:, :, t] for t in range(length)], [0 * kernel[:, :, k] for k in range(taps)]
    for t, k in product(range(length), range(taps)):  # node 1 input: y at p has the term K_k x at t
        p = t * stride + k * dilation - padding
        if 0 <= p < places:
            d_x[t] = d_x[t] + d_y[:, :, p] @ xp.matrix_transpose(kernel[:, :, k])
            d_kernel[k] = d_kernel[k] + xp.matrix_transpose(x[:, :, t]) @ d_y[:, :, p]
    return xp.stack(d_x, axis=2), xp.stack(d_kernel, axis=2)


@transposed_convolution_of_signals.inputs_of_size
def _(n, rng):
    return dict(x=rng.normal(size=(n, 3, 3)), kernel=rng.normal(size=(3, 2, 3)))


transposed_convolution_of_signals.variant("plain", stride=1, padding=0)
transposed_convolution_of_signals.variant("gaps", stride=4, padding=0)  # places to which nothing is added
transposed_convolution_of_signals.variant("dilated", dilation=2).inputs_of_size(
    transposed_convolution_of_signals.generator
)


@function(
    x=Reals((2, 2, 2, 3)),
    kernel=Reals((2, 3, 3, 2)),
    points=[
        dict(x=mixed(2, 2, 2, 3), kernel=mixed(2, 3, 3, 2, first=8)),
        dict(x=repeated(2, 2, 2, 3), kernel=repeated(2, 3, 3, 2, first=1)),
        dict(x=1000.0 + mixed(2, 2, 2, 3), kernel=[[[[1.0, -1.0], [0.5, 1.0], [-1.0, 0.25]]] * 3] * 2),  # cancels
    ],
)
def transposed_convolution_of_images(xp, x, kernel, *, stride=(2, 1), padding=(1, 0), dilation=(1, 1)):
    """f(x, K) = Σ w ∘ y, y the sum of xₙ,c,t,u K_c,o,i,j at (n, o, p, q), p = t·stride + i·dilation - padding,
    q likewise of u and j

    x: 2x2x2x3 (batch, channels, height, width), K: 2x3x3x2 (channels, outputs, rows, columns), y: 2x3x3x4. Dumoulin and
    Visin, arXiv:1603.07285, chapter 4."""
    y = xp.nn.conv_transpose2d(x, kernel, stride=stride, padding=padding, dilation=dilation)
    return xp.sum(weights(xp, tuple(y.shape)) * y)


@transposed_convolution_of_images.gradient
def _(xp, x, kernel, *, stride=(2, 1), padding=(1, 0), dilation=(1, 1)):
    # y = conv_transpose2d(x, kernel)  node 1
    # f = Σ w y                        node 2
    (batch, _, height, width), (_, outputs, rows, columns) = x.shape, kernel.shape
    down = (height - 1) * stride[0] + dilation[0] * (rows - 1) + 1 - 2 * padding[0]
    across = (width - 1) * stride[1] + dilation[1] * (columns - 1) + 1 - 2 * padding[1]
    d_y = weights(xp, (batch, outputs, down, across))  # node 2 input
    d_x = [[0 * x[:, :, t, u] for u in range(width)] for t in range(height)]
    d_kernel = [[0 * kernel[:, :, i, j] for j in range(columns)] for i in range(rows)]
    for t, u, i, j in product(range(height), range(width), range(rows), range(columns)):
        p = t * stride[0] + i * dilation[0] - padding[0]
        q = u * stride[1] + j * dilation[1] - padding[1]
        if 0 <= p < down and 0 <= q < across:  # node 1 input: y at (p, q) has the term K_ij x at (t, u)
            d_x[t][u] = d_x[t][u] + d_y[:, :, p, q] @ xp.matrix_transpose(kernel[:, :, i, j])
            d_kernel[i][j] = d_kernel[i][j] + xp.matrix_transpose(x[:, :, t, u]) @ d_y[:, :, p, q]
    d_x = xp.stack([xp.stack(line, axis=2) for line in d_x], axis=2)
    return d_x, xp.stack([xp.stack(line, axis=2) for line in d_kernel], axis=2)


@transposed_convolution_of_images.inputs_of_size
def _(n, rng):
    return dict(x=rng.normal(size=(n, 2, 2, 3)), kernel=rng.normal(size=(2, 3, 3, 2)))


transposed_convolution_of_images.variant("plain", stride=(1, 1), padding=(0, 0))
transposed_convolution_of_images.variant("dilated", dilation=(2, 2)).inputs_of_size(
    transposed_convolution_of_images.generator
)


@function(
    x=Reals((2, 1, 4)),
    K1=Reals((2, 1, 3)),
    K2=Reals((1, 2, 3)),
    points=[
        dict(x=mixed(2, 1, 4), K1=mixed(2, 1, 3, first=8), K2=mixed(1, 2, 3, first=5)),
        dict(x=repeated(2, 1, 4), K1=repeated(2, 1, 3), K2=mixed(1, 2, 3, first=5)),  # some units at the kink
        dict(x=mixed(2, 1, 4), K1=[[[0.0] * 3]] * 2, K2=mixed(1, 2, 3, first=5)),  # all of them
        dict(x=40.0 * mixed(2, 1, 4), K1=-1.0 + 0 * mixed(2, 1, 3), K2=repeated(1, 2, 3)),
    ],
)
def residual_block(xp, x, K1, K2):
    """f(x, K₁, K₂) = Σ w ∘ (x + conv(relu(conv(x, K₁)), K₂))

    x: 2x1x4 (batch, channels, length), K₁: 2x1x3 and K₂: 1x2x3 (outputs, channels, taps), a zero on either side. At 0
    the derivative of relu is every share from 0 to 1 of what comes from above; chosen here: 0. He, Zhang, Ren and Sun,
    arXiv:1512.03385, equation 1."""
    h = xp.nn.relu(xp.nn.conv(x, K1, padding=1))
    return xp.sum(weights(xp, tuple(x.shape)) * (x + xp.nn.conv(h, K2, padding=1)))


@residual_block.gradient
def _(xp, x, K1, K2):
    length = x.shape[2]
    a = [0] * length  # node 1, the places of conv(x, K1), each (batch, 2)
    for t, k in product(range(length), range(3)):
        if 0 <= t + k - 1 < length:
            a[t] = a[t] + x[:, :, t + k - 1] @ xp.matrix_transpose(K1[:, :, k])
    h = [xp.nn.relu(a_t) for a_t in a]  # node 2
    d_y = weights(xp, tuple(x.shape))  # node 4 input: f = Σ w y, y = x + conv(h, K2)
    d_x = [d_y[:, :, t] for t in range(length)]  # node 4 input: x goes around the convolutions, and has more below
    d_h, d_K2 = [0 * h_t for h_t in h], [0 * K2[:, :, k] for k in range(3)]
    for t, k in product(range(length), range(3)):
        p = t + k - 1
        if 0 <= p < length:  # node 3 input: conv(h, K2) at t has the term K2_k h at p
            d_h[p] = d_h[p] + d_y[:, :, t] @ K2[:, :, k]
            d_K2[k] = d_K2[k] + xp.matrix_transpose(d_y[:, :, t]) @ h[p]
    d_a = [xp.where(a_t > 0, d_ht, 0 * d_ht) for a_t, d_ht in zip(a, d_h, strict=True)]  # node 2 input
    d_K1 = [0 * K1[:, :, k] for k in range(3)]
    for t, k in product(range(length), range(3)):
        p = t + k - 1
        if 0 <= p < length:  # node 1 input: a at t has the term K1_k x at p
            d_x[p] = d_x[p] + d_a[t] @ K1[:, :, k]
            d_K1[k] = d_K1[k] + xp.matrix_transpose(d_a[t]) @ x[:, :, p]
    return xp.stack(d_x, axis=2), xp.stack(d_K1, axis=2), xp.stack(d_K2, axis=2)


@residual_block.inputs_of_size
def _(n, rng):
    return dict(x=rng.normal(size=(n, 1, 4)), K1=rng.normal(size=(2, 1, 3)), K2=rng.normal(size=(1, 2, 3)))
