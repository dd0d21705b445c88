"""Samples as a person would look at them, and what their label is at each balance."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...analysis.labels import joined
from ...data.digits_and_voices import (
    BALANCES,
    DigitsAndVoices,
    build_digits_and_voices,
    load_digits_and_voices,
)
from ...errors import UserError
from ...study.digits_and_voices import DigitsAndVoicesResults
from ..figures_data import mel_decibels
from ..style import Panel, finish, house_style, new_figure

SHOWN = 8


def examples_of(
    results: DigitsAndVoicesResults, data: DigitsAndVoices | None
) -> tuple[DigitsAndVoices | None, str]:
    """The study's data, or None and why it is not at hand."""
    try:
        data = data or load_digits_and_voices(build_digits_and_voices())
    except (UserError, OSError) as error:
        return None, f"Examples are not shown, as the data is not at hand: {error}"
    first = results.study["balances"][0]
    if data.at(BALANCES[first["name"]]).fingerprint != first["fingerprint"]:
        return None, (
            "Examples are not shown, as the built-in data is not what the study was run on (their "
            "fingerprints differ)."
        )
    return data, ""


def example_rows(data: DigitsAndVoices) -> np.ndarray:
    """The first test sample of each digit."""
    test = data.splits["test"]
    digits = data.latents[test, 0]
    return np.array([test[np.argmax(digits == digit)] for digit in range(SHOWN)])


def example_panel(data: DigitsAndVoices) -> Panel:
    """Pictures, and below them the spectrograms that the MFCC of their sounds keep."""
    rows = example_rows(data)
    with house_style():
        figure = new_figure((9.2, 2.75))
        grid = figure.subplots(2, SHOWN)
        for column, row in zip(grid.T, rows, strict=True):
            digit, _, voice = data.latents[row]
            column[0].imshow(data.pictures[row], cmap="gray_r", interpolation="nearest")
            column[1].imshow(
                mel_decibels(data.sounds[row]),
                cmap="magma",
                interpolation="nearest",
                aspect="auto",
                origin="lower",
            )
            column[0].set_title(f"{digit}, voice {voice}", loc="center", fontsize=9)
            for axes in column:
                axes.set_xticks([])
                axes.set_yticks([])
                axes.spines[:].set_visible(False)
        grid[0, 0].set_ylabel("picture", fontsize=9)
        grid[1, 0].set_ylabel("sound", fontsize=9)
        shown = joined([str(digit) for digit in data.latents[rows, 0]])
        return finish(figure, "examples", f"A picture and a spectrogram each of {shown}.")


def example_labels(data: DigitsAndVoices, names: list[str]) -> list[dict[str, Any]]:
    """The label of each shown picture at each balance, one line a balance."""
    rows = example_rows(data)
    lines = []
    for name in names:
        balance = BALANCES[name]
        latents = data.latents_at(balance)[rows]
        labels = balance.label(*latents.T)
        lines.append(
            {
                "task": balance.task,
                "numbers": [
                    f"{label} ({heard} heard)" if balance.both_mask else str(label)
                    for label, heard in zip(labels, latents[:, 2], strict=True)
                ],
            }
        )
    return lines
