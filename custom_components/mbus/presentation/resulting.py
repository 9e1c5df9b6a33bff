"""What a chain of transformations makes of a value's unit, device class and state class."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
import math

from homeassistant.components.sensor import SensorDeviceClass, SensorStateClass
from homeassistant.components.sensor.const import DEVICE_CLASS_UNITS, UNIT_CONVERTERS

from ..meters.transformation import Step

_INTEGRALS = {
    ("W", "h"): "Wh",
    ("kW", "h"): "kWh",
    ("MW", "h"): "MWh",
    ("GW", "h"): "GWh",
    ("W", "s"): "J",
    ("kW", "s"): "kJ",
    ("MW", "s"): "MJ",
    ("GW", "s"): "GJ",
    ("var", "h"): "varh",
    ("kvar", "h"): "kvarh",
    ("VA", "h"): "VAh",
    ("kVA", "h"): "kVAh",
    ("A", "h"): "Ah",
    ("A", "s"): "As",
}
"""Units that have a name of their own for themselves times a time unit."""
_RATES = {(unit, time): rate for (rate, time), unit in _INTEGRALS.items()}

_CLASSES = (
    SensorDeviceClass.ENERGY,
    SensorDeviceClass.POWER,
    SensorDeviceClass.VOLUME,
    SensorDeviceClass.VOLUME_FLOW_RATE,
    SensorDeviceClass.WEIGHT,
    SensorDeviceClass.REACTIVE_ENERGY,
    SensorDeviceClass.REACTIVE_POWER,
    SensorDeviceClass.APPARENT_POWER,
    SensorDeviceClass.CURRENT,
)
"""What a quantity may become by integration or derivative, known by its unit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resulting:
    """How the output of a chain is to be shown; `certain` is False where the unit is only a proposal."""

    unit: str | None
    device_class: SensorDeviceClass | None
    state_class: SensorStateClass | None
    certain: bool = True


def resulting(
    unit: str | None,
    device_class: SensorDeviceClass | None,
    state_class: SensorStateClass | None,
    steps: Iterable[Step],
) -> Resulting:
    """Return what follows for the output of a chain from what its input is.

    A factor or a script makes the unit another one, which only a person knows: it is proposed where one of the device
    class fits.
    """
    result = Resulting(unit=unit, device_class=device_class, state_class=state_class)
    for step in steps:
        match step["type"]:
            case "scaling":
                result = _scaled(result, step["factor"], step["shift"])
            case "integration":
                result = _became(
                    result,
                    _integral(result.unit, step["time_unit"]),
                    SensorStateClass.TOTAL,
                )
            case "derivative":
                result = _became(
                    result,
                    _rate(result.unit, step["time_unit"]),
                    SensorStateClass.MEASUREMENT,
                )
            case "script":
                result = replace(result, certain=False)
        if can_fall(step):
            result = _as_total(result)
    return result


def can_fall(step: Step) -> bool:
    """Return whether the output of a step may be less than before though its input never is."""
    return step["type"] in ("damper", "default_value", "script") or (
        step["type"] == "scaling" and step["factor"] < 0
    )


def _as_total(result: Resulting) -> Resulting:
    """Return a total as one that may go back: else Home Assistant takes each fall for a meter that begins anew."""
    if result.state_class is SensorStateClass.TOTAL_INCREASING:
        return replace(result, state_class=SensorStateClass.TOTAL)
    return result


def _scaled(result: Resulting, factor: float, shift: float) -> Resulting:
    if factor == 1:
        return result
    if converter := UNIT_CONVERTERS.get(result.device_class):
        for unit in sorted(converter.VALID_UNITS - {result.unit}, key=str):
            if result.unit in converter.VALID_UNITS and all(
                math.isclose(
                    converter.convert(x, result.unit, unit), x * factor + shift
                )
                for x in (0, 1)
            ):
                return replace(result, unit=unit, certain=False)
    return replace(result, certain=False)


def _became(
    result: Resulting, unit: str | None, state_class: SensorStateClass
) -> Resulting:
    device_class = next(
        (known for known in _CLASSES if unit in DEVICE_CLASS_UNITS[known]), None
    )
    return Resulting(
        unit=unit,
        device_class=device_class,
        state_class=state_class,
        certain=result.certain,
    )


def _integral(unit: str | None, time: str) -> str | None:
    if unit is None or unit.endswith(f"/{time}"):
        return unit and unit.removesuffix(f"/{time}")
    return _INTEGRALS.get((unit, time), f"{unit}·{time}")


def _rate(unit: str | None, time: str) -> str:
    if unit is None:
        return f"1/{time}"
    if unit.endswith(f"·{time}"):
        return unit.removesuffix(f"·{time}")
    return _RATES.get((unit, time), f"{unit}/{time}")
