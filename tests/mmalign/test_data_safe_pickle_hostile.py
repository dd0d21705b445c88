from __future__ import annotations

import collections
import copyreg
import functools
import operator
import os
import pickle
import subprocess
import sys
import time

import numpy as np
import pytest

from mmalign.data.safe_pickle import read_pickle
from mmalign.errors import UserError

from .hostile_pickles import (
    Calls,
    array_program,
    bombs,
    integer,
    named,
    program,
    shared,
    shared_at_every_level,
    text,
)


@pytest.fixture
def read(tmp_path):
    """Read bytes as a pickle in a file."""

    def read_bytes(content: bytes):
        path = tmp_path / "data.pkl"
        path.write_bytes(content)
        return read_pickle(path)

    return read_bytes


HARMFUL = {
    f"{os.system.__module__}.system": Calls(os.system, "touch harmed"),
    "subprocess.Popen": Calls(subprocess.Popen, ["touch", "harmed"]),
    "builtins.eval": Calls(eval, "open('harmed', 'w')"),
    "builtins.exec": Calls(exec, "open('harmed', 'w')"),
    "builtins.getattr": Calls(getattr, "", "join"),
    "io.open": Calls(open, "harmed", "w"),
    "functools.partial": functools.partial(os.system, "touch harmed"),
    "operator.attrgetter": operator.attrgetter("system"),
    "collections.OrderedDict": collections.OrderedDict(a=1),
    "builtins.complex": 1j,
    "builtins.set": Calls(set, [1]),
    "numpy.load": Calls(np.load, "harmed.npy"),
}


@pytest.mark.parametrize("protocol", [3, 4])
@pytest.mark.parametrize("name", HARMFUL)
def test_what_could_run_is_refused_by_name(read, tmp_path, monkeypatch, name, protocol):
    monkeypatch.chdir(tmp_path)
    for value in (HARMFUL[name], {"train": [HARMFUL[name]]}):
        with pytest.raises(UserError) as refusal:
            read(pickle.dumps(value, protocol=protocol))
        assert f"data.pkl holds {name}, which is not read: a pickle may hold" in str(refusal.value)
    assert not (tmp_path / "harmed").exists()


class Subclass(np.ndarray):
    pass


def holding_itself() -> np.ndarray:
    array = np.empty(1, dtype=object)
    array[0] = array
    return array


HIDDEN = {
    "an array in itself": (holding_itself(), "an array that was never filled"),
    "in an object array": (np.array([Calls(os.system, "touch harmed")]), r"\w+\.system"),
    "as a subclass of arrays": (
        np.arange(3).view(Subclass),
        r"test_data_safe_pickle_hostile\.Subclass",
    ),
    "as a matrix": (np.arange(4).reshape(2, 2).view(np.matrix), r"numpy\.matrix"),
    "in a masked array": (np.ma.array([1]), r"numpy\.ma\.core\._mareconstruct"),
    "as a record": (np.zeros(2, dtype=[("a", "f4")]), "the numpy type 'V4'"),
    "as a date": (np.zeros(2, dtype="M8[s]"), "the numpy type 'M8'"),
    "as complex": (np.zeros(2, dtype="c8"), "the numpy type 'c8'"),
    "by copyreg": (Calls(copyreg._reconstructor, Subclass, object, None), r"copyreg\._reconst"),
    "as a type": ({"a": np.ndarray}, r"numpy\.ndarray"),
    "as a dtype": ([np.dtype("f4")], r"numpy\.dtype 'f4'"),
}


@pytest.mark.parametrize(("value", "message"), HIDDEN.values(), ids=HIDDEN)
def test_other_objects_are_refused_by_name(read, tmp_path, monkeypatch, value, message):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=f"data.pkl holds .*{message}"):
        read(pickle.dumps(value))
    assert not (tmp_path / "harmed").exists()


