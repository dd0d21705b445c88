"""What a LinearCKA holds, how it is kept and shared, and what it refuses."""

from __future__ import annotations

import copy
import pickle
import signal
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from mmkernels import LinearCKA, reference

from . import datasets
from .test_linear_cka import check, parts, streamed


def test_state_survives_pickle_copy_and_plain_arrays(tmp_path):
    x, y = datasets.related(200, 9, 7)
    score = streamed(x[:100], y[:100], 30)
    np.savez(tmp_path / "state", **score.state_dict())
    loaded = LinearCKA()
    with np.load(tmp_path / "state.npz", allow_pickle=False) as state:
        loaded.load_state_dict(dict(state))
    for again in (loaded, pickle.loads(pickle.dumps(score)), copy.deepcopy(score)):
        again.update(x[100:], y[100:])
        assert again.count == 200
        check(again, x, y)
    assert score.count == 100
    loaded.load_state_dict(LinearCKA().state_dict())
    assert loaded.count == 0
    state = score.state_dict()
    with pytest.raises(ValueError, match="state must hold count"):
        loaded.load_state_dict({"count": 3})
    with pytest.raises(ValueError, match=r"state\['xy'\] must have shape \(11, 9\)"):
        loaded.load_state_dict({**state, "xy": state["xx"]})


def test_reset():
    x, y = datasets.related(60, 9, 7)
    score = streamed(x, y, 30)
    score.reset()
    assert score.count == 0
    score.update(y, x)  # other widths are fine now
    check(score, y, x)


class TestErrors:
    @pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
    @pytest.mark.parametrize("row", [3, 4097, 9000])
    def test_nan_leaves_the_samples_before_as_they_were(self, bad, row):
        x, y = datasets.related(9001, 5, 4)
        score = streamed(x[:50], y[:50], 50)
        before = pickle.dumps(score)
        x[row, 2] = bad
        with pytest.raises(ValueError, match=f"x has NaN or infinity in row {row} "):
            score.update(x, y)
        with pytest.raises(ValueError, match=f"y has NaN or infinity in row {row} "):
            score.update(*self.moved(x))
        assert pickle.dumps(score) == before

    @staticmethod
    def moved(x):
        """A finite x, and a y with the bad value."""
        return np.where(np.isfinite(x), x, 0), x[:, 1:]

    def test_shapes(self):
        x, y = datasets.related(20, 5, 4)
        score = streamed(x, y, 20)
        for bad_x, bad_y, words in (
            (x, y[:19], r"same number of samples.*\(20, 5\) and \(19, 4\)"),
            (x[:, :4], y, r"d_x = 5 and d_y = 4.*\(20, 4\)"),
            (x, y[:, :1], r"d_x = 5 and d_y = 4.*\(20, 1\)"),
            (x[:0, :4], y[:0], r"d_x = 5 and d_y = 4.*\(0, 4\)"),
            (x[0], y, r"x must be two-dimensional"),
            (x, y[:, :0], r"y has no features"),
        ):
            with pytest.raises(ValueError, match=words):
                score.update(bad_x, bad_y)
        with pytest.raises(TypeError, match="x has dtype complex64"):
            score.update(x * 1j, y)
        assert score.count == 20

    def test_too_few_samples(self):
        score = LinearCKA()
        for n in range(4):
            with pytest.raises(ValueError, match=f"unbiased estimate needs at least 4.*\\({n}"):
                score.compute()
            if n < 2:
                with pytest.raises(ValueError, match="biased estimate needs at least 2"):
                    score.hsic(unbiased=False)
            score.update(np.array([[n, 1.0]]), np.array([[n**2]]))
        assert np.isfinite(score.compute())

    def test_values_whose_squares_overflow(self):
        with pytest.raises(ValueError, match="x holds values so large"):
            LinearCKA().update(np.full((3, 2), 1e200), np.ones((3, 1)))

    @pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs POSIX timers")
    def test_an_interrupt_leaves_the_samples_before_as_they_were(self):
        x, y = datasets.gaussian(12000, 900), datasets.gaussian(12000, 700, seed=1)
        score = streamed(x[:50], y[:50], 50)
        before = pickle.dumps(score)

        def interrupt(*_):
            raise KeyboardInterrupt

        previous = signal.signal(signal.SIGALRM, interrupt)
        try:
            for delay in (0.01, 0.05, 0.15):
                signal.setitimer(signal.ITIMER_REAL, delay)
                with pytest.raises(KeyboardInterrupt):
                    score.update(x, y)
                assert pickle.dumps(score) == before
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, previous)
        assert repr(score) == "LinearCKA(count=50, d_x=900, d_y=700)"


def test_repr():
    score = LinearCKA()
    assert repr(score) == "LinearCKA(count=0)"
    score.update(np.ones((3, 2)), np.ones((3, 1)))
    assert repr(score) == "LinearCKA(count=3, d_x=2, d_y=1)"


@pytest.mark.parametrize(
    ("changes", "kind", "words"),
    [
        ({"unit_x": 3.0}, ValueError, "unit_x'.*power of two"),
        ({"unit_y": -1.0}, ValueError, "unit_y'.*power of two"),
        ({"count": 59.5}, ValueError, "count.*59.5 and 60"),
        ({"count": -1}, ValueError, "count.*-1 and 60"),
        ({"count": 61}, ValueError, "count.*61 and 60"),
        ({"count": [60]}, ValueError, r"count.*shape is \(1,\)"),
        ({"mean_x": [np.nan] * 9}, ValueError, "mean_x'.*finite"),
        ({"mean_x": np.zeros((9, 1))}, ValueError, r"mean_x'.*\(9, 1\)"),
        ({"mean_y": np.zeros(8)}, ValueError, "state.*shape"),
        ({"mean_y": None}, (TypeError, ValueError), "mean_y'"),
        ({"xy": "many"}, TypeError, "xy'.*real"),
        ({"xy": np.full((11, 9), np.inf)}, ValueError, "xy'.*finite"),
    ],
)  # fmt: skip
def test_states_that_no_samples_leave(changes, kind, words):
    x, y = datasets.related(60, 9, 7)
    score = streamed(x, y, 20)
    before = pickle.dumps(score)
    with pytest.raises(kind, match=words):
        score.load_state_dict(score.state_dict() | changes)
    for nonsense in (None, 3, [1]):
        with pytest.raises(TypeError, match="state must be a mapping"):
            score.load_state_dict(nonsense)
    assert pickle.dumps(score) == before
    score.load_state_dict({})
    assert score.count == 0


def test_threads_that_share_one_lose_no_samples():
    x, y = datasets.related(4000, 40, 30)
    score = LinearCKA()
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda rows: score.update(x[rows], y[rows]), parts(4000, 20)))
    assert score.count == 4000
    assert score.compute() == pytest.approx(reference.cka(x, y), abs=1e-9)
    twice = copy.deepcopy(score).merge(score)
    assert twice.merge(twice).count == 16000
