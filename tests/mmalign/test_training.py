"""Training: what is kept, what is refused, and that nothing outside leaks in."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
import torch
from torch import nn

from mmalign.data.paired import paired_dataset
from mmalign.encoders import Classifier, build_encoder
from mmalign.errors import UserError
from mmalign.training import (
    TrainingDiverged,
    TrainingSettings,
    ViewData,
    accuracy,
    fit,
    represent,
    reproducible,
)
from mmalign.training.determinism import resolve_device
from mmalign.training.fit import Optimisation
from mmalign.training.view import view_data

from .tiny_study import tiny_dataset

CPU = torch.device("cpu")


def data_of(view: str = "sequence") -> ViewData:
    return view_data(tiny_dataset(), view)


def train(settings: TrainingSettings, seed: int = 0, data: ViewData | None = None, **kwargs):
    data = data or data_of()
    with reproducible(seed, CPU):
        encoder = build_encoder("transformer", data.sample_shape, 2, width=8, readout="mean")
        classifier = Classifier(encoder, data.n_classes)
        order = torch.Generator().manual_seed(seed)
        fitted = fit(classifier, data, settings, order=order, name="the test", **kwargs)
    return classifier, fitted


def test_it_learns():
    classifier, fitted = train(TrainingSettings(15, 3e-3, batch_size=16))
    data = data_of()
    logits, layers = represent(classifier, data, data.splits["test"])
    assert accuracy(logits, data.labels[data.splits["test"]]) > 0.9
    assert [tuple(layer.shape) for layer in layers] == [(60, 8), (60, 8)]
    assert fitted.history["train_loss"][-1] < fitted.history["train_loss"][0] / 2
    assert {len(values) for values in fitted.history.values()} == {15}


def test_the_first_best_epoch_is_kept():
    """Validation accuracies 1/3, 1, 1, 2/3: epoch 2 stays, with the weights it had then."""

    class Scripted(nn.Module):
        width = 3

        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.zeros(()))
            self.evaluations = 0

        def forward(self, x, padding=None):
            if self.training:
                state = torch.zeros(len(x), 3) + 0 * self.weight
                return state, [state]
            self.evaluations += 1
            right = {1: 1, 2: 3, 3: 3, 4: 2}[self.evaluations]
            classes = torch.tensor([c if c < right else (c + 1) % 3 for c in range(3)])
            state = torch.eye(3)[classes] + 0 * self.weight
            return state, [state]

    data = ViewData(
        torch.zeros(6, 1),
        torch.tensor([0, 1, 2, 0, 1, 2]),
        {"train": torch.arange(3), "valid": torch.arange(3, 6)},
        3,
    )
    classifier = Classifier(Scripted(), 3)
    with torch.no_grad():
        classifier.head.weight.copy_(torch.eye(3))
        classifier.head.bias.zero_()
    biases = []
    fitted = fit(
        classifier,
        data,
        TrainingSettings(4, 1e-6, batch_size=3),
        order=torch.Generator().manual_seed(0),
        name="the test",
        on_epoch=lambda epoch: biases.append(classifier.head.weight.detach().clone()),
    )
    assert fitted.history["valid_accuracy"] == pytest.approx([1 / 3, 1, 1, 2 / 3])
    assert fitted.best_epoch == 2
    assert torch.equal(classifier.head.weight, biases[1])


def test_same_seed_same_bits_whatever_happened_before():
    settings = TrainingSettings(2, 1e-3, batch_size=32)
    first, _ = train(settings, seed=5)
    torch.manual_seed(99)
    torch.rand(17)
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        train(settings, seed=6)
        second, _ = train(settings, seed=5)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(threads)
    other, _ = train(settings, seed=6)
    state = second.state_dict()
    assert all(torch.equal(value, state[name]) for name, value in first.state_dict().items())
    assert not torch.equal(first.head.weight, other.head.weight)


def test_global_random_state_is_left_alone():
    torch.manual_seed(3)
    expected = torch.rand(4)
    np.random.seed(3)  # noqa: NPY002 - the global state is what must not move
    numpy_expected = np.random.rand(4)  # noqa: NPY002
    torch.manual_seed(3)
    np.random.seed(3)  # noqa: NPY002
    train(TrainingSettings(1, 1e-3))
    assert torch.equal(torch.rand(4), expected)
    assert np.array_equal(np.random.rand(4), numpy_expected)  # noqa: NPY002
    assert not torch.are_deterministic_algorithms_enabled()


def test_every_training_row_is_seen_once_an_epoch():
    data = data_of()
    classifier = Classifier(build_encoder("transformer", data.sample_shape, 1), 3)
    optimisation = Optimisation(classifier, data, TrainingSettings(1, 1e-3, batch_size=50))
    batches = []
    step = optimisation.step
    optimisation.step = lambda rows: (batches.append(rows), step(rows))[1]
    optimisation.epoch(torch.Generator().manual_seed(0))
    assert [len(rows) for rows in batches] == [50, 50, 20]
    assert torch.equal(torch.cat(batches).sort().values, data.splits["train"])
    assert not torch.equal(torch.cat(batches), data.splits["train"])


def test_gradients_are_clipped_and_decay_is_decoupled():
    """With gradients clipped to nothing, AdamW only shrinks the weights by lr * decay."""
    data = data_of("picture")
    classifier = Classifier(build_encoder("mlp", data.sample_shape, 1), 3)
    before = {name: value.clone() for name, value in classifier.state_dict().items()}
    settings = TrainingSettings(1, 0.01, weight_decay=0.5, clip=1e-30)
    Optimisation(classifier, data, settings).step(data.splits["train"])
    for name, value in classifier.state_dict().items():
        torch.testing.assert_close(value, before[name] * (1 - 0.01 * 0.5))


def test_divergence_names_the_training():
    with pytest.raises(
        TrainingDiverged, match=r"loss of the test became (nan|inf) in epoch 1 of 3"
    ):
        train(TrainingSettings(3, 1e30))


def test_a_nan_in_the_data_is_not_trained_on_silently():
    data = data_of()
    inputs = data.inputs.clone()
    inputs[7] = math.nan
    with pytest.raises(TrainingDiverged, match="training loss of the test became nan"):
        train(TrainingSettings(1, 1e-3), data=dataclasses.replace(data, inputs=inputs))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("epochs", 0),
        ("epochs", 1.5),
        ("batch_size", True),
        ("learning_rate", 0),
        ("learning_rate", math.nan),
        ("clip", -1),
        ("weight_decay", -0.1),
    ],
)
def test_settings_are_checked(field, value):
    with pytest.raises(UserError, match=f"{field} must be"):
        TrainingSettings(**{"epochs": 1, "learning_rate": 1e-3, field: value})


def test_views_that_cannot_be_trained_on():
    dataset = tiny_dataset()
    with pytest.raises(UserError, match="no view 'smell'; it has sequence, picture"):
        view_data(dataset, "smell")
    splits = {**dataset.splits, "valid": np.array([], dtype=np.int64)}
    with pytest.raises(UserError, match="'valid' of 'tiny' is empty"):
        view_data(dataclasses.replace(dataset, splits=splits), "picture")
    padding = dataset.padding["sequence"].copy()
    padding[5] = True
    with pytest.raises(UserError, match="nothing but padding in row 5"):
        view_data(dataclasses.replace(dataset, padding={"sequence": padding}), "sequence")


def test_devices():
    assert resolve_device("cpu") == CPU
    assert resolve_device("auto").type in ("cpu", "cuda")
    for name in ("gpu", "mps", "cuda:x"):
        with pytest.raises(UserError, match="must be auto, cpu, cuda or cuda:N"):
            resolve_device(name)
    if not torch.cuda.is_available():
        with pytest.raises(UserError, match="torch finds no CUDA device"):
            resolve_device("cuda")


def test_a_regression_learns_signs_and_keeps_values():
    generator = np.random.default_rng(0)
    inputs = generator.normal(size=(300, 4)).astype(np.float32)
    targets = inputs @ np.array([1.0, -2.0, 0.5, 0.0])
    rows = np.arange(300)
    splits = {"train": rows[:200], "valid": rows[200:250], "test": rows[250:]}
    dataset = paired_dataset("line", {"x": inputs}, targets, splits, 1, task="regression")
    data = view_data(dataset, "x")
    assert data.labels.dtype == torch.float32
    with reproducible(0, torch.device("cpu")):
        classifier = Classifier(build_encoder("mlp", (4,), 1), data.n_classes)
        order = torch.Generator().manual_seed(0)
        fitted = fit(classifier, data, TrainingSettings(30, 0.01), order=order, name="a line")
    outputs, _ = represent(classifier, data, data.splits["test"])
    assert accuracy(outputs, data.labels[250:], "regression") > 0.9
    error = (outputs[:, 0] - data.labels[250:]).abs().mean()
    assert error < 0.5 < data.labels[250:].abs().mean()
    assert fitted.history["valid_loss"][-1] < fitted.history["valid_loss"][0]


def test_zero_counts_as_not_positive_in_a_regression():
    outputs = torch.tensor([[0.0], [1.0], [-1.0], [2.0]])
    assert accuracy(outputs, torch.tensor([0.0, 1.0, 1.0, -1.0]), "regression") == 0.5
