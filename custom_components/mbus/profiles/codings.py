"""Ways to code a value that a profile may name where the data field and the VIF don't say it (low byte first)."""

from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import Any, Final

from ..protocol import InvalidValueError, Record, Value, profile_values


def _bcd(data: bytes) -> int:
    digits = data[::-1].hex()
    if not digits.isdecimal():
        raise InvalidValueError("not_numeric", digits=digits.upper())
    return int(digits)


def _unsigned(data: bytes) -> int:
    return int.from_bytes(data, "little")


def _signed(data: bytes) -> int:
    return int.from_bytes(data, "little", signed=True)


def _pairs(data: bytes, count: int) -> list[int]:
    """Read numbers of two digits each, and more in the last of them."""
    if len(data) < count:
        raise InvalidValueError("other_length", length=str(len(data)))
    last = count - 1
    return [
        *(_bcd(data[place : place + 1]) for place in range(last)),
        _bcd(data[last:]),
    ]


def _bcd_duration(data: bytes) -> int:
    """Read seconds, minutes, hours and days of two digits each, as seconds."""
    seconds, minutes, hours, days = _pairs(data, 4)
    return seconds + 60 * minutes + 3600 * hours + 86400 * days


def _bcd_date(data: bytes) -> date:
    """Read day, month and year of two digits each."""
    day, month, year = _pairs(data[:3], 3)
    return _moment(date, data, 2000 + year, month, day)


def _bcd_date_time(data: bytes) -> datetime:
    """Read second, minute, hour, day, month and year of two digits each."""
    second, minute, hour, day, month, year = _pairs(data[:6], 6)
    return _moment(datetime, data, 2000 + year, month, day, hour, minute, second)


def _moment[T](kind: Callable[..., T], data: bytes, *parts: int) -> T:
    try:
        return kind(*parts)
    except ValueError as err:
        raise InvalidValueError("no_such_time", time=data.hex(" ").upper()) from err


def _text(data: bytes) -> str:
    """Read a text whose last character comes first."""
    return data[::-1].decode("latin-1").strip(" \0")


CODINGS: Final[dict[str, Callable[[bytes], Value]]] = {
    "bcd": _bcd,
    "bcd_date": _bcd_date,
    "bcd_date_time": _bcd_date_time,
    "bcd_duration": _bcd_duration,
    "hex": lambda data: data.hex().upper(),
    "signed": _signed,
    "text": _text,
    "unsigned": _unsigned,
}
"""What reads the data of each coding. Raises InvalidValueError for data that are no value."""


def _compact_profile(record: Record, neighbours: Sequence[Record]) -> str:
    """Read the values kept in a compact profile, as a text."""
    values = profile_values(record, neighbours)
    text = "; ".join("–" if value is None else f"{value:f}" for value in values)
    return f"{text} {record.unit}" if record.unit else text


RECORD_CODINGS: Final[dict[str, Callable[[Record, Sequence[Record]], Value]]] = {
    "compact_profile": _compact_profile
}
"""What reads a record by what its header and the records of its telegram say. Raises InvalidValueError."""


def readers(value: Any) -> dict[str, Callable[[int, int], int]]:
    """Return what reads numbers out of bytes given as hex digits, by offset and length; none for anything else.

    A reader raises ValueError where the bytes end before, or hold no such number.
    """
    try:
        data = bytes.fromhex(value)
    except TypeError, ValueError:
        return {}

    def reader(read: Callable[[bytes], int]) -> Callable[[int, int], int]:
        def at(offset: int, length: int) -> int:
            part = data[offset : offset + length]
            if offset < 0 or len(part) < length:
                raise ValueError(f"there are {len(data)} bytes")
            return read(part)

        return at

    return {"integer": reader(_unsigned), "bcd": reader(_bcd)}


NUMBERS: Final = frozenset({"bcd", "bcd_duration", "signed", "unsigned"})
"""Codings of numbers."""


def _four_quadrant_power_factor(value: float) -> float:
    """Return the power factor of a code that tells lagging (0 to 1) from leading (1 to 2) and import from export."""
    size = abs(value)
    if size > 2:
        raise InvalidValueError("out_of_range", number=str(value))
    power_factor = 2 - size if size > 1 else size
    return power_factor if value >= 0 else -power_factor


CONVERSIONS: Final[dict[str, Callable[[float], float]]] = {
    "four_quadrant_power_factor": _four_quadrant_power_factor
}
"""What makes a number of a number where a factor doesn't. Raises InvalidValueError."""
