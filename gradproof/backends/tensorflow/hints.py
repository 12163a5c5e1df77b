"""What cannot be found out by trying: arguments for TensorFlow's functions, and which of them have no derivative."""

from collections.abc import Mapping, Sequence

import tensorflow as tf

from gradproof.backends.probing import (
    Form,
    above_one,
    definite,
    fixed,
    form,
    increasing,
    index,
    inside,
    positive,
    real,
    regular,
    symmetric,
    triangular,
    truth,
    unit,
    whole,
)

PICTURE = unit(1, 4, 4, 3)
"""One picture of 4 by 4 points in three colours between 0 and 1."""

LINE, PLANE, SPACE = real(1, 6, 2), real(1, 4, 4, 2), real(1, 3, 3, 3, 1)
"""Values along a line, in a plane and in space, with channels behind."""

EVERY = [1, 1, 1, 1]
HALVED = dict(ksize=[1, 2, 2, 1], strides=[1, 2, 2, 1], padding="VALID")
NEXT = dict(ksize=[1, 2, 2, 2, 1], strides=[1, 1, 1, 1, 1], padding="VALID")
"""Windows in a plane, each beside the last, and in space, each a step further."""

RISING = tf.reshape(tf.range(32, dtype=tf.float64), [1, 4, 4, 2])
"""Values in a plane whose largest in each window is the last."""

ENTRIES, TALL = tf.constant([[0, 1], [2, 0]], tf.int64), tf.constant([3, 2], tf.int64)
"""The places of two entries of a sparse matrix, and its shape."""

SEGMENTS = tf.constant([0, 0, 1, 1, 1])


def _segments(name: str) -> Sequence[Form]:
    if name.startswith("unsorted"):
        return [form(real(5, 2), index(5, below=3), 3)]
    return [form(real(5, 2), SEGMENTS)]


