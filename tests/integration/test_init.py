"""Setting up, changing and unloading a connection, seen from Home Assistant."""

import asyncio
from datetime import timedelta
from types import MappingProxyType
from typing import Any

from homeassistant.config_entries import ConfigEntryState, ConfigSubentry
from homeassistant.const import (
    EVENT_STATE_CHANGED,
    STATE_UNAVAILABLE,
    STATE_UNKNOWN,
    Platform,
)
from homeassistant.core import Event, EventStateChangedData, HomeAssistant
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_capture_events,
)

from custom_components.mbus.const import (
    CONF_ATTEMPTS,
    CONF_BINDINGS,
    CONF_PERIOD,
    DOMAIN,
)
from custom_components.mbus.protocol import short_frame
from tests.simulator import SimulatedBus, WaterMeter

from .conftest import CreateEntry, let_poll, subentry_of


def binding_entities(
    hass: HomeAssistant, entry: MockConfigEntry, meter: str
) -> list[str]:
    """Return the entity ids of a meter's bindings."""
    registry = er.async_get(hass)
    return [
        entity_id
        for binding in entry.subentries[meter].data[CONF_BINDINGS]
        if (
            entity_id := registry.async_get_entity_id(
                Platform.SENSOR, DOMAIN, binding["id"]
            )
        )
    ]


def states_of(hass: HomeAssistant, entity_ids: list[str]) -> set[str]:
    """Return the states that some entities have."""
    states = [hass.states.get(entity_id) for entity_id in entity_ids]
    return {state.state for state in states if state}


def changes_of(
    events: list[Event[EventStateChangedData]], entity_ids: list[str]
) -> list[str]:
    """Return which of the entities changed."""
    return [
        event.data["entity_id"]
        for event in events
        if event.data["entity_id"] in entity_ids
    ]


async def test_meters_become_devices_and_sensors(
    hass: HomeAssistant, bus: SimulatedBus, create_entry: CreateEntry
) -> None:
    """Each meter is a device below the gateway, each binding a sensor with a value."""
    entry = await create_entry(1, 2)

    devices = dr.async_get(hass)
    gateway = devices.async_get_device_by_identifier(
        (DOMAIN, entry.entry_id), entry.entry_id
    )
    meter = devices.async_get_device_by_identifier((DOMAIN, "meter2"), entry.entry_id)
    assert gateway is not None
    assert meter is not None
    assert meter.via_device_id == gateway.id
    assert meter.serial_number == bus.meters[1].identification

    for meter_id in ("meter1", "meter2"):
        entity_ids = binding_entities(hass, entry, meter_id)
        assert entity_ids
        for entity_id in entity_ids:
            state = hass.states.get(entity_id)
            assert state is not None
            assert state.state not in (STATE_UNAVAILABLE, STATE_UNKNOWN), entity_id


async def test_setup_waits_for_no_reading(
    hass: HomeAssistant, bus: SimulatedBus, create_entry: CreateEntry
) -> None:
    """A bus of silent meters is set up at once."""
    entry = await create_entry(1, 2, setup=False)
    bus.requests.clear()

    assert await hass.config_entries.async_setup(entry.entry_id)

    assert entry.state is ConfigEntryState.LOADED
    assert not bus.requests
    await hass.async_block_till_done(wait_background_tasks=True)


async def test_no_way_to_the_bus(
    hass: HomeAssistant, bus: SimulatedBus, create_entry: CreateEntry
) -> None:
    """A gateway that is down makes the setup try again, and says why."""
    entry = await create_entry(1, setup=False)
    await bus.close()

    assert not await hass.config_entries.async_setup(entry.entry_id)

    assert entry.state is ConfigEntryState.SETUP_RETRY
    assert "127.0.0.1" in (entry.reason or "")


async def test_unload_makes_unavailable(
    hass: HomeAssistant, create_entry: CreateEntry
) -> None:
    """Unloading leaves the entities as unavailable."""
    entry = await create_entry(2)
    (entity_id, *_) = binding_entities(hass, entry, "meter2")

    assert await hass.config_entries.async_unload(entry.entry_id)

    state = hass.states.get(entity_id)
    assert state is not None
    assert state.state == STATE_UNAVAILABLE


