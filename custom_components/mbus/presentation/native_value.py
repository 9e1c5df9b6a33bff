"""Values as Home Assistant takes them: in the unit and of the type that the description says, dates with a time zone."""

from dataclasses import replace
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from math import isfinite
from typing import Any, Final

from homeassistant.components.sensor import SensorDeviceClass
from homeassistant.components.sensor.const import UNIT_CONVERTERS
from homeassistant.util import dt as dt_util

from ..const import METER_CLOCK_SUMMER
from ..meters.binding import Binding, Presentation
from ..protocol import SECRET_QUANTITIES, Record, convert_unit
from .description import (
    converts,
    native_unit,
    record_description,
    sensor_description,
    transformed_result,
)

type NativeValue = int | float | Decimal | str | date | datetime | None

_HIDDEN: Final = "••••"
_LONGEST_STATE: Final = 255
_CUT: Final = "…"


def native_value(binding: Binding, value: Any) -> NativeValue:
    """Return a binding's value as its sensor takes it, in the unit of its description.

    None for what the description rules out, such as a text where a number is to be.
    """
    if value is None:
        return None
    if binding.signature and binding.signature.quantity in SECRET_QUANTITIES:
        return _HIDDEN
    description = sensor_description(binding, None)
    device_class = description.device_class
    if device_class is SensorDeviceClass.TIMESTAMP:
        return value if isinstance(value, datetime) else None
    if device_class is SensorDeviceClass.DATE:
        return value.date() if isinstance(value, datetime) else _only(date, value)
    if isinstance(value, int | float | Decimal):
        return _in_native_unit(binding, value) if isfinite(value) else None
    numeric = (
        device_class,
        description.native_unit_of_measurement,
        description.state_class,
        description.suggested_display_precision,
    )
    return _text(value) if numeric == (None,) * 4 else None


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


def _in_native_unit(binding: Binding, value: float | Decimal) -> float | Decimal | None:
    """Convert to a unit Home Assistant knows, and to the one set; where a chain's unit is unknown, that one names it.

    None where the unit set can't be had: a number under the wrong unit would be a wrong one.
    """
    own = sensor_description(replace(binding, presentation=Presentation()), None)
    result = transformed_result(binding, own)
    wanted = binding.presentation.unit
    if wanted and not result.certain:
        return value
    unit = native_unit(result.unit)
    if result.unit and unit and unit != result.unit:
        value = convert_unit(value, result.unit, unit)
    if unit and wanted and wanted != unit:
        if converts(own.device_class, unit, wanted):
            converter = UNIT_CONVERTERS[own.device_class]
            return converter.convert(float(value), unit, wanted)
        try:
            return convert_unit(value, unit, wanted)
        except ValueError:
            return None
    return value


def _text(value: Any) -> str:
    """Return a text that fits into a state."""
    match value:
        case bytes():
            text = value.hex().upper()
        case date() | time():
            text = value.isoformat()
        case _:
            text = str(value)
    return text if len(text) <= _LONGEST_STATE else text[: _LONGEST_STATE - 1] + _CUT


def value_text(record: Record, medium: int | None) -> str:
    """Return a record's valid value for a person to read, in the unit it is shown in at first."""
    value, unit = record.value, record.unit
    if record.quantity in SECRET_QUANTITIES:
        return _HIDDEN
    if not isinstance(value, int | float | Decimal):
        return value.isoformat(" ") if isinstance(value, datetime) else _text(value)
    description = record_description(record.signature, unit, record.header, medium)
    shown_in = (
        description.suggested_unit_of_measurement
        or description.native_unit_of_measurement
    )
    if unit and shown_in:
        value = convert_unit(value, unit, shown_in)
    if description.state_class is None and shown_in is None:
        return str(value)
    text = f"{value:,.15g}" if isinstance(value, float) else f"{value:,}"
    return f"{text} {shown_in}" if shown_in else text
