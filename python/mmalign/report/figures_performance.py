"""Performance and alignment by depth, and one against the other."""

from __future__ import annotations

import textwrap

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from ..analysis.comparisons import BOTH_VIEWS, Comparison
from ..analysis.fit import fit_line
from ..analysis.labels import file_slug, metric_label, metric_slug
from .style import (
    COLORMAP,
    INK,
    QUIET,
    Panel,
    drawn_name,
    finish,
    house_style,
    light_grid,
    new_figure,
    seed_marker,
    view_color,
)

_LINE = 52


def performance_by_depth(encoders: pd.DataFrame, views: list[str]) -> list[Panel]:
    """One panel a view: test accuracy of every encoder, and the mean over seeds by depth."""
    seeds = sorted(encoders["seed"].unique())
    shown = encoders["test_accuracy"].dropna() * 100
    panels = []
    for view in views:
        own = encoders[encoders["view"] == view]
        with house_style():
            figure = new_figure()
            axes = figure.add_subplot()
            light_grid(axes)
            _by_depth(
                axes,
                own["depth"],
                own["test_accuracy"] * 100,
                own["seed"],
                seeds,
                view_color(views, view),
            )
            if len(shown):
                margin = max(0.06 * (shown.max() - shown.min()), 0.5)
                axes.set_ylim(shown.min() - margin, min(shown.max() + margin, 101))
            axes.set(
                title=_title(view),
                xlabel="depth (layers)",
                ylabel="test accuracy (%)",
            )
            _legend(figure, _seed_handles(seeds))
            alt = f"Test accuracy of the {view} encoders by depth, with the mean over seeds."
            panels.append(finish(figure, f"performance-{file_slug(view)}", alt))
    return panels


def alignment_by_depth(found: list[Comparison], views: list[str]) -> list[Panel]:
    """A panel a pair of views: alignment with the other's best encoder, by depth of the varied."""
    pairs: dict[tuple[str, str], list[Comparison]] = {}
    for one in found:
        if one.varied_view != BOTH_VIEWS and len(one.points):
            pairs.setdefault((one.view_a, one.view_b), []).append(one)
    return [_alignment_of_pair(own, views) for own in pairs.values()]


def _alignment_of_pair(found: list[Comparison], views: list[str]) -> Panel:
    first = found[0]
    seeds = sorted({seed for one in found for seed in one.points["seed"]})
    name = metric_label(first.metric, first.options, brief=True)
    with house_style():
        figure = new_figure()
        axes = figure.add_subplot()
        light_grid(axes)
        handles = []
        for one in found:
            color = view_color(views, one.varied_view)
            points = one.points
            _by_depth(axes, points["depth"], points["alignment"], points["seed"], seeds, color)
            handles.append(Line2D([], [], color=color, label=drawn_name(one.varied_view)))
        chance = first.points["chance"].max()
        if np.isfinite(chance):
            line = axes.axhline(chance, color=QUIET, linewidth=1, linestyle=(0, (4, 3)))
            line.set_label("chance")
            handles.append(line)
        axes.set(title="Alignment with the best encoder", xlabel="depth (layers)", ylabel=name)
        _legend(figure, handles)
        slug = metric_slug(first.metric, first.options)
        if len(views) > 2:
            slug += f"-{file_slug(first.view_a)}-{file_slug(first.view_b)}"
        alt = (
            f"{name} of each {first.view_a} and {first.view_b} encoder with the best encoder of "
            "the other view, by depth."
        )
        return finish(figure, f"alignment-by-depth-{slug}", alt)


