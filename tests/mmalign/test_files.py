from __future__ import annotations

import json
import os
import stat

import pytest

from mmalign.errors import UserError
from mmalign.files import atomic_path, json_text, read_json, write_json


def test_a_file_appears_whole(tmp_path):
    target = tmp_path / "new" / "file.txt"
    with atomic_path(target) as temporary:
        temporary.write_text("half")
        assert not target.exists()
        temporary.write_text("whole")
    assert target.read_text() == "whole"
    assert os.listdir(target.parent) == ["file.txt"]


@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
def test_a_failure_keeps_the_old_file(tmp_path, error):
    target = tmp_path / "file.txt"
    target.write_text("old")

    def fail():
        with atomic_path(target) as temporary:
            temporary.write_text("new")
            raise error

    with pytest.raises(error):
        fail()
    assert target.read_text() == "old"
    assert os.listdir(tmp_path) == ["file.txt"]


def test_files_are_as_readable_as_the_umask_says(tmp_path):
    write_json(tmp_path / "file.json", {})
    umask = os.umask(0)
    os.umask(umask)
    assert stat.S_IMODE((tmp_path / "file.json").stat().st_mode) == 0o666 & ~umask


def test_json_is_sorted_and_nan_is_null(tmp_path):
    content = {"b": [1.5, float("nan"), (float("nan"),)], "a": "ü"}
    write_json(tmp_path / "file.json", content)
    text = (tmp_path / "file.json").read_text(encoding="utf-8")
    assert text.index('"a": "ü"') < text.index('"b"')
    assert text.endswith("\n")
    assert read_json(tmp_path / "file.json") == {"a": "ü", "b": [1.5, None, [None]]}
    assert json.loads(json_text(content)) == read_json(tmp_path / "file.json")


def test_infinity_is_not_json(tmp_path):
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "file.json", {"a": float("inf")})
    assert not list(tmp_path.iterdir())


def test_a_missing_or_damaged_file_is_named(tmp_path):
    with pytest.raises(UserError, match=r"none.json does not exist"):
        read_json(tmp_path / "none.json")
    for content in (b"{", b"\xff\xfe"):
        (tmp_path / "bad.json").write_bytes(content)
        with pytest.raises(UserError, match=r"bad.json is not valid JSON"):
            read_json(tmp_path / "bad.json")
