"""What a run that is stopped says."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from ..errors import UserError


@contextmanager
def finished_cells_kept(directory: str | os.PathLike[str]) -> Iterator[None]:
    """Turn Ctrl-C and what the system refuses into a line for the user."""
    try:
        yield
    except KeyboardInterrupt:
        raise KeyboardInterrupt(
            f"Stopped. Finished cells are kept in {directory}; the same command continues."
        ) from None
    except OSError as error:
        raise UserError(
            f"The study in {directory} stopped: {error.filename or 'a file'}: "
            f"{error.strerror or error}. Finished cells are kept; the same command continues."
        ) from None
