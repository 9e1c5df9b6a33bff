"""Which of a meter's sensors go where in the Energy dashboard, which only a person can put there."""

from typing import Any, Final

from homeassistant.components.sensor import SensorDeviceClass, SensorStateClass
from homeassistant.config_entries import SubentryFlowResult

from ..presentation.described import Described
from ..presentation.naming import binding_name
from ..presentation.quantities import GAS_MEDIA, HEAT_MEDIA, WATER_MEDIA
from ..presentation.texts import async_get_texts, option_key
from ..protocol import Function
from .reading_flow import ReadingSteps

_SETTINGS: Final = "/config/energy"
_WHOLE: Final = frozenset(
    {
        "absolute", "base_conditions", "cooling", "counter_1", "counter_2", "export", "forward", "heating",
        "import", "input_1", "input_2", "input_3", "input_4",
    }
)  # fmt: skip
"""Modifiers under which a record is all that is counted: no part of it, such as a phase, no other view of it, no limit."""
_TOTALS: Final = (SensorStateClass.TOTAL, SensorStateClass.TOTAL_INCREASING)


class EnergySteps(ReadingSteps):
    """Step `energy`, which leads back to the menu."""

    async def async_step_energy(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Say which sensor goes where."""
        coordinator = self._coordinator
        places = [
            (binding, place)
            for binding in coordinator.enabled_bindings
            if (place := _place(coordinator.described[binding.id]))
        ]
        if not places:
            return self.async_abort(reason="no_energy")
        texts = await async_get_texts(self.hass)
        is_heat = any(place == "heat" for _, place in places)
        return self.async_show_menu(
            step_id="energy_heat" if is_heat else "energy",
            menu_options=["reconfigure"],
            description_placeholders={
                "meter": self._meter.title,
                "places": "\n".join(
                    f"- **{binding_name(binding, texts)}**: "
                    f"{texts[option_key('energy_place', place)]}"
                    for binding, place in places
                ),
                "settings": _SETTINGS,
            },
        )

    # One step, whose text says how heat is counted.
    async_step_energy_heat = async_step_energy


def _place(described: Described) -> str | None:
    """Return where the sensor of a binding goes; None where it is nothing for the dashboard."""
    meaning, medium = described.binding.meaning, described.medium
    if meaning is None or meaning.storage_number or meaning.tariff or meaning.subunit:
        return None
    if meaning.function is not Function.INSTANTANEOUS or not _WHOLE.issuperset(
        meaning.modifiers
    ):
        return None
    exported = "export" in meaning.modifiers
    shown = described.display.description
    is_total = shown.state_class in _TOTALS
    match shown.device_class:
        case SensorDeviceClass.ENERGY if is_total and medium in HEAT_MEDIA:
            return "heat"
        case SensorDeviceClass.ENERGY if is_total and medium not in GAS_MEDIA:
            return "grid_export" if exported else "grid_import"
        case SensorDeviceClass.POWER if medium not in HEAT_MEDIA:
            return "grid_power"
        case _ if exported:
            return None
        case SensorDeviceClass.ENERGY | SensorDeviceClass.GAS if is_total:
            return "gas"
        case SensorDeviceClass.WATER if is_total:
            return "water"
        case SensorDeviceClass.VOLUME_FLOW_RATE if medium in GAS_MEDIA:
            return "gas_flow"
        case SensorDeviceClass.VOLUME_FLOW_RATE if medium in WATER_MEDIA:
            return "water_flow"
    return None
