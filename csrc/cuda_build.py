"""How the CUDA kernels are compiled: by nvcc for every architecture, or by the C++ compiler on the
tests' shim, whose threads are fibers on the CPU."""

from __future__ import annotations

import importlib.util
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from cpu_build import KEEP, Unit

HERE = Path(__file__).resolve().parent
SOURCES = sorted((HERE / "cuda").glob("*.cu"))
# Machine code for these chips, and PTX from which drivers make code for all later ones.
ARCHITECTURES = "80-real;90a-real;100a-real;80-virtual"


class Toolkit(NamedTuple):
    """An nvcc and the directory of what belongs to it."""

    nvcc: str
    root: Path

    @property
    def runtime(self) -> Path:
        """The static runtime library."""
        found = [*self.root.glob("lib*/libcudart_static.a")]
        found += self.root.glob("targets/x86_64-linux/lib*/libcudart_static.a")
        if not found:
            sys.exit(f"{self.nvcc} has no libcudart_static.a below {self.root}.")
        return found[0]


def toolkit() -> Toolkit | None:
    """The CUDA toolkit to build with; None where there is none, or MMKERNELS_CUDA=0.

    Looked for in $CUDA_HOME, on the path, and among the installed packages (nvidia-cuda-nvcc). With
    MMKERNELS_CUDA=1 it is an error if there is none.
    """
    wish = os.environ.get("MMKERNELS_CUDA", "")
    if wish not in ("", "0", "1"):
        sys.exit(f"MMKERNELS_CUDA must be 0 or 1; it is {wish!r}.")
    if wish == "0":
        return None
    home = os.environ.get("CUDA_HOME")
    candidates = [Path(home) / "bin" / "nvcc"] if home else []
    candidates += [Path(path) for path in [shutil.which("nvcc")] if path]
    packages = importlib.util.find_spec("nvidia")
    for path in packages.submodule_search_locations or [] if packages else []:
        candidates += sorted(Path(path).glob("cu*/bin/nvcc"))
    for nvcc in candidates:
        root = _root(str(nvcc))
        if root:
            return Toolkit(str(nvcc), root)
    if wish == "1":
        sys.exit(
            "MMKERNELS_CUDA=1, but no nvcc works: set CUDA_HOME, or install nvidia-cuda-nvcc, "
            "nvidia-cuda-runtime, nvidia-cuda-crt, nvidia-cuda-cccl and nvidia-nvvm."
        )
    return None


def release(toolkit: Toolkit) -> str:
    """The compiler's version, like 13.0.88."""
    said = subprocess.run([toolkit.nvcc, "--version"], capture_output=True, text=True).stdout
    version = re.search(r"\bV(\d+(?:\.\d+)*)", said)
    return version[1] if version else "unknown"


def architecture_flags() -> list[str]:
    """-gencode options for $MMKERNELS_CUDA_ARCHS: like "80-real;90a-real;80-virtual"."""
    flags = []
    for name in (os.environ.get("MMKERNELS_CUDA_ARCHS") or ARCHITECTURES).split(";"):
        match = re.fullmatch(r"(\d+[af]?)(-real|-virtual)?", name.strip())
        if not match:
            sys.exit(
                "MMKERNELS_CUDA_ARCHS must be architectures with -real or -virtual, separated by "
                f"semicolons, like {ARCHITECTURES!r}; {name!r} is none."
            )
        number, kind = match.groups()
        codes = {"-real": [f"sm_{number}"], "-virtual": [f"compute_{number}"]}
        codes = codes.get(kind or "", [f"sm_{number}", f"compute_{number}"])
        flags += [f"-gencode=arch=compute_{number},code={code}" for code in codes]
    return flags


def kernel_units() -> list[Unit]:
    return [Unit(source, [], "kernels") for source in SOURCES]


def rules(toolkit: Toolkit, compiler: list[str]) -> list[str]:
    """The rule "kernels". What ptxas says of registers and spills is kept beside each object."""
    options = [
        "-std=c++20",
        "-O3",
        f"-ccbin={compiler[0]}",
        f"-I{HERE / 'cuda'}",
        "-Xcompiler=-fPIC,-fvisibility=hidden",
        "-Xptxas=-v",
        "-Werror=all-warnings",
        "-lineinfo",
        *architecture_flags(),
    ]
    command = shlex.join([toolkit.nvcc, *options])
    return [
        "rule kernels",
        f"  command = {command} -MMD -MF $out.d $flags -c $in -o $out 2> $out.ptxas || "
        "(cat $out.ptxas >&2; exit 1)",
        "  depfile = $out.d",
        "  deps = gcc",
        "  description = $in",
    ]


def shim_units(shim: Path) -> list[Unit]:
    """The kernels for the C++ compiler, on the headers of the directory `shim`, and its fibers."""
    flags = [KEEP, f"-I{shim}", f"-I{HERE / 'cuda'}", "-Wno-unknown-pragmas"]
    units = [Unit(source, ["-x", "c++", *flags]) for source in SOURCES]
    return [*units, Unit(shim / "fibers.cpp", flags)]


def _root(nvcc: str) -> Path | None:
    """Where an nvcc says that its toolkit is; None if it does not run."""
    try:
        dry = [nvcc, "--dryrun", "-c", "-x", "cu", os.devnull, "-o", os.devnull]
        said = subprocess.run(dry, capture_output=True, text=True).stderr
    except OSError:
        return None
    top = re.search(r"^#\$ TOP=(.*)$", said, re.MULTILINE)
    return Path(top.group(1)).resolve() if top else None
