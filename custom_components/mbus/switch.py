"""Switches: whether a connection polls its meters, and records that are on or off."""

from typing import Any, override

from homeassistant.components.switch import SwitchEntity
from homeassistant.const import EntityCategory, Platform
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .control import ControlEntity, async_setup_controls
from .entity import ConnectionEntity
from .polling.connection import STOPPED_BY_USER
from .polling.coordinator import MBusConfigEntry

PARALLEL_UPDATES = 1


async def async_setup_entry(
    hass: HomeAssistant,
    entry: MBusConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the connection's switch, and one for every writable binding of that nature."""
    async_add_entities([PollingSwitch(entry, "polling")])
    await async_setup_controls(
        hass, entry, async_add_entities, Platform.SWITCH, BindingSwitch
    )


class PollingSwitch(ConnectionEntity, SwitchEntity):
    """RUN or STOP: a stopped connection leaves the bus alone until it is started again."""

    _attr_entity_category = EntityCategory.CONFIG
    _attr_translation_key = "polling"

    @property
    @override
    def is_on(self) -> bool:
        """Return whether the connection runs."""
        return self.connection.stopped is None

    @override
    async def async_turn_on(self, **kwargs: Any) -> None:
        """Start, and read every meter that is overdue."""
        self.entry.runtime_data.async_start()
        self._keep(running=True)

    @override
    async def async_turn_off(self, **kwargs: Any) -> None:
        """Stop after the transaction on the wire."""
        self.entry.runtime_data.async_stop(STOPPED_BY_USER)
        self._keep(running=False)

    def _keep(self, *, running: bool) -> None:
        self.entry.runtime_data.store.keep_running(running)
        self.async_write_ha_state()


class BindingSwitch(ControlEntity, SwitchEntity):
    """The bit in a record: on is 1, off is 0, and anything else is neither."""

    @property
    @override
    def is_on(self) -> bool | None:
        """Return the bit as the chain gives it."""
        return {0: False, 1: True}.get(self.current)

    @override
    async def async_turn_on(self, **kwargs: Any) -> None:
        """Write 1."""
        await self.async_write(1)

    @override
    async def async_turn_off(self, **kwargs: Any) -> None:
        """Write 0."""
        await self.async_write(0)
