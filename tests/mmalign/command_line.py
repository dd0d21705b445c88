"""Running a command in this process."""

from __future__ import annotations

import json

from mmalign.cli import main


def run(capsys, *arguments: str) -> tuple[int, str, str]:
    code = main(arguments)
    return code, *capsys.readouterr()


def run_json(capsys, *arguments: str) -> dict:
    code, output, errors = run(capsys, *arguments, "--json")
    assert (code, errors) == (0, "")
    return json.loads(output)
