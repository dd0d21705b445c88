from __future__ import annotations

import h5py
import numpy as np
import pytest

from mmalign.data.affect import load_affect
from mmalign.data.hdf5 import hdf5_array, hdf5_group, open_hdf5
from mmalign.errors import UserError

from .affect_files import affect_content, write_affect
from .hdf5_files import write_affect_hdf5


@pytest.fixture
def file(tmp_path):
    with h5py.File(tmp_path / "data.h5", "w") as file:
        file.create_group("train")
        yield file


def read(path, group: str, name: str) -> np.ndarray:
    with open_hdf5(path) as file:
        return hdf5_array(hdf5_group(file, group), name)


@pytest.mark.parametrize("name", ["mosi", "sarcasm"])
@pytest.mark.parametrize(
    "options", [{}, {"compression": "gzip", "shuffle": True}, {"compression": "lzf"}]
)
def test_affect_files_are_the_same_in_hdf5(tmp_path, name, options):
    expected = load_affect(write_affect(tmp_path, name), name)
    path = write_affect_hdf5(tmp_path / "data.h5", affect_content(name), **options)
    assert load_affect(path, name).fingerprint == expected.fingerprint


def test_a_directory_may_hold_hdf5(tmp_path):
    (tmp_path / "mosi").mkdir()
    path = write_affect_hdf5(tmp_path / "mosi" / "mosi_data.hdf5", affect_content("mosi"))
    assert load_affect(tmp_path, "mosi").fingerprint == load_affect(path, "mosi").fingerprint


def test_text_ids_and_no_ids(tmp_path):
    path = write_affect_hdf5(tmp_path / "data.h5", affect_content("mosi"))
    expected = load_affect(path, "mosi").fingerprint
    with h5py.File(path, "a") as file:
        del file["train/id"], file["test/id"]
        file["train/id"] = [f"v{i}" for i in range(24)]
    assert load_affect(path, "mosi").fingerprint == expected


def test_faults_are_told_as_those_of_pickles(tmp_path):
    content = affect_content("mosi")
    content["valid"]["vision"][1, 2, 3] = np.nan
    path = write_affect_hdf5(tmp_path / "data.h5", content)
    with pytest.raises(UserError, match=r"data.h5: vision of valid has nan in sample 1, step 2"):
        load_affect(path, "mosi")
    with h5py.File(path, "a") as file:
        del file["valid/vision"]
    with pytest.raises(UserError, match=r"data.h5: valid has no vision; it has audio, id, labels"):
        load_affect(path, "mosi")


def elsewhere(group, tmp_path) -> None:
    with h5py.File(tmp_path / "other.h5", "w") as other:
        other["x"] = np.arange(3.0)


def virtual(group, tmp_path) -> None:
    layout = h5py.VirtualLayout(shape=(3,), dtype="f8")
    layout[:] = h5py.VirtualSource(str(tmp_path / "other.h5"), "x", shape=(3,))
    group.create_virtual_dataset("x", layout)


def external_link(group, tmp_path) -> None:
    group["x"] = h5py.ExternalLink(str(tmp_path / "other.h5"), "/x")


def external_storage(group, tmp_path) -> None:
    (tmp_path / "secret").write_bytes(b"12345678")
    group.create_dataset("x", (1,), "f8", external=[(str(tmp_path / "secret"), 0, 8)])


def missing_link(group, tmp_path) -> None:
    group["x"] = h5py.ExternalLink(str(tmp_path / "none.h5"), "/x")


def soft_link(group, tmp_path) -> None:
    group["x"] = h5py.SoftLink("/elsewhere")


POINTING = {
    "virtual": (virtual, "train/x is a virtual dataset, whose values lie in other files"),
    "external link": (external_link, r"train/x is a link to /x in the file '.*other.h5'"),
    "external link to nothing": (missing_link, r"is a link to /x in the file '.*none.h5'"),
    "external storage": (external_storage, r"train/x keeps its values in the file '.*secret'"),
    "soft link": (soft_link, "train/x is a link to /elsewhere"),
}


