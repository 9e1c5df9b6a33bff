"""Adopting an exchanged meter makes no consumption: with the real recorder."""

import asyncio
from datetime import datetime, timedelta
import threading
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.components.recorder import (
    EVENT_RECORDER_5MIN_STATISTICS_GENERATED,
    Recorder,
    get_instance,
)
from homeassistant.const import Platform
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.components.recorder.common import (
    async_wait_recording_done,
)
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.mbus.const import CONF_BINDINGS, DOMAIN
from tests.simulator import Fault, SimulatedBus
from tests.simulator.records import integer

from .conftest import CreateEntry, let_poll
from .meter_dialogs import configure_meter, suggested
from .recorder import compile_statistics, count, rows, window
from .test_guards import Meter, fix, meter as meter_at_7, state_of

meter = meter_at_7
QUIRKS = {
    "reset": "before_each_read",
    "ignore_more_records": False,
    "pause": {"seconds": 0},
}
ENERGY = "sensor.sim_meter_12345678_energy"


@pytest.fixture(autouse=True)
def custom_integrations(
    recorder_mock: Recorder, enable_custom_integrations: None
) -> None:
    """Let Home Assistant record, which it must before anything else, and load the integration."""


@pytest.fixture
async def entry(meter: Meter, create_entry: CreateEntry) -> MockConfigEntry:
    """Return a connection whose history is recorded."""
    return await create_entry(7)


async def sums(hass: HomeAssistant, since: datetime) -> list[float]:
    """Return the sums of the energy's statistics, the oldest first."""
    return [
        row["sum"] for row in await rows(hass, ENERGY, "5minute", "sum", since=since)
    ]


async def test_adopted_while_the_recorder_is_busy(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    meter: Meter,
    hass_client: ClientSessionGenerator,
) -> None:
    """What was confirmed is stored at once, with what the form said: nobody waits for the recorder before."""
    await compile_statistics(hass, window())
    meter.identification = "87654321"
    meter.records[0] = integer("04 06", 20_000)
    await let_poll(hass, 301)
    shown = await fix(
        hass, hass_client, "other_meter_meter7", {"next_step_id": "adopt"}
    )
    assert shown["step_id"] == "adopt_seams"

    released = threading.Event()
    jobs = [get_instance(hass).async_add_executor_job(released.wait) for _ in range(50)]
    try:
        http = await hass_client()
        async with asyncio.timeout(10):
            response = await http.post(
                f"/api/repairs/issues/fix/{shown['flow_id']}", json={}
            )
            assert (await response.json())["type"] == "create_entry"
        stored = entry.subentries["meter7"].data["identity"]
        assert stored["identification"] == "87654321"
        (seam,) = entry.runtime_data.store.notes.seams
        assert seam["difference"] == 20_000 - 12_345
    finally:
        released.set()
        await asyncio.gather(*jobs)


@pytest.mark.parametrize("by_settings", [False, True])
@pytest.mark.parametrize("new_total", [20_000, 11_500, 3])
async def test_adopted_meter_makes_no_consumption(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    meter: Meter,
    hass_client: ClientSessionGenerator,
    new_total: int,
    by_settings: bool,
) -> None:
    """Whether the new meter's total is higher, a little lower or near zero; what it counts from then on is."""
    start = window()
    await compile_statistics(hass, start)

    meter.identification = "87654321"
    meter.records[0] = integer("04 06", new_total)
    await let_poll(hass, 301)
    if by_settings:
        meter.address = 8
        dialog = await configure_meter(hass, entry, "meter7", "meter_settings")
        form = suggested(dialog.result) | {"quirks": QUIRKS, "address": "8"}
        await dialog.submit(form)
        result = await dialog.wait()
        assert result["step_id"] == "exchanged"
        assert "- Energy: " in result["description_placeholders"]["seams"]
        result = await dialog.choose("adopt_meter")
        assert result["reason"] == "reconfigure_successful"
    else:
        result = await fix(
            hass, hass_client, "other_meter_meter7", {"next_step_id": "adopt"}, {}
        )
        assert result["type"] == "create_entry"
    await let_poll(hass, 301)
    assert state_of(hass, "energy") == str(new_total)
    assert entry.runtime_data.store.notes.seams

    later = start + timedelta(minutes=5)
    await compile_statistics(hass, later)
    assert not entry.runtime_data.store.notes.seams
    meter.records[0] = integer("04 06", new_total + 7)
    await let_poll(hass, 301)
    await compile_statistics(hass, later + timedelta(minutes=5))
    assert await sums(hass, start) == pytest.approx([0, 0, 7])


KEEPS_SUM = """
{% set kept = state or {"last": value, "sum": 1000} %}
{% set sum = kept.sum + [value - kept.last, 0] | max %}
{{ {"value": sum, "state": {"last": value, "sum": sum}} }}
"""


