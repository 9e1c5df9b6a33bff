"""Values as Home Assistant takes them: in the unit and of the type that the description says, dates with a time zone."""

from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any, Final

from homeassistant.components.sensor import SensorDeviceClass, SensorEntityDescription
from homeassistant.util import dt as dt_util

from ..const import METER_CLOCK_SUMMER
from ..meters.binding import Binding
from ..meters.guards import Guard
from ..meters.transformation import is_number
from ..profiles.interpretation import Interpretation
from ..protocol import (
    SECRET_QUANTITIES,
    EncodeError,
    Record,
    Value,
    convert_unit,
    limits,
)
from .clean_text import clean_text
from .description import record_description
from .display import Display

type NativeValue = int | float | Decimal | str | date | datetime | None

_HIDDEN: Final = "••••"
_LONGEST_STATE: Final = 255
_CUT: Final = "…"


def native_value(display: Display, value: Any) -> NativeValue:
    """Return a binding's value as its sensor takes it, in the unit of its description.

    None for what the description rules out, such as a text where a number is to be.
    """
    if value is None:
        return None
    if display.is_secret:
        return _HIDDEN
    if display.description.device_class is SensorDeviceClass.TIMESTAMP:
        return value if isinstance(value, datetime) else None
    if display.description.device_class is SensorDeviceClass.DATE:
        return value.date() if isinstance(value, datetime) else _only(date, value)
    if is_number(value):
        return display.convert(value)
    return None if display.is_numeric else _text(value)


def guard_of(binding: Binding, display: Display) -> Guard:
    """Return what the values of a binding have to be."""
    return Guard(
        sends_number=_sends_number(binding),
        rises=display.is_rising,
        can_show=lambda value: native_value(display, value) is not None,
    )


def _sends_number(binding: Binding) -> bool:
    """Return whether the record held a number when it was bound."""
    interpretation = binding.interpretation
    if interpretation and interpretation.sends_number is not None:
        return interpretation.sends_number
    if not binding.header:
        return False
    try:
        return limits(binding.header) is not None
    except EncodeError:
        return binding.unit is not None


def to_timestamp(value: datetime, meter_clock: str, summer_time: bool) -> datetime:
    """Return when a meter's clock shows this time, in the time zone of Home Assistant.

    A clock on standard time all year is that far from UTC as the zone is in winter. On one that follows summer time,
    the meter's summer-time bit only tells the two readings of the hour apart that comes twice (or never).
    """
    zone = dt_util.get_default_time_zone()
    if meter_clock == METER_CLOCK_SUMMER:
        readings = [value.replace(tzinfo=zone, fold=fold) for fold in (0, 1)]
        return (max if summer_time else min)(readings, key=_offset)
    offset = min(
        _offset(datetime(value.year, month, 1, tzinfo=zone)) for month in (1, 7)
    )
    return value.replace(tzinfo=timezone(offset))


def _offset(value: datetime) -> timedelta:
    return value.utcoffset() or timedelta()


def _only[T](kind: type[T], value: Any) -> T | None:
    return value if isinstance(value, kind) else None


def _text(value: Any) -> str:
    """Return a text that fits into a state, and is only that."""
    match value:
        case bytes():
            text = value.hex().upper()
        case date() | time():
            text = value.isoformat()
        case _:
            text = clean_text(str(value))
    return text if len(text) <= _LONGEST_STATE else text[: _LONGEST_STATE - 1] + _CUT


def value_text(
    record: Record,
    value: Value,
    medium: int | None,
    interpretation: Interpretation | None = None,
) -> str:
    """Return a record's valid value for a person to read, in the unit it is shown in at first."""
    if record.quantity in SECRET_QUANTITIES:
        return _HIDDEN
    description = record_description(
        record.signature, record.unit, record.header, medium, interpretation
    )
    unit = interpretation.unit if interpretation else record.unit
    return _described(value, unit, description)


def interpreted_text(
    value: Value, medium: int | None, interpretation: Interpretation
) -> str:
    """Return a value that has no record for a person to read."""
    description = record_description(
        interpretation.signature, None, b"", medium, interpretation
    )
    return _described(value, interpretation.unit, description)


def _described(
    value: Value, unit: str | None, description: SensorEntityDescription
) -> str:
    if not isinstance(value, int | float | Decimal):
        return value.isoformat(" ") if isinstance(value, datetime) else _text(value)
    shown_in = (
        description.suggested_unit_of_measurement
        or description.native_unit_of_measurement
    )
    if unit and shown_in and unit != shown_in:
        value = convert_unit(value, unit, shown_in)
    if description.state_class is None and shown_in is None:
        return str(value)
    text = f"{value:,.15g}" if isinstance(value, float) else f"{value:,}"
    return f"{text} {clean_text(shown_in)}" if shown_in else text
