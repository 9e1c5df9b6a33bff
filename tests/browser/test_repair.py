"""A meter is exchanged: a repair tells it, and lets the new one take its place."""

import asyncio
import re

import pytest

from scripts.demo_home_assistant import DemoError, HomeAssistant
from tests.simulator import SimulatedBus, WaterMeter

from .person import Person

READ_NOW = "button.sim_water_meter_23456789_read_now"
VOLUME = "sensor.sim_water_meter_23456789_volume"


async def test_exchanged_meter(
    home_assistant: HomeAssistant, person: Person, bus: SimulatedBus, entry_id: str
) -> None:
    """The values stop, the repair names both meters, and after it the new one is shown under the same entities."""
    bus.meters[1] = WaterMeter(2, identification="99999999")
    with pytest.raises(DemoError, match="another meter answered"):
        await home_assistant.post("services/button/press", {"entity_id": READ_NOW})
    await person.visit("config/repairs")

    await person.click(
        person.page.get_by_text(
            "Another meter answers for SIM water meter 23456789"
        ).first
    )
    await person.sees(re.compile("99999999"))
    await person.take_picture("repair")
    await person.choose("Adopt the new meter")
    await person.sees("Adopt the new meter")
    await person.press("Submit")

    await person.sees(re.compile("repaired"))
    async with asyncio.timeout(30):
        while (await home_assistant.get(f"states/{VOLUME}"))["state"] == "unavailable":
            await asyncio.sleep(0.1)