HINTS: Mapping[str, Sequence[Form]] = {
    **{f"segment_{kind}": _segments("") for kind in "max mean min prod sum".split()},
    **{f"unsorted_segment_{kind}": _segments("unsorted") for kind in "max mean min prod sqrt_n sum".split()},
    # Orders, degrees, and numbers of entries.
    "accumulate_n": [form([real(2, 3), real(2, 3)])],
    "add_n": [form([real(2, 3), real(2, 3)])],
    "approx_max_k": [form(real(2, 5), 2)],
    "approx_min_k": [form(real(2, 5), 2)],
    "top_k": [form(real(2, 5), 2)],
    "betainc": [form(above_one(3), above_one(3), unit(3))],
    "igamma": [form(positive(3), positive(3))],
    "igammac": [form(positive(3), positive(3))],
    "polygamma": [form(fixed(whole(3)), positive(3))],
    "polyval": [form([real(), real(), real()], real(3))],
    "zeta": [form(above_one(3), positive(3))],
    "lbeta": [form(positive(2, 3))],
    "ndtri": [form(unit(3))],
    "erfcinv": [form(unit(3))],
    "scalar_mul": [form(real(), real(2, 3))],
    "bincount": [form(index(5, below=3), real(5))],
    "l2_normalize": [form(real(2, 3), -1)],
    "log_softmax": [form(real(2, 3))],
    # Convolutions and pools: filters, strides and paddings.
    "atrous_conv2d": [form(PLANE, real(2, 2, 2, 1), 1, "VALID")],
    "atrous_conv2d_transpose": [form(real(1, 3, 3, 1), real(2, 2, 2, 1), [1, 4, 4, 2], 1, "VALID")],
    "avg_pool": [form(PLANE, 2, 2, "VALID"), form(PLANE, 3, 2, "SAME")],
    "avg_pool1d": [form(LINE, 2, 2, "SAME")],
    "avg_pool2d": [form(PLANE, 2, 1, "VALID")],
    "avg_pool3d": [form(SPACE, 2, 1, "VALID")],
    "max_pool": [form(PLANE, 2, 2, "VALID"), form(PLANE, 3, 2, "SAME")],
    "max_pool1d": [form(LINE, 2, 2, "SAME")],
    "max_pool2d": [form(PLANE, 2, 1, "VALID")],
    "max_pool3d": [form(SPACE, 2, 1, "VALID")],
    "max_pool_with_argmax": [form(PLANE, 2, 2, "VALID")],
    "pool": [form(PLANE, [2, 2], "AVG", padding="VALID")],
    "conv1d": [form(LINE, real(2, 2, 3), 1, "SAME")],
    "conv1d_transpose": [form(real(1, 3, 3), real(2, 2, 3), [1, 6, 2], 2)],
    "conv2d": [form(PLANE, real(2, 2, 2, 3), [1, 2], "SAME")],
    "conv2d_transpose": [form(real(1, 2, 2, 3), real(2, 2, 2, 3), [1, 4, 4, 2], 2)],
    "conv3d": [form(SPACE, real(2, 2, 2, 1, 1), [1, 1, 1, 1, 1], "VALID")],
    "conv3d_transpose": [form(real(1, 2, 2, 2, 1), real(2, 2, 2, 1, 1), [1, 3, 3, 3, 1], 1, "VALID")],
    "conv_transpose": [form(real(1, 2, 2, 3), real(2, 2, 2, 3), [1, 4, 4, 2], 2)],
    "convolution": [form(PLANE, real(2, 2, 2, 1))],
    "depthwise_conv2d": [form(PLANE, real(2, 2, 2, 1), [1, 1, 1, 1], "SAME")],
    "separable_conv2d": [form(PLANE, real(2, 2, 2, 1), real(1, 1, 2, 2), [1, 1, 1, 1], "SAME")],
    "dilation2d": [form(PLANE, real(2, 2, 2), [1, 1, 1, 1], "VALID", "NHWC", [1, 1, 1, 1])],
    "erosion2d": [form(PLANE, real(2, 2, 2), [1, 1, 1, 1], "VALID", "NHWC", [1, 1, 1, 1])],
    "depth_to_space": [form(real(1, 2, 2, 4), 2)],
    "space_to_depth": [form(real(1, 4, 4, 1), 2)],
    "space_to_batch": [form(real(1, 4, 4, 1), [2, 2], [[0, 0], [0, 0]])],
    "local_response_normalization": [form(real(1, 2, 2, 5), 1)],
    "lrn": [form(real(1, 2, 2, 5), 1)],
    "batch_normalization": [form(real(4, 3), real(3), positive(3), real(3), positive(3), 1e-3)],
    "moments": [form(real(4, 3), [0])],
    "weighted_moments": [form(real(4, 3), [0], positive(4, 3))],
    "normalize_moments": [form(tf.constant(4.0, tf.float64), real(3), positive(3), None)],
    "sufficient_statistics": [form(real(4, 3), [0])],
    "bias_add": [form(real(2, 3), real(3))],
    "crelu": [form(real(2, 3))],
    "embedding_lookup": [form(real(4, 3), index(3, below=4))],
    "isotonic_regression": [form(real(5))],
    # Losses: labels are classes or probabilities.
    "sparse_softmax_cross_entropy_with_logits": [form(index(2, below=3), real(2, 3))],
    "softmax_cross_entropy_with_logits": [form(unit(2, 3), real(2, 3))],
    "sigmoid_cross_entropy_with_logits": [form(unit(2, 3), real(2, 3))],
    "weighted_cross_entropy_with_logits": [form(unit(2, 3), real(2, 3), 2.0)],
    "log_poisson_loss": [form(positive(2, 3), real(2, 3))],
    "compute_average_loss": [form(positive(3))],
    "scale_regularization_loss": [form(positive(3))],
    "ctc_loss": [form(tf.constant([[1, 2]]), real(1, 4, 3), tf.constant([2]), tf.constant([4]), False, blank_index=0)],
    # Matrices.
    "band_part": [form(real(3, 4), 1, 0)],
    "banded_triangular_solve": [form(above_one(2, 4), real(4, 2))],
    "cholesky": [form(definite(3, 3))],
    "cholesky_solve": [form(triangular(3, 3), real(3, 2))],
    "cross": [form(real(2, 3), real(2, 3))],
    "eigh": [form(symmetric(3, 3))],
    "eigvalsh": [form(symmetric(3, 3))],
    "eigh_tridiagonal": [form(increasing(4), inside(3))],
    "tf.linalg.einsum": [form("ij,jk->ik", real(2, 3), real(3, 2))],
    "expm": [form(regular(3, 3))],
    "global_norm": [form([real(3), real(2, 2)])],
    "lstsq": [form(real(5, 3), real(5, 2))],
    "matvec": [form(real(2, 3), real(3))],
    "normalize": [form(real(4))],
    "set_diag": [form(real(3, 3), real(3))],
    "solve": [form(regular(3, 3), real(3, 2))],
    "tensordot": [form(real(2, 3), real(3, 2), 1)],
    "triangular_solve": [form(triangular(3, 3), real(3, 2))],
    "tridiagonal_solve": [form(above_one(3, 4), real(4, 2), diagonals_format="compact")],
    "tridiagonal_matmul": [form(real(3, 4), real(4, 2), diagonals_format="compact")],
    "lu_solve": [form(regular(3, 3), tf.constant([0, 1, 2]), real(3, 2))],
    "lu_matrix_inverse": [form(regular(3, 3), tf.constant([0, 1, 2]))],
    "lu_reconstruct": [form(regular(3, 3), tf.constant([0, 1, 2]))],
    # Pictures.
    "adjust_brightness": [form(PICTURE, 0.1)],
    "adjust_contrast": [form(PICTURE, 2.0)],
    "adjust_gamma": [form(PICTURE, 1.5)],
    "adjust_hue": [form(PICTURE, 0.1)],
    "adjust_saturation": [form(PICTURE, 1.5)],
    "central_crop": [form(PICTURE, 0.5)],
    "convert_image_dtype": [form(PICTURE, tf.float64)],
    "crop_and_resize": [form(PICTURE, tf.constant([[0.1, 0.2, 0.8, 0.9]]), tf.constant([0]), [3, 3])],
    "crop_to_bounding_box": [form(PICTURE, 1, 0, 2, 3)],
    "pad_to_bounding_box": [form(PICTURE, 1, 0, 6, 5)],
    "extract_patches": [form(PICTURE, [1, 2, 2, 1], [1, 1, 1, 1], [1, 1, 1, 1], "VALID")],
    "resize": [form(PICTURE, [5, 3]), form(PICTURE, [3, 2], "bicubic")],
    "resize_with_crop_or_pad": [form(PICTURE, 3, 5)],
    "resize_with_pad": [form(PICTURE, 3, 5)],
    "extract_glimpse": [form(PICTURE, [2, 2], tf.constant([[0.1, 0.2]]))],
    "grayscale_to_rgb": [form(unit(1, 4, 4, 1))],
    "ssim_multiscale": [form(unit(1, 12, 12, 1), unit(1, 12, 12, 1), 1.0, power_factors=(0.5, 0.5), filter_size=3)],
    "psnr": [form(PICTURE, unit(1, 4, 4, 3), 1.0)],
    "ssim": [form(unit(1, 12, 12, 1), unit(1, 12, 12, 1), 1.0)],
    "image_gradients": [form(PICTURE)],
    "sobel_edges": [form(PICTURE)],
    "total_variation": [form(PICTURE)],
    "per_image_standardization": [form(PICTURE)],
    # Signals: frames of a length, at a step.
    "frame": [form(real(8), 4, 2)],
    "stft": [form(real(16), 8, 4)],
    "inverse_stft": [form(real(3, 5), 8, 4)],
    **{name: [form(real(2, 4), [2, 4], [0, 1])] for name in "fftnd ifftnd irfftnd rfftnd".split()},
    "mdct": [form(real(16), 8)],
    "inverse_mdct": [form(real(3, 4))],
    "overlap_and_add": [form(real(3, 4), 2)],
    "mfccs_from_log_mel_spectrograms": [form(real(2, 4))],
    "dct": [form(real(2, 4)), form(real(4), 3)],
    "idct": [form(real(2, 4))],
    # Raw operations: what is no array is an attribute, and has to be said.
    **{f"Segment{kind}": _segments("") for kind in "Max Mean Min Prod Sum".split()},
    **{f"UnsortedSegment{kind}": _segments("unsorted") for kind in "Max Min Prod Sum".split()},
    **{
        f"SparseSegment{kind}": [form(real(4, 2), tf.constant([0, 2, 3]), tf.constant([0, 0, 1]))]
        for kind in "Mean SqrtN Sum".split()
    },
    **{
        f"SparseSegment{kind}WithNumSegments": [form(real(4, 2), tf.constant([0, 2, 3]), tf.constant([0, 0, 1]), 3)]
        for kind in "Mean SqrtN Sum".split()
    },
    **{name: [form(real(2, 3), [1])] for name in "EuclideanNorm Max Mean Min Prod Sum".split()},
    **{name: [form(real(2, 3), 1)] for name in "Cumprod Cumsum CumulativeLogsumexp".split()},
    **{name: [form(real(2, 4))] for name in "FFT FFT2D IFFT IFFT2D Angle ComplexAbs Imag Real".split()},
    **{name: [form(real(2, 2, 3))] for name in ("FFT3D", "IFFT3D")},
    "RFFT": [form(real(2, 4), [4])],
    "RFFT2D": [form(real(3, 4), [3, 4])],
    "IRFFT": [form(real(2, 4), [6])],
    "IRFFT2D": [form(real(2, 3), [2, 4])],
    "AddN": [form([real(3), real(3)])],
    "Pack": [form([real(3), real(3)])],
    "Concat": [form(0, [real(2, 3), real(1, 3)])],
    "ConcatV2": [form([real(2, 3), real(1, 3)], 0)],
    "ApproxTopK": [form(real(2, 5), k=2)],
    "TopKV2": [form(real(2, 5), 2)],
    "NthElement": [form(real(2, 5), 2)],
    "IsotonicRegression": [form(real(2, 5))],
    "AvgPool": [form(PLANE, **HALVED)],
    "AvgPool3D": [form(SPACE, **NEXT)],
    "AvgPoolGrad": [form([1, 4, 4, 2], real(1, 2, 2, 2), **HALVED)],
    "AvgPool3DGrad": [form([1, 3, 3, 3, 1], real(1, 2, 2, 2, 1), **NEXT)],
    "MaxPool": [form(PLANE, **HALVED)],
    "MaxPool3D": [form(SPACE, **NEXT)],
    "MaxPoolWithArgmax": [form(PLANE, **HALVED)],
    "MaxPoolV2": [form(PLANE, [1, 2, 2, 1], [1, 2, 2, 1], padding="VALID")],
    # The gradient goes to the largest entries, which stay where they are.
    "MaxPoolGrad": [form(fixed(PLANE), fixed(real(1, 2, 2, 2)), real(1, 2, 2, 2), **HALVED)],
    "MaxPoolGradGrad": [form(RISING, RISING[:, 1::2, 1::2], PLANE, **HALVED)],
    "MaxPool3DGrad": [form(fixed(SPACE), fixed(real(1, 2, 2, 2, 1)), real(1, 2, 2, 2, 1), **NEXT)],
    "MaxPoolGradV2": [
        form(fixed(PLANE), fixed(real(1, 2, 2, 2)), real(1, 2, 2, 2), [1, 2, 2, 1], [1, 2, 2, 1], padding="VALID")
    ],
    "Conv2D": [form(PLANE, real(2, 2, 2, 3), strides=EVERY, padding="SAME")],
    "Conv2DBackpropFilter": [form(PLANE, [2, 2, 2, 3], real(1, 3, 3, 3), strides=EVERY, padding="VALID")],
    "Conv2DBackpropInput": [form([1, 4, 4, 2], real(2, 2, 2, 3), real(1, 3, 3, 3), strides=EVERY, padding="VALID")],
    "Conv3D": [form(SPACE, real(2, 2, 2, 1, 1), strides=[1, *EVERY], padding="VALID")],
    "Conv3DBackpropFilterV2": [form(SPACE, [2, 2, 2, 1, 1], real(1, 2, 2, 2, 1), strides=[1, *EVERY], padding="VALID")],
    "Conv3DBackpropInputV2": [
        form([1, 3, 3, 3, 1], real(2, 2, 2, 1, 1), real(1, 2, 2, 2, 1), strides=[1, *EVERY], padding="VALID")
    ],
    "DepthwiseConv2dNative": [form(PLANE, real(2, 2, 2, 1), strides=EVERY, padding="VALID")],
    "DepthwiseConv2dNativeBackpropFilter": [
        form(PLANE, [2, 2, 2, 1], real(1, 3, 3, 2), strides=EVERY, padding="VALID")
    ],
    "DepthwiseConv2dNativeBackpropInput": [
        form([1, 4, 4, 2], real(2, 2, 2, 1), real(1, 3, 3, 2), strides=EVERY, padding="VALID")
    ],
    "Dilation2D": [form(PLANE, real(2, 2, 2), strides=EVERY, rates=EVERY, padding="VALID")],
    "ExtractImagePatches": [form(PICTURE, ksizes=[1, 2, 2, 1], strides=EVERY, rates=EVERY, padding="VALID")],
    "ExtractVolumePatches": [form(SPACE, ksizes=[1, 2, 2, 2, 1], strides=[1, *EVERY], padding="VALID")],
    # Statistics of the batch are made where none are given.
    **{
        name: [form(real(2, 2, 2, 3), positive(3), real(3), fixed(real(0)), fixed(real(0)))]
        for name in ("FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3")
    },
    **{
        name: [form(real(2, 2, 2, 3), real(2, 2, 2, 3), positive(3), real(3), positive(3))]
        for name in ("FusedBatchNormGrad", "FusedBatchNormGradV2")
    },
    "FusedBatchNormGradV3": [
        form(real(2, 2, 2, 3), real(2, 2, 2, 3), positive(3), real(3), positive(3), fixed(real(0)))
    ],
    **{name: [form(real(2, 3), real(3))] for name in ("BiasAdd", "BiasAddV1")},
    "depthwise_conv2d_backprop_filter": [form(PLANE, [2, 2, 2, 1], real(1, 3, 3, 2), EVERY, "VALID")],
    "depthwise_conv2d_backprop_input": [form([1, 4, 4, 2], real(2, 2, 2, 1), real(1, 3, 3, 2), EVERY, "VALID")],
    **{
        name: [form(tf.constant(2, tf.int64), real(2, 1, 3), *[real(1, 2)] * 2, real(5, 8), *[real(2)] * 3, real(8))]
        for name in ("BlockLSTM", "BlockLSTMV2")
    },
    "CTCLoss": [form(real(4, 1, 3), tf.constant([[0, 0], [0, 1]], tf.int64), tf.constant([0, 1]), tf.constant([4]))],
    "BatchToSpace": [form(real(4, 2, 2, 1), [[0, 0], [0, 0]], block_size=2)],
    "BatchToSpaceND": [form(real(4, 2, 2, 1), [2, 2], [[0, 0], [0, 0]])],
    "SpaceToBatch": [form(real(1, 4, 4, 1), [[0, 0], [0, 0]], block_size=2)],
    "SpaceToBatchND": [form(real(1, 4, 4, 1), [2, 2], [[0, 0], [0, 0]])],
    "DepthToSpace": [form(real(1, 2, 2, 4), block_size=2)],
    "SpaceToDepth": [form(real(1, 4, 4, 1), block_size=2)],
    "BroadcastTo": [form(real(3), [2, 3])],
    "Cast": [form(real(3), DstT=tf.float64)],
    "Complex": [form(real(3), real(3), Tout=tf.complex128)],
    "ExpandDims": [form(real(2, 3), 1)],
    "CheckNumerics": [form(real(3), message="")],
    "CheckNumericsV2": [form(real(3), message="")],
    "ClipByValue": [form(real(2, 3), -1.0, 1.0)],
    "ConjugateTranspose": [form(real(2, 3), [1, 0])],
    "Transpose": [form(real(2, 3), [1, 0])],
    "CropAndResize": [form(PICTURE, tf.constant([[0.1, 0.2, 0.8, 0.9]]), tf.constant([0]), [3, 3])],
    "ImageProjectiveTransformV2": [
        form(PICTURE, tf.constant([[1.0, 0.1, 0.2, 0.0, 1.0, 0.3, 0.0, 0.0]]), [4, 4], interpolation="BILINEAR")
    ],
    "ImageProjectiveTransformV3": [
        form(PICTURE, tf.constant([[1.0, 0.1, 0.2, 0.0, 1.0, 0.3, 0.0, 0.0]]), [4, 4], 0.0, interpolation="BILINEAR")
    ],
    "ScaleAndTranslate": [form(PICTURE, [3, 5], tf.constant([0.8, 1.2]), tf.constant([0.1, 0.0]))],
    **{f"Resize{kind}": [form(PICTURE, [3, 5])] for kind in "Bicubic Bilinear NearestNeighbor".split()},
    "DynamicPartition": [form(real(4), tf.constant([0, 1, 0, 1]), num_partitions=2)],
    **{
        name: [form([tf.constant([0, 2]), tf.constant([1])], [real(2, 3), real(1, 3)])]
        for name in ("DynamicStitch", "ParallelDynamicStitch")
    },
    "Einsum": [form([real(2, 3), real(3, 2)], equation="ij,jk->ik")],
    "EnsureShape": [form(real(3), shape=[3])],
    "PlaceholderWithDefault": [form(real(3), shape=[3])],
    "Fill": [form([2, 3], real())],
    "Gather": [form(real(4, 3), index(2, below=4))],
    "GatherNd": [form(real(3, 4), tf.constant([[0, 1], [2, 3]]))],
    "GatherV2": [form(real(4, 3), index(2, below=4), 0)],
    "Betainc": [form(above_one(3), above_one(3), unit(3))],
    "Igamma": [form(positive(3), positive(3))],
    "Igammac": [form(positive(3), positive(3))],
    "Polygamma": [form(fixed(whole(3)), positive(3))],
    "Zeta": [form(above_one(3), positive(3))],
    "MatrixBandPart": [form(real(3, 4), 1, 0)],
    **{f"MatrixDiagPart{version}": [form(real(3, 4), 0, 0.0)] for version in ("V2", "V3")},
    **{f"MatrixDiag{version}": [form(real(3), 0, -1, -1, 0.0)] for version in ("V2", "V3")},
    "MatrixSetDiag": [form(real(3, 3), real(3))],
    **{f"MatrixSetDiag{version}": [form(real(3, 3), real(3), 0)] for version in ("V2", "V3")},
    "BatchMatMulV3": [form(real(2, 2, 3), real(2, 3, 2), Tout=tf.float64)],
    **{name: [form(real(2, 3), real(3, 2))] for name in ("MatMul", "SparseMatMul")},
    "MatrixSolve": [form(regular(3, 3), real(3, 2))],
    "MatrixSolveLs": [form(regular(3, 3), real(3, 2), tf.constant(0.1, tf.float64))],
    "MatrixTriangularSolve": [form(triangular(3, 3), real(3, 2))],
    "BandedTriangularSolve": [form(above_one(2, 4), real(4, 2))],
    "TridiagonalMatMul": [form(real(1, 4), real(1, 4), real(1, 4), real(4, 2))],
    "TridiagonalSolve": [form(above_one(3, 4), real(4, 2))],
    "Cholesky": [form(definite(3, 3))],
    "Eig": [form(regular(3, 3), Tout=tf.complex128)],
    "logm": [form(regular(3, 3))],
    "MatrixSquareRoot": [form(definite(3, 3))],
    "SelfAdjointEigV2": [form(symmetric(3, 3))],
    "Qr": [form(real(4, 3))],
    "Svd": [form(real(4, 3))],
    "MirrorPad": [form(real(2, 3), [[1, 1], [0, 1]], mode="SYMMETRIC")],
    "MirrorPadGrad": [form(real(4, 4), [[1, 1], [0, 1]], mode="SYMMETRIC")],
    "Pad": [form(real(2, 3), [[1, 0], [0, 2]])],
    "PadV2": [form(real(2, 3), [[1, 0], [0, 2]], real())],
    "Reshape": [form(real(2, 3), [3, 2])],
    "Reverse": [form(real(2, 3), [True, False])],
    "ReverseV2": [form(real(2, 3), [1])],
    "ReverseSequence": [form(real(2, 4), tf.constant([2, 3]), seq_dim=1)],
    "Roll": [form(real(2, 3), [1], [1])],
    "ScatterNd": [form(tf.constant([[0], [2]]), real(2, 3), [4, 3])],
    **{
        name: [form(real(4, 3), tf.constant([[0], [2]]), real(2, 3))]
        for name in "ScatterNdNonAliasingAdd TensorScatterAdd TensorScatterMax TensorScatterMin TensorScatterSub "
        "TensorScatterUpdate".split()
    },
    "Select": [form(truth(2, 3), real(2, 3), real(2, 3))],
    "SelectV2": [form(truth(2, 3), real(2, 3), real(2, 3))],
    "Slice": [form(real(3, 4), [0, 1], [2, 2])],
    "StridedSlice": [form(real(3, 4), [0, 1], [3, 4], [2, 1])],
    "StridedSliceGrad": [form([3, 4], [0, 1], [3, 4], [2, 1], real(2, 3))],
    "TensorStridedSliceUpdate": [form(real(3, 4), [0, 1], [3, 4], [2, 1], real(2, 3))],
    "SoftmaxCrossEntropyWithLogits": [form(real(2, 3), unit(2, 3))],
    "SparseSoftmaxCrossEntropyWithLogits": [form(real(2, 3), tf.constant([0, 2]))],
    "Split": [form(1, real(2, 4), num_split=2)],
    "SplitV": [form(real(5), [2, 3], 0, num_split=2)],
    "Squeeze": [form(real(1, 3))],
    "Unpack": [form(real(2, 3), num=2)],
    "Tile": [form(real(2, 3), [2, 1])],
    # A sparse matrix is places, entries and a shape.
    "SparseTensorDenseMatMul": [form(ENTRIES, real(2), TALL, real(2, 3))],
    "SparseTensorDenseAdd": [form(ENTRIES, real(2), TALL, real(3, 2))],
    "SparseToDense": [form(ENTRIES, TALL, real(2), real())],
    "SparseReorder": [form(ENTRIES, real(2), TALL)],
    "SparseReduceSum": [form(ENTRIES, real(2), TALL, [1])],
    "SparseSoftmax": [form(ENTRIES, real(2), TALL)],
    **{f"SparseDenseCwise{kind}": [form(ENTRIES, real(2), TALL, positive(3, 2))] for kind in "Add Div Mul".split()},
    "RaggedFillEmptyRows": [form(tf.constant([0, 2], tf.int64), real(2), tf.constant(3, tf.int64), real())],
    "RaggedGather": [form([tf.constant([0, 2, 3])], real(3), tf.constant([1]), OUTPUT_RAGGED_RANK=1)],
    "RaggedTensorToSparse": [form([tf.constant([0, 2, 3], tf.int64)], real(3))],
    "RaggedTensorToTensor": [
        form([2, 2], real(3), real(), [tf.constant([0, 2, 3])], row_partition_types=["ROW_SPLITS"])
    ],
    "SparseFillEmptyRows": [form(ENTRIES, real(2), TALL, real())],
    "SparseSlice": [form(ENTRIES, real(2), TALL, tf.constant([0, 0], tf.int64), tf.constant([2, 2], tf.int64))],
    "SparseAdd": [form(ENTRIES, real(2), TALL, ENTRIES, real(2), TALL, 0.0)],
    **{
        f"SparseSparse{kind}": [form(ENTRIES, real(2), TALL, ENTRIES, real(2), TALL)] for kind in ("Maximum", "Minimum")
    },
    # Numbers of float32 alone.
    "FakeQuantWithMinMaxArgs": [form(real(2, 3))],
    "FakeQuantWithMinMaxVars": [form(real(2, 3), -2.0, 2.0)],
    "FakeQuantWithMinMaxVarsPerChannel": [form(real(2, 3), [-2.0, -2.0, -2.0], [2.0, 2.0, 2.0])],
    "QuantizeAndDequantizeV2": [form(real(2, 3), -2.0, 2.0)],
    "QuantizeAndDequantizeV3": [form(real(2, 3), -2.0, 2.0, 8)],
    "QuantizeAndDequantizeV4": [form(real(2, 3), -2.0, 2.0)],
    "QuantizeAndDequantizeV4Grad": [form(real(2, 3), fixed(real(2, 3)), -2.0, 2.0)],
}
"""Calls by the full name of a function, or by the last part of it."""

