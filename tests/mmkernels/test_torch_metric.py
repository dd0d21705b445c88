"""The torchmetrics metric: one score for all batches of all processes."""

from __future__ import annotations

import copy
import os
import pickle
import subprocess
import sys
import textwrap

import numpy as np
import pytest

import mmkernels
from mmkernels import reference

from . import datasets

torch = pytest.importorskip("torch")
pytest.importorskip("torchmetrics")

from mmkernels.torch.metric import LinearCKA  # noqa: E402

PROCESSES = """
    import sys, torch, torch.distributed as dist, torch.multiprocessing as mp
    import numpy as np

    # Which rows each process sees, in which batches; the last layout leaves one without any.
    LAYOUTS = [
        ([(0, 40), (40, 41), (41, 90)], [(90, 150)]),
        ([(0, 2), (2, 4)], [(4, 60), (60, 150)]),
        ([], [(0, 75), (75, 150)]),
        ([(0, 150)], []),
    ]

    def work(rank, meeting, path):
        dist.init_process_group("gloo", init_method="file://" + meeting, rank=rank, world_size=2)
        from mmkernels.torch.metric import LinearCKA
        data = np.load(path)
        x, y = torch.from_numpy(data["x"]), torch.from_numpy(data["y"])
        scores = []
        for layout in LAYOUTS:
            metric = LinearCKA(x.shape[1], y.shape[1])
            for i, (first, last) in enumerate(layout[rank]):
                step = metric if i % 2 else metric.update
                step(x[first:last], y[first:last])
            scores.append(metric.compute().item())
            before = int(metric.moments[0])
            assert before == sum(last - first for first, last in layout[rank])  # not those of all
        metric = LinearCKA(x.shape[1], y.shape[1], dist_sync_on_step=True)
        half = slice(0, 75) if rank == 0 else slice(75, 150)
        scores.append(metric(x[half], y[half]).item())
        np.save(f"{path}-{rank}", scores)
        dist.destroy_process_group()

    if __name__ == "__main__":
        mp.spawn(work, args=(sys.argv[1], sys.argv[2]), nprocs=2)
"""


def tensors(n=150, d_x=9, d_y=6):
    return tuple(torch.from_numpy(z) for z in datasets.related(n, d_x, d_y, dtype=np.float64))


def truth(x, y, unbiased=True):
    return reference.cka(x.numpy(), y.numpy(), unbiased=unbiased)


@pytest.mark.filterwarnings("ignore:The ``compute`` method")
def test_two_processes(tmp_path):
    """torchmetrics#2170: states of different length, and a process without data."""
    x, y = datasets.related(150, 9, 6, dtype=np.float64)
    x[75:] += 1e6  # what one process sees lies far from what the other does
    np.savez(tmp_path / "data.npz", x=x, y=y)
    script = tmp_path / "processes.py"
    script.write_text(textwrap.dedent(PROCESSES))
    subprocess.run(
        [sys.executable, script, tmp_path / "meeting", tmp_path / "data.npz"],
        cwd=tmp_path,
        env={**os.environ, "OMP_NUM_THREADS": "1", "MMKERNELS_NUM_THREADS": "1"},
        check=True,
        timeout=120,
    )
    first, second = (np.load(tmp_path / f"data.npz-{rank}.npy") for rank in (0, 1))
    assert np.array_equal(first, second)
    single = mmkernels.LinearCKA()
    single.update(x, y)
    assert np.allclose(first, single.compute(), rtol=0, atol=1e-11)


@pytest.mark.parametrize("unbiased", [False, True])
def test_batches_by_update_and_by_forward(unbiased):
    x, y = tensors()
    metric = LinearCKA(9, 6, unbiased)
    for i, rows in enumerate((slice(0, 40), slice(40, 40), slice(40, 41), slice(41, 150))):
        if i in (0, 3):
            value = metric(x[rows], y[rows])
            assert value.item() == pytest.approx(truth(x[rows], y[rows], unbiased), abs=1e-12)
        else:
            metric.update(x[rows], y[rows])
    score = metric.compute()
    assert (score.dtype, score.shape) == (torch.float64, ())
    assert score.item() == pytest.approx(truth(x, y, unbiased), abs=1e-12)


@pytest.mark.parametrize("last", [1, 2, 3])
def test_a_short_last_batch_does_not_end_the_epoch(last):
    """It has no score of its own, but counts."""
    x, y = tensors(60 + last)
    metric = LinearCKA(9, 6)
    metric(x[:60], y[:60])
    with pytest.warns(RuntimeWarning, match=f"at least 4 samples.*has seen {last}"):
        assert torch.isnan(metric(x[60:], y[60:]))
    assert metric.compute().item() == pytest.approx(truth(x, y), abs=1e-12)


def test_an_offset_costs_no_digits():
    """Sums about a common point that is chosen beforehand would."""
    x, y = tensors()
    metric = LinearCKA(9, 6)
    for rows in (slice(0, 70), slice(70, 150)):
        metric(x[rows] + 1e6, y[rows] - 1e6)
    assert metric.compute().item() == pytest.approx(truth(x + 1e6, y - 1e6), abs=1e-12)


def test_merge_state():
    x, y = tensors()
    parts = []
    for rows in (slice(0, 20), slice(20, 150), slice(0, 0)):
        parts.append(LinearCKA(9, 6))
        parts[-1].update(x[rows], y[rows])
    parts[2].merge_state(parts[0])
    parts[2].merge_state(parts[1].metric_state)
    assert parts[2].compute().item() == pytest.approx(truth(x, y), abs=1e-12)


def test_reset_pickle_copy_and_state_dict():
    x, y = tensors()
    metric = LinearCKA(9, 6)
    metric.persistent(True)
    metric.update(x[:50], y[:50])
    loaded = LinearCKA(9, 6)
    loaded.load_state_dict(metric.state_dict())
    for again in (loaded, pickle.loads(pickle.dumps(metric)), copy.deepcopy(metric)):
        again.update(x[50:], y[50:])
        assert again.compute().item() == pytest.approx(truth(x, y), abs=1e-12)
    metric.reset()
    metric.update(x[:30], y[:30])
    assert metric.compute().item() == pytest.approx(truth(x[:30], y[:30]), abs=1e-12)


def test_types_and_casts():
    x, y = tensors()
    metric = LinearCKA(9, 6).half().to("cpu")
    metric.update(x.bfloat16().requires_grad_(), y.float())
    wanted = truth(x.bfloat16().double(), y.float().double())
    assert metric.compute().item() == pytest.approx(wanted, abs=1e-12)
    narrow = LinearCKA(9, 6)
    narrow.set_dtype(torch.float32)
    with pytest.raises(TypeError, match="must stay float64; something made it"):
        narrow.update(x, y)


def test_errors():
    x, y = tensors()
    metric = LinearCKA(9, 6)
    metric.update(x, y)
    with pytest.raises(ValueError, match=r"x must have shape \(n_samples, 9\).*\(150, 6\)"):
        metric.update(y, x)
    bad = y.clone()
    bad[5, 1] = torch.nan
    with pytest.raises(ValueError, match="y has NaN or infinity in row 5"):
        metric.update(x, bad)
    assert metric.compute().item() == pytest.approx(truth(x, y), abs=1e-12)
    for width in (0, -1, 2.0, None):
        with pytest.raises(ValueError, match="features_x must be a positive integer"):
            LinearCKA(width, 6)


def test_constant_features_are_nan():
    metric = LinearCKA(2, 6)
    metric.update(torch.ones(150, 2), tensors()[1])
    with pytest.warns(RuntimeWarning, match="x is constant"):
        assert torch.isnan(metric.compute())
