"""The automations of the documents, run as they are written there."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
import re
from typing import Any

from homeassistant.const import STATE_ON
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
from homeassistant.util.yaml import parse_yaml
import pytest
from pytest_homeassistant_custom_component.common import async_fire_time_changed

from tests.simulator import HeatMeter, SimulatedBus, is_request_for_data

from .conftest import CreateEntry, let_poll

DOCUMENT = Path(__file__).parents[2] / "docs" / "examples.md"
READ_AT_NIGHT, TELL_SILENCE = re.findall(
    r"^```yaml\n(.*?)^```", DOCUMENT.read_text(), re.MULTILINE | re.DOTALL
)


@asynccontextmanager
async def automated(hass: HomeAssistant, example: str) -> AsyncIterator[None]:
    """Take over an example, for the meter that is there, until its automation is switched off again."""
    config: Any = parse_yaml(example.replace(".heat_meter_", ".sim_heat_meter_"))
    assert await async_setup_component(hass, "automation", {"automation": config})
    await hass.async_block_till_done()
    [automation] = hass.states.async_all("automation")
    assert automation.state == STATE_ON
    yield
    await hass.services.async_call(
        "automation", "turn_off", {"entity_id": automation.entity_id}, blocking=True
    )


@pytest.fixture
async def heat_meter(bus: SimulatedBus, create_entry: CreateEntry) -> HeatMeter:
    """Return the meter that the examples speak of."""
    meter = HeatMeter(1, identification="12345678")
    bus.meters = [meter]
    await create_entry(1)
    return meter


async def test_read_at_night(
    hass: HomeAssistant, bus: SimulatedBus, heat_meter: HeatMeter
) -> None:
    """The meter is read at the minute that the automation names."""
    before = len(bus.requests)

    async with automated(hass, READ_AT_NIGHT):
        night = dt_util.now().replace(hour=23, minute=58, second=0, microsecond=0)
        async_fire_time_changed(hass, night + timedelta(days=1))
        await hass.async_block_till_done(wait_background_tasks=True)

    assert any(map(is_request_for_data, bus.requests[before:]))


async def test_tell_silence(
    hass: HomeAssistant, bus: SimulatedBus, heat_meter: HeatMeter
) -> None:
    """Who is told of a meter that has been silent for an hour is told once."""
    assert await async_setup_component(hass, "persistent_notification", {})

    async with automated(hass, TELL_SILENCE):
        bus.meters = []
        for _ in range(4):
            await let_poll(hass, 301)
        await let_poll(hass, 3700)

    notes = hass.data["persistent_notification"].values()
    assert [note["message"] for note in notes] == [
        "The heat meter has not answered for an hour."
    ]
