"""How a binding's entity is presented: the form's fields, and which of their combinations Home Assistant takes."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import takewhile
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
)
from homeassistant.const import Platform
from homeassistant.core import HomeAssistant
from homeassistant.helpers.selector import (
    DeviceClassSelector,
    DeviceClassSelectorConfig,
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
    StateClassSelector,
)
from homeassistant.helpers.translation import async_get_translations
import voluptuous as vol

from ..meters.binding import Binding
from ..meters.transformation import Step
from ..presentation.description import (
    converts,
    own_description,
    sensor_description,
    transformed_result,
)
from ..presentation.resulting import can_fall
from ..protocol import dimension
from .fields import number
from .flow_errors import FieldErrors

CONF_DEVICE_CLASS: Final = "device_class"
CONF_PRECISION: Final = "precision"
CONF_STATE_CLASS: Final = "state_class"
CONF_UNIT: Final = "unit"

PRESENTATION: Final = (CONF_DEVICE_CLASS, CONF_UNIT, CONF_STATE_CLASS, CONF_PRECISION)

_DEVICE_CLASS: Final = DeviceClassSelector(
    DeviceClassSelectorConfig(domain=Platform.SENSOR)
)
_STATE_CLASS: Final = StateClassSelector()


def presentation_fields(
    binding: Binding, medium: int | None
) -> Mapping[vol.Marker, Any]:
    """Return the fields; the units offered are those of the device class there is, others may be typed."""
    device_class = sensor_description(binding, medium).device_class
    units = DEVICE_CLASS_UNITS.get(device_class, set()) if device_class else set()
    options = sorted(str(unit) for unit in units if unit)
    return {
        vol.Optional(CONF_DEVICE_CLASS): _DEVICE_CLASS,
        vol.Optional(CONF_UNIT): SelectSelector(
            SelectSelectorConfig(
                options=options, custom_value=True, mode=SelectSelectorMode.DROPDOWN
            )
        ),
        vol.Optional(CONF_STATE_CLASS): _STATE_CLASS,
        vol.Optional(CONF_PRECISION): number(0, 15),
    }


def followed(binding: Binding, medium: int | None) -> dict[str, Any]:
    """Return the fields as they follow from the record and its steps, without what a person set."""
    shown = own_description(binding, medium)
    follows = {
        CONF_DEVICE_CLASS: shown.device_class,
        CONF_UNIT: shown.suggested_unit_of_measurement
        or shown.native_unit_of_measurement,
        CONF_STATE_CLASS: shown.state_class,
        CONF_PRECISION: shown.suggested_display_precision,
    }
    return {key: value for key, value in follows.items() if value is not None}


def entered_presentation(
    binding: Binding, medium: int | None, user_input: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what a person sets by the fields; what was left as proposed goes on following from the record.

    Not so a unit that only a person knows: it says what the number is that comes out of the steps.
    """
    follows = followed(binding, medium)
    if not transformed_result(binding, medium).certain:
        follows.pop(CONF_UNIT, None)
    return {
        key: user_input[key]
        for key in PRESENTATION
        if key in user_input and user_input[key] != follows.get(key)
    }


async def async_presentation_errors(
    hass: HomeAssistant, binding: Binding, medium: int | None, value: Any
) -> tuple[FieldErrors, dict[str, str]]:
    """Return which fields of a binding's presentation can't be, and what their texts name.

    `value` is the last one of its record. A description leaves out what Home Assistant doesn't take of a presentation.
    """
    asked = binding.presentation
    own = own_description(binding, medium)
    text = (
        not binding.transformations
        and value is not None
        and not isinstance(value, int | float | Decimal)
    )
    known = transformed_result(binding, medium).certain
    if text or (known and own.device_class in NON_NUMERIC_DEVICE_CLASSES):
        return {
            key: "not_a_number"
            for key in PRESENTATION
            if getattr(asked, key) is not None
        }, {}
    if asked.device_class in NON_NUMERIC_DEVICE_CLASSES:
        return {CONF_DEVICE_CLASS: "device_class_not_numeric"}, {}
    if asked.state_class == SensorStateClass.TOTAL_INCREASING and _can_fall(
        binding.transformations
    ):
        return {CONF_STATE_CLASS: "total_can_fall"}, {}
    if asked.unit and binding.meaning is None:
        return {CONF_UNIT: "not_read_yet"}, {}
    if asked.unit and known and not _can_be_shown_in(own, asked.unit):
        unit = own.suggested_unit_of_measurement or own.native_unit_of_measurement
        return {CONF_UNIT: "unit_not_convertible"}, {"unit": str(unit)}
    shown = sensor_description(binding, medium)
    if asked.device_class and shown.device_class != asked.device_class:
        field = CONF_UNIT if asked.unit else CONF_DEVICE_CLASS
        units = DEVICE_CLASS_UNITS[SensorDeviceClass(asked.device_class)]
        return {field: "unit_not_for_device_class"}, {"units": _listed(units)}
    if asked.state_class and shown.state_class != asked.state_class:
        possible = await _async_names(hass, _state_classes(shown))
        return {CONF_STATE_CLASS: "state_class_not_possible"}, {
            "state_classes": possible
        }
    return {}, {}


def _state_classes(shown: SensorEntityDescription) -> Iterator[SensorStateClass]:
    """Return those that device class and unit allow."""
    device_class, unit = shown.device_class, shown.native_unit_of_measurement
    for state_class in (
        DEVICE_CLASS_STATE_CLASSES[device_class] if device_class else SensorStateClass
    ):
        if unit in STATE_CLASS_UNITS.get(state_class, {unit}):
            yield state_class


def _can_fall(steps: Sequence[Step]) -> bool:
    """Return whether a total may be less after these steps than it was; a sum of its own rises again."""
    after_sum = takewhile(lambda step: step["type"] != "integration", reversed(steps))
    return any(map(can_fall, after_sum))


async def _async_names(
    hass: HomeAssistant, state_classes: Iterable[SensorStateClass]
) -> str:
    """Return state classes as Home Assistant calls them."""
    texts = await async_get_translations(
        hass, hass.config.language, "entity_component", {Platform.SENSOR}
    )
    key = "component.sensor.entity_component._.state_attributes.state_class.state"
    return _listed(texts[f"{key}.{state_class}"] for state_class in state_classes)


def _can_be_shown_in(own: SensorEntityDescription, unit: str) -> bool:
    native = own.native_unit_of_measurement
    if native is None or unit == native or converts(own.device_class, native, unit):
        return True
    return dimension(unit) is not None and dimension(unit) == dimension(native)


def _listed(values: Iterable[object]) -> str:
    return ", ".join(sorted(str(value or "–") for value in values))
