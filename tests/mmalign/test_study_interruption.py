"""Real processes, really killed: nothing finished is repeated, nothing half-done is left."""

from __future__ import annotations

import contextlib
import random
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from .tiny_study import cell_bytes, identities, log_of, tiny_study

SCRIPT = Path(__file__).with_name("tiny_study.py")


def start(
    directory: Path, *options: str, prepare: Callable[[], None] = lambda: None
) -> subprocess.Popen:
    def before() -> None:
        # Where the tests run in the background, a shell has them ignore Ctrl-C.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        prepare()

    return subprocess.Popen(
        [sys.executable, SCRIPT, directory, *options],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=before,
    )


def finish(process: subprocess.Popen) -> tuple[int, str]:
    try:
        _, errors = process.communicate(timeout=120)
    finally:
        process.kill()
    return process.returncode, errors


def children_of(process: subprocess.Popen) -> list[psutil.Process]:
    """Return the workers of a run; a run has other, short-lived children too."""
    workers = []
    with contextlib.suppress(psutil.NoSuchProcess):
        for child in psutil.Process(process.pid).children():
            with contextlib.suppress(psutil.Error):
                if any("mmalign.study.worker" in part for part in child.cmdline()):
                    workers.append(child)
    return workers


def workers_of(process: subprocess.Popen, count: int = 1) -> list[psutil.Process]:
    """Wait until the run has at least ``count`` workers."""
    for _ in range(1200):
        workers = children_of(process)
        if len(workers) >= count:
            return workers
        assert process.poll() is None, f"the run ended: {process.stderr.read()}"
        time.sleep(0.05)
    raise AssertionError("the run started no workers")


def wait_for_holder(
    process: subprocess.Popen, gone: set[int], lock: str | None = None
) -> tuple[psutil.Process, str]:
    """Wait until a worker not in ``gone`` computes a cell; return it and its lock file."""
    for _ in range(1200):
        for worker in children_of(process):
            with contextlib.suppress(psutil.Error):
                files = [] if worker.pid in gone else worker.open_files()
                locks = [file.path for file in files if file.path.endswith(".lock")]
                if locks and lock in (None, locks[0]):
                    return worker, locks[0]
        time.sleep(0.05)
    raise AssertionError("no worker computes a cell")


def wait_for_cells(directory: Path, count: int) -> None:
    for _ in range(1200):
        if len(list((directory / "cells").glob("*.safetensors"))) >= count:
            return
        time.sleep(0.05)
    raise AssertionError(f"no {count} cells appeared")


def computed_in(directory: Path) -> list[str]:
    """Return the cells in the order in which they were computed, by whichever run."""
    entries = [*log_of(directory, "encoder"), *log_of(directory, "alignment")]
    return [entry["cell"] for entry in entries]


def test_killed_at_random_moments_it_ends_in_the_same_bytes(finished_study, tmp_path):
    directory = tmp_path / "killed"
    (directory / "cells").mkdir(parents=True)
    moments = random.Random(0)
    kept: dict[str, tuple[int, int]] = {}
    killed = 0
    for wanted in (0, 1, 5):
        process = start(directory)
        if wanted == 0:
            workers_of(process)
        wait_for_cells(directory, wanted)
        time.sleep(moments.uniform(0, 0.3))
        workers = children_of(process)
        process.kill()
        killed += process.wait() == -signal.SIGKILL
        # Workers see their parent's end and follow.
        assert psutil.wait_procs(workers, timeout=20)[1] == []
        process.stderr.close()
        now = identities(directory)
        assert {name: now.get(name) for name in kept} == kept
        kept = now
    assert len(kept) >= 5
    assert killed >= 2
    code, errors = finish(start(directory))
    assert code == 0, errors
    now = identities(directory)
    assert {name: now.get(name) for name in kept} == kept
    assert cell_bytes(directory) == cell_bytes(finished_study)
    cells = computed_in(directory)
    assert len(cells) == len(set(cells))


def test_two_runs_share_a_directory_and_one_loses_a_worker(finished_study, tmp_path):
    directory = tmp_path / "shared"
    runs = [start(directory) for _ in range(2)]
    workers_of(runs[0])[0].kill()
    for code, errors in [finish(run) for run in runs]:
        assert code == 0, errors
    assert cell_bytes(directory) == cell_bytes(finished_study)
    cells = computed_in(directory)
    assert sorted(cells) == sorted(cell.hash for cell in tiny_study().cells())


def test_ctrl_c_stops_the_workers_and_keeps_what_is_finished(tmp_path):
    directory = tmp_path / "interrupted"
    process = start(directory, "epochs=100000")
    workers = workers_of(process, 2)
    wait_for_holder(process, set())
    process.send_signal(signal.SIGINT)
    code, errors = finish(process)
    assert code == 1
    assert "interrupted: Stopped. Finished cells are kept" in errors
    assert "Traceback" not in errors
    assert psutil.wait_procs(workers, timeout=20)[1] == []
    assert cell_bytes(directory) == {}


def test_a_cell_that_kills_its_workers_is_given_up(tmp_path):
    directory = tmp_path / "doomed"
    process = start(directory, "epochs=100000", "depths=[1]")
    victim, lock = wait_for_holder(process, set())
    victim.kill()
    heir, _ = wait_for_holder(process, {victim.pid}, lock)
    heir.kill()
    code, errors = finish(process)
    assert "(SIGKILL, as the system sends when memory runs out); trying once more." in errors
    assert len(log_of(directory, "worker died")) == 2
    assert code == 1
    last = errors.strip().splitlines()[-1]
    assert last.startswith("UserError: A worker process ended 2 times while training the ")
    assert "Finished cells are kept" in last


def test_a_disk_that_refuses_is_one_sentence(tmp_path):
    """Files above a size limit stand for a full disk: the data fit, the results do not."""
    directory = tmp_path / "full"
    limit = 128 * 1024
    process = start(
        directory,
        "width=300",
        "depths=[2]",
        "epochs=1",
        prepare=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )
    code, errors = finish(process)
    assert code == 1
    last = errors.strip().splitlines()[-1]
    assert last.startswith("UserError: ")
    assert "cannot be written: File too large" in last
    assert "Traceback" not in errors
    assert cell_bytes(directory) == {}
