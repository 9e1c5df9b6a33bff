"""The connection itself: its queue, its switch, its limits, its figures, and the ways to the bus."""

import asyncio
from datetime import timedelta
from types import MappingProxyType
from typing import Any

from homeassistant.config_entries import ConfigEntryState, ConfigSubentry
from homeassistant.const import (
    ATTR_ENTITY_ID,
    CONF_HOST,
    CONF_NAME,
    CONF_PORT,
    CONF_TYPE,
    EVENT_STATE_CHANGED,
    SERVICE_TURN_OFF,
    SERVICE_TURN_ON,
    STATE_OFF,
    STATE_ON,
    STATE_UNAVAILABLE,
    STATE_UNKNOWN,
    Platform,
)
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er, issue_registry as ir
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_capture_events,
    async_fire_time_changed,
    get_system_health_info,
)

from custom_components.mbus.const import (
    CONF_BACKUP,
    CONF_BAUD_RATE,
    CONF_DATA_BITS,
    CONF_MEMORY_LIMIT,
    CONF_PARITY,
    CONF_PERIOD,
    CONF_STOP_BITS,
    CONF_TRACE_LENGTH,
    DOMAIN,
    TYPE_SERIAL,
    TYPE_TCP,
)
from custom_components.mbus.polling.connection import Turns
from custom_components.mbus.protocol import short_frame
from tests.simulator import SimulatedBus, TcpGateway

from .conftest import CreateEntry, let_poll, subentry_of


def entity_of(hass: HomeAssistant, platform: Platform, unique_id: str) -> str:
    """Return the entity id of an entity by its unique id."""
    entity_id = er.async_get(hass).async_get_entity_id(platform, DOMAIN, unique_id)
    assert entity_id is not None
    return entity_id


def state_of(hass: HomeAssistant, unique_id: str) -> str:
    """Return the state of a sensor by its unique id."""
    state = hass.states.get(entity_of(hass, Platform.SENSOR, unique_id))
    assert state is not None
    return state.state


def value_of(hass: HomeAssistant, entry: MockConfigEntry, meter: str) -> str:
    """Return the state of the first binding of a meter."""
    return state_of(hass, entry.subentries[meter].data["bindings"][0]["id"])


def change_meter(hass: HomeAssistant, entry: MockConfigEntry, **changes: Any) -> None:
    """Change settings of the meter at 2 as its dialog does."""
    subentry = entry.subentries["meter2"]
    hass.config_entries.async_update_subentry(
        entry, subentry, data={**subentry.data, **changes}
    )


async def restart(bus: SimulatedBus) -> None:
    """Start the first gateway again, at the port it had."""
    gateway = bus.gateways[0]
    assert isinstance(gateway, TcpGateway)
    await gateway.start()


async def switch(hass: HomeAssistant, entry: MockConfigEntry, service: str) -> str:
    """Turn polling on or off and return the switch's state."""
    entity_id = entity_of(hass, Platform.SWITCH, f"{entry.entry_id}_polling")
    await hass.services.async_call(
        Platform.SWITCH, service, {ATTR_ENTITY_ID: entity_id}, blocking=True
    )
    state = hass.states.get(entity_id)
    assert state is not None
    return state.state


async def test_a_person_goes_before_the_timers() -> None:
    """Whoever waits for the line gets it in turn, people first."""
    turns = Turns()
    order: list[str] = []

    async def speak(name: str, *, urgent: bool) -> None:
        async with turns.turn(urgent=urgent):
            order.append(name)
            await asyncio.sleep(0)

    async with turns.turn():
        waiting = [
            asyncio.create_task(speak("timer 1", urgent=False)),
            asyncio.create_task(speak("timer 2", urgent=False)),
            asyncio.create_task(speak("person", urgent=True)),
            asyncio.create_task(speak("nobody", urgent=True)),
        ]
        await asyncio.sleep(0)
        waiting.pop().cancel()
        await asyncio.sleep(0)
    await asyncio.gather(*waiting)

    assert order == ["person", "timer 1", "timer 2"]


