"""Sensors: the record of each binding, and what is wrong with a meter's bindings."""

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, override

from homeassistant.components.sensor import SensorDeviceClass, SensorEntity
from homeassistant.const import EntityCategory
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .binding import Binding, BindingState
from .coordinator import MBusConfigEntry, MeterCoordinator
from .description import sensor_description
from .entity import BindingEntity, MeterEntity, async_setup_meter_entities

PARALLEL_UPDATES = 0


async def async_setup_entry(
    hass: HomeAssistant,
    entry: MBusConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add a sensor for every readable binding, and each meter's own sensors."""
    async_setup_meter_entities(hass, entry, async_add_entities, _sensors)


def _sensors(coordinator: MeterCoordinator) -> Iterator[MeterEntity]:
    yield BindingStateSensor(coordinator)
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


class BindingStateSensor(MeterEntity, SensorEntity):
    """The worst error among a meter's bindings, with all of them as an attribute."""

    _attr_device_class = SensorDeviceClass.ENUM
    _attr_entity_category = EntityCategory.DIAGNOSTIC
    _attr_options = [*BindingState]
    _attr_translation_key = "binding_state"
    _unrecorded_attributes = frozenset({"errors"})

    def __init__(self, coordinator: MeterCoordinator) -> None:
        """Belong to the meter, not to one binding."""
        super().__init__(coordinator, f"{coordinator.meter.id}_binding_state")

    @property
    @override
    def available(self) -> bool:
        """Return True: the error of a silent meter is shown just then."""
        return True

    @property
    @override
    def native_value(self) -> BindingState | None:
        """Return the worst state, once the meter was asked."""
        if self.coordinator.state is not BindingState.OK:
            return self.coordinator.state
        if self.coordinator.data is None:
            return None
        return BindingState.worst(
            [result.state for result in self.coordinator.data.results.values()]
        )

    @property
    @override
    def extra_state_attributes(self) -> Mapping[str, Any]:
        """Return the errors by the bindings' names."""
        return {"errors": dict(self.coordinator.errors)}
