from __future__ import annotations

import io
import json
import struct

import numpy as np
import pytest

from mmalign.data.av_mnist import (
    FILES,
    load_av_mnist,
    write_av_mnist,
)
from mmalign.data.sources import load_dataset
from mmalign.errors import UserError


@pytest.fixture
def directory(tmp_path):
    write_av_mnist(tmp_path, *contents())
    return tmp_path


def contents(n_train: int = 24, n_test: int = 6):
    generator = np.random.default_rng(0)
    sizes = {"train": n_train, "test": n_test}
    images = {p: generator.integers(0, 256, (n, 784)).astype(np.uint8) for p, n in sizes.items()}
    audio = {p: generator.normal(0, 50, (n, 20, 36)) for p, n in sizes.items()}
    labels = {p: np.arange(n) % 10 for p, n in sizes.items()}
    return images, audio, labels


def test_reads_what_was_written(directory):
    images, audio, labels = contents()
    dataset = load_av_mnist(directory)
    assert dataset.name == "av-mnist"
    assert dataset.n_classes == 10
    assert {name: view.dtype for name, view in dataset.views.items()} == {
        "image": np.float32,
        "audio": np.float32,
    }
    expected = np.concatenate([images["train"], images["test"]]).reshape(-1, 28, 28)
    np.testing.assert_array_equal(np.round(dataset.views["image"] * 255), expected)
    expected = np.concatenate([audio["train"], audio["test"]]).astype(np.float32)
    np.testing.assert_array_equal(dataset.views["audio"], expected)
    expected = np.concatenate([labels["train"], labels["test"]])
    np.testing.assert_array_equal(dataset.labels, expected)
    assert dataset.fingerprint == load_av_mnist(directory).fingerprint


def test_splits_follow_the_files(directory):
    splits = load_av_mnist(directory).splits
    assert splits["train"].tolist() == list(range(22))
    assert splits["valid"].tolist() == [22, 23]
    assert splits["test"].tolist() == list(range(24, 30))


def test_split_sizes_of_the_real_data_set():
    assert 60000 - round(60000 * (1 / 12)) == 55000


@pytest.mark.parametrize(("fraction", "n_valid"), [(0, 0), (0.5, 12), (0.99, 24)])
def test_valid_fraction(directory, fraction, n_valid):
    if n_valid == 24:
        with pytest.raises(UserError, match="leaves none to train on"):
            load_av_mnist(directory, valid_fraction=fraction)
    else:
        splits = load_av_mnist(directory, valid_fraction=fraction).splits
        assert len(splits["valid"]) == n_valid
        assert len(splits["train"]) == 24 - n_valid


@pytest.mark.parametrize("fraction", [-0.1, 1, float("nan")])
def test_valid_fraction_out_of_range(directory, fraction):
    with pytest.raises(UserError, match=r"valid_fraction must lie in \[0, 1\)"):
        load_av_mnist(directory, valid_fraction=fraction)


def test_float64_images_and_float_labels_are_accepted(directory):
    expected = load_av_mnist(directory)
    for file in ("image/train_data.npy", "train_labels.npy"):
        np.save(directory / file, np.load(directory / file).astype(np.float64))
    assert load_av_mnist(directory).fingerprint == expected.fingerprint


def test_not_a_directory(tmp_path):
    with pytest.raises(UserError, match=r"nowhere is not a directory; expected .*image/train_data"):
        load_av_mnist(tmp_path / "nowhere")


@pytest.mark.parametrize("file", FILES)
def test_missing_file(directory, file):
    (directory / file).unlink()
    with pytest.raises(UserError, match=f"{file} does not exist"):
        load_av_mnist(directory)


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("keep", [0, 5, 60, -1])
def test_truncated_file(directory, file, keep):
    path = directory / file
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(UserError, match=rf"{file} \(\d+ bytes\) is truncated or not a \.npy"):
        load_av_mnist(directory)


def replace(directory, file: str, array: np.ndarray) -> None:
    np.save(directory / file, array, allow_pickle=True)


