from __future__ import annotations

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file as save_numpy
from safetensors.torch import save_file as save_torch

from mmalign.data.features import load_features
from mmalign.errors import UserError

X = np.random.default_rng(0).normal(size=(3, 6, 4)).astype(np.float32)


def names(path, **options) -> list[str]:
    return [name for name, _ in load_features(path, **options)]


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", ">f4", "i1", "u2", "?"])
def test_one_npy(tmp_path, dtype):
    np.save(tmp_path / "image.npy", X[0].astype(dtype))
    ((name, array),) = load_features(tmp_path / "image.npy")
    assert name == "image"
    assert array.dtype == dtype
    np.testing.assert_array_equal(array, X[0].astype(dtype))


def test_npy_is_mapped_not_read(tmp_path):
    np.save(tmp_path / "image.npy", X[0])
    ((_, array),) = load_features(str(tmp_path / "image.npy"))
    assert isinstance(array, np.memmap)


@pytest.mark.parametrize("layer_axis", [0, 1])
def test_a_stack_of_layers(tmp_path, layer_axis):
    np.save(tmp_path / "x.npy", X if layer_axis == 0 else X.transpose(1, 0, 2))
    layers = load_features(tmp_path / "x.npy", layer_axis=layer_axis)
    assert [name for name, _ in layers] == ["x[0]", "x[1]", "x[2]"]
    for (_, found), expected in zip(layers, X, strict=True):
        np.testing.assert_array_equal(found, expected)


def test_layer_axis_must_be_0_or_1(tmp_path):
    with pytest.raises(UserError, match="layer_axis must be 0 or 1, got 2"):
        load_features(tmp_path / "x.npy", layer_axis=2)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_npz_keeps_its_order_and_passes_over_labels(tmp_path, save):
    save(tmp_path / "x.npz", z=X[0], labels=np.arange(6), a=X[1], step=np.int64(3), stack=X[:2])
    layers = load_features(tmp_path / "x.npz")
    assert [name for name, _ in layers] == ["z", "a", "stack[0]", "stack[1]"]
    np.testing.assert_array_equal(layers[1][1], X[1])


def test_safetensors_in_natural_order(tmp_path):
    save_numpy({f"layer_{i}": X[0] + i for i in (10, 9, 2, 1)}, tmp_path / "x.safetensors")
    layers = load_features(tmp_path / "x.safetensors")
    assert [name for name, _ in layers] == ["layer_1", "layer_2", "layer_9", "layer_10"]
    np.testing.assert_array_equal(layers[3][1], X[0] + 10)


def test_safetensors_bfloat16_stays_a_tensor(tmp_path):
    tensors = {"a": torch.tensor(X[0]).bfloat16(), "b": torch.tensor(X[1])}
    save_torch(tensors, tmp_path / "x.safetensors")
    (_, a), (_, b) = load_features(tmp_path / "x.safetensors")
    assert a.dtype == torch.bfloat16
    assert torch.equal(a, tensors["a"])
    assert isinstance(b, np.ndarray)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (torch.tensor(X[0]), ["x"]),
        (torch.tensor(X), ["x[0]", "x[1]", "x[2]"]),
        ([torch.tensor(X[0]), torch.tensor(X[1])], ["x[0]", "x[1]"]),
        ({"late": torch.tensor(X[1]), "early": torch.tensor(X[0])}, ["late", "early"]),
        ({"feats": torch.tensor(X[0]), "n": 6, "labels": torch.arange(6)}, ["feats"]),
        ({2: torch.tensor(X[0]).requires_grad_()}, ["2"]),
        (torch.tensor(X[0]).T.contiguous().T, ["x"]),
    ],
)
@pytest.mark.parametrize("zipped", [True, False])
def test_pt(tmp_path, content, expected, zipped):
    torch.save(content, tmp_path / "x.pt", _use_new_zipfile_serialization=zipped)
    layers = load_features(tmp_path / "x.pt")
    assert [name for name, _ in layers] == expected
    assert all(isinstance(array, np.ndarray) for _, array in layers)


@pytest.mark.parametrize("layer_axis", [0, 1])
@pytest.mark.parametrize("listed", [True, False])
def test_pt_of_platonic_rep(tmp_path, listed, layer_axis):
    """Samples x layers x features under "feats", or a list of layers, beside what is no layer."""
    feats = torch.tensor(X).permute(1, 0, 2).contiguous()
    content = {
        "feats": list(torch.tensor(X)) if listed else feats,
        "num_params": 22_000_000,
        "mask": torch.ones(6, 9, dtype=torch.int64),
        "loss": torch.rand(6),
        "bpb": torch.rand(6),
    }
    torch.save(content, tmp_path / "x.pt")
    layers = load_features(tmp_path / "x.pt", layer_axis=layer_axis)
    assert [name for name, _ in layers] == ["feats[0]", "feats[1]", "feats[2]"]
    for (_, found), expected in zip(layers, X, strict=True):
        np.testing.assert_array_equal(found, expected)


def test_pt_named_feats_is_a_stack_of_layers(tmp_path):
    torch.save(torch.tensor(X), tmp_path / "feats.pt")
    assert names(tmp_path / "feats.pt") == ["feats[0]", "feats[1]", "feats[2]"]


@pytest.mark.parametrize("feats", [3, "x", [3], []])
def test_pt_of_platonic_rep_without_features(tmp_path, feats):
    torch.save({"feats": feats, "mask": torch.ones(6, 9)}, tmp_path / "x.pt")
    with pytest.raises(UserError, match=r"x.pt holds no features"):
        load_features(tmp_path / "x.pt")


def test_pt_bfloat16_stays_a_tensor(tmp_path):
    torch.save(torch.tensor(X[0]).bfloat16(), tmp_path / "x.pt")
    ((_, array),) = load_features(tmp_path / "x.pt")
    assert array.dtype == torch.bfloat16


def test_suffix_in_capitals(tmp_path):
    with open(tmp_path / "X.NPY", "wb") as stream:
        np.save(stream, X[0])
    assert names(tmp_path / "X.NPY") == ["X"]


@pytest.mark.parametrize("name", ["x.pkl", "x.csv", "x", "x.npy.gz"])
def test_unknown_suffix(tmp_path, name):
    (tmp_path / name).touch()
    with pytest.raises(
        UserError, match=r"features are read from \.npy, \.npz, \.safetensors, \.pt"
    ):
        load_features(tmp_path / name)


@pytest.mark.parametrize("suffix", ["npy", "npz", "safetensors", "pt", "of"])
def test_missing_file_and_directory(tmp_path, suffix):
    with pytest.raises(UserError, match=f"none.{suffix} does not exist"):
        load_features(tmp_path / f"none.{suffix}")
    (tmp_path / f"x.{suffix}").mkdir()
    with pytest.raises(UserError, match=f"x.{suffix} is a directory"):
        load_features(tmp_path / f"x.{suffix}")
