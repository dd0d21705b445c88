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
import sysconfig
import tempfile
from pathlib import Path
from typing import NamedTuple

import cpu_build
from cpu_build import KEEP, Unit

HERE = Path(__file__).resolve().parent
SOURCES = sorted((HERE / "cuda").glob("*.cu"))
BINDINGS = sorted((HERE / "bindings").glob("cuda_*.cpp"))
# Machine code for these chips, and PTX from which drivers make code for all later ones.
ARCHITECTURES = "80-real;90a-real;80-virtual"
HOPPER = ["-gencode=arch=compute_90a,code=sm_90a"]
# Of all that is built on the shim unsanitized: one object serves the tests in C++ and in Python.
SHIM = ["-O2", "-fPIC", "-fvisibility=hidden", "-g0"]


class Toolkit(NamedTuple):
    """An nvcc and the directory of what belongs to it."""

    nvcc: str
    root: Path

    @property
    def include(self) -> Path:
        """The directory of cuda_runtime.h."""
        targets = self.root / "targets" / "x86_64-linux" / "include"
        return targets if targets.exists() else self.root / "include"

    @property
    def runtime(self) -> Path | None:
        """The static runtime library."""
        found = [*self.root.glob("lib*/libcudart_static.a")]
        found += self.root.glob("targets/x86_64-linux/lib*/libcudart_static.a")
        return found[0] if found else None


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
    for path in _package_directories():
        candidates += sorted(path.glob("cu*/bin/nvcc"))
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


def working_toolkit() -> Toolkit | None:
    """The toolkit, if it compiles a kernel or was asked for by MMKERNELS_CUDA=1.

    One that happens to be there may be too old, or there in parts: stderr then says what is left
    out, and why.
    """
    found = toolkit()
    if found is None or os.environ.get("MMKERNELS_CUDA") == "1":
        return found
    complaint = _complaint(found)
    if complaint is None:
        return found
    print(
        f"mmkernels is built without CUDA: {found.nvcc} does not compile a kernel ({complaint}). "
        "MMKERNELS_CUDA=0 does not look for it.",
        file=sys.stderr,
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
    """Sources called sm90_* are of instructions that no other device has."""
    return [
        Unit(source, [], "hopper_kernels" if source.stem.startswith("sm90_") else "kernels")
        for source in SOURCES
    ]


def rules(toolkit: Toolkit, compiler: list[str]) -> list[str]:
    """Of kernels. What ptxas says of registers and spills is kept beside each object."""
    options = [
        "-std=c++20",
        "-O3",
        f"-ccbin={compiler[0]}",
        f"-I{HERE / 'cuda'}",
        "-Xcompiler=-fPIC,-fvisibility=hidden",
        "-Xptxas=-v",
        "-Werror=all-warnings",
        "-lineinfo",
    ]
    architectures = {"kernels": architecture_flags(), "hopper_kernels": HOPPER}
    lines = []
    for name, flags in architectures.items():
        command = shlex.join([toolkit.nvcc, *options, *flags])
        lines += [
            f"rule {name}",
            f"  command = {command} -MMD -MF $out.d $flags -c $in -o $out 2> $out.ptxas || "
            "(cat $out.ptxas >&2; exit 1)",
            "  depfile = $out.d",
            "  deps = gcc",
            "  description = $in",
        ]
    return lines


def binding_units(flags: list[str]) -> list[Unit]:
    """The Python module's own sources, for the C++ compiler."""
    return [Unit(source, [KEEP, f"-I{HERE / 'cuda'}", *flags]) for source in BINDINGS]


def libraries(toolkit: Toolkit) -> list[str]:
    """The runtime is linked in: any driver that is new enough runs the module."""
    if toolkit.runtime is None:
        sys.exit(f"{toolkit.nvcc} has no libcudart_static.a below {toolkit.root}.")
    return [str(toolkit.runtime), "-ldl", "-lrt"]


def shim_units(shim: Path) -> list[Unit]:
    """The kernels for the C++ compiler, on the headers of the directory `shim`, and its fibers."""
    flags = [KEEP, f"-I{shim}", f"-I{HERE / 'cuda'}", "-Wno-unknown-pragmas"]
    units = [Unit(source, ["-x", "c++", *flags]) for source in SOURCES]
    return [*units, *(Unit(source, flags) for source in sorted(shim.glob("*.cpp")))]


def _package_directories() -> list[Path]:
    """Where packages called nvidia-* lie; pip hides those of the environment from a build."""
    packages = importlib.util.find_spec("nvidia")
    visible = list(packages.submodule_search_locations or []) if packages else []
    return [Path(path) for path in [*visible, Path(sysconfig.get_path("purelib")) / "nvidia"]]


def _complaint(toolkit: Toolkit) -> str | None:
    if toolkit.runtime is None:
        return "there is no libcudart_static.a"
    with tempfile.TemporaryDirectory() as directory:
        source = Path(directory) / "probe.cu"
        source.write_text("#include <cuda_runtime.h>\n__global__ void probe() {}\n")
        options = ["-std=c++20", f"-ccbin={cpu_build.compiler()[0]}", *architecture_flags()]
        command = [toolkit.nvcc, *options, "-c", str(source), "-o", f"{source}.o"]
        result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode == 0:
        return None
    lines = [line.strip() for line in result.stderr.splitlines()]
    return next((line for line in lines if "error" in line or "fatal" in line), "it says no more")


def _root(nvcc: str) -> Path | None:
    """Where an nvcc says that its toolkit is; None if it does not run."""
    try:
        dry = [nvcc, "--dryrun", "-c", "-x", "cu", os.devnull, "-o", os.devnull]
        said = subprocess.run(dry, capture_output=True, text=True).stderr
    except OSError:
        return None
    top = re.search(r"^#\$ TOP=(.*)$", said, re.MULTILINE)
    return Path(top.group(1)).resolve() if top else None
