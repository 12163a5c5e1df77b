"""The losses of `xp.nn` that TensorFlow has itself, in the argument order of the formulas."""

from typing import Any

import tensorflow as tf


def _softmax_cross_entropy(logits: tf.Tensor, targets: tf.Tensor) -> tf.Tensor:
    return tf.nn.softmax_cross_entropy_with_logits(labels=targets, logits=logits)


def _cross_entropy_of_labels(logits: tf.Tensor, labels: tf.Tensor, smoothing: float = 0.0) -> tf.Tensor:
    if smoothing == 0:
        return tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits)
    classes = logits.shape[1]
    share = smoothing / classes
    targets = tf.one_hot(labels, classes, 1 - smoothing + share, share, dtype=logits.dtype)
    return tf.nn.softmax_cross_entropy_with_logits(labels=targets, logits=logits)


def _sigmoid_cross_entropy(logits: tf.Tensor, targets: tf.Tensor, positive_weight: float = 1.0) -> tf.Tensor:
    if positive_weight == 1:
        return tf.nn.sigmoid_cross_entropy_with_logits(labels=targets, logits=logits)
    return tf.nn.weighted_cross_entropy_with_logits(labels=targets, logits=logits, pos_weight=positive_weight)


def _ctc_loss(logits: tf.Tensor, labels: list[int]) -> tf.Tensor:
    # For a batch of one, and dense labels.
    return tf.nn.ctc_loss(
        labels=tf.constant([labels]),
        logits=logits[:, None, :],
        label_length=tf.constant([len(labels)]),
        logit_length=tf.constant([logits.shape[0]]),
        logits_time_major=True,
        blank_index=0,
    )[0]


LOSSES: dict[str, Any] = {
    "squared_error": tf.math.squared_difference,
    "poisson_nll": lambda log_rate, count: tf.nn.log_poisson_loss(targets=count, log_input=log_rate),
    "softmax_cross_entropy": _softmax_cross_entropy,
    "cross_entropy_of_labels": _cross_entropy_of_labels,
    "sigmoid_cross_entropy": _sigmoid_cross_entropy,
    "ctc_loss": _ctc_loss,
}
