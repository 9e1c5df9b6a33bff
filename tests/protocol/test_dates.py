"""Points in time: every type, and what is none."""

from datetime import date, datetime, time
from typing import Any

import pytest

from .telegrams import record

VALUES: list[tuple[str, Any, tuple[str, ...]]] = [
    ("02 6C 56 3B", date(2026, 11, 22), ()),
    ("02 6C 21 A1", date(1981, 1, 1), ()),
    ("02 6C 01 A1", date(2080, 1, 1), ()),
    ("02 6C 7F CC", date(1999, 12, 31), ()),
    ("02 6D 56 3B", date(2026, 11, 22), ()),
    ("04 6D 23 0E 56 3B", datetime(2026, 11, 22, 14, 35), ()),
    ("04 6D 23 2E 56 3B", datetime(2026, 11, 22, 14, 35), ()),
    ("04 6D 23 4E 56 3B", datetime(2126, 11, 22, 14, 35), ()),
    ("04 6D 23 0E 21 A1", datetime(1981, 1, 1, 14, 35), ()),
    ("04 6D 23 8E 56 3B", datetime(2026, 11, 22, 14, 35), ("summer_time",)),
    ("04 6C 23 0E 56 3B", datetime(2026, 11, 22, 14, 35), ()),
    ("06 6D 54 23 0E 56 3B 00", datetime(2026, 11, 22, 14, 35, 20), ("summer_time",)),
    ("06 6D 14 23 EE 56 3B 2F", datetime(2026, 11, 22, 14, 35, 20), ()),
    ("03 6D 3B 3B 17", time(23, 59, 59), ()),
    ("02 FD 30 56 3B", date(2026, 11, 22), ()),
    ("03 FD 65 00 00 06", time(6, 0), ()),
    ("04 FD 70 23 0E 56 3B", datetime(2026, 11, 22, 14, 35), ()),
    ("02 6C 5D 34", date(2026, 4, 29), ()),
    ("02 6C 9D 32", date(2028, 2, 29), ()),
]  # fmt: skip

PROBLEMS = [
    ("02 6C FF FF", "not available"),
    ("02 6C 00 00", "no data"),
    ("02 6C E1 F1", "recurring: *-01-01"),
    ("02 6C 41 3F", "recurring: 2026-*-01"),
    ("02 6C E1 FF", "recurring: *-*-01"),
    ("02 6C 40 31", "recurring: 2026-01-*"),
    ("02 6C E0 FF", "recurring: *-*-*"),
    ("02 6C 40 30", "no data"),
    ("02 6C 41 30", "no such date or time: 2026-00-01"),
    ("02 6C 41 3D", "no such date or time: 2026-13-01"),
    ("02 6C 41 3E", "no such date or time: 2026-14-01"),
    ("02 6C E1 FD", "no such date or time: *-13-01"),
    ("02 6C 5F 32", "no such date or time: 2026-02-31"),
    ("02 6C 5D 32", "no such date or time: 2026-02-29"),
    ("02 6C 81 C1", "no such date or time: 100-01-01"),
    ("02 6C C1 F1", "no such date or time: 126-01-01"),
    ("02 6C CF F1", "no such date or time: 126-01-15"),
    ("04 6D 00 00 E1 F1", "recurring: *-01-01 00:00"),
    ("04 6D A3 0E 56 3B", "the meter says that its time is invalid"),
    ("04 6D FF FF FF FF", "the meter says that its time is invalid"),
    ("04 6D 00 00 00 00", "no data"),
    ("04 6D 05 1F 56 3B", "recurring: 2026-11-22 *:05"),
    ("04 6D 3F 0E 56 3B", "recurring: 2026-11-22 14:*"),
    ("04 6D 3F 1F E0 FF", "recurring: *-*-* *:*"),
    ("04 6D 3C 0E 56 3B", "no such date or time: 2026-11-22 14:60"),
    ("04 6D 3C 1F 56 3B", "no such date or time: 2026-11-22 *:60"),
    ("04 6D 00 18 56 3B", "no such date or time: 2026-11-22 24:00"),
    ("04 6D 00 00 5F 32", "no such date or time: 2026-02-31 00:00"),
    ("06 6D 14 A3 0E 56 3B 00", "the meter says that its time is invalid"),
    ("06 6D 14 23 0E 40 30 00", "no data"),
    ("06 6D 14 23 0E F6 FB 00", "no data"),
    ("06 6D 3F 23 0E 56 3B 00", "recurring: 2026-11-22 14:35:*"),
    ("03 6D FF FF FF", "not available"),
    ("03 6D 3F 3F 1F", "recurring: *:*:*"),
    ("03 6D 00 3F 1F", "recurring: *:*:00"),
    ("03 6D 00 00 1F", "recurring: *:00:00"),
    ("03 6D 00 00 18", "no such date or time: 24:00:00"),
]

# What has the VIF of a date, but no length that fits: the bytes as they are.
OPAQUE = [
    ("01 6D 05", b"\x05"),
    ("03 6C 14 23 0E", b"\x14\x23\x0e"),
    ("0A 6C 01 02", b"\x01\x02"),
    ("07 6D 01 02 03 04 05 06 07 08", bytes(range(1, 9))),
    ("0D 6D E5 01 02 03 04 05", bytes(range(1, 6))),
]


@pytest.mark.parametrize(("data", "value", "modifiers"), VALUES)
def test_value(data: str, value: Any, modifiers: tuple[str, ...]) -> None:
    """Times are the meter's own, without a zone."""
    found = record(data)
    assert (found.value, found.modifiers, found.problem) == (value, modifiers, None)
    assert type(found.value) is type(value)
    assert found.signature.modifiers == ()


@pytest.mark.parametrize(("data", "problem"), PROBLEMS)
def test_problem(data: str, problem: str) -> None:
    """What is no single point in time is no value, and says what it is."""
    found = record(data)
    assert (found.value, str(found.problem), found.modifiers) == (None, problem, ())


@pytest.mark.parametrize(("data", "value"), OPAQUE)
def test_opaque(data: str, value: bytes) -> None:
    """Nothing is guessed where the length doesn't fit."""
    assert record(data).value == value


@pytest.mark.parametrize(
    ("data", "quantity"),
    [
        ("02 6C 56 3B", "date"),
        ("02 6D 56 3B", "date"),
        ("03 6D 14 23 0E", "time"),
        ("04 6C 23 0E 56 3B", "date_time"),
        ("06 6D 14 23 0E 56 3B 00", "date_time"),
        ("01 6D 05", "date_time"),
    ],
)
def test_quantity(data: str, quantity: str) -> None:
    """What a clock is called follows from what it sends."""
    assert record(data).quantity == quantity
