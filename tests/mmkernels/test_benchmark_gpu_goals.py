"""What the benchmark of a CUDA device says of goals, and how it chooses a tiling."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).resolve().parents[2] / "benchmarks"))

from gpu import contender, contests, goals, inputs, tilings

pytest.importorskip("torch")


def times_of_goals(seconds):
    """As a run writes them: every contender of every goal takes as long."""
    names = {goals.HOPPER, goals.FLASHLIB, "mmkernels, fast, sm90", "mmkernels"}
    return [
        {
            "contest": contest.key,
            "contenders": [
                {"name": each.name, "seconds": seconds}
                for each in contest.contenders
                if each.name in names
            ],
        }
        for contest in contests.CONTESTS
    ]


def test_goals_are_of_contests_that_there_are():
    rows = goals.rows(times_of_goals(1.0))
    assert [row[2] for row in rows if row[2] == goals.NOT_MEASURED] == []
    assert [row[3] for row in goals.rows(times_of_goals(1e9))] != [row[3] for row in rows]


def test_goals_tell_what_was_reached():
    asked = [row[:2] for row in goals.rows([])]
    found = {tuple(row[:2]): row[2:] for row in goals.rows(times_of_goals(1e-3))}
    assert len(found) == len(asked) == len(goals.GOALS)
    assert found["RBF CKA, fast, n = 65,536, D = 1024 + 1024", "under 20 ms"] == ["1.00 ms", "yes"]
    neighbors = "neighbours, n = 262,144, D = 1024, k = 10"
    assert found[neighbors, "4 x FlashLib"] == ["1.0 x", "no"]
    assert found[neighbors, "1.0 PFLOP/s of all ordered pairs"][1] == "yes"
    slow = {tuple(row[:2]): row[2:] for row in goals.rows(times_of_goals(1.0))}
    assert slow[neighbors, "1.0 PFLOP/s of all ordered pairs"] == ["0.14 PFLOP/s", "no"]
    assert slow["linear unbiased CKA, exact, n = 65,536, D = 1024", "under 5 ms"][1] == "no"


def test_the_best_tiling_is_clearly_better():
    assert tilings.best({"": 1.0, "a": 0.99, "b": 1.2}) == ""
    assert tilings.best({"": 1.0, "a": 0.9, "b": 0.8}) == "b"


def test_tilings_are_tried_one_question_after_the_other(monkeypatch):
    tried = []

    def seconds(contest, inputs, device, settings):
        tried.append(settings)
        return 1.0 if settings.endswith(("second", "fourth")) else 2.0

    asked = [
        tilings.Question(contests.CONTESTS[0].key, ("", "first", "second")),
        tilings.Question(contests.CONTESTS[1].key, ("", "third", "fourth")),
    ]
    monkeypatch.setattr(tilings, "QUESTIONS", asked)
    monkeypatch.setattr(tilings, "seconds", seconds)
    found = tilings.tune("cpu", 4096)
    assert tried == ["", "first", "second", "second", "second,third", "second,fourth"]
    # What was chosen is the built-in of the next question.
    assert found["chosen"] == "second"
    assert "| as built in |" in tilings.render(found)


def test_a_tiling_is_set_for_a_call_alone(monkeypatch):
    monkeypatch.delenv(tilings.TILING, raising=False)
    monkeypatch.delenv(contender.PATH, raising=False)
    contest = contests.find(f"knn, n = {contests.SMALL}, d = 128, k = 10")
    assert tilings.seconds(contest, inputs.one(300, 32, "cpu"), "cpu", "knn_blocks=1") > 0
    assert tilings.TILING not in os.environ
    assert contender.PATH not in os.environ
