"""A throw-away virtual environment for every library of the conformance table.

It sees what the environment of this process has (torch, scipy, scikit-learn: as in
`constraints.txt`) and puts the library in front of it, so that none becomes a dependency, each can
need other versions, and torch is not installed twenty times.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

from conformance_peers.peer import Peer

CONSTRAINTS = Path(__file__).resolve().parent.parent / "constraints.txt"


class NotInstallable(Exception):
    """Why, in one line."""


def python_for(peer: Peer, root: Path) -> Path:
    """The interpreter of the environment of `peer`, made below `root` unless it is there."""
    parts = (sys.version, sysconfig.get_path("purelib"), *peer.requirements)
    key = hashlib.sha256("\n".join((*parts, str(peer.with_dependencies))).encode()).hexdigest()
    home = root / f"{peer.name}-{key[:12]}"
    python = home / "bin" / "python"
    complete = home / "complete"
    if not complete.exists():
        shutil.rmtree(home, ignore_errors=True)
        venv.EnvBuilder(with_pip=False, symlinks=True).create(home)
        _lend_packages(home)
        if peer.requirements:
            _install(peer, python)
        complete.touch()
    return python


def _lend_packages(home: Path) -> None:
    """Paths in a .pth file come after the environment's own packages."""
    own = Path(sysconfig.get_path("purelib", vars={"base": str(home), "platbase": str(home)}))
    lent = dict.fromkeys(sysconfig.get_path(kind) for kind in ("purelib", "platlib"))
    (own / "lent.pth").write_text("".join(f"{path}\n" for path in lent))


def _install(peer: Peer, python: Path) -> None:
    command = [str(python), "-m", "pip", "install", "--quiet"]  # pip itself is lent
    command += ["--disable-pip-version-check", "--no-input", "-c", str(CONSTRAINTS)]
    command += [] if peer.with_dependencies else ["--no-deps"]
    environment = {**os.environ, "PIP_CONSTRAINT": str(CONSTRAINTS)}
    done = subprocess.run(
        [*command, *peer.requirements], env=environment, text=True, capture_output=True
    )
    if done.returncode:
        errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR:")]
        first = errors[0] if errors else (done.stderr.strip() or "pip failed").splitlines()[-1]
        raise NotInstallable(first.removeprefix("ERROR:").strip())
