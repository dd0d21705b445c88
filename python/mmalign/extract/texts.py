"""Texts from a file, one sample after another."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ..data.arrays import one_line, sha256_of_file
from ..errors import UserError
from ..optional import require

# Python's own limit would refuse a longer text, which a model cuts to what it takes.
_LONGEST_FIELD = 2**31 - 1
_USUAL_COLUMNS = ("text", "caption", "sentence")


def text_samples(path: Path, column: str | None) -> tuple[int, str, Callable[[], Iterator[str]]]:
    """Return (number of texts, sha256 of the file, a function that goes through the texts).

    .txt is a text a line; .jsonl, .json (a list), .csv and .parquet have columns: ``column``, or
    else the only one, or text, caption or sentence. Caption sets ({"Index - i": {"sentences":
    {...}}}) have the columns that their sentences name.
    """
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise UserError(
            f"{path} has the suffix {path.suffix!r}; texts are read from {', '.join(SUFFIXES)}."
        )
    if reader is _lines and column is not None:
        raise UserError(f"--column is for files with columns; {path} has a text a line.")

    def read() -> Iterator[str]:
        try:
            for row, text in enumerate(reader(path, column)):
                if not isinstance(text, str):
                    raise UserError(
                        f"{path}: sample {row} is {_short(text)}, a {type(text).__name__}; "
                        "expected a text."
                    )
                if not text.isascii():
                    # JSON can spell half a character, which is no text and no tokenizer takes.
                    text.encode("utf-8")
                yield text
        except OSError as error:
            raise UserError(f"{path} cannot be read ({error.strerror or error}).") from None
        except (UnicodeError, csv.Error) as error:
            raise UserError(f"{path} is damaged or not UTF-8 text ({one_line(error)}).") from None

    n = sum(1 for _ in read())
    if n == 0:
        raise UserError(f"{path} holds no texts.")
    return n, sha256_of_file(path), read


def choose_column(place: str, names: list[str], column: str | None) -> str:
    """Return ``column`` if it is one of ``names``, or the one that needs no asking."""
    if column is not None:
        if column not in names:
            raise UserError(f"{place} has no column {column!r}; it has {', '.join(names)}.")
        return column
    usual = [name for name in _USUAL_COLUMNS if name in names]
    if len(names) == 1 or usual:
        return usual[0] if usual else names[0]
    raise UserError(f"{place} has the columns {', '.join(names)}; choose one with --column.")


def _lines(path: Path, column: str | None) -> Iterator[str]:
    with open(path, encoding="utf-8-sig") as stream:
        for line in stream:
            yield line.rstrip("\n")


def _json_lines(path: Path, column: str | None) -> Iterator[Any]:
    with open(path, encoding="utf-8-sig") as stream:
        for number, line in enumerate(stream):
            try:
                record = json.loads(line)
            except (json.JSONDecodeError, RecursionError) as error:
                raise UserError(
                    f"{path}: line {number + 1} is not valid JSON ({one_line(error)})."
                ) from None
            yield _of_record(path, record, column)


def _json(path: Path, column: str | None) -> Iterator[Any]:
    try:
        records = json.loads(path.read_text(encoding="utf-8-sig"))
    except (json.JSONDecodeError, RecursionError) as error:
        raise UserError(f"{path} is not valid JSON ({one_line(error)}).") from None
    if not isinstance(records, list):
        raise UserError(f"{path} holds a {type(records).__name__}; expected a list of samples.")
    for record in records:
        yield _of_record(path, record, column)


def _of_record(path: Path, record: Any, column: str | None) -> Any:
    if not isinstance(record, dict):
        if column is not None:
            raise UserError(f"{path} has no columns, only texts; leave out --column.")
        return record
    if len(record) == 1:
        (only,) = record.values()
        if isinstance(only, dict) and isinstance(only.get("sentences"), dict):
            record = only["sentences"]
    return record[choose_column(str(path), [str(name) for name in record], column)]


def _csv(path: Path, column: str | None) -> Iterator[Any]:
    with open(path, encoding="utf-8-sig", newline="") as stream:
        csv.field_size_limit(_LONGEST_FIELD)
        rows = csv.DictReader(stream, strict=True)
        names = list(rows.fieldnames or [])
        if not names:
            return
        chosen = choose_column(str(path), names, column)
        if names.count(chosen) > 1:
            raise UserError(f"{path} has several columns {chosen!r}.")
        for row in rows:
            # A comma in a text without quotes would cut it there.
            if None in row or None in row.values():
                raise UserError(
                    f"{path}: the row that ends in line {rows.line_num} has not the {len(names)} "
                    "fields of the first line; a text with a comma in it needs quotes."
                )
            yield row[chosen]


def _parquet(path: Path, column: str | None) -> Iterator[Any]:
    parquet = require("pyarrow.parquet", ".parquet files")
    pyarrow = require("pyarrow", ".parquet files")
    try:
        with parquet.ParquetFile(path) as file:
            chosen = choose_column(str(path), list(file.schema_arrow.names), column)
            for batch in file.iter_batches(columns=[chosen], batch_size=1024):
                yield from batch.column(0).to_pylist()
    except pyarrow.ArrowException as error:
        raise UserError(f"{path} is damaged or not Parquet ({one_line(error)}).") from None


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:37]}..."


_READERS: dict[str, Callable[[Path, str | None], Iterator[Any]]] = {
    ".txt": _lines,
    ".jsonl": _json_lines,
    ".json": _json,
    ".csv": _csv,
    ".parquet": _parquet,
}
SUFFIXES = tuple(_READERS)