async def test_a_person_joins_what_a_timer_began(
    hass: HomeAssistant, bus: SimulatedBus, create_entry: CreateEntry
) -> None:
    """The poll of a meter goes first as soon as someone waits for it."""
    entry = await create_entry(1, 2)
    runtime = entry.runtime_data
    water = runtime.coordinators["meter2"]
    bus.requests.clear()

    async with runtime.connection.turn():
        async_fire_time_changed(hass, dt_util.utcnow() + timedelta(seconds=301))
        await hass.async_block_till_done()
        asked = [asyncio.create_task(water.async_read_now()) for _ in range(3)]
        for _ in range(10):
            await asyncio.sleep(0)
    await asyncio.gather(*asked)
    await hass.async_block_till_done(wait_background_tasks=True)

    assert bus.requests[0] == short_frame(0x40, 2)
    # One reading answers all who asked before it began, and the poll that was due.
    resets = [request for request in bus.requests if request == short_frame(0x40, 2)]
    assert len(resets) == 1


async def test_cancelled_just_when_its_turn_came() -> None:
    """The line is passed on, not lost."""
    turns = Turns()

    async def speak() -> str:
        async with turns.turn():
            return "spoken"

    async with turns.turn():
        cancelled = asyncio.create_task(speak())
        following = asyncio.create_task(speak())
        await asyncio.sleep(0)
    cancelled.cancel()

    async with asyncio.timeout(1):
        assert await following == "spoken"


async def test_stopping_and_starting(
    hass: HomeAssistant, bus: SimulatedBus, create_entry: CreateEntry
) -> None:
    """A stopped connection leaves the bus alone, also after a restart, until it is started."""
    entry = await create_entry(2)
    assert await switch(hass, entry, SERVICE_TURN_OFF) == STATE_OFF
    bus.requests.clear()

    await let_poll(hass, 301)
    assert not bus.requests
    assert value_of(hass, entry, "meter2") == STATE_UNAVAILABLE
    assert state_of(hass, "meter2_binding_state") == "shutdown"

    assert await hass.config_entries.async_reload(entry.entry_id)
    await let_poll(hass, 301)
    assert not bus.requests
    assert state_of(hass, "meter2_binding_state") == "shutdown"

    assert await switch(hass, entry, SERVICE_TURN_ON) == STATE_ON
    await let_poll(hass, 301)
    assert bus.requests
    assert value_of(hass, entry, "meter2") != STATE_UNAVAILABLE
    assert state_of(hass, "meter2_binding_state") == "ok"


@pytest.mark.parametrize(
    ("service", "polling", "binding_states"),
    [
        (SERVICE_TURN_ON, STATE_ON, {"ok"}),
        (SERVICE_TURN_OFF, STATE_OFF, {"shutdown"}),
    ],
)
async def test_a_reload_tells_nothing_else_meanwhile(
    hass: HomeAssistant,
    create_entry: CreateEntry,
    service: str,
    polling: str,
    binding_states: set[str],
) -> None:
    """Whether it polls, a connection says from its first moment on, and so does each of its meters."""
    entry = await create_entry(2)
    await switch(hass, entry, service)
    told = async_capture_events(hass, EVENT_STATE_CHANGED)

    assert await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done()

    def told_of(platform: Platform, unique_id: str) -> set[str]:
        entity_id = entity_of(hass, platform, unique_id)
        states = {
            event.data["new_state"].state
            for event in told
            if event.data["entity_id"] == entity_id and event.data["new_state"]
        }
        return states - {STATE_UNAVAILABLE}

    assert told_of(Platform.SWITCH, f"{entry.entry_id}_polling") == {polling}
    assert told_of(Platform.SENSOR, "meter2_binding_state") == binding_states


async def test_a_meter_added_to_a_stopped_connection(
    hass: HomeAssistant, port: int, create_entry: CreateEntry
) -> None:
    """It says that it is not read, as those do that were there."""
    entry = await create_entry(1)
    await switch(hass, entry, SERVICE_TURN_OFF)
    data = await subentry_of(hass, port, 2)

    hass.config_entries.async_add_subentry(
        entry, ConfigSubentry(**data | {"data": MappingProxyType(data["data"])})
    )
    await hass.async_block_till_done()

    assert state_of(hass, "meter2_binding_state") == "shutdown"


async def test_stopping_and_starting_with_a_meter_read_on_demand(
    hass: HomeAssistant, bus: SimulatedBus, create_entry: CreateEntry
) -> None:
    """Once started, it shows its last reading again and is left alone."""
    entry = await create_entry(2)
    change_meter(hass, entry, on_demand=True)
    await hass.async_block_till_done()
    value = value_of(hass, entry, "meter2")
    await switch(hass, entry, SERVICE_TURN_OFF)
    assert value_of(hass, entry, "meter2") == STATE_UNAVAILABLE
    bus.requests.clear()

    await switch(hass, entry, SERVICE_TURN_ON)
    await let_poll(hass, 301)

    assert value_of(hass, entry, "meter2") == value
    assert state_of(hass, "meter2_binding_state") == "ok"
    assert not bus.requests


