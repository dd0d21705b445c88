"""Compiles the kernels for every architecture and checks what came out.

Warnings are errors. Registers and shared memory are held to resources.txt, which --update rewrites;
nothing may be spilled; the machine code is searched for what it must and must not have, and what
ptxas says for remarks that products of warpgroups wait for one another.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "csrc"))

import cpu_build
import cuda_build
import hopper_code
import machine_code
import resources

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
TABLE = HERE / "resources.txt"


def kernels_of(recipe: str) -> list[str]:
    """The objects that a recipe of ninja makes of kernels, whatever devices they are for."""
    return re.findall(r"^build (\S+): (?:hopper_)?kernels ", recipe, re.M)


def compiled(toolkit: cuda_build.Toolkit) -> list[Path]:
    """An object for each source: those of the installed package where it was built of the same
    sources, brought up to date."""
    objects = [f"{unit.source.stem}.o" for unit in cuda_build.kernel_units()]
    parts = f"temp.{sysconfig.get_platform()}-{sys.implementation.cache_tag}"
    directory = ROOT / "build" / parts / "cuda"
    recipe = directory / "build.ninja"
    built = kernels_of(recipe.read_text()) if recipe.exists() else []
    if sorted(built) == sorted(objects):
        import ninja

        program = Path(ninja.BIN_DIR) / "ninja"
        subprocess.run([str(program), "-C", str(directory), *objects], check=True)
    else:
        directory = ROOT / "build" / "cuda-kernels"
        command = cpu_build.compiler()
        cpu_build.build(
            directory / "kernels.so",
            cuda_build.kernel_units(),
            directory=directory,
            command=command,
            flags=[],
            link=["-shared"],
            libraries=[str(toolkit.runtime), "-ldl", "-lrt"],
            rules=cuda_build.rules(toolkit, command),
        )
    return [directory / name for name in objects]


def disassembler(toolkit: cuda_build.Toolkit) -> Path:
    """cuobjdump, with the nvdisasm that it calls beside it."""
    homes = [os.environ.get("CUDA_HOME"), str(toolkit.root)]
    found = [Path(home) / "bin" / "cuobjdump" for home in homes if home]
    found += [Path(path) for path in [shutil.which("cuobjdump")] if path]
    for tool in found:
        if tool.exists() and (tool.parent / "nvdisasm").exists():
            return tool
    sys.exit("Neither CUDA_HOME nor the path has cuobjdump and nvdisasm; `make cuda` has them.")


def disassembled(tool: Path, compiled_object: Path) -> machine_code.Code:
    path = os.pathsep.join([str(tool.parent), os.environ.get("PATH", "")])
    said = subprocess.run(
        [str(tool), "-sass", str(compiled_object)],
        capture_output=True,
        text=True,
        env={**os.environ, "PATH": path},
    )
    if said.returncode:
        sys.exit(f"cuobjdump failed on {compiled_object}: {said.stderr}")
    return machine_code.parse(compiled_object.stem, said.stdout)


def report(code: machine_code.Code) -> None:
    """What the filters' fast paths do, whether or not it is within what is asked."""
    for kernel, operations in code.items():
        if wanted := machine_code.filter_of(kernel):
            count = machine_code.fast_path(operations, wanted.product)
            print(
                f"{kernel}: {count.compares} compares, {count.minima_and_maxima} minima and "
                f"maxima for {wanted.scores} scores"
            )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--update", action="store_true", help="write what was found to the table")
    options = parser.parse_args()
    toolkit = cuda_build.toolkit()
    if not toolkit:
        sys.exit("There is no nvcc to compile the kernels with; `make cuda` installs one.")
    objects = compiled(toolkit)
    tool = disassembler(toolkit)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        codes = list(pool.map(lambda each: disassembled(tool, each), objects))
    code = {kernel: operations for part in codes for kernel, operations in part.items()}
    found: resources.Table = {}
    remarks: list[str] = []
    for each in objects:
        said_by_ptxas = Path(f"{each}.ptxas").read_text()
        found.update(resources.parse(each.stem, said_by_ptxas))
        remarks += hopper_code.remarks(each.stem, said_by_ptxas)
    if found.keys() != code.keys():
        sys.exit(
            f"ptxas and cuobjdump name different kernels: {sorted(found.keys() ^ code.keys())}"
        )
    found = {
        kernel: taken._replace(tensor=machine_code.uses_tensor_cores(code[kernel]))
        for kernel, taken in found.items()
    }
    compiler = cuda_build.release(toolkit)
    if options.update:
        TABLE.write_text(resources.render(found, compiler))
    wanted, theirs = resources.read(TABLE.read_text())
    same = compiler == theirs
    if not same:
        print(f"Registers are not compared: the table is of nvcc {theirs}, this is {compiler}.")
    report(code)
    said = resources.complaints(found, wanted, same)
    said += machine_code.complaints(code, machine_code.FILTERS)
    said += hopper_code.complaints(code) + remarks
    print(*said, sep="\n", end="\n" if said else "")
    print(f"{len(found)} kernels compiled, {len(said)} complaints")
    return int(bool(said))


if __name__ == "__main__":
    sys.exit(main())
