"""The ranking loss in Keras 3: three ways, one loss, that of `losses.ranking_loss`."""

import os
import subprocess
import sys

import numpy as np
import pytest
import torch

from xmatch_edu import losses

try:
    from xmatch_edu.losses import keras as keras_ranking
except ModuleNotFoundError as error:
    if error.name != "keras" or os.environ.get("CI"):  # there every extra is installed
        raise
    pytest.skip(str(error), allow_module_level=True)

import keras
from keras import ops

N, BATCH, WIDTH = 70, 32, 8  # the last batch has 6 pairs
RANDOM = np.random.default_rng(7)
X = [RANDOM.normal(size=(N, width)).astype("float32") for width in (5, 6)]
ZEROS = np.zeros((N, 1), "float32")  # Keras wants something to compare with


def answers(way):
    return ZEROS if way == "joined" else None


def make(way, **options):
    """All with the same weights."""
    keras.utils.set_random_seed(0)
    return keras_ranking.two_branch(way, 5, 6, width=WIDTH, **options)


class Steps(keras.callbacks.Callback):
    """The loss of each batch: Keras shows the mean since the epoch began."""

    def __init__(self):
        super().__init__()
        self.means = []

    def on_train_batch_end(self, batch, logs=None):
        self.means.append(logs["loss"])


def by_torch(model, x, margin=0.2):
    """The mean over the pairs, from the model's own features."""
    out = model(x)
    image, text = out.split(WIDTH, dim=1) if torch.is_tensor(out) else out
    return losses.ranking_loss(image @ text.T, margin=margin) / len(image)


def test_each_pair_pays_for_its_own_row_and_its_own_column():
    image, text = (torch.randn(5, WIDTH, generator=torch.Generator().manual_seed(seed)) for seed in (1, 2))
    rows, columns = (losses.ranking_loss(image @ text.T, margin=0.3, direction=direction, reduction="none")
                     for direction in ("image_to_text", "text_to_image"))  # fmt: skip
    paid = ops.convert_to_numpy(keras_ranking.pair_losses(image, text, 0.3))
    np.testing.assert_allclose(paid, (rows + columns).numpy(), rtol=1e-5)


def test_three_ways_train_alike_step_by_step():
    steps, weights = {}, {}
    for way in keras_ranking.WAYS:
        model, seen = make(way), Steps()
        model.fit(X, answers(way), batch_size=BATCH, epochs=3, shuffle=False, verbose=0, callbacks=[seen])
        steps[way], weights[way] = seen.means, np.concatenate([w.ravel() for w in model.get_weights()])
    assert len(steps["joined"]) == 3 * 3 and steps["joined"][-1] < 0.9 * steps["joined"][0]
    for way in keras_ranking.WAYS[1:]:
        np.testing.assert_allclose(steps[way], steps["joined"], rtol=1e-5)
        np.testing.assert_allclose(weights[way], weights["joined"], atol=1e-5)


@pytest.mark.parametrize("way", keras_ranking.WAYS)
def test_torch_says_the_same_of_the_same_weights_at_every_step(way):
    model = make(way, margin=0.3)
    for batch in (slice(0, 32), slice(32, 64), slice(64, 70), slice(0, 1)):  # the last smaller, and one pair alone
        x = [side[batch] for side in X]
        with torch.no_grad():
            expected = by_torch(model, x, margin=0.3).item()
        found = float(model.train_on_batch(x, None if answers(way) is None else ZEROS[batch]))
        model.reset_metrics()
        assert found == pytest.approx(expected, rel=1e-5) and (found == 0) == (len(x[0]) == 1)


