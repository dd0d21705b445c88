"""What is asked of the machine code of kernels, read from a disassembly by cuobjdump."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from kernel_names import readable
from resources import Kernel

COMPARES_PER_SCORE = 1.1


class Filter(NamedTuple):
    """A kernel whose fast path, from the last matrix instruction to the vote that ends the tile
    where nothing passed, has one compare for each score."""

    scores: int  # of a thread
    product: str  # the matrix instruction


# By source and kernel without its template arguments.
FILTERS = {
    # A tile of 128 x 128 scores on 256 threads, one of 128 x 256.
    ("sm80_knn_filter", "knn_filter"): Filter(64, "HMMA"),
    ("sm90_knn_filter", "knn_filter"): Filter(128, "HGMMA"),
}

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


def fast_path(operations: list[str], product: str) -> FastPath:
    """Of a filter. Raises ValueError where its parts are not to be found."""
    products = [at for at, each in enumerate(operations) if each.split(".")[0] == product]
    if not products:
        raise ValueError(f"no {product}")
    rest = operations[products[-1] :]
    votes = [at for at, each in enumerate(rest) if each.startswith("VOTE")]
    if not votes:
        raise ValueError(f"no vote after the last {product}")
    count = kinds(rest[: votes[0]])
    return FastPath(count["FSETP"], sum(count[kind] for kind in count if kind.startswith("FMNMX")))


def filter_of(kernel: Kernel) -> Filter | None:
    return FILTERS.get((kernel.source, kernel.name.split("<")[0]))


def complaints(code: Mapping[Kernel, list[str]], filters: Iterable[tuple[str, str]]) -> list[str]:
    """Sentences on local memory, and on filters that are missing or compare too often."""
    said = []
    for kernel, operations in code.items():
        count = kinds(operations)
        if count["LDL"] or count["STL"]:
            said.append(
                f"{kernel} has {count['LDL']} loads from local memory and {count['STL']} stores"
            )
        wanted = filter_of(kernel)
        if wanted is None:
            continue
        try:
            compares = fast_path(operations, wanted.product).compares
        except ValueError as missing:
            said.append(f"{kernel} is no filter: {missing}")
            continue
        if compares > COMPARES_PER_SCORE * wanted.scores:
            said.append(
                f"{kernel} compares {compares} times for {wanted.scores} scores; "
                f"{COMPARES_PER_SCORE} for each are allowed"
            )
    present = {(kernel.source, kernel.name.split("<")[0]) for kernel in code}
    said += [f"there is no {name} of {source}" for source, name in sorted(set(filters) - present)]
    return said
