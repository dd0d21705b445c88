"""Why a pickle is not read."""

from __future__ import annotations


class Refused(Exception):
    """The pickle asks for something that is not data; the text names it, as in "os.system"."""


class Damaged(Exception):
    """The bytes are no complete pickle; the text says what is wrong with them."""
