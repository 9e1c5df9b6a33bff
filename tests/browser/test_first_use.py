"""From nothing to the values of five meters."""

import re

from playwright.async_api import expect

from scripts.demo_home_assistant import HomeAssistant
from scripts.demo_table import NO_VALUE

from .person import Person

SEARCH = 180_000
"""Milliseconds that a search of a whole bus may take."""


async def test_first_five_minutes(
    home_assistant: HomeAssistant, person: Person, port: int
) -> None:
    """Seven clicks from *Add integration* to the values of five meters behind a gateway."""
    await person.visit("config/integrations/dashboard")

    await person.click(person.page.get_by_text("Add integration"))
    await person.looks_for("m-bus")
    await person.choose("M-Bus")
    await person.choose("Network gateway (TCP)")
    await person.enter("Host", "127.0.0.1")
    await answer_for_a_gateway_at(person, port)
    await person.press("Submit")
    await person.sees(re.compile("Searching the bus at"))
    await person.take_picture("search", when=re.compile("5 · Water meter"))
    await expect(person.dialog).to_contain_text("Meters found", timeout=SEARCH)
    await person.press("Submit")
    await person.sees("Name and assign")
    await person.press("Skip and finish")

    assert person.clicks == 7
    for kind in ("heat", "water", "gas", "electricity"):
        await person.sees_on_page(re.compile(f"SIM {kind} meter"))
    states = await home_assistant.get("states")
    totals = [
        state["state"]
        for state in states
        if state["attributes"].get("state_class") == "total_increasing"
    ]
    assert len(totals) >= 5
    assert not set(NO_VALUE).intersection(totals)


async def answer_for_a_gateway_at(person: Person, port: int) -> None:
    """Fill in what is proposed right in a real house: no two tests can have port 10001, nor wait as long as at 2400 baud."""
    clicks = person.clicks
    await person.enter("Port", str(port))
    await person.choose("Line")
    await person.pick("Bus baud rate", "38400")
    person.clicks = clicks