@pytest.mark.parametrize(
    ("vif", "step"),
    [
        ("2B", {"type": "integration", "time_unit": "h"}),
        ("06", {"type": "script", "template": KEEPS_SUM}),
    ],
)
async def test_chain_that_keeps_its_sum(
    hass: HomeAssistant,
    meter: Meter,
    create_entry: CreateEntry,
    hass_client: ClientSessionGenerator,
    vif: str,
    step: dict[str, Any],
) -> None:
    """It goes on from the sum it has, whichever meter is added up: there is no seam."""
    meter.records[0] = integer(f"04 {vif}", 12_345)
    entry = await create_entry(7, setup=False)
    subentry = entry.subentries["meter7"]
    bound, *others = subentry.data[CONF_BINDINGS]
    total = {"unit": "Wh", "device_class": "energy", "state_class": "total"}
    changed = {**bound, "transformations": [{**step, "id": "s"}], "presentation": total}
    hass.config_entries.async_update_subentry(
        entry, subentry, data={**subentry.data, CONF_BINDINGS: [changed, *others]}
    )
    assert await hass.config_entries.async_setup(entry.entry_id)
    await let_poll(hass)
    meter.records[0] = integer(f"04 {vif}", 12_349)
    await let_poll(hass, 301)
    await compile_statistics(hass, window())

    meter.identification = "87654321"
    meter.records[0] = integer(f"04 {vif}", 3)
    await let_poll(hass, 301)
    result = await fix(
        hass, hass_client, "other_meter_meter7", {"next_step_id": "adopt"}
    )
    assert result["step_id"] == "adopt"


@pytest.mark.parametrize("is_taken_out", [False, True])
async def test_killed_while_it_is_taken_out(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    meter: Meter,
    hass_client: ClientSessionGenerator,
    hass_storage: dict[str, Any],
    is_taken_out: bool,
) -> None:
    """What is to be taken out is stored with the new meter, and is taken out once, wherever a kill comes."""
    start = window()
    await compile_statistics(hass, start)
    meter.identification = "87654321"
    meter.records[0] = integer("04 06", 20_000)
    await let_poll(hass, 301)
    await fix(hass, hass_client, "other_meter_meter7", {"next_step_id": "adopt"}, {})
    await hass.async_block_till_done(wait_background_tasks=True)
    key = f"{DOMAIN}.{entry.entry_id}"
    (seam,) = hass_storage[key]["data"]["seams"]

    await let_poll(hass, 301)
    await count(hass, later := start + timedelta(minutes=5))
    assert await hass.config_entries.async_unload(entry.entry_id)
    begun = {**seam, "start": later.timestamp(), "sum": 7655.0}
    if is_taken_out:
        get_instance(hass).async_adjust_statistics(ENERGY, later, -7655, "kWh")
        await async_wait_recording_done(hass)
    assert await sums(hass, start) == pytest.approx([0, 0 if is_taken_out else 7655])

    hass_storage[key]["data"]["seams"] = [begun]
    assert await hass.config_entries.async_setup(entry.entry_id)
    hass.bus.async_fire(EVENT_RECORDER_5MIN_STATISTICS_GENERATED)
    await hass.async_block_till_done(wait_background_tasks=True)
    await async_wait_recording_done(hass)
    assert await sums(hass, start) == pytest.approx([0, 0])
    assert not entry.runtime_data.store.notes.seams


async def test_reload_while_it_is_looked_for(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    meter: Meter,
    hass_client: ClientSessionGenerator,
) -> None:
    """What the run before has not yet taken out is for the next one alone to take out."""
    start = window()
    await compile_statistics(hass, start)
    meter.identification = "87654321"
    meter.records[0] = integer("04 06", 20_000)
    await let_poll(hass, 301)
    await fix(hass, hass_client, "other_meter_meter7", {"next_step_id": "adopt"}, {})
    await let_poll(hass, 301)
    await count(hass, start + timedelta(minutes=5))
    read = threading.Event()
    readers = [get_instance(hass).async_add_executor_job(read.wait) for _ in range(50)]
    hass.bus.async_fire(EVENT_RECORDER_5MIN_STATISTICS_GENERATED)
    assert await hass.config_entries.async_reload(entry.entry_id)
    read.set()
    await asyncio.gather(*readers)
    await hass.async_block_till_done(wait_background_tasks=True)
    await async_wait_recording_done(hass)
    await compile_statistics(hass, start + timedelta(minutes=10))
    assert await sums(hass, start) == pytest.approx([0, 0, 0])
    assert not entry.runtime_data.store.notes.seams


