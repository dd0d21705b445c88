"""The conformance table judges and reports as it says, and fails loudly; without any download."""

from __future__ import annotations

import json
import math
import os
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import mmkernels
from mmkernels import reference

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
sys.path.append(str(BENCHMARKS))

import cases  # noqa: E402
import conformance  # noqa: E402
import conformance_report  # noqa: E402
import peer_process  # noqa: E402
from cases import Case  # noqa: E402
from conformance_peers import PEERS, Call, Peer, scipy_stats  # noqa: E402
from definitions import METRICS, Metric  # noqa: E402
from environments import NotInstallable  # noqa: E402
from peer_process import Asked, ask  # noqa: E402
from verdicts import Answer, judge, tolerance  # noqa: E402

MUTUAL = next(metric for metric in METRICS if metric.name == "mutual_knn")
NAMES = {metric.name for metric in METRICS}


def peer(*calls, **others):
    return Peer(name="fake", calls=calls, **others)


def call(answer=0.0, spelled="theirs(x, y)", **reasons):
    return Call("mutual_knn", spelled, lambda x, y: answer, reasons=reasons)


def hard_case(**others):
    draw = np.random.default_rng(0)
    x, y = draw.normal(size=(30, 4)), draw.normal(size=(30, 3))
    return Case("odd", "something | odd", x, y, ("mutual_knn",), **others)


def asked(fake, *answers):
    """As if `fake` had said one of `answers` to each of its calls, whatever the case."""
    every = [*cases.ordinary(), hard_case()]
    given = [(case, c, a) for case in every for c, a in zip(fake.calls, answers, strict=True)]
    return every, Asked(fake, version="1.0", answers=tuple(given))


def table_of(fake, *answers, metrics=(MUTUAL,), ours=mmkernels):
    every, found = asked(fake, *answers)
    rows, truths = conformance.own_rows(every, metrics, ours, reference)
    rows += conformance.peer_rows(found, truths)
    libraries = [conformance.ourselves(), conformance.library(found)]
    result = {**conformance.context(), "libraries": libraries, "answers": rows}
    wrong = conformance.failures(rows, [fake])
    return wrong, conformance_report.document(result, every, metrics), result


@pytest.mark.parametrize(
    ("answer", "truth", "verdict"),
    [
        (Answer(0.5 + 1e-9), 0.5, "agrees"),
        (Answer(0.5 + 1e-7), 0.5, "differs"),
        (Answer(math.nan), 0.5, "differs"),
        (Answer(math.inf), 0.5, "differs"),
        (Answer(raised="ValueError: no"), 0.5, "raises"),
        (Answer(raised="ValueError: no"), None, "refuses"),
        (Answer(math.nan), None, "says NaN"),
        (Answer(0.0), None, "makes it up"),
        (Answer(0.5), math.nan, "differs"),
    ],
)
def test_verdicts(answer, truth, verdict):
    assert judge(answer, truth, tolerance(np.dtype(np.float64))) == verdict


def test_tolerance_is_that_of_the_type_that_is_computed_in():
    assert tolerance(np.float64) == tolerance(np.float32, "float64") == 1e-8
    assert (
        tolerance(np.float32) == tolerance(np.float16) == tolerance(np.float64, "float32") == 1e-4
    )


def test_every_library_is_asked_for_metrics_of_the_table():
    assert len({peer.name for peer in PEERS}) == len(PEERS)
    assert len(NAMES) == len(METRICS)
    for library in PEERS:
        assert {call.metric for call in library.calls} <= NAMES
        assert len({(call.metric, call.spelled) for call in library.calls}) == len(library.calls)
    assert {name for case in cases.hard() for name in case.metrics} <= NAMES


def test_adapters_are_short():
    for path in (BENCHMARKS / "conformance_peers").glob("*.py"):
        assert len(path.read_text().splitlines()) < 100, path.name


def test_inputs_are_those_of_the_published_numbers():
    a, b, _ = cases.views()
    assert reference.mutual_knn(a, b, k=10) == 0.33203125
    np.testing.assert_allclose(reference.cka(a, b), 0.697823, atol=1e-6)


def test_ours_is_the_truth_on_every_metric_and_case():
    rows, _ = conformance.own_rows(
        (*cases.ordinary(), *cases.hard()), METRICS, mmkernels, reference
    )
    assert conformance.failures(rows, []) == []


def test_a_missing_metric_fails_loudly(monkeypatch, tmp_path, capsys):
    absent = Metric("absent", "nothing", "no_such_function")
    monkeypatch.setattr(conformance, "METRICS", (absent,))
    monkeypatch.setattr(conformance, "PEERS", ())
    monkeypatch.setattr(cases, "hard", tuple)
    arguments = ["--document", str(tmp_path / "table.md"), "--results", str(tmp_path)]
    assert conformance.main(arguments) == 1
    complaints = capsys.readouterr().err
    assert "NOT CONFORMING" in complaints
    assert "ours raises: A-B-float64, absent" in complaints
    assert "no truth: A-B-float64, absent" in complaints
    assert "has no attribute 'no_such_function'" in (tmp_path / "table.md").read_text()


