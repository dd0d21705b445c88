"""Running Python afresh, where the state of this process must not count."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap


def run_python(code, *, directory, environment=None, timeout=120):
    """The finished process; `directory` is its working directory, never the checkout.

    A variable that `environment` gives as None is removed.
    """
    variables = {**os.environ, **(environment or {})}
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        cwd=directory,
        env={name: value for name, value in variables.items() if value is not None},
        capture_output=True,
        text=True,
        timeout=timeout,
    )


def output_of(code, **options):
    """What the code printed; raises AssertionError with its traceback where it failed."""
    process = run_python(code, **options)
    assert process.returncode == 0, process.stderr or f"exit status {process.returncode}"
    return process.stdout.strip()
