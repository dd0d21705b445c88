"""What is asked of the machine code of kernels, read from a disassembly by cuobjdump."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

from kernel_names import readable
from resources import Kernel

# A thread's part of a tile of 128 x 128 scores on 256 threads.
SCORES_OF_A_THREAD = 64
COMPARES_PER_SCORE = 1.1
# (source, kernel without its template arguments): its fast path, from the last matrix instruction
# to the vote that nearly always ends the tile, has one compare for each score.
FILTERS = {("sm80_knn_filter", "knn_filter")}

Code = dict[Kernel, list[str]]


class FastPath(NamedTuple):
    compares: int
    minima_and_maxima: int


def parse(source: str, disassembly: str) -> Code:
    """The operations, as `FSETP.GE.AND`, of each kernel for each architecture."""
    found: dict[tuple[str, str], list[str]] = {}
    architecture, operations = "", []
    for line in disassembly.splitlines():
        if match := re.match(r"\s*code for (sm_\w+)", line):
            architecture = match[1]
        elif match := re.match(r"\s*Function : (\S+)", line):
            operations = found[match[1], architecture] = []
        elif match := re.match(r"\s*/\*[0-9a-f]{4,}\*/\s+(?:@!?U?P\w+\s+)?([A-Z][\w.]*)", line):
            operations.append(match[1])
    names = readable(mangled for mangled, _ in found)
    return {Kernel(source, names[mangled], each): code for (mangled, each), code in found.items()}


def kinds(operations: list[str]) -> Counter[str]:
    return Counter(operation.split(".")[0] for operation in operations)


def uses_tensor_cores(operations: list[str]) -> bool:
    return any(kind.endswith("MMA") for kind in kinds(operations))


def fast_path(operations: list[str]) -> FastPath:
    """Of a filter. Raises ValueError where its parts are not to be found."""
    products = [at for at, each in enumerate(operations) if each.startswith("HMMA")]
    if not products:
        raise ValueError("no matrix instruction")
    rest = operations[products[-1] :]
    votes = [at for at, each in enumerate(rest) if each.startswith("VOTE")]
    if not votes:
        raise ValueError("no vote after the last matrix instruction")
    count = kinds(rest[: votes[0]])
    return FastPath(count["FSETP"], sum(count[kind] for kind in count if kind.startswith("FMNMX")))


def is_filter(kernel: Kernel) -> bool:
    return (kernel.source, kernel.name.split("<")[0]) in FILTERS


def complaints(code: Mapping[Kernel, list[str]], filters: set[tuple[str, str]]) -> list[str]:
    """Sentences on local memory, and on filters that are missing or compare too often."""
    said = []
    for kernel, operations in code.items():
        count = kinds(operations)
        if count["LDL"] or count["STL"]:
            said.append(
                f"{kernel} has {count['LDL']} loads from local memory and {count['STL']} stores"
            )
        if not is_filter(kernel):
            continue
        try:
            compares = fast_path(operations).compares
        except ValueError as missing:
            said.append(f"{kernel} is no filter: {missing}")
            continue
        if compares > COMPARES_PER_SCORE * SCORES_OF_A_THREAD:
            said.append(
                f"{kernel} compares {compares} times for {SCORES_OF_A_THREAD} scores; "
                f"{COMPARES_PER_SCORE} for each are allowed"
            )
    present = {(kernel.source, kernel.name.split("<")[0]) for kernel in code}
    said += [f"there is no {name} of {source}" for source, name in sorted(filters - present)]
    return said