async def test_changing_a_meter_that_is_not_read(
    hass: HomeAssistant, bus: SimulatedBus, create_entry: CreateEntry
) -> None:
    """Values of old don't come back by it, be the connection stopped or the meter silent."""
    entry = await create_entry(2)
    await switch(hass, entry, SERVICE_TURN_OFF)
    change_meter(hass, entry, meter_clock="summer_time")
    await hass.async_block_till_done()
    assert value_of(hass, entry, "meter2") == STATE_UNAVAILABLE
    assert state_of(hass, "meter2_binding_state") == "shutdown"

    await switch(hass, entry, SERVICE_TURN_ON)
    silent, bus.meters = bus.meters, []
    await let_poll(hass, 301)
    change_meter(hass, entry, meter_clock="standard_time")
    await hass.async_block_till_done()
    assert value_of(hass, entry, "meter2") == STATE_UNAVAILABLE
    assert state_of(hass, "meter2_binding_state") == "unavailable_address"

    bus.meters = silent
    await let_poll(hass, 301)
    assert value_of(hass, entry, "meter2") != STATE_UNAVAILABLE


async def test_changing_the_period_of_a_meter(
    hass: HomeAssistant, bus: SimulatedBus, create_entry: CreateEntry
) -> None:
    """A shorter one counts at once; anything else that is changed leaves the next reading where it was."""
    entry = await create_entry(2, options={CONF_PERIOD: 86_400_000})
    change_meter(hass, entry, period=60_000)
    await hass.async_block_till_done()
    bus.requests.clear()

    await let_poll(hass, 40)
    assert not bus.requests
    change_meter(hass, entry, meter_clock="summer_time")
    await hass.async_block_till_done()
    await let_poll(hass, 61)
    assert bus.requests


