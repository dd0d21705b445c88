"""The stack machine that a pickle is a program for, without the instructions that call code.

The instructions are those of Python's ``pickle`` module, protocols 2 to 5 (documented in
``pickletools``). Objects, classes, extensions and persistent names have no instruction here;
``REDUCE`` and ``BUILD`` reach the few functions of :mod:`.arrays` and nothing else. Every length
in the file is compared with what is left of the file before anything is made of it.
"""

from __future__ import annotations

import pickle
import pickletools
import struct
from collections.abc import Callable
from typing import Any

from .arrays import CALLABLE, ArrayInProgress, Dtype, Name, admitted_name
from .faults import SLACK, Damaged, Refused

# A byte of instructions makes up to a hundred of memory; this many stay below a gigabyte.
MAX_INSTRUCTIONS = 4_000_000
MAX_NAME = 200
MAX_INTEGER_BYTES = 16
# Arrays of Python 2 and of protocol 2 are handed on twice: as text, then as bytes.
HANDED_ON = 2
# Beyond it different numbers have the same hash, and a dictionary of them takes forever.
LARGEST_KEY = 1 << 60


class Machine:
    """Run one pickle held in ``content``; :meth:`run` returns what it describes."""

    def __init__(self, content: memoryview) -> None:
        self.content = content
        self.position = 0
        self.stack: list[Any] = []
        self.marks: list[int] = []
        self.memo: dict[int, Any] = {}
        self.bytes_left = HANDED_ON * len(content) + SLACK
        self.items_left = MAX_INSTRUCTIONS

    def run(self) -> Any:
        for _ in range(MAX_INSTRUCTIONS):
            at = self.position
            code = bytes(self.take(1))
            if code == pickle.STOP:
                return self.pop()
            instruction = _INSTRUCTIONS.get(code)
            if instruction is None:
                known = pickletools.code2op.get(code.decode("latin-1"))
                if known is None:
                    raise Damaged(f"byte {at} is {code!r}, which is no instruction")
                raise Refused(f"the instruction {known.name} (byte {at})")
            instruction(self)
        raise Refused(f"more than {MAX_INSTRUCTIONS} instructions")

    def take(self, length: int) -> memoryview:
        left = len(self.content) - self.position
        if length > left:
            raise Damaged(f"byte {self.position} begins {length} bytes, but {left} are left")
        start, self.position = self.position, self.position + length
        return self.content[start : self.position]

    def unsigned(self, length: int) -> int:
        return int.from_bytes(self.take(length), "little")

    def line(self) -> str:
        window = bytes(self.content[self.position : self.position + MAX_NAME])
        text, newline, _ = window.partition(b"\n")
        if not newline:
            raise Damaged(f"a name at byte {self.position} does not end")
        self.position += len(text) + 1
        return _text(text)

    def push(self, value: Any) -> None:
        self.stack.append(value)

    def pop(self) -> Any:
        if len(self.stack) <= (self.marks[-1] if self.marks else 0):
            raise Damaged(f"byte {self.position - 1} takes a value that is not there")
        return self.stack.pop()

    def pop_to_mark(self) -> list[Any]:
        if not self.marks:
            raise Damaged(f"byte {self.position - 1} takes values that are not there")
        mark = self.marks.pop()
        values = self.stack[mark:]
        del self.stack[mark:]
        return values

    def top(self, kind: type) -> Any:
        """Return the top of the stack, which must be a container of this kind."""
        value = self.pop()
        if type(value) is not kind:
            raise Damaged(f"byte {self.position - 1} fills a {type(value).__name__}")
        self.push(value)
        return value

    def remember(self, index: int) -> None:
        value = self.pop()
        self.push(value)
        self.memo[index] = value

    def recall(self, index: int) -> None:
        if index not in self.memo:
            raise Damaged(f"byte {self.position - 1} recalls value {index}, which was not kept")
        value = self.memo[index]
        finished = value.array if isinstance(value, ArrayInProgress) else None
        self.push(value if finished is None else finished)

    def add_items(self, flat: list[Any]) -> None:
        target = self.top(dict)
        if len(flat) % 2:
            raise Damaged(f"byte {self.position - 1} adds a key without a value")
        for key, value in zip(flat[::2], flat[1::2], strict=True):
            # A tuple's hash visits all that is nested in it, however deep or often.
            small = isinstance(key, int) and abs(key) < LARGEST_KEY
            if not small and not isinstance(key, (str, bytes, type(None))):
                raise Refused(f"a {_kind(key)} as a key of a dictionary")
            target[key] = value

    def name(self, module: Any, attribute: Any) -> None:
        if not isinstance(module, str) or not isinstance(attribute, str):
            raise Damaged(f"byte {self.position - 1} names something that is not text")
        self.push(admitted_name(module[:MAX_NAME], attribute[:MAX_NAME]))

    def call(self) -> None:
        arguments, called = self.pop(), self.pop()
        function = CALLABLE.get(str(called)) if isinstance(called, Name) else None
        if function is None:
            raise Refused(f"a call of {_kind(called)}")
        if type(arguments) is not tuple:
            raise Damaged(f"{called} is called with a {_kind(arguments)}")
        self.hand_on(arguments)
        self.push(function(*_arguments(called, arguments)))

    def build(self) -> None:
        state, target = self.pop(), self.pop()
        if not isinstance(target, (ArrayInProgress, Dtype)):
            raise Refused(f"a state for {_kind(target)}")
        if type(state) is not tuple:
            raise Damaged(f"the state of {_kind(target)} is a {_kind(state)}")
        self.hand_on(state)
        self.push(target.set_state(state))

    def hand_on(self, values: tuple[Any, ...]) -> None:
        """Count what a function is about to copy or look through.

        A few bytes recall a value of any size; honest files hand each one on once or twice.
        """
        for value in values:
            if isinstance(value, (str, bytes, memoryview)):
                self.bytes_left -= len(value)
            elif isinstance(value, list):
                self.items_left -= len(value)
        if self.bytes_left < 0 or self.items_left < 0:
            raise Refused("values that are made into arrays again and again")


