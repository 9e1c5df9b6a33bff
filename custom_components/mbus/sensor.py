"""Sensors: the record of each binding; those of meters and the connection join them here."""

from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import override

from homeassistant.components.sensor import SensorEntity
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .binding import Binding
from .coordinator import MBusConfigEntry, MeterCoordinator
from .description import sensor_description
from .diagnostic_sensors import CONNECTION_SENSORS, METER_SENSORS, ConnectionSensor
from .entity import BindingEntity, MeterEntity, async_setup_meter_entities

PARALLEL_UPDATES = 0


async def async_setup_entry(
    hass: HomeAssistant,
    entry: MBusConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add a sensor for every readable binding, and those of each meter and the connection."""
    async_add_entities(
        ConnectionSensor(entry, description) for description in CONNECTION_SENSORS
    )
    async_setup_meter_entities(hass, entry, async_add_entities, _sensors)


def _sensors(coordinator: MeterCoordinator) -> Iterator[MeterEntity]:
    for sensor in METER_SENSORS:
        yield sensor(coordinator)
    for binding in coordinator.meter.bindings.values():
        if binding.access.reads:
            yield BindingSensor(coordinator, binding)


class BindingSensor(BindingEntity, SensorEntity):
    """The value of one record, in the meter's unit."""

    def __init__(self, coordinator: MeterCoordinator, binding: Binding) -> None:
        """Describe the sensor by what the record means."""
        super().__init__(coordinator, binding)
        self.entity_description = sensor_description(binding, coordinator.meter.medium)
        if binding.title:
            self._attr_name = binding.title

    @property
    @override
    def native_value(self) -> int | float | Decimal | str | date | datetime | None:
        """Return the value; None where the meter says it has none."""
        return self.result.value if self.result else None
