"""The bidirectional ranking loss in Keras 3: one two-branch model, and three ways to let one loss see both branches.

Here live the loss in Keras's own operations and the three ways; the same loss in torch lives in `losses.ranking_loss`.
It needs the extra `keras`, which nothing else does.

N: pairs of a batch    D: features
"""

import os

# Keras asks for it once, when it is imported. Whoever has chosen another backend keeps it: nothing here is torch's.
os.environ.setdefault("KERAS_BACKEND", "torch")

try:
    import keras
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        "Keras is not installed. Stop JupyterLab and start it as `python3 -m xmatch_edu lab --keras`; in an "
        'environment of your own: pip install --constraint constraints.txt -e ".[test,keras]"', name="keras",
    ) from error  # fmt: skip

from keras import ops

WAYS = ("joined", "compute_loss", "add_loss")


def pair_losses(image_features, text_features, margin):
    """What each pair pays: the violations of its row and those of its column. All negatives, all from this batch.

    image_features (N, D), text_features (N, D), pair i in row i of both; margin: at least 0 -> (N,). Their mean is
    `losses.ranking_loss(image_features @ text_features.T, margin=margin) / N`.
    Source: Wang, Li and Lazebnik (CVPR 2016), section 3.2.
    """
    scores = ops.matmul(image_features, ops.transpose(text_features))
    matches = ops.diagonal(scores)
    others = 1 - ops.eye(ops.shape(scores)[0], dtype=scores.dtype)
    rows = ops.relu(margin + scores - matches[:, None]) * others
    columns = ops.relu(margin + scores - matches[None, :]) * others
    return ops.sum(rows, axis=1) + ops.sum(columns, axis=0)


class _KeepsMargin:
    """What Keras stores with a model, and builds it from again."""

    def get_config(self):
        return {**super().get_config(), "margin": self.margin}


@keras.saving.register_keras_serializable(package="xmatch_edu")
class JoinedRankingLoss(_KeepsMargin, keras.losses.Loss):
    """Way 1: the model has one output, both features side by side, so that one loss gets both.

    margin: as in `pair_losses`. name, options: Keras's own.
    y_pred (N, 2D): image features, then text features; y_true is not looked at. call -> (N,), one value a pair, of
    which Keras takes the mean.
    """

    def __init__(self, margin=0.2, name="ranking", **options):
        super().__init__(name=name, **options)
        self.margin = margin

    def call(self, y_true, y_pred):
        image_features, text_features = ops.split(y_pred, 2, axis=1)
        return pair_losses(image_features, text_features, self.margin)


@keras.saving.register_keras_serializable(package="xmatch_edu")
class SeesBothOutputs(_KeepsMargin, keras.Model):
    """Way 2: the model works out its loss itself, from all of its outputs.

    margin: as in `pair_losses`. inputs, outputs, name, options: Keras's own; two outputs, (N, D) each.
    """

    def __init__(self, inputs, outputs, name=None, *, margin=0.2, **options):
        super().__init__(inputs, outputs, name=name, **options)
        self.margin = margin

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        return ops.mean(pair_losses(*y_pred, self.margin))


@keras.saving.register_keras_serializable(package="xmatch_edu")
class RankingLayer(_KeepsMargin, keras.layers.Layer):
    """Way 3: a layer that both branches run through adds the loss, and hands on what it got, two times (N, D).

    margin: as in `pair_losses`. options: Keras's own.
    """

    def __init__(self, margin=0.2, **options):
        super().__init__(**options)
        self.margin = margin

    def call(self, features):
        self.add_loss(ops.mean(pair_losses(*features, self.margin)))
        return features


def two_branch(way, image_width, text_width, *, width=32, margin=0.2, optimizer="sgd"):
    """A compiled model of two branches, each dense, ReLU, dense, unit length -> keras.Model.

    Its inputs are (N, image_width) and (N, text_width); its output is both features, as (N, 2·width) for "joined" and
    as a list of two (N, width) otherwise. way: one of WAYS. margin: as in `pair_losses`. optimizer: as for
    `compile`.
    Errors: ValueError naming way.
    """
    if way not in WAYS:
        raise ValueError(f"way must be one of {', '.join(WAYS)}; got {way!r}")
    inputs = [keras.Input((image_width,), name="image"), keras.Input((text_width,), name="text")]
    features = [_branch(each, width) for each in inputs]
    if way == "joined":
        model = keras.Model(inputs, keras.layers.Concatenate()(features))
        model.compile(optimizer=optimizer, loss=JoinedRankingLoss(margin))
    elif way == "compute_loss":
        model = SeesBothOutputs(inputs, features, margin=margin)
        model.compile(optimizer=optimizer)
    else:
        model = keras.Model(inputs, RankingLayer(margin)(features))
        model.compile(optimizer=optimizer)
    return model


def _branch(x, width):
    x = keras.layers.Dense(2 * width, activation="relu")(x)
    return keras.layers.UnitNormalization()(keras.layers.Dense(width)(x))