def test_what_conforms_is_written_whole(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(conformance, "METRICS", (MUTUAL,))
    monkeypatch.setattr(conformance, "PEERS", ())
    monkeypatch.setattr(cases, "hard", tuple)
    arguments = ["--document", str(tmp_path / "table.md"), "--results", str(tmp_path)]
    assert conformance.main(arguments) == 0
    assert capsys.readouterr().err.endswith("conforming\n")
    (path,) = tmp_path.glob("*-conformance.json")
    answers = json.loads(path.read_text())["answers"]
    assert [line["verdict"] for line in answers if line["library"] == "mmkernels"] == ["agrees"] * 4
    assert "| 0.332031 | 0.031641 |" in (tmp_path / "table.md").read_text()


def test_a_wrong_number_of_ours_fails():
    def off(x, y, k):
        return reference.mutual_knn(x, y, k=k) + 1e-5

    wrong, _, _ = table_of(peer(), ours=SimpleNamespace(__name__="off", mutual_knn=off))
    assert len(wrong) == 5
    assert all(line.startswith("ours differs: ") for line in wrong)


def test_a_number_of_ours_where_there_is_none_fails():
    case = hard_case(undefined="nobody knows")
    rows, _ = conformance.own_rows([case], [MUTUAL], mmkernels, reference)
    (failure,) = conformance.failures(rows, [])
    assert failure.startswith("ours makes it up: odd, mutual_knn")


def test_a_difference_needs_a_reason():
    wrong, table, _ = table_of(peer(call()), Answer(0.0))
    assert len(wrong) == 5
    assert all(line.startswith("unexplained: ") for line in wrong)
    wrong, table, _ = table_of(peer(call(ordinary="rounds | down", odd="is odd")), Answer(0.0))
    assert wrong == []
    assert "| differs: rounds \\| down |" in table
    assert "| differs: is odd |" in table


def test_a_reason_needs_a_difference():
    fake = peer(call(**{"*": "always wrong", "odd": "wrong", "gone": "was wrong"}))
    wrong, _, _ = table_of(fake, Answer(0.0))
    assert wrong == ["nothing to explain: fake theirs(x, y), gone: was wrong"]


def test_an_error_speaks_for_itself_unless_explained():
    wrong, table, _ = table_of(peer(call()), Answer(raised="TypeError: a|b"))
    assert wrong == []
    assert "| raises: `TypeError: a\\|b` |" in table
    fake = peer(call(raises="takes no float64"))
    wrong, table, _ = table_of(fake, Answer(raised="TypeError: a|b"))
    assert wrong == []
    assert "| raises: `TypeError: a\\|b`: takes no float64 |" in table


def test_a_library_is_counted_by_its_right_answers():
    right = Answer(reference.mutual_knn(*cases.views()[:2], k=10))
    fake = peer(call(**{"*": "one number for all"}))
    _, table, result = table_of(fake, right)
    assert "| here |  | 4 of 4 | 1 of 1 |" in table
    assert "| fake | 1.0 | this environment |  | 2 of 4 | 0 of 1 |" in table
    assert "(A-C-float64, A-C-float32) |" in table
    assert {line["verdict"] for line in result["answers"] if line["library"] == "fake"} == {
        "agrees",
        "differs",
    }


def test_all_rows_of_a_table_have_its_columns():
    _, table, _ = table_of(
        peer(call(**{"*": "a | b"}), call(spelled="f(x | y)")), Answer(0.0), Answer()
    )
    width = None
    for line in table.splitlines():
        cells = line.replace("\\|", "").count("|") if line.startswith("|") else None
        assert cells is None or width in (None, cells), line
        width = cells


@pytest.mark.parametrize(
    ("fake", "problem"),
    [
        (peer(checkout="https://example.org"), "not run: needs --checkout fake=PATH"),
        (peer(requirements=("fake==1",)), "not installable: no wheel for you"),
    ],
)
def test_a_library_that_cannot_be_had_is_listed(monkeypatch, tmp_path, fake, problem):
    def refuse(*_):
        raise NotInstallable("no wheel for you")

    monkeypatch.setattr(peer_process, "python_for", refuse)
    found = ask(fake, cases.ordinary(), tmp_path, None)
    assert found.problem == problem
    assert problem in conformance_report.libraries([conformance.library(found)], [], [])


@pytest.mark.parametrize(
    ("program", "problem", "raised"),
    [
        ("raise SystemError('gone')", "raises: SystemError: gone", None),
        ('print(\'{"version": "1"}\'); raise SystemError("late")', None, "SystemError: late"),
    ],
)
def test_a_worker_that_ends_early_leaves_the_rest_raised(
    monkeypatch, tmp_path, program, problem, raised
):
    monkeypatch.setattr(peer_process, "python_for", lambda *_: Path(sys.executable))
    monkeypatch.setattr(peer_process, "WORKER", tmp_path / "worker.py")
    (tmp_path / "worker.py").write_text(program)
    found = ask(peer(call()), cases.ordinary(), tmp_path, None)
    assert found.problem == problem
    assert {answer.raised for _, _, answer in found.answers} == ({raised} if raised else set())


def test_a_library_is_asked_in_an_environment_of_its_own(tmp_path):
    pytest.importorskip("scipy")
    found = ask(scipy_stats.PEER, cases.ordinary()[:1], tmp_path, None)
    assert found.problem is None
    assert found.version
    answers = {call.metric: answer for _, call, answer in found.answers}
    assert set(answers) == {call.metric for call in scipy_stats.PEER.calls}
    np.testing.assert_allclose(answers["rsa_correlation_spearman"].value, 0.667001, atol=1e-6)
    (home,) = tmp_path.iterdir()
    assert (home / "complete").exists()
    assert os.path.realpath(home / "bin" / "python") == os.path.realpath(sys.executable)


def test_an_unknown_checkout_is_refused(capsys):
    with pytest.raises(SystemExit):
        conformance.main(["--checkout", "nothing=here"])
    assert "no library has a checkout called nothing" in capsys.readouterr().err
