"""Controls: the entities by which the records of writable bindings are written, one kind for each nature of record."""

from collections.abc import Callable, Iterator
from typing import Any, Final, override

from homeassistant.const import EntityCategory, Platform
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .const import DOMAIN
from .entity import BindingEntity, MeterEntity, async_setup_meter_entities
from .meters.binding import Binding
from .polling.coordinator import MBusConfigEntry, MeterCoordinator
from .polling.writing import async_write
from .presentation.naming import binding_name
from .presentation.texts import cached_texts
from .protocol import Value

_SUFFIX: Final = "_control"


async def async_setup_controls(
    hass: HomeAssistant,
    entry: MBusConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
    platform: Platform,
    create: Callable[[MeterCoordinator, Binding], MeterEntity],
) -> None:
    """Add a platform's controls of every meter, and drop those of bindings that got another one or none."""
    registry = er.async_get(hass)

    def controls(coordinator: MeterCoordinator) -> Iterator[MeterEntity]:
        for binding in coordinator.meter.bindings.values():
            if coordinator.described[binding.id].control is platform:
                yield create(coordinator, binding)
            elif entity_id := registry.async_get_entity_id(
                platform, DOMAIN, f"{binding.id}{_SUFFIX}"
            ):
                registry.async_remove(entity_id)

    await async_setup_meter_entities(hass, entry, async_add_entities, controls)


class ControlEntity(BindingEntity):
    """What writes the record of a binding, beside the sensor that shows it or in place of it."""

    _attr_entity_category = EntityCategory.CONFIG

    def __init__(self, coordinator: MeterCoordinator, binding: Binding) -> None:
        """Name the control as the binding's sensor is named."""
        super().__init__(coordinator, binding, _SUFFIX)

    @override
    def describe(self) -> None:
        """Take on the name of the binding's sensor."""
        self._attr_name = binding_name(
            self.binding, cached_texts(self.coordinator.hass)
        )

    @callback
    @override
    def _handle_coordinator_update(self) -> None:
        """Show the new value, unless the binding has another control now, or none: this one is about to be removed."""
        described = self.coordinator.described.get(self.binding.id)
        if described and described.control == self.platform_data.domain:
            super()._handle_coordinator_update()

    @property
    def current(self) -> Any:
        """Return what the last reading has for the binding, None where that is nothing valid."""
        return self.coordinator.data.result(self.binding.id).value

    async def async_write(self, value: Value) -> None:
        """Write what was entered."""
        await async_write(self.coordinator, self.binding, value)
