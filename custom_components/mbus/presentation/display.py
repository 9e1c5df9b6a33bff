"""How a binding is shown, worked out once for as long as it stays as it is."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, Final

from homeassistant.components.sensor import (
    SensorDeviceClass,
    SensorEntityDescription,
    SensorStateClass,
)
from homeassistant.components.sensor.const import UNIT_CONVERTERS

from ..meters.binding import Binding
from ..meters.transformation import is_number
from ..protocol import SECRET_QUANTITIES, Number, convert_unit
from .clean_text import clean_text
from .description import (
    converts,
    native_unit,
    own_description,
    read_description,
    sensor_description,
    transformed_result,
)

_MAY_GO_BACK: Final = frozenset({SensorStateClass.TOTAL, SensorStateClass.MEASUREMENT})

type NativeValue = int | float | Decimal | str | date | datetime | None

HIDDEN: Final = "••••"
_LONGEST_STATE: Final = 255
_CUT: Final = "…"

type Conversion = Callable[[Number], float | Decimal | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Display:
    """How a binding is shown.

    `convert` brings what comes out of its chain into the unit of `description`; None where that can't be: a number
    under the wrong unit would be a wrong one. `is_rising`: its record is a total that doesn't go back, whatever the
    chain makes of it.
    """

    description: SensorEntityDescription
    is_secret: bool
    is_numeric: bool
    is_rising: bool
    convert: Conversion


def display_of(binding: Binding, medium: int | None) -> Display:
    """Return how a binding is shown on a meter for this medium (device type code)."""
    description = sensor_description(binding, medium)
    native = description.native_unit_of_measurement
    shown_in = description.suggested_unit_of_measurement or native
    is_numeric = description.device_class not in (
        SensorDeviceClass.DATE,
        SensorDeviceClass.TIMESTAMP,
    ) and (
        description.device_class,
        description.native_unit_of_measurement,
        description.state_class,
        description.suggested_display_precision,
    ) != (None, None, None, None)
    unit = shown_in and clean_text(shown_in)
    if unit != native or description.suggested_unit_of_measurement:
        # Home Assistant keeps a suggested unit for good; one that is native can change with the binding.
        description = replace(
            description,
            native_unit_of_measurement=unit,
            suggested_unit_of_measurement=None,
        )
    return Display(
        description=description,
        is_secret=binding.signature is not None
        and binding.signature.quantity in SECRET_QUANTITIES,
        is_numeric=is_numeric,
        is_rising=_is_rising(binding, medium),
        convert=_conversion(binding, medium, shown_in),
    )


def _conversion(
    binding: Binding, medium: int | None, shown_in: str | None
) -> Conversion:
    """Return the way from what the chain gives to the unit that is shown; where the chain's is unknown, that names it."""
    result = transformed_result(binding, medium)
    unit = native_unit(result.unit)
    if (
        unit is None
        or shown_in is None
        or (binding.presentation.unit and not result.certain)
    ):
        return _as_it_is
    if unit == shown_in == result.unit:
        return _as_it_is
    try:
        convert_unit(0, str(result.unit), shown_in)
    except ValueError:
        pass
    else:
        return lambda value: convert_unit(value, str(result.unit), shown_in)
    device_class = own_description(binding, medium).device_class
    if converts(device_class, unit, shown_in):
        convert = UNIT_CONVERTERS[device_class].converter_factory(unit, shown_in)
        return lambda value: convert(float(value))
    return _nothing


def _as_it_is(value: Number) -> Number:
    return value


def _nothing(value: Number) -> None:
    return None


def _is_rising(binding: Binding, medium: int | None) -> bool:
    """Return whether the record is a total that doesn't go back, by its meaning and as far as a person knows."""
    # That of a chain which may fall is none that a person gave the record.
    follows = transformed_result(binding, medium).state_class
    if (
        binding.presentation.state_class in _MAY_GO_BACK
        and follows is SensorStateClass.TOTAL_INCREASING
    ):
        return False
    own = read_description(binding, medium)
    return own.state_class is SensorStateClass.TOTAL_INCREASING


def native_value(display: Display, value: Any) -> NativeValue:
    """Return a binding's value as its sensor takes it, in the unit of its description.

    None for what the description rules out, such as a text where a number is to be.
    """
    if value is None:
        return None
    if display.is_secret:
        return HIDDEN
    if display.description.device_class is SensorDeviceClass.TIMESTAMP:
        return value if isinstance(value, datetime) else None
    if display.description.device_class is SensorDeviceClass.DATE:
        return value.date() if isinstance(value, datetime) else _only(date, value)
    if is_number(value):
        return display.convert(value)
    return None if display.is_numeric else value_text(value)


def _only[T](kind: type[T], value: Any) -> T | None:
    return value if isinstance(value, kind) else None


def value_text(value: Any) -> str:
    """Return a text that fits into a state, and is only that."""
    match value:
        case bytes():
            text = value.hex().upper()
        case date() | time():
            text = value.isoformat()
        case _:
            text = clean_text(str(value))
    return text if len(text) <= _LONGEST_STATE else text[: _LONGEST_STATE - 1] + _CUT
