"""The page of galleries: neighbours in common as the candidates become more."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from ...analysis.labels import decimal, file_slug
from ...measure.gallery_run import GalleryRequest
from ..page import fill, write_page
from ..style import MARK, QUIET, RULE, Panel, finish, house_style, light_grid, new_figure
from .section import Section

_MOST_ROWS = 200
_MOST_NAMED_LINES = 6


def write_gallery_report(
    directory: Path, table: pd.DataFrame, request: GalleryRequest, notes: Sequence[str]
) -> Path:
    """Write ``galleries.html``, ``galleries.parquet``, ``galleries.json`` and ``figures/``.

    table: of :func:`mmalign.measure.gallery_run.measure_galleries`. Returns the page; raises
    UserError where the disk refuses.
    """
    gallery = request.gallery
    drawn = "in their order" if gallery.seed is None else f"drawn at random (seed {gallery.seed})"
    layers = (
        f"those most alike in the smallest gallery, by {gallery.neighbors[0]} neighbours"
        if request.layers is None
        else " and ".join(request.layers)
    )
    shown = table.head(_MOST_ROWS)
    content = {
        "kicker": "mmalign measure --gallery",
        "title": "Does alignment survive more candidates?",
        "answers": [_answer(table, neighbors) for neighbors in gallery.neighbors],
        "notes": list(notes),
        "facts": [
            ("Queries", f"{gallery.queries:,}, part of every gallery"),
            ("Galleries", ", ".join(f"{size:,}" for size in gallery.sizes)),
            ("Samples", f"{gallery.samples:,}, {drawn}"),
            ("Similarity", request.similarity),
            ("Features", str(request.treatment)),
            ("Layers", layers),
        ],
        "sections": [
            Section(
                "Neighbours in common",
                "The share of a query's nearest neighbours that are the same in both models, "
                "averaged over the queries. A line is a pair of models with 95% intervals over "
                "queries; dashed is chance, k / (n − 1).",
                [_panel(table, neighbors) for neighbors in gallery.neighbors],
            ),
            Section(
                "The numbers",
                "With the standard error of the mean over queries."
                + (
                    f" The first {_MOST_ROWS} of {len(table)} rows."
                    if len(table) > len(shown)
                    else ""
                ),
                [],
                ["Model", "Model", "Layer", "Layer", "Gallery", "k", "Score", "±", "Chance"],
                [
                    [
                        row.x,
                        row.y,
                        row.layer_x,
                        row.layer_y,
                        f"{row.n:,}",
                        str(row.k),
                        decimal(row.score, 4),
                        decimal(row.standard_error, 4),
                        decimal(row.chance, 4),
                    ]
                    for row in shown.itertuples()
                ],
                texts=4,
            ),
        ],
        "foot": "All numbers are in galleries.parquet and galleries.json beside this page, the "
        "figures in figures/.",
    }
    document = {
        "treatment": request.treatment.describe(),
        "similarity": request.similarity,
        "queries": gallery.queries,
        "seed": gallery.seed,
        "rows": table.to_dict("records"),
        "notes": list(notes),
    }
    page = directory / "galleries.html"
    return write_page(
        page,
        fill("measure.html", **content),
        [panel for section in content["sections"] for panel in section.panels],
        {"galleries": table},
        documents={"galleries": document},
        drawings=True,
    )


def _named(neighbors: str) -> str:
    return f"n × {neighbors}" if neighbors.endswith("%") else neighbors


def _answer(table: pd.DataFrame, neighbors: str) -> str:
    own = table[table["neighbors"] == neighbors]
    means = own.groupby("n")[["score", "chance"]].mean()
    sizes = dict.fromkeys([means.index[0], means.index[-1]])
    found = [
        f"{decimal(means['score'][size], 3)} among {size:,}"
        f"{'' if place else ' candidates'} (chance {decimal(means['chance'][size], 3)})"
        for place, size in enumerate(sizes)
    ]
    pairs = len(own) // len(means)
    several = f", on average over {pairs} pairs of models" if pairs > 1 else ""
    return f"k = {_named(neighbors)}: {', '.join(found)}{several}."


def _panel(table: pd.DataFrame, neighbors: str) -> Panel:
    own = table[table["neighbors"] == neighbors]
    groups = list(own.groupby(["x", "y"], sort=False))
    with house_style():
        figure = new_figure()
        axes = figure.add_subplot()
        light_grid(axes)
        for (x, y), rows in groups:
            named = len(groups) <= _MOST_NAMED_LINES
            axes.errorbar(
                rows["n"],
                rows["score"],
                yerr=1.96 * rows["standard_error"],
                marker="o",
                markersize=3,
                linewidth=1,
                elinewidth=0.7,
                color=None if named else QUIET,
                alpha=1 if named else 0.4,
                label=f"{x}, {y}" if named else None,
            )
        chance = groups[0][1]
        axes.plot(chance["n"], chance["chance"], "--", color=MARK, linewidth=1, label="chance")
        sizes = list(chance["n"])
        axes.set_xscale("log")
        axes.set_xticks(sizes, [f"{size:,}" for size in sizes], rotation=30, ha="right")
        axes.minorticks_off()
        axes.set_ylim(bottom=0)
        axes.grid(axis="x", color=RULE, linewidth=0.6)
        axes.set(title=f"k = {_named(neighbors)}", xlabel="candidates", ylabel="share in common")
        axes.legend(fontsize=6.5)
        return finish(
            figure,
            f"gallery-{file_slug(neighbors)}",
            f"Share of neighbours in common against the number of candidates, k = "
            f"{_named(neighbors)}. {_answer(table, neighbors)}",
        )
