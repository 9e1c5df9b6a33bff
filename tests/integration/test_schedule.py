"""Who is read when: nothing is lost by a failure, a reload or a link that comes and goes."""

import asyncio
from datetime import timedelta
from typing import Any

from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import EVENT_STATE_CHANGED, STATE_UNAVAILABLE, Platform
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import entity_registry as er
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_capture_events,
    async_fire_time_changed,
)

from custom_components.mbus.const import (
    CONF_ATTEMPTS,
    CONF_PERIOD,
    CONF_SHUTDOWN_TIMEOUT,
    CONF_TIMEOUT,
    DOMAIN,
)
from custom_components.mbus.polling import schedule
from custom_components.mbus.polling.connection import STOPPED_BY_USER
from tests.protocol.lines import frame_of
from tests.simulator import Fault, FrameMeter, SimulatedBus, is_request_for_data
from tests.simulator.gateway import Gateway

from .conftest import CreateEntry, let_poll
from .controls import bind_record, sensor_of, state_of as state_told
from .test_connection import restart, state_of, value_of

DAY = {CONF_PERIOD: 86_400_000}
PATIENT = {CONF_TIMEOUT: 3000, CONF_ATTEMPTS: 3, CONF_SHUTDOWN_TIMEOUT: 100}


@pytest.fixture(autouse=True)
def quick_back_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """Try a lost link again at once."""
    monkeypatch.setattr("custom_components.mbus.protocol.master.ways.BACK_OFF", (0.0,))
    monkeypatch.setattr(schedule, "_SOON", timedelta(seconds=0.01))


async def all_gone(gateway: Gateway) -> None:
    """Wait until nobody is connected to a gateway."""
    while gateway.connections:
        await asyncio.sleep(0.001)


async def test_closed_stays_closed(
    hass: HomeAssistant, bus: SimulatedBus, create_entry: CreateEntry
) -> None:
    """A reading in flight ends with its connection, and opens nothing behind it."""
    entry = await create_entry(1, 2, options=PATIENT)
    gateway = bus.gateways[0]
    bus.meters.clear()
    asked = bus.requests[-1]
    reading = asyncio.create_task(
        entry.runtime_data.coordinators["meter2"].async_read_now()
    )
    while bus.requests[-1] is asked:
        await asyncio.sleep(0.001)

    assert await hass.config_entries.async_unload(entry.entry_id)
    with pytest.raises(HomeAssistantError):
        await reading
    await hass.async_block_till_done(wait_background_tasks=True)
    await all_gone(gateway)
    assert await hass.config_entries.async_setup(entry.entry_id)
    assert gateway.connections == 1


