"""Safetensors files: mapped, not read; headers that lie are refused by name."""

from __future__ import annotations

import json
import struct

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file as save_numpy
from safetensors.torch import save_file as save_torch

from mmalign.data.features import load_features
from mmalign.data.safetensors_file import read_feature_header
from mmalign.errors import UserError

X = np.random.default_rng(0).normal(size=(6, 4)).astype(np.float32)


def entry(begin: int, end: int, dtype: str = "F32", shape=(6, 4)) -> dict:
    return {"dtype": dtype, "shape": list(shape), "data_offsets": [begin, end]}


def write(path, header, data: bytes = bytes(192), length: int | None = None):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text) if length is None else length) + text + data)
    return path


def test_tensors_are_mapped_not_read(tmp_path):
    path = tmp_path / "x.safetensors"
    save_torch({"a": torch.tensor(X), "b": torch.tensor(X).bfloat16()}, path)
    (_, a), (_, b) = load_features(path)
    assert isinstance(a, np.memmap)
    assert not a.flags.writeable
    with open(path, "r+b") as stream:
        content = stream.read()
        stream.seek(content.index(X[:1, :1].tobytes()))
        stream.write(np.float32(7).tobytes())
        stream.seek(content.index(torch.tensor(X).bfloat16().view(torch.int16).numpy().tobytes()))
        stream.write(torch.tensor([5.0]).bfloat16().view(torch.int16).numpy().tobytes())
    assert a[0, 0] == 7
    assert b[0, 0] == 5


def test_writing_to_a_tensor_leaves_the_file_alone(tmp_path):
    path = tmp_path / "x.safetensors"
    save_torch({"a": torch.tensor(X).bfloat16()}, path)
    before = path.read_bytes()
    load_features(path)[0][1].zero_()
    assert path.read_bytes() == before


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "?"])
def test_every_type(tmp_path, dtype):
    values = (3 * X).astype(dtype)
    save_numpy({"a": values}, tmp_path / "x.safetensors")
    ((_, found),) = load_features(tmp_path / "x.safetensors")
    assert found.dtype == values.dtype
    np.testing.assert_array_equal(found, values)


def test_bits_per_byte_are_passed_over(tmp_path):
    save_numpy({"layer_000": X, "bits_per_byte": np.ones(6)}, tmp_path / "x.safetensors")
    assert [name for name, _ in load_features(tmp_path / "x.safetensors")] == ["layer_000"]


def test_a_tensor_between_items_is_copied(tmp_path):
    data = b"\x01" + X.tobytes()
    header = {"odd": entry(0, 1, "U8", [1]), "a": entry(1, 97)}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    ((_, found),) = load_features(write(tmp_path / "x.safetensors", text, data))
    assert found.flags.aligned
    np.testing.assert_array_equal(found, X)


