"""Why a pickle is not read."""

from __future__ import annotations

# Bytes and items beyond the size of a file that may be made of it: small files may be all sharing.
SLACK = 1_000_000


class Refused(Exception):
    """The pickle asks for something that is not data; the text names it, as in "os.system"."""


class Damaged(Exception):
    """The bytes are no complete pickle; the text says what is wrong with them."""
