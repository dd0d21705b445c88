"""Pickles made by hand: those that would run code, that claim too much, that Python 2 wrote."""

from __future__ import annotations

import pickle
import struct
from typing import Any

import numpy as np


class Calls:
    """Pickles as a call: ``pickle.loads(pickle.dumps(Calls(f, 1)))`` returns ``f(1)``."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.call = (function, arguments)

    def __reduce__(self):
        return self.call


def named(module: str, attribute: str, *rest: bytes, stack: bool = False) -> bytes:
    """A protocol-4 pickle that pushes module.attribute, then ``rest``, and stops."""
    if stack:
        name = text(module) + text(attribute) + pickle.STACK_GLOBAL
    else:
        name = pickle.GLOBAL + f"{module}\n{attribute}\n".encode()
    return pickle.PROTO + b"\x04" + name + b"".join(rest) + pickle.STOP


def program(*instructions: bytes) -> bytes:
    return pickle.PROTO + b"\x04" + b"".join(instructions) + pickle.STOP


def text(value: str) -> bytes:
    raw = value.encode()
    return pickle.BINUNICODE + struct.pack("<I", len(raw)) + raw


def integer(value: int) -> bytes:
    return pickle.LONG1 + b"\x09" + value.to_bytes(9, "little", signed=True)


def array_program(
    shape: list[int], code: str = "f8", data: bytes = b"", dtype_state: bytes | None = None
) -> bytes:
    """The pickle of an array with any shape, type code and bytes, matching or not."""
    if dtype_state is None:
        dtype_state = (
            pickle.MARK + b"K\x03" + text("<") + b"NNN" + integer(-1) * 2 + b"K\x00" + pickle.TUPLE
        )
    build = pickle.BUILD if dtype_state else b""
    return program(
        pickle.GLOBAL + b"numpy.core.multiarray\n_reconstruct\n",
        pickle.GLOBAL + b"numpy\nndarray\n" + b"K\x00" + pickle.TUPLE1 + b"C\x01b",
        pickle.TUPLE3 + pickle.REDUCE,
        pickle.MARK + b"K\x01" + pickle.MARK + b"".join(map(integer, shape)) + pickle.TUPLE,
        pickle.GLOBAL + b"numpy\ndtype\n" + text(code) + b"\x89\x88" + pickle.TUPLE3,
        pickle.REDUCE + dtype_state + build,
        pickle.NEWFALSE + pickle.BINBYTES + struct.pack("<I", len(data)) + data,
        pickle.TUPLE + pickle.BUILD,
    )


def python2_pickle(content: dict[str, np.ndarray]) -> bytes:
    """What Python 2.7 with numpy 1.16 writes for a dictionary of arrays, in protocol 2."""

    def string(raw: bytes) -> bytes:
        if len(raw) < 256:
            return pickle.SHORT_BINSTRING + bytes([len(raw)]) + raw
        return pickle.BINSTRING + struct.pack("<i", len(raw)) + raw

    def array(value: np.ndarray) -> bytes:
        kind = value.dtype.kind
        code = f"{kind}{value.dtype.itemsize}".encode()
        order = b"|" if kind == "S" else b"<"
        size = value.dtype.itemsize if kind == "S" else -1
        return b"".join(
            [
                pickle.GLOBAL + b"numpy.core.multiarray\n_reconstruct\n",
                pickle.GLOBAL + b"numpy\nndarray\n" + b"K\x00" + pickle.TUPLE1 + string(b"b"),
                pickle.TUPLE3 + pickle.REDUCE + pickle.MARK + b"K\x01" + pickle.MARK,
                b"".join(pickle.BININT + struct.pack("<i", size) for size in value.shape),
                pickle.TUPLE,
                pickle.GLOBAL + b"numpy\ndtype\n" + string(code) + b"K\x00K\x01" + pickle.TUPLE3,
                pickle.REDUCE + pickle.MARK + b"K\x03" + string(order) + b"NNN",
                pickle.BININT + struct.pack("<i", size),
                pickle.BININT + struct.pack("<i", 1 if kind == "S" else -1),
                b"K\x00" + pickle.TUPLE + pickle.BUILD,
                pickle.NEWFALSE + string(value.tobytes()) + pickle.TUPLE + pickle.BUILD,
            ]
        )

    items = b"".join(string(key.encode()) + array(value) for key, value in content.items())
    dictionary = pickle.EMPTY_DICT + b"q\x00" + pickle.MARK + items + pickle.SETITEMS
    return pickle.PROTO + b"\x02" + dictionary + pickle.STOP


def size_of(instruction: bytes, length_bytes: int, value: int) -> bytes:
    return instruction + value.to_bytes(length_bytes, "little")


def bombs() -> dict[str, bytes]:
    """Files of about a kilobyte that claim gigabytes and more."""
    huge = 1 << 60
    doubled = [pickle.EMPTY_LIST + pickle.MEMOIZE]
    for index in range(60):
        again = b"h" + bytes([index])
        doubled.append(pickle.EMPTY_LIST + pickle.MEMOIZE + b"(" + again * 8 + pickle.APPENDS)
    deep_key = pickle.EMPTY_DICT + b")" + pickle.TUPLE1 * 900 + b"N" + pickle.SETITEM
    return {
        "bytes": program(size_of(pickle.BINBYTES8, 8, huge)),
        "bytearray": program(size_of(pickle.BYTEARRAY8, 8, huge)),
        "text": program(size_of(pickle.BINUNICODE8, 8, huge)),
        "string": program(size_of(pickle.BINSTRING, 4, (1 << 31) - 1)),
        "frame": program(size_of(pickle.FRAME, 8, huge)),
        "integer": program(size_of(pickle.LONG4, 4, (1 << 31) - 1)),
        "array shape": array_program([1 << 40]),
        "array shapes": array_program([1 << 20] * 3),
        "array product beyond 64 bits": array_program([1 << 32, 1 << 32, 1 << 32], "u1"),
        "empty array": array_program([0, 1 << 62, 1 << 62]),
        "negative shape": array_program([-1, -8], data=bytes(64)),
        "text array": array_program([1 << 40], "U999999"),
        "no width": array_program([1 << 40], "S0"),
        "sub-arrays": array_program([1], "V8"),
        "objects": array_program([1 << 40], "O8"),
        "doubling": program(*doubled),
        "nesting": program(pickle.EMPTY_LIST * 500, pickle.APPEND * 499),
        "nested key": program(deep_key),
    }


def shared(count: int) -> dict[str, bytes]:
    """Files of up to a megabyte that recall one large value ``count`` times."""
    size, items = 1_000_000, 250_000

    def kept(value: bytes) -> bytes:
        return value + pickle.MEMOIZE

    def array_of(code: str, count: int = size) -> bytes:
        # Recalls the value 0, the list of all arrays being under it.
        whole = array_program([count], code)
        own = whole[2:-1].replace(pickle.BINBYTES + bytes(4), b"h\x00")
        return own + pickle.APPEND

    def encoded() -> bytes:
        arguments = b"h\x00" + text("latin1") + pickle.TUPLE2
        return pickle.GLOBAL + b"_codecs\nencode\n" + arguments + pickle.REDUCE + pickle.APPEND

    values = {
        "text": (kept(text("a" * size)), array_of("u1")),
        "list": (kept(pickle.EMPTY_LIST + b"(" + b"N" * items + b"e"), array_of("O", items)),
        "booleans": (kept(size_of(pickle.BINBYTES, 4, size) + bytes(size)), array_of("b1")),
        "encoded text": (kept(text("a" * size)), encoded()),
    }
    return {
        name: program(pickle.EMPTY_LIST + value + pickle.APPEND + again * count)
        for name, (value, again) in values.items()
    }


def shared_at_every_level(levels: int, times: int) -> bytes:
    """A list of lists, each of which holds the one before it ``times`` times."""

    def keep(index: int) -> bytes:
        return pickle.LONG_BINPUT + struct.pack("<I", index) + pickle.APPEND

    def recall(index: int) -> bytes:
        return pickle.LONG_BINGET + struct.pack("<I", index)

    lists = [pickle.EMPTY_LIST + keep(0)]
    for index in range(1, levels):
        lists.append(
            pickle.EMPTY_LIST + b"(" + recall(index - 1) * times + pickle.APPENDS + keep(index)
        )
    return program(pickle.EMPTY_LIST, *lists)
