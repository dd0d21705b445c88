"""How the CPU engine is compiled: its sources, the flags of each, and the build.ninja that links
them. setup.py makes the Python module with it, tests/native a program of tests."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

SOURCES = sorted((Path(__file__).resolve().parent / "cpu").glob("*.cpp"))
# What the module and the tests of the engine compile alike is compiled once, here.
SHARED = Path(__file__).resolve().parents[1] / "build" / "cpu"
LANGUAGE = ["-std=c++20", "-Wall", "-Wextra"]
RELEASE = ["-O3", "-fPIC", "-fvisibility=hidden", "-g0"]
# Only kernels, which are compiled per instruction set, may fuse a * b + c: their sums are defined
# up to rounding, the rest is not.
FUSE, KEEP = "-ffp-contract=fast", "-ffp-contract=off"
INSTRUCTION_SETS = {
    "avx2": ["-mavx2", "-mfma"],
    "avx512": ["-mavx512f", "-mavx512bw", "-mavx512dq", "-mavx512vl", "-mfma"],
    "avx512bf16": ["-mavx512f", "-mavx512bw", "-mavx512dq", "-mavx512vl", "-mavx512bf16", "-mfma"],
}
WIDEST = {name: ["-mprefer-vector-width=512"] for name in ("avx512", "avx512bf16")}


class Unit(NamedTuple):
    """A source, the flags that it alone needs, and its rule where the C++ compiler's is not it."""

    source: Path
    flags: list[str]
    rule: str = "compile"


def compiler() -> list[str]:
    """The C++ compiler: $CXX, else the one Python was built with, else c++."""
    command = shlex.split(os.environ.get("CXX") or sysconfig.get_config_var("CXX") or "c++")
    if not _compiles(command, ["-std=c++20"]):
        sys.exit(
            f"mmkernels needs a C++20 compiler; {shlex.join(command)} does not accept "
            "-std=c++20. Install g++ 10 or clang 12 or newer, or name one in the environment "
            "variable CXX."
        )
    return command


def engine_units(command: list[str]) -> list[Unit]:
    """The engine's sources, less those of instruction sets that the compiler does not know."""
    sets = {
        name: flags + [f for f in WIDEST.get(name, []) if _compiles(command, [f])]
        for name, flags in INSTRUCTION_SETS.items()
        if _compiles(command, flags, "#include <immintrin.h>\nint main() { return 0; }")
    }
    units = []
    for source in SOURCES:
        _, kernels, instruction_set = source.stem.partition("_kernels_")
        if instruction_set in INSTRUCTION_SETS and instruction_set not in sets:
            continue
        flags = [FUSE if kernels else KEEP]
        flags += sets.get(instruction_set, [])
        if source.stem == "dispatch":
            flags += [f"-DMMK_BUILD_{name.upper()}" for name in sets]
        units.append(Unit(source, flags))
    return units


def build(
    target: Path,
    units: Iterable[Unit],
    *,
    directory: Path,
    command: list[str],
    flags: list[str],
    link: list[str],
    libraries: Iterable[str] = (),
    rules: Iterable[str] = (),
) -> None:
    """Compiles the units in `directory` and links them to `target`; redoes only what changed.

    `rules` are lines of ninja for units of other compilers, which get none of `flags`.
    """
    import ninja

    directory.mkdir(parents=True, exist_ok=True)
    target.parent.mkdir(parents=True, exist_ok=True)
    lines = [
        f"cxx = {_quote(shlex.join(command))}",
        "rule compile",
        "  command = $cxx -MMD -MF $out.d $flags -c $in -o $out",
        "  depfile = $out.d",
        "  deps = gcc",
        "  description = $in",
        "rule link",
        f"  command = $cxx {shlex.join(link)} $in -o $out {shlex.join(libraries)} -pthread",
        *rules,
    ]
    objects = []
    for unit in units:
        objects.append(f"{unit.source.stem}.o")
        common = [*LANGUAGE, *flags] if unit.rule == "compile" else []
        lines += [
            f"build {objects[-1]}: {unit.rule} {_quote(str(unit.source))}",
            f"  flags = {_quote(shlex.join([*common, *unit.flags]))}",
        ]
    lines += [f"build {_quote(str(target))}: link {' '.join(objects)}", ""]
    (directory / "build.ninja").write_text("\n".join(lines))
    subprocess.run([str(Path(ninja.BIN_DIR) / "ninja"), "-C", str(directory)], check=True)


def _compiles(command: list[str], flags: list[str], code: str = "int main() { return 0; }") -> bool:
    with tempfile.TemporaryDirectory() as directory:
        source = Path(directory) / "probe.cpp"
        source.write_text(code)
        result = subprocess.run(
            [*command, *flags, "-c", str(source), "-o", str(source.with_suffix(".o"))],
            capture_output=True,
        )
    return result.returncode == 0


def _quote(text: str) -> str:
    return text.replace("$", "$$").replace(":", "$:")
