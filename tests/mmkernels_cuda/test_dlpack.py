"""What the module reads of DLPack's capsules: types, strides, offsets, versions, ownership."""

from __future__ import annotations

import gc
import sys

import numpy as np
import pytest

from .devices import ShimArray, fields_of, relabelled

TYPES = [
    *("float16", "bfloat16", "float32", "float64", "bool"),
    *(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)),
]


@pytest.fixture
def first_zero_row(shim_module):
    """Reads all values of an array: -1 for no row of zeros."""

    def read(array):
        size = shim_module.row_status_workspace(array, True)
        memory = np.full(size + 256, 0xFF, np.uint8)
        address = memory.ctypes.data + -memory.ctypes.data % 256
        nonfinite, zero, overflows = shim_module.row_status(array, True, address, 0)
        assert (nonfinite, overflows) == (-1, -1)
        return zero

    return read


def capsule_of(values, **options):
    return ShimArray(values).__dlpack__(**options)


def with_zero_row(row, dtype="float32", shape=(40, 6)):
    values = np.ones(shape, dtype)
    values[row] = 0
    return values


@pytest.mark.parametrize("name", TYPES)
@pytest.mark.parametrize("options", [{}, {"max_version": (1, 0)}], ids=["0.x", "1.x"])
def test_types(name, options, shim_module, first_zero_row):
    values = with_zero_row(17, "uint16" if name == "bfloat16" else name)
    if name == "bfloat16":
        values *= 0x3F80
    array = shim_module.Array(ShimArray(values, 3, name).__dlpack__(**options))
    assert (array.type, array.shape, array.device) == (name, (40, 6), 3)
    assert array.pointer == values.ctypes.data
    assert first_zero_row(array) == 17


def views():
    wide = np.ones((80, 18), np.float32)
    wide[34, ::3] = 0
    return {
        "fortran": np.asfortranarray(with_zero_row(17)),
        "transposed": with_zero_row((slice(None), 17), shape=(6, 40)).T,
        "strided": wide[::2, ::3],
        "rows backwards": with_zero_row(22)[::-1],
        "columns backwards": with_zero_row(17)[:, ::-1],
        "both, with an offset": with_zero_row(24, shape=(43, 9))[41:1:-1, 7:1:-1],
        "one column": with_zero_row(17, shape=(40, 1)),
        "a column of many": with_zero_row(17)[:, 3:4],
    }


@pytest.mark.parametrize("name", views())
@pytest.mark.parametrize("options", [{}, {"max_version": (1, 0)}], ids=["0.x", "1.x"])
def test_layouts(name, options, shim_module, first_zero_row):
    view = views()[name]
    array = shim_module.Array(capsule_of(view, **options))
    assert array.shape == view.shape
    assert array.pointer == view.ctypes.data
    assert first_zero_row(array) == 17


def test_no_strides_are_those_of_a_compact_array(shim_module, first_zero_row):
    values = with_zero_row(17)
    capsule = capsule_of(values)
    fields_of(capsule).strides = None
    assert first_zero_row(shim_module.Array(capsule)) == 17


def test_byte_offsets_are_added(shim_module, first_zero_row):
    values = with_zero_row(17)
    capsule = capsule_of(values[:36])
    fields_of(capsule).byte_offset = 4 * values.strides[0]
    array = shim_module.Array(capsule)
    assert array.pointer == values[4:].ctypes.data
    assert first_zero_row(array) == 13


def test_read_only_arrays(shim_module, first_zero_row):
    values = with_zero_row(17)
    values.flags.writeable = False
    assert first_zero_row(shim_module.Array(capsule_of(values, max_version=(1, 0)))) == 17


def test_managed_memory(shim_module):
    capsule = capsule_of(with_zero_row(1))
    fields_of(capsule).device_type = 13
    assert shim_module.Array(capsule).shape == (40, 6)


def test_a_capsule_is_consumed_once(shim_module):
    for options in ({}, {"max_version": (1, 0)}):
        capsule = capsule_of(with_zero_row(1), **options)
        kept = shim_module.Array(capsule)
        with pytest.raises(ValueError, match="It is no DLPack capsule, or one that has been consu"):
            shim_module.Array(capsule)
        assert kept.shape == (40, 6)
    with pytest.raises(TypeError):
        shim_module.Array(with_zero_row(1))


@pytest.mark.parametrize("options", [{}, {"max_version": (1, 0)}], ids=["0.x", "1.x"])
def test_memory_is_held_and_given_back(options, shim_module):
    values = with_zero_row(1)
    before = sys.getrefcount(values)
    array = shim_module.Array(capsule_of(values, **options))
    gc.collect()
    assert sys.getrefcount(values) > before
    del array
    gc.collect()
    assert sys.getrefcount(values) == before


def test_memory_is_given_back_where_an_array_is_refused(shim_module):
    values = with_zero_row(1)
    before = sys.getrefcount(values)
    capsule = values.__dlpack__()  # of host memory
    with pytest.raises(
        BufferError, match="It is not in CUDA memory, but on DLPack's device type 1"
    ):
        shim_module.Array(capsule)
    del capsule
    gc.collect()
    assert sys.getrefcount(values) == before


def test_a_later_major_version_is_refused(shim_module):
    import ctypes

    values = with_zero_row(1)
    capsule = capsule_of(values, max_version=(1, 0))
    ctypes.c_uint32.from_address(ctypes.addressof(fields_of(capsule)) - 40).value = 2
    with pytest.raises(BufferError, match=r"It speaks DLPack 2\.x; version 1 was asked for"):
        shim_module.Array(capsule)


def test_other_types_have_a_name_and_no_values(shim_module):
    for dtype in ("complex64", "complex128"):
        array = shim_module.Array(capsule_of(with_zero_row(1, dtype)))
        assert array.type == dtype
        with pytest.raises(ValueError, match="two-dimensional array of real numbers"):
            shim_module.row_status_workspace(array, True)
    capsule = capsule_of(with_zero_row(1))
    fields_of(capsule).lanes = 4
    assert shim_module.Array(capsule).type == "DLPack type 2 of 32 bits in vectors of 4"


def test_other_shapes_have_no_values(shim_module):
    for shape in ((), (4,), (2, 3, 4)):
        array = shim_module.Array(capsule_of(np.ones(shape, np.float32)))
        assert array.shape == shape
        with pytest.raises(ValueError, match="two-dimensional"):
            shim_module.row_status_workspace(array, True)


def test_values_must_be_aligned(shim_module):
    values = np.ones((3, 4), np.float32)
    capsule = relabelled(values.__dlpack__(), 0, "float32")
    fields_of(capsule).byte_offset = 2
    with pytest.raises(ValueError, match="not aligned to their size"):
        shim_module.row_status_workspace(shim_module.Array(capsule), True)


def test_workspace_must_be_aligned(shim_module):
    array = shim_module.Array(capsule_of(with_zero_row(1)))
    for address in (0, 128, 4097):
        with pytest.raises(ValueError, match="aligned to 256 bytes"):
            shim_module.row_status(array, True, address, 0)
