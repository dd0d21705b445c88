from __future__ import annotations

import pickle

import numpy as np
import pytest

from mmalign.data.safe_pickle import read_pickle
from mmalign.errors import UserError

from .hostile_pickles import (
    array_program,
    program,
    python2_pickle,
)


@pytest.fixture
def read(tmp_path):
    """Read bytes as a pickle in a file."""

    def read_bytes(content: bytes):
        path = tmp_path / "data.pkl"
        path.write_bytes(content)
        return read_pickle(path)

    return read_bytes


def same(found, expected) -> bool:
    """Equal, with the same types and dtypes all the way down."""
    if isinstance(expected, np.ndarray):
        return (
            isinstance(found, np.ndarray)
            and found.dtype == expected.dtype
            and found.shape == expected.shape
            and all(map(same, found.ravel().tolist(), expected.ravel().tolist()))
        )
    if isinstance(expected, dict):
        return list(found) == list(expected) and all(same(found[k], expected[k]) for k in expected)
    if isinstance(expected, (list, tuple)):
        return len(found) == len(expected) and all(map(same, found, expected))
    return type(found) is type(expected) and (found == expected or found != found)


generator = np.random.default_rng(0)
PLAIN = {
    "scalars": [None, True, False, 0, 255, 65536, -1, 2**40, -(2**70), 0.5, float("nan")],
    "texts": ["", "a", "ä" * 300, b"", b"\x00\xff", "x" * 70000],
    "containers": {"a": [1, (), (2,), (1, 2), (1, 2, 3), (1, 2, 3, 4)], "b": {}, 3: {None: []}},
    "long list": list(range(3000)),
    "shared": (lambda part: [part, part, {"again": part}])([1, 2]),
}
ARRAYS = {
    dtype: (np.arange(12).reshape(3, 4) % 2).astype(dtype)
    for dtype in ("?", "i1", "u2", "<i4", ">i8", "<f2", "<f4", ">f4", "<f8", ">f8", "<U3", ">U3")
} | {
    "S": np.array([b"one", b"three"]),
    "fortran": np.asfortranarray(generator.normal(size=(3, 4, 5))),
    "strided": generator.normal(size=(8, 6))[::2, ::3],
    "scalar array": np.array(1.5),
    "empty": np.empty((0, 50, 3), np.float32),
    "large": generator.normal(size=(60, 50)),
    "objects": np.array([["a", 1], [None, b"c"]], dtype=object),
    "objects of Fortran": np.asfortranarray(np.array([["a", 1], [None, b"c"]], dtype=object)),
    "axes in another order": generator.normal(size=(3, 4, 5)).transpose(1, 0, 2),
    "arrays of arrays": np.array([np.arange(3), np.arange(2)], dtype=object),
}


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("value", [*PLAIN.values(), *ARRAYS.values()], ids=[*PLAIN, *ARRAYS])
def test_reads_what_pickle_reads(read, value, protocol):
    assert same(read(pickle.dumps(value, protocol=protocol)), value)


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_numpy_scalars_become_python_numbers(read, protocol):
    values = [np.float32(0.5), np.int64(-3), np.bool_(True), np.str_("a"), np.bytes_(b"b")]
    found = read(pickle.dumps(values, protocol=protocol))
    assert same(found, [0.5, -3, True, "a", b"b"])


def test_arrays_are_read_only_views_of_the_file(read):
    found = read(pickle.dumps(ARRAYS["large"]))
    assert not found.flags.writeable
    assert not found.flags.owndata


def test_long_bytes_are_a_view_of_the_file(read):
    found = read(pickle.dumps({"raw": bytes(1000)}))["raw"]
    assert isinstance(found, memoryview)
    assert found.readonly
    assert bytes(found) == bytes(1000)


def test_one_array_under_two_names_is_one_array(read):
    found = read(pickle.dumps((ARRAYS["large"], ARRAYS["large"])))
    assert found[0] is found[1]


def test_names_of_old_and_new_numpy(read):
    content = pickle.dumps(ARRAYS["large"], protocol=2)
    assert b"numpy._core.multiarray" in content
    old = content.replace(b"numpy._core.multiarray", b"numpy.core.multiarray")
    assert same(read(old), ARRAYS["large"])


