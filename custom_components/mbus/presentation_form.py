"""How a binding's entity is presented: the form's fields, and which of their combinations Home Assistant takes."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

from homeassistant.components.sensor import (
    DEVICE_CLASS_STATE_CLASSES,
    DEVICE_CLASS_UNITS,
    STATE_CLASS_UNITS,
    SensorDeviceClass,
    SensorStateClass,
)
from homeassistant.components.sensor.const import NON_NUMERIC_DEVICE_CLASSES
from homeassistant.helpers.selector import (
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
)
import voluptuous as vol

from .binding import Binding, Presentation
from .description import sensor_description
from .flow_errors import FieldErrors
from .link_form import number

CONF_DEVICE_CLASS: Final = "device_class"
CONF_PRECISION: Final = "precision"
CONF_STATE_CLASS: Final = "state_class"
CONF_UNIT: Final = "unit"

PRESENTATION: Final = (CONF_DEVICE_CLASS, CONF_UNIT, CONF_STATE_CLASS, CONF_PRECISION)

_NUMERIC: Final = sorted(set(SensorDeviceClass) - NON_NUMERIC_DEVICE_CLASSES)


def presentation_fields(
    binding: Binding, medium: int | None
) -> Mapping[vol.Marker, Any]:
    """Return the fields; the units offered are those of the device class there is, others may be typed."""
    device_class = sensor_description(binding, medium).device_class
    units = DEVICE_CLASS_UNITS.get(device_class, ()) if device_class else ()
    return {
        vol.Optional(CONF_DEVICE_CLASS): _choice(
            _NUMERIC, translation_key=CONF_DEVICE_CLASS, sort=True
        ),
        vol.Optional(CONF_UNIT): _choice(
            (unit for unit in units if unit), custom_value=True, sort=True
        ),
        vol.Optional(CONF_STATE_CLASS): _choice(
            SensorStateClass, translation_key=CONF_STATE_CLASS
        ),
        vol.Optional(CONF_PRECISION): number(0, 15),
    }


def presentation_errors(
    binding: Binding, medium: int | None
) -> tuple[FieldErrors, dict[str, str]]:
    """Return which fields of a binding's presentation can't be, and what their texts name."""
    own = sensor_description(replace(binding, presentation=Presentation()), medium)
    if own.device_class in NON_NUMERIC_DEVICE_CLASSES:
        given = (
            key
            for key in PRESENTATION
            if getattr(binding.presentation, key) is not None
        )
        return dict.fromkeys(given, "not_a_number"), {}
    shown = sensor_description(binding, medium)
    device_class, state_class = shown.device_class, shown.state_class
    unit = shown.native_unit_of_measurement
    errors: FieldErrors = {}
    placeholders: dict[str, str] = {}
    if device_class and unit not in (
        units := DEVICE_CLASS_UNITS.get(device_class, {unit})
    ):
        errors[CONF_UNIT] = "unit_not_for_device_class"
        placeholders["units"] = _listed(units)
    elif state_class and unit not in (
        units := STATE_CLASS_UNITS.get(state_class, {unit})
    ):
        errors[CONF_UNIT] = "unit_not_for_state_class"
        placeholders["units"] = _listed(units)
    if (
        device_class
        and state_class
        and state_class
        not in (
            state_classes := DEVICE_CLASS_STATE_CLASSES.get(device_class, {state_class})
        )
    ):
        errors[CONF_STATE_CLASS] = "state_class_not_for_device_class"
        placeholders["state_classes"] = _listed(state_classes)
    return errors, placeholders


def _listed(values: Iterable[str | None]) -> str:
    return ", ".join(sorted(value or "–" for value in values))


def _choice(options: Iterable[str], **config: Any) -> SelectSelector:
    return SelectSelector(
        SelectSelectorConfig(
            options=[str(option) for option in options],
            mode=SelectSelectorMode.DROPDOWN,
            **config,
        )
    )
