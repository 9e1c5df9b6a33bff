"""What outlives a kill: written in time, and whatever is wrong with it costs nothing else."""

import asyncio
from contextlib import AsyncExitStack
from copy import deepcopy
from datetime import timedelta
import json
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.components.recorder.const import (
    EVENT_RECORDER_5MIN_STATISTICS_GENERATED,
)
from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import STATE_UNAVAILABLE
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import async_fire_time_changed

from custom_components.mbus.const import CONF_BINDINGS, CONF_PERIOD, DOMAIN
from custom_components.mbus.diagnostics import async_get_config_entry_diagnostics
from custom_components.mbus.meters.binding import BindingState
from tests.simulator import SimulatedBus, is_request_for_data
from tests.simulator.records import integer

from .conftest import CreateEntry, let_poll
from .meter_dialogs import configure_meter
from .test_connection import state_of, value_of
from .test_guards import ENERGY, POWER, VOLUME, Meter

BOUND = "id of a binding"
INTEGRATION = {"type": "integration", "id": "sum", "time_unit": "h"}


IMPORT: dict[str, Any] = {
    "binding_id": BOUND,
    "frames": [],
    "time": "2026-01-01T00:00:00+00:00",
}
SEAM: dict[str, Any] = {
    "binding_id": BOUND,
    "before": 1.0,
    "difference": 1.0,
    "unit": "kWh",
    "since": "2026-01-01T00:00:00+00:00",
}


@pytest.fixture
async def meter(bus: SimulatedBus) -> Meter:
    """Return a meter at 7 that sends energy and volume."""
    meter = Meter(7, ENERGY, VOLUME, identification="12345678")
    bus.meters.append(meter)
    return meter


async def pass_time(hass: HomeAssistant, seconds: float) -> None:
    """Let the timers of this time run out, once."""
    async_fire_time_changed(hass, dt_util.utcnow() + timedelta(seconds=seconds))
    await hass.async_block_till_done(wait_background_tasks=True)


async def test_written_within_a_minute(
    hass: HomeAssistant,
    bus: SimulatedBus,
    create_entry: CreateEntry,
    hass_storage: dict[str, Any],
) -> None:
    """A poll every few seconds does not put it off for ever."""
    entry = await create_entry(1, 2, options={CONF_PERIOD: 10_000})
    key = f"{DOMAIN}.{entry.entry_id}"
    hass_storage.pop(key, None)
    for second in range(10, 61, 10):
        assert key not in hass_storage
        await pass_time(hass, second + 0.5)

    assert hass_storage[key]["data"]["meters"].keys() == {"meter1", "meter2"}


async def test_nothing_is_written_after_the_end(
    hass: HomeAssistant,
    bus: SimulatedBus,
    create_entry: CreateEntry,
    hass_storage: dict[str, Any],
) -> None:
    """What an unloaded connection kept is neither put over what the next one kept, nor back after a removal."""
    entry = await create_entry(1)
    key = f"{DOMAIN}.{entry.entry_id}"
    assert await hass.config_entries.async_unload(entry.entry_id)
    hass_storage[key] = written = {"by": "another"}
    await pass_time(hass, 61)
    assert hass_storage[key] is written
    del hass_storage[key]

    assert await hass.config_entries.async_setup(entry.entry_id)
    await let_poll(hass)
    await hass.config_entries.async_remove(entry.entry_id)
    await pass_time(hass, 61)
    assert key not in hass_storage


