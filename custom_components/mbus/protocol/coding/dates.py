"""Points in time in the data of a record (EN 13757-3, data types F, G, I and J).

All are the meter's local time without a zone. A pattern such as "1 January of every year" is
a recurring date and no value.
"""

from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Final

from ..problems import NO_DATA, NOT_AVAILABLE
from .values import EncodeError, InvalidValueError, Limits, Value, spelt

_INVALID: Final = 0x80

# What stands for every year, month, day, hour, minute, second.
_EVERY_YEAR: Final = 127
_EVERY_MONTH: Final = 15
_MONTHS: Final = (*range(1, 13), _EVERY_MONTH)
_EVERY_DAY: Final = 0
_EVERY_OF_CLOCK: Final = (31, 63, 63)
_ENDS_OF_CLOCK: Final = (24, 60, 60)
_STAR: Final = "*"

# Two digits of a year: 0 to 80 belong to this century, 81 to 99 to the last one.
_FIRST_YEAR: Final = 1981
_LAST_YEAR: Final = 2080


@dataclass(frozen=True, slots=True, kw_only=True)
class Date:
    """Type G: two bytes."""

    limits: Limits | None = None

    def decode(self, data: bytes) -> date:
        """Read a date."""
        day, month, year = _day_month_year(data[0], data[1])
        try:
            return date(year, month, day)
        except ValueError:
            if data == b"\xff\xff":
                raise InvalidValueError(NOT_AVAILABLE) from None
            raise _no_moment(_date_parts(day, month, year)) from None

    def encode(self, value: Value) -> bytes:
        """Write a date."""
        if isinstance(value, datetime) or not isinstance(value, date):
            raise EncodeError("no_date", value=spelt(value))
        return _encode_date(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeOfDay:
    """Type J: three bytes."""

    limits: Limits | None = None

    def decode(self, data: bytes) -> time:
        """Read a time of day."""
        hour, minute, second = data[2] & 0x1F, data[1] & 0x3F, data[0] & 0x3F
        try:
            return time(hour, minute, second)
        except ValueError:
            if data == b"\xff\xff\xff":
                raise InvalidValueError(NOT_AVAILABLE) from None
            raise _no_moment(_clock_parts(hour, minute, second)) from None

    def encode(self, value: Value) -> bytes:
        """Write a time of day, without parts of a second."""
        if not isinstance(value, time) or value.tzinfo:
            raise EncodeError("no_time_of_day", value=spelt(value))
        return bytes((value.second, value.minute, value.hour))


@dataclass(frozen=True, slots=True, kw_only=True)
class DateTime:
    """Type F: four bytes, without seconds."""

    limits: Limits | None = None

    def decode(self, data: bytes) -> datetime:
        """Read date and time."""
        if data[0] & _INVALID:
            raise InvalidValueError("invalid_time")
        hour, minute = data[1] & 0x1F, data[0] & 0x3F
        day, month, year = _day_month_year(data[2], data[3], data[1] >> 5 & 0x03)
        try:
            return datetime(year, month, day, hour, minute)
        except ValueError:
            raise _no_moment(
                _date_parts(day, month, year), _clock_parts(hour, minute)
            ) from None

    def encode(self, value: Value) -> bytes:
        """Write date and time, without seconds."""
        if not isinstance(value, datetime) or value.tzinfo:
            raise EncodeError("no_date_and_time", value=spelt(value))
        return bytes((value.minute, value.hour)) + _encode_date(value)

    @staticmethod
    def is_summer_time(data: bytes) -> bool:
        """Say whether the meter counts in summer time."""
        return bool(data[1] & 0x80)


@dataclass(frozen=True, slots=True, kw_only=True)
class DateTimeSeconds:
    """Type I: six bytes, with seconds."""

    limits: Limits | None = None

    def decode(self, data: bytes) -> datetime:
        """Read date and time."""
        if data[1] & _INVALID:
            raise InvalidValueError("invalid_time")
        hour, minute, second = data[2] & 0x1F, data[1] & 0x3F, data[0] & 0x3F
        day, month, year = _day_month_year(data[3], data[4])
        try:
            return datetime(year, month, day, hour, minute, second)
        except ValueError:
            # Here, unlike in the other types, 0 and 127 stand for "not given".
            if not (day and month and year):
                raise InvalidValueError(NO_DATA) from None
            raise _no_moment(
                _date_parts(day, month, year), _clock_parts(hour, minute, second)
            ) from None

    def encode(self, value: Value) -> bytes:
        """Write date and time, with neither day of week nor week nor parts of a second."""
        if not isinstance(value, datetime) or value.tzinfo:
            raise EncodeError("no_date_and_time", value=spelt(value))
        clock = bytes((value.second, value.minute, value.hour))
        return clock + _encode_date(value) + b"\x00"

    @staticmethod
    def is_summer_time(data: bytes) -> bool:
        """Say whether the meter counts in summer time."""
        return bool(data[0] & 0x40)


def _day_month_year(low: int, high: int, hundreds: int = 0) -> tuple[int, int, int]:
    """Take apart the two bytes of a date. Year 0 is every year, a negative one can't be."""
    year = low >> 5 | (high & 0xF0) >> 1
    if year <= _LAST_YEAR - 2000 and not hundreds:
        year += 2000
    elif year <= 99:
        year += 1900 + 100 * hundreds
    else:
        year = 0 if year == _EVERY_YEAR else -year
    return low & 0x1F, high & 0x0F, year


def _encode_date(value: date) -> bytes:
    if not _FIRST_YEAR <= value.year <= _LAST_YEAR:
        raise EncodeError(
            "not_within",
            value=str(value.year),
            minimum=str(_FIRST_YEAR),
            maximum=str(_LAST_YEAR),
        )
    year = value.year % 100
    return bytes((value.day | (year & 0x07) << 5, value.month | (year & 0x78) << 1))


def _date_parts(day: int, month: int, year: int) -> tuple[str, bool]:
    """Write a date with stars for what recurs, and say whether all else in it can be. Raises InvalidValueError."""
    if not day and not month:
        raise InvalidValueError(NO_DATA)
    written = (
        f"{abs(year)}" if year else _STAR,
        _STAR if month == _EVERY_MONTH else f"{month:02}",
        _STAR if day == _EVERY_DAY else f"{day:02}",
    )
    return "-".join(written), year >= 0 and month in _MONTHS


def _clock_parts(*clock: int) -> tuple[str, bool]:
    """Write a time of day with stars for what recurs, and say whether all else in it can be."""
    parts = [*zip(clock, _EVERY_OF_CLOCK, _ENDS_OF_CLOCK, strict=False)]
    text = ":".join(
        _STAR if part == every else f"{part:02}" for part, every, _ in parts
    )
    return text, all(part < end or part == every for part, every, end in parts)


def _no_moment(*written: tuple[str, bool]) -> InvalidValueError:
    """Tell a recurring point in time from one that can't be."""
    time = " ".join(text for text, _ in written)
    recurs = _STAR in time and all(possible for _, possible in written)
    return InvalidValueError("recurring_time" if recurs else "no_such_time", time=time)
