"""Feature files that are damaged, hostile or hold something else."""

from __future__ import annotations

import io
import json
import struct
import warnings
import zipfile

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file as save_numpy
from safetensors.torch import save_file as save_torch

from mmalign.data.features import load_features
from mmalign.errors import UserError

X = np.random.default_rng(0).normal(size=(3, 6, 4)).astype(np.float32)


class Bomb:
    def __reduce__(self):
        return (exec, ("raise SystemExit('executed')",))


def valid_file(tmp_path, suffix: str):
    path = tmp_path / f"x.{suffix}"
    if suffix == "npy":
        np.save(path, X[0])
    elif suffix == "npz":
        np.savez_compressed(path, a=X[0], b=X[1])
    elif suffix == "safetensors":
        save_numpy({"a": X[0], "b": X[1]}, path)
    else:
        torch.save({"a": torch.tensor(X[0]), "b": torch.tensor(X[1])}, path)
    return path


@pytest.mark.parametrize("suffix", ["npy", "npz", "safetensors", "pt"])
def test_any_truncation_is_an_error_that_names_the_file(tmp_path, suffix):
    path = valid_file(tmp_path, suffix)
    content = path.read_bytes()
    for keep in {0, 1, 7, *range(8, len(content) - 1, max(1, len(content) // 40))}:
        path.write_bytes(content[:keep])
        with pytest.raises(UserError, match=f"x.{suffix}") as caught:
            load_features(path)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("suffix", ["npy", "npz", "safetensors", "pt"])
def test_any_damage_is_read_or_an_error_that_names_the_file(tmp_path, suffix):
    path = valid_file(tmp_path, suffix)
    content = path.read_bytes()
    generator = np.random.default_rng(0)
    sentences = []
    for _ in range(300):
        damaged = bytearray(content)
        for position in generator.integers(0, len(content), 3):
            damaged[position] = generator.integers(0, 256)
        path.write_bytes(damaged)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                load_features(path)
            except UserError as error:
                sentences.append(str(error))
    assert sentences
    for sentence in sentences:
        assert f"x.{suffix}" in sentence
        assert "\n" not in sentence


@pytest.mark.parametrize(
    "content", [Bomb(), [Bomb()], {"a": torch.zeros(6, 4), "b": Bomb()}, np.zeros((6, 4)), X.dtype]
)
def test_pt_with_more_than_tensors_is_refused(tmp_path, content):
    torch.save(content, tmp_path / "x.pt")
    with pytest.raises(UserError, match=r"x.pt is damaged or holds more than tensors"):
        load_features(tmp_path / "x.pt")


@pytest.mark.parametrize("suffix", ["npy", "npz"])
def test_python_objects_are_refused(tmp_path, suffix):
    array = np.array([[Bomb()] * 4] * 6, dtype=object)
    path = tmp_path / f"x.{suffix}"
    if suffix == "npy":
        np.save(path, array, allow_pickle=True)
    else:
        np.savez(path, a=X[0], b=array)
    with pytest.raises(UserError, match=f"x.{suffix} "):
        load_features(path)


def header(shape: tuple[int, ...]) -> bytes:
    text = str({"descr": "<f8", "fortran_order": False, "shape": shape}).encode()
    text += b" " * (118 - len(text) - 1) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text


def test_claims_of_terabytes_allocate_nothing(tmp_path):
    content = header((10**12, 4)) + bytes(320)
    (tmp_path / "x.npy").write_bytes(content)
    with pytest.raises(UserError, match=r"x.npy .* is truncated"):
        load_features(tmp_path / "x.npy")
    with zipfile.ZipFile(tmp_path / "x.npz", "w") as archive:
        archive.writestr("a.npy", content)
    with pytest.raises(UserError, match=r"a\.npy claims 32000000000000 bytes, the archive has 448"):
        load_features(tmp_path / "x.npz")
    claim = {"dtype": "F32", "shape": [10**12, 4], "data_offsets": [0, 16 * 10**12]}
    meta = json.dumps({"a": claim}).encode()
    (tmp_path / "x.safetensors").write_bytes(struct.pack("<Q", len(meta)) + meta + bytes(99))
    with pytest.raises(UserError, match=r"x\.safetensors is truncated"):
        load_features(tmp_path / "x.safetensors")


@pytest.mark.parametrize("shape", [(-1, 4), (2**63, 2**63), (6, -4)])
def test_impossible_shapes(tmp_path, shape):
    (tmp_path / "x.npy").write_bytes(header(shape) + bytes(320))
    with pytest.raises(UserError, match=r"x.npy"):
        load_features(tmp_path / "x.npy")


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros(6), r"x.npy holds no features: no array of two dimensions"),
        (np.float64(3), "holds no features"),
        (np.zeros((2, 3, 4, 5)), r"x has 4 dimensions, shape \(2, 3, 4, 5\); expected two"),
        (np.zeros((6, 4), dtype=complex), "x holds complex128; expected real numbers"),
        (np.array([["a", "b"]]), "x holds <U1; expected real numbers"),
        (np.zeros((6, 4), dtype="M8[s]"), "x holds datetime64"),
        (np.zeros((6, 2), dtype=[("a", "f4")]), "x holds .*'a'"),
        (np.zeros((0, 4)), r"x is empty, shape \(0, 4\)"),
        (np.zeros((6, 0)), r"x is empty, shape \(6, 0\)"),
    ],
)
def test_arrays_that_are_no_features(tmp_path, array, message):
    np.save(tmp_path / "x.npy", array)
    with pytest.raises(UserError, match=message):
        load_features(tmp_path / "x.npy")


def test_layers_of_different_samples(tmp_path):
    np.savez(tmp_path / "x.npz", a=X[0], b=X[1][:5])
    with pytest.raises(UserError, match=r"x.npz has 6 samples in a \(6, 4\) but 5 in b \(5, 4\)"):
        load_features(tmp_path / "x.npz")


def test_npz_with_other_entries(tmp_path):
    np.savez(tmp_path / "x.npz", a=X[0])
    with zipfile.ZipFile(tmp_path / "x.npz", "a") as archive:
        archive.writestr("readme.txt", "hello")
    with pytest.raises(UserError, match=r"x.npz is damaged .*'readme.txt' is not an array"):
        load_features(tmp_path / "x.npz")


def test_npz_renamed_to_npy(tmp_path):
    buffer = io.BytesIO()
    np.savez(buffer, a=X[0])
    (tmp_path / "x.npy").write_bytes(buffer.getvalue())
    with pytest.raises(UserError, match=r"x.npy .* not a \.npy"):
        load_features(tmp_path / "x.npy")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (torch.zeros(6, 4).to_sparse(), "is a torch.sparse_coo tensor of torch.float32"),
        (torch.zeros(6, 4, dtype=torch.complex64), "holds complex64"),
        ("a word", "holds a str; expected a tensor, or a list or dictionary"),
        ({}, "holds no features"),
        ([[torch.zeros(6, 4)]], "holds no features"),
    ],
)
def test_pt_without_features(tmp_path, content, message):
    torch.save(content, tmp_path / "x.pt")
    with pytest.raises(UserError, match=message):
        load_features(tmp_path / "x.pt")


def test_safetensors_of_a_type_nobody_measures(tmp_path):
    save_torch({"a": torch.zeros(6, 4).to(torch.float8_e4m3fn)}, tmp_path / "x.safetensors")
    with pytest.raises(UserError, match=r"x.safetensors"):
        load_features(tmp_path / "x.safetensors")
