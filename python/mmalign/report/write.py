"""Writing a study's report from what the study left on disk."""

from __future__ import annotations

import itertools
import os
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from ..analysis.benchmarks import table_1
from ..analysis.comparisons import Comparison, comparisons, views_of
from ..analysis.conclusion import conclude
from ..analysis.correlations import correlations
from ..analysis.labels import NO_BREAK, decimal, metric_label
from ..study.benchmarks import follows_the_paper
from ..study.description import study_from_json
from ..study.results import StudyResults, load_results
from . import content
from .figures_alignment import alignment_panels
from .figures_correlation import correlation_intervals
from .figures_data import example_panels, find_data, has_spectrogram
from .figures_performance import (
    alignment_against_performance,
    alignment_by_depth,
    performance_by_depth,
)
from .figures_published import published_intervals
from .page import fill, write_page
from .published_content import published_rows, published_sentences
from .style import Panel


@dataclass(frozen=True)
class MetricSection:
    """The figures of one metric and its chance level in words."""

    name: str
    chance: str
    heat_maps: list[Panel]
    scatters: list[Panel]


def write_report(directory: str | os.PathLike[str], *, source: str | None = None) -> Path:
    """Write ``report.html``, ``figures/*.png`` and ``correlations.parquet``; return the report.

    Everything comes from the study's files; nothing is trained or measured, and equal files give
    equal bytes. The page needs no other file, no network and no script. ``source`` says where the
    data is, as for :func:`mmalign.data.sources.load_dataset`, for the examples; by default the
    name in study.json. Without the data the report says so and is otherwise whole.
    Raises :class:`UserError` if the study is not finished or the directory cannot be written.
    """
    results = load_results(directory)
    table = correlations(results)
    views = views_of(results)
    found = list(comparisons(results))
    data, why_no_examples = find_data(results.study, source)
    examples = [] if data is None else example_panels(data)
    by_depth = performance_by_depth(results.encoders, views)
    first = [
        one for one in found if (one.metric, one.options) == (found[0].metric, found[0].options)
    ]
    by_depth += alignment_by_depth(first, views)
    sections = _sections(results, found, table, views)
    overview = correlation_intervals(table, views)
    published = table_1(table, results.study["name"])
    published_panels = published_intervals(published, views)

    panels = [*examples, *by_depth, *overview, *published_panels]
    for section in sections:
        panels += [*section.heat_maps, *section.scatters]
    page = fill(
        "report.html",
        study=results.study,
        conclusion=conclude(table, data=content.data_phrase(results.study)),
        facts=content.facts(results),
        task=content.task_sentence(results),
        views=views,
        published=published_panels,
        published_rows=published_rows(published),
        published_sentences=[]
        if published.empty
        else published_sentences(published, follows_the_paper(study_from_json(results.study))),
        examples=examples,
        why_no_examples=why_no_examples,
        has_spectrogram=data is not None and has_spectrogram(data),
        by_depth=by_depth,
        sections=sections,
        overview=overview,
        correlation_rows=content.correlation_rows(table),
        depth_rows=content.depth_rows(table),
        encoder_rows=content.encoder_rows(results),
        regression=results.is_regression,
    )
    return write_page(results.directory / "report.html", page, panels, {"correlations": table})


def _sections(
    results: StudyResults, found: list[Comparison], table: pd.DataFrame, views: list[str]
) -> list[MetricSection]:
    sections = []
    for (metric, options), measured in results.alignments.groupby(
        ["metric", "options"], sort=False
    ):
        heat_maps = [
            panel
            for view_a, view_b in itertools.combinations(views, 2)
            for panel in alignment_panels(results, measured, view_a, view_b)
        ]
        scatters = [
            alignment_against_performance(one, views, _correlation_text(one, table))
            for one in found
            if (one.metric, one.options) == (metric, options) and len(one.points)
        ]
        sections.append(
            MetricSection(metric_label(metric, options), _chance(measured), heat_maps, scatters)
        )
    return sections


def _correlation_text(one: Comparison, table: pd.DataFrame) -> str:
    key = (one.metric, one.options, one.view_a, one.view_b, one.varied_view)
    return content.correlation_text(table, key)


def _chance(measured: pd.DataFrame) -> str:
    chance = measured["chance"].max()
    if pd.isna(chance):
        return "The chance level of this metric is not known in closed form."
    samples = f"n{NO_BREAK}={NO_BREAK}{measured['n'].max()} samples"
    return f"Chance level of one layer pair: {decimal(chance, 3)} ({samples})."
