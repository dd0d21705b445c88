"""Builds the tests of the CUDA kernels on the shim and runs them, as they are or sanitized."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "csrc"))

import cpu_build
import cuda_build

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
SANITIZED = ["-O1", "-g1", "-fno-omit-frame-pointer", "-fno-sanitize-recover=all"]
# Fibers have stacks of their own, which the detector of use after return does not know.
OPTIONS = {
    "ASAN_OPTIONS": "detect_leaks=1:detect_stack_use_after_return=0",
    "UBSAN_OPTIONS": "print_stacktrace=1",
}
LIMIT_SECONDS = 1200


def build(sanitizers: str) -> Path:
    """The program of all tests, compiled with the sanitizers named, or with none."""
    flags, link = cuda_build.SHIM, []
    if sanitizers != "none":
        link = [f"-fsanitize={sanitizers}"]
        flags = [*SANITIZED, *link]
    directory = ROOT / "build" / f"cuda-{sanitizers.replace(',', '-')}"
    target = directory / "tests"
    shim = HERE / "shim"
    own = [cpu_build.KEEP, f"-I{shim}", f"-I{ROOT / 'csrc' / 'cuda'}", f"-I{ROOT / 'csrc'}"]
    own += [f"-I{ROOT / 'tests' / 'native'}", "-Wno-unknown-pragmas"]
    tests = [cpu_build.Unit(source, own) for source in sorted(HERE.glob("*.cpp"))]
    cpu_build.build(
        target,
        [*tests, *cuda_build.shim_units(shim)],
        directory=directory,
        command=cpu_build.compiler(),
        flags=flags,
        link=link,
    )
    return target


def run(program: Path, word: str, part: int, parts: int) -> tuple[int, str]:
    """Exit status and output of the tests of a part."""
    try:
        process = subprocess.run(
            [str(program), word, str(part), str(parts)],
            env={**os.environ, **OPTIONS},
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
    parser.add_argument("--sanitize", default="none", metavar="none|address,undefined")
    parser.add_argument("word", nargs="?", default="", help="only tests whose names contain it")
    options = parser.parse_args()
    program = build(options.sanitize)
    parts = os.cpu_count() or 1
    failed = False
    with ThreadPoolExecutor(parts) as pool:
        jobs = [pool.submit(run, program, options.word, part, parts) for part in range(parts)]
        for job in jobs:
            status, output = job.result()
            print(output, end="", flush=True)
            failed = failed or status != 0
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
