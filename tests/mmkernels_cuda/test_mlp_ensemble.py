"""Ensembles on a device against those on the CPU: the same networks, orders and samples."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mmkernels import mlp_ensemble
from mmkernels.cuda.mlp_ensemble import fit
from mmkernels.mlp_ensemble import Network, TrainingData


def samples(loss="cross_entropy", *, n=101, m=40, inputs=7, outputs=3, seed=0):
    draw = np.random.default_rng(seed)
    x = draw.standard_normal((n + m, inputs)).astype(np.float32)
    values = x @ draw.standard_normal((inputs, outputs)) + draw.standard_normal((n + m, outputs))
    y = values.argmax(1) if loss == "cross_entropy" else values.astype(np.float32)
    return TrainingData(x[:n], y[:n], x[n:], y[n:], outputs)


def compare(networks, data, **options):
    found = fit(networks, data, record_steps=5, **options)
    wanted = mlp_ensemble.fit(networks, data, record_steps=5, **options)
    for one, other in zip(found, wanted, strict=True):
        for name in ("network", "inputs", "outputs", "diverged", "best_epoch"):
            assert getattr(one, name) == getattr(other, name)
        for name in ("step_losses", "train_loss", "valid_loss", "valid_score"):
            mine, theirs = getattr(one, name), getattr(other, name)
            assert mine.dtype == theirs.dtype
            np.testing.assert_allclose(mine, theirs, rtol=1e-4)
        assert one.parameters.dtype == np.float32
        np.testing.assert_allclose(one.parameters, other.parameters, atol=5e-4)
    return found


@pytest.mark.parametrize("loss", ["cross_entropy", "l1", "mse"])
@pytest.mark.parametrize("activation", ["leaky_relu", "relu", "tanh"])
def test_losses_and_activations(device, loss, activation):
    networks = [
        Network(depth=depth, width=width, activation=activation, epochs=epochs, order=1, seed=width)
        for depth, width, epochs in ((1, 12, 3), (3, 5, 2), (2, 1, 1))
    ]
    compare(networks, samples(loss), loss=loss, batch_size=31)


def test_data_sets_of_different_sizes(device):
    networks = [Network(depth=2, width=9, epochs=2, data=data) for data in (2, 0, 2)]
    data = [samples(n=33), samples(n=7), samples(n=5, m=3, inputs=12, outputs=4)]
    compare(networks, data, batch_size=16)


def test_a_batch_of_more_than_all_samples(device):
    compare([Network(depth=2, epochs=2)], samples(), batch_size=10**6, clip=float("inf"))


def test_given_parameters(device):
    networks = [Network(depth=2, epochs=2, seed=seed) for seed in (3, 4)]
    initial = [network.initial_parameters(7, 3) for network in networks[::-1]]
    found = compare(networks, samples(), initial=initial)
    assert not np.array_equal(found[0].parameters, found[1].parameters)


def test_a_network_that_diverges_ends_alone(device):
    rates = (1e30, 1e-3)
    networks = [Network(depth=2, learning_rate=rate, epochs=4) for rate in rates]
    found = compare(networks, samples("mse"), loss="mse", batch_size=40)
    assert [one.diverged for one in found] == [1, None]


def test_progress_counts_networks(device):
    counted = []
    fit([Network(depth=1, epochs=epochs) for epochs in (1, 3)], samples(), progress=counted.append)
    assert counted == sorted(set(counted))
    assert counted[-1] == 2


def test_no_networks(device):
    assert fit([], samples()) == []


def test_wrong_arguments_are_named(device):
    with pytest.raises(ValueError, match="batch_size must be between"):
        fit([Network(depth=1)], samples(), batch_size=0)
    with pytest.raises(ValueError, match=r"data\[0\].targets must be whole numbers in 0 .. 2"):
        fit([Network(depth=1)], replace(samples(), targets=np.full(101, 3)))


def test_too_little_memory_is_said(shim, monkeypatch):
    def refuse(shape, type_name, device):
        raise MemoryError("full")

    monkeypatch.setattr(shim.library, "empty", refuse)
    with pytest.raises(MemoryError, match=r"2 networks need .* bytes on cuda:0 for their training"):
        fit([Network(depth=1)] * 2, samples())
