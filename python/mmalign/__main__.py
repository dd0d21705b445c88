"""``python -m mmalign`` and the ``mmalign`` script."""

from __future__ import annotations

import sys

from .errors import UserError
from .optional import require


def main() -> None:
    """Run the command line of :mod:`mmalign.cli`."""
    try:
        for package in ("click", "rich"):
            require(package, "the command line")
    except UserError as error:
        print(f"mmalign: {error}", file=sys.stderr)
        sys.exit(2)
    from .cli import main as run

    sys.exit(run())


if __name__ == "__main__":
    main()
