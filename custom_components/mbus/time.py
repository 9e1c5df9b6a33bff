"""Times of day: writable records that hold one (type J)."""

from datetime import time
from typing import override

from homeassistant.components.time import TimeEntity
from homeassistant.const import Platform
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .control import ControlEntity, async_setup_controls
from .polling.coordinator import MBusConfigEntry

PARALLEL_UPDATES = 1


async def async_setup_entry(
    hass: HomeAssistant,
    entry: MBusConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add a time for every writable binding of that nature."""
    await async_setup_controls(
        hass, entry, async_add_entities, Platform.TIME, BindingTime
    )


class BindingTime(ControlEntity, TimeEntity):
    """The time of day in a record."""

    @property
    @override
    def native_value(self) -> time | None:
        """Return the time as the chain gives it."""
        value = self.current
        return value if isinstance(value, time) else None

    @override
    async def async_set_value(self, value: time) -> None:
        """Write the time of day."""
        await self.async_write(value)
