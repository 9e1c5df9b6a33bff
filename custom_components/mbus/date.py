"""Dates: writable records that hold one (type G)."""

from datetime import date
from typing import override

from homeassistant.components.date import DateEntity
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
    """Add a date for every writable binding of that nature."""
    await async_setup_controls(
        hass, entry, async_add_entities, Platform.DATE, BindingDate
    )


class BindingDate(ControlEntity, DateEntity):
    """The date in a record."""

    @property
    @override
    def native_value(self) -> date | None:
        """Return the date as the chain gives it."""
        value = self.current
        return value if isinstance(value, date) else None

    @override
    async def async_set_value(self, value: date) -> None:
        """Write the date."""
        await self.async_write(value)
