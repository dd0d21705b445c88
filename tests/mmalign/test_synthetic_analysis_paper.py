"""The published statistics, recomputed in another way from tables with known content."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from mmalign.analysis.synthetic import load_tables, paper_statistics, published
from mmalign.analysis.synthetic.paper import artefact_change, boxes
from mmalign.analysis.synthetic.tables import grids
from mmalign.errors import UserError

from .synthetic_tables import write_tables

LINEAR = json.dumps({"kernel": "linear"})


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    return load_tables(
        write_tables(
            tmp_path_factory.mktemp("paper"),
            preset="paper",
            tasks=("paper",),
            uniqueness=range(9),
            transform_depths=(1, 3, 4, 5),
            depths=(1, 2, 3, 4, 5),
            depths_1=(1, 2),
            seeds=(0, 1, 2),
            highest=0.8,
            noise=0.06,
            shared_growth=lambda level: 0.05 if level < 3 else 0.0,
        )
    )


@pytest.fixture(scope="module")
def table(results):
    return paper_statistics(results)


def linear(results, depth_1=1):
    rows = results.alignments
    return rows[
        (rows["metric"] == "unbiased_cka")
        & (rows["options"] == LINEAR)
        & (rows["depth_1"] == depth_1)
    ]


def shown(table, **wanted):
    for name, value in wanted.items():
        table = table[table[name] == value]
    return table


def test_the_protocol_is_recognised_by_what_was_measured(results):
    assert results.as_published


@pytest.mark.parametrize("depth_1", [1, 2])
@pytest.mark.parametrize("statistic", ["spearman", "pearson"])
def test_the_highest_alignment_is_correlated_with_uniqueness(results, table, depth_1, statistic):
    for place, own in linear(results, depth_1).groupby("transform_depth"):
        best = own.groupby("uniqueness")["score"].max()
        rows = shown(
            table,
            question="alignment_uniqueness",
            metric="unbiased_cka",
            options=LINEAR,
            depth_1=depth_1,
            transform_depth=place,
        )
        theirs = {"spearman": stats.spearmanr, "pearson": stats.pearsonr}[statistic]
        found = rows.set_index("statistic").loc[statistic]
        assert found["value"] == pytest.approx(theirs(best.index, best).statistic)
        assert found["n"] == 9
        zeroed = best.copy()
        zeroed[8] = 0.0
        found = rows.set_index("statistic").loc[f"{statistic}_with_artefact"]
        assert found["value"] == pytest.approx(theirs(zeroed.index, zeroed).statistic)
        highest = rows[rows["statistic"] == "maximum"].set_index("uniqueness")["value"]
        assert highest.to_numpy() == pytest.approx(best.to_numpy())


def test_the_highest_alignment_is_correlated_with_heterogeneity(results, table):
    for level, own in linear(results).groupby("uniqueness"):
        best = own.groupby("transform_depth")["score"].max()
        row = shown(
            table,
            question="alignment_transform",
            statistic="spearman",
            options=LINEAR,
            uniqueness=level,
        ).iloc[0]
        assert row["value"] == pytest.approx(stats.spearmanr(best.index, best).statistic)


def test_the_boxes_hold_the_correlations_the_paper_pools(results, table):
    encoders = results.encoders[results.encoders["view"] == 2]
    points = linear(results).merge(
        encoders.rename(columns={"depth": "depth_2"}),
        on=["task", "uniqueness", "transform_depth", "seed", "depth_2"],
    )
    pairs = {
        "alignment_performance": (["transform_depth"], "score", "test_accuracy"),
        "performance_depth": (["transform_depth"], "test_accuracy", "depth_2"),
        "alignment_depth": (["transform_depth", "seed"], "score", "depth_2"),
    }
    grid = next(grid for grid in grids(results) if grid.options == LINEAR and grid.depth_1 == 1)
    for question, (by, x, y) in pairs.items():
        drawn = boxes(grid, question, "spearman")
        for level, own in points.groupby("uniqueness"):
            expected = sorted(
                stats.spearmanr(cell[x], cell[y]).statistic for _, cell in own.groupby(by)
            )
            assert np.sort(drawn[level]) == pytest.approx(expected)
            row = shown(
                table,
                question=question,
                statistic="median_spearman",
                options=LINEAR,
                uniqueness=level,
            ).iloc[0]
            assert row["value"] == pytest.approx(np.median(expected))
            assert row["published"] == published.MEDIANS[question][level]
            assert row["difference"] == pytest.approx(row["value"] - row["published"])


def test_the_published_numbers_stand_beside_their_own(table):
    rows = shown(table, question="alignment_uniqueness", statistic="spearman")
    told = rows[rows["published"].notna()]
    # D_phi 1, 3 and 5 of the study are in the paper, 4 is not; cmd is not, and k = 100 is.
    assert set(told["transform_depth"]) == {1, 3, 5}
    assert "cmd" not in set(told["metric"])
    assert len(told) == 3 * (4 + 1)
    row = shown(told, options=LINEAR, depth_1=1, transform_depth=3).iloc[0]
    assert (row["published"], row["figure"], row["published_is"]) == (-0.833, "4", "printed")
    assert set(shown(told, depth_1=2)["figure"]) == {"13"}
    assert set(shown(told, metric="svcca")["figure"]) == {"10"}
    top = shown(table, question="heat_map", options=LINEAR, uniqueness=4).iloc[0]
    assert top["published"] == published.HEAT_MAP_TOPS[4]


def test_what_is_published_has_the_size_of_its_figures():
    for rhos in published.ALIGNMENT_UNIQUENESS.values():
        assert len(rhos) == len(published.CORRELATION_TRANSFORM_DEPTHS)
    for highest in published.MAXIMA.values():
        assert len(highest) == len(published.MAXIMA_UNIQUENESS)
    for rhos in published.ALIGNMENT_TRANSFORM.values():
        assert len(rhos) == len(published.CORRELATION_UNIQUENESS)
    assert all(len(medians) == 9 for medians in published.MEDIANS.values())
    # The digitised maxima of figure 4, with the artefact, give the printed correlations.
    for place, depth in enumerate(published.CORRELATION_TRANSFORM_DEPTHS):
        values = (*published.MAXIMA[published.LINEAR_CKA, depth], 0.0)
        rho = stats.spearmanr(range(9), values).statistic
        printed = published.ALIGNMENT_UNIQUENESS["4", published.LINEAR_CKA, 1][place]
        assert rho == pytest.approx(printed, abs=6e-4)


def test_a_small_study_says_that_n_is_too_small(results):
    few = replace(
        results,
        alignments=results.alignments[
            results.alignments["uniqueness"].isin([0, 4])
            & (results.alignments["transform_depth"] == 3)
        ],
        encoders=results.encoders[
            results.encoders["uniqueness"].isin([0, 4]) & (results.encoders["transform_depth"] == 3)
        ],
    )
    table = paper_statistics(few)
    row = shown(table, question="alignment_uniqueness", statistic="spearman").iloc[0]
    assert np.isnan(row["value"])
    assert row["reason"] == "n too small: 2 values"
    row = shown(table, question="alignment_transform", statistic="spearman").iloc[0]
    assert row["reason"] == "n too small: 1 value"


def test_missing_files_are_named(tmp_path):
    with pytest.raises(UserError, match=r"study\.json does not exist"):
        load_tables(tmp_path)
    write_tables(tmp_path, uniqueness=(0,), seeds=(0,))
    (tmp_path / "alignments.parquet").unlink()
    with pytest.raises(UserError, match=r"alignments\.parquet does not exist"):
        load_tables(tmp_path)


def test_a_cell_that_was_not_run_is_missing_and_not_zero(results):
    gone = (results.alignments["seed"] == 1) & (results.alignments["uniqueness"] == 2)
    fewer = replace(results, alignments=results.alignments[~gone])
    grid = next(grids(fewer))
    assert np.isnan(grid.alignment[1, 2]).all()
    assert np.isfinite(np.delete(grid.alignment, 2, axis=1)).all()
    rows = paper_statistics(fewer)
    assert pd.notna(shown(rows, statistic="maximum", uniqueness=2)["value"]).all()


def test_what_the_artefact_does_is_the_difference_it_makes(tmp_path):
    """Alignment that rises with U all the way: with U = 8 at zero it seems to fall in the end."""
    write_tables(
        tmp_path,
        preset="paper",
        tasks=("paper",),
        uniqueness=range(9),
        transform_depths=(1, 2),
        seeds=(0,),
        metrics=(("svcca", {}),),
        highest=0.2,
        noise=1e-4,
        per_uniqueness=lambda task, metric: 0.05,
    )
    change = artefact_change(paper_statistics(load_tables(tmp_path)))
    expected = stats.spearmanr(range(9), [1, 2, 3, 4, 5, 6, 7, 8, 0]).statistic - 1
    assert len(change) == 2
    assert change.to_numpy() == pytest.approx(expected)