async def test_memory_limit(
    hass: HomeAssistant, bus: SimulatedBus, create_entry: CreateEntry
) -> None:
    """The oldest trace goes first; when the readings alone are too much the connection stops."""
    entry = await create_entry(1, 2)
    runtime = entry.runtime_data
    kept = runtime.store.size
    assert len(runtime.connection.trace) > 1
    issues = ir.async_get(hass)
    issue_id = f"memory_limit_{entry.entry_id}"

    hass.config_entries.async_update_entry(
        entry, options={**entry.options, CONF_MEMORY_LIMIT: kept + 600}
    )
    await hass.async_block_till_done()
    await let_poll(hass, 301)
    runtime = entry.runtime_data
    assert len(runtime.connection.trace) == 1
    assert value_of(hass, entry, "meter1") != STATE_UNAVAILABLE
    assert issues.async_get_issue(DOMAIN, issue_id) is None

    hass.config_entries.async_update_entry(
        entry, options={**entry.options, CONF_MEMORY_LIMIT: kept // 2}
    )
    await hass.async_block_till_done()
    await let_poll(hass, 301)
    assert len(entry.runtime_data.connection.trace) == 0
    assert value_of(hass, entry, "meter1") == STATE_UNAVAILABLE
    assert state_of(hass, "meter1_binding_state") == "shutdown"
    assert issues.async_get_issue(DOMAIN, issue_id) is not None
    bus.requests.clear()
    await let_poll(hass, 301)
    assert not bus.requests

    hass.config_entries.async_update_entry(
        entry, options={**entry.options, CONF_MEMORY_LIMIT: 67_108_864}
    )
    await hass.async_block_till_done()
    await let_poll(hass, 301)
    assert value_of(hass, entry, "meter1") != STATE_UNAVAILABLE
    assert issues.async_get_issue(DOMAIN, issue_id) is None


async def test_trace_is_off(hass: HomeAssistant, create_entry: CreateEntry) -> None:
    """Nothing is kept of what went over the line."""
    entry = await create_entry(2, options={CONF_TRACE_LENGTH: 0})

    assert len(entry.runtime_data.connection.trace) == 0
    assert entry.runtime_data.connection.bus.statistics.requests > 0


async def test_trace_is_limited_in_number(
    hass: HomeAssistant, create_entry: CreateEntry
) -> None:
    """Only the last exchanges are kept."""
    entry = await create_entry(1, 2, options={CONF_TRACE_LENGTH: 3})

    trace = entry.runtime_data.connection.trace.as_list(masked=False)
    assert len(trace) == 3
    assert trace[-1]["request"].startswith("10 ")
    assert trace[-1]["reply"].endswith(" 16")


async def test_system_health(hass: HomeAssistant, create_entry: CreateEntry) -> None:
    """The page counts connections and meters."""
    await create_entry(1, 2)
    assert await async_setup_component(hass, "system_health", {})
    await hass.async_block_till_done()

    info = await get_system_health_info(hass, DOMAIN)

    assert info["connections"] == info["connections_running"] == 1
    assert info["meters"] == info["meters_answering"] == 2
    assert info["pid"] > 0


async def test_cycle_longer_than_the_period(
    hass: HomeAssistant, bus: SimulatedBus, create_entry: CreateEntry
) -> None:
    """One issue tells by how much."""
    for meter in bus.meters:
        meter.quirks.response_delay = 0.2
    entry = await create_entry(1, 2, options={"period": 1000})

    issue = ir.async_get(hass).async_get_issue(
        DOMAIN, f"cycle_too_long_{entry.entry_id}"
    )
    assert issue is not None
    assert issue.translation_placeholders is not None
    # At least five exchanges with 0.2 s each.
    assert float(issue.translation_placeholders["duration"]) >= 1.0
    assert int(issue.translation_placeholders["load"]) >= 100

    assert await hass.config_entries.async_unload(entry.entry_id)
    assert ir.async_get(hass).async_get_issue(DOMAIN, issue.issue_id) is None


@pytest.fixture
async def backup_options(bus: SimulatedBus, port: int) -> dict[str, Any]:
    """Return the options of a connection that has a second gateway to the same bus."""
    return {
        CONF_BACKUP: {
            CONF_TYPE: TYPE_TCP,
            CONF_HOST: "127.0.0.1",
            CONF_PORT: await bus.serve_tcp(),
            CONF_BAUD_RATE: 2400,
        }
    }


async def test_figures_before_anything_was_read(
    hass: HomeAssistant, create_entry: CreateEntry
) -> None:
    """How long polling takes is not known after a reload, here for enabling entities: it reads nothing early."""
    entry = await create_entry(2)
    keys = [f"{entry.entry_id}_{key}" for key in ("poll_duration", "bus_load")]
    for key in keys:
        er.async_get(hass).async_update_entity(
            entity_of(hass, Platform.SENSOR, key), disabled_by=None
        )
    await let_poll(hass, 31)
    assert [state_of(hass, key) for key in keys] == [STATE_UNKNOWN] * 2

    await let_poll(hass, 301)

    assert all(float(state_of(hass, key)) > 0 for key in keys)


async def test_backup_takes_over_and_gives_back(
    hass: HomeAssistant,
    bus: SimulatedBus,
    create_entry: CreateEntry,
    backup_options: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Values go on within a period when the master gateway dies, and the master is used again later."""
    monkeypatch.setattr("custom_components.mbus.protocol.master.ways.BACK_OFF", (0.0,))
    entry = await create_entry(1, 2, options=backup_options)
    actual = f"{entry.entry_id}_actual_connection"
    assert state_of(hass, actual) == "master"

    await bus.gateways[0].stop()
    await let_poll(hass, 301)
    assert state_of(hass, actual) == "backup"
    assert value_of(hass, entry, "meter1") != STATE_UNAVAILABLE
    assert value_of(hass, entry, "meter2") != STATE_UNAVAILABLE
    assert "refuses" in state_of(hass, f"{entry.entry_id}_last_error")

    await restart(bus)
    await let_poll(hass, 301)
    assert state_of(hass, actual) == "master"
    assert value_of(hass, entry, "meter1") != STATE_UNAVAILABLE
    assert caplog.text.count("takes over from") == 1
    assert caplog.text.count("is in use again") == 1


async def test_both_ways_down_at_setup(
    hass: HomeAssistant,
    bus: SimulatedBus,
    create_entry: CreateEntry,
    backup_options: dict[str, Any],
) -> None:
    """The setup is tried again, and says what is wrong with both."""
    entry = await create_entry(1, options=backup_options, setup=False)
    ports = [str(entry.data[CONF_PORT]), str(backup_options[CONF_BACKUP][CONF_PORT])]
    await bus.close()

    assert not await hass.config_entries.async_setup(entry.entry_id)

    assert entry.state is ConfigEntryState.SETUP_RETRY
    assert all(port in (entry.reason or "") for port in ports)


async def test_link_lost_later(
    hass: HomeAssistant,
    bus: SimulatedBus,
    create_entry: CreateEntry,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The entry stays loaded, says so, and recovers by itself."""
    monkeypatch.setattr("custom_components.mbus.protocol.master.ways.BACK_OFF", (0.0,))
    entry = await create_entry(1)
    actual = f"{entry.entry_id}_actual_connection"

    await bus.gateways[0].stop()
    await let_poll(hass, 301)
    assert entry.state is ConfigEntryState.LOADED
    assert value_of(hass, entry, "meter1") == STATE_UNAVAILABLE
    assert state_of(hass, "meter1_binding_state") == "no_connection"
    assert state_of(hass, actual) == "none"
    last_error = hass.states.get("sensor.cellar_last_error")
    assert last_error
    assert "127.0.0.1" in last_error.state
    since = last_error.last_changed - last_error.attributes["time"]
    assert timedelta() <= since < timedelta(seconds=5)

    await restart(bus)
    await let_poll(hass, 301)
    assert value_of(hass, entry, "meter1") != STATE_UNAVAILABLE
    assert state_of(hass, actual) == "tcp"


async def test_before_anything_happened(
    hass: HomeAssistant, port: int, create_entry: CreateEntry
) -> None:
    """A connection without meters says that it runs, over what, and that nothing was wrong; after a reload, too."""
    entry = await create_entry()
    for _ in range(2):
        polling = hass.states.get("switch.cellar_polling")
        assert polling
        assert polling.state == STATE_ON
        assert state_of(hass, f"{entry.entry_id}_last_error") == "none"
        over = hass.states.get("sensor.cellar_connected_over")
        assert over
        assert over.state == "tcp"
        assert over.attributes["way"] == f"127.0.0.1:{port}"
        await hass.config_entries.async_reload(entry.entry_id)


async def test_figures_of_the_connection(
    hass: HomeAssistant, bus: SimulatedBus, create_entry: CreateEntry
) -> None:
    """Requests, failures and memory are counted, the master connection is named."""
    entry = await create_entry(1, 2)
    prefix = entry.entry_id
    for key in ("requests", "failures", "memory_in_use", "master_connection"):
        er.async_get(hass).async_update_entity(
            entity_of(hass, Platform.SENSOR, f"{prefix}_{key}"), disabled_by=None
        )
    await let_poll(hass, 31)
    await let_poll(hass, 301)

    assert int(state_of(hass, f"{prefix}_requests")) == len(
        entry.runtime_data.connection.trace
    )
    assert state_of(hass, f"{prefix}_failures") == "0"
    assert float(state_of(hass, f"{prefix}_memory_in_use")) > 0
    assert state_of(hass, f"{prefix}_master_connection") == (
        f"127.0.0.1:{entry.data[CONF_PORT]}"
    )

    bus.meters.pop()
    await let_poll(hass, 301)
    assert state_of(hass, f"{prefix}_failures") == "1"


async def test_polling_over_a_serial_port(
    hass: HomeAssistant, bus: SimulatedBus, create_entry: CreateEntry
) -> None:
    """Values move from poll to poll, and go on after a restart of the connection."""
    entry = await create_entry(1, setup=False)
    hass.config_entries.async_update_entry(
        entry,
        data={
            CONF_NAME: "Cellar",
            CONF_TYPE: TYPE_SERIAL,
            CONF_PORT: await bus.serve_pty(),
            CONF_BAUD_RATE: 2400,
            CONF_PARITY: "E",
            CONF_DATA_BITS: 8,
            CONF_STOP_BITS: 1,
        },
    )
    assert await hass.config_entries.async_setup(entry.entry_id)
    for reload in (False, True, False):
        if reload:
            assert await hass.config_entries.async_reload(entry.entry_id)
        bus.requests.clear()
        await let_poll(hass, 301)
        assert bus.requests
        assert value_of(hass, entry, "meter1") != STATE_UNAVAILABLE
        assert state_of(hass, "meter1_binding_state") == "ok"