async def test_a_change_during_an_unload(
    hass: HomeAssistant,
    create_entry: CreateEntry,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The next setup takes it up; no entity comes while the others go."""
    entry = await create_entry(2)
    unloading = hass.async_create_task(
        hass.config_entries.async_unload(entry.entry_id), eager_start=False
    )
    while entry.state is ConfigEntryState.LOADED:
        await asyncio.sleep(0)
    while hass.states.async_entity_ids_count("button"):
        entity_id = hass.states.async_entity_ids("button")[0]
        if hass.states.get(entity_id).state == STATE_UNAVAILABLE:  # type: ignore[union-attr]
            break
        await asyncio.sleep(0)
    hass.config_entries.async_update_subentry(
        entry, entry.subentries["meter2"], title="Kitchen"
    )
    assert await unloading
    await hass.async_block_till_done(wait_background_tasks=True)

    assert await hass.config_entries.async_setup(entry.entry_id)
    await let_poll(hass)
    assert "already exists" not in caplog.text
    devices = dr.async_entries_for_config_entry(dr.async_get(hass), entry.entry_id)
    assert "Kitchen" in {device.name for device in devices}


async def test_reload_publishes_the_kept_reading(
    hass: HomeAssistant, bus: SimulatedBus, create_entry: CreateEntry
) -> None:
    """A reload shows the same values without asking a meter, and asks no earlier than before."""
    entry = await create_entry(1, 2)
    entity_ids = binding_entities(hass, entry, "meter1")
    before = {entity_id: hass.states.get(entity_id) for entity_id in entity_ids}
    bus.requests.clear()

    assert await hass.config_entries.async_reload(entry.entry_id)

    for entity_id, state in before.items():
        after = hass.states.get(entity_id)
        assert state is not None
        assert after is not None
        assert after.state == state.state
    await hass.async_block_till_done(wait_background_tasks=True)
    assert not bus.requests


async def test_reading_older_than_its_period_is_not_shown_again(
    hass: HomeAssistant,
    bus: SimulatedBus,
    create_entry: CreateEntry,
    hass_storage: dict[str, Any],
) -> None:
    """After a long stop the meter is read at once, and until then there is no value."""
    entry = await create_entry(2)
    (entity_id, *_) = binding_entities(hass, entry, "meter2")
    assert await hass.config_entries.async_unload(entry.entry_id)
    kept = hass_storage[f"{DOMAIN}.{entry.entry_id}"]["data"]["meters"]["meter2"]
    kept["time"] = (dt_util.utcnow() - timedelta(hours=2)).isoformat()
    kept["due"] = (dt_util.utcnow() - timedelta(hours=1)).isoformat()
    bus.requests.clear()

    assert await hass.config_entries.async_setup(entry.entry_id)

    state = hass.states.get(entity_id)
    assert state is not None
    assert state.state == STATE_UNAVAILABLE
    await let_poll(hass)
    assert bus.requests
    state = hass.states.get(entity_id)
    assert state is not None
    assert state.state != STATE_UNAVAILABLE


async def test_old_reading_of_a_silent_meter_is_not_shown_again(
    hass: HomeAssistant,
    bus: SimulatedBus,
    create_entry: CreateEntry,
    hass_storage: dict[str, Any],
) -> None:
    """A meter that was asked in vain a moment ago is not due yet; what it said hours ago is no value now."""
    entry = await create_entry(2)
    (entity_id, *_) = binding_entities(hass, entry, "meter2")
    assert await hass.config_entries.async_unload(entry.entry_id)
    kept = hass_storage[f"{DOMAIN}.{entry.entry_id}"]["data"]["meters"]["meter2"]
    kept["time"] = (dt_util.utcnow() - timedelta(hours=2)).isoformat()
    kept["due"] = (dt_util.utcnow() + timedelta(seconds=200)).isoformat()
    bus.requests.clear()

    assert await hass.config_entries.async_setup(entry.entry_id)
    await let_poll(hass)

    assert not bus.requests
    assert states_of(hass, [entity_id]) == {STATE_UNAVAILABLE}


async def test_adding_a_meter_leaves_the_others(
    hass: HomeAssistant, bus: SimulatedBus, port: int, create_entry: CreateEntry
) -> None:
    """A new meter has its sensors at once; no state of another meter changes."""
    entry = await create_entry(1)
    others = binding_entities(hass, entry, "meter1")
    bus.meters.append(WaterMeter(3))
    data = await subentry_of(hass, port, 3)
    events = async_capture_events(hass, EVENT_STATE_CHANGED)

    hass.config_entries.async_add_subentry(
        entry,
        ConfigSubentry(
            data=MappingProxyType(data["data"]),
            subentry_id="meter3",
            subentry_type=data["subentry_type"],
            title=data["title"],
            unique_id=data["unique_id"],
        ),
    )
    await hass.async_block_till_done()
    await let_poll(hass)

    added = binding_entities(hass, entry, "meter3")
    assert added
    for entity_id in added:
        state = hass.states.get(entity_id)
        assert state is not None
        assert state.state not in (STATE_UNAVAILABLE, STATE_UNKNOWN)
    assert not changes_of(events, others)


async def test_removing_a_binding_removes_its_entity_alone(
    hass: HomeAssistant, create_entry: CreateEntry
) -> None:
    """The other bindings of the meter, and the other meters, keep their states."""
    entry = await create_entry(1, 2)
    gone, *kept = binding_entities(hass, entry, "meter1")
    kept += binding_entities(hass, entry, "meter2")
    subentry = entry.subentries["meter1"]
    events = async_capture_events(hass, EVENT_STATE_CHANGED)

    hass.config_entries.async_update_subentry(
        entry,
        subentry,
        data={**subentry.data, CONF_BINDINGS: subentry.data[CONF_BINDINGS][1:]},
    )
    await hass.async_block_till_done(wait_background_tasks=True)

    assert hass.states.get(gone) is None
    assert er.async_get(hass).async_get(gone) is None
    assert not changes_of(events, kept)


async def test_removing_a_meter_leaves_the_others(
    hass: HomeAssistant,
    bus: SimulatedBus,
    create_entry: CreateEntry,
) -> None:
    """The meter's device and entities go, nothing asks it any more."""
    entry = await create_entry(1, 2)
    removed = binding_entities(hass, entry, "meter1")
    kept = binding_entities(hass, entry, "meter2")
    events = async_capture_events(hass, EVENT_STATE_CHANGED)

    hass.config_entries.async_remove_subentry(entry, "meter1")
    await hass.async_block_till_done(wait_background_tasks=True)

    assert (
        dr.async_get(hass).async_get_device_by_identifier(
            (DOMAIN, "meter1"), entry.entry_id
        )
        is None
    )
    assert all(hass.states.get(entity_id) is None for entity_id in removed)
    assert not changes_of(events, kept)
    bus.requests.clear()
    await let_poll(hass, 301)
    assert bytes(short_frame(0x40, 1)) not in bus.requests
    assert bytes(short_frame(0x40, 2)) in bus.requests


async def test_renaming_the_connection_keeps_the_readings(
    hass: HomeAssistant, bus: SimulatedBus, create_entry: CreateEntry
) -> None:
    """A change of the entry reloads it, without a gap."""
    entry = await create_entry(2)
    (entity_id, *_) = binding_entities(hass, entry, "meter2")
    bus.requests.clear()

    hass.config_entries.async_update_entry(entry, title="Attic")
    await hass.async_block_till_done(wait_background_tasks=True)

    assert entry.state is ConfigEntryState.LOADED
    state = hass.states.get(entity_id)
    assert state is not None
    assert state.state not in (STATE_UNAVAILABLE, STATE_UNKNOWN)
    assert not bus.requests


async def test_silent_meter_costs_fewer_attempts_until_it_answers(
    hass: HomeAssistant,
    bus: SimulatedBus,
    create_entry: CreateEntry,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Its entities become unavailable and come back; each is logged once."""
    entry = await create_entry(1, 2, options={CONF_ATTEMPTS: 3})
    silent = binding_entities(hass, entry, "meter2")
    fine = binding_entities(hass, entry, "meter1")
    water = bus.meters.pop()
    caplog.clear()

    counts = []
    for _ in range(5):
        bus.requests.clear()
        await let_poll(hass, 301)
        counts.append(sum(request == short_frame(0x40, 2) for request in bus.requests))
        assert states_of(hass, silent) == {STATE_UNAVAILABLE}
        assert STATE_UNAVAILABLE not in states_of(hass, fine)

    # One that answered within its last three polls is asked as often as is set, a dead one twice.
    assert counts == [3, 3, 3, 2, 2]
    assert sum("can't be read" in record.message for record in caplog.records) == 1
    assert states_of(hass, [f"sensor.{slug(hass, 'meter2')}_binding_state"]) == {
        "unavailable_address"
    }

    bus.meters.append(water)
    await let_poll(hass, 301)
    assert STATE_UNAVAILABLE not in states_of(hass, silent)
    assert sum("answers again" in record.message for record in caplog.records) == 1


def slug(hass: HomeAssistant, meter_id: str) -> str:
    """Return what the entity ids of a meter begin with."""
    registry = er.async_get(hass)
    entity_id = registry.async_get_entity_id(
        Platform.SENSOR, DOMAIN, f"{meter_id}_binding_state"
    )
    assert entity_id is not None
    return entity_id.removeprefix("sensor.").removesuffix("_binding_state")


async def test_meter_without_enabled_bindings_is_not_asked(
    hass: HomeAssistant,
    bus: SimulatedBus,
    create_entry: CreateEntry,
) -> None:
    """Diagnostic entities don't keep a meter polled."""
    entry = await create_entry(1, 2)
    registry = er.async_get(hass)
    for entity_id in binding_entities(hass, entry, "meter1"):
        registry.async_update_entity(
            entity_id, disabled_by=er.RegistryEntryDisabler.USER
        )
    await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    bus.requests.clear()

    await let_poll(hass, 301)

    assert short_frame(0x40, 1) not in bus.requests
    assert short_frame(0x40, 2) in bus.requests


async def test_reading_stops_at_the_last_telegram_needed(
    hass: HomeAssistant,
    bus: SimulatedBus,
    create_entry: CreateEntry,
) -> None:
    """Without support for group requests the second telegram of the heat meter is left out."""
    entry = await create_entry(1)
    subentry = entry.subentries["meter1"]
    hass.config_entries.async_update_subentry(
        entry,
        subentry,
        data={
            **subentry.data,
            CONF_BINDINGS: [
                binding
                for binding in subentry.data[CONF_BINDINGS]
                if binding["telegram"] == 0
            ],
        },
    )
    await hass.async_block_till_done()
    bus.requests.clear()

    await let_poll(hass, 301)
    assert sum(request[1] in (0x5B, 0x7B) for request in bus.requests) == 1

    hass.config_entries.async_update_entry(
        entry, options={**entry.options, "support_for_group_requests": True}
    )
    await hass.async_block_till_done(wait_background_tasks=True)
    bus.requests.clear()
    await let_poll(hass, 301)
    assert sum(request[1] in (0x5B, 0x7B) for request in bus.requests) == 3


async def test_removing_the_entry_deletes_what_was_kept(
    hass: HomeAssistant, create_entry: CreateEntry, hass_storage: dict[str, Any]
) -> None:
    """Nothing of a removed connection stays behind."""
    entry = await create_entry(2, options={CONF_PERIOD: 60_000})
    await hass.config_entries.async_unload(entry.entry_id)
    assert f"{DOMAIN}.{entry.entry_id}" in hass_storage

    await hass.config_entries.async_remove(entry.entry_id)

    assert f"{DOMAIN}.{entry.entry_id}" not in hass_storage


@pytest.mark.parametrize(
    ("version", "minor_version", "state"),
    [
        (1, 2, ConfigEntryState.LOADED),
        (2, 1, ConfigEntryState.MIGRATION_ERROR),
    ],
)
async def test_entry_of_a_newer_release(
    hass: HomeAssistant,
    create_entry: CreateEntry,
    version: int,
    minor_version: int,
    state: ConfigEntryState,
) -> None:
    """What a later minor version added is kept; what a later version changed is left alone."""
    entry = await create_entry(setup=False)
    hass.config_entries.async_update_entry(
        entry,
        version=version,
        minor_version=minor_version,
        options={**entry.options, "new": 1},
    )

    await hass.config_entries.async_setup(entry.entry_id)

    assert entry.state is state
    assert entry.options["new"] == 1
    assert (entry.version, entry.minor_version) == (version, minor_version)
