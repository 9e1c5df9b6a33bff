"""How a binding is shown, worked out once for as long as it stays as it is."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

from homeassistant.components.sensor import (
    SensorDeviceClass,
    SensorEntityDescription,
    SensorStateClass,
)
from homeassistant.components.sensor.const import UNIT_CONVERTERS

from ..meters.binding import Binding, Presentation
from ..meters.transformation import Number
from ..protocol import SECRET_QUANTITIES, convert_unit
from .description import converts, native_unit, sensor_description, transformed_result

_MAY_GO_BACK: Final = frozenset({SensorStateClass.TOTAL, SensorStateClass.MEASUREMENT})

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

    @property
    def shown_unit(self) -> str | None:
        """Return the unit in which the sensor is shown at first."""
        return (
            self.description.suggested_unit_of_measurement
            or self.description.native_unit_of_measurement
        )


def display_of(binding: Binding, medium: int | None) -> Display:
    """Return how a binding is shown on a meter for this medium (device type code)."""
    description = sensor_description(binding, medium)
    is_numeric = description.device_class not in (
        SensorDeviceClass.DATE,
        SensorDeviceClass.TIMESTAMP,
    ) and (
        description.device_class,
        description.native_unit_of_measurement,
        description.state_class,
        description.suggested_display_precision,
    ) != (None, None, None, None)
    return Display(
        description=description,
        is_secret=binding.signature is not None
        and binding.signature.quantity in SECRET_QUANTITIES,
        is_numeric=is_numeric,
        is_rising=_is_rising(binding, medium),
        convert=_conversion(binding, medium),
    )


def _conversion(binding: Binding, medium: int | None) -> Conversion:
    """Return the way to a unit Home Assistant knows, and to the one set; where a chain's unit is unknown, that one names it."""
    own = sensor_description(replace(binding, presentation=Presentation()), medium)
    result = transformed_result(binding, own)
    wanted = binding.presentation.unit
    if wanted and not result.certain:
        return _as_it_is
    unit = native_unit(result.unit)

    def to_native(value: Number) -> float | Decimal:
        if result.unit and unit and unit != result.unit:
            return convert_unit(value, result.unit, unit)
        return value

    if not (unit and wanted and wanted != unit):
        return to_native
    if converts(own.device_class, unit, wanted):
        convert = UNIT_CONVERTERS[own.device_class].converter_factory(unit, wanted)
        return lambda value: convert(float(to_native(value)))
    try:
        convert_unit(0, unit, wanted)
    except ValueError:
        return _nothing
    return lambda value: convert_unit(to_native(value), unit, wanted)


def _as_it_is(value: Number) -> Number:
    return value


def _nothing(value: Number) -> None:
    return None


def _is_rising(binding: Binding, medium: int | None) -> bool:
    """Return whether the record is a total that doesn't go back, by its meaning and as far as a person knows."""
    if binding.presentation.state_class in _MAY_GO_BACK and not binding.transformations:
        return False
    record = replace(binding, transformations=(), presentation=Presentation())
    description = sensor_description(record, medium)
    return description.state_class is SensorStateClass.TOTAL_INCREASING
