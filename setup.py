"""Builds mmkernels._cpu with ninja, and mmkernels._cuda where there is a CUDA toolkit: one object
per source, wide instruction sets in their own."""

from __future__ import annotations

import sys
import sysconfig
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

# A build back end keeps the checkout off the path.
sys.path.insert(0, str(Path(__file__).resolve().parent / "csrc"))

import cpu_build
import cuda_build

ROOT = Path(__file__).resolve().parent
BINDINGS = sorted((ROOT / "csrc" / "bindings").glob("cpu_*.cpp"))
TOOLKIT = cuda_build.working_toolkit()


class NinjaBuild(build_ext):
    """Compiles the engines and their bindings; recompiles only what changed."""

    def build_extension(self, extension: Extension) -> None:
        import pybind11

        self.command = cpu_build.compiler()
        self.includes = [f"-I{pybind11.get_include()}", f"-I{sysconfig.get_path('include')}"]
        target = Path(self.get_ext_fullpath(extension.name)).resolve()
        if extension.name == "mmkernels._cuda":
            self.build_cuda(target)
        else:
            self.build_cpu(target)

    def build_cpu(self, target: Path) -> None:
        bindings = [cpu_build.Unit(source, [cpu_build.KEEP, *self.includes]) for source in BINDINGS]
        macos = sys.platform == "darwin"
        cpu_build.build(
            target,
            [*bindings, *cpu_build.engine_units(self.command)],
            directory=cpu_build.SHARED,
            command=self.command,
            flags=cpu_build.RELEASE,
            link=["-bundle", "-undefined", "dynamic_lookup"] if macos else ["-shared"],
        )

    def build_cuda(self, target: Path) -> None:
        # As of the system: of the runtime's headers, warnings are not ours to mend.
        includes = [*self.includes, "-isystem", str(TOOLKIT.include)]
        cpu_build.build(
            target,
            [*cuda_build.binding_units(includes), *cuda_build.kernel_units()],
            directory=Path(self.build_temp).resolve() / "cuda",
            command=self.command,
            flags=cpu_build.RELEASE,
            link=["-shared", "-Wl,--exclude-libs,ALL"],
            libraries=cuda_build.libraries(TOOLKIT),
            rules=cuda_build.rules(TOOLKIT, self.command),
        )


def extension(name: str, sources: list[Path]) -> Extension:
    return Extension(name, [str(path.relative_to(ROOT)) for path in sources])


extensions = [extension("mmkernels._cpu", [*BINDINGS, *cpu_build.SOURCES])]
if TOOLKIT:
    extensions.append(extension("mmkernels._cuda", [*cuda_build.BINDINGS, *cuda_build.SOURCES]))
setup(ext_modules=extensions, cmdclass={"build_ext": NinjaBuild})