HOSTILE = [
    (b"", "not a safetensors file"),
    (b"[]", "its header is not a JSON object"),
    (b"{" * 100_000, "not a safetensors file"),
    (b"\xff\xfe", "not a safetensors file"),
    (b'{"a":' + b"9" * 5000 + b"}", "not a safetensors file"),
    ({"a": 3}, "'a' is not described by dtype, shape and data_offsets"),
    ({"a": {**entry(0, 192), "code": "x"}}, "'a' is not described by"),
    ({"a": entry(0, 96), "b": entry(48, 144)}, r"'b' claims bytes 48 to 144 of 192, where 96 is"),
    ({"a": entry(0, 96), "b": entry(0, 96)}, r"'b' claims bytes 0 to 96 of 192"),
    ({"a": entry(96, 192)}, "'a' claims bytes 96 to 192 of 192, where 0 is next"),
    ({"a": entry(0, 96)}, "its tensors take 96 bytes of 192"),
    ({"a": entry(0, 96), "b": entry(96, 200)}, r"'b' of shape \[6, 4\] takes 96 bytes, not"),
    ({"a": entry(0, 96), "b": entry(96, 288, shape=(12, 4))}, "'b' claims bytes 96 to 288 of 192"),
    ({"a": entry(96, 0)}, r"'a' has the data_offsets \[96, 0\]"),
    ({"a": entry(-96, 0)}, r"'a' has the data_offsets \[-96, 0\]"),
    ({"a": entry(0, 96.0)}, "'a' has the data_offsets"),
    ({"a": entry(False, 96)}, "'a' has the data_offsets"),
    ({"a": {**entry(0, 96), "data_offsets": "09"}}, "'a' has the data_offsets '09'"),
    ({"a": entry(0, 192, "O")}, "'a' is of type 'O'; read are F64"),
    ({"a": entry(0, 192, ["F32"])}, r"'a' is of type \['F32'\]"),
    ({"a": entry(0, 192, shape=(-6, -8))}, r"'a' has the shape \[-6, -8\]"),
    ({"a": entry(0, 192, shape=(6, True))}, r"'a' has the shape \[6, True\]"),
    ({"a": entry(0, 192, shape=[1] * 99)}, "'a' has the shape"),
    ({"a": entry(0, 192, shape=(2**40,))}, "takes 4398046511104 bytes, not those of"),
    ({"a": entry(0, 192, shape=(2**61, 2**61))}, "'a' has the shape"),
    ({"a": entry(0, 0, shape=(0, 2**61)), "b": entry(0, 192)}, "'a' has the shape"),
    ({"a": entry(0, 0, shape=(0, 4)), "b": entry(0, 192, shape=(12, 4))}, "a is empty"),
    (b'{"a":{"dtype":"U8","shape":[192],"data_offsets":[0,192]},"a":1}', "names 'a' twice"),
    (b'{"a":{"dtype":"U8","dtype":"F64","shape":[1],"data_offsets":[0,8]}}', "'dtype' twice"),
    ({"__metadata__": {"mmalign": 3}, "a": entry(0, 192)}, "__metadata__ is not an object of str"),
    ({"__metadata__": [], "a": entry(0, 192)}, "__metadata__ is not an object of strings"),
]


@pytest.mark.parametrize(("header", "message"), HOSTILE)
def test_hostile_headers(tmp_path, header, message):
    path = write(tmp_path / "x.safetensors", header)
    with pytest.raises(UserError, match=message) as caught:
        load_features(path)
    assert "x.safetensors" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("length", [10**6, 2**40, 2**64 - 1])
def test_headers_longer_than_the_file_allocate_nothing(tmp_path, length):
    path = write(tmp_path / "x.safetensors", {"a": entry(0, 192)}, length=length)
    with pytest.raises(UserError, match=f"do not hold a header of {length} bytes"):
        load_features(path)


def test_a_header_of_gigabytes_is_not_read(tmp_path):
    path = write(tmp_path / "x.safetensors", b"{", length=2**31)
    with open(path, "r+b") as stream:
        stream.truncate(2**32)  # a hole: no such bytes are on the disk
    with pytest.raises(UserError, match=f"its header claims {2**31} bytes; at most 100000000"):
        load_features(path)


def test_what_a_file_says_of_itself(tmp_path):
    path = tmp_path / "x.safetensors"
    said = {"format": 1, "model": "vit", "data": {"name": "wit", "sha256": "ab", "n": 6}}
    save_numpy({"layer_000": X}, path, {"mmalign": json.dumps(said)})
    assert read_feature_header(path) == said


@pytest.mark.parametrize("metadata", [None, {"format": "pt"}, {"mmalign": '{"content": {}}'}])
def test_files_of_others_say_nothing(tmp_path, metadata):
    save_numpy({"a": X}, tmp_path / "x.safetensors", metadata)
    assert read_feature_header(tmp_path / "x.safetensors") is None
    np.save(tmp_path / "x.npy", X)
    assert read_feature_header(tmp_path / "x.npy") is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"format": 2}', "is of format 2; this version of mmalign reads format 1"),
        ("{", "is not valid JSON"),
        ("[" * 100_000, "is not valid JSON"),
    ],
)
def test_descriptions_that_cannot_be_read(tmp_path, text, message):
    save_numpy({"a": X}, tmp_path / "x.safetensors", {"mmalign": text})
    with pytest.raises(UserError, match=message):
        read_feature_header(tmp_path / "x.safetensors")