def test_pickles_of_python_2(read):
    arrays = {
        "vision": generator.normal(size=(4, 5, 20)).astype(np.float32),
        "labels": np.arange(4.0).reshape(4, 1),
        "id": np.array([b"a", b"bcd"]),
    }
    content = python2_pickle(arrays)
    expected = pickle.loads(content, encoding="latin1")
    assert same(expected, arrays)
    assert same(read(content), arrays)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"data.pkl \(0 bytes\) is truncated, damaged or not a pickle: byte 0 begins 1"),
        (b"\x93NUMPY\x01\x00", "takes a value that is not there"),
        (b"PK\x03\x04" + bytes(300), "PERSID"),
        (b"\x80\x07N.", "it is of protocol 7"),
        (b"\xff", "no instruction"),
        (program(b"\x8c\x01\xff"), "a text is not UTF-8"),
        (program(b"h\x05"), "recalls value 5"),
        (program(b"cos"), "a name at byte 3 does not end"),
        (program(b"K\x01K\x02\x93"), "names something that is not text"),
        (program(b"a"), "takes a value"),
        (program(b"t"), "takes values"),
        (program(b"NNa"), "fills a NoneType"),
        (program(b"}(Nu"), "a key without a value"),
        (array_program([2], "f8", bytes(15)), r"shape \(2,\) .* takes 16 bytes, but has 15"),
        (array_program([1, 1], "?1", bytes(8)), "the numpy type"),
        (array_program([2], "b1", b"\x00\x02"), "booleans has other values"),
        (array_program([1], "U1", b"\xff\xff\xff\xff"), "no characters"),
        (array_program([1] * 40, "f8", bytes(8)), "claims the shape"),
        (array_program([1], "f8", bytes(8), b"N"), "the state of numpy.dtype 'f8' is a NoneType"),
        (array_program([1], "f8", bytes(8), b"N\x85"), "has an unknown state"),
    ],
)
def test_damage_is_told(read, content, message):
    with pytest.raises(UserError, match=message):
        read(content)


def test_missing_file_and_directory(tmp_path):
    with pytest.raises(UserError, match=r"none.pkl does not exist"):
        read_pickle(tmp_path / "none.pkl")
    with pytest.raises(UserError, match=r"is a directory; expected a file"):
        read_pickle(tmp_path)


SMALL = {
    "train": {"text": np.arange(6, dtype=np.float32).reshape(1, 2, 3), "id": np.array(["a"])},
    "valid": [1.5, None, True, b"raw", 300],
    "objects": np.array(["a", 1], dtype=object),
}


@pytest.mark.parametrize("protocol", [2, 4])
def test_truncated_at_every_byte(read, protocol):
    content = pickle.dumps(SMALL, protocol=protocol)
    assert same(read(content), SMALL)
    for length in range(len(content)):
        with pytest.raises(UserError, match=r"is truncated, damaged or not a pickle"):
            read(content[:length])


@pytest.mark.parametrize("protocol", [2, 5])
def test_any_byte_changed(read, protocol):
    content = pickle.dumps(SMALL, protocol=protocol)
    refused = 0
    for position in range(len(content)):
        changed = bytearray(content)
        changed[position] ^= (0x01, 0x20, 0x80, 0xFF)[position % 4]
        try:
            read(bytes(changed))
        except UserError:
            refused += 1
    assert len(content) / 4 < refused < len(content)


def test_the_axes_of_a_transposed_array_are_checked(read):
    whole = pickle.dumps(np.zeros((2, 3, 4)).transpose(1, 0, 2), protocol=5)
    axes = b"K\x01K\x00K\x02\x87"
    if axes not in whole:
        pytest.skip("numpy before 2.3 makes a copy of such an array")
    for other in (b"K\x01K\x01K\x02\x87", b"K\x01K\x00K\x03\x87"):
        with pytest.raises(UserError, match="axes of an array are not those of its shape"):
            read(whole.replace(axes, other))


def test_byte_order_in_the_code_of_a_dtype(read):
    data = np.arange(3, dtype=">i4")
    content = array_program([3], ">i4", data.tobytes(), dtype_state=b"")
    assert read(content).tolist() == [0, 1, 2]