@pytest.mark.parametrize("is_recorded", [False, True])
async def test_adopted_before_anything_was_counted(
    hass: HomeAssistant,
    create_entry: CreateEntry,
    meter: Meter,
    hass_client: ClientSessionGenerator,
    is_recorded: bool,
) -> None:
    """Of a sensor that was disabled so far nothing is to be taken out; what the recorder has, it will count."""
    registry = er.async_get(hass)
    entry = await create_entry(7, setup=False)
    registry.async_get_or_create(
        Platform.SENSOR,
        DOMAIN,
        entry.subentries["meter7"].data["bindings"][0]["id"],
        suggested_object_id=ENERGY.removeprefix("sensor."),
        config_entry=entry,
        config_subentry_id="meter7",
        disabled_by=None if is_recorded else er.RegistryEntryDisabler.USER,
    )
    assert await hass.config_entries.async_setup(entry.entry_id)
    await let_poll(hass)
    await async_wait_recording_done(hass)
    meter.identification = "87654321"
    meter.records[0] = integer("04 06", 20_000)
    await let_poll(hass, 301)
    shown = await fix(
        hass, hass_client, "other_meter_meter7", {"next_step_id": "adopt"}
    )
    assert shown["step_id"] == ("adopt_seams" if is_recorded else "adopt")
    await fix(hass, hass_client, "other_meter_meter7", {"next_step_id": "adopt"}, {})
    if not is_recorded:
        registry.async_update_entity(ENERGY, disabled_by=None)
        assert await hass.config_entries.async_reload(entry.entry_id)
    await let_poll(hass, 301)
    assert state_of(hass, "energy") == "20000"

    start = window()
    await compile_statistics(hass, start)
    meter.records[0] = integer("04 06", 20_007)
    await let_poll(hass, 301)
    await compile_statistics(hass, start + timedelta(minutes=5))
    assert await sums(hass, start) == pytest.approx([0, 7])
    assert not entry.runtime_data.store.notes.seams


class Stay:
    """Two meters that take each other's place at address 7."""

    def __init__(
        self,
        hass: HomeAssistant,
        bus: SimulatedBus,
        meter: Meter,
        hass_client: ClientSessionGenerator,
        freezer: FrozenDateTimeFactory,
    ) -> None:
        """Begin with the meter that is there, in a window that nothing of it is in."""
        self.hass, self.bus, self.meter, self.client = hass, bus, meter, hass_client
        self.freezer = freezer
        self.window = window()

    async def count(self) -> None:
        """Let the recorder count the present window, and go on in the next."""
        await compile_statistics(self.hass, self.window)
        self.window += timedelta(minutes=5)
        self.freezer.move_to(self.window)

    async def poll(self) -> None:
        """Read the meter, some seconds later."""
        self.freezer.tick(10)
        await let_poll(self.hass, 301)

    async def adopt(self, number: str, first: int, *, is_silent: bool = False) -> None:
        """Put the meter of that number there and adopt it; it may be silent from then on."""
        self.meter.identification = number
        self.meter.records[0] = integer("04 06", first)
        await self.poll()
        if is_silent:
            self.bus.faults.once(
                *[Fault.DROP] * 100,
                matches=lambda request: self.is_adopted and request[2] == 7,
            )
        await fix(
            self.hass,
            self.client,
            "other_meter_meter7",
            {"next_step_id": "adopt"},
            {},
        )
        self.bus.faults.clear()

    @property
    def is_adopted(self) -> bool:
        """Whether the meter that is there is the one that is configured."""
        (entry,) = self.hass.config_entries.async_entries(DOMAIN)
        stored = entry.subentries["meter7"].data["identity"]["identification"]
        return bool(stored == self.meter.identification)

    async def show(self, *values: int) -> None:
        """Have these read, one after another."""
        for value in values:
            self.meter.records[0] = integer("04 06", value)
            await self.poll()
            assert state_of(self.hass, "energy") == str(value)


@pytest.mark.freeze_time("2026-01-10 12:01:00", tick=True, real_asyncio=True)
@pytest.mark.parametrize("is_counted_between", [False, True])
@pytest.mark.parametrize("is_read", [False, True])
@pytest.mark.parametrize("total", [20_000, 12_000])
async def test_put_back(
    hass: HomeAssistant,
    bus: SimulatedBus,
    entry: MockConfigEntry,
    meter: Meter,
    hass_client: ClientSessionGenerator,
    freezer: FrozenDateTimeFactory,
    total: int,
    is_read: bool,
    is_counted_between: bool,
) -> None:
    """A meter that was away while another had its place: what either counted there is all that is counted."""
    began = window()
    stay = Stay(hass, bus, meter, hass_client, freezer)
    await stay.count()
    await stay.adopt("87654321", total, is_silent=not is_read)
    if is_read:
        await stay.show(total, total + 3)
    if is_counted_between:
        await stay.count()
    await stay.adopt("12345678", 12_345)
    await stay.show(12_345)
    await stay.count()
    await stay.show(12_352, 12_353)
    await stay.count()

    counted = await sums(hass, began)
    assert counted[-2:] == pytest.approx([3, 11] if is_read else [0, 8])
    assert not entry.runtime_data.store.notes.seams
