"""Adopting an exchanged meter makes no consumption: with the real recorder."""

from datetime import datetime, timedelta
from typing import Any

from homeassistant.components.recorder import Recorder
from homeassistant.components.recorder.const import (
    EVENT_RECORDER_5MIN_STATISTICS_GENERATED,
)
from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.components.recorder.common import (
    async_wait_recording_done,
    do_adhoc_statistics,
    statistics_during_period,
)
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from tests.simulator.records import integer

from .conftest import CreateEntry, let_poll
from .meter_dialogs import configure_meter, suggested
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


async def compile_statistics(hass: HomeAssistant, start: datetime) -> None:
    """Count five minutes, as the recorder does by its own clock."""
    await async_wait_recording_done(hass)
    await hass.async_add_executor_job(lambda: do_adhoc_statistics(hass, start=start))
    await async_wait_recording_done(hass)
    # Told only of what is counted by the recorder's own clock.
    hass.bus.async_fire(EVENT_RECORDER_5MIN_STATISTICS_GENERATED)
    await hass.async_block_till_done()
    for _ in range(2):
        await async_wait_recording_done(hass)


async def sums(hass: HomeAssistant, since: datetime) -> list[float]:
    """Return the sums of the energy's statistics, the oldest first."""
    rows: dict[str, list[dict[str, Any]]] = await hass.async_add_executor_job(
        lambda: statistics_during_period(
            hass, since, period="5minute", statistic_ids={ENERGY}, types={"sum"}
        )
    )
    return [row["sum"] for row in rows[ENERGY]]


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
    now = dt_util.utcnow()
    window = now.replace(minute=now.minute // 5 * 5, second=0, microsecond=0)
    await compile_statistics(hass, window)

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
    assert entry.runtime_data.store.seams

    later = window + timedelta(minutes=5)
    await compile_statistics(hass, later)
    assert not entry.runtime_data.store.seams
    meter.records[0] = integer("04 06", new_total + 7)
    await let_poll(hass, 301)
    await compile_statistics(hass, later + timedelta(minutes=5))
    assert await sums(hass, window) == pytest.approx([0, 0, 7])
