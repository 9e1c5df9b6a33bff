"""How Home Assistant shows a binding: what follows from its record, and what a person set instead."""

from contextlib import suppress
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from functools import lru_cache
from math import isfinite
from typing import Any, Final

from homeassistant.components.sensor import (
    DEVICE_CLASS_STATE_CLASSES,
    SensorDeviceClass,
    SensorEntityDescription,
    SensorStateClass,
)
from homeassistant.components.sensor.const import (
    DEVICE_CLASS_UNITS,
    NON_NUMERIC_DEVICE_CLASSES,
    STATE_CLASS_UNITS,
    UNIT_CONVERTERS,
)
from homeassistant.util import dt as dt_util

from .binding import Binding, Presentation
from .const import METER_CLOCK_SUMMER
from .protocol import (
    SECRET_QUANTITIES,
    Function,
    Record,
    Signature,
    convert_unit,
    dimension,
    limits,
)
from .protocol.vif import (
    FIRST_EXTENSION,
    PLAIN_TEXT,
    PRIMARY,
    SECOND_EXTENSION,
    SECOND_LEVEL,
    DataType,
)
from .protocol.vife import COMBINABLE, EXTENDED
from .quantities import (
    BY_DIMENSION,
    COUNT,
    COUNTER,
    HEAT_MEDIA,
    NUMBER,
    PLAIN,
    TABLE,
    TOTAL,
    VOLUME_CLASSES,
    Row,
)

type NativeValue = int | float | Decimal | str | date | datetime | None

HIDDEN: Final = "••••"
"""What is shown of a password."""

_LONGEST_STATE: Final = 255
_CUT: Final = "…"

_UNITS_IN_ITS_PLACE: Final = {"J/h": "W"}
"""Units unknown to Home Assistant, and those it knows for the same."""

_ONE_WAY: Final = frozenset(
    {
        "import", "export", "absolute", "uncorrected", "base_conditions", "secondary_sensor", "high_resolution",
        "phase_1", "phase_2", "phase_3", "neutral", "quadrant_1", "quadrant_2", "quadrant_3", "quadrant_4",
        "standard_conform", "counter_1", "counter_2",
    }
)  # fmt: skip
"""Modifiers under which a register still only counts up."""
_BOTH_WAYS: Final = ("import_export_difference", "manufacturer")
"""Beginnings of modifiers under which a register may go back, or nobody but the manufacturer knows."""
_FIXED: Final = frozenset({"lower_limit", "upper_limit", "future"})
"""Modifiers of what is set and not measured."""
_COUNTS: Final = frozenset({"lower_limit_exceed_count", "upper_limit_exceed_count"})

_TIME_POINT_TYPES: Final = frozenset({DataType.DATE, DataType.TIME_POINT})
_TIME_POINTS: Final = frozenset(
    row.quantity
    for table in (PRIMARY, FIRST_EXTENSION, SECOND_EXTENSION, SECOND_LEVEL)
    for row in table.values()
    if row.data_type in _TIME_POINT_TYPES
) | frozenset(
    row.modifier
    for table in (COMBINABLE, EXTENDED)
    for row in table.values()
    if row.replacement and row.replacement.data_type in _TIME_POINT_TYPES
)
"""Quantities and modifiers whose values are points in time."""
_TIME_POINT_CLASSES: Final = {
    2: SensorDeviceClass.DATE,
    4: SensorDeviceClass.TIMESTAMP,
    6: SensorDeviceClass.TIMESTAMP,
}
"""What a point in time is, by the data field of the DIF."""
_LVAR: Final = 0xD
"""The data field of data of variable length."""


def sensor_description(binding: Binding, medium: int | None) -> SensorEntityDescription:
    """Return how a binding's record is shown on a meter for this medium (device type code).

    What a person set in the binding's presentation goes before what follows from the record.
    """
    return _described(
        binding.signature,
        binding.unit,
        binding.header,
        binding.presentation,
        bool(binding.transformations),
        medium,
    )


@lru_cache(maxsize=4096)
def _described(
    signature: Signature | None,
    record_unit: str | None,
    header: bytes,
    presentation: Presentation,
    transformed: bool,
    medium: int | None,
) -> SensorEntityDescription:
    """Return what follows from a record; with a transformation, the unit set is that of its result."""
    unit = _native_unit(record_unit)
    if signature and signature.quantity == PLAIN_TEXT and _data_field(header) == _LVAR:
        unit = None  # A text, which the plain text VIF names.
    if transformed and presentation.unit:
        unit = presentation.unit
    row = _row(signature, unit)
    device_class = _device_class(row, signature, header, unit, medium)
    state_class = _state_class(row, signature)
    shown_in, precision = _shown(row, unit, medium)
    if presentation.unit:
        unit = shown_in = presentation.unit
    if not transformed:
        precision = _precision(precision, header, record_unit, shown_in or unit)

    if presentation.device_class:
        device_class = SensorDeviceClass(presentation.device_class)
    if presentation.state_class:
        state_class = SensorStateClass(presentation.state_class)
    if presentation.precision is not None:
        precision = presentation.precision

    # Home Assistant refuses or complains about what doesn't go together.
    if device_class in NON_NUMERIC_DEVICE_CLASSES:
        unit = shown_in = state_class = precision = None
    elif device_class and unit not in DEVICE_CLASS_UNITS.get(device_class, {unit}):
        device_class = None
    if state_class and (
        (device_class and state_class not in DEVICE_CLASS_STATE_CLASSES[device_class])
        or unit not in STATE_CLASS_UNITS.get(state_class, {unit})
    ):
        state_class = None
    if not _converts(device_class, unit, shown_in):
        shown_in = None
    return SensorEntityDescription(
        key=signature.quantity if signature else "unread_record",
        device_class=device_class,
        entity_category=row.category,
        native_unit_of_measurement=unit,
        state_class=state_class,
        suggested_display_precision=precision,
        suggested_unit_of_measurement=shown_in,
    )


