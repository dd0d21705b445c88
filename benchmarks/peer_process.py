"""Asks a library of the conformance table all its questions, in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from cases import Case
from conformance_peers import Call, Peer
from definitions import METRICS
from environments import NotInstallable, python_for
from verdicts import Answer

WORKER = Path(__file__).with_name("peer_worker.py")
SAMPLES = {metric.name: metric.samples for metric in METRICS}
SECONDS = 300  # for all questions to a library


@dataclass(frozen=True)
class Asked:
    """What came of it: the version and an answer for every question, or the problem."""

    peer: Peer
    version: str | None = None
    problem: str | None = None
    answers: tuple[tuple[Case, Call, Answer], ...] = ()


def ask(peer: Peer, every: Sequence[Case], environments: Path, checkout: Path | None) -> Asked:
    """Every call of `peer` on every case that asks for its metric."""
    if peer.checkout and checkout is None:
        return Asked(peer, problem=f"not run: needs --checkout {peer.name}=PATH")
    try:
        python = python_for(peer, environments)
    except NotInstallable as error:
        return Asked(peer, problem=f"not installable: {error}")
    questions = [(case, call) for case in every for call in peer.calls if case.asks(call.metric)]
    with tempfile.TemporaryDirectory() as folder:
        for case in every:
            np.save(Path(folder, f"{case.name}.x.npy"), case.x)
            np.save(Path(folder, f"{case.name}.y.npy"), case.y)
        tasks = [
            {
                "case": case.name,
                "samples": SAMPLES[call.metric],
                "call": peer.calls.index(call),
                "options": dict(case.options),
            }
            for case, call in questions
        ]
        Path(folder, "tasks.json").write_text(json.dumps(tasks))
        command = [str(python), str(WORKER), peer.name, folder]
        command += [str(checkout.resolve())] if checkout else []
        lines, end = _replies(command)
    if not lines:
        return Asked(peer, problem=f"raises: {end}")
    answers = [
        Answer(float(line["value"])) if "value" in line else Answer(raised=line["raised"])
        for line in lines[1:]
    ]
    answers += [Answer(raised=end)] * (len(questions) - len(answers))
    answered = ((*question, answer) for question, answer in zip(questions, answers, strict=True))
    return Asked(peer, version=lines[0]["version"], answers=tuple(answered))


def _replies(command: Sequence[str]) -> tuple[list[dict[str, str]], str]:
    """The lines of JSON that the worker wrote, and how it ended."""
    environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PYTHONHOME")}
    worker = subprocess.Popen(
        command, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    try:
        printed, complaints = worker.communicate(timeout=SECONDS)
        end = (complaints.strip().splitlines() or [f"ended with {worker.returncode}"])[-1]
    except subprocess.TimeoutExpired:
        worker.kill()
        printed, _ = worker.communicate()
        end = f"not done in {SECONDS} s"
    return [json.loads(line) for line in printed.splitlines() if line.endswith("}")], end
