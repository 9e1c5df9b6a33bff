"""Events: what happens to a meter beside its values, to be told by automations."""

from datetime import datetime
from typing import override

from homeassistant.components.event import EventEntity
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.dispatcher import async_dispatcher_connect
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.util import dt as dt_util

from .const import SIGNAL_CLOCK_SET
from .entity import MeterEntity, async_setup_meter_entities
from .meters.events import Event, EventType, events_of_reading, exchange, is_silent
from .polling.coordinator import MBusConfigEntry, MeterCoordinator
from .presentation.reasons import fault_text
from .presentation.texts import cached_texts

PARALLEL_UPDATES = 0


async def async_setup_entry(
    hass: HomeAssistant,
    entry: MBusConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the events of every meter."""
    await async_setup_meter_entities(
        hass, entry, async_add_entities, lambda coordinator: [MeterEvents(coordinator)]
    )


class MeterEvents(MeterEntity, EventEntity):
    """What happens to one meter. It has no category: a target by device passes over entities that have one."""

    _attr_event_types = [*EventType]
    _attr_translation_key = "events"

    def __init__(self, coordinator: MeterCoordinator) -> None:
        """Begin with what the last run left."""
        super().__init__(coordinator, f"{coordinator.meter.id}_events")
        self._data = coordinator.data
        self._identity = coordinator.meter.identity
        self._notes = coordinator.config_entry.runtime_data.store.notes

    @property
    @override
    def available(self) -> bool:
        """Return True: what happened stays true, whatever the meter is like now."""
        return True

    @override
    async def async_added_to_hass(self) -> None:
        """Follow the meter."""
        await super().async_added_to_hass()
        self.async_on_remove(
            async_dispatcher_connect(
                self.hass,
                SIGNAL_CLOCK_SET.format(self.coordinator.meter.id),
                self._async_clock_set,
            )
        )

    @callback
    def _async_clock_set(self, moment: datetime) -> None:
        time = dt_util.as_local(moment).isoformat(timespec="seconds")
        self._async_tell(Event(type=EventType.CLOCK_SET, attributes={"time": time}))

    @callback
    @override
    def _handle_coordinator_update(self) -> None:
        """Tell what is other than before; the state is when something last happened, not when the meter was read."""
        before, self._data = self._data, self.coordinator.data
        after, meter = self._data, self.coordinator.meter
        old, self._identity = self._identity, meter.identity
        was_silent = self._notes.is_silent(meter.id)
        silent = is_silent(before, after, was_silent)
        if silent is not was_silent:
            self._notes.note_silent(meter.id, is_silent=silent)
        if exchanged := exchange(old, meter.identity):
            self._async_tell(exchanged)
        if silent and not was_silent:
            reason = {"reason": fault_text(after, cached_texts(self.hass))}
            self._async_tell(Event(type=EventType.SILENT, attributes=reason))
        elif was_silent and not silent:
            self._async_tell(Event(type=EventType.BACK))
        for event in events_of_reading(before, after, meter):
            self._async_tell(event)

    @callback
    def _async_tell(self, event: Event) -> None:
        self._trigger_event(event.type, dict(event.attributes))
        self.async_write_ha_state()
