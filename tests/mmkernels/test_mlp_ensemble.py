"""The native training against the float64 specification and PyTorch, and its determinism."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import scipy.stats

import mmkernels
from mmkernels.mlp_ensemble import Network, TrainingData, batch_order, fit
from mmkernels.reference import mlp_ensemble as reference

torch = pytest.importorskip("torch")

from .mlp_training import ACTIVATIONS, LOSSES, samples, trained_alone  # noqa: E402

HISTORIES = ("train_loss", "valid_loss", "valid_score", "step_losses")


@pytest.fixture(autouse=True)
def _one_thread_of_torch():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def bits(fitted):
    return [
        (*(getattr(one, name).tobytes() for name in HISTORIES), one.parameters.tobytes())
        for one in fitted
    ]


# Widths and batches around those of blocks and registers; the last batches are shorter.
SHAPES = [
    (1, 1, 1, 2, 1), (1, 12, 12, 4, 151), (2, 5, 7, 3, 31), (5, 12, 12, 4, 64),
    (5, 32, 40, 32, 130), (10, 13, 3, 2, 17), (3, 31, 129, 5, 128), (64, 3, 2, 2, 100),
]  # fmt: skip


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize(("depth", "width", "inputs", "outputs", "batch_size"), SHAPES)
def test_agrees_with_the_reference(loss, activation, depth, width, inputs, outputs, batch_size):
    data = samples(loss, inputs=inputs, outputs=outputs, seed=depth)
    network = Network(
        depth, width, activation, 0.1, learning_rate=1e-4, weight_decay=0.1, epochs=2, order=depth
    )
    found = fit([network], data, loss=loss, batch_size=batch_size, record_steps=20)[0]
    start = network.initial_parameters(inputs, outputs)
    wanted = reference.train(network, data, start, loss=loss, batch_size=batch_size)
    np.testing.assert_allclose(found.step_losses, wanted.step_losses[:20], rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(found.train_loss, wanted.train_loss, rtol=1e-5)
    np.testing.assert_allclose(found.valid_loss, wanted.valid_loss, rtol=1e-5)
    np.testing.assert_allclose(found.valid_score, wanted.valid_score, rtol=1e-5)
    if found.best_epoch == wanted.best_epoch:
        np.testing.assert_allclose(found.parameters, wanted.parameters, atol=2e-5)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_follows_pytorch_for_200_steps(activation, loss):
    # Where the sign of a rounding error may become a gradient, a larger rate makes chaos of it.
    slower = 0.1 if loss == "l1" else 1.0
    networks = [
        Network(
            depth, width, activation, 0.1, rate * slower, decay, epochs=40, seed=depth, order=width
        )
        for depth, width, rate, decay in [
            (1, 1, 5e-3, 0.1), (2, 5, 2e-3, 0.0), (5, 12, 1e-3, 0.1), (10, 32, 3e-4, 0.0),
        ]
    ]  # fmt: skip
    data = samples(loss)
    for network, found in zip(
        networks, fit(networks, data, loss=loss, batch_size=31, record_steps=200), strict=True
    ):
        losses, valid_losses, scores, best = trained_alone(network, data, loss, batch_size=31)
        np.testing.assert_allclose(found.step_losses, losses[:200], rtol=1e-4)
        np.testing.assert_allclose(found.valid_loss, valid_losses, rtol=1e-4)
        np.testing.assert_allclose(found.valid_score, scores, rtol=1e-4)
        np.testing.assert_allclose(found.parameters, best, rtol=2e-3, atol=2e-4)


def test_gradients_are_clipped():
    data = samples("mse")
    data = replace(data, targets=data.targets * 100, valid_targets=data.valid_targets * 100)
    network = Network(3, 12, "tanh", learning_rate=1e-3, epochs=20)
    found = fit([network], data, loss="mse", batch_size=50, clip=0.01, record_steps=60)[0]
    losses, *_ = trained_alone(network, data, "mse", batch_size=50, clip=0.01)
    np.testing.assert_allclose(found.step_losses, losses[:60], rtol=1e-5)
    free = fit([network], data, loss="mse", batch_size=50, clip=np.inf, record_steps=60)[0]
    assert np.abs(free.step_losses / losses[:60] - 1).max() > 1e-4


def test_what_is_kept_is_the_first_best_epoch():
    data = samples("cross_entropy")
    found = fit([Network(2, 5, learning_rate=3e-3, epochs=30)], data, batch_size=50)[0]
    assert found.best_epoch == 1 + found.valid_score.argmax() > 1
    kept = found.predict(data.valid_inputs).argmax(axis=1) == data.valid_targets
    assert kept.mean() == found.valid_score.max()


def test_follows_pytorch_in_distribution():
    """Other seeds end elsewhere, but not elsewhere on average."""
    data = samples("cross_entropy", n=400, m=400)
    shared = {"depth": 2, "width": 6, "learning_rate": 5e-3, "epochs": 12}
    native = fit([Network(**shared, seed=s, order=s) for s in range(40)], data, batch_size=50)
    plain = [
        trained_alone(Network(**shared, seed=s, order=s), data, "cross_entropy", batch_size=50)[2]
        for s in range(100, 120)
    ]
    ours = np.array([found.valid_score[-1] for found in native])
    theirs = np.array([scores[-1] for scores in plain])
    assert np.ptp(theirs) > 0.01  # there is something to compare
    assert scipy.stats.ks_2samp(ours, theirs).pvalue > 1e-3
    error = np.sqrt(ours.var(ddof=1) / len(ours) + theirs.var(ddof=1) / len(theirs))
    assert abs(ours.mean() - theirs.mean()) < 4 * error


def mixed():
    """Networks and data sets of every kind that one call may hold."""
    data = [
        samples("cross_entropy", seed=0),
        samples("cross_entropy", inputs=20, outputs=5, seed=1),
    ]
    networks = [
        Network(
            1 + i % 4, (1, 12, 32, 7)[i % 4], ("leaky_relu", "relu", "tanh")[i % 3],
            learning_rate=1e-3 * (1 + i), epochs=1 + i % 5, seed=i, order=i // 2, data=i % 2,
        )
        for i in range(11)
    ]  # fmt: skip
    return networks, data


def test_bits_depend_on_no_thread_and_on_no_other_network():
    networks, data = mixed()
    before = mmkernels.get_num_threads()
    try:
        found = {}
        for threads in (1, 2, 5):
            mmkernels.set_num_threads(threads)
            found[threads] = bits(fit(networks, data, batch_size=40, record_steps=9))
    finally:
        mmkernels.set_num_threads(before)
    assert found[1] == found[2] == found[5]
    for i, network in enumerate(networks):
        assert bits(fit([network], data, batch_size=40, record_steps=9)) == found[1][i : i + 1]
    back = bits(fit(networks[::-1], data, batch_size=40, record_steps=9))
    assert back[::-1] == found[1]


def test_initial_parameters_are_started_from():
    networks, data = mixed()
    widths = [(data[n.data].inputs.shape[1], data[n.data].outputs) for n in networks]
    given = [n.initial_parameters(*w) for n, w in zip(networks, widths, strict=True)]
    copies = [vector.copy() for vector in given]
    assert bits(fit(networks, data, initial=given)) == bits(fit(networks, data))
    assert all(np.array_equal(a, b) for a, b in zip(given, copies, strict=True))


def test_a_divergence_stops_one_network():
    data = samples("mse")
    wild = Network(2, 5, "leaky_relu", learning_rate=1e30, epochs=6)
    calm = Network(2, 5, "tanh", epochs=6)
    found = fit([wild, calm], data, loss="mse", batch_size=20, record_steps=10)
    assert found[0].diverged == 1
    assert found[0].best_epoch == 0
    for history in (found[0].train_loss, found[0].valid_loss, found[0].valid_score):
        assert np.isnan(history).all()
    assert np.array_equal(found[0].parameters, wild.initial_parameters(7, 3))
    assert found[1].diverged is None
    assert np.isfinite(found[1].valid_loss).all()
    assert bits(found[1:]) == bits(fit([calm], data, loss="mse", batch_size=20, record_steps=10))


@pytest.mark.parametrize("n", [1, 2, 63, 64, 65, 1000, 4097])
def test_the_order_is_the_published_one(n):
    """One input, a distinct number per sample: first losses name the samples that were visited."""
    x = np.arange(n, dtype=np.float32)[:, None]
    data = TrainingData(np.zeros((n, 1), np.float32), x, np.zeros((1, 1)), np.zeros((1, 1)), 1)
    network = Network(1, 1, learning_rate=1e-30, weight_decay=0.0, epochs=3, order=n)
    found = fit(
        [network], data, loss="l1", batch_size=1, record_steps=3 * n, initial=[np.zeros(4)]
    )[0]
    visited = np.concatenate([batch_order(n, epoch, n) for epoch in range(3)])
    np.testing.assert_allclose(found.step_losses, visited, atol=1e-20)
    assert np.array_equal(np.sort(visited), np.repeat(np.arange(n), 3))
