"""What a call of mlp_ensemble.fit refuses, and how it tells of its progress."""

from __future__ import annotations

import sys
import threading
import time
import types
from dataclasses import replace

import numpy as np
import pytest

import mmkernels
import mmkernels.cuda
from mmkernels.mlp_ensemble import Network, TrainingData, fit

X = np.linspace(-1, 1, 40, dtype=np.float32).reshape(10, 4)
Y = np.arange(10) % 3
DATA = TrainingData(X, Y, X[:5], Y[:5], 3)
VALUES = TrainingData(X, X[:, :2], X[:5], X[:5, :2], 2)


def broken(values, place, value):
    values = np.array(values, np.float64)
    values[place] = value
    return values


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"inputs": X[:, 0]}, r"data\[0\]\.inputs must be an \(n, d\) array .* shape is \(10,\)"),
        ({"inputs": X[:0]}, r"inputs must be .* at least one sample"),
        ({"inputs": broken(X, (7, 1), np.nan)}, r"inputs must be finite .* row 7 is not"),
        ({"inputs": broken(X, (3, 0), 1e39)}, r"inputs must be finite .* row 3 is not"),
        ({"valid_inputs": X[:5, :3]}, r"must be equally wide; their shapes are \(10, 4\) and"),
        ({"valid_inputs": broken(X[:5], (2, 0), -np.inf)}, r"valid_inputs must be finite .* row 2"),
        ({"targets": Y[:9]}, r"data\[0\]\.targets must be an \(10,\) array"),
        ({"targets": np.eye(10)}, r"targets must be an \(10,\) array, one class per sample"),
        ({"targets": broken(Y, 4, 3)}, r"whole numbers in 0 \.\. 2; data\[0\]\.targets\[4\] is 3"),
        ({"targets": broken(Y, 6, -1)}, r"targets\[6\] is -1"),
        ({"targets": broken(Y, 6, 0.5)}, r"targets\[6\] is 0\.5"),
        ({"targets": broken(Y, 6, np.nan)}, r"targets\[6\] is nan"),
        ({"valid_targets": Y}, r"valid_targets must be an \(5,\) array"),
        ({"outputs": 1}, r"outputs must be between 2 and 32 for the loss 'cross_entropy'; it is 1"),
        ({"outputs": 33}, r"outputs must be between 2 and 32"),
    ],
)
def test_data_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        fit([Network(1)], replace(DATA, **changes))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"targets": X}, r"targets must be an \(10, 2\) array, a row per sample"),
        ({"targets": broken(X[:, :2], (9, 1), np.inf)}, r"targets must be finite .* row 9"),
        ({"outputs": 0}, r"outputs must be between 1 and 32 for the loss 'mse'"),
    ],
)
def test_values_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        fit([Network(1)], replace(VALUES, **changes), loss="mse")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"loss": "hinge"}, "loss must be one of 'cross_entropy', 'l1', 'mse'; it is 'hinge'"),
        ({"batch_size": 0}, "batch_size must be between 1 and"),
        ({"record_steps": -1}, "record_steps must be between 0 and"),
        ({"clip": 0}, "clip, the largest norm of a gradient, must be a positive number"),
        ({"clip": np.nan}, "clip, .* it is nan"),
        ({"device": "tpu"}, "device must be 'cpu', 'cuda' or 'cuda:N'; it is 'tpu'"),
        ({"initial": []}, "initial must hold a vector per network; it holds 0 for 1"),
        ({"initial": [np.zeros(7)]}, r"initial\[0\] must be a vector of 99 numbers"),
        ({"initial": [np.full(99, np.nan)]}, r"initial\[0\] must be finite"),
    ],
)
def test_options_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        fit([Network(1)], DATA, **options)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((Network(1), DATA), "networks must be a list of Networks"),
        (([DATA], DATA), r"networks\[0\] must be a Network; it is of type TrainingData"),
        (([Network(1)], X), r"data\[0\] must be a TrainingData; it is of type ndarray"),
        (([Network(1)], replace(DATA, inputs=[["a"]])), "inputs must be an array of real numbers"),
        (([Network(1)], replace(DATA, outputs=2.5)), r"data\[0\]\.outputs must be an integer"),
    ],
)
def test_types_are_refused(arguments, message):
    with pytest.raises(TypeError, match=message):
        fit(*arguments)


def test_a_data_set_must_be_there():
    with pytest.raises(ValueError, match=r"networks\[1\] learns data set 1, .*; data holds 1"):
        fit([Network(1), Network(1, data=1)], DATA)


@pytest.mark.parametrize(
    ("available", "module", "function", "given", "wanted"),
    [
        (True, "mmkernels.cuda.mlp_ensemble", "fit", "cuda", 0),
        (True, "mmkernels.cuda.mlp_ensemble", "fit", "cuda:3", 3),
        (False, "mmkernels.torch.mlp_ensemble", "fit_stacked", "cuda:1", "cuda:1"),
    ],
)
def test_a_device_has_its_own_back_end(monkeypatch, available, module, function, given, wanted):
    calls = []

    def recorded(networks, data, **options):
        calls.append((networks, len(data), options["device"], options["loss"]))
        return ["fitted"]

    stub = types.ModuleType(module)
    setattr(stub, function, recorded)
    monkeypatch.setitem(sys.modules, module, stub)
    monkeypatch.setattr(mmkernels.cuda, "is_available", lambda: available)
    assert fit([Network(1)], VALUES, loss="l1", device=given) == ["fitted"]
    assert calls == [([Network(1)], 1, wanted, "l1")]
    with pytest.raises(ValueError, match="batch_size"):
        fit([Network(1)], DATA, batch_size=0, device=given)


def test_nothing_to_train():
    assert fit([], DATA) == []


def test_any_numbers_are_taken():
    plain = fit([Network(1, epochs=3)], DATA)[0]
    strided = np.asfortranarray(np.repeat(X, 2, axis=1).astype(np.float64))[:, ::2]
    other = fit([Network(1, epochs=3)], replace(DATA, inputs=strided, targets=Y.astype(np.uint8)))[
        0
    ]
    assert np.array_equal(plain.parameters, other.parameters)


def test_progress_counts_to_the_end():
    seconds, epochs = 0.0, 1000
    while seconds < 1:  # it is told some twenty times a second
        epochs *= 2
        told = []
        began = time.perf_counter()
        fit([Network(2, epochs=epochs + i) for i in range(12)], DATA, progress=told.append)
        seconds = time.perf_counter() - began
    assert told == sorted(set(told))
    assert told[-1] == 12
    assert len(told) > 1


def test_an_error_of_progress_is_raised():
    def fail(count):
        raise RuntimeError(f"at {count}")

    with pytest.raises(RuntimeError, match="at "):
        fit([Network(2, epochs=3)] * 3, DATA, progress=fail)
    assert len(fit([Network(2)], DATA)) == 1


@pytest.mark.parametrize("threads", [1, 3])
def test_progress_is_told_by_the_calling_thread(threads):
    before = mmkernels.get_num_threads()
    mmkernels.set_num_threads(threads)
    try:
        callers = set()
        fit(
            [Network(2, epochs=500)] * 5, DATA,
            progress=lambda _: callers.add(threading.get_ident()),
        )  # fmt: skip
    finally:
        mmkernels.set_num_threads(before)
    assert callers == {threading.get_ident()}
