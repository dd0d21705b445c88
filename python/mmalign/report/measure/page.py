"""What both pages share: filling a template and writing all files whole."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined

from ...analysis.correlations import write_table
from ...errors import UserError
from ...files import atomic_path, write_json
from ..style import Panel


@dataclass(frozen=True)
class Section:
    """A heading, a paragraph, drawings, and a table: heads, and rows of as many cells.

    texts: how many of the first columns are words; the others are numbers.
    """

    title: str
    text: str
    panels: list[Panel]
    heads: list[str] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)
    texts: int = 0


def write_page(
    page: Path,
    content: dict[str, Any],
    tables: dict[str, pd.DataFrame],
    documents: dict[str, Any],
) -> Path:
    """Write the page, its drawings as PNG and SVG, tables as Parquet, documents as JSON.

    ``content`` fills ``measure.html``; tables and documents are by their files' stems. Equal
    content gives equal bytes. Returns the page; raises UserError where the disk refuses.
    """
    directory = page.parent
    panels: list[Panel] = [panel for section in content["sections"] for panel in section.panels]
    environment = Environment(
        loader=PackageLoader("mmalign.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    text = environment.get_template("measure.html").render(content)
    try:
        for stem, table in tables.items():
            write_table(table, directory / f"{stem}.parquet")
        for stem, document in documents.items():
            write_json(directory / f"{stem}.json", document)
        for panel in panels:
            for suffix, drawing in (("png", panel.png), ("svg", panel.svg)):
                with atomic_path(directory / "figures" / f"{panel.name}.{suffix}") as temporary:
                    temporary.write_bytes(drawing)
        with atomic_path(page) as temporary:
            temporary.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UserError(
            f"The report in {directory} cannot be written: {error.strerror or error}."
        ) from None
    return page