OF_INTEGERS = "not differentiable: it gives integers or booleans, or takes them alone"
OF_SHAPES = "not differentiable: it makes an array of shapes, or reads and writes files"
OF_GRAPHS = "not differentiable by itself: it stands in graphs of branches and loops, or holds what others have made"
GONE = "not differentiable here: TensorFlow has it no longer, or has no kernel of it for a CPU"
OF_DEVICES = "not differentiable here: it is for several devices, or for a GPU alone"
DRAWN = "not differentiable here: it draws random numbers or samples"

REASONS: Mapping[str, str] = {
    **dict.fromkeys(
        (
            "argmax argmin confusion_matrix count_nonzero equal greater greater_equal in_top_k invert_permutation "
            "is_finite is_inf is_nan is_non_decreasing is_strictly_increasing less less_equal logical_and "
            "logical_not logical_or logical_xor not_equal reduce_all reduce_any zero_fraction collapse_repeated "
            "compute_accidental_hits ctc_beam_search_decoder ctc_greedy_decoder ctc_unique_labels matrix_rank "
            "ArgMax ArgMin combined_non_max_suppression non_max_suppression non_max_suppression_overlaps "
            "generate_bounding_box_proposals non_max_suppression_padded non_max_suppression_with_scores "
            "draw_bounding_boxes"
        ).split(),
        OF_INTEGERS,
    ),
    **dict.fromkeys(
        (
            "eye sobol_sample decode_and_crop_jpeg decode_bmp decode_gif decode_image decode_jpeg decode_jxl "
            "decode_png decode_webp encode_jpeg encode_png extract_jpeg_shape is_jpeg adjust_jpeg_quality "
            "hamming_window hann_window inverse_stft_window_fn kaiser_bessel_derived_window kaiser_window "
            "linear_to_mel_weight_matrix vorbis_window safe_embedding_lookup_sparse embedding_lookup_sparse "
            "with_space_to_batch"
        ).split(),
        OF_SHAPES,
    ),
    **dict.fromkeys(
        (
            "all_candidate_sampler dropout fixed_unigram_candidate_sampler fractional_avg_pool "
            "fractional_max_pool learned_unigram_candidate_sampler nce_loss sampled_softmax_loss "
            "random_brightness random_contrast random_crop random_flip_left_right random_flip_up_down random_hue "
            "random_jpeg_quality random_saturation sample_distorted_bounding_box stateless_random_brightness "
            "stateless_random_contrast stateless_random_crop stateless_random_flip_left_right "
            "stateless_random_flip_up_down stateless_random_hue stateless_random_jpeg_quality "
            "stateless_random_saturation stateless_sample_distorted_bounding_box FractionalAvgPool "
            "FractionalMaxPool RandomGamma StatelessRandomGammaV2 StatelessRandomGammaV3 "
            "StatelessParameterizedTruncatedNormal"
        ).split(),
        DRAWN,
    ),
    **dict.fromkeys(
        (
            "Case If While StatelessCase StatelessIf StatelessWhile Enter Exit Merge Switch NextIteration LoopCond "
            "RefEnter RefExit RefIdentity RefMerge RefNextIteration RefSwitch OptionalFromValue EagerPyFunc "
            "CompositeTensorVariantFromComponents TensorListFromTensor TensorListScatter TensorListScatterV2 "
            "TensorListSplit RaggedTensorToVariant DebugGradientIdentity DebugGradientRefIdentity DebugIdentityV2 "
            "Print DenseToCSRSparseMatrix"
        ).split(),
        OF_GRAPHS,
    ),
    **dict.fromkeys(
        (
            "AccumulateNV2 CTCLossV2 TopK QuantizeAndDequantize BatchNormWithGlobalNormalization "
            "batch_norm_with_global_normalization"
        ).split(),
        GONE,
    ),
    **dict.fromkeys(
        (
            "AllToAll CollectivePermute CrossReplicaSum NcclAllReduce NcclBroadcast NcclReduce CudnnRNN CudnnRNNV2 "
            "CudnnRNNV3 TPUEmbeddingActivations"
        ).split(),
        OF_DEVICES,
    ),
}
"""By full or last name, why a function has no derivative."""
