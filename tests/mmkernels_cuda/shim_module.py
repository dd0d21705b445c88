"""mmkernels._cuda on the shim: the module's own sources, whose device memory is the host's."""

from __future__ import annotations

import importlib.util
import sys
import sysconfig
from pathlib import Path

import filelock

ROOT = Path(__file__).resolve().parents[2]
SHIM = ROOT / "tests" / "cuda" / "shim"
NAME = "_cuda_shim"

sys.path.insert(0, str(ROOT / "csrc"))

import cpu_build  # noqa: E402
import cuda_build  # noqa: E402


def build() -> Path:
    """Compiles what changed, in build/, and returns the path of the module."""
    import pybind11

    # Where tests/cuda/build.py has compiled the same kernels.
    directory = ROOT / "build" / "cuda-none"
    target = directory / f"{NAME}{sysconfig.get_config_var('EXT_SUFFIX')}"
    includes = [pybind11.get_include(), sysconfig.get_path("include")]
    flags = [f"-I{SHIM}", *(f"-I{path}" for path in includes)]
    flags += [f"-DMMKERNELS_CUDA_MODULE={NAME}", "-Wno-unknown-pragmas"]
    # Before csrc/cuda, which holds a header of the same name.
    bindings = [unit._replace(flags=[*flags, *unit.flags]) for unit in cuda_build.binding_units([])]
    cpu_build.build(
        target,
        [*bindings, *cuda_build.shim_units(SHIM)],
        directory=directory,
        command=cpu_build.compiler(),
        flags=cuda_build.SHIM,
        link=["-shared"],
    )
    return target


def load():
    """The module, built anew where the sources changed, by one of the processes that test."""
    (ROOT / "build").mkdir(exist_ok=True)
    with filelock.FileLock(ROOT / "build" / "cuda-none.lock"):
        path = build()
    specification = importlib.util.spec_from_file_location(NAME, path)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module
