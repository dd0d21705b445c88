"""Writes cuda/device/wgmma.cuh: the matrix instructions of warpgroups, one for each width, whose
operand lists are too long to be written by hand."""

from __future__ import annotations

from pathlib import Path

TARGET = Path(__file__).resolve().parent / "cuda" / "device" / "wgmma.cuh"
WIDTHS = (64, 96, 128, 192, 256)
FORMATS = {"Half": "f16", "Bfloat16": "bf16"}

HEAD = """\
// Written by csrc/generate_wgmma.py.
//
// Warpgroup: sums (64 x width, float32) += a (64 x 16) times b (width x 16)', or = where `add` is
// 0; both operands in shared memory, as their descriptors say. See hopper.cuh.
#pragma once

#include "ptx.cuh"

namespace mmkernels::cuda::ptx {

template <class Element, int count>
__device__ __forceinline__ void multiply_group(float (&sums)[count], uint64_t a, uint64_t b,
                                               int add);
"""

WRAPPER = """
template <>
__device__ __forceinline__ void multiply_group<{element}, {count}>(
    float (&sums)[{count}], uint64_t a, uint64_t b, int add) {{
  asm volatile(
      "{{\\n.reg .pred p;\\nsetp.ne.b32 p, %{add}, 0;\\n"
      "wgmma.mma_async.sync.aligned.m64n{width}k16.f32.{format}.{format} {{"
{registers}
      "}}, %{a}, %{b}, p, 1, 1, 0, 0;\\n}}\\n"
      : {outputs}
      : "l"(a), "l"(b), "r"(add));
}}
"""


def wrapped(items: list[str], indent: str, width: int = 100) -> str:
    """Items that end in what separates them, in lines."""
    lines = [indent]
    for item in items:
        if len(lines[-1]) + len(item) > width and lines[-1] != indent:
            lines.append(indent)
        lines[-1] += item
    return "\n".join(line.rstrip() for line in lines)


def registers(count: int) -> str:
    names = [f"%{i}" + (", " if i + 1 < count else "") for i in range(count)]
    lines = wrapped(names, "", 84).split("\n")
    last = len(lines) - 1
    return "\n".join(f'      "{line}{"" if i == last else " "}"' for i, line in enumerate(lines))


def wrapper(element: str, format_: str, width: int) -> str:
    count = width // 2
    outputs = [f'"+f"(sums[{i}])' + (", " if i + 1 < count else "") for i in range(count)]
    return WRAPPER.format(
        element=element,
        format=format_,
        width=width,
        count=count,
        registers=registers(count),
        outputs=wrapped(outputs, " " * 8).strip(),
        a=count,
        b=count + 1,
        add=count + 2,
    )


def header() -> str:
    bodies = [wrapper(*each, width) for width in WIDTHS for each in FORMATS.items()]
    return HEAD + "".join(bodies) + "\n}  // namespace mmkernels::cuda::ptx\n"


if __name__ == "__main__":
    TARGET.write_text(header())
