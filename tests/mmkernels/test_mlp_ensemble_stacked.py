"""The stacked networks against a plain PyTorch loop over one network, step by step."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from mmkernels.mlp_ensemble import Network  # noqa: E402
from mmkernels.torch.mlp_ensemble import fit_stacked  # noqa: E402

from .mlp_training import ACTIVATIONS, LOSSES, samples, trained_alone  # noqa: E402


@pytest.fixture(autouse=True)
def _one_thread():
    """Threads that wait for each other take minutes for small products on a busy machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def compare(networks, data, loss, *, batch_size, **options):
    fitted = fit_stacked(
        networks, data, loss=loss, batch_size=batch_size, record_steps=200, **options
    )
    for network, result in zip(networks, fitted, strict=True):
        assert result.network == network
        own = data[network.data] if isinstance(data, list) else data
        losses, valid_losses, scores, best = trained_alone(
            network, own, loss, batch_size=batch_size, clip=options.get("clip", 8.0)
        )
        # A residual near zero rounds to either sign, which is all that the gradient of "l1" sees.
        near = {"rtol": 1e-3 if loss == "l1" else 1e-4}
        np.testing.assert_allclose(result.step_losses, losses[:200], **near)
        n, steps = len(own.inputs), len(losses) // network.epochs
        sizes = np.minimum(batch_size, n - batch_size * np.arange(steps))
        means = losses.reshape(network.epochs, steps) @ sizes / n
        np.testing.assert_allclose(result.train_loss, means, **near)
        np.testing.assert_allclose(result.valid_loss, valid_losses, **near)
        np.testing.assert_allclose(result.valid_score, scores, **near)
        np.testing.assert_allclose(result.parameters, best, rtol=2e-3, atol=2e-4)
        assert result.diverged is None


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_steps_are_those_of_one_network_alone(activation, loss):
    networks = [
        Network(
            depth=depth, width=width, activation=activation, slope=0.1, learning_rate=rate,
            weight_decay=decay, epochs=epochs, seed=depth + width, order=depth,
        )
        for depth, width, rate, decay, epochs in [
            (1, 12, 1e-3, 0.01, 40), (1, 12, 5e-3, 0.1, 17), (3, 5, 2e-3, 0.0, 40),
            (2, 1, 1e-3, 0.01, 2), (10, 12, 1e-3, 0.01, 40), (5, 32, 5e-4, 1e-4, 40),
        ]
    ]  # fmt: skip
    # Odd batches: the signs of "l1" must not cancel to a gradient of rounding errors, of which
    # AdamW makes a whole first step.
    compare(networks, samples(loss), loss, batch_size=31)


def test_gradients_are_clipped():
    data = samples("mse")
    data = replace(data, targets=data.targets * 100, valid_targets=data.valid_targets * 100)
    compare([Network(depth=2, epochs=5), Network(depth=2, epochs=9, seed=1)], data, "mse",
            batch_size=64, clip=0.5)  # fmt: skip


def test_each_network_learns_its_own_data_set():
    networks = [Network(depth=2, epochs=3, data=data, seed=data) for data in (1, 0, 1, 2)]
    data = [samples("cross_entropy", seed=0), samples("cross_entropy", seed=1),
            samples("cross_entropy", n=40, m=600, inputs=3)]  # fmt: skip
    compare(networks, data, "cross_entropy", batch_size=64)


def test_a_network_that_diverges_ends_alone():
    networks = [Network(depth=2, learning_rate=rate, epochs=3) for rate in (1e30, 1e-3)]
    counted = []
    found = fit_stacked(networks, samples("mse"), loss="mse", batch_size=31, record_steps=9,
                        progress=counted.append)  # fmt: skip
    assert [one.diverged for one in found] == [1, None]
    assert counted == [1, 2]
    lost, kept = found
    np.testing.assert_array_equal(lost.parameters, networks[0].initial_parameters(7, 3))
    assert lost.best_epoch == 0
    assert np.isnan([lost.train_loss, lost.valid_loss, lost.valid_score]).all()
    assert np.isfinite(lost.step_losses).tolist() == [True] + 8 * [False]
    alone = fit_stacked(networks[1:], samples("mse"), loss="mse", batch_size=31)[0]
    np.testing.assert_allclose(kept.parameters, alone.parameters, rtol=1e-5, atol=1e-6)


def test_stacks_are_no_larger_than_their_budget(monkeypatch):
    from mmkernels.torch import mlp_ensemble

    networks = [Network(depth=2, epochs=1 + seed % 2, seed=seed) for seed in range(5)]
    wanted = fit_stacked(networks, samples("mse"), loss="mse")
    monkeypatch.setattr(mlp_ensemble, "_STEP_BYTES_OF_CPU", 1)
    for one, other in zip(fit_stacked(networks, samples("mse"), loss="mse"), wanted, strict=True):
        assert one.network == other.network
        np.testing.assert_allclose(one.parameters, other.parameters, rtol=1e-5, atol=1e-6)