@pytest.mark.parametrize(
    ("file", "array", "message"),
    [
        ("image/train_data.npy", np.zeros((24, 783)), r"shape \(24, 783\), expected \(n, 784\)"),
        ("image/train_data.npy", np.zeros((24, 28, 28)), r"\(24, 28, 28\), expected \(n, 784\)"),
        ("image/test_data.npy", np.zeros((5, 784)), "5 samples, but test_labels.npy .* 6 labels"),
        ("audio/test_data.npy", np.zeros((6, 112, 112)), "the MFCC are in avmnist_mfcc"),
        ("audio/test_data.npy", np.zeros((6, 36, 20)), r"36, 20\), expected \(n, 20, 36\)"),
        ("audio/test_data.npy", np.zeros((6, 20, 36), dtype=complex), "holds complex128, expected"),
        ("audio/test_data.npy", np.zeros((6, 20, 36), dtype="S2"), r"holds \|S2, expected real"),
        ("train_labels.npy", np.zeros((24, 1)), r"shape \(24, 1\), expected \(n,\)"),
        ("train_labels.npy", np.zeros(()), r"expected \(n,\)"),
        (
            "train_labels.npy",
            np.full(24, 10),
            r"label 10 in row 0, expected .* 0 \.\. 9",
        ),
        ("train_labels.npy", np.arange(24) - 1, "label -1 in row 0"),
        ("train_labels.npy", np.full(24, 0.5), "label 0.5 in row 0"),
        ("train_labels.npy", np.full(24, np.nan), "label nan in row 0"),
        ("train_labels.npy", np.zeros(23, dtype=int), "24 samples, but train_labels.npy .* 23"),
        ("train_labels.npy", np.array([{}] * 24), r"truncated or not a \.npy"),
    ],
)
def test_wrong_contents(directory, file, array, message):
    replace(directory, file, array)
    with pytest.raises(UserError, match=message) as caught:
        load_av_mnist(directory)
    assert file.rpartition("/")[2] in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("file", "value", "message"),
    [
        ("image/train_data.npy", -1, r"values from -1 to \d+, expected 0 \.\. 255"),
        ("image/test_data.npy", 256, r"to 256, expected 0 \.\. 255"),
        ("audio/train_data.npy", np.nan, "train_data.npy has NaN or infinity in row 3"),
        ("audio/test_data.npy", -np.inf, "test_data.npy has NaN or infinity in row 3"),
        ("audio/test_data.npy", 1e300, "test_data.npy has NaN or infinity in row 3"),
    ],
)
def test_wrong_values(directory, file, value, message):
    array = np.load(directory / file).astype(np.float64)
    array[3].flat[5] = value
    np.save(directory / file, array)
    with pytest.raises(UserError, match=message):
        load_av_mnist(directory)


def test_header_that_claims_terabytes_allocates_nothing(directory):
    header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000, 784), }"
    header += b" " * (118 - len(header) - 1) + b"\n"
    content = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + bytes(1000)
    (directory / "image/train_data.npy").write_bytes(content)
    with pytest.raises(UserError, match=r"image/train_data.npy .* is truncated"):
        load_av_mnist(directory)


def test_pickle_is_never_opened(directory):
    class Bomb:
        def __reduce__(self):
            return (exec, ("raise SystemExit('executed')",))

    buffer = io.BytesIO()
    np.save(buffer, np.array([Bomb()] * 24, dtype=object), allow_pickle=True)
    (directory / "train_labels.npy").write_bytes(buffer.getvalue())
    with pytest.raises(UserError, match=r"train_labels.npy"):
        load_av_mnist(directory)


def record(directory, checksums) -> None:
    (directory / "recipe.json").write_text(json.dumps({"checksums": checksums}))


def test_checksums_are_verified(tmp_path):
    checksums = write_av_mnist(tmp_path, *contents())
    record(tmp_path, checksums)
    load_av_mnist(tmp_path)
    audio = np.load(tmp_path / "audio/test_data.npy")
    audio[2, 3, 4] += 1
    np.save(tmp_path / "audio/test_data.npy", audio)
    with pytest.raises(UserError, match=r"audio/test_data.npy differs from its checksum"):
        load_av_mnist(tmp_path)


def test_recipe_without_checksums(directory):
    record(directory, {"train_labels.npy": "0"})
    with pytest.raises(UserError, match=r'recipe.json has no "checksums" of exactly image/train'):
        load_av_mnist(directory)
    (directory / "recipe.json").write_text("[")
    with pytest.raises(UserError, match=r"recipe.json is not valid JSON"):
        load_av_mnist(directory)


def test_writer_checks_the_arrays(tmp_path):
    images, audio, labels = contents()
    audio["train"] = audio["train"][:, :, :35]
    with pytest.raises(UserError, match=r"audio/train_data.npy has shape \(24, 20, 35\)"):
        write_av_mnist(tmp_path / "new", images, audio, labels)
    assert not (tmp_path / "new").exists()


def test_source_by_name(directory):
    assert len(load_dataset(f"av-mnist:{directory}")) == 30
    for source in ("mnist", "av-mnist", "av-mnist:", "av-digits:0"):
        with pytest.raises(UserError, match="there are av-digits and, as NAME:PATH, av-mnist"):
            load_dataset(source)
