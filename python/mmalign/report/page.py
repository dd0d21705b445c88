"""Filling a page's template, and writing it with its tables and figures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined

from ..analysis.correlations import write_table
from ..errors import UserError
from ..files import atomic_path, write_json
from .style import Panel


def fill(template: str, /, **content: Any) -> str:
    """Return a template of this package with its content; every name in it must be there."""
    environment = Environment(
        loader=PackageLoader("mmalign.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(template).render(content)


def write_page(
    page: Path,
    text: str,
    panels: Iterable[Panel],
    tables: Mapping[str, pd.DataFrame],
    *,
    documents: Mapping[str, Any] | None = None,
    drawings: bool = False,
) -> Path:
    """Write ``page`` and beside it ``figures/``, tables and documents; return the page.

    tables, documents: by the stems of their Parquet and JSON files. drawings: figures as SVG beside
    the PNG. Each file appears as a whole, the page last. Raises UserError where one cannot be
    written.
    """
    directory = page.parent
    try:
        for stem, table in tables.items():
            write_table(table, directory / f"{stem}.parquet")
        for stem, document in (documents or {}).items():
            write_json(directory / f"{stem}.json", document)
        for panel in panels:
            images = {"png": panel.png, "svg": panel.svg} if drawings else {"png": panel.png}
            for suffix, image in images.items():
                with atomic_path(directory / "figures" / f"{panel.name}.{suffix}") as temporary:
                    temporary.write_bytes(image)
        with atomic_path(page) as temporary:
            temporary.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UserError(
            f"The report in {directory} cannot be written: {error.strerror or error}."
        ) from None
    return page
