"""What Home Assistant's own checks say of the sensors' statistics, and of an Energy dashboard that has them all."""

from datetime import timedelta
from typing import Any

from homeassistant.components.recorder import Recorder
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import WebSocketGenerator

from tests.simulator import SimulatedBus, demo_meters

from .conftest import CreateEntry, let_poll
from .meter_dialogs import configure_meter, options_of
from .recorder import compile_statistics, rows, window

PLACES = {
    "Gas consumption": ("gas", "stat_energy_from"),
    "Gas flow rate": ("gas", "stat_rate"),
    "Water consumption": ("water", "stat_energy_from"),
    "Water flow rate": ("water", "stat_rate"),
    "Energy imported from grid": ("grid", "stat_energy_from"),
    "Energy exported to grid": ("grid", "stat_energy_to"),
    "Type of power measurement": ("grid", "stat_rate"),
}
"""Where the Energy dashboard keeps what is entered in its fields."""
DEFAULTS: dict[str, dict[str, Any]] = {
    "gas": {},
    "grid": {"cost_adjustment_day": 0},
    "water": {},
}
KINDS = ["gas", "gas", "gas", "grid", "water", "water"]
"""Heat and cooling of one meter, gas, electricity, and two of water."""


@pytest.fixture(autouse=True)
def custom_integrations(
    recorder_mock: Recorder, enable_custom_integrations: None
) -> None:
    """Let Home Assistant record, which it must before anything else, and load the integration."""


@pytest.fixture
async def entry(
    hass: HomeAssistant, bus: SimulatedBus, create_entry: CreateEntry
) -> MockConfigEntry:
    """Return a connection with a whole house of meters, each with all its records."""
    bus.meters = demo_meters()
    entry = await create_entry(*(meter.address for meter in bus.meters))
    for meter_id in list(entry.subentries):
        dialog = await configure_meter(hass, entry, meter_id, "choose_records")
        await dialog.wait()
        await dialog.submit({"records": [*options_of(dialog.result, "records")]})
    await hass.async_block_till_done()
    return entry


async def sources_of(
    hass: HomeAssistant, entry: MockConfigEntry, meter_id: str
) -> list[dict[str, Any]]:
    """Return the sources that somebody enters who follows the gear of a meter: each total one, with what goes beside it."""
    dialog = await configure_meter(hass, entry, meter_id, "energy")
    lines = dialog.result["description_placeholders"]["places"].splitlines()
    dialog.close()
    entities = {
        registered.original_name: registered.entity_id
        for registered in er.async_entries_for_config_entry(
            er.async_get(hass), entry.entry_id
        )
        if registered.config_subentry_id == meter_id
    }
    sources: list[dict[str, Any]] = []
    for line in lines:
        name, place = line.removeprefix("- **").split("**: ")
        assert await rows(hass, entities[name], "5minute", "sum", "mean"), name
        kind, key = next(PLACES[field] for field in PLACES if f"*{field}*" in place)
        if key == "stat_energy_from":
            sources.append({"type": kind} | DEFAULTS[kind])
        sources[-1][key] = entities[name]
    return sources


async def test_nothing_to_complain_about(
    hass: HomeAssistant, entry: MockConfigEntry, hass_ws_client: WebSocketGenerator
) -> None:
    """With every sensor where its meter's gear says, and statistics of all of them, both checks find nothing."""
    assert await async_setup_component(hass, "energy", {})
    start = window()
    for turn in range(3):
        await let_poll(hass, 301)
        await compile_statistics(hass, start + timedelta(minutes=5 * turn))
    client = await hass_ws_client(hass)

    async def ask(command: str, **parameters: Any) -> Any:
        await client.send_json_auto_id({"type": command} | parameters)
        answer = await client.receive_json()
        assert answer["success"], answer
        return answer["result"]

    sources = [
        source
        for meter_id in entry.subentries
        for source in await sources_of(hass, entry, meter_id)
    ]
    assert sorted(source["type"] for source in sources) == KINDS
    await ask("energy/save_prefs", energy_sources=sources)

    problems = await ask("energy/validate")
    assert [*filter(None, problems["energy_sources"])] == []
    assert await ask("recorder/validate_statistics") == {}
