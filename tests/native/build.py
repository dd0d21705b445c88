"""Builds the native tests and runs them.

    python tests/native/build.py                                   as the library is shipped
    python tests/native/build.py --sanitize address,undefined
    python tests/native/build.py --sanitize thread knn             only tests with knn in their name
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT / "csrc"))

import cpu_build

# Enough optimisation to end soon, not so much that a report names the wrong line.
SANITIZED = ["-O1", "-g", "-fno-omit-frame-pointer", "-fno-sanitize-recover=all"]
OPTIONS = {
    "ASAN_OPTIONS": "detect_leaks=1:detect_stack_use_after_return=1:strict_init_order=1",
    "UBSAN_OPTIONS": "print_stacktrace=1",
    "TSAN_OPTIONS": "halt_on_error=1:second_deadlock_stack=1",
}


def build(sanitizers: str) -> Path:
    """The program of all tests, compiled with the sanitizers named, or with none."""
    command = cpu_build.compiler()
    flags, link = cpu_build.RELEASE, []
    if sanitizers != "none":
        link = [f"-fsanitize={sanitizers}"]
        flags = [*SANITIZED, *link]
    directory = ROOT / "build" / f"native-{sanitizers.replace(',', '-')}"
    target = directory / "tests"
    tests = [cpu_build.Unit(source, [cpu_build.KEEP]) for source in sorted(HERE.glob("*.cpp"))]
    cpu_build.build(
        target,
        [*tests, *cpu_build.engine_units(command)],
        directory=directory,
        command=command,
        flags=[*flags, f"-I{ROOT / 'csrc'}"],
        link=link,
    )
    return target


def instruction_sets(program: Path) -> list[str]:
    """Those that the program can run here."""
    names = ["portable", *cpu_build.INSTRUCTION_SETS]
    return [name for name in names if run(program, name, "--instruction-set", quiet=True)]


def run(program: Path, instruction_set: str | None, *arguments: str, quiet: bool = False) -> bool:
    """Whether the program ends well under the instruction set named, or the best."""
    environment = {**os.environ, **OPTIONS}
    if instruction_set:
        environment["MMKERNELS_ISA"] = instruction_set
    output = subprocess.DEVNULL if quiet else None
    process = subprocess.run(
        [str(program), *arguments], env=environment, stdout=output, stderr=output
    )
    return process.returncode == 0


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sanitize", default="none", metavar="none|address,undefined|thread")
    parser.add_argument(
        "--every-instruction-set", action="store_true", help="not only the best of this machine"
    )
    parser.add_argument("word", nargs="*", help="run only the tests whose names contain it")
    options = parser.parse_args()
    program = build(options.sanitize)
    names = instruction_sets(program) if options.every_instruction_set else [None]
    return 0 if names and all([run(program, name, *options.word) for name in names]) else 1


if __name__ == "__main__":
    sys.exit(main())