async def test_closed_whatever_fails(
    hass: HomeAssistant,
    bus: SimulatedBus,
    create_entry: CreateEntry,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An unexpected exception in the middle of the setup leaves no link open."""
    entry = await create_entry(1, setup=False)
    gateway = bus.gateways[0]

    def fail(*_: Any) -> None:
        raise RuntimeError("a platform that can't be set up")

    with monkeypatch.context() as patch:
        patch.setattr(hass.config_entries, "async_forward_entry_setups", fail)
        assert not await hass.config_entries.async_setup(entry.entry_id)
    assert entry.state is ConfigEntryState.SETUP_ERROR
    await hass.async_block_till_done()
    await all_gone(gateway)

    assert await hass.config_entries.async_reload(entry.entry_id)
    assert gateway.connections == 1


async def test_one_reading_for_all_who_asked(
    hass: HomeAssistant, bus: SimulatedBus, create_entry: CreateEntry
) -> None:
    """Of five callers of a meter that fell silent, all are told so, after one round of attempts."""
    entry = await create_entry(2)
    bus.meters.clear()
    bus.requests.clear()
    coordinator = entry.runtime_data.coordinators["meter2"]

    answers = await asyncio.gather(
        *(coordinator.async_read_now() for _ in range(5)), return_exceptions=True
    )

    assert [type(answer) for answer in answers] == [HomeAssistantError] * 5
    assert len(bus.requests) == 2  # As many attempts as are set.


async def test_gateway_away_at_the_time_of_a_poll(
    hass: HomeAssistant, bus: SimulatedBus, create_entry: CreateEntry
) -> None:
    """A poll that put nothing on the wire was no poll: a daily meter is read when the link is back."""
    entry = await create_entry(1, 2, options=DAY)
    await bus.gateways[0].stop()
    bus.requests.clear()

    async_fire_time_changed(hass, dt_util.utcnow() + timedelta(days=1))
    while not (
        state_of(hass, "meter1_binding_state")
        == state_of(hass, "meter2_binding_state")
        == "no_connection"
    ):
        await asyncio.sleep(0.001)
    assert value_of(hass, entry, "meter1") == STATE_UNAVAILABLE
    await restart(bus)
    while STATE_UNAVAILABLE in {
        value_of(hass, entry, meter) for meter in ("meter1", "meter2")
    }:
        await asyncio.sleep(0.001)

    # Each was read once (the first has two telegrams), and both wait a day now.
    read = [request[2] for request in bus.requests if is_request_for_data(request)]
    assert sorted(read) == [1, 1, 2]
    bus.requests.clear()
    await let_poll(hass, 3600)
    assert not bus.requests


async def test_reload_during_the_first_cycle(
    hass: HomeAssistant, bus: SimulatedBus, create_entry: CreateEntry
) -> None:
    """What was not read before is read after it."""
    entry = await create_entry(1, 2, options=DAY, setup=False)
    bus.requests.clear()
    assert await hass.config_entries.async_setup(entry.entry_id)
    assert await hass.config_entries.async_reload(entry.entry_id)
    await let_poll(hass)

    for meter in ("meter1", "meter2"):
        assert value_of(hass, entry, meter) != STATE_UNAVAILABLE


async def test_reconfigured_after_the_link_broke(
    hass: HomeAssistant, bus: SimulatedBus, create_entry: CreateEntry
) -> None:
    """A daily meter that was due meanwhile is read at once over the new way."""
    entry = await create_entry(1, options=DAY)
    await bus.gateways[0].stop()
    async_fire_time_changed(hass, dt_util.utcnow() + timedelta(days=1))
    while state_of(hass, "meter1_binding_state") != "no_connection":
        await asyncio.sleep(0.001)

    port = await bus.serve_tcp()
    hass.config_entries.async_update_entry(
        entry, data={**entry.data, "port": port}, unique_id=f"tcp:127.0.0.1:{port}"
    )
    await hass.async_block_till_done()
    # The time that is due is kept; the clock of this test did not move.
    await let_poll(hass, 86_401)
    assert value_of(hass, entry, "meter1") != STATE_UNAVAILABLE


async def test_noise_makes_no_gaps(
    hass: HomeAssistant, bus: SimulatedBus, create_entry: CreateEntry
) -> None:
    """With three answers of ten lost, a poll fails where all its attempts do, and the next has as many again."""
    options = {CONF_ATTEMPTS: 3, CONF_TIMEOUT: 50}
    entry = await create_entry(2, options=options)
    failed = []
    for poll in range(12):
        if poll in (3, 4):
            bus.faults.once(*[Fault.DROP] * 3)
        else:
            bus.faults.once(Fault.DROP, Fault.DROP)
        await let_poll(hass, 301)
        failed.append(value_of(hass, entry, "meter2") == STATE_UNAVAILABLE)
    assert [poll for poll, has_failed in enumerate(failed) if has_failed] == [3, 4]


async def test_polling_can_be_disabled_in_home_assistant(
    hass: HomeAssistant, bus: SimulatedBus, create_entry: CreateEntry
) -> None:
    """*Enable polling for changes* off: only who asks for a reading has one."""
    entry = await create_entry(2, setup=False)
    hass.config_entries.async_update_entry(entry, pref_disable_polling=True)
    bus.requests.clear()
    assert await hass.config_entries.async_setup(entry.entry_id)
    await let_poll(hass, 301)
    assert not bus.requests

    await entry.runtime_data.coordinators["meter2"].async_read_now()
    assert value_of(hass, entry, "meter2") != STATE_UNAVAILABLE


async def test_removed_while_it_is_read(
    hass: HomeAssistant, bus: SimulatedBus, create_entry: CreateEntry
) -> None:
    """Nothing of the meter is kept, and nothing is asked about it."""
    entry = await create_entry(1, 2, options=PATIENT | {CONF_TIMEOUT: 50})
    bus.meters.pop()
    runtime = entry.runtime_data
    asked = bus.requests[-1]
    reading = asyncio.create_task(runtime.coordinators["meter2"].async_read())
    while bus.requests[-1] is asked:
        await asyncio.sleep(0.001)
    hass.config_entries.async_remove_subentry(entry, "meter2")
    await reading
    await hass.async_block_till_done(wait_background_tasks=True)

    assert runtime.store.reading("meter2") is None
    assert runtime.store.due("meter2") is None


async def test_one_line_for_the_connection(
    hass: HomeAssistant,
    bus: SimulatedBus,
    create_entry: CreateEntry,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A lost link and a reload say nothing of each meter."""
    entry = await create_entry(1, 2)
    caplog.clear()
    await bus.gateways[0].stop()
    async_fire_time_changed(hass, dt_util.utcnow() + timedelta(seconds=301))
    while state_of(hass, "meter2_binding_state") != "no_connection":
        await asyncio.sleep(0.001)
    await restart(bus)
    while state_of(hass, "meter2_binding_state") != "ok":
        await asyncio.sleep(0.001)
    assert await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done()

    told = [
        record
        for record in caplog.records
        if record.name.startswith("custom_components.mbus")
        and record.levelname in ("ERROR", "WARNING", "INFO")
    ]
    assert [record.levelname for record in told] == ["ERROR", "INFO"]
    assert "no connection to the bus" in told[0].message
    assert "is back" in told[1].message


async def test_what_a_meter_says_while_it_cannot_be_heard(
    hass: HomeAssistant, bus: SimulatedBus, create_entry: CreateEntry
) -> None:
    """Its status is not the last one; when it was read last is known, also after a reload."""
    entry = await create_entry(2)
    last_read = state_of(hass, "meter2_last_read")
    await bus.gateways[0].stop()
    async_fire_time_changed(hass, dt_util.utcnow() + timedelta(seconds=301))
    while state_of(hass, "meter2_binding_state") != "no_connection":
        await asyncio.sleep(0.001)
    assert state_of(hass, "meter2_status") == STATE_UNAVAILABLE
    problem = er.async_get(hass).async_get_entity_id(
        Platform.BINARY_SENSOR, DOMAIN, "meter2_problem"
    )
    assert problem
    state = hass.states.get(problem)
    assert state
    assert state.state == STATE_UNAVAILABLE
    assert state_of(hass, "meter2_last_read") == last_read

    await restart(bus)
    while state_of(hass, "meter2_binding_state") != "ok":
        await asyncio.sleep(0.001)
    last_read = state_of(hass, "meter2_last_read")
    assert await hass.config_entries.async_reload(entry.entry_id)
    assert state_of(hass, "meter2_last_read") == last_read


async def test_damaged_replies_are_no_silence(
    hass: HomeAssistant, bus: SimulatedBus, create_entry: CreateEntry
) -> None:
    """They are a state of their own."""
    await create_entry(2)
    bus.faults.chances[Fault.CORRUPT] = 1.0
    await let_poll(hass, 301)
    assert state_of(hass, "meter2_binding_state") == "no_sound_reply"


async def test_disabled_binding_has_no_error(
    hass: HomeAssistant, bus: SimulatedBus, create_entry: CreateEntry
) -> None:
    """What nobody wants to see can't be missing."""
    entry = await create_entry(2, setup=False)
    subentry = entry.subentries["meter2"]
    bindings = list(subentry.data["bindings"])
    lost = {**bindings[-1], "id": "lost", "name": "lost", "telegram": 1}
    hass.config_entries.async_update_subentry(
        entry, subentry, data={**subentry.data, "bindings": [*bindings, lost]}
    )
    er.async_get(hass).async_get_or_create(
        Platform.SENSOR,
        DOMAIN,
        "lost",
        config_entry=entry,
        disabled_by=er.RegistryEntryDisabler.USER,
    )
    assert await hass.config_entries.async_setup(entry.entry_id)
    await let_poll(hass)
    assert state_of(hass, "meter2_binding_state") == "ok"


async def fall_silent(hass: HomeAssistant, *meters: str) -> None:
    """Let polls come due until these meters are told that there is no connection."""
    async_fire_time_changed(hass, dt_util.utcnow() + timedelta(seconds=301))
    while {state_of(hass, f"{meter}_binding_state") for meter in meters} != {
        "no_connection"
    }:
        await asyncio.sleep(0.001)


def change(hass: HomeAssistant, entry: MockConfigEntry, **changes: Any) -> None:
    """Change what is stored of the meter at 2."""
    subentry = entry.subentries["meter2"]
    hass.config_entries.async_update_subentry(
        entry, subentry, data={**subentry.data, **changes}
    )


async def test_outage_that_a_person_met_first(
    hass: HomeAssistant, bus: SimulatedBus, create_entry: CreateEntry
) -> None:
    """A meter read on demand only has nothing overdue; the polls go on by themselves all the same."""
    entry = await create_entry(1, 2, options={CONF_ATTEMPTS: 1})
    change(hass, entry, on_demand=True)
    await hass.async_block_till_done()
    await bus.gateways[0].stop()
    with pytest.raises(HomeAssistantError):
        await entry.runtime_data.coordinators["meter2"].async_read_now()
    await fall_silent(hass, "meter1")

    await restart(bus)
    while state_of(hass, "meter1_binding_state") != "ok":
        await asyncio.sleep(0.001)


async def test_outage_that_a_person_ended(
    hass: HomeAssistant,
    bus: SimulatedBus,
    create_entry: CreateEntry,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What is overdue is read when somebody's reading found the link back."""
    entry = await create_entry(1, 2, options={CONF_ATTEMPTS: 1})
    await bus.gateways[0].stop()
    monkeypatch.setattr(schedule, "_SOON", timedelta(hours=1))
    await fall_silent(hass, "meter1", "meter2")
    await restart(bus)
    await entry.runtime_data.coordinators["meter1"].async_read_now()
    while state_of(hass, "meter2_binding_state") != "ok":
        await asyncio.sleep(0.001)


async def test_disabled_polling_in_an_outage(
    hass: HomeAssistant, bus: SimulatedBus, create_entry: CreateEntry
) -> None:
    """Who asked in vain has to ask again."""
    entry = await create_entry(2, setup=False)
    hass.config_entries.async_update_entry(entry, pref_disable_polling=True)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await bus.gateways[0].stop()
    with pytest.raises(HomeAssistantError):
        await entry.runtime_data.coordinators["meter2"].async_read_now()
    await restart(bus)
    bus.requests.clear()
    await let_poll(hass, 3600)
    assert not bus.requests


async def test_stopping_does_not_heal_a_silent_meter(
    hass: HomeAssistant, bus: SimulatedBus, create_entry: CreateEntry
) -> None:
    """What was wrong with it before is wrong after, until it is read."""
    entry = await create_entry(2, options={CONF_TIMEOUT: 50})
    bus.meters.clear()
    await let_poll(hass, 301)
    assert state_of(hass, "meter2_binding_state") == "unavailable_address"
    entry.runtime_data.async_stop(STOPPED_BY_USER)
    assert state_of(hass, "meter2_binding_state") == "shutdown"
    entry.runtime_data.async_start()
    assert state_of(hass, "meter2_binding_state") == "unavailable_address"
    assert value_of(hass, entry, "meter2") == STATE_UNAVAILABLE


@pytest.mark.parametrize(
    "changes",
    [
        {"address": 3},
        {"identity": {"identification": "00000003", "manufacturer": "SIM"}},
    ],
)
async def test_moved_or_adopted_meter_is_read_at_once(
    hass: HomeAssistant,
    bus: SimulatedBus,
    create_entry: CreateEntry,
    changes: dict[str, Any],
) -> None:
    """A daily one too, and one that was never read before."""
    entry = await create_entry(2, options=DAY, setup=False)
    (water,) = (meter for meter in bus.meters if meter.address == 2)
    water.identification = "99999999"
    assert await hass.config_entries.async_setup(entry.entry_id)
    await let_poll(hass)
    assert value_of(hass, entry, "meter2") == STATE_UNAVAILABLE
    water.identification = "00000003"
    if "address" in changes:
        stored = entry.subentries["meter2"].data["identity"]["identification"]
        water.identification, water.address = stored, 3
    change(hass, entry, **changes)
    while value_of(hass, entry, "meter2") == STATE_UNAVAILABLE:
        await asyncio.sleep(0.001)


@pytest.mark.parametrize("is_answered", [True, False])
async def test_moved_while_it_is_read(
    hass: HomeAssistant,
    bus: SimulatedBus,
    create_entry: CreateEntry,
    is_answered: bool,
) -> None:
    """What comes from where it was is not its reading, nor is silence there; it is read at once where it is."""
    there, here = (
        FrameMeter([frame_of(f"08 {address:02X} 78 0C 13 {data}")], address)
        for address, data in ((2, "00 90 00 00"), (3, "00 01 00 00"))
    )
    bus.meters = [there]
    entry = await create_entry(2, options=DAY | PATIENT)
    sensor = sensor_of(hass, await bind_record(hass, entry, there, "0C 13", "R"))
    assert sensor
    assert state_told(hass, sensor) == "9.0"
    there = FrameMeter([frame_of("08 02 78 0C 13 01 90 00 00")], 2)
    bus.meters = [there, here] if is_answered else [here]
    bus.requests.clear()
    seen = async_capture_events(hass, EVENT_STATE_CHANGED)
    bus.faults.once(Fault.DROP)

    coordinator = entry.runtime_data.coordinators["meter2"]
    reading = hass.async_create_task(coordinator.async_read_now())
    while not bus.requests:
        await asyncio.sleep(0.001)
    change(hass, entry, address=3)

    assert [telegram.address for telegram in (await reading).telegrams] == [3]
    await hass.async_block_till_done(wait_background_tasks=True)
    shown = [
        one.data["new_state"].state for one in seen if one.data["entity_id"] == sensor
    ]
    assert "9.001" not in shown
    assert STATE_UNAVAILABLE not in shown
    assert shown[-1] == "0.1"


async def test_meter_whose_bindings_were_all_removed(
    hass: HomeAssistant, bus: SimulatedBus, create_entry: CreateEntry
) -> None:
    """Its reading still counts: records that are chosen again have values at once, and it has a status."""
    entry = await create_entry(2, options=DAY)
    bindings = entry.subentries["meter2"].data["bindings"]
    change(hass, entry, bindings=[])
    await hass.async_block_till_done()
    assert state_of(hass, "meter2_status") == "ok"
    bus.requests.clear()
    change(hass, entry, bindings=bindings)
    await hass.async_block_till_done()
    assert value_of(hass, entry, "meter2") != STATE_UNAVAILABLE
    assert not bus.requests
