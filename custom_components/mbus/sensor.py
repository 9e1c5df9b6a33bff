"""Sensors: the record of each binding; those of meters and the connection join them here."""

from collections.abc import Iterator
from typing import override

from homeassistant.components.sensor import SensorEntity
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .diagnostic_sensors import CONNECTION_SENSORS, METER_SENSORS, ConnectionSensor
from .entity import BindingEntity, MeterEntity, async_setup_meter_entities
from .polling.coordinator import MBusConfigEntry, MeterCoordinator
from .presentation.display import NativeValue
from .presentation.naming import binding_name
from .presentation.texts import cached_texts

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
    await async_setup_meter_entities(hass, entry, async_add_entities, _sensors)


def _sensors(coordinator: MeterCoordinator) -> Iterator[MeterEntity]:
    for sensor in METER_SENSORS:
        yield sensor(coordinator)
    for binding in coordinator.meter.bindings.values():
        if binding.access.reads:
            yield BindingSensor(coordinator, binding)


class BindingSensor(BindingEntity, SensorEntity):
    """The value of one record, in the meter's unit."""

    @override
    def describe(self) -> None:
        """Take on name, units and classes that follow from the binding."""
        description = self.display.description
        self._attr_device_class = description.device_class
        self._attr_entity_category = description.entity_category
        self._attr_native_unit_of_measurement = description.native_unit_of_measurement
        self._attr_state_class = description.state_class
        self._attr_suggested_display_precision = description.suggested_display_precision
        # The key of the quantity is that of its icon.
        self._attr_translation_key = description.key
        self._attr_name = binding_name(
            self.binding, cached_texts(self.coordinator.hass)
        )

    @callback
    @override
    def async_follow_changes(self, entity_id: str) -> None:
        """Register the unit that a person set meanwhile: to the one registered before, values would be converted for good."""
        if self.binding.presentation.unit:
            er.async_get(self.coordinator.hass).async_update_entity(
                entity_id, unit_of_measurement=self.native_unit_of_measurement
            )

    @property
    @override
    def native_value(self) -> NativeValue:
        """Return the value; None where the meter says it has none."""
        shown: NativeValue = self.coordinator.data.result(self.binding.id).shown
        return shown
