from __future__ import annotations

import json

import h5py
import numpy as np
import pytest

from mmalign.data.mm_imdb import load_mm_imdb, read_mm_imdb
from mmalign.data.sources import load_dataset
from mmalign.errors import UserError

from .hdf5_files import GENRES, fuel_splits, mm_imdb_arrays, write_mm_imdb

N = 22


@pytest.fixture
def path(tmp_path):
    return write_mm_imdb(tmp_path / "multimodal_imdb.hdf5")


def test_reads_everything(path):
    arrays = mm_imdb_arrays()
    content = read_mm_imdb(path)
    np.testing.assert_array_equal(content.views["text"], arrays["features"])
    np.testing.assert_array_equal(content.views["image"], arrays["vgg_features"])
    np.testing.assert_array_equal(content.genres, arrays["genres"])
    assert content.names == GENRES
    assert content.ids[:3] == ("0000000", "0000007", "0000014")
    assert {name: (rows[0], rows[-1]) for name, rows in content.splits.items()} == {
        "train": (0, 11),
        "valid": (12, 15),
        "test": (16, 21),
    }


@pytest.mark.parametrize(("genre", "column"), [("western", 19), ("Sci-Fi", 10), ("drama", 0)])
def test_a_genre_is_the_label(path, genre, column):
    dataset = load_mm_imdb(path, genre)
    assert (dataset.name, dataset.n_classes) == (f"mm-imdb-{genre.lower()}", 2)
    np.testing.assert_array_equal(dataset.labels, mm_imdb_arrays()["genres"][:, column])
    assert {view: array.shape for view, array in dataset.views.items()} == {
        "text": (N, 300),
        "image": (N, 4096),
    }


def test_by_name(path, tmp_path):
    assert load_dataset(f"mm-imdb:{path}").name == "mm-imdb-drama"
    assert load_dataset(f"mm-imdb:{tmp_path}:western").name == "mm-imdb-western"
    assert load_dataset(f"mm-imdb:{path}:Film-Noir").name == "mm-imdb-film-noir"
    with pytest.raises(UserError, match=r"has no genre 'opera'; it has Drama, Comedy, "):
        load_dataset(f"mm-imdb:{path}:opera")


def test_a_path_with_a_colon(tmp_path):
    (tmp_path / "a:b").mkdir()
    write_mm_imdb(tmp_path / "a:b" / "multimodal_imdb.hdf5")
    assert load_dataset(f"mm-imdb:{tmp_path}/a:b").name == "mm-imdb-drama"
    assert load_dataset(f"mm-imdb:{tmp_path}/a:b:sport").name == "mm-imdb-sport"


nan = mm_imdb_arrays()["features"]
nan[5, 7] = np.nan
FAULTS = [
    ({"features": None}, "features does not exist; beside it there is genres, images, imdb_ids"),
    ({"features": np.zeros((N, 299))}, r"features has shape \(22, 299\); expected \(22, 300\)"),
    ({"features": np.zeros((N, 300), "S1")}, "features holds .S1; expected real numbers"),
    ({"features": nan}, "features has NaN or infinity in row 5"),
    ({"features": np.full((N, 300), 1e60)}, "features has NaN or infinity in row 0"),
    ({"vgg_features": np.zeros((21, 4096))}, r"vgg_features has shape \(21, 4096\)"),
    ({"genres": np.zeros((N, 27))}, r"genres has shape \(22, 27\); expected \(22, 23\)"),
    ({"genres": np.full((N, 23), 2)}, "genres must be 0 and 1"),
    ({"genres": np.zeros((0, 23))}, "genres must be 0 and 1, for at least one film"),
    ({"imdb_ids": np.zeros((3,), "S7")}, r"imdb_ids has shape \(3,\); expected \(22,\)"),
]


@pytest.mark.parametrize(("changed", "message"), FAULTS)
def test_what_is_wrong_is_said(tmp_path, changed, message):
    path = write_mm_imdb(tmp_path / "multimodal_imdb.hdf5", **changed)
    with pytest.raises(UserError, match=f"multimodal_imdb.hdf5: {message}"):
        load_mm_imdb(tmp_path)
    assert path.exists()


@pytest.mark.parametrize(
    "names",
    [None, "[", "3", json.dumps(GENRES[:-1]), json.dumps([*GENRES[:-1], "drama"]), 7, "[" * 9000],
)
def test_names_of_genres(path, names):
    with h5py.File(path, "a") as file:
        del file["genres"].attrs["target_names"]
        if names is not None:
            file["genres"].attrs["target_names"] = names
    with pytest.raises(UserError, match=r"target_names of genres must be a JSON list of 23 diff"):
        load_mm_imdb(path)


@pytest.mark.parametrize(
    "table",
    [
        None,
        3,
        "train",
        fuel_splits((12, 4, 7), ["genres"]),
        fuel_splits((12, 0, 10), ["genres"]),
        fuel_splits((12, 4, 6), ["features"]),
        fuel_splits((12, 4, 6), ["genres"])[::-1],
        fuel_splits((12, 4, 6), ["genres"])[:2],
    ],
)
def test_splits(path, table):
    with h5py.File(path, "a") as file:
        del file.attrs["split"]
        if table is not None:
            file.attrs["split"] = table
    with pytest.raises(UserError, match=r"must say where train, dev and test begin and end, .* 22"):
        load_mm_imdb(path)
