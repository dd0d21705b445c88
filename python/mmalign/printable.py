"""Text from files on a terminal."""

from __future__ import annotations


def printable(text: str) -> str:
    r"""Return ``text`` with control characters and lone surrogates as escapes.

    Names in a data file are the file's choice: written as they are, they could steer the terminal
    or be no UTF-8 at all.

    >>> printable("caf\u00e9\x1b[2J\ud800") == "caf\u00e9\\x1b[2J\\ud800"
    True
    """
    return "".join(
        one if one.isprintable() else one.encode("unicode_escape").decode("ascii") for one in text
    )
