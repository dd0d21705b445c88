"""What CI asks of compiled kernels, on short records of what the compiler and disassembler say."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[1] / "cuda"))

import kernel_names
import machine_code
import resources
from resources import Kernel, Resources

HIDDEN = "_ZN9mmkernels4cuda44_GLOBAL__N__9b0f6471_11_features_cu_6b9fd287"
CLEAR = f"{HIDDEN}12clear_statusENS0_8FeaturesE"
FILTER = f"{HIDDEN}10knn_filterILb1EEEvNS1_6FilterE"

PTXAS = f"""\
ptxas info    : 0 bytes gmem
ptxas info    : Compiling entry function '{FILTER}' for 'sm_80'
ptxas info    : Function properties for {FILTER}
    {{local}}
ptxas info    : Used 128 registers, used 1 barriers, 1024 bytes smem, 600 bytes cmem[0]
ptxas info    : Compile time = 46.913 ms
ptxas info    : 0 bytes gmem
ptxas info    : Compiling entry function '{CLEAR}' for 'sm_90a'
ptxas info    : Function properties for {CLEAR}
    0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads
ptxas info    : Used 8 registers, used 0 barriers
"""
KEPT = "0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads"
SPILLED = "16 bytes stack frame, 8 bytes spill stores, 12 bytes spill loads"

FILTER_KERNEL = Kernel("sm80_knn_filter", "knn_filter<true>", "sm_80")
CLEAR_KERNEL = Kernel("sm80_knn_filter", "clear_status", "sm_90a")


def parsed(local=KEPT):
    return resources.parse("sm80_knn_filter", PTXAS.replace("{local}", local))


@pytest.mark.parametrize(
    ("signature", "wanted"),
    [
        ("@::clear_status(mmkernels::cuda::Features)", "clear_status"),
        ("void @::fill<(mmkernels::cuda::Kind)2, 4>(int)", "fill<(Kind)2, 4>"),
        ("void @::add<mmkernels::cuda::ptx::Half, S<int, 2> >(float*)", "add<Half, S<int, 2> >"),
        ("mmkernels::cuda::hopper::(anonymous namespace)::knn_filter(int)", "knn_filter"),
    ],
)
def test_names_are_those_of_the_sources(signature, wanted):
    place = "mmkernels::cuda::(anonymous namespace)"
    assert kernel_names.plain(signature.replace("@", place)) == wanted


def test_names_have_no_hashes():
    assert kernel_names.readable([FILTER, CLEAR]) == {
        FILTER: "knn_filter<true>",
        CLEAR: "clear_status",
    }


def test_what_ptxas_says_is_read():
    assert parsed() == {FILTER_KERNEL: Resources(128, 1024, 0), CLEAR_KERNEL: Resources(8, 0, 0)}
    assert parsed(SPILLED)[FILTER_KERNEL].spilled == 36


def test_what_ptxas_does_not_say_is_missed():
    with pytest.raises(ValueError, match="nothing of the local memory"):
        parsed("")
    with pytest.raises(ValueError, match="nothing of the registers"):
        resources.parse("x", PTXAS.replace("{local}", KEPT).replace("Used", "It used"))


def test_table_is_read_as_it_was_written():
    table = parsed()
    table[FILTER_KERNEL] = table[FILTER_KERNEL]._replace(tensor=True)
    assert resources.read(resources.render(table, "13.0.88")) == (table, "13.0.88")


def test_difference_from_the_table_shows():
    wanted = parsed()

    def complaints(same_compiler=True, **changes):
        found = {**wanted, FILTER_KERNEL: wanted[FILTER_KERNEL]._replace(**changes)}
        return resources.complaints(found, wanted, same_compiler)

    assert complaints() == []
    assert complaints(registers=132) == []
    assert "133 registers, not 128" in complaints(registers=133)[0]
    assert "120 registers, not 128" in complaints(registers=120)[0]
    assert complaints(registers=200, same_compiler=False) == []
    assert "spills" in complaints(spilled=4, same_compiler=False)[0]
    assert "2048 bytes" in complaints(shared=2048)[0]
    assert "now uses tensor cores" in complaints(tensor=True)[0]
    alone = {FILTER_KERNEL: wanted[FILTER_KERNEL]}
    assert "in the table but not compiled" in resources.complaints(alone, wanted, True)[0]
    assert "not in the table" in resources.complaints(wanted, alone, True)[0]


def disassembly(body):
    lines = "\n".join(
        f"        /*{16 * at:04x}*/                   {each} ;   /* 0x00000a00ff017624 */\n"
        "                                              /* 0x000fe400078e00ff */"
        for at, each in enumerate(body)
    )
    return f'\tcode for sm_80\n\t\tFunction : {FILTER}\n\t.headerflags\t@"SM80"\n{lines}\n'


def code_of(body, source="sm80_knn_filter"):
    return machine_code.parse(source, disassembly(body))


def complaints(code):
    """All but of filters that the code does not have."""
    return machine_code.complaints(code, [])


PRODUCT = "HMMA.16816.F32 R4, R8, R12, R4"
GROUP_PRODUCT = "HGMMA.64x256x16.F32 R24, gdesc[UR12], R24, gsb0"
COMPARE = "FSETP.GE.AND P0, PT, R4, R5, PT"
VOTE = "VOTE.ANY P0, P0"


def test_fast_path_lies_between_products_and_vote():
    code = code_of(
        [COMPARE, PRODUCT, COMPARE, PRODUCT, *[COMPARE] * 64, "@!P1 FMNMX R1, R2, R3, PT", VOTE]
        + [COMPARE] * 99
    )
    assert machine_code.fast_path(code[FILTER_KERNEL], "HMMA") == (64, 1)
    assert machine_code.uses_tensor_cores(code[FILTER_KERNEL])
    assert complaints(code) == []


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ([PRODUCT, *[COMPARE] * 71, VOTE], "compares 71 times for 64 scores"),
        ([PRODUCT, VOTE, "@P2 LDL.64 R2, [R1]"], "1 loads from local memory and 0 stores"),
        ([PRODUCT, VOTE, "STL [R1+0x4], R2"], "0 loads from local memory and 1 stores"),
        ([COMPARE, VOTE], "no HMMA"),
        ([VOTE, PRODUCT, COMPARE], "no vote after the last HMMA"),
    ],
)
def test_bad_machine_code_shows(body, complaint):
    (said,) = complaints(code_of(body))
    assert complaint in said


def test_hoppers_filter_has_products_of_warpgroups_and_twice_the_scores():
    def said(body):
        return complaints(code_of([*body, VOTE], "sm90_knn_filter"))

    assert said([GROUP_PRODUCT, *[COMPARE] * 140]) == []
    assert "compares 141 times for 128 scores" in said([GROUP_PRODUCT, *[COMPARE] * 141])[0]
    assert "no HGMMA" in said([PRODUCT, *[COMPARE] * 128])[0]


def test_missing_filter_shows():
    first, second = machine_code.complaints({}, machine_code.FILTERS)
    assert first == "there is no knn_filter of sm80_knn_filter"
    assert second == "there is no knn_filter of sm90_knn_filter"


def test_compares_up_to_the_limit_are_allowed():
    assert complaints(code_of([PRODUCT, *[COMPARE] * 70, VOTE])) == []
