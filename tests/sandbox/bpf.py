"""The kernel's side of a seccomp filter, as far as ours goes."""

from __future__ import annotations

from collections.abc import Sequence

from django_largefiles.sandbox.seccomp import IF_ANY_BIT, IF_EQUAL, IF_GREATER, LOAD, RETURN, Instruction

TESTS = {
    IF_EQUAL: lambda loaded, value: loaded == value,
    IF_GREATER: lambda loaded, value: loaded > value,
    IF_ANY_BIT: lambda loaded, value: loaded & value != 0,
}


def verdict(program: Sequence[Instruction], architecture: int, number: int, *arguments: int) -> int:
    """What the filter says of a system call."""
    data = (number).to_bytes(4, "little") + architecture.to_bytes(4, "little") + bytes(8)
    data += b"".join(argument.to_bytes(8, "little") for argument in (*arguments, *[0] * 6)[:6])
    loaded, position = 0, 0
    while (instruction := program[position]).code != RETURN:
        position += 1
        if instruction.code == LOAD:
            loaded = int.from_bytes(data[instruction.value : instruction.value + 4], "little")
        elif TESTS[instruction.code](loaded, instruction.value):
            position += instruction.skip_if
        else:
            position += instruction.skip_else
    return instruction.value
