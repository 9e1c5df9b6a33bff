"""Adopting an exchanged meter makes no consumption: with the real recorder."""

import asyncio
from datetime import datetime, timedelta
import threading

from homeassistant.components.recorder import Recorder, get_instance
from homeassistant.core import HomeAssistant
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from tests.simulator.records import integer

from .conftest import CreateEntry, let_poll
from .meter_dialogs import configure_meter, suggested
from .recorder import compile_statistics, rows, window
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
