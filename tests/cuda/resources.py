"""What each kernel takes of a multiprocessor, as ptxas reports it, and the table it is held to."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from kernel_names import readable

# The same compiler allots the same registers, but an unrelated change may cost one or two.
REGISTERS_MAY_DIFFER = 4


class Kernel(NamedTuple):
    """A kernel of a source for one architecture."""

    source: str
    name: str
    architecture: str

    def __str__(self) -> str:
        return f"{self.name} of {self.source} for {self.architecture}"


class Resources(NamedTuple):
    """`spilled` counts every byte of local memory: of a stack frame, stored, and loaded back.
    `tensor` says that there are matrix instructions, which the disassembly shows."""

    registers: int
    shared: int
    spilled: int
    tensor: bool = False

    def __str__(self) -> str:
        return f"{self.registers}/{self.shared}/{self.spilled}" + ("/tensor" if self.tensor else "")


Table = dict[Kernel, Resources]

ENTRY = re.compile(r"Compiling entry function '(\S+)' for '(\w+)'")
LOCAL = re.compile(r"(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads")
USED = re.compile(r"Used (\d+) registers")
SHARED = re.compile(r"(\d+) bytes smem")


def parse(source: str, said: str) -> Table:
    """What ptxas -v said of a source. Raises ValueError where it says less than it should."""
    found: dict[tuple[str, str], Resources] = {}
    entry: tuple[str, str] | None = None
    local: int | None = None
    for line in said.splitlines():
        if match := ENTRY.search(line):
            if entry:
                raise ValueError(f"ptxas says nothing of the registers of {entry[0]}")
            entry, local = (match[1], match[2]), None
        elif match := LOCAL.search(line):
            # Of a function that a kernel calls too: what it spills is spilled.
            local = (local or 0) + sum(map(int, match.groups()))
        elif (match := USED.search(line)) and entry:
            if local is None:
                raise ValueError(f"ptxas says nothing of the local memory of {entry[0]}")
            shared = SHARED.search(line)
            found[entry] = Resources(int(match[1]), int(shared[1]) if shared else 0, local)
            entry = None
    if entry:
        raise ValueError(f"ptxas says nothing of the registers of {entry[0]}")
    names = readable(mangled for mangled, _ in found)
    table = {
        Kernel(source, names[mangled], architecture): resources
        for (mangled, architecture), resources in found.items()
    }
    if len(table) != len(found):
        raise ValueError(f"two kernels of {source} have one name")
    return table


def render(table: Mapping[Kernel, Resources], compiler: str) -> str:
    """One line for a kernel, one column for an architecture."""
    architectures = _by_number(kernel.architecture for kernel in table)
    rows = [["source", "kernel", *architectures]]
    for source, name in sorted({(kernel.source, kernel.name) for kernel in table}):
        cells = [table.get(Kernel(source, name, each)) for each in architectures]
        rows.append([source, name, *("-" if cell is None else str(cell) for cell in cells)])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        f"# compiler: {compiler}",
        "# Registers of a thread / bytes of static shared memory / bytes spilled, and whether the",
        "# kernel multiplies on tensor cores. Columns are two spaces or more apart. Sources called",
        "# sm90_* are compiled for sm_90a alone.",
        "# Written by tests/cuda/gates.py --update.",
    ]
    for row in rows:
        padded = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        lines.append("  ".join(padded).rstrip())
    return "\n".join(lines) + "\n"


def read(text: str) -> tuple[Table, str]:
    """The table that `render` wrote, and the compiler it is of."""
    compiler = re.search(r"^# compiler: (.*)$", text, re.MULTILINE)
    rows = [re.split(r" {2,}", line) for line in text.splitlines() if line and line[0] != "#"]
    head, *rows = rows
    table: Table = {}
    for source, name, *cells in rows:
        for architecture, cell in zip(head[2:], cells, strict=True):
            if cell == "-":
                continue
            registers, shared, spilled, *tensor = cell.split("/")
            resources = Resources(int(registers), int(shared), int(spilled), tensor == ["tensor"])
            table[Kernel(source, name, architecture)] = resources
    return table, compiler[1] if compiler else ""


def complaints(
    found: Mapping[Kernel, Resources], wanted: Mapping[Kernel, Resources], same_compiler: bool
) -> list[str]:
    """Sentences on what is spilled, missing, new, or unlike the table.

    Another compiler may allot registers in another way, but has no reason to spill.
    """
    said = [f"{kernel} spills: {found[kernel]}" for kernel in found if found[kernel].spilled]
    said += [
        f"{kernel} is in the table but not compiled" for kernel in wanted if kernel not in found
    ]
    said += [f"{kernel} is not in the table" for kernel in found if kernel not in wanted]
    for kernel in found:
        if kernel not in wanted:
            continue
        now, before = found[kernel], wanted[kernel]
        if same_compiler and abs(now.registers - before.registers) > REGISTERS_MAY_DIFFER:
            said.append(f"{kernel} takes {now.registers} registers, not {before.registers}")
        if now.shared != before.shared:
            said.append(f"{kernel} has {now.shared} bytes of shared memory, not {before.shared}")
        if now.tensor != before.tensor:
            said.append(f"{kernel} {'now' if now.tensor else 'no longer'} uses tensor cores")
    return said


def _by_number(architectures: Iterable[str]) -> list[str]:
    return sorted(set(architectures), key=lambda name: (int(re.sub(r"\D", "", name)), name))
