"""Builds mmkernels._cpu with ninja: one object per source, wide instruction sets in their own."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

ROOT = Path(__file__).parent.resolve()
COMMON = ["-std=c++20", "-O3", "-fPIC", "-fvisibility=hidden", "-Wall", "-Wextra", "-g0"]
# Only the tile kernels may fuse a * b + c: their sums are defined up to rounding, the rest is not.
FUSE, KEEP = "-ffp-contract=fast", "-ffp-contract=off"
INSTRUCTION_SETS = {
    "avx2": ["-mavx2", "-mfma"],
    "avx512": ["-mavx512f", "-mavx512bw", "-mavx512dq", "-mavx512vl", "-mfma"],
    "avx512bf16": ["-mavx512f", "-mavx512bw", "-mavx512dq", "-mavx512vl", "-mavx512bf16", "-mfma"],
}
WIDEST = {name: ["-mprefer-vector-width=512"] for name in ("avx512", "avx512bf16")}


def compiler() -> list[str]:
    """The C++ compiler: $CXX, else the one Python was built with, else c++."""
    return shlex.split(os.environ.get("CXX") or sysconfig.get_config_var("CXX") or "c++")


def compiles(command: list[str], flags: list[str], code: str = "int main() { return 0; }") -> bool:
    """Whether the compiler accepts the flags and the code for the machine it targets."""
    with tempfile.TemporaryDirectory() as directory:
        source = Path(directory) / "probe.cpp"
        source.write_text(code)
        result = subprocess.run(
            [*command, *flags, "-c", str(source), "-o", str(source.with_suffix(".o"))],
            capture_output=True,
        )
    return result.returncode == 0


class NinjaBuild(build_ext):
    """Writes a build.ninja for the module and runs it; recompiles only what changed."""

    def build_extension(self, extension: Extension) -> None:
        import ninja
        import pybind11

        command = compiler()
        if not compiles(command, ["-std=c++20"]):
            sys.exit(
                f"mmkernels needs a C++20 compiler; {shlex.join(command)} does not accept "
                "-std=c++20. Install g++ 10 or clang 12 or newer, or name one in the environment "
                "variable CXX."
            )
        sets = {
            name: flags + [f for f in WIDEST.get(name, []) if compiles(command, [f])]
            for name, flags in INSTRUCTION_SETS.items()
            if compiles(command, flags, "#include <immintrin.h>\nint main() { return 0; }")
        }
        includes = [f"-I{pybind11.get_include()}", f"-I{sysconfig.get_path('include')}"]
        defines = [f"-DMMK_BUILD_{name.upper()}" for name in sets]

        build = Path(self.build_temp).resolve() / "cpu"
        build.mkdir(parents=True, exist_ok=True)
        target = Path(self.get_ext_fullpath(extension.name)).resolve()
        target.parent.mkdir(parents=True, exist_ok=True)

        macos = sys.platform == "darwin"
        link = ["-bundle", "-undefined", "dynamic_lookup"] if macos else ["-shared"]
        lines = [
            f"cxx = {ninja_quote(shlex.join(command))}",
            "rule compile",
            "  command = $cxx -MMD -MF $out.d $flags -c $in -o $out",
            "  depfile = $out.d",
            "  deps = gcc",
            "rule link",
            f"  command = $cxx {shlex.join(link)} $in -o $out -pthread",
        ]
        objects = []
        for source in extension.sources:
            stem = Path(source).stem
            instruction_set = stem.removeprefix("tile_kernels_")
            if instruction_set in INSTRUCTION_SETS and instruction_set not in sets:
                continue
            flags = [*COMMON, FUSE if stem.startswith("tile_kernels_") else KEEP]
            flags += sets.get(instruction_set, [])
            if stem == "dispatch":
                flags += defines
            if "bindings" in Path(source).parts:
                flags += includes
            output = f"{stem}.o"
            objects.append(output)
            lines += [
                f"build {output}: compile {ninja_quote(str(ROOT / source))}",
                f"  flags = {ninja_quote(shlex.join(flags))}",
            ]
        lines += [f"build {ninja_quote(str(target))}: link {' '.join(objects)}", ""]
        (build / "build.ninja").write_text("\n".join(lines))
        subprocess.run([str(Path(ninja.BIN_DIR) / "ninja"), "-C", str(build)], check=True)


def ninja_quote(text: str) -> str:
    return text.replace("$", "$$").replace(":", "$:") if ":" in text else text.replace("$", "$$")


cpu_sources = sorted(str(p.relative_to(ROOT)) for p in (ROOT / "csrc" / "cpu").glob("*.cpp"))
setup(
    ext_modules=[Extension("mmkernels._cpu", ["csrc/bindings/cpu_module.cpp", *cpu_sources])],
    cmdclass={"build_ext": NinjaBuild},
)
