"""Binary sensors: what the status byte of a meter's last reply says, and the alarm it told."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, override

from homeassistant.components.binary_sensor import (
    BinarySensorDeviceClass,
    BinarySensorEntity,
    BinarySensorEntityDescription,
)
from homeassistant.const import EntityCategory, Platform
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .const import DOMAIN
from .entity import MeterEntity, async_setup_meter_entities
from .meters.binding import BindingState
from .polling.coordinator import MBusConfigEntry, MeterCoordinator
from .presentation.quantities import ELECTRICITY
from .protocol import Header

PARALLEL_UPDATES = 0


@dataclass(frozen=True, kw_only=True)
class StatusEntityDescription(BinarySensorEntityDescription):
    """A bit, or several, of the status byte."""

    is_on_fn: Callable[[Header], bool]


PROBLEM = StatusEntityDescription(
    key="problem",
    translation_key="problem",
    device_class=BinarySensorDeviceClass.PROBLEM,
    entity_category=EntityCategory.DIAGNOSTIC,
    is_on_fn=lambda header: (
        header.permanent_error or header.temporary_error or header.application_error
    ),
)
BATTERY_LOW = StatusEntityDescription(
    key="battery_low",
    translation_key="battery_low",
    device_class=BinarySensorDeviceClass.BATTERY,
    entity_category=EntityCategory.DIAGNOSTIC,
    is_on_fn=lambda header: header.power_low,
)


async def async_setup_entry(
    hass: HomeAssistant,
    entry: MBusConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the status of every meter; a battery only where one is known of, or was shown before."""
    registry = er.async_get(hass)

    def create(coordinator: MeterCoordinator) -> Iterator[StatusBinarySensor]:
        meter = coordinator.meter
        yield ProblemBinarySensor(coordinator, PROBLEM)
        battery = StatusBinarySensor(coordinator, BATTERY_LOW)
        entity_id = registry.async_get_entity_id(
            Platform.BINARY_SENSOR, DOMAIN, str(battery.unique_id)
        )
        if meter.medium != ELECTRICITY and (meter.has_battery or entity_id):
            yield battery
        elif entity_id:
            registry.async_remove(entity_id)

    await async_setup_meter_entities(hass, entry, async_add_entities, create)


class StatusBinarySensor(MeterEntity, BinarySensorEntity):
    """A status bit, as of the last reading."""

    entity_description: StatusEntityDescription

    def __init__(
        self, coordinator: MeterCoordinator, description: StatusEntityDescription
    ) -> None:
        """Belong to the meter, not to one binding."""
        super().__init__(coordinator, f"{coordinator.meter.id}_{description.key}")
        self.entity_description = description

    @property
    @override
    def is_on(self) -> bool | None:
        """Return the bit; None where the meter sends no header."""
        header = self.coordinator.data.header
        return None if header is None else self.entity_description.is_on_fn(header)

    @property
    @override
    def available(self) -> bool:
        """Return whether the meter can be heard."""
        return self.coordinator.data.state is BindingState.OK


class ProblemBinarySensor(StatusBinarySensor):
    """What the meter says is wrong, by its status or by an alarm."""

    @property
    @override
    def is_on(self) -> bool | None:
        """Return whether either says so; None where the meter sends neither."""
        return True if self._alarm is not None else super().is_on

    @property
    @override
    def extra_state_attributes(self) -> Mapping[str, Any]:
        """Return the bits of the alarm, which mean what the manufacturer says."""
        return {"alarm": None if self._alarm is None else f"{self._alarm:08b}"}

    @property
    def _alarm(self) -> int | None:
        data = self.coordinator.data
        if not (data.is_heard and data.reading and data.reading.alarm):
            return None
        return data.reading.alarm.alarm
