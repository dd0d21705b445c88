"""Errors a user can act on."""

from __future__ import annotations


class UserError(ValueError):
    """Wrong input, in one sentence: what was given, what was found, what is allowed.

    The command line prints the sentence alone and exits with code 2.
    """