def _data_field(header: bytes) -> int:
    return header[0] & 0x0F if header else 0


def _native_unit(unit: str | None) -> str | None:
    return _UNITS_IN_ITS_PLACE.get(unit, unit) if unit else unit


def _row(signature: Signature | None, unit: str | None) -> Row:
    """Return the row of a quantity or, where the unit is not one of its, of the unit alone."""
    if signature:
        if _COUNTS.intersection(signature.modifiers):
            return COUNT
        row = TABLE[signature.quantity]
        if row.takes(unit):
            return row
    row = BY_DIMENSION.get(dimension(unit), PLAIN)
    return row if row.takes(unit) else NUMBER if unit else PLAIN


def _device_class(
    row: Row,
    signature: Signature | None,
    header: bytes,
    unit: str | None,
    medium: int | None,
) -> SensorDeviceClass | None:
    if (
        signature
        and unit is None
        and not _TIME_POINTS.isdisjoint((signature.quantity, *signature.modifiers))
    ):
        return _TIME_POINT_CLASSES.get(_data_field(header))
    if row.device_class is SensorDeviceClass.VOLUME:
        for media, device_class in VOLUME_CLASSES:
            if medium in media and unit in DEVICE_CLASS_UNITS[device_class]:
                return device_class
    return row.device_class


def _state_class(row: Row, signature: Signature | None) -> SensorStateClass | None:
    """Return the state class of a row, unless the value is not a present one or the register may go back."""
    if (
        signature is None
        or signature.storage_number
        or signature.function is Function.ERROR
        or not _FIXED.isdisjoint(signature.modifiers)
    ):
        return None
    if row.state_class is not COUNTER:
        return row.state_class
    if signature.function is not Function.INSTANTANEOUS:
        return None
    others = set(signature.modifiers) - _ONE_WAY - _COUNTS
    if not others:
        return COUNTER
    return TOTAL if all(name.startswith(_BOTH_WAYS) for name in others) else None


def _shown(
    row: Row, unit: str | None, medium: int | None
) -> tuple[str | None, int | None]:
    """Return the unit people are used to, and how many decimals to show in it."""
    if row.device_class is SensorDeviceClass.POWER and medium in HEAT_MEDIA:
        return "kW", 3
    return dict(row.shown_in).get(unit or ""), row.precision


def _precision(
    most: int | None, header: bytes, unit: str | None, shown_in: str | None
) -> int | None:
    """Return how many decimals the meter's own resolution has in the unit shown, at most those of the table."""
    try:
        numbers = limits(header)
        if most is None or numbers is None or numbers.step is None:
            return most
        steps = [0, numbers.step]
        if unit and shown_in:
            steps = [convert_unit(value, unit, shown_in) for value in steps]
    except ValueError:
        return most
    zero, one = (Decimal(str(value)) for value in steps)
    exponent = (one - zero).normalize().as_tuple().exponent
    return min(most, max(0, -int(exponent)))


def _converts(
    device_class: SensorDeviceClass | None, unit: str | None, to_unit: str | None
) -> bool:
    converter = UNIT_CONVERTERS.get(device_class)
    return converter is not None and {unit, to_unit} <= converter.VALID_UNITS


def native_value(binding: Binding, value: Any) -> NativeValue:
    """Return a binding's value as its sensor takes it, in the unit of its description.

    None for what the description rules out, such as a text where a number is to be.
    """
    if value is None:
        return None
    if binding.signature and binding.signature.quantity in SECRET_QUANTITIES:
        return HIDDEN
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


def _in_native_unit(binding: Binding, value: float | Decimal) -> float | Decimal:
    """Convert to a unit Home Assistant knows and, unless that is what a transformation results in, to the one set."""
    unit, wanted = _native_unit(binding.unit), binding.presentation.unit
    if unit is None or (binding.transformations and wanted):
        return value
    if binding.unit and unit != binding.unit:
        value = convert_unit(value, binding.unit, unit)
    if wanted and wanted != unit:
        device_class = _row(binding.signature, unit).device_class
        if _converts(device_class, unit, wanted):
            return UNIT_CONVERTERS[device_class].convert(float(value), unit, wanted)
        with suppress(ValueError):
            return convert_unit(value, unit, wanted)
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
        return HIDDEN
    if not isinstance(value, int | float | Decimal):
        return value.isoformat(" ") if isinstance(value, datetime) else _text(value)
    description = _described(
        record.signature, unit, record.header, Presentation(), False, medium
    )
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
