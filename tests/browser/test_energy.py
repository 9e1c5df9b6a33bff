"""The Energy dashboard takes what a meter counts."""

from playwright.async_api import expect

from scripts.demo_home_assistant import HomeAssistant

from .person import Person

WATER_METER = "SIM water meter 23456789"
VOLUME = "sensor.sim_water_meter_23456789_volume"


async def test_energy_dashboard(
    home_assistant: HomeAssistant, person: Person, entry_id: str
) -> None:
    """The gear says where the volume goes, the link leads there, and Home Assistant finds no fault with it."""
    await person.configure(WATER_METER)
    await person.choose("Use in the Energy dashboard")
    await person.sees("Water consumption")
    await person.take_picture("energy")
    link = person.dialog.get_by_role("link", name="Home Assistant's energy settings")
    await expect(link).to_have_attribute("href", "/config/energy")

    await person.visit("config/energy/water")
    await person.click(person.page.get_by_text("Add water source"))
    await person.click(person.dialog.locator("ha-statistic-picker").first)
    await person.click(person.dialog.get_by_text("Volume", exact=True).first)
    await person.press("Save")

    await expect(person.page.locator("ha-dialog[open]")).to_have_count(0)
    sources = (await home_assistant.ask("energy/get_prefs"))["energy_sources"]
    assert [source["stat_energy_from"] for source in sources] == [VOLUME]
    problems = await home_assistant.ask("energy/validate")
    # A sensor that is five minutes old has no statistics yet; nothing else may be wrong.
    found = [kind["type"] for source in problems["energy_sources"] for kind in source]
    assert set(found) <= {"statistics_not_defined"}
