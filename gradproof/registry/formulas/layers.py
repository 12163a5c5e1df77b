"""Textbook formulas for the layers of `xp.nn`, for namespaces that lack a native one. Arrays have the batch first, then
the channels, then the places; sizes of windows, strides and the like are integers, for images one or a pair."""


def _pair(size):
    return (size, size) if isinstance(size, int) else tuple(size)


def _steps(length, reach, stride, padding):
    """How many windows fit that reach over so many places"""
    return (length + 2 * padding - reach) // stride + 1


def _padded(xp, x, rows, columns):
    batch, channels, height, width = x.shape
    if rows:
        edge = xp.zeros((batch, channels, rows, width))
        x = xp.concat([edge, x, edge], axis=2)
    if columns:
        edge = xp.zeros((batch, channels, height + 2 * rows, columns))
        x = xp.concat([edge, x, edge], axis=3)
    return x


def dense(xp, x, W, b):
    """x W + b; shapes: x (batch, inputs), W (inputs, outputs), b (outputs,)"""
    return x @ W + b


def embedding(xp, indices, table):
    """The rows of the table at these indices, a vector of integers"""
    return xp.take(table, indices, axis=0)


def conv(xp, x, kernel, stride=1, padding=0, dilation=1, groups=1):
    """The 1-D cross-correlation y[n, o, t] = Σ_c Σ_k x[n, c, t·stride + k·dilation - padding] kernel[o, c, k]

    Shapes: x (batch, channels, length), kernel (outputs, channels / groups, taps), y (batch, outputs, length'). Outputs
    and channels fall into so many groups, and an output sees the channels of its own."""
    y = conv2d(xp, x[:, :, None, :], kernel[:, :, None, :], (1, stride), (0, padding), (1, dilation), groups)
    return y[:, :, 0, :]


