"""The pool leaves nothing of the workers it stops."""

from __future__ import annotations

from types import SimpleNamespace

from mmalign.study import CellStore
from mmalign.study.pool import WorkerPool


def test_what_a_stopped_worker_was_writing_goes_with_it(tmp_path):
    store = CellStore(tmp_path)
    store.prepare()
    mine = tmp_path / "cells" / ".0123.safetensors.x.partial"
    other = tmp_path / "cells" / ".4567.safetensors.x.partial"
    with store.claim("4567"):  # as another run that is still writing
        other.touch()
        pool = WorkerPool(tmp_path, tmp_path / "data", "cpu", 0)
        for cell in ("0123", "4567", None):
            writing = None if cell is None else SimpleNamespace(hash=cell)
            pool.workers.append(SimpleNamespace(cell=writing, stop=lambda: None))
        mine.touch()
        pool.stop()
        assert pool.workers == []
        assert not mine.exists()
        assert other.exists()
