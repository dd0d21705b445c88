"""Names of kernels as their sources spell them, from those that a linker sees."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterable

# Namespaces say nothing here; a function's parameters tell no two kernels of a source apart.
QUALIFIERS = re.compile(
    r"\(anonymous namespace\)::|\b(?:mmkernels|cuda|general|hopper|ptx)::",
)


def readable(mangled: Iterable[str]) -> dict[str, str]:
    """`knn_filter<true>` for each name that stands for it."""
    names = list(dict.fromkeys(mangled))
    tool = shutil.which("c++filt") or shutil.which("llvm-cxxfilt")
    if not tool:
        sys.exit("Names of kernels are read with c++filt (of binutils), which is not on the path.")
    said = subprocess.run(
        [tool], input="\n".join(names), capture_output=True, text=True, check=True
    )
    return dict(zip(names, map(plain, said.stdout.splitlines()), strict=True))


def plain(signature: str) -> str:
    """The function's name and template arguments, without its type and where it is declared."""
    text = QUALIFIERS.sub("", signature)
    depth = 0
    for at, character in enumerate(text):
        depth += (character == "<") - (character == ">")
        if character == "(" and depth == 0:
            text = text[:at]
            break
    # Templates are printed with the type that they return.
    return re.sub(r"^void ", "", text).strip()
