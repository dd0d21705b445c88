"""Table 1 of arXiv 2502.16282 beside what a study found."""

from __future__ import annotations

from .table import TABLE_COLUMNS, table_1

__all__ = ["TABLE_COLUMNS", "table_1"]