CALL = b"C\x01x\x85R"
CRAFTED = {
    "a name with dots": (named("numpy", "ndarray.__class__"), r"numpy\.ndarray\.__class__"),
    "globals of a function": (
        named("numpy.core.multiarray", "_reconstruct.__globals__", stack=True),
        r"_reconstruct\.__globals__",
    ),
    "f2py": (named("numpy.f2py.crackfortran", "myeval", CALL), r"numpy\.f2py\.crackfortran\.myev"),
    "a longer module": (named("xnumpy.core.multiarray", "scalar"), r"xnumpy\.core\.multiarray\.s"),
    "calling the array type": (named("numpy", "ndarray", CALL), r"a call of numpy\.ndarray"),
    "calling text": (program(text("os.system") + CALL), "a call of str"),
    "an array of another class": (
        named("numpy.core.multiarray", "_reconstruct", text("a") + b")C\x01b\x87R"),
        "an array of the class a",
    ),
    "state for a dictionary": (program(b"}}b"), "a state for dict"),
    "state for a name": (named("numpy", "ndarray", b")b"), r"a state for numpy\.ndarray"),
    "a scalar of objects": (
        named("numpy.core.multiarray", "scalar", b"cnumpy\ndtype\n", text("O8") + b"\x89\x88\x87R")[
            :-1
        ]
        + b"C\x01x\x86R.",
        "a numpy scalar of type object",
    ),
    "INST": (program(b"(ios\nsystem\n"), r"the instruction INST \(byte 3\)"),
    "OBJ": (program(b"(o"), "the instruction OBJ"),
    "NEWOBJ": (program(b"))\x81"), "the instruction NEWOBJ"),
    "NEWOBJ_EX": (program(b")))\x92"), "the instruction NEWOBJ_EX"),
    "EXT1": (program(b"\x82\x01"), "the instruction EXT1"),
    "PERSID": (program(b"Pid\n"), "the instruction PERSID"),
    "BINPERSID": (program(b"NQ"), "the instruction BINPERSID"),
    "NEXT_BUFFER": (program(b"\x97"), "the instruction NEXT_BUFFER"),
    "protocol 0": (b"(dp0\n.", r"the instruction PUT"),
    "a tuple as a key": (program(b"})Ns"), "a tuple as a key of a dictionary"),
    "a huge number as a key": (program(b"}" + integer(1 << 60) + b"Ns"), "a int as a key of a d"),
    "an array never filled": (
        named("numpy.core.multiarray", "_reconstruct", b"cnumpy\nndarray\n)C\x01b\x87R"),
        "an array that was never filled",
    ),
    "a list in itself": (program(b"]\x94h\x00a"), "a list that contains itself"),
    "dtype fields": (
        array_program([1], "f8", bytes(8), b"(K\x03" + text("<") + b"N)}K\x08K\x01K\x00t"),
        "with fields, sub-arrays or metadata",
    ),
}


@pytest.mark.parametrize(("content", "message"), CRAFTED.values(), ids=CRAFTED)
def test_crafted_programs_are_refused(read, content, message):
    with pytest.raises(UserError, match=message):
        read(content)


@pytest.mark.parametrize("name", bombs())
def test_small_files_that_claim_much_are_refused_at_once(read, name):
    content = bombs()[name]
    assert len(content) < 3000
    started = time.perf_counter()
    with pytest.raises(UserError):
        read(content)
    assert time.perf_counter() - started < 1


def test_bombs_need_no_memory(tmp_path):
    paths = []
    for name, content in bombs().items():
        paths.append(tmp_path / f"{name}.pkl")
        paths[-1].write_bytes(content)
    # Limits count from what the imports took.
    code = (
        "import resource, sys\n"
        "from mmalign.data.safe_pickle import read_pickle\n"
        "from mmalign.errors import UserError\n"
        "used = int(open('/proc/self/statm').read().split()[0]) * resource.getpagesize()\n"
        "resource.setrlimit(resource.RLIMIT_AS, (used + (64 << 20),) * 2)\n"
        "resource.setrlimit(resource.RLIMIT_CPU, (20, 20))\n"
        "for path in sys.argv[1:]:\n"
        "    try:\n"
        "        read_pickle(path)\n"
        "    except UserError:\n"
        "        print('refused')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, paths)], capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.split() == ["refused"] * len(paths)


def test_a_dtype_is_its_code_whatever_its_state_says(read):
    # Flags of the type object on a number: numpy's own reconstruction would see pointers here.
    flags = b"(K\x03" + text("<") + b"NNN" + integer(-1) * 2 + b"K\x3ft"
    assert read(array_program([2], "f8", bytes(16), flags)).tolist() == [0.0, 0.0]


def test_programs_have_a_limit(read, monkeypatch):
    monkeypatch.setattr("mmalign.data.safe_pickle.machine.MAX_INSTRUCTIONS", 50)
    assert read(program(b"(" + b"N" * 40 + b"t")) == (None,) * 40
    with pytest.raises(UserError, match="holds more than 50 instructions, which is not read"):
        read(program(b"(" + b"N" * 60 + b"t"))


@pytest.mark.parametrize("name", shared(1))
def test_one_value_is_not_made_into_arrays_again_and_again(read, name):
    assert len(read(shared(1)[name])) == 2
    with pytest.raises(UserError, match="made into arrays again and again"):
        read(shared(20)[name])


def test_what_is_shared_at_every_level(read):
    assert len(read(shared_at_every_level(99, 1))) == 99
    with pytest.raises(UserError, match="nested more than 100 deep"):
        read(shared_at_every_level(100, 1))
    with pytest.raises(UserError, match="unfold into more than"):
        read(shared_at_every_level(99, 2))


def test_objects_met_often_are_looked_through_once(read):
    objects = np.asfortranarray(np.full((400, 400), None))
    content = pickle.dumps([objects] * 100_000, protocol=4)
    start = time.perf_counter()
    with pytest.raises(UserError, match="unfold into more than"):
        read(content)
    assert time.perf_counter() - start < 5
