"""Texts: writable records that hold one."""

from typing import Final, override

from homeassistant.components.text import TextEntity
from homeassistant.const import Platform
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .control import ControlEntity, async_setup_controls
from .polling.coordinator import MBusConfigEntry
from .presentation.clean_text import clean_text

PARALLEL_UPDATES = 1

_LONGEST_TEXT: Final = 191
"""LVAR, the length in front of a text, is at most BFh (EN 13757-3, LVAR)."""


async def async_setup_entry(
    hass: HomeAssistant,
    entry: MBusConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add a text for every writable binding of that nature."""
    await async_setup_controls(
        hass, entry, async_add_entities, Platform.TEXT, BindingText
    )


class BindingText(ControlEntity, TextEntity):
    """The text in a record."""

    _attr_native_max = _LONGEST_TEXT

    @property
    @override
    def native_value(self) -> str | None:
        """Return the text as the chain gives it."""
        value = self.current
        return clean_text(value)[:_LONGEST_TEXT] if isinstance(value, str) else None

    @override
    async def async_set_value(self, value: str) -> None:
        """Write the text."""
        await self.async_write(value)
