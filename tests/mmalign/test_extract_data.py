"""Samples from files of texts and from data sets of a hub."""

from __future__ import annotations

import hashlib
import json
import sys

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from mmalign.errors import UserError
from mmalign.extract import open_samples
from mmalign.extract.hub_data import rows_of

TEXTS = ["one", "two, with a comma", "", "größer\u2028still the same line", '"quoted"']


def read(path, column=None) -> list[str]:
    samples = open_samples(str(path), column)
    texts = list(samples.read())
    assert (samples.modality, samples.n, samples.name) == ("text", len(texts), path.stem)
    assert samples.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    return texts


def test_lines(tmp_path):
    path = tmp_path / "texts.txt"
    path.write_bytes("\ufeff".encode() + "\r\n".join(TEXTS).encode())
    assert read(path) == TEXTS
    path.write_text("\n".join(TEXTS) + "\n", encoding="utf-8")
    assert read(path) == TEXTS


@pytest.mark.parametrize("column", ["caption", None])
def test_columns(tmp_path, column):
    frame = pd.DataFrame({"id": range(5), "caption": TEXTS})
    frame.to_csv(tmp_path / "texts.csv", index=False)
    frame.to_parquet(tmp_path / "texts.parquet")
    frame.to_json(tmp_path / "texts.json", orient="records")
    frame.to_json(tmp_path / "texts.jsonl", orient="records", lines=True)
    for suffix in ("csv", "parquet", "json", "jsonl"):
        assert read(tmp_path / f"texts.{suffix}", column) == TEXTS


def test_rows_of_a_csv(tmp_path):
    long = "x" * 200_000
    (tmp_path / "a.csv").write_bytes(
        b'\xef\xbb\xbfid,text\r\n1,"two\nlines"\r\n\r\n2,' + long.encode() + b"\r\n"
    )
    assert read(tmp_path / "a.csv") == ["two\nlines", long]


def test_json_without_columns(tmp_path):
    (tmp_path / "texts.json").write_text(json.dumps(TEXTS))
    assert read(tmp_path / "texts.json") == TEXTS
    with pytest.raises(UserError, match=r"has no columns, only texts"):
        read(tmp_path / "texts.json", "caption")


def test_caption_sets(tmp_path):
    path = tmp_path / "captions.json"
    sets = [
        {
            f"Index - {i}": {
                "sentences": {"Caption 1 - 10%": f"changed {i}", "Caption 0 - 0%": f"first {i}"},
                "similarities": [0.5],
            }
        }
        for i in range(3)
    ]
    path.write_text(json.dumps(sets))
    assert read(path, "Caption 1 - 10%") == ["changed 0", "changed 1", "changed 2"]
    with pytest.raises(UserError, match=r"has the columns Caption 1 - 10%, Caption 0 - 0%; choose"):
        read(path)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.txt", b"", r"a\.txt holds no texts"),
        ("a.txt", b"good\n\xff\xfe bad", r"a\.txt is damaged or not UTF-8"),
        ("a.docx", b"", r"a\.docx has the suffix '\.docx'; texts are read from \.txt"),
        ("a.json", b"{", r"a\.json is not valid JSON"),
        ("a.json", b'{"a": 1}', r"holds a dict; expected a list of samples"),
        ("a.json", b"[1, 2]", r"sample 0 is 1, a int; expected a text"),
        ("a.json", b"[" * 100_000, r"a\.json is not valid JSON"),
        ("a.jsonl", b'{"text": "a"}\n{"text": ', r"a\.jsonl: line 2 is not valid JSON"),
        ("a.jsonl", b'{"text": "a"}\n{"text": null}', r"sample 1 is None, a NoneType"),
        ("a.jsonl", b'{"text": "a"}\n{"x": 1, "y": 2}', r"has the columns x, y; choose one"),
        ("a.csv", b"id,name\n1,x\n", r"has the columns id, name; choose one with --column"),
        ("a.csv", b'text\n"open', r"a\.csv is damaged"),
        ("a.csv", b"id,text\n1,fine\n2,a dog, a cat\n", r"in line 3 has not the 2 fields"),
        ("a.csv", b"id,text\n1\n", r"in line 2 has not the 2 fields"),
        ("a.csv", b"text,text\na,b\n", r"a\.csv has several columns 'text'"),
        ("a.jsonl", b'"half \\ud83d"\n', r"a\.jsonl is damaged or not UTF-8"),
        ("a.parquet", b"PAR1damage", r"a\.parquet is damaged or not Parquet"),
    ],
)
def test_damage_is_named(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=message):
        open_samples(str(tmp_path / name))


def test_what_is_no_data(tmp_path):
    with pytest.raises(UserError, match=r"none\.txt does not exist; data is a file of texts"):
        open_samples(str(tmp_path / "none.txt"))
    with pytest.raises(UserError, match=r"holds neither images nor sounds"):
        open_samples(str(tmp_path))
    (tmp_path / "a.png").touch()
    (tmp_path / "a.wav").touch()
    with pytest.raises(UserError, match=r"holds both images and sounds"):
        open_samples(str(tmp_path))
    (tmp_path / "a.txt").write_text("x")
    with pytest.raises(UserError, match=r"has no columns|a text a line"):
        open_samples(str(tmp_path / "a.txt"), "text")
    with pytest.raises(UserError, match=r"--split is for data of a hub"):
        open_samples(str(tmp_path / "a.txt"), None, "train")
    (tmp_path / "a.csv").write_text("a\n1\n")
    with pytest.raises(UserError, match=r"has no column 'b'; it has a"):
        open_samples(str(tmp_path / "a.csv"), "b")


def test_hub_needs_its_package(monkeypatch):
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(UserError, match=r"hf:owner/name needs the package datasets, which is not"):
        open_samples("hf:owner/name")


class Rows(list):
    """As much of a data set as is used."""

    _fingerprint = "0123"

    @property
    def column_names(self):
        return list(self[0])


def test_rows_of_a_hub():
    rows = Rows({"text": [f"first {i}", "second"], "id": i} for i in range(3))
    modality, n, digest, read = rows_of("hf:owner/name", rows, None)
    assert (modality, n, len(digest)) == ("text", 3, 64)
    assert list(read()) == ["first 0", "first 1", "first 2"]

    rows = Rows({"image": Image.new("L", (4, 3), i)} for i in range(2))
    modality, _, _, read = rows_of("hf:owner/name", rows, "image")
    images = [sample.load() for sample in read()]
    assert modality == "image"
    assert [image.getpixel((0, 0)) for image in images] == [(0, 0, 0), (1, 1, 1)]

    wave = np.linspace(-1, 1, 800)
    rows = Rows([{"audio": {"array": wave, "sampling_rate": 8000}}])
    modality, _, _, read = rows_of("hf:owner/name", rows, None)
    (sound,) = read()
    assert (modality, sound.seconds()) == ("audio", 0.1)
    np.testing.assert_allclose(sound.load(8000), wave, rtol=1e-6)

    with pytest.raises(UserError, match=r"column id holds int; expected texts, images or sounds"):
        rows_of("hf:owner/name", Rows([{"id": 3}]), None)
    with pytest.raises(UserError, match=r"holds no samples"):
        rows_of("hf:owner/name", Rows(), None)
