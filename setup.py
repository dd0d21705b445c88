"""Builds mmkernels._cpu with ninja: one object per source, wide instruction sets in their own."""

from __future__ import annotations

import sys
import sysconfig
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

# A build back end keeps the checkout off the path.
sys.path.insert(0, str(Path(__file__).resolve().parent / "csrc"))

import cpu_build

ROOT = Path(__file__).resolve().parent
BINDINGS = sorted((ROOT / "csrc" / "bindings").glob("cpu_*.cpp"))


class NinjaBuild(build_ext):
    """Compiles the engine and its bindings; recompiles only what changed."""

    def build_extension(self, extension: Extension) -> None:
        import pybind11

        command = cpu_build.compiler()
        includes = [f"-I{pybind11.get_include()}", f"-I{sysconfig.get_path('include')}"]
        bindings = [cpu_build.Unit(source, [cpu_build.KEEP, *includes]) for source in BINDINGS]
        macos = sys.platform == "darwin"
        cpu_build.build(
            Path(self.get_ext_fullpath(extension.name)).resolve(),
            [*bindings, *cpu_build.engine_units(command)],
            directory=Path(self.build_temp).resolve() / "cpu",
            command=command,
            flags=cpu_build.RELEASE,
            link=["-bundle", "-undefined", "dynamic_lookup"] if macos else ["-shared"],
        )


sources = [str(path.relative_to(ROOT)) for path in (*BINDINGS, *cpu_build.SOURCES)]
setup(
    ext_modules=[Extension("mmkernels._cpu", sources)],
    cmdclass={"build_ext": NinjaBuild},
)
