"""What is asked of kernels whose sources are called sm90_*: to use what they are there for."""

from __future__ import annotations

import re
from collections.abc import Mapping

from machine_code import kinds
from resources import Kernel

PREFIX, ARCHITECTURE = "sm90_", "sm_90a"
# Products of warpgroups, and copies of boxes by the copy engine.
NEEDED = ("HGMMA", "UTMALDG")
# Products that ptxas made wait for one another, or a request for registers that it ignores: to it
# they are no more than information.
REMARK = re.compile(r"\(C75(?:08|1\d)\)")


def complaints(code: Mapping[Kernel, list[str]]) -> list[str]:
    """Sentences on kernels of such sources for other devices, or without their instructions."""
    said = []
    for kernel, operations in code.items():
        if not kernel.source.startswith(PREFIX):
            continue
        if kernel.architecture != ARCHITECTURE:
            said.append(f"{kernel}: sources called {PREFIX}* are for {ARCHITECTURE} alone")
        count = kinds(operations)
        said += [f"{kernel} has no {each}" for each in NEEDED if not count[each]]
    return said


def remarks(source: str, said: str) -> list[str]:
    """Sentences on what ptxas remarked on a source, whatever it calls it."""
    lines = [line.strip() for line in said.splitlines() if REMARK.search(line)]
    return [f"of {source} ptxas says: {line}" for line in dict.fromkeys(lines)]