def test_the_gradient_is_that_of_our_loss():
    model = make("joined")
    model.zero_grad()
    model.compute_loss(y=ops.convert_to_tensor(ZEROS), y_pred=model(X)).backward()
    found = [weight.value.grad.clone() for weight in model.trainable_weights]
    model.zero_grad()
    by_torch(model, X).backward()
    for one, weight in zip(found, model.trainable_weights, strict=True):
        torch.testing.assert_close(one, weight.value.grad, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("way", keras_ranking.WAYS)
def test_a_saved_model_comes_back_and_trains_on(way, tmp_path):
    model = make(way, margin=0.35)
    model.fit(X, answers(way), batch_size=BATCH, verbose=0, shuffle=False)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    for one, other in zip(*(keras.tree.flatten(each.predict(X, verbose=0)) for each in (model, again)), strict=True):
        np.testing.assert_array_equal(one, other)
    # The margin came back too, and the optimizer: the next epoch is the same.
    losses = [each.fit(X, answers(way), batch_size=BATCH, verbose=0, shuffle=False).history for each in (model, again)]
    np.testing.assert_allclose(losses[0]["loss"], losses[1]["loss"], rtol=1e-6)


@pytest.mark.parametrize("way", keras_ranking.WAYS)
def test_the_features_have_length_1_and_the_output_its_form(way):
    found = make(way).predict(X, verbose=0)
    sides = np.split(found, 2, axis=1) if way == "joined" else found
    assert [side.shape for side in sides] == [(N, WIDTH), (N, WIDTH)]
    np.testing.assert_allclose(np.linalg.norm(np.stack(sides), axis=2), 1, rtol=1e-5)


# ---- What the chapter says of Keras itself


def test_two_outputs_are_two_calls_and_neither_sees_the_other():
    seen = []

    class Looks(keras.losses.Loss):
        def call(self, y_true, y_pred):
            seen.append(tuple(y_pred.shape))
            return ops.mean(y_pred, axis=1)

    model = make("compute_loss")
    image, text = model.outputs
    plain = keras.Model(model.inputs, [keras.layers.Dense(3)(image), keras.layers.Dense(4)(text)])
    plain.compile(optimizer="sgd", loss=[Looks(), Looks()])
    plain.train_on_batch(X, [ZEROS, ZEROS])  # the first time Keras also asks once without numbers
    seen.clear()
    plain.train_on_batch(X, [ZEROS, ZEROS])
    assert seen == [(N, 3), (N, 4)]  # the whole batch each time, one branch each time


@pytest.mark.parametrize(("gives", "factor"), [("one value a pair", 1), ("a sum", 100), ("a matrix", 1 / 100)])
def test_what_keras_makes_of_what_a_loss_returns(gives, factor):
    class Returns(keras.losses.Loss):
        def call(self, y_true, y_pred):
            image, text = ops.split(y_pred, 2, axis=1)
            each = keras_ranking.pair_losses(image, text, 0.2)
            if gives == "a sum":
                return ops.sum(each)
            if gives == "a matrix":  # any N×N whose sum is the loss
                return ops.expand_dims(each, 1) / len(each) * ops.ones((1, len(each)))
            return each

    joined = np.random.default_rng(0).normal(size=(100, 2 * WIDTH)).astype("float32")
    right = keras_ranking.JoinedRankingLoss(0.2)(np.zeros((100, 1)), joined)
    assert float(Returns()(np.zeros((100, 1)), joined) / right) == pytest.approx(factor, rel=1e-5)


def test_the_mean_over_batches_is_weighed_by_their_sizes():
    """The ragged last batch has fewer negatives, so its pairs pay less; Keras weighs each batch by its pairs."""
    model = make("compute_loss", optimizer=keras.optimizers.SGD(0.0))
    shown = model.fit(X, batch_size=BATCH, verbose=0, shuffle=False).history["loss"][0]
    with torch.no_grad():
        each = [by_torch(model, [side[start:start + BATCH] for side in X]).item() for start in range(0, N, BATCH)]
    assert each[2] < 0.5 * each[0]
    assert shown == pytest.approx(np.average(each, weights=[32, 32, 6]), rel=1e-5)


# ---- Around it


def test_an_unknown_way_is_named():
    with pytest.raises(ValueError, match="way must be one of joined"):
        keras_ranking.two_branch("both", 5, 6)


@pytest.mark.slow
@pytest.mark.parametrize(("chosen", "found"), [(None, "torch"), ("jax", "jax")])
def test_the_backend_is_torch_unless_another_was_chosen_and_without_keras_it_is_said_how_to_get_it(chosen, found):
    variables = {name: value for name, value in os.environ.items() if name != "KERAS_BACKEND"}
    code = "import os, sys; sys.modules['keras'] = None\ntry: import xmatch_edu.losses.keras\n"
    code += "except ModuleNotFoundError as error: print(os.environ['KERAS_BACKEND'], error)"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True,
                          env={**variables, **({"KERAS_BACKEND": chosen} if chosen else {})})  # fmt: skip
    assert said.stdout.startswith(f"{found} Keras is not installed"), said.stderr
    assert "xmatch_edu lab --keras" in said.stdout