def _arguments(called: Name, arguments: tuple[Any, ...]) -> tuple[Any, ...]:
    function = CALLABLE[str(called)]
    most = function.__code__.co_argcount
    if not most - len(function.__defaults__ or ()) <= len(arguments) <= most:
        raise Damaged(f"{called} is called with {len(arguments)} arguments, takes {most}")
    return arguments


def _kind(value: Any) -> str:
    own = isinstance(value, (Name, Dtype, ArrayInProgress))
    return str(value) if own else type(value).__name__


def _text(raw: bytes | memoryview) -> str:
    try:
        return str(raw, "utf-8", "surrogatepass")
    except UnicodeDecodeError:
        raise Damaged("a text is not UTF-8") from None


def _integer(machine: Machine, length: int) -> None:
    if length > MAX_INTEGER_BYTES:
        raise Refused(f"an integer of {length} bytes")
    machine.push(int.from_bytes(machine.take(length), "little", signed=True))


def _frame(machine: Machine) -> None:
    length = machine.unsigned(8)
    if length > len(machine.content) - machine.position:
        raise Damaged(f"a frame claims {length} bytes, which are not there")


def _protocol(machine: Machine) -> None:
    protocol = machine.unsigned(1)
    if protocol > pickle.HIGHEST_PROTOCOL:
        raise Damaged(f"it is of protocol {protocol}")


def _dictionary(machine: Machine) -> None:
    flat = machine.pop_to_mark()
    machine.push({})
    machine.add_items(flat)


def _stack_global(machine: Machine) -> None:
    attribute, module = machine.pop(), machine.pop()
    machine.name(module, attribute)


def _append(machine: Machine) -> None:
    value = machine.pop()
    machine.top(list).append(value)


