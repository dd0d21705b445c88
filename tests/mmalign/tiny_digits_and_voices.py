"""Digits and voices without pictures or speech, a study of seconds, and points made by hand."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from mmalign.analysis.digits_and_voices.points import COLUMNS
from mmalign.data.digits_and_voices import BALANCES, DigitsAndVoices, ground_truth
from mmalign.data.digits_and_voices.samples import COMBINATIONS, draw_latents

METRICS = (
    ("mutual_knn", '{"k":10,"metric":"cosine"}'),
    ("cka", '{"kernel":"linear","sigma":null,"unbiased":true}'),
)


def tiny_data(seed: int = 0) -> DigitsAndVoices:
    """Three blocks of samples whose latents are bright spots in noise."""
    random = np.random.default_rng(seed)
    latents = draw_latents(3, seed)
    digit, turn, voice = latents.T
    n = len(latents)
    rows = np.arange(n)
    pictures = random.integers(0, 60, size=(n, 28, 28), dtype=np.uint8)
    pictures[rows, 3 * digit + 2, 5:20] = 255
    pictures[rows, 24:, 6 * turn + 2] = 255
    sounds = random.normal(size=(n, 20, 36)).astype(np.float32)
    sounds[rows, digit] += 3
    sounds[rows, 10 + voice] += 3
    splits = {
        name: np.arange(start * COMBINATIONS, (start + 1) * COMBINATIONS)
        for start, name in enumerate(("train", "valid", "test"))
    }
    return DigitsAndVoices(pictures, sounds, latents, splits, seed)


def points_by_hand(
    slope: Callable[[str, str], float],
    level: Callable[[str, str], float],
    *,
    balances: tuple[str, ...] = tuple(BALANCES),
    seeds: int = 4,
    depths: int = 4,
) -> pd.DataFrame:
    """Points in which performance is ``slope(balance, view)`` times alignment, plus noise.

    level: (balance, view) -> mean alignment. What a view cannot know is at chance.
    """
    rows = []
    for metric, options in METRICS:
        for name in balances:
            truth = ground_truth(BALANCES[name])
            for view, ceiling in (("image", truth.bayes_1), ("audio", truth.bayes_2)):
                random = np.random.default_rng(7)
                for depth in range(1, depths + 1):
                    for seed in range(seeds):
                        alignment, noise = random.normal(size=2)
                        share = 0.8 + 0.02 * (slope(name, view) * alignment + 0.3 * noise)
                        score = level(name, view) + 0.01 * alignment
                        rows.append(
                            {
                                "balance": name,
                                "uniqueness": BALANCES[name].uniqueness,
                                "synergy": BALANCES[name].count("both"),
                                "metric": metric,
                                "options": options,
                                "view": view,
                                "depth": depth,
                                "seed": seed,
                                "alignment": score,
                                "calibrated": score if metric == "mutual_knn" else np.nan,
                                "p": 0.005 if metric == "mutual_knn" else np.nan,
                                "chance": 0.01,
                                "expected": 1 / 8 if ceiling == 1 / 8 else share * ceiling,
                                "error": 0.001,
                                "ceiling": ceiling,
                            }
                        )
    table = pd.DataFrame(rows)
    table["performance"] = table["expected"] / table["ceiling"]
    return table.reindex(columns=list(COLUMNS)).astype(COLUMNS)
