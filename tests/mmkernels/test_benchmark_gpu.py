"""The benchmark of a CUDA device without one: its time budget, its table, its answers, and a whole
run of small sizes on the CPU."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
sys.path.append(str(BENCHMARKS))

import gpu_table  # noqa: E402
from gpu import answers, contenders, contests, goals, inputs, report  # noqa: E402
from gpu.budget import Budget, rounds  # noqa: E402
from gpu.process import Worker  # noqa: E402

torch = pytest.importorskip("torch")


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


def test_budget_grants_what_is_left():
    clock = Clock()
    budget = Budget(60, clock)
    assert budget.grant(30, least=3) == 30
    clock.now += 45
    assert budget.grant(30, least=3) == 15
    assert budget.grant(30, least=16) is None
    clock.now += 100
    assert budget.left() == 0
    assert budget.grant(30, least=3) is None


@pytest.mark.parametrize(
    ("first", "seconds", "wanted"), [(1, 5, 5), (10, 5, 1), (1e-3, 5, 9), (0, 5, 9)]
)
def test_rounds_fit_the_time(first, seconds, wanted):
    assert rounds(first, seconds, most=9) == wanted


def measured(seconds, **others):
    return {
        "seconds": seconds,
        "flop_per_second": 2e14 / seconds,
        "peak_mib": 100.0,
        "agrees": True,
        "difference": 0.0,
        **others,
    }


def result(*contenders_of_it):
    names = ["mmkernels", "torch mm + topk, bfloat16", "FlashLib flash_knn"]
    rows = [{"name": name, **row} for name, row in zip(names, contenders_of_it, strict=False)]
    return {
        "contest": "knn",
        "what": "neighbours",
        "n": 65536,
        "d": 1024,
        "k": 10,
        "contenders": rows,
    }


def test_table_has_times_ratios_and_shares():
    run = {
        "device": "a device",
        "cublas_flop_per_second": 8e14,
        "checks": {"tests": "passed"},
        "contests": [result(measured(0.5), measured(1.5, agrees=False, difference=0.25))],
    }
    text = report.render(run)
    assert "800 TFLOP/s" in text
    assert "tests: passed" in text
    assert "| 65,536 | 1,024 | 10 | 500.0 | 1.00 | 400 | 50% | 100 | 0.0e+00 |" in text
    assert "| 1500.0 | 3.00 | 133 | 17% | 100 | 2.5e-01: NOT THE SAME |" in text


def test_where_nothing_is_multiplied_no_rate_is_shown():
    run = {"cublas_flop_per_second": 8e14, "contests": [result(measured(0.5, flop_per_second=0.0))]}
    assert "| 500.0 | 1.00 |  |  | 100 | 0.0e+00 |" in report.render(run)


def test_what_was_not_measured_keeps_its_row():
    missing = {"missing": "flashlib is not installed"}
    failed = {"failed": "OutOfMemoryError: CUDA out of memory."}
    text = report.render({"contests": [result(failed, measured(1.0), missing)]})
    assert "not measured: OutOfMemoryError: CUDA out of memory." in text
    assert "not measured: flashlib is not installed" in text
    lines = [line for line in text.split("\n\n")[-1].splitlines()]
    assert {line.count("|") for line in lines} == {len(report.HEADS) + 1}


def test_before_any_run_nothing_is_measured(capsys):
    assert gpu_table.main(["--show"]) == 0
    said = capsys.readouterr().out
    goal_rows, rows = (part.strip().splitlines()[2:] for part in said.split("\n\n")[1:])
    assert len(goal_rows) == len(goals.GOALS)
    assert all("| not measured |" in row for row in goal_rows)
    assert len(rows) == sum(len(contest.contenders) for contest in contests.CONTESTS)
    assert all("| not measured |" in row for row in rows)
    assert "mm, bfloat16, 8192 x 8192 x 8192: not measured" in said


def test_only_our_own_mistakes_fail_a_run():
    wrong = measured(1.0, agrees=False, difference=0.5)
    assert report.wrong([result(measured(1.0), wrong, {"failed": "no"})]) == []
    assert report.wrong([result(wrong)]) == ["knn, mmkernels: 5.0e-01: NOT THE SAME"]
    assert report.wrong([result({"failed": "no"})]) == ["knn, mmkernels: no"]
    assert report.wrong([result({"missing": "no time was left"})]) == []


def test_neighbors_of_two_are_held_against_a_sample():
    xy = inputs.two_in_bfloat16(700, 40, "cpu")
    truth = answers.shared(*xy, 10)
    assert answers.share(contenders.ours_of_two(xy, 10), truth).agrees
    assert answers.share(contenders.torch_of_two(xy, 10), truth).difference < 0.2
    assert not answers.share(truth[0] + 6 * truth[1], truth).agrees


def test_a_spectrum_decays():
    rows = inputs.decaying(2000, 40, "cpu")
    assert abs(float(rows[:, 9].std()) * 10 - 1) < 0.1


def test_contests_are_those_that_were_asked_for():
    keys = [contest.key for contest in contests.CONTESTS]
    assert len(set(keys)) == len(keys)
    for n in (65_536, 1_000_000):
        for d in (128, 256, 1024, 4096):
            for k in (10, 32, 100):
                assert f"knn, n = {n}, d = {d}, k = {k}" in keys
    for d in (1024, 4096):
        assert f"cka rbf, n = 65536, d = {d}" in keys
        assert f"cka linear, n = 65536, d = {d}" in keys
    assert all(contest.contenders[0].name.startswith("mmkernels") for contest in contests.CONTESTS)


def talker(*lines):
    """A process that answers its n-th question with the n-th line, then ends."""
    program = f"import sys, time\nfor line in {lines!r}:\n  input()\n  "
    return Worker([sys.executable, "-c", program + "exec(line)"])


def test_worker_answers_fails_and_starts_again():
    say = "print('{\"value\": 1}', flush=True)"
    with talker(say, "time.sleep(60)") as worker:
        assert worker.ask({}, 20) == {"value": 1}
        assert worker.ask({}, 0.5) == {"failed": "not done after 0 s"}
        assert worker.ask({}, 20) == {"value": 1}
    with talker("sys.exit(7)") as worker:
        assert worker.ask({}, 20) == {"failed": "the process ended with status 7"}
    with talker('print(\'{"failed": "CUDA error"}\', flush=True)', say) as worker:
        for _ in range(2):  # the second one asks a new process
            assert worker.ask({}, 20) == {"failed": "CUDA error"}


@pytest.fixture(scope="module")
def embeddings():
    return inputs.one(700, 40, "cpu")


def test_views_of_one_seed_are_alike():
    x, y = inputs.two(500, 96, "cpu")
    assert x.shape == y.shape == (500, 96)
    assert abs(float(x.var()) - 1) < 0.2
    assert answers.cka_linear(x, y) > 0.1
    stranger = inputs.representation(500, 96, seed=9, device="cpu")
    assert abs(answers.cka_linear(x, stranger)) < 0.02


def test_lists_are_held_against_float64(embeddings):
    right = contenders.ours_neighbors(embeddings, 11)
    verdict = answers.neighbors(embeddings, right[:, :10], 10, exact=True)
    assert (verdict.agrees, verdict.difference) == (True, 0)
    # A list that begins with the row itself and has one more, as FlashLib's.
    itself = torch.cat([torch.arange(700)[:, None], right[:, :10]], dim=1)
    assert answers.neighbors(embeddings, itself, 10, exact=True).agrees
    # The next best in the last place, one twice, nothing, or the right ones in another order.
    for change in ((9, right[0, 10]), (0, right[0, 1]), (3, -1)):
        found = right[:, :10].clone()
        found[0, change[0]] = change[1]
        assert not answers.neighbors(embeddings, found, 10, exact=True).agrees
    found = right[:, :10].flip(1)
    assert not answers.neighbors(embeddings, found, 10, exact=True).agrees
    assert answers.neighbors(embeddings, found, 10, exact=False).agrees


def test_a_part_of_the_queries_is_searched(embeddings):
    whole = contenders.torch_neighbors(embeddings.float(), 5)
    part = contenders.torch_neighbors(embeddings.float(), 5, queries=70)
    assert torch.equal(part, whole[:70])


def test_scores_are_held_against_float64():
    xy = inputs.two(300, 24, "cpu")
    truth = answers.cka_rbf(*xy, contenders.bandwidth(xy[0]))
    assert answers.score(contenders.ours_rbf(xy, None), truth, exact=True).agrees
    assert not answers.score(truth + 1e-3, truth, exact=True).agrees
    assert not answers.score(float("nan"), truth, exact=False).agrees
    truth = answers.cka_linear(*xy)
    for contender in contenders.LINEAR:
        assert answers.score(contender.call(xy, None), truth, exact=True).agrees, contender.name


def test_nulls_are_held_against_relabelled_lists():
    lists = inputs.lists(400, 24, "cpu")
    truth = answers.relabelled_scores(lists, 7)
    found = {one.exact: one.call(lists, 7) for one in contenders.NULL}
    for exact, scores in found.items():
        assert len(scores) == contenders.RELABELLINGS
        assert answers.null(scores, truth, 400, 7, exact).agrees
        scores += 0.01
        assert not answers.null(scores, truth, 400, 7, exact).agrees


def test_losses_are_held_against_float64():
    asked = inputs.networks(600, 12, "cpu")
    truth = answers.first_losses(asked, 2)
    assert {asked[0][index].depth for index in truth} == set(inputs.DEPTHS)
    for contender in contenders.NETWORKS:
        found = contender.call(asked, None)
        assert answers.losses(found, truth).agrees, contender.name
    found[-1].step_losses[1] += 1e-3
    assert not answers.losses(found, truth).agrees


def test_a_rehearsal_runs_from_end_to_end(tmp_path):
    checks = tmp_path / "checks"
    checks.write_text("tests\tpassed; 5 passed\n")
    command = [sys.executable, str(BENCHMARKS / "gpu_table.py"), "--rehearse", "--seconds", "60"]
    command += ["--only", "cka linear, n = 65536, d = 1024", "--checks", str(checks)]
    process = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert process.returncode == 0, process.stderr
    assert "tests: passed; 5 passed" in process.stdout
    rows = [line for line in process.stdout.splitlines() if line.startswith("| cka linear")]
    assert len(rows) == len(contenders.LINEAR)
    for row, contender in zip(rows, contenders.LINEAR, strict=True):
        assert ("not measured: it is of a device" in row) == contender.hopper
    assert "tilings: it is for devices of compute capability 9.0" in process.stdout
    assert list(tmp_path.iterdir()) == [checks]  # a rehearsal is no result


def test_results_are_named_after_the_device(tmp_path):
    found = {"date": "2026-01-02", "device": "NVIDIA H100 80GB HBM3"}
    path = gpu_table.result_path(tmp_path, found, "")
    assert path.name == "2026-01-02-nvidia-h100-80gb-hbm3-gpu.json"
    run = {**found, "contests": [result(measured(0.5))]}
    path.write_text(json.dumps(run))
    assert gpu_table.main(["--show", str(path)]) == 0


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a device")
def test_without_a_device_it_says_so(tmp_path):
    assert gpu_table.main(["--out", str(tmp_path)]) == gpu_table.NO_DEVICE
    environment = {**os.environ, "PYTHON": sys.executable, "OUT": str(tmp_path)}
    process = subprocess.run(
        ["bash", str(BENCHMARKS / "gpu.sh")], env=environment, capture_output=True, text=True
    )
    assert process.returncode == 3
    assert "CUDA device" in process.stderr
    assert list(tmp_path.iterdir()) == []
