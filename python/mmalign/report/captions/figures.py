"""Alignment against uniqueness, length and performance: a dot a pair of models and level."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ...analysis.captions import CaptionResults
from ...analysis.captions.statistics import RANGE
from ...analysis.labels import decimal, file_slug
from ..style import (
    INK,
    PANEL_INCHES,
    QUIET,
    Panel,
    drawn_name,
    finish,
    house_style,
    light_grid,
    new_figure,
)
from ..synthetic.marks import (
    OURS,
    handle,
    headline,
    hollow,
    legend,
    level_color,
    ours_handle,
    published_handle,
)
from .answers import of_families

U_AXIS = "U (percent of a caption changed)"


def uniqueness_panels(results: CaptionResults, table: pd.DataFrame) -> list[Panel]:
    """A panel a family: best alignment of every pair of models against U."""
    panels = []
    for family in results.families:
        own = results.alignments[results.alignments["family"] == family]
        rows = of_families(table, "alignment_uniqueness", "spearman")
        row = rows[rows["family"] == family].iloc[0]
        with house_style():
            figure = new_figure(PANEL_INCHES)
            axes = figure.add_subplot()
            light_grid(axes)
            axes.plot(own["level"], own["alignment"], "o", color=OURS, markersize=3, alpha=0.5)
            mean = own.groupby("level")["alignment"].mean()
            axes.plot(mean.index, mean, color=OURS, linewidth=1.4)
            chance = own.groupby("level")["chance"].mean()
            axes.plot(chance.index, chance, color=QUIET, linewidth=1, linestyle=(0, (4, 3)))
            told = table[
                (table["question"] == RANGE)
                & (table["family"] == family)
                & table["published"].notna()
            ]
            axes.plot(told["level"].astype(float), told["published"], **hollow())
            axes.set_ylim(bottom=0)
            axes.set(xlabel=U_AXIS, ylabel="best alignment")
            headline(axes, drawn_name(family), f"Spearman {decimal(row['value'])}")
            handles = [
                ours_handle("a pair of models"),
                handle("mean", color=OURS, linewidth=1.4),
                handle("chance", color=QUIET, linewidth=1, linestyle=(0, (2, 1.5))),
            ]
            if len(told):
                handles.append(published_handle())
            legend(figure, handles, 4)
            alt = f"Best alignment of {family} and language models against U."
            panels.append(finish(figure, f"uniqueness-{file_slug(family)}", alt))
    return panels


def confound_panels(results: CaptionResults) -> list[Panel]:
    """Length of the captions and bits per byte along U: what changes beside their meaning."""
    levels = results.levels
    lengths = [results.lengths(level) for level in levels]
    with house_style():
        figure = new_figure(PANEL_INCHES)
        axes = figure.add_subplot()
        light_grid(axes)
        low, high = np.array([np.quantile(one, [0.1, 0.9]) for one in lengths]).T
        axes.fill_between(levels, low, high, color=QUIET, alpha=0.2, linewidth=0)
        axes.plot(levels, [one.mean() for one in lengths], "o-", color=INK, markersize=3.5)
        axes.set_ylim(bottom=0)
        axes.set(xlabel=U_AXIS, ylabel="characters of a caption")
        headline(axes, "Length", "mean, and the middle 80 percent")
        length = finish(figure, "length", "Length of captions against U.")
    with house_style():
        figure = new_figure(PANEL_INCHES)
        axes = figure.add_subplot()
        light_grid(axes)
        bits = results.alignments.groupby(["language_model", "level"])["bits_per_byte"].first()
        for model in results.language_models:
            own = bits.loc[model]
            axes.plot(own.index, own, "o-", color=OURS, markersize=3, linewidth=0.8, alpha=0.7)
        axes.set(xlabel=U_AXIS, ylabel="bits per byte")
        headline(axes, "Bits per byte", "a line a language model")
        return [length, finish(figure, "bits-per-byte", "Bits per byte against U.")]


def performance_panels(results: CaptionResults) -> list[Panel]:
    """A panel a family: best alignment against performance, a line of least squares a level."""
    panels = []
    levels = np.array(results.levels)
    for family, vision_models in results.families.items():
        with house_style():
            figure = new_figure(PANEL_INCHES)
            axes = figure.add_subplot()
            light_grid(axes)
            for level in results.levels:
                color = level_color(levels, level)
                pairs = [results.alignment(level, name) for name in vision_models]
                x = pairs[0][1]
                y = np.mean([alignment for alignment, _ in pairs], axis=0)
                axes.plot(x, y, "o", color=color, markersize=3.5)
                if len(x) > 1 and np.isfinite(x).all() and np.ptp(x) > 0:
                    ends = np.array([x.min(), x.max()])
                    axes.plot(ends, np.polyval(np.polyfit(x, y, 1), ends), color=color)
            axes.set(xlabel="performance (minus bits per byte)", ylabel="best alignment")
            headline(axes, drawn_name(family), "mean over its vision models")
            shown = levels[np.linspace(0, len(levels) - 1, min(len(levels), 4)).round().astype(int)]
            handles = [
                handle(f"U = {one}", color=level_color(levels, one), linewidth=2) for one in shown
            ]
            legend(figure, handles, 4)
            alt = f"Best alignment of {family} against performance of language models, by U."
            panels.append(finish(figure, f"performance-{file_slug(family)}", alt))
    return panels