async def test_nothing_is_written_after_a_setup_that_failed(
    hass: HomeAssistant,
    bus: SimulatedBus,
    create_entry: CreateEntry,
    hass_storage: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The next attempt has the file for itself."""
    entry = await create_entry(1)
    key = f"{DOMAIN}.{entry.entry_id}"
    assert await hass.config_entries.async_unload(entry.entry_id)

    def fail(*_: Any) -> None:
        raise RuntimeError("a platform that can't be set up")

    with monkeypatch.context() as patch:
        patch.setattr(hass.config_entries, "async_forward_entry_setups", fail)
        assert not await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    hass_storage[key] = written = {"by": "another"}
    await pass_time(hass, 61)
    assert hass_storage[key] is written


@pytest.mark.parametrize(
    "damage",
    [
        {"frames": ["68 not hex"]},
        {"frames": ["6803036808017278"]},
        {"frames": [7]},
        {"time": "yesterday"},
        {"time": "2026-13-45T00:00:00+00:00"},
        {"time": "9999-12-31T23:59:59+00:00"},
        {"time": "2026-11-25T10:00:00"},
        {"time": "2026-13-45T00:00:00+00:00", "due": "2026-13-45T00:00:00+00:00"},
        {"frames": 7},
        {"frames": True, "due": "9999-12-31T23:59:59+00:00"},
        {"frames": ["6803036808017278"], "time": 5},
    ],
)
async def test_kept_reading_that_cannot_be_read(
    hass: HomeAssistant,
    bus: SimulatedBus,
    create_entry: CreateEntry,
    hass_storage: dict[str, Any],
    damage: dict[str, Any],
) -> None:
    """The meter is simply read again; the other's is there."""
    entry = await create_entry(1, 2)
    value = value_of(hass, entry, "meter1")
    assert await hass.config_entries.async_unload(entry.entry_id)
    stored = hass_storage[f"{DOMAIN}.{entry.entry_id}"]["data"]["meters"]
    stored["meter2"].update(damage)

    assert await hass.config_entries.async_setup(entry.entry_id)
    assert value_of(hass, entry, "meter1") == value
    assert value_of(hass, entry, "meter2") == STATE_UNAVAILABLE
    await let_poll(hass, 301)
    assert value_of(hass, entry, "meter2") != STATE_UNAVAILABLE


@pytest.mark.parametrize(
    "stored",
    [
        {"version": 99, "minor_version": 1, "data": {"shape": "of the future"}},
        {"version": 1, "minor_version": 2, "data": {"running": True}},
        {"version": 1, "minor_version": 2, "data": {"meters": [1], "running": True}},
        {"version": 1, "minor_version": 1, "data": {"meters": {"a": 1}}},
    ],
)
async def test_store_of_another_release(
    hass: HomeAssistant,
    bus: SimulatedBus,
    create_entry: CreateEntry,
    hass_storage: dict[str, Any],
    caplog: pytest.LogCaptureFixture,
    stored: dict[str, Any],
) -> None:
    """The entry loads, says so once, and the file stays as it was."""
    entry = await create_entry(1, setup=False)
    key = f"{DOMAIN}.{entry.entry_id}"
    hass_storage[key] = {"key": key, **stored}
    before = {**hass_storage[key]}

    assert await hass.config_entries.async_setup(entry.entry_id)
    await let_poll(hass)
    assert value_of(hass, entry, "meter1") != STATE_UNAVAILABLE
    assert await hass.config_entries.async_unload(entry.entry_id)
    assert hass_storage[key] == before
    assert caplog.text.count("is left as it is") == 1


async def test_newer_minor_version_is_read(
    hass: HomeAssistant,
    bus: SimulatedBus,
    create_entry: CreateEntry,
    hass_storage: dict[str, Any],
) -> None:
    """It only holds more."""
    entry = await create_entry(1)
    value = value_of(hass, entry, "meter1")
    assert await hass.config_entries.async_unload(entry.entry_id)
    hass_storage[f"{DOMAIN}.{entry.entry_id}"]["minor_version"] = 7
    assert await hass.config_entries.async_setup(entry.entry_id)
    assert value_of(hass, entry, "meter1") == value


IMPORT = {"binding_id": BOUND, "frames": [], "time": "2026-11-25T10:00:00+00:00"}
BEGUN = {
    "start": "2026-11-25T10:00:00+00:00",
    "sum": 0.0,
    "shift": 5.0,
    "last": "2026-11-01T10:00:00+00:00",
}
SEAM = {
    "binding_id": BOUND,
    "before": 1.0,
    "difference": 1.0,
    "unit": "kWh",
    "since": "2026-11-25T10:00:00+00:00",
}


@pytest.mark.parametrize(
    "notes",
    [
        {"seams": 7, "imports": "x"},
        {"seams": [7, {}, {"binding_id": BOUND}], "imports": [7, {}]},
        {"imports": [{"binding_id": BOUND, "frames": [], "time": "", "shift": 1.0}]},
        {"imports": [IMPORT | {"time": 7}, IMPORT | {"frames": [7]}]},
        {"imports": [IMPORT | {"binding_id": []}, IMPORT | {"time": "2026-11-25"}]},
        {"imports": [IMPORT | BEGUN | {"start": "soon"}]},
        {"imports": [IMPORT | BEGUN | {"start": "2026-11-25T10:00:00"}]},
        {
            "imports": [
                IMPORT | BEGUN | {"shift": "far"},
                IMPORT | BEGUN | {"sum": None},
            ]
        },
        {"imports": [IMPORT | BEGUN | {"shift": float("nan")}]},
        {"imports": [IMPORT | BEGUN | {"last": 5}]},
        {"seams": [SEAM | {"since": "long ago"}, SEAM | {"before": "much"}]},
        {"seams": [SEAM | {"since": "2026-13-45T00:00:00+00:00"}]},
        {"imports": [IMPORT | {"time": "2026-13-45T00:00:00+00:00"}]},
        {"exchanged": {"meter1": "2026-13-45T00:00:00+00:00"}},
        {"exchanged": [7], "taken": [7], "silent": {"meter1": 7}},
        {"exchanged": {"meter1": 7}, "taken": {"meter1": "x"}, "silent": [7, []]},
        {"imports": [{"binding_id": BOUND, "frames": [7], "time": 7}]},
        {"imports": [IMPORT | {"start": 7, "sum": "7", "shift": None, "last": ""}]},
        {"seams": [SEAM | {"since": 7}], "exchanged": None, "taken": 7},
        {"seams": [SEAM | {"start": "", "sum": None}], "exchanged": {"meter1": 7}},
        {"taken": {"meter1": {"frames": None}}, "exchanged": {"meter1": "noon"}},
    ],
)
async def test_notes_of_another_release(
    hass: HomeAssistant,
    bus: SimulatedBus,
    create_entry: CreateEntry,
    hass_storage: dict[str, Any],
    caplog: pytest.LogCaptureFixture,
    notes: dict[str, Any],
) -> None:
    """What is noted in another way for the statistics keeps nobody from reading meters, now or when they are counted."""
    entry = await create_entry(1)
    value = value_of(hass, entry, "meter1")
    assert await hass.config_entries.async_unload(entry.entry_id)
    bound = entry.subentries["meter1"].data[CONF_BINDINGS][0]["id"]
    notes = json.loads(json.dumps(notes).replace(BOUND, bound))
    hass_storage[f"{DOMAIN}.{entry.entry_id}"]["data"].update(notes)

    assert await hass.config_entries.async_setup(entry.entry_id)
    assert value_of(hass, entry, "meter1") == value
    hass.bus.async_fire(EVENT_RECORDER_5MIN_STATISTICS_GENERATED)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert "Traceback" not in caplog.text
    kept = entry.runtime_data.store.notes
    assert (kept.seams, kept.imports, kept.taken) == ([], [], {})
    assert kept.exchanged("meter1") is None
    assert not kept.is_silent("meter1")


async def test_deleted_while_the_connection_is_not_set_up(
    hass: HomeAssistant,
    bus: SimulatedBus,
    create_entry: CreateEntry,
    hass_storage: dict[str, Any],
) -> None:
    """Nothing stays stored of a meter or a binding that is gone."""
    entry = await create_entry(1, 2)
    await let_poll(hass, 301)
    assert await hass.config_entries.async_unload(entry.entry_id)
    first = entry.subentries["meter1"]
    gone, *left = first.data[CONF_BINDINGS]
    hass.config_entries.async_update_subentry(
        entry, first, data={**first.data, CONF_BINDINGS: left}
    )
    deleted = {gone["id"]} | {
        binding["id"] for binding in entry.subentries["meter2"].data[CONF_BINDINGS]
    }
    stored = hass_storage[f"{DOMAIN}.{entry.entry_id}"]["data"]
    assert deleted & stored["memory"].keys()
    hass.config_entries.async_remove_subentry(entry, "meter2")

    assert await hass.config_entries.async_setup(entry.entry_id)
    assert await hass.config_entries.async_unload(entry.entry_id)
    stored = hass_storage[f"{DOMAIN}.{entry.entry_id}"]["data"]
    assert [*stored["meters"]] == ["meter1"]
    assert not deleted & stored["memory"].keys()


def each(**damage: Any) -> dict[str, Any]:
    """Return what a binding remembers, each of its steps with the same damage to its state."""
    state = {"time": 1.0, "value": 1.0, "total": 1.0} | damage
    steps = ("sum", "damp", "rate")
    return {
        BOUND: {
            "steps": {
                key: {"origin": f"origin of {key}", "state": state} for key in steps
            }
        }
    }


@pytest.mark.parametrize(
    "memory",
    [
        None,
        7,
        {BOUND: None},
        {BOUND: {"steps": [1], "total": 7}},
        {BOUND: {"steps": {"sum": None, "rate": {}, "damp": {"state": 7}}}},
        {BOUND: {"total": {"total": "x", "fallen": [1]}}},
        {
            BOUND: {
                "steps": {"sum": {"origin": "origin of sum", "state": {"time": 1.0}}}
            }
        },
        each(time="noon"),
        each(time=[1]),
        each(value="x"),
        each(value=None),
        each(value=True),
        each(total="1"),
        each(total=None),
        each(period="1"),
    ],
)
async def test_memory_of_another_release(
    hass: HomeAssistant,
    bus: SimulatedBus,
    meter: Meter,
    create_entry: CreateEntry,
    hass_storage: dict[str, Any],
    caplog: pytest.LogCaptureFixture,
    memory: Any,
) -> None:
    """A step whose memory can't be read begins anew, and works from then on; it is said once."""
    entry = await create_entry(7, setup=False)
    subentry = entry.subentries["meter7"]
    bound, *others = subentry.data[CONF_BINDINGS]
    steps = [
        {"type": "integration", "id": "sum", "time_unit": "h"},
        {"type": "damper", "id": "damp", "lag": 60},
        {"type": "derivative", "id": "rate", "time_unit": "h"},
    ]
    changed = [{**bound, "transformations": steps}, *others]
    hass.config_entries.async_update_subentry(
        entry, subentry, data={**subentry.data, CONF_BINDINGS: changed}
    )
    assert await hass.config_entries.async_setup(entry.entry_id)
    await let_poll(hass)
    await let_poll(hass, 301)
    assert await hass.config_entries.async_unload(entry.entry_id)
    stored = hass_storage[f"{DOMAIN}.{entry.entry_id}"]["data"]
    origins = {
        f"origin of {key}": step["origin"]
        for key, step in stored["memory"][bound["id"]]["steps"].items()
    }
    damaged = json.dumps(memory).replace(BOUND, bound["id"])
    for placeholder, origin in origins.items():
        damaged = damaged.replace(placeholder, origin)
    stored["memory"] = json.loads(damaged)

    assert await hass.config_entries.async_setup(entry.entry_id)
    await let_poll(hass, 301)
    await let_poll(hass, 301)
    results = entry.runtime_data.coordinators["meter7"].data.results
    assert {result.state for result in results.values()} == {"ok"}
    assert caplog.text.count("begin anew") == 1
    assert "Traceback" not in caplog.text


async def test_bindings_of_another_release(
    hass: HomeAssistant,
    bus: SimulatedBus,
    meter: Meter,
    create_entry: CreateEntry,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """What is not known is passed over, and stays stored."""
    entry = await create_entry(7, setup=False)
    subentry = entry.subentries["meter7"]
    first, second = subentry.data["bindings"]
    bindings = [
        {**first, "presentation": {"colour": "green"}},
        {**second, "access": "X"},
    ]
    hass.config_entries.async_update_subentry(
        entry, subentry, data={**subentry.data, "bindings": bindings}
    )
    assert await hass.config_entries.async_setup(entry.entry_id)
    await let_poll(hass)
    assert entry.state is ConfigEntryState.LOADED
    assert value_of(hass, entry, "meter7") == "12345"
    assert caplog.text.count("can't read 1 of its bindings") == 1
    assert entry.subentries["meter7"].data["bindings"] == bindings


async def test_adopted_meter_shows_nothing_of_the_old_one(
    hass: HomeAssistant,
    bus: SimulatedBus,
    meter: Meter,
    create_entry: CreateEntry,
) -> None:
    """Neither at once, nor after a reload with the new one silent, nor on demand only."""
    entry = await create_entry(7)
    assert value_of(hass, entry, "meter7") == "12345"
    bus.meters.clear()
    subentry = entry.subentries["meter7"]
    new = {**subentry.data["identity"], "identification": "87654321"}
    hass.config_entries.async_update_subentry(
        entry, subentry, data={**subentry.data, "identity": new, "on_demand": True}
    )
    await hass.async_block_till_done()
    assert value_of(hass, entry, "meter7") == STATE_UNAVAILABLE
    assert await hass.config_entries.async_reload(entry.entry_id)
    assert value_of(hass, entry, "meter7") == STATE_UNAVAILABLE

    bus.meters.append(Meter(7, VOLUME, ENERGY, identification="87654321"))
    await let_poll(hass, 301)
    assert value_of(hass, entry, "meter7") == STATE_UNAVAILABLE
    bus.meters = [Meter(7, ENERGY, VOLUME, identification="87654321")]
    await entry.runtime_data.coordinators["meter7"].async_read_now()
    assert value_of(hass, entry, "meter7") == "12345"


@pytest.mark.parametrize(
    ("key", "stored", "told"),
    [
        ("quirks", None, "its quirks"),
        ("quirks", {"reset": "sometimes"}, "its quirks"),
        ("quirks", {"initial_frames": [7]}, "its quirks"),
        ("bindings", None, "its bindings"),
        ("bindings", 7, "its bindings"),
        ("period", "often", "its period"),
        ("shortest_period", "weekly", "its shortest_period"),
    ],
)
async def test_part_of_a_meter_of_another_release(
    hass: HomeAssistant,
    bus: SimulatedBus,
    meter: Meter,
    create_entry: CreateEntry,
    caplog: pytest.LogCaptureFixture,
    key: str,
    stored: Any,
    told: str,
) -> None:
    """The rest is as it was, and nothing is put in its place."""
    entry = await create_entry(7, setup=False)
    subentry = entry.subentries["meter7"]
    data = {**subentry.data, key: stored}
    hass.config_entries.async_update_subentry(entry, subentry, data=data)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await let_poll(hass)
    await let_poll(hass, 301)
    reading = await entry.runtime_data.coordinators["meter7"].async_read_now()
    assert len(reading.telegrams[0].records) == 2
    if key != "bindings":
        assert value_of(hass, entry, "meter7") == "12345"
    assert caplog.text.count(f"can't read {told}, ") == 1
    assert entry.subentries["meter7"].data == data
    assert await async_get_config_entry_diagnostics(hass, entry)

    if key == "bindings" and stored is None:
        dialog = await configure_meter(hass, entry, "meter7", "choose_records")
        await dialog.wait()
        await dialog.submit({"records": ["0.0"]})
        await hass.async_block_till_done(wait_background_tasks=True)
        assert value_of(hass, entry, "meter7") == "12345"


@pytest.mark.parametrize(
    ("key", "stored"), [("address", {"bus": 1}), ("address", "?"), ("identity", 7)]
)
async def test_meter_of_another_release(
    hass: HomeAssistant,
    bus: SimulatedBus,
    meter: Meter,
    create_entry: CreateEntry,
    caplog: pytest.LogCaptureFixture,
    key: str,
    stored: Any,
) -> None:
    """Where it is and who it is have to be known: it is left out, and its dialog says so; the others are read."""
    entry = await create_entry(1, 7, setup=False)
    subentry = entry.subentries["meter7"]
    data = {**subentry.data, key: stored}
    hass.config_entries.async_update_subentry(entry, subentry, data=data)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await let_poll(hass)
    hass.config_entries.async_update_subentry(
        entry, entry.subentries["meter1"], title="Another title"
    )
    await hass.async_block_till_done()
    assert value_of(hass, entry, "meter1") != STATE_UNAVAILABLE
    assert entry.runtime_data.coordinators.keys() == {"meter1"}
    assert caplog.text.count("is left out: ") == 1
    assert "Traceback" not in caplog.text
    assert entry.subentries["meter7"].data == data
    dialog = await configure_meter(hass, entry, "meter7")
    assert dialog.result["reason"] == "meter_unreadable"

    hass.config_entries.async_remove_subentry(entry, "meter7")
    await hass.async_block_till_done()
    assert entry.state is ConfigEntryState.LOADED
    assert "Traceback" not in caplog.text


@pytest.mark.freeze_time("2026-01-10 12:01:00", tick=True, real_asyncio=True)
async def test_adopted_and_killed_at_once(
    hass: HomeAssistant,
    bus: SimulatedBus,
    create_entry: CreateEntry,
    hass_storage: dict[str, Any],
    freezer: FrozenDateTimeFactory,
) -> None:
    """A sum keeps all that the old meter gave it, up to the reading that nobody has written down yet."""
    bus.meters.append(Meter(7, POWER, identification="12345678"))
    entry = await create_entry(7, setup=False)
    subentry = entry.subentries["meter7"]
    (item,) = subentry.data[CONF_BINDINGS]
    summed = {**item, "transformations": [INTEGRATION]}
    hass.config_entries.async_update_subentry(
        entry, subentry, data={**subentry.data, CONF_BINDINGS: [summed]}
    )
    assert await hass.config_entries.async_setup(entry.entry_id)
    for _ in range(3):
        freezer.tick(300)
        await let_poll(hass, 301)
    total = float(value_of(hass, entry, "meter7"))
    assert total == pytest.approx(4.321 * 600 / 3600, rel=0.05)

    bus.meters[-1] = Meter(7, POWER, identification="87654321")
    adopted = {**subentry.data["identity"], "identification": "87654321"}
    hass.config_entries.async_update_subentry(
        entry,
        entry.subentries["meter7"],
        data={**entry.subentries["meter7"].data, "identity": adopted},
    )
    await hass.async_block_till_done()
    key = f"{DOMAIN}.{entry.entry_id}"
    written = deepcopy(hass_storage.get(key))
    assert await hass.config_entries.async_unload(entry.entry_id)
    hass_storage.pop(key)
    if written:
        hass_storage[key] = written

    assert await hass.config_entries.async_setup(entry.entry_id)
    await let_poll(hass)
    assert float(value_of(hass, entry, "meter7")) == total


async def test_total_of_the_old_meter_is_forgotten_for_good(
    hass: HomeAssistant,
    bus: SimulatedBus,
    meter: Meter,
    create_entry: CreateEntry,
) -> None:
    """Adopted while nothing ran, the new meter's total is held against no other, after a reload neither."""
    entry = await create_entry(7)
    await let_poll(hass, 301)
    assert await hass.config_entries.async_unload(entry.entry_id)
    subentry = entry.subentries["meter7"]
    new = {**subentry.data["identity"], "identification": "87654321"}
    hass.config_entries.async_update_subentry(
        entry, subentry, data={**subentry.data, "identity": new}
    )
    lower = integer("04 06", 12)
    bus.meters[-1] = Meter(7, lower, VOLUME, identification="87654321")

    assert await hass.config_entries.async_setup(entry.entry_id)
    await let_poll(hass, 301)
    assert value_of(hass, entry, "meter7") == "12"
    assert await hass.config_entries.async_reload(entry.entry_id)
    assert value_of(hass, entry, "meter7") == "12"


@pytest.mark.parametrize("is_waiting", [True, False])
async def test_adopted_while_a_poll_asks_for_the_old_meter(
    hass: HomeAssistant,
    bus: SimulatedBus,
    meter: Meter,
    create_entry: CreateEntry,
    is_waiting: bool,
) -> None:
    """That another meter answered is nothing of the one adopted meanwhile, which is read at once."""
    entry = await create_entry(7)
    (gateway,) = bus.gateways
    bus.meters = [Meter(7, integer("04 06", 5), VOLUME, identification="87654321")]
    connection = entry.runtime_data.connection
    subentry = entry.subentries["meter7"]
    identity = {**subentry.data["identity"], "identification": "87654321"}

    async with AsyncExitStack() as line:
        if is_waiting:
            await line.enter_async_context(connection.turn())
        else:
            gateway.latency = 0.1
        asked = len(bus.requests)
        async_fire_time_changed(hass, dt_util.utcnow() + timedelta(seconds=301))
        while not is_waiting and not any(
            map(is_request_for_data, bus.requests[asked:])
        ):
            await asyncio.sleep(0.001)
        hass.config_entries.async_update_subentry(
            entry, subentry, data={**subentry.data, "identity": identity}
        )
        await asyncio.sleep(0)
    async with asyncio.timeout(10):
        while value_of(hass, entry, "meter7") != "5":
            await asyncio.sleep(0.001)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert value_of(hass, entry, "meter7") == "5"
    assert state_of(hass, "meter7_binding_state") == BindingState.OK
    assert ir.async_get(hass).async_get_issue(DOMAIN, "other_meter_meter7") is None


async def test_reading_in_flight_of_a_meter_that_is_exchanged(
    hass: HomeAssistant,
    bus: SimulatedBus,
    meter: Meter,
    create_entry: CreateEntry,
) -> None:
    """What was asked of the old meter is nothing of the one that was adopted meanwhile, which is read at once."""
    entry = await create_entry(7)
    (gateway,) = bus.gateways
    gateway.latency = 0.1
    asked = len(bus.requests)
    async_fire_time_changed(hass, dt_util.utcnow() + timedelta(seconds=301))
    while len(bus.requests) == asked:
        await asyncio.sleep(0.001)
    subentry = entry.subentries["meter7"]
    identity = {**subentry.data["identity"], "identification": "87654321"}
    new = Meter(8, integer("04 06", 5), VOLUME, identification="87654321")
    bus.meters.append(new)
    hass.config_entries.async_update_subentry(
        entry, subentry, data={**subentry.data, "identity": identity, "address": 8}
    )
    seen = {value_of(hass, entry, "meter7")}
    while value_of(hass, entry, "meter7") != "5":
        seen.add(value_of(hass, entry, "meter7"))
        await asyncio.sleep(0.001)
    assert seen <= {"12345", STATE_UNAVAILABLE}
    await hass.async_block_till_done(wait_background_tasks=True)
    assert value_of(hass, entry, "meter7") == "5"


@pytest.mark.parametrize(
    "broken",
    [
        {"presentation": {"device_class": "warmth"}},
        {"presentation": None},
        {"transformations": [{"type": "scaling"}]},
        {"index": "first"},
    ],
)
async def test_binding_that_cannot_be_used(
    hass: HomeAssistant,
    bus: SimulatedBus,
    meter: Meter,
    create_entry: CreateEntry,
    broken: dict[str, Any],
) -> None:
    """It is left out; the others of the meter are there, and so is all that was stored."""
    entry = await create_entry(7, setup=False)
    subentry = entry.subentries["meter7"]
    first, second = subentry.data["bindings"]
    bindings = [first, {**second, **broken}]
    hass.config_entries.async_update_subentry(
        entry, subentry, data={**subentry.data, "bindings": bindings}
    )
    assert await hass.config_entries.async_setup(entry.entry_id)
    await let_poll(hass)
    assert value_of(hass, entry, "meter7") == "12345"
    assert entry.subentries["meter7"].data["bindings"] == bindings