def conv2d(xp, x, kernel, stride=1, padding=0, dilation=1, groups=1):
    """The same over rows and columns: x (batch, channels, height, width), kernel (outputs, channels / groups, rows,
    columns)"""
    stride, padding, dilation = _pair(stride), _pair(padding), _pair(dilation)
    outputs, channels, rows, columns = kernel.shape
    height, width = (
        _steps(x.shape[axis + 2], dilation[axis] * (kernel.shape[axis + 2] - 1) + 1, stride[axis], padding[axis])
        for axis in (0, 1)
    )
    x = _padded(xp, x, *padding)
    of_groups = []
    for g in range(groups):
        own = x[:, g * channels : (g + 1) * channels]
        windows = []
        for i in range(rows):
            for j in range(columns):
                above, left = i * dilation[0], j * dilation[1]
                below, right = above + (height - 1) * stride[0] + 1, left + (width - 1) * stride[1] + 1
                windows += [own[:, :, above : below : stride[0], left : right : stride[1]]]
        seen = xp.reshape(xp.stack(windows, axis=2), (x.shape[0], channels * rows * columns, height * width))
        weights = kernel[g * (outputs // groups) : (g + 1) * (outputs // groups)]
        of_groups += [xp.matmul(xp.reshape(weights, (outputs // groups, channels * rows * columns)), seen)]
    y = of_groups[0] if groups == 1 else xp.concat(of_groups, axis=1)
    return xp.reshape(y, (x.shape[0], outputs, height, width))


def conv_transpose(xp, x, kernel, stride=1, padding=0, dilation=1):
    """The transpose of `conv`: x[n, c, t] kernel[c, o, k] is added to y[n, o, t·stride + k·dilation - padding]

    Shapes: x (batch, channels, length), kernel (channels, outputs, taps)."""
    y = conv_transpose2d(xp, x[:, :, None, :], kernel[:, :, None, :], (1, stride), (0, padding), (1, dilation))
    return y[:, :, 0, :]


def conv_transpose2d(xp, x, kernel, stride=1, padding=0, dilation=1):
    """The same over rows and columns: zeros between the entries of x, then `conv2d` with the kernel turned around"""
    stride, padding, dilation = _pair(stride), _pair(padding), _pair(dilation)
    for axis in (2, 3):
        between = xp.zeros_like(x)
        spread = xp.stack([x] + [between] * (stride[axis - 2] - 1), axis=axis + 1)
        shape = [*x.shape]
        shape[axis] *= stride[axis - 2]
        x = xp.reshape(spread, tuple(shape))
        # Nothing stands behind the last entry.
        x = x[:, :, : shape[2] - stride[0] + 1] if axis == 2 else x[..., : shape[3] - stride[1] + 1]
    turned = xp.flip(xp.permute_dims(kernel, (1, 0, 2, 3)), axis=(2, 3))
    edges = tuple(dilation[axis] * (kernel.shape[axis + 2] - 1) - padding[axis] for axis in (0, 1))
    return conv2d(xp, x, turned, 1, edges, dilation)


def _windows(length, window, stride, padding):
    """The places of each window that exist: where it begins, and the first place behind it"""
    begins = [t * stride - padding for t in range(_steps(length, window, stride, padding))]
    return [(max(begin, 0), min(begin + window, length)) for begin in begins]


def _pooled(xp, x, window, stride, padding, pool):
    window, stride, padding = _pair(window), _pair(stride), _pair(padding)
    above = _windows(x.shape[2], window[0], stride[0], padding[0])
    beside = _windows(x.shape[3], window[1], stride[1], padding[1])
    rows = [xp.stack([pool(x[:, :, i:j, k:m]) for k, m in beside], axis=2) for i, j in above]
    return xp.stack(rows, axis=2)


def max_pool(xp, x, window, stride, padding=0):
    """The largest entry of each window along the length; x (batch, channels, length). Padding is never the largest."""
    return max_pool2d(xp, x[:, :, None, :], (1, window), (1, stride), (0, padding))[:, :, 0, :]


def max_pool2d(xp, x, window, stride, padding=0):
    """The largest entry of each window; x (batch, channels, height, width)"""
    return _pooled(xp, x, window, stride, padding, lambda seen: xp.max(seen, axis=(2, 3)))


def avg_pool(xp, x, window, stride, padding=0, counting_padding=True):
    """The average of each window along the length, over all of it, or over what is not padding"""
    return avg_pool2d(xp, x[:, :, None, :], (1, window), (1, stride), (0, padding), counting_padding)[:, :, 0, :]


def avg_pool2d(xp, x, window, stride, padding=0, counting_padding=True):
    """The average of each window; x (batch, channels, height, width)"""
    size = _pair(window)

    def average(seen):
        count = size[0] * size[1] if counting_padding else seen.shape[2] * seen.shape[3]
        return xp.sum(seen, axis=(2, 3)) / count

    return _pooled(xp, x, window, stride, padding, average)


def standardize(xp, x, epsilon, stable=False):
    """(x - x̄) / √(v + ε) along the last axis, v the mean of (x - x̄)²; a backend that has a faster v which cancels uses
    it unless told otherwise"""
    return _standardized(xp, x, (-1,), epsilon)


def _standardized(xp, x, axes, epsilon):
    centred = x - xp.mean(x, axis=axes, keepdims=True)
    return centred / xp.sqrt(xp.mean(centred * centred, axis=axes, keepdims=True) + epsilon)


def layer_norm(xp, x, gain, bias, epsilon):
    """gain (x - x̄) / √(v + ε) + bias along the last axis"""
    return gain * _standardized(xp, x, (-1,), epsilon) + bias


def batch_norm(xp, x, gain, bias, epsilon):
    """The same along batch and length of (batch, channels, length), with a gain and a bias for each channel"""
    return gain[:, None] * _standardized(xp, x, (0, 2), epsilon) + bias[:, None]


def group_norm(xp, x, gain, bias, groups, epsilon):
    """The same along the channels of a group and the length, with a gain and a bias for each channel"""
    batch, channels, length = x.shape
    grouped = xp.reshape(x, (batch, groups, channels // groups, length))
    normal = xp.reshape(_standardized(xp, grouped, (2, 3), epsilon), (batch, channels, length))
    return gain[:, None] * normal + bias[:, None]


def instance_norm(xp, x, gain, bias, epsilon):
    """The same along the length alone"""
    return gain[:, None] * _standardized(xp, x, (2,), epsilon) + bias[:, None]


def rms_norm(xp, x, gain, epsilon):
    """gain x / √(mean of x² + ε) along the last axis"""
    return gain * x / xp.sqrt(xp.mean(x * x, axis=-1, keepdims=True) + epsilon)


def lstm(xp, x, h, c, W, U, b):
    """The states h₁ … h_T of a long short-term memory, stacked; the gates stand in the order input, forget, new, output

    Shapes: x (steps, batch, inputs), h and c (batch, width), W (4 width, inputs), U (4 width, width), b (4 width,)."""
    width, states = h.shape[1], []
    for row in xp.unstack(x, axis=0):
        a = row @ xp.matrix_transpose(W) + h @ xp.matrix_transpose(U) + b
        i, f, g, o = (a[:, k * width : (k + 1) * width] for k in range(4))
        c = xp.nn.sigmoid(f) * c + xp.nn.sigmoid(i) * xp.tanh(g)
        h = xp.nn.sigmoid(o) * xp.tanh(c)
        states += [h]
    return xp.stack(states, axis=0)


def gru(xp, x, h, W, U, b, d):
    """The states h₁ … h_T of gated recurrent units, stacked; the gates stand in the order reset, update, new

    Shapes as in `lstm`, with 3 for 4; b is added to W x and d to U h, which makes a difference where r multiplies."""
    width, states = h.shape[1], []
    for row in xp.unstack(x, axis=0):
        a, s = row @ xp.matrix_transpose(W) + b, h @ xp.matrix_transpose(U) + d
        r = xp.nn.sigmoid(a[:, :width] + s[:, :width])
        z = xp.nn.sigmoid(a[:, width : 2 * width] + s[:, width : 2 * width])
        new = xp.tanh(a[:, 2 * width :] + r * s[:, 2 * width :])
        h = (1 - z) * new + z * h
        states += [h]
    return xp.stack(states, axis=0)


def dot_product_attention(xp, q, k, v, causal=False):
    """softmax(q kᵀ / √d) v for each head; shapes (batch, heads, tokens, width). Causal: a query sees the keys up to its
    own place."""
    q = q / q.shape[3] ** 0.5
    if not causal:
        return xp.matmul(xp.nn.softmax(xp.matmul(q, xp.matrix_transpose(k)), axis=-1), v)
    rows = []
    for t in range(q.shape[2]):
        scores = xp.matmul(q[:, :, t : t + 1], xp.matrix_transpose(k[:, :, : t + 1]))
        rows += [xp.matmul(xp.nn.softmax(scores, axis=-1), v[:, :, : t + 1])]
    return xp.concat(rows, axis=2)


LAYERS = {
    f.__name__: f
    for f in (
        *(dense, embedding, conv, conv2d, conv_transpose, conv_transpose2d, max_pool, max_pool2d, avg_pool, avg_pool2d),
        *(standardize, layer_norm, batch_norm, group_norm, instance_norm, rms_norm, lstm, gru, dot_product_attention),
    )
}
