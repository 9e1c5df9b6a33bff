"""Dates with times: writable records that hold one (types F and I)."""

from datetime import datetime
from typing import override

from homeassistant.components.datetime import DateTimeEntity
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
    """Add a date and time for every writable binding of that nature."""
    await async_setup_controls(
        hass, entry, async_add_entities, Platform.DATETIME, BindingDateTime
    )


class BindingDateTime(ControlEntity, DateTimeEntity):
    """The date and time in a record, by the meter's clock."""

    @property
    @override
    def native_value(self) -> datetime | None:
        """Return the date and time as the chain gives it."""
        return self.current if isinstance(self.current, datetime) else None

    @override
    async def async_set_value(self, value: datetime) -> None:
        """Write the date and time."""
        await self.async_write(value)