def _append_many(machine: Machine) -> None:
    values = machine.pop_to_mark()
    machine.top(list).extend(values)


def _set_item(machine: Machine) -> None:
    value, key = machine.pop(), machine.pop()
    machine.add_items([key, value])


def _tuple_of(machine: Machine, length: int) -> None:
    values = [machine.pop() for _ in range(length)]
    machine.push(tuple(reversed(values)))


def _constant(make: Callable[[], Any]) -> Callable[[Machine], None]:
    return lambda machine: machine.push(make())


def _sized(length_bytes: int, make: Callable[[memoryview], Any]) -> Callable[[Machine], None]:
    """An instruction whose operand is a length and that many bytes."""
    return lambda machine: machine.push(make(machine.take(machine.unsigned(length_bytes))))


def _latin(raw: memoryview) -> str:
    return str(raw, "latin-1")


_INSTRUCTIONS: dict[bytes, Callable[[Machine], None]] = {
    pickle.PROTO: _protocol,
    pickle.FRAME: _frame,
    pickle.MARK: lambda machine: machine.marks.append(len(machine.stack)),
    pickle.NONE: _constant(lambda: None),
    pickle.NEWTRUE: _constant(lambda: True),
    pickle.NEWFALSE: _constant(lambda: False),
    pickle.BININT: lambda machine: _integer(machine, 4),
    pickle.BININT1: lambda machine: machine.push(machine.unsigned(1)),
    pickle.BININT2: lambda machine: machine.push(machine.unsigned(2)),
    pickle.LONG1: lambda machine: _integer(machine, machine.unsigned(1)),
    pickle.LONG4: lambda machine: _integer(machine, machine.unsigned(4)),
    pickle.BINFLOAT: lambda machine: machine.push(struct.unpack(">d", machine.take(8))[0]),
    pickle.SHORT_BINUNICODE: _sized(1, _text),
    pickle.BINUNICODE: _sized(4, _text),
    pickle.BINUNICODE8: _sized(8, _text),
    pickle.SHORT_BINSTRING: _sized(1, _latin),
    pickle.BINSTRING: _sized(4, _latin),
    pickle.SHORT_BINBYTES: _sized(1, bytes),
    pickle.BINBYTES: _sized(4, memoryview),
    pickle.BINBYTES8: _sized(8, memoryview),
    pickle.BYTEARRAY8: _sized(8, memoryview),
    pickle.EMPTY_LIST: _constant(list),
    pickle.EMPTY_TUPLE: _constant(tuple),
    pickle.EMPTY_DICT: _constant(dict),
    pickle.LIST: lambda machine: machine.push(machine.pop_to_mark()),
    pickle.TUPLE: lambda machine: machine.push(tuple(machine.pop_to_mark())),
    pickle.TUPLE1: lambda machine: _tuple_of(machine, 1),
    pickle.TUPLE2: lambda machine: _tuple_of(machine, 2),
    pickle.TUPLE3: lambda machine: _tuple_of(machine, 3),
    pickle.DICT: _dictionary,
    pickle.APPEND: _append,
    pickle.APPENDS: _append_many,
    pickle.SETITEM: _set_item,
    pickle.SETITEMS: lambda machine: machine.add_items(machine.pop_to_mark()),
    pickle.BINPUT: lambda machine: machine.remember(machine.unsigned(1)),
    pickle.LONG_BINPUT: lambda machine: machine.remember(machine.unsigned(4)),
    pickle.MEMOIZE: lambda machine: machine.remember(len(machine.memo)),
    pickle.BINGET: lambda machine: machine.recall(machine.unsigned(1)),
    pickle.LONG_BINGET: lambda machine: machine.recall(machine.unsigned(4)),
    pickle.GLOBAL: lambda machine: machine.name(machine.line(), machine.line()),
    pickle.STACK_GLOBAL: _stack_global,
    pickle.REDUCE: Machine.call,
    pickle.BUILD: Machine.build,
}
