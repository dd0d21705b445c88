"""What CI asks of kernels for Hopper, on short records of what compilers and disassemblers say."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[1] / "cuda"))
sys.path.append(str(Path(__file__).parents[2] / "csrc"))

import cuda_build
import gates
import generate_wgmma
import hopper_code
from resources import Kernel

PRODUCT, COPY = "HGMMA.64x256x16.F32", "UTMALDG.2D.MULTICAST"
KERNEL = Kernel("sm90_knn_filter", "knn_filter<true>", "sm_90a")


@pytest.mark.parametrize(
    ("kernel", "operations", "wanted"),
    [
        (KERNEL, [COPY, PRODUCT], []),
        (KERNEL, [COPY, "HMMA.16816.F32"], ["has no HGMMA"]),
        (KERNEL, ["LDGSTS.E.BYPASS.128", PRODUCT], ["has no UTMALDG"]),
        (KERNEL, [], ["has no HGMMA", "has no UTMALDG"]),
        (KERNEL._replace(architecture="sm_80"), [COPY, PRODUCT], ["are for sm_90a alone"]),
        (KERNEL._replace(source="sm80_knn_filter", architecture="sm_80"), ["HMMA"], []),
    ],
)
def test_kernels_for_hopper_use_what_they_are_for(kernel, operations, wanted):
    said = hopper_code.complaints({kernel: operations})
    assert len(said) == len(wanted)
    for sentence, words in zip(said, wanted, strict=True):
        assert str(kernel) in sentence
        assert words in sentence


IGNORED = "(C7508) Potential Performance Loss: 'setmaxnreg' ignored"
SERIALIZED = "(C7511) Potential Performance Loss: wgmma.mma_async are serialized"
INJECTED = "(C7519) warpgroup.arrive is injected in around line 266 by compiler to allow use of"


@pytest.mark.parametrize("remark", [IGNORED, SERIALIZED, INJECTED])
def test_remarks_of_ptxas_are_refused(remark):
    said = f"ptxas info    : 0 bytes gmem\nptxas info    : {remark}\nptxas info    : {remark}\n"
    (sentence,) = hopper_code.remarks("sm90_knn_filter", said)
    assert sentence == f"of sm90_knn_filter ptxas says: ptxas info    : {remark}"


def test_all_else_that_ptxas_says_is_let_be():
    said = "ptxas info    : (C7600) of no matter\nptxas info    : Used 168 registers\n"
    assert hopper_code.remarks("sm90_knn_filter", said) == []


def test_kernels_are_found_whatever_devices_they_are_for():
    units = cuda_build.kernel_units()
    assert {unit.rule for unit in units} == {"kernels", "hopper_kernels"}
    lines = [f"build {unit.source.stem}.o: {unit.rule} {unit.source}" for unit in units]
    recipe = "\n".join(["rule hopper_kernels", *lines, "build knn.o: compile knn.cpp"])
    assert gates.kernels_of(recipe) == [f"{unit.source.stem}.o" for unit in units]


def test_sources_for_hopper_are_compiled_for_it_alone():
    lines = cuda_build.rules(cuda_build.Toolkit("nvcc", Path("/")), ["c++"])
    command = lines[lines.index("rule hopper_kernels") + 1]
    assert command.count("-gencode") == 1
    assert "-gencode=arch=compute_90a,code=sm_90a" in command


def test_products_of_warpgroups_are_as_they_are_generated():
    assert generate_wgmma.TARGET.read_text() == generate_wgmma.header()
