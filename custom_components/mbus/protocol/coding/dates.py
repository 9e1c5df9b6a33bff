"""Points in time in the data of a record (EN 13757-3, data types F, G, I and J).

All are the meter's local time without a zone. A pattern such as "every year on 01-01" is a
recurring date and no value.
"""

from datetime import date, datetime, time
from typing import Final

from .values import (
    NO_DATA,
    NOT_AVAILABLE,
    EncodeError,
    InvalidValueError,
    Limits,
    Value,
)

_INVALID: Final = 0x80
_INVALID_TIME: Final = "the meter says that its time is invalid"

_EVERY_YEAR: Final = 127
_EVERY_MONTH: Final = 15
_EVERY_DAY: Final = 0
_EVERY_HOUR: Final = 31
_EVERY_MINUTE: Final = 63
_EVERY_SECOND: Final = 63

# Two digits of a year: 0 to 80 belong to this century, 81 to 99 to the last one.
_FIRST_YEAR: Final = 1981
_LAST_YEAR: Final = 2080


class Date:
    """Type G: two bytes."""

    limits: Limits | None = None

    def decode(self, data: bytes) -> date:
        """Read a date."""
        day, month, year = _day_month_year(data[0], data[1])
        try:
            return date(year, month, day)
        except ValueError:
            available = data != b"\xff\xff"
            raise InvalidValueError(
                _why_no_date(day, month, year) if available else NOT_AVAILABLE
            ) from None

    def encode(self, value: Value) -> bytes:
        """Write a date."""
        if isinstance(value, datetime) or not isinstance(value, date):
            raise EncodeError(f"{value!r} is not a date")
        return _encode_date(value)


class TimeOfDay:
    """Type J: three bytes."""

    limits: Limits | None = None

    def decode(self, data: bytes) -> time:
        """Read a time of day."""
        hour, minute, second = data[2] & 0x1F, data[1] & 0x3F, data[0] & 0x3F
        try:
            return time(hour, minute, second)
        except ValueError:
            available = data != b"\xff\xff\xff"
            raise InvalidValueError(
                _why_no_time(hour, minute, second) if available else NOT_AVAILABLE
            ) from None

    def encode(self, value: Value) -> bytes:
        """Write a time of day, without parts of a second."""
        if not isinstance(value, time):
            raise EncodeError(f"{value!r} is not a time of day")
        return bytes((value.second, value.minute, value.hour))


class DateTime:
    """Type F: four bytes, without seconds."""

    limits: Limits | None = None

    def decode(self, data: bytes) -> datetime:
        """Read date and time."""
        if data[0] & _INVALID:
            raise InvalidValueError(_INVALID_TIME)
        hour, minute = data[1] & 0x1F, data[0] & 0x3F
        day, month, year = _day_month_year(data[2], data[3], data[1] >> 5 & 0x03)
        try:
            return datetime(year, month, day, hour, minute)
        except ValueError:
            raise InvalidValueError(
                _why_no_date_time(day, month, year, hour, minute)
            ) from None

    def encode(self, value: Value) -> bytes:
        """Write date and time, without seconds."""
        if not isinstance(value, datetime):
            raise EncodeError(f"{value!r} is no date and time")
        return bytes((value.minute, value.hour)) + _encode_date(value)

    @staticmethod
    def is_summer_time(data: bytes) -> bool:
        """Say whether the meter counts in summer time."""
        return bool(data[1] & 0x80)


class DateTimeSeconds:
    """Type I: six bytes, with seconds."""

    limits: Limits | None = None

    def decode(self, data: bytes) -> datetime:
        """Read date and time."""
        if data[1] & _INVALID:
            raise InvalidValueError(_INVALID_TIME)
        hour, minute, second = data[2] & 0x1F, data[1] & 0x3F, data[0] & 0x3F
        day, month, year = _day_month_year(data[3], data[4])
        try:
            return datetime(year, month, day, hour, minute, second)
        except ValueError:
            # Here, unlike in the other types, 0 and 127 stand for "not given".
            given = day and month and year
            raise InvalidValueError(
                _why_no_date_time(day, month, year, hour, minute, second)
                if given
                else NO_DATA
            ) from None

    def encode(self, value: Value) -> bytes:
        """Write date and time, with neither day of week nor week nor parts of a second."""
        if not isinstance(value, datetime):
            raise EncodeError(f"{value!r} is no date and time")
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
        raise EncodeError(f"{value.year} is not within {_FIRST_YEAR} to {_LAST_YEAR}")
    year = value.year % 100
    return bytes((value.day | (year & 0x07) << 5, value.month | (year & 0x78) << 1))


def _why_no_date(day: int, month: int, year: int) -> str:
    if not day and not month:
        return NO_DATA
    if year < 0:
        return f"not a date: year {-year}"
    return _every_date(day, month, year) or f"not a date: {year}-{month:02}-{day:02}"


def _why_no_time(hour: int, minute: int, second: int = 0) -> str:
    return (
        _every_time(hour, minute, second)
        or f"not a time: {hour:02}:{minute:02}:{second:02}"
    )


def _why_no_date_time(
    day: int, month: int, year: int, hour: int, minute: int, second: int = 0
) -> str:
    try:
        at = f"at {time(hour, minute, second):%H:%M}"
    except ValueError:
        at = _why_no_time(hour, minute, second)
    try:
        return f"{at} on {date(year, month, day)}"
    except ValueError:
        why = _why_no_date(day, month, year)
    return f"{why} {at}" if why.startswith("every") else why


def _every_date(day: int, month: int, year: int) -> str | None:
    """Name a recurring date; None for one that just can't be."""
    if not 1 <= month <= 12 and month != _EVERY_MONTH:
        return None
    in_year = f" of {year}" if year else ""
    if day == _EVERY_DAY:
        in_month = "" if month == _EVERY_MONTH else f" of month {month:02}"
        return f"every day{in_month}{in_year}"
    if month == _EVERY_MONTH:
        return f"every month on day {day:02}{in_year}"
    return None if year else f"every year on {month:02}-{day:02}"


def _every_time(hour: int, minute: int, second: int) -> str | None:
    """Name a recurring time of day; None for one that just can't be."""
    if second == _EVERY_SECOND:
        return "every second"
    if minute == _EVERY_MINUTE:
        return "every minute"
    return f"every hour at minute {minute:02}" if hour == _EVERY_HOUR else None
