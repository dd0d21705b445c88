"""Collecting representations: which layers, in which order, from which wrappers."""

from __future__ import annotations

import copy
import subprocess
import sys
import threading

import numpy as np
import pytest
import torch
from torch import nn

import mmalign
import mmkernels
from mmalign.errors import UserError
from mmalign.hooks import passes

from .small_modules import batches, hooks_of, two_layers


def test_a_loader_gives_what_the_layers_compute_in_order():
    model, loader = two_layers(), batches()
    with mmalign.collect(model, loader, layers=["2", "0"]) as features:
        pass
    x = torch.cat(loader)
    assert list(features) == ["0", "2"]
    assert features.n_samples == 6
    np.testing.assert_allclose(features["0"], model[0](x).detach(), rtol=1e-6)
    np.testing.assert_allclose(features["2"], model(x).detach(), rtol=1e-5, atol=1e-7)
    assert mmkernels.measure_matrix("cka", features.values()).shape == (2, 2)


def test_a_loop_of_ones_own_gives_the_same_as_a_loader():
    model, loader = two_layers(), batches()
    with mmalign.collect(model, loader) as expected:
        pass
    with mmalign.collect(model) as features:
        for x in loader:
            model(x).sum().backward()
    assert list(features) == ["0", "1", "2"]
    for name in features:
        np.testing.assert_array_equal(features[name], expected[name])


def test_in_place_operations_after_a_layer_do_not_change_it():
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(inplace=True))
    with mmalign.collect(model, batches(), layers="0") as features:
        assert (features["0"] < 0).any()


def test_layers_that_fire_more_than_once_are_kept_apart():
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.first = self.second = nn.Linear(4, 4)

        def forward(self, x):
            return self.second(self.first(x))

    model, loader = Twice(), batches()
    with mmalign.collect(model, loader, layers="second") as features:
        assert list(features) == ["second", "second#2"]
    x = torch.cat(loader)
    np.testing.assert_allclose(features["second"], model.first(x).detach(), rtol=1e-6)
    np.testing.assert_allclose(features["second#2"], model(x).detach(), rtol=1e-5, atol=1e-7)


@pytest.fixture
def one_process(tmp_path):
    torch.distributed.init_process_group(
        "gloo", init_method=f"file://{tmp_path}/meeting", rank=0, world_size=1
    )
    yield
    torch.distributed.destroy_process_group()


@pytest.mark.usefixtures("one_process")
def test_wrappers_do_not_show_in_names():
    model, loader = two_layers(), batches()
    with mmalign.collect(model, loader) as expected:
        pass
    for wrapped in (
        nn.DataParallel(model),
        nn.parallel.DistributedDataParallel(model),
        torch.compile(model, backend="eager"),
    ):
        wrapped(loader[0])  # a compiled model has now no place for hooks
        with mmalign.collect(wrapped, loader, layers=["module.0", "1", "2"]) as features:
            assert list(features) == ["0", "1", "2"]
        np.testing.assert_array_equal(features["2"], expected["2"])
        assert hooks_of(wrapped) == 0


class LastReplicaFirst(nn.DataParallel):
    """Calls copies of the module in threads, as on two GPUs; the second finishes first."""

    def __init__(self, module):
        super().__init__(module)
        self.device_ids = [0, 1]

    def forward(self, x):
        second_is_done, out = threading.Event(), [None, None]

        def work(number, part):
            if number == 0:
                second_is_done.wait(timeout=10)
            threading.current_thread().name = f"cuda:{number}"
            out[number] = copy.copy(self.module)(part)
            second_is_done.set()

        parts = x.tensor_split(2)
        threads = [threading.Thread(target=work, args=pair) for pair in enumerate(parts)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return torch.cat(out)


def test_replicas_are_put_in_the_order_of_their_devices(monkeypatch):
    model, loader = two_layers(), batches(7, 4)
    with mmalign.collect(model, loader) as expected:
        pass
    monkeypatch.setattr(
        passes, "device_of", lambda found: torch.device(threading.current_thread().name)
    )
    with mmalign.collect(LastReplicaFirst(model), loader) as features:
        pass
    np.testing.assert_allclose(features["2"], expected["2"], rtol=1e-6)


def test_keep_stops_the_loader_and_the_memory():
    drawn = []

    def loader():
        for x in batches(12, 4):
            drawn.append(x)
            yield x

    model = two_layers()
    with mmalign.collect(model, loader(), layers="2", keep=6) as features:
        assert features["2"].shape == (6, 2)
        assert len(drawn) == 2
    with mmalign.collect(model, layers="2", keep=6) as features:
        for x in batches(12, 4):
            model(x)
    assert features["2"].shape == (6, 2)
    with (
        pytest.raises(UserError, match="keep must be a number of samples"),
        mmalign.collect(model, keep=0),
    ):
        pass


def test_checkpointing_does_not_add_rows():
    class Checkpointed(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = two_layers()

        def forward(self, x):
            return torch.utils.checkpoint.checkpoint(self.body, x, use_reentrant=False)

    model = Checkpointed()
    with mmalign.collect(model, eval=False) as features:
        model(batches()[0]).sum().backward()
    assert features["body.0"].shape == (4, 8)


def test_importing_mmalign_does_not_import_torch():
    program = "import sys, mmalign; assert 'torch' not in sys.modules; mmalign.collect"
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
    with pytest.raises(AttributeError, match="no attribute 'colect'"):
        mmalign.colect  # noqa: B018


def test_a_call_in_the_block_adds_no_rows_to_a_loader_s():
    model, loader = two_layers(), batches()
    with mmalign.collect(model, loader) as features:
        before = {name: array.copy() for name, array in features.items()}
        assert hooks_of(model) == 0
        model(loader[0])
        assert features.n_samples == 6
    for name, array in before.items():
        np.testing.assert_array_equal(features[name], array)


def test_batches_may_be_empty():
    model, loader = two_layers(), batches()
    with mmalign.collect(model, [loader[0][:0], *loader]) as features:
        pass
    assert features.n_samples == 6