@pytest.mark.parametrize(("make", "message"), POINTING.values(), ids=POINTING)
def test_nothing_outside_the_file_is_read(file, tmp_path, make, message):
    elsewhere(file, tmp_path)
    make(file["train"], tmp_path)
    file.close()
    with pytest.raises(UserError, match=message):
        read(tmp_path / "data.h5", "train", "x")


UNREADABLE = {
    "references": (
        lambda g: g.create_dataset("x", data=g.ref, dtype=h5py.ref_dtype),
        "holds references; expected numbers",
    ),
    "records": (lambda g: g.create_dataset("x", (3,), [("a", "f4")]), r"holds type \[\('a'"),
    "lists": (
        lambda g: g.create_dataset("x", (3,), h5py.vlen_dtype(np.int32)),
        "holds type object; expected",
    ),
    "filter": (lambda g: g.create_dataset("x", (9,), "i4", scaleoffset=2), "the filter 'scaleoff"),
    "never written": (
        lambda g: g.create_dataset("x", (10**12,), "f8"),
        "claims 8000000000000 bytes, shape .1000000000000,., of which 0 are in",
    ),
    "never written chunks": (
        lambda g: g.create_dataset("x", (10**12,), "f8", chunks=(1000,)),
        "claims 8000000000000 bytes",
    ),
    "a huge chunk": (
        lambda g: g.create_dataset("x", (10,), "f8", chunks=(10**8,), maxshape=(None,)),
        "claims 800000000 bytes, shape .10,., of which 0",
    ),
    "one written chunk of many": (
        lambda g: g.create_dataset("x", (10**12,), "f8", chunks=(1000,)).write_direct(
            np.ones(1000), dest_sel=np.s_[:1000]
        ),
        "claims 8000000000000 bytes, shape .*, of which 8000 are",
    ),
    "a group": (lambda g: g.create_group("x"), "train/x is no dataset"),
    "nothing": (lambda g: None, "train/x does not exist; beside it there is nothing"),
}


@pytest.mark.parametrize(("make", "message"), UNREADABLE.values(), ids=UNREADABLE)
def test_what_is_no_plain_array_is_refused_by_name(file, tmp_path, make, message):
    make(file["train"])
    file.close()
    with pytest.raises(UserError, match=rf"data.h5: .*{message}"):
        read(tmp_path / "data.h5", "train", "x")


def test_a_small_array_in_a_larger_chunk_is_read(file, tmp_path):
    file["train"].create_dataset("x", data=[1.0, 2.0], chunks=(1024,), maxshape=(None,))
    file.close()
    assert read(tmp_path / "data.h5", "train", "x").tolist() == [1, 2]


def test_what_compresses_best_is_read(file, tmp_path):
    file["train"].create_dataset(
        "x", data=np.zeros(4 << 20, "u1"), compression="gzip", shuffle=True
    )
    file.close()
    assert read(tmp_path / "data.h5", "train", "x").shape == (4 << 20,)


def test_a_dataset_is_no_group(file, tmp_path):
    file["valid"] = 3
    file.close()
    with pytest.raises(UserError, match=r"data.h5: valid is no group"):
        read(tmp_path / "data.h5", "valid", "x")


def test_missing_and_damaged_files(file, tmp_path):
    file["train/x"] = np.arange(300.0)
    file.close()
    content = (tmp_path / "data.h5").read_bytes()
    with pytest.raises(UserError, match=r"none.h5 does not exist"):
        read(tmp_path / "none.h5", "train", "x")
    path = tmp_path / "cut.h5"
    for length in range(0, len(content), 37):
        path.write_bytes(content[:length])
        with pytest.raises(UserError, match=r"cut.h5 is truncated, damaged or not an HDF5 file"):
            read(path, "train", "x")