def alignment_against_performance(one: Comparison, views: list[str], text: str) -> Panel:
    """Every point of a comparison, coloured by depth, with the fitted line and its band.

    ``text`` is the correlation as the tables give it; it stands above the panel.
    """
    points = one.points
    x, y = points["alignment"].to_numpy(float), points["performance"].to_numpy(float) * 100
    both = one.varied_view == BOTH_VIEWS
    name = metric_label(one.metric, one.options, brief=True)
    with house_style():
        figure = new_figure()
        axes = figure.add_subplot()
        light_grid(axes)
        fit = fit_line(x, y, one.encoders)
        if fit is not None:
            color = view_color(views, one.varied_view)
            axes.fill_between(fit.x, fit.low, fit.high, color=color, alpha=0.15, linewidth=0)
            axes.plot(fit.x, fit.line, color=color, linewidth=1.5)
        depths = points["depth"]
        shallow, deep = (depths.min(), depths.max()) if len(points) else (0, 1)
        seeds = sorted(points["seed"].unique())
        dots = None
        for seed in seeds if not both else [None]:
            chosen = slice(None) if seed is None else (points["seed"] == seed).to_numpy()
            dots = axes.scatter(
                x[chosen],
                y[chosen],
                c=depths.to_numpy()[chosen],
                vmin=shallow,
                vmax=deep,
                cmap=COLORMAP,
                edgecolors=INK,
                linewidths=0.3 if len(x) < 300 else 0.1,
                s=max(12.0, min(36.0, 4000.0 / max(len(x), 1))),
                marker="o" if seed is None else seed_marker(seeds, seed),
            )
        # The band may reach far beyond the points, which are what is to be seen.
        _limits(axes, x, y)
        if dots is not None and deep > shallow:
            bar = figure.colorbar(dots, ax=axes, aspect=30, pad=0.02)
            bar.outline.set_visible(False)
            bar.set_label("mean depth" if both else "depth (layers)")
            if not both:
                bar.set_ticks(sorted(depths.unique())[:: max(1, depths.nunique() // 6)])
        axes.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]))
        title = _title_of(one, views)
        # A reason why there is no interval can be longer than a line.
        lines = textwrap.wrap(text, _LINE)
        axes.set_title(title + "\n" * len(lines), fontsize=9.5)
        axes.text(0, 1.03, "\n".join(lines), transform=axes.transAxes, fontsize=8, color=QUIET)
        axes.set(xlabel=name, ylabel="mean test accuracy (%)" if both else "test accuracy (%)")
        slug = f"{metric_slug(one.metric, one.options)}-{file_slug(one.view_a)}"
        file = f"alignment-performance-{slug}-{file_slug(one.view_b)}-{file_slug(one.varied_view)}"
        alt = f"{title}: {name} against accuracy. {text}."
        return finish(figure, file, alt)


def _by_depth(
    axes: Axes,
    depth: pd.Series,
    values: pd.Series,
    seed: pd.Series,
    seeds: list[int],
    color: str,
) -> None:
    spread = 0.08 * (np.arange(len(seeds)) - (len(seeds) - 1) / 2)
    for offset, one in zip(spread.clip(-0.25, 0.25), seeds, strict=True):
        chosen = (seed == one).to_numpy()
        axes.plot(
            depth[chosen] + offset,
            values[chosen],
            linestyle="none",
            color=color,
            alpha=0.75,
            marker=seed_marker(seeds, one),
            markersize=5,
            markeredgecolor="white",
            markeredgewidth=0.5,
        )
    mean = values.groupby(depth).mean()
    axes.plot(mean.index, mean.to_numpy(), color=color, linewidth=1.6)
    axes.set_xticks(sorted(depth.unique()))


def _title(view: str) -> str:
    return f"{drawn_name(view).capitalize()} encoders"


def _title_of(one: Comparison, views: list[str]) -> str:
    """Which encoders are the points; with more than two views also what they are compared with."""
    if one.varied_view == BOTH_VIEWS:
        if len(views) == 2:
            return "All pairs of encoders"
        return f"Pairs of {drawn_name(one.view_a)} and {drawn_name(one.view_b)} encoders"
    if len(views) == 2:
        return _title(one.varied_view)
    other = one.view_b if one.varied_view == one.view_a else one.view_a
    return f"{_title(one.varied_view)}, with {drawn_name(other)}"


def _legend(figure: Figure, handles: list[Line2D]) -> None:
    """Below the axes, where it can hide nothing."""
    short = sum(len(str(handle.get_label())) for handle in handles[:3]) <= 30
    columns = 2 if len(handles) == 4 else min(len(handles), 3)
    figure.legend(
        handles=handles,
        loc="outside lower center",
        ncols=columns if short else 1,
        columnspacing=1.2,
    )


def _seed_handles(seeds: list[int]) -> list[Line2D]:
    marks = [
        Line2D(
            [],
            [],
            linestyle="none",
            color=QUIET,
            marker=seed_marker(seeds, seed),
            markersize=5,
            label=f"seed {seed}",
        )
        for seed in seeds
    ]
    return [*marks, Line2D([], [], color=INK, linewidth=1.6, label="mean")]


def _limits(axes: Axes, x: np.ndarray, y: np.ndarray) -> None:
    for set_limits, values in ((axes.set_xlim, x), (axes.set_ylim, y)):
        values = values[np.isfinite(values)]
        if len(values):
            margin = 0.08 * np.ptp(values) or max(0.05 * abs(values[0]), 1e-3)
            set_limits(values.min() - margin, values.max() + margin)
