"""Binary sensors: whether a meter is well, and whether its battery is low."""

from collections.abc import Iterator, Mapping
from typing import Any, Final, override

from homeassistant.components.binary_sensor import (
    BinarySensorDeviceClass,
    BinarySensorEntity,
)
from homeassistant.const import EntityCategory, Platform
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .const import DOMAIN
from .entity import MeterEntity, async_setup_meter_entities
from .meters.binding import BindingState
from .meters.reading import Result
from .polling.coordinator import MBusConfigEntry, MeterCoordinator
from .presentation.naming import binding_name
from .presentation.quantities import ELECTRICITY
from .presentation.reasons import reason_text
from .presentation.texts import Texts, cached_texts, status_key
from .protocol import Problem

PARALLEL_UPDATES = 0

_ERRORS: Final = ("permanent_error", "temporary_error", "application_error")
"""What of the status byte is a problem (EN 13757-7, status byte)."""
_NO_VALUES: Final = frozenset(
    {
        "all_bits_set",
        "no_data",
        "no_data_available",
        "not_available",
        "stands_for_none",
    }
)
"""Problems by which a meter says that it has no value, which is nothing wrong."""


async def async_setup_entry(
    hass: HomeAssistant,
    entry: MBusConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add whether each meter is well; its battery only where one is known of, or was shown before."""
    registry = er.async_get(hass)

    def create(coordinator: MeterCoordinator) -> Iterator[MeterEntity]:
        meter = coordinator.meter
        yield ProblemSensor(coordinator)
        battery = BatterySensor(coordinator)
        entity_id = registry.async_get_entity_id(
            Platform.BINARY_SENSOR, DOMAIN, str(battery.unique_id)
        )
        if meter.medium != ELECTRICITY and (meter.has_battery or entity_id):
            yield battery
        elif entity_id:
            registry.async_remove(entity_id)

    await async_setup_meter_entities(hass, entry, async_add_entities, create)


class ProblemSensor(MeterEntity, BinarySensorEntity):
    """Whether something is wrong with a meter, and what: it reports an error, is not heard, or a sensor lost its value."""

    _attr_device_class = BinarySensorDeviceClass.PROBLEM
    _attr_entity_category = EntityCategory.DIAGNOSTIC
    _attr_translation_key = "problem"
    _unrecorded_attributes = frozenset({"alarm", "reason"})

    def __init__(self, coordinator: MeterCoordinator) -> None:
        """Belong to the meter, not to one binding."""
        super().__init__(coordinator, f"{coordinator.meter.id}_problem")

    @property
    @override
    def available(self) -> bool:
        """Return whether the meter could be asked: while its bus can't be, nothing is wrong with the meter itself."""
        return self.coordinator.data.state not in (
            BindingState.NO_CONNECTION,
            BindingState.SHUTDOWN,
        )

    @property
    @override
    def is_on(self) -> bool | None:
        """Return whether there is a reason; None where the meter wasn't read yet."""
        data = self.coordinator.data
        if data.state is BindingState.OK and not data.is_present:
            return None
        return next(self._reasons(cached_texts(self.hass)), None) is not None

    @property
    @override
    def extra_state_attributes(self) -> Mapping[str, Any]:
        """Return all reasons, and the bits of an alarm, which mean what the manufacturer says."""
        alarm = self._alarm
        return {
            "alarm": None if alarm is None else f"{alarm:08b}",
            "reason": "; ".join(self._reasons(cached_texts(self.hass))) or None,
        }

    @property
    def _alarm(self) -> int | None:
        data = self.coordinator.data
        if not (data.is_heard and data.reading and data.reading.alarm):
            return None
        return data.reading.alarm.alarm

    def _reasons(self, texts: Texts) -> Iterator[str]:
        data = self.coordinator.data
        if data.reason:
            yield reason_text(data.reason, texts)
            return
        if (alarm := self._alarm) is not None:
            yield f"{texts[status_key('alarm')]} {alarm:08b}"
        if header := data.header:
            yield from (
                texts[status_key(name)] for name in _ERRORS if getattr(header, name)
            )
        for binding in self.coordinator.enabled_bindings:
            result = data.result(binding.id)
            if result.reason and not _has_no_value(result):
                reason = reason_text(result.reason, texts)
                yield f"{binding_name(binding, texts)}: {reason}"


class BatterySensor(MeterEntity, BinarySensorEntity):
    """Whether the meter said in its last reply that its power is low."""

    _attr_device_class = BinarySensorDeviceClass.BATTERY
    _attr_entity_category = EntityCategory.DIAGNOSTIC
    _attr_translation_key = "battery_low"

    def __init__(self, coordinator: MeterCoordinator) -> None:
        """Belong to the meter, not to one binding."""
        super().__init__(coordinator, f"{coordinator.meter.id}_battery_low")

    @property
    @override
    def is_on(self) -> bool | None:
        """Return the bit; None where the meter sends no header."""
        header = self.coordinator.data.header
        return None if header is None else header.power_low

    @property
    @override
    def available(self) -> bool:
        """Return whether the meter can be heard."""
        return self.coordinator.data.state is BindingState.OK


def _has_no_value(result: Result) -> bool:
    """Return whether it is the meter itself that has no value at present."""
    return isinstance(result.reason, Problem) and result.reason.key in _NO_VALUES
