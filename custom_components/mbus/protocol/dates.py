"""Points in time in the data of a record (EN 13757-3, data types F, G, I and J).

All are the meter's local time without a zone. A pattern such as "every year on 01-01" is a
recurring date and no value.
"""

from calendar import monthrange
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

_EVERY_YEAR: Final = 127
_EVERY_MONTH: Final = 15
_EVERY_DAY: Final = 0
_EVERY_HOUR: Final = 31
_EVERY_MINUTE: Final = 63
_EVERY_SECOND: Final = 63
_INVALID: Final = 0x80
_SUMMER_TIME_F: Final = 0x80
_SUMMER_TIME_I: Final = 0x40

# Two digits of a year: 0..80 belong to this century, 81..99 to the last one.
_FIRST_YEAR: Final = 1981
_LAST_YEAR: Final = 2080


class Date:
    """Type G: two bytes."""

    limits: Limits | None = None

    def decode(self, data: bytes) -> date:
        """Read a date."""
        if data == b"\xff\xff":
            raise InvalidValueError(NOT_AVAILABLE)
        return _date(*_day_month_year(data))

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
        if data == b"\xff\xff\xff":
            raise InvalidValueError(NOT_AVAILABLE)
        second, minute, hour = data[0] & 0x3F, data[1] & 0x3F, data[2] & 0x1F
        if every := _every_time(hour, minute, second):
            raise InvalidValueError(every)
        return _time(hour, minute, second)

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
            raise InvalidValueError("the meter says that the time is invalid")
        minute, hour = data[0] & 0x3F, data[1] & 0x1F
        day, month, year = _day_month_year(data[2:], hundreds=data[1] >> 5 & 0x03)
        return _date_time(day, month, year, hour, minute)

    def encode(self, value: Value) -> bytes:
        """Write date and time, without seconds."""
        if not isinstance(value, datetime):
            raise EncodeError(f"{value!r} is no date and time")
        return bytes((value.minute, value.hour)) + _encode_date(value)

    @staticmethod
    def is_summer_time(data: bytes) -> bool:
        """Say whether the meter counts in summer time."""
        return bool(data[1] & _SUMMER_TIME_F)


class DateTimeSeconds:
    """Type I: six bytes, with seconds."""

    limits: Limits | None = None

    def decode(self, data: bytes) -> datetime:
        """Read date and time."""
        if data[1] & _INVALID:
            raise InvalidValueError("the meter says that the time is invalid")
        second, minute, hour = data[0] & 0x3F, data[1] & 0x3F, data[2] & 0x1F
        day, month, year = _day_month_year(data[3:])
        if not day or not month or year is None:
            raise InvalidValueError("no date given")
        return _date_time(day, month, year, hour, minute, second)

    def encode(self, value: Value) -> bytes:
        """Write date and time, with neither day of week nor week nor parts of a second."""
        if not isinstance(value, datetime):
            raise EncodeError(f"{value!r} is no date and time")
        clock = bytes((value.second, value.minute, value.hour))
        return clock + _encode_date(value) + b"\x00"

    @staticmethod
    def is_summer_time(data: bytes) -> bool:
        """Say whether the meter counts in summer time."""
        return bool(data[0] & _SUMMER_TIME_I)


def _day_month_year(data: bytes, hundreds: int = 0) -> tuple[int, int, int | None]:
    """Take apart the two bytes of a date; no year stands for every one."""
    day, month = data[0] & 0x1F, data[1] & 0x0F
    year = data[0] >> 5 | (data[1] & 0xF0) >> 1
    if year == _EVERY_YEAR:
        return day, month, None
    if year > 99:
        raise InvalidValueError(f"not a date: year {year}")
    if hundreds == 0 and year <= _LAST_YEAR - 2000:
        hundreds = 1
    return day, month, 1900 + 100 * hundreds + year


def _date(day: int, month: int, year: int | None) -> date:
    if day == 0 and month == 0:
        raise InvalidValueError(NO_DATA)
    if every := _every_date(day, month, year):
        raise InvalidValueError(every)
    if year is None or not 1 <= month <= 12 or day > monthrange(year, month)[1]:
        raise InvalidValueError(f"not a date: {year}-{month:02}-{day:02}")
    return date(year, month, day)


def _time(hour: int, minute: int, second: int) -> time:
    if hour > 23 or minute > 59 or second > 59:
        raise InvalidValueError(f"not a time: {hour:02}:{minute:02}:{second:02}")
    return time(hour, minute, second)


def _date_time(
    day: int, month: int, year: int | None, hour: int, minute: int, second: int = 0
) -> datetime:
    every_time = _every_time(hour, minute, second)
    if every_date := _every_date(day, month, year):
        at = every_time or f"at {_time(hour, minute, second):%H:%M}"
        raise InvalidValueError(f"{every_date} {at}")
    on = _date(day, month, year)
    if every_time:
        raise InvalidValueError(f"{every_time} on {on}")
    return datetime.combine(on, _time(hour, minute, second))


def _every_date(day: int, month: int, year: int | None) -> str | None:
    """Name a recurring date; None for a single one."""
    if not 1 <= month <= 12 and month != _EVERY_MONTH:
        return None
    in_year = "" if year is None else f" of {year}"
    if day == _EVERY_DAY:
        in_month = "" if month == _EVERY_MONTH else f" of month {month:02}"
        return f"every day{in_month}{in_year}"
    if month == _EVERY_MONTH:
        return f"every month on day {day:02}{in_year}"
    return f"every year on {month:02}-{day:02}" if year is None else None


def _every_time(hour: int, minute: int, second: int) -> str | None:
    """Name a recurring time of day; None for a single one."""
    if second == _EVERY_SECOND:
        return "every second"
    if minute == _EVERY_MINUTE:
        return "every minute"
    return f"every hour at minute {minute:02}" if hour == _EVERY_HOUR else None


def _encode_date(value: date) -> bytes:
    if not _FIRST_YEAR <= value.year <= _LAST_YEAR:
        raise EncodeError(
            f"year {value.year} is not within {_FIRST_YEAR} to {_LAST_YEAR}"
        )
    year = value.year % 100
    return bytes((value.day | (year & 0x07) << 5, value.month | (year & 0x78) << 1))
