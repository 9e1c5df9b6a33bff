"""Sensors: the record of each binding; those of meters and the connection join them here."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Final, override

from homeassistant.components.sensor import DOMAIN as SENSOR_DOMAIN, SensorEntity
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from propcache.api import cached_property

from .diagnostic_sensors import CONNECTION_SENSORS, METER_SENSORS, ConnectionSensor
from .entity import BindingEntity, MeterEntity, async_setup_meter_entities
from .meters.binding import Binding
from .polling.coordinator import MBusConfigEntry, MeterCoordinator
from .presentation.description import sensor_description
from .presentation.naming import binding_name
from .presentation.native_value import NativeValue, native_value, to_timestamp
from .presentation.texts import cached_texts
from .protocol.tables.vife import SUMMER_TIME

PARALLEL_UPDATES = 0

_PRIVATE: Final = f"{SENSOR_DOMAIN}.private"
"""The section of an entity's registered options that holds the unit suggested for display."""
_CACHED: Final = frozenset(
    name
    for name in dir(SensorEntity)
    if isinstance(getattr(SensorEntity, name), cached_property)
)
"""Properties that Home Assistant works out once from the description and keeps."""


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
        self._describe()

    def _describe(self) -> None:
        """Take on name, units and classes that follow from the binding."""
        binding, medium = self.binding, self.coordinator.meter.medium
        self._described = binding, medium
        description = sensor_description(binding, medium)
        # The key of the quantity is that of its icon.
        self.entity_description = replace(description, translation_key=description.key)
        self._attr_name = binding_name(binding, cached_texts(self.coordinator.hass))
        for name in _CACHED & self.__dict__.keys():
            del self.__dict__[name]

    @callback
    @override
    def _handle_coordinator_update(self) -> None:
        """Show the new value, and first how it is shown now if the binding was changed."""
        if self._described != (self.binding, self.coordinator.meter.medium):
            self._describe()
            self._update_registry()
        super()._handle_coordinator_update()

    def _update_registry(self) -> None:
        """Bring up to date what Home Assistant otherwise registers once, when the entity is added."""
        registry = er.async_get(self.hass)
        options = self.get_initial_entity_options() or {}
        registry.async_update_entity_options(
            self.entity_id, _PRIVATE, options.get(_PRIVATE)
        )
        self.async_registry_entry_updated()
        registry.async_update_entity(
            self.entity_id,
            entity_category=self.entity_category,
            translation_key=self.translation_key,
            unit_of_measurement=self.unit_of_measurement,
        )

    @property
    @override
    def native_value(self) -> NativeValue:
        """Return the value; None where the meter says it has none."""
        if (result := self.result) is None:
            return None
        value = result.value
        if isinstance(value, datetime) and value.tzinfo is None:
            modifiers = result.record.modifiers if result.record else ()
            value = to_timestamp(
                value, self.coordinator.meter.clock, SUMMER_TIME in modifiers
            )
        return native_value(self.binding, value)
