"""The gear of a meter: its records, and what is done with their values."""

import asyncio
import re

import pytest

from scripts.demo_home_assistant import HomeAssistant

from .person import Person

HEAT_METER = "SIM heat meter 12345678"
POWER = "sensor.sim_heat_meter_12345678_power"
ON_TIME = "sensor.sim_heat_meter_12345678_on_time"

pytestmark = pytest.mark.usefixtures("entry_id")


async def state_of(home_assistant: HomeAssistant, entity_id: str, unit: str) -> float:
    """Wait until an entity has a value in a unit, and return it."""
    async with asyncio.timeout(30):
        while True:
            for state in await home_assistant.get("states"):
                if (
                    state["entity_id"] == entity_id
                    and state["attributes"].get("unit_of_measurement") == unit
                    and state["state"] not in ("unknown", "unavailable")
                ):
                    return float(state["state"])
            await asyncio.sleep(0.1)


async def test_page_of_a_meter(home_assistant: HomeAssistant, person: Person) -> None:
    """Its values, and what it says of itself, are on one page."""
    devices = await home_assistant.ask("config/device_registry/list")
    [meter] = [device for device in devices if device["name"] == HEAT_METER]

    await person.visit(f"config/devices/device/{meter['id']}")

    for text in (
        "Heat meter",
        "Flow temperature",
        "Read now",
        "Serial number: 12345678",
    ):
        await person.sees_on_page(text)
    await person.take_picture("meter")


async def test_choose_records(home_assistant: HomeAssistant, person: Person) -> None:
    """One more record is ticked, and has its sensor and its value at once."""
    await person.configure(HEAT_METER)

    await person.choose("Choose records")
    await person.sees(re.compile("On time"))
    await person.take_picture("records")
    await person.choose(re.compile("On time"))
    await person.press("Submit")

    await person.sees("Reconfiguration was successful")
    assert await state_of(home_assistant, ON_TIME, "h") > 20_000


async def test_transformation(home_assistant: HomeAssistant, person: Person) -> None:
    """Energy from power in the steps of the dialog: the sensor counts watt-hours from then on."""
    assert await state_of(home_assistant, POWER, "kW") > 1
    await person.configure(HEAT_METER)

    await person.choose("Edit a binding")
    await person.choose(re.compile(r"· Power"))
    await person.press("Next")
    await person.choose("Transformation")
    await person.choose("Add a step")
    await person.choose("Integration")
    await person.sees("Time unit")
    await person.press("Next")
    await person.sees("1. Integration: h")
    await person.take_picture("transformation")
    await person.choose("Check and save")
    await person.sees(re.compile("After each step"))
    await person.choose("Save")
    await person.sees("What comes out")
    await person.press("Submit")

    await person.sees("Reconfiguration was successful")
    assert await state_of(home_assistant, POWER, "Wh") < 1
