"""The reports of synthetic studies: whole, self-contained, of any subset, the same every time."""

from __future__ import annotations

import base64
import json
import re
import xml.etree.ElementTree as ElementTree
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image

from mmalign.errors import UserError
from mmalign.report.synthetic import write_synthetic_report

from .synthetic_tables import write_tables

HOSTILE_NAME = "</style></title><img src=https://example.org/x onerror=alert(1)>{{ 7 * 7 }}"
TWO_METRICS = (("unbiased_cka", {"kernel": "linear"}), ("mutual_knn", {"k": 100}))


class Page(HTMLParser):
    """What a browser would make of the report: its elements with their attributes, its text."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._hidden = False
        self.feed(path.read_text(encoding="utf-8"))
        self.text = " ".join(self.text.split())

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        self._hidden = tag == "style"

    def handle_endtag(self, tag):
        self._hidden = False

    def handle_data(self, data):
        if not self._hidden:
            self.text += data

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture(scope="module")
def paper(tmp_path_factory) -> Path:
    directory = tmp_path_factory.mktemp("paper")
    write_tables(
        directory,
        preset="paper",
        tasks=("paper",),
        metrics=TWO_METRICS,
        uniqueness=(0, 2, 4, 6, 8),
        transform_depths=(1, 4),
        depths_1=(1, 2),
        seeds=(0, 1),
        name=HOSTILE_NAME,
    )
    write_synthetic_report(directory)
    return directory


@pytest.fixture(scope="module")
def corrected(tmp_path_factory) -> Path:
    directory = tmp_path_factory.mktemp("corrected")
    write_tables(directory, metrics=TWO_METRICS, name=HOSTILE_NAME)
    write_synthetic_report(directory)
    return directory


@pytest.fixture(params=["paper", "corrected"])
def either(request) -> Path:
    return request.getfixturevalue(request.param)


def test_names_are_text_and_the_page_asks_for_nothing_outside_itself(either):
    page = Page(either / "report.html")
    assert HOSTILE_NAME in page.text
    assert len(page.all("style")) == len(page.all("title")) == 1
    policy = next(one["content"] for one in page.all("meta") if "http-equiv" in one)
    assert policy == "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
    for tag, attributes in page.elements:
        assert tag not in ("link", "iframe", "object", "embed", "base", "form", "script")
        assert "onerror" not in attributes
        for name in ("src", "href", "srcset", "action"):
            value = attributes.get(name)
            assert value is None or value.startswith("data:image/svg+xml;base64,")


def test_every_figure_is_a_sound_drawing_with_a_description_and_both_files(either):
    pictures = Page(either / "report.html").all("img")
    files = sorted((either / "figures").glob("*"))
    assert 2 * len(pictures) == len(files)
    assert {file.suffix for file in files} == {".png", ".svg"}
    for picture in pictures:
        assert picture["alt"].strip()
        drawing = base64.b64decode(picture["src"].partition(",")[2])
        assert ElementTree.fromstring(drawing).tag.endswith("svg")
        references = re.findall(rb'href="([^"]*)"', drawing)
        assert all(reference.startswith((b"#", b"data:")) for reference in references)
    for file in files:
        assert re.fullmatch(r"[a-z0-9._-]+", file.name)
        if file.suffix == ".png":
            with Image.open(file) as image:
                assert min(image.size) > 200
                assert len(image.convert("L").getcolors()) > 10


def test_the_same_tables_give_the_same_bytes(either):
    def contents():
        return {
            path.relative_to(either): path.read_bytes()
            for path in either.rglob("*")
            if path.is_file()
        }

    before = contents()
    write_synthetic_report(either)
    assert contents() == before


def test_every_number_is_beside_the_page_in_two_forms(either):
    table = pd.read_parquet(either / "statistics.parquet")
    records = json.loads((either / "statistics.json").read_text())
    assert len(table) == len(records) > 100
    for row, record in zip(table.to_dict("records")[:50], records[:50], strict=True):
        known = {name: value for name, value in row.items() if pd.notna(value) and value != ""}
        assert record == known
    assert {"validation_accuracy", "ceiling"} <= set(table["question"])


def test_the_papers_figures_are_there_with_their_differences(paper):
    text = Page(paper / "report.html").text
    for number in (4, 6, 7, 9, 10, 11, 13):
        assert f"Figure {number}. " in text
        assert list((paper / "figures").glob(f"figure-{number}-*.png"))
    assert "figures 4, 10, 11 and 13 show alignment of exactly 0 at U = 8 for every metric" in text
    assert "Here that point is measured: linear CKA" in text
    assert "Medians: 15 published values; ours less published is" in text
    assert "Highest alignment: 4 published values" in text
    assert "farthest at U" in text


def test_the_corrected_page_answers_first(corrected):
    text = Page(corrected / "report.html").text
    order = [
        "Does alignment fall as uniqueness grows?",
        "Yes: alignment falls with uniqueness (Spearman −1.00",
        "Do the answers survive holding synergy fixed?",
        "exclude zero; if nothing were there",
        "What was run",
        "Alignment and uniqueness",
        "How often we looked",
        "What the data hold",
        "Are the encoders as good as they should be?",
    ]
    places = [text.find(one) for one in order]
    assert -1 not in places
    assert places == sorted(places)


def test_the_exact_information_is_told_in_numbers(corrected):
    text = Page(corrected / "report.html").text
    told = "with the paper’s task, redundancy changes by −.886 nats, synergy by .591 and what is"
    assert told in text
    assert "with synergy held at zero, redundancy changes by −.886 nats, synergy by 0" in text


@pytest.mark.parametrize("preset", ["paper", "corrected"])
@pytest.mark.parametrize(
    "levels",
    [
        {"uniqueness": (3,), "transform_depths": (2,), "depths": (2,), "seeds": (5,)},
        {"uniqueness": (0, 8), "transform_depths": (1, 10), "depths": (1, 4), "seeds": (0, 1)},
    ],
)
def test_any_subset_has_a_report(tmp_path, preset, levels):
    write_tables(tmp_path, preset=preset, tasks=("paper",), metrics=TWO_METRICS, **levels)
    text = Page(write_synthetic_report(tmp_path)).text
    assert "n too small" in text or preset == "paper"
    assert " nan" not in text.lower()


def test_an_unfinished_study_and_a_directory_that_cannot_be_written_are_errors(tmp_path):
    with pytest.raises(UserError, match=r"study\.json does not exist"):
        write_synthetic_report(tmp_path)
    write_tables(tmp_path, uniqueness=(0,), seeds=(0,), metrics=TWO_METRICS[:1])
    (tmp_path / "figures").write_text("in the way")
    with pytest.raises(UserError, match="cannot be written"):
        write_synthetic_report(tmp_path)
