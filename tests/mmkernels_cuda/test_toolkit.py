"""Which CUDA compiler a build takes, and what it says where there is none."""

from __future__ import annotations

import os

import pytest

from .shim_module import cuda_build


@pytest.fixture
def nvcc(tmp_path, monkeypatch):
    """A program in the place of nvcc, and nothing else: `nvcc(script)`."""
    monkeypatch.setattr(cuda_build.shutil, "which", lambda _: None)
    monkeypatch.setattr(cuda_build, "_package_directories", list)
    for variable in ("MMKERNELS_CUDA", "MMKERNELS_CUDA_ARCHS", "CUDA_HOME"):
        monkeypatch.delenv(variable, raising=False)

    def put(compiles: str, runtime: bool = True):
        home = tmp_path / "toolkit"
        for directory in ("bin", "lib64"):
            (home / directory).mkdir(parents=True)
        program = home / "bin" / "nvcc"
        answer = f'case "$*" in *--dryrun*) echo "#$ TOP={home}" >&2;; *) {compiles};; esac'
        program.write_text(f"#!/bin/sh\n{answer}\n")
        program.chmod(0o755)
        if runtime:
            (home / "lib64" / "libcudart_static.a").touch()
        monkeypatch.setenv("CUDA_HOME", str(home))
        return home

    return put


def test_one_that_compiles_is_taken(nvcc):
    home = nvcc("exit 0")
    found = cuda_build.working_toolkit()
    assert found.root == home
    assert found.include == home / "include"
    assert cuda_build.libraries(found)[0] == str(home / "lib64" / "libcudart_static.a")


def test_one_that_does_not_compile_is_left_out(nvcc, capsys):
    nvcc('echo "nvcc fatal : Unsupported gpu architecture" >&2; exit 1')
    assert cuda_build.toolkit() is not None
    assert cuda_build.working_toolkit() is None
    said = capsys.readouterr().err
    assert said.startswith("mmkernels is built without CUDA: ")
    assert "(nvcc fatal : Unsupported gpu architecture)" in said


def test_one_in_parts_is_left_out(nvcc, capsys):
    nvcc("exit 0", runtime=False)
    assert cuda_build.working_toolkit() is None
    assert "there is no libcudart_static.a" in capsys.readouterr().err


def test_one_that_was_asked_for_must_work(nvcc, monkeypatch):
    home = nvcc("exit 1", runtime=False)
    monkeypatch.setenv("MMKERNELS_CUDA", "1")
    found = cuda_build.working_toolkit()
    assert found.root == home
    with pytest.raises(SystemExit, match=r"has no libcudart_static\.a below"):
        cuda_build.libraries(found)


def test_none(nvcc, monkeypatch):
    assert cuda_build.working_toolkit() is None
    monkeypatch.setenv("MMKERNELS_CUDA", "1")
    with pytest.raises(SystemExit, match="MMKERNELS_CUDA=1, but no nvcc works: set CUDA_HOME"):
        cuda_build.working_toolkit()


def test_none_is_wanted(nvcc, monkeypatch):
    nvcc("exit 0")
    monkeypatch.setenv("MMKERNELS_CUDA", "0")
    assert cuda_build.working_toolkit() is None
    monkeypatch.setenv("MMKERNELS_CUDA", "yes")
    with pytest.raises(SystemExit, match="MMKERNELS_CUDA must be 0 or 1; it is 'yes'"):
        cuda_build.working_toolkit()


def test_packages_are_looked_through(tmp_path, monkeypatch):
    purelib = tmp_path / "site-packages"
    monkeypatch.setattr(cuda_build.sysconfig, "get_path", lambda _: str(purelib))
    assert purelib / "nvidia" in cuda_build._package_directories()


@pytest.mark.parametrize(
    ("architectures", "codes"),
    [
        ("80-real;90a-real", ["sm_80", "sm_90a"]),
        ("90-virtual", ["compute_90"]),
        ("100a", ["sm_100a", "compute_100a"]),
        (" 80-real ", ["sm_80"]),
        ("", ["sm_80", "sm_90a", "compute_80"]),
    ],
)
def test_architectures(architectures, codes, monkeypatch):
    monkeypatch.setitem(os.environ, "MMKERNELS_CUDA_ARCHS", architectures)
    flags = cuda_build.architecture_flags()
    assert [flag.rpartition("code=")[2] for flag in flags] == codes


@pytest.mark.parametrize("architectures", ["sm_80", "8.0", "80-real,90-real", "80-code"])
def test_architectures_that_are_none(architectures, monkeypatch):
    monkeypatch.setitem(os.environ, "MMKERNELS_CUDA_ARCHS", architectures)
    with pytest.raises(SystemExit, match="MMKERNELS_CUDA_ARCHS must be architectures"):
        cuda_build.architecture_flags()
