"""Gaussian processes: the evidence by which the parameters of a kernel are chosen."""

import math

import numpy as np

from gradproof import Reals, function


@function(
    x=Reals((4,), low=-8.0, high=8.0),
    y=Reals((4,), low=-8.0, high=8.0),
    log_length=Reals((), low=-2.0, high=2.0),
    log_amplitude=Reals((), low=-2.0, high=2.0),
    log_noise=Reals((), low=-2.0, high=2.0),
    points=[
        dict(
            x=[0.5, -1.25, 2.0, 0.75], y=[0.25, 1.5, -0.5, 0.625], log_length=0.25, log_amplitude=0.5, log_noise=-0.75
        ),
        dict(x=[1.0, 1.0, -0.5, 1.0], y=[0.0, 1.0, 2.0, -1.0], log_length=0.0, log_amplitude=0.0, log_noise=-1.0),
        dict(x=[-8.0, 8.0, 0.0, 4.0], y=[1.0, -2.0, 3.0, 0.5], log_length=-2.0, log_amplitude=1.0, log_noise=-2.0),
        dict(x=[0.0, 0.125, 0.25, 0.375], y=[1.0, 1.25, 0.75, 1.0], log_length=2.0, log_amplitude=2.0, log_noise=-2.0),
    ],
)
def gaussian_process_evidence(xp, x, y, log_length, log_amplitude, log_noise):
    """f(x, y, log ℓ, log a, log σ) = -½ yᵀ K⁻¹ y - ½ log det K - n/2 log 2π, Kᵢⱼ = a² exp(-(xᵢ - xⱼ)²/2ℓ²) + σ² δᵢⱼ

    x, y: n = 4, the others scalars from -2 to 2, so that K stays well conditioned also where places coincide (the
    second point) or are strongly correlated (the last). Through K = L Lᵀ (Cholesky). Rasmussen and Williams, Gaussian
    Processes for Machine Learning, equation 2.30."""
    n = x.shape[0]
    d = x[:, None] - x[None, :]
    K = xp.exp(2 * log_amplitude - d * d / (2 * xp.exp(2 * log_length))) + xp.exp(2 * log_noise) * xp.eye(n)
    L = xp.linalg.cholesky(K)
    whitened = xp.linalg.solve(L, xp.reshape(y, (n, 1)))
    half_log_det = xp.sum(xp.log(xp.linalg.diagonal(L)))
    return -0.5 * xp.sum(whitened * whitened) - half_log_det - n / 2 * math.log(2 * math.pi)


@gaussian_process_evidence.gradient
def _(xp, x, y, log_length, log_amplitude, log_noise):
    n = x.shape[0]
    scale, noise = xp.exp(2 * log_length), xp.exp(2 * log_noise)  # nodes 1 and 2: ℓ² and σ²
    d = x[:, None] - x[None, :]  # node 3
    E = xp.exp(2 * log_amplitude - d * d / (2 * scale))  # node 4
    K = E + noise * xp.eye(n)  # node 5
    P = xp.linalg.inv(K)
    v = P @ xp.reshape(y, (n, 1))
    # f = -½ yᵀ K⁻¹ y - ½ log det K - …  node 6
    d_y = -xp.reshape(v, (n,))  # node 6 input
    d_K = (v @ xp.matrix_transpose(v) - P) / 2  # node 6 input: dK⁻¹ = -K⁻¹ dK K⁻¹, d log det K = tr(K⁻¹ dK)
    d_exponent = E * d_K  # nodes 5 and 4 input
    d_log_amplitude = 2 * xp.sum(d_exponent)  # node 4 input
    d_d = -d / scale * d_exponent  # node 4 input
    d_scale = xp.sum(d * d / (2 * scale * scale) * d_exponent)  # node 4 input
    d_log_length = 2 * scale * d_scale  # node 1 input
    d_log_noise = 2 * noise * xp.sum(xp.eye(n) * d_K)  # nodes 5 and 2 input
    d_x = xp.sum(d_d, axis=1) - xp.sum(d_d, axis=0)  # node 3 input: x stands in rows and in columns
    return d_x, d_y, d_log_length, d_log_amplitude, d_log_noise


@gaussian_process_evidence.inputs_of_size
def _(n, rng):
    x = np.sort(rng.uniform(-n, n, size=n))
    return dict(x=x, y=np.sin(x), log_length=0.25, log_amplitude=0.5, log_noise=-0.75)
