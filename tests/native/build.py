"""Builds the tests of the C++ engine and runs them, as it is shipped or under sanitizers."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "csrc"))

import cpu_build

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
# Enough optimisation to end soon, not so much that a report names the wrong line.
SANITIZED = ["-O1", "-g1", "-fno-omit-frame-pointer", "-fno-sanitize-recover=all"]
OPTIONS = {
    "ASAN_OPTIONS": "detect_leaks=1:detect_stack_use_after_return=1:strict_init_order=1",
    "UBSAN_OPTIONS": "print_stacktrace=1",
    "TSAN_OPTIONS": "halt_on_error=1:second_deadlock_stack=1",
}
LIMIT_SECONDS = 600
REFUSED = 2  # what the program exits with where the processor lacks the instruction set


def build(sanitizers: str) -> Path:
    """The program of all tests, compiled with the sanitizers named, or with none."""
    command = cpu_build.compiler()
    flags, link = cpu_build.RELEASE, []
    if sanitizers != "none":
        link = [f"-fsanitize={sanitizers}"]
        flags = [*SANITIZED, *link]
    directory = ROOT / "build" / f"native-{sanitizers.replace(',', '-')}"
    target = directory / "tests"
    include = f"-I{ROOT / 'csrc'}"
    tests = [
        cpu_build.Unit(source, [cpu_build.KEEP, include]) for source in sorted(HERE.glob("*.cpp"))
    ]
    cpu_build.build(
        target,
        [*tests, *cpu_build.engine_units(command)],
        directory=cpu_build.SHARED if sanitizers == "none" else directory,
        command=command,
        flags=flags,
        link=link,
    )
    return target


def run(program: Path, instruction_set: str | None, argument: str) -> tuple[int, str]:
    """Its exit status and output, under the instruction set named or the best."""
    environment = {**os.environ, **OPTIONS}
    if instruction_set:
        environment["MMKERNELS_ISA"] = instruction_set
    try:
        process = subprocess.run(
            [str(program), argument],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=LIMIT_SECONDS,
        )
    except subprocess.TimeoutExpired as stuck:
        output = (stuck.stdout or b"").decode(errors="replace")
        return 1, f"{output}\nnot done after {LIMIT_SECONDS} s\n"
    return process.returncode, process.stdout.decode(errors="replace")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sanitize", default="none", metavar="none|address,undefined|thread")
    parser.add_argument(
        "--every-instruction-set", action="store_true", help="not only the best of this machine"
    )
    parser.add_argument("word", nargs="?", default="", help="only tests whose names contain it")
    options = parser.parse_args()
    program = build(options.sanitize)
    names = [None]
    if options.every_instruction_set:
        known = ["portable", *cpu_build.INSTRUCTION_SETS]
        names = [name for name in known if run(program, name, "--instruction-set")[0] != REFUSED]
    # Much of a test is the reference, on one thread: several runs at once use what is left.
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        failed = False
        for status, output in pool.map(lambda name: run(program, name, options.word), names):
            print(output, end="", flush=True)
            failed = failed or status != 0
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
