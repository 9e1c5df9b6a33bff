"""Dates with times: writable records that hold one (types F and I)."""

from datetime import datetime
from typing import override

from homeassistant.components.datetime import DateTimeEntity
from homeassistant.const import Platform
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .control import ControlEntity, async_setup_controls
from .polling.coordinator import MBusConfigEntry
from .presentation.native_value import to_timestamp
from .protocol import SUMMER_TIME

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
        value = self.current
        record = self.result.record if self.result else None
        if record is None or not isinstance(value, datetime):
            return None
        return to_timestamp(
            value, self.coordinator.meter.clock, SUMMER_TIME in record.modifiers
        )

    @override
    async def async_set_value(self, value: datetime) -> None:
        """Write the date and time."""
        await self.async_write(value)
