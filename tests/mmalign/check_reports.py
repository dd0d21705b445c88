"""What the tests of ``mmalign.check`` share."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

from mmalign.check import Report, check_data


def check_one(path: Path) -> Report:
    reports = check_data(path)
    assert len(reports) == 1
    return reports[0]


def problems(report: Report, severity: str | None = None) -> list[str]:
    return [
        f"{problem.where}: {problem.what}"
        for problem in report.sorted_problems()
        if severity in (None, problem.severity)
    ]


def save(path: Path, content: Any) -> Path:
    path.write_bytes(pickle.dumps(content))
    return path
