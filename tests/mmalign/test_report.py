"""The report: whole, self-contained, safe with any name, and the same every time."""

from __future__ import annotations

import base64
import re
import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from mmalign.analysis import correlations
from mmalign.analysis.comparisons import comparisons
from mmalign.errors import UserError
from mmalign.report import content, write_report
from mmalign.report.figures_alignment import alignment_panels
from mmalign.report.figures_correlation import correlation_intervals
from mmalign.report.figures_performance import alignment_by_depth
from mmalign.study import load_results

from .stored_study import write_study

HOSTILE_VIEWS = ('<script>alert("view")</script>', r"$\frac{1}{$ & 'audio'" + "\n" + "x" * 60)
HOSTILE_NAME = "</style></title><img src=https://example.org/x onerror=alert(1)>{{ 7 * 7 }}"


class Page(HTMLParser):
    """What a browser would make of the report: its elements with their attributes, its text."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._hidden = False
        self.feed(path.read_text(encoding="utf-8"))

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


def rising(view, depth, seed):
    return 0.6 + 0.05 * depth + 0.013 * seed


@pytest.fixture(scope="module")
def hostile(tmp_path_factory) -> Path:
    directory = tmp_path_factory.mktemp("hostile")
    noise = np.random.default_rng(1)
    write_study(
        directory,
        accuracy=rising,
        score=lambda a, b: (a + b) / 4 + 0.002 * noise.standard_normal(),
        views=HOSTILE_VIEWS,
        metrics=[("mutual_knn", {"k": 10})],
        name=HOSTILE_NAME,
        dataset_name=HOSTILE_NAME,
    )
    write_report(directory)
    return directory


def test_names_are_text_and_never_markup(hostile):
    page = Page(hostile / "report.html")
    assert page.all("script") == []
    assert len(page.all("style")) == len(page.all("title")) == 1
    assert not any("onerror" in attributes for _, attributes in page.elements)
    assert HOSTILE_NAME in page.text
    assert HOSTILE_VIEWS[0] in page.text
    assert HOSTILE_VIEWS[1] in page.text
    assert "49" not in page.text.partition("What was run")[0]


def test_the_page_asks_for_nothing_outside_itself(hostile):
    page = Page(hostile / "report.html")
    for tag, attributes in page.elements:
        assert tag not in ("link", "iframe", "object", "embed", "base", "form", "script")
        for name in ("src", "href", "srcset", "action"):
            value = attributes.get(name)
            assert value is None or value.startswith("data:image/svg+xml;base64,")
    style = (hostile / "report.html").read_text().partition("<style>")[2].partition("</style>")[0]
    assert "url(" not in style
    assert "@import" not in style


def test_every_figure_is_a_sound_drawing_with_a_description_and_a_png(hostile):
    pictures = Page(hostile / "report.html").all("img")
    files = sorted((hostile / "figures").glob("*"))
    # By depth: two views and alignment. Heat maps: best, deepest (or the same), depths. Scatters:
    # two views and all pairs. Intervals: one.
    assert len(pictures) == len(files)
    assert 3 + 2 + 3 + 1 <= len(files) <= 3 + 3 + 3 + 1
    for picture in pictures:
        assert picture["alt"].strip()
        drawing = base64.b64decode(picture["src"].partition(",")[2])
        assert ElementTree.fromstring(drawing).tag.endswith("svg")
        # Outside references would be blocked or, worse, followed.
        references = re.findall(rb'href="([^"]*)"', drawing)
        assert all(reference.startswith((b"#", b"data:")) for reference in references)
    for file in files:
        assert file.suffix == ".png"
        assert re.fullmatch(r"[a-z0-9._-]+\.png", file.name)
        with Image.open(file) as image:
            assert min(image.size) > 200
            assert len(image.convert("L").getcolors()) > 10


def test_the_same_study_gives_the_same_bytes(hostile):
    def contents():
        return {
            path.relative_to(hostile): path.read_bytes()
            for path in hostile.rglob("*")
            if path.is_file()
        }

    before = contents()
    write_report(hostile)
    assert contents() == before


def test_the_page_tells_what_was_run_and_concludes(hostile):
    text = " ".join(Page(hostile / "report.html").text.split())
    assert "On this data, encoders that align more with the other view also classify better" in text
    assert "1 min 1 s" in text
    assert (
        "mlp of depth 1 to 4, 5 epochs, learning rate 0.001, weight decay 0, batches of 64" in text
    )
    assert "torch" in text
    assert "Chance level of one layer pair: .050 (n = 200 samples)." in text
    assert "16 encoders, 64 alignments" in text
    assert "Examples are not shown, as the data is not at hand: There is no data set" in text


def test_the_correlations_are_kept_as_a_table(hostile):
    table = pd.read_parquet(hostile / "correlations.parquet")
    assert len(table) == 2 * 8 + 4
    text = Page(hostile / "report.html").text
    for value in table["value"]:
        assert content.decimal(value) in text


def test_a_study_too_small_for_any_correlation_has_a_report(finished_study):
    """Really trained: two depths, one seed, views of another kind, an unknown data set."""
    text = " ".join(Page(write_report(finished_study)).text.split())
    assert "it cannot be computed whether encoders that align more" in text
    assert "only 2 points, at least 4 are needed" in text
    assert "RBF CKA (unbiased, median bandwidth)" in text


def test_alignments_without_scores_leave_the_rest_whole(tmp_path):
    write_study(
        tmp_path,
        accuracy=lambda *_: 1.0,
        score=lambda a, b: float("nan"),
        metrics=[("cka", {"kernel": "linear"})],
        depths=(1, 2),
        elapsed=None,
    )
    cells = tmp_path / "cells"
    assert len(list(cells.iterdir())) == 8 + 16
    text = " ".join(Page(write_report(tmp_path)).text.split())
    assert "alignment is not a number for 4 of 4 points" in text
    assert "not recorded" in text


def test_an_unfinished_study_and_no_study_are_refused(hostile, tmp_path):
    with pytest.raises(UserError, match="not the directory of a study"):
        write_report(tmp_path)
    assert list(tmp_path.iterdir()) == []
    write_study(tmp_path, accuracy=rising, score=lambda a, b: a)
    next((tmp_path / "cells").iterdir()).unlink()
    with pytest.raises(UserError, match="not finished: 1 of"):
        write_report(tmp_path)
    assert not (tmp_path / "report.html").exists()


def test_three_views_are_told_apart(tmp_path):
    noise = np.random.default_rng(0)
    write_study(
        tmp_path,
        accuracy=rising,
        score=lambda a, b: a * b + 0.01 * noise.standard_normal(),
        views=("image", "audio", "text"),
        metrics=[("cka", {"kernel": "linear"})],
    )
    results = load_results(tmp_path)
    table = correlations(results, resamples=199)
    assert len(content.correlation_rows(table)) == 3 * 3
    assert len(content.depth_rows(table)) == 3 * 2
    who = {row["who"] for row in content.correlation_rows(table)}
    assert "text encoders, with the best image encoder" in who
    assert "all pairs of audio and text encoders" in who
    views = ["image", "audio", "text"]
    (panel,) = correlation_intervals(table, views)
    assert panel.name == "correlation-cka-linear-unbiased"
    panels = alignment_by_depth(list(comparisons(results)), views)
    assert [panel.name for panel in panels] == [
        f"alignment-by-depth-cka-linear-unbiased-{pair}"
        for pair in ("image-audio", "image-text", "audio-text")
    ]
    heat_maps = alignment_panels(results, results.alignments, "text", "image")
    assert [panel.name for panel in heat_maps][
        -1
    ] == "alignment-depths-cka-linear-unbiased-text-image"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "not recorded"),
        (0.4, "0 s"),
        (59.6, "1 min 0 s"),
        (250, "4 min 10 s"),
        (3 * 3600 + 61, "3 h 1 min"),
    ],
)
def test_durations(seconds, text):
    assert content.duration(seconds) == text


def test_depths_and_seeds_are_spelled_out(tmp_path):
    write_study(
        tmp_path, accuracy=rising, score=lambda a, b: a, depths=(1, 2, 4), seeds=(2, 22, 42)
    )
    results = load_results(tmp_path)
    told = dict(content.facts(results))
    assert told["Image encoders"].startswith("mlp of depth 1, 2 and 4, 5 epochs")
    assert told["Seeds"] == "2, 22 and 42"
    study = dict(results.study)
    study["cells"] = [
        {**cell, "options": {"readout": "mean", "dropout": 0.1}} for cell in study["cells"]
    ]
    told = dict(content.facts(replace(results, study=study)))
    assert told["Image encoders"].endswith(", dropout 0.1, readout mean")
