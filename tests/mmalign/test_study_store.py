"""The store: whole or absent, the same bytes for the same content, damage never trusted."""

from __future__ import annotations

import errno
import os
import subprocess
import sys

import numpy as np
import pytest

from mmalign.errors import UserError
from mmalign.study import CellStore, DamagedCell

META = {"cell": {"kind": "test"}, "score": 0.25, "none": None, "list": [1, 2.5]}


def arrays() -> dict[str, np.ndarray]:
    random = np.random.default_rng(0)
    return {
        "b": random.normal(size=(5, 3)).astype(np.float32),
        "a": random.normal(size=(2, 2)),
        "strided": np.arange(12, dtype=np.int64).reshape(3, 4)[:, ::2],
        "empty": np.zeros((0, 4), dtype=np.float32),
    }


@pytest.fixture
def store(tmp_path) -> CellStore:
    store = CellStore(tmp_path)
    store.prepare()
    store.write("0123", META, arrays())
    return store


def test_round_trip(store):
    assert store.has("0123")
    assert not store.has("4567")
    assert store.read_meta("0123") == META
    back = store.read_arrays("0123")
    assert set(back) == set(arrays())
    for name, array in arrays().items():
        assert back[name].dtype == array.dtype
        assert np.array_equal(back[name], array)


def test_same_content_same_bytes_in_any_process(store, tmp_path):
    """Python's and Rust's hash seeds differ from process to process."""
    code = (
        "import sys, numpy as np; sys.path[:] = eval(sys.argv[2]);"
        "from mmalign.study import CellStore; s = CellStore(sys.argv[1]); m, a = s.read('0123');"
        "s.write('again', dict(reversed(m.items())), dict(reversed(a.items())))"
    )
    for _ in range(2):
        subprocess.run([sys.executable, "-c", code, str(tmp_path), repr(sys.path)], check=True)
        assert store.path("again").read_bytes() == store.path("0123").read_bytes()


def test_a_missing_cell_is_said_so(store):
    with pytest.raises(UserError, match=r"4567\.safetensors does not exist") as caught:
        store.read("4567")
    assert not isinstance(caught.value, DamagedCell)


def test_every_kind_of_damage_is_seen(store):
    path = store.path("0123")
    sound = path.read_bytes()
    damaged = [b"", sound[:4], sound[:-1], sound + b"\0", b"\0" * len(sound), b"{}" * 50]
    random = np.random.default_rng(0)
    for position in random.choice(len(sound), size=150, replace=False):
        flipped = bytearray(sound)
        flipped[position] ^= 1 << random.integers(8)
        damaged.append(bytes(flipped))
    for content in damaged:
        path.write_bytes(content)
        with pytest.raises(DamagedCell, match=r"0123\.safetensors is damaged"):
            store.read("0123")
    path.write_bytes(sound)
    assert store.read_meta("0123") == META


def test_a_file_of_something_else_is_damage(store):
    import safetensors.numpy

    safetensors.numpy.save_file({"x": np.zeros(3)}, store.path("0123"))
    with pytest.raises(DamagedCell, match="does not hold a cell"):
        store.read("0123")


def test_discarding(store):
    assert store.discard_damaged("0123") is None
    assert store.discard_damaged("4567") is None
    store.path("0123").write_bytes(b"half a fi")
    with store.claim("0123") as mine:
        assert mine
        # Somebody is computing it: hands off.
        assert CellStore(store.directory).discard_damaged("0123") is None
    assert store.path("0123").exists()
    assert "damaged" in store.discard_damaged("0123")
    assert not store.has("0123")


def test_a_full_disk_leaves_no_trace(store, monkeypatch):
    def full(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    before = store.path("0123").read_bytes()
    monkeypatch.setattr("mmalign.files.os.fsync", full)
    for cell in ("0123", "new"):
        with pytest.raises(UserError, match=r"cannot be written: No space left on device.*kept"):
            store.write(cell, META, {"x": np.ones(4)})
    assert [path.name for path in store.path("0123").parent.iterdir()] == ["0123.safetensors"]
    assert store.path("0123").read_bytes() == before


def test_claims_exclude_each_other_and_clean_up(store):
    litter = store.path("4567").with_name(".4567.safetensors.abc.partial")
    other = store.path("89ab").with_name(".89ab.safetensors.abc.partial")
    litter.write_bytes(b"half")
    other.write_bytes(b"half")
    with store.claim("4567") as mine:
        assert mine
        assert not litter.exists()
        assert other.exists()
        with CellStore(store.directory).claim("4567") as also:
            assert not also
        with CellStore(store.directory).claim("89ab") as another:
            assert another
    with store.claim("4567") as again:
        assert again


def test_a_place_that_cannot_be_used(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UserError, match="cannot be used for a study"):
        CellStore(tmp_path / "file").prepare()
