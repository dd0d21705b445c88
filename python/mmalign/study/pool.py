"""Worker processes: started, fed, watched, restarted once, and always stopped."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

import torch
from joblib import cpu_count

from ..errors import UserError
from .cell import EncoderCell
from .store import CellStore

_START = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from mmalign.study.worker import main; main()"
)


def check_workers(workers: int | None) -> None:
    """Raise UserError unless ``workers`` is a number of processes or None."""
    if workers is not None and (isinstance(workers, bool) or workers < 1):
        raise UserError(f"workers must be at least 1, got {workers!r}.")


def how_many_workers(workers: int | None, device: torch.device, cells: int) -> int:
    """Return how many processes train ``cells``: by default one a core, and always one on a GPU."""
    count = 1 if device.type == "cuda" else workers or cpu_count()
    return max(1, min(count, cells))


def spoken_workers(count: int) -> str:
    """Say a number of workers."""
    return "1 worker" if count == 1 else f"{count} workers"


class Worker:
    """One worker process and the cell it is busy with."""

    def __init__(self, command: list[str], inbox: queue.SimpleQueue) -> None:
        # One core each: the pool is parallel over cells, and sums over threads would round by
        # their number.
        environment = {
            **os.environ,
            "OMP_NUM_THREADS": "1",
            "MKL_NUM_THREADS": "1",
            "CUBLAS_WORKSPACE_CONFIG": ":4096:8",
            "PYTHONIOENCODING": "utf-8",
        }
        self.cell: EncoderCell | None = None
        self.errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed by stop()
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            env=environment,
            # Ctrl-C in a terminal reaches the parent alone, which then stops its workers.
            start_new_session=True,
        )
        self._listener = threading.Thread(target=self._listen, args=(inbox,), daemon=True)
        self._listener.start()

    def _listen(self, inbox: queue.SimpleQueue) -> None:
        for line in self.process.stdout:
            # A process killed while it speaks leaves half a line.
            if line.endswith(b"\n"):
                inbox.put((self, json.loads(line)))
        inbox.put((self, {"event": "died"}))

    def send(self, cell: EncoderCell) -> None:
        """Hand a cell over; a worker that is already dead says so through the inbox."""
        self.cell = cell
        with suppress(BrokenPipeError):
            self.process.stdin.write(json.dumps({"cell": cell.describe()}).encode() + b"\n")
            self.process.stdin.flush()

    def last_words(self) -> str:
        """Say how the process ended and what it wrote to its standard error last."""
        code = self.process.wait()
        how = f"exit code {code}"
        if code < 0:
            how = signal.Signals(-code).name
            if code == -signal.SIGKILL:
                how += ", as the system sends when memory runs out"
        self.errors.seek(0)
        lines = self.errors.read().decode(errors="replace").strip().splitlines()
        return f"{how}; it last wrote: {lines[-1]}" if lines else how

    def stop(self) -> None:
        """End the process now. Finished cells are whole files and stay."""
        self.process.kill()
        self.process.wait()
        self._listener.join()
        self.errors.close()
        self.process.stdout.close()
        with suppress(BrokenPipeError):
            self.process.stdin.close()


class WorkerPool:
    """A context in which worker processes live; leaving it, by whatever way, ends them.

    ``receive(timeout)`` gives the next (worker, message) of :mod:`mmalign.study.worker`, the
    message "died" included, or None when none came in time.
    """

    def __init__(self, directory: Path, dataset_path: Path, device: str, count: int) -> None:
        arguments = [json.dumps(sys.path), str(directory), str(dataset_path), device]
        self._command = [sys.executable, "-c", _START, *arguments]
        self._store = CellStore(directory)
        self._inbox: queue.SimpleQueue[tuple[Worker, Mapping[str, Any]]] = queue.SimpleQueue()
        self._count = count
        self.workers: list[Worker] = []
        #: Those that wait for a cell, as the messages received so far tell.
        self.idle: list[Worker] = []

    def __enter__(self) -> WorkerPool:
        try:
            for _ in range(self._count):
                self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Stop every worker."""
        for worker in list(self.workers):
            self.discard(worker)

    def start(self) -> Worker:
        """Add a worker process."""
        worker = Worker(self._command, self._inbox)
        self.workers.append(worker)
        return worker

    def discard(self, worker: Worker) -> None:
        """Stop a worker and forget it; what it was writing goes with it."""
        self.workers.remove(worker)
        if worker in self.idle:
            self.idle.remove(worker)
        worker.stop()
        if worker.cell is not None:
            # Whoever claims a cell sweeps away what a killed process left of its file.
            with suppress(OSError), self._store.claim(worker.cell.hash):
                pass

    def receive(self, timeout: float) -> tuple[Worker, Mapping[str, Any]] | None:
        """Return the next message, or None after ``timeout`` seconds without one."""
        try:
            return self._inbox.get(timeout=timeout)
        except queue.Empty:
            return None
