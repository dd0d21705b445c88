"""The report of a finished study: one page that needs nothing else."""

from __future__ import annotations

from .write import write_report

__all__ = ["write_report"]
