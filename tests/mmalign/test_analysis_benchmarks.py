"""Table 1: the published numbers, and a study's correlations beside them."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from mmalign.analysis.benchmarks import table_1
from mmalign.analysis.benchmarks.published import TABLE_1
from mmalign.report import write_report
from mmalign.report.figures_published import published_intervals
from mmalign.report.published_content import published_rows, published_sentences

from .stored_study import write_study

PREPARED = {"kernel": "linear", "samples": 4096, "clamp": 0.95, "unit_rows": True}


def answers(*rows: tuple, options: dict = PREPARED) -> pd.DataFrame:
    """Rows of (varied view, statistic, value, low, high) of vision with audio."""
    return pd.DataFrame(
        [
            {
                "metric": "cka",
                "options": json.dumps({"unbiased": True, "sigma": None, **options}),
                "view_a": "vision",
                "view_b": "audio",
                "varied_view": varied,
                "relation": "alignment_performance",
                "statistic": statistic,
                "value": value,
                "low": low,
                "high": high,
                "n": 30,
                "reason": "" if low == low else "too few",
            }
            for varied, statistic, value, low, high in rows
        ]
    )


MOSI = answers(
    ("vision", "spearman", 0.1, -0.2, 0.4),
    ("vision", "pearson", 0.1, -0.1, 0.4),
    ("audio", "spearman", 0.5, 0.4, 0.6),
    ("audio", "pearson", np.nan, np.nan, np.nan),
)


def test_every_published_number_is_there():
    sizes = {name: len(columns) for name, columns in TABLE_1.items()}
    assert sizes == {"mosei": 6, "mosi": 6, "ur-funny": 6, "mustard": 6, "av-mnist": 2}
    numbers = [
        number for own in TABLE_1.values() for pair in own.values() for number in pair.values()
    ]
    assert len(numbers) == 52
    assert sum(numbers) == pytest.approx(1.680, abs=1e-9)
    assert TABLE_1["mosei"]["vision", "text", "text"] == {"updated": -0.482, "earlier": -0.351}
    assert TABLE_1["mustard"]["audio", "text", "audio"] == {"updated": 0.216, "earlier": 0.139}
    assert TABLE_1["av-mnist"]["image", "audio", "audio"] == {"updated": 0.723, "earlier": 0.974}


def test_each_version_is_held_against_its_statistic():
    table = table_1(MOSI, "mosi").set_index(["varied_view", "version"])
    assert table["published"].to_dict() == {
        ("vision", "updated"): -0.014,
        ("vision", "earlier"): -0.135,
        ("audio", "updated"): 0.313,
        ("audio", "earlier"): 0.249,
    }
    assert table["statistic"].to_dict()["vision", "updated"] == "spearman"
    within = table["within"]
    assert within["vision"].to_dict() == {"updated": True, "earlier": False}
    assert not within["audio", "updated"]
    assert pd.isna(within["audio", "earlier"])


def test_only_what_was_published_is_compared():
    assert table_1(MOSI, "av-digits").empty
    assert table_1(MOSI.iloc[:0], "mosi").empty
    assert table_1(
        answers(("vision", "spearman", 0, -1, 1), options={"kernel": "linear"}), "mosi"
    ).empty
    assert table_1(MOSI.assign(metric="mutual_knn", options='{"k": 10}'), "mosi").empty
    assert table_1(MOSI.assign(relation="alignment_depth"), "mosi").empty


def test_words_and_figures():
    table = table_1(MOSI, "mosi")
    first, second = published_rows(table)
    assert first["who"] == "vision encoders, with the best audio encoder"
    assert [version["within"] for version in first["versions"]] == ["yes", "no"]
    assert second["versions"][1]["interval"] == "too few"
    assert second["versions"][1]["within"] == "–"
    assert published_sentences(table, True) == [
        f"Of the {version} in the interval found here."
        for version in (
            "updated version 1 of 2 numbers that can be compared lies",
            "earlier version 0 of 1 numbers that can be compared lie",
        )
    ]
    assert "not the published recipe" in published_sentences(table, False)[-1]
    panels = published_intervals(table, ["vision", "audio"])
    assert [panel.name for panel in panels] == ["table-1-updated", "table-1-earlier"]


def test_the_report_sets_the_published_numbers_beside(tmp_path):
    write_study(
        tmp_path,
        accuracy=lambda view, depth, seed: 0.6 + 0.03 * depth + 0.01 * seed,
        score=lambda a, b: a * b,
        metrics=[("cka", PREPARED)],
        depths=(1, 2),
        name="av-mnist",
        dataset_name="av-mnist",
    )
    page = write_report(tmp_path).read_text(encoding="utf-8")
    assert "Beside the published numbers" in page
    for number in (".887", ".944", ".723", ".974"):
        assert number in page
    assert "image encoders, with the best audio encoder" in page
    assert "This is not the published recipe" in page
    assert (tmp_path / "figures" / "table-1-updated.png").exists()
