"""The parent's side of gpu_worker.py: hard limits of time, and a new process after a failure."""

from __future__ import annotations

import contextlib
import json
import select
import subprocess
import time
from collections.abc import Sequence
from typing import Any


class Worker:
    """Starts a process when there is something to ask; ends it where it takes too long."""

    def __init__(self, command: Sequence[str]):
        self._command = list(command)
        self._process: subprocess.Popen[bytes] | None = None

    def ask(self, question: dict[str, Any], seconds: float) -> dict[str, Any]:
        """The reply, or {"failed": why}."""
        if not self._process:
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE
            )
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(json.dumps(question).encode() + b"\n")
            self._process.stdin.flush()
        line = self._line(time.monotonic() + seconds)
        if line is None:
            self.end()
            return {"failed": f"not done after {seconds:.0f} s"}
        if not line.endswith(b"\n"):
            status = self._process.wait()
            self.end()
            return {"failed": f"the process ended with status {status}"}
        reply = json.loads(line)
        if "failed" in reply:
            self.end()
        return reply

    def _line(self, end: float) -> bytes | None:
        """Up to the end of a line or of the stream; None when time is up."""
        read = b""
        stream = self._process.stdout
        while not read.endswith(b"\n"):
            ready, _, _ = select.select([stream], [], [], max(0.0, end - time.monotonic()))
            if not ready:
                return None
            more = stream.read1(65_536)
            if not more:
                break
            read += more
        return read

    def end(self) -> None:
        if not self._process:
            return
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(BrokenPipeError):
                stream.close()
        self._process = None

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()
