"""What the repair of changed records says and does, and what it does without its meter."""

from collections.abc import Iterator
import json
from pathlib import Path
from typing import Any

from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er, issue_registry as ir
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.mbus.const import CONF_BINDINGS, DOMAIN
from tests.simulator import SimulatedBus
from tests.simulator.records import integer

from .conftest import CreateEntry, let_poll
from .meter_dialogs import bindings_of
from .test_guards import ENERGY, FLOW_TEMPERATURE, POWER, VOLUME, Meter, fix, state_of

ISSUE = "records_changed_meter7"
JOULES = integer("04 0E", 36)  # MJ
TEXTS = json.loads(Path("custom_components/mbus/translations/en.json").read_text())


@pytest.fixture
def meter(bus: SimulatedBus) -> Meter:
    """Return a meter at address 7 that sends energy, volume and a temperature."""
    meter = Meter(7, ENERGY, VOLUME, FLOW_TEMPERATURE, identification="12345678")
    bus.meters = [meter]
    return meter


@pytest.fixture
async def entry(meter: Meter, create_entry: CreateEntry) -> MockConfigEntry:
    """Return a connection to the meter."""
    return await create_entry(7)


def texts_shown(result: dict[str, Any], kind: str = "records_changed") -> Iterator[str]:
    """Return all that a repair shows, as text."""
    texts = TEXTS["issues"][kind]["fix_flow"]
    placeholders = result.get("description_placeholders") or {}
    match result["type"]:
        case "abort":
            shown = [texts["abort"][result["reason"]]]
        case "menu":
            step = texts["step"][result["step_id"]]
            options = result["menu_options"]
            shown = [
                step["description"],
                *(step["menu_options"][key] for key in options),
            ]
        case _:
            step = texts["step"][result["step_id"]]
            fields = [field["name"] for field in result["data_schema"]]
            shown = [
                step["description"],
                *(step["data"][field] for field in fields),
                *(step["data_description"][field] for field in fields),
            ]
    return (text.format(**placeholders) for text in shown)


def is_open(hass: HomeAssistant) -> bool:
    """Return whether the issue is there."""
    return ir.async_get(hass).async_get_issue(DOMAIN, ISSUE) is not None


async def test_names_and_places(
    hass: HomeAssistant,
    meter: Meter,
    entry: MockConfigEntry,
    hass_client: ClientSessionGenerator,
) -> None:
    """The table has what people call the records, and where they were and are."""
    meter.records = [FLOW_TEMPERATURE, POWER, VOLUME]
    await let_poll(hass, 301)
    result = await fix(hass, hass_client, ISSUE)

    assert result["step_id"] == "rebind"
    assert result["description_placeholders"]["bindings"].split("\n") == [
        "| Energy | 0.0 | – |",
        "| Volume | 0.1 | 0.2 |",
        "| Flow temperature | 0.2 | 0.0 |",
    ]
    assert all(texts_shown(result))


@pytest.fixture
async def without_energy(
    hass: HomeAssistant, meter: Meter, entry: MockConfigEntry
) -> MockConfigEntry:
    """Return the connection after the meter has begun to send power in place of energy."""
    meter.records[0] = POWER
    await let_poll(hass, 301)
    return entry


async def test_nothing_can_be_bound_again(
    hass: HomeAssistant,
    without_energy: MockConfigEntry,
    hass_client: ClientSessionGenerator,
) -> None:
    """It is not called repaired: the records that are gone are named, and left as they are if nobody wants more."""
    before = dict(without_energy.subentries["meter7"].data)
    result = await fix(hass, hass_client, ISSUE)
    assert result["step_id"] == "not_found"
    assert result["description_placeholders"]["bindings"] == "- Energy"
    assert all(texts_shown(result))

    result = await fix(hass, hass_client, ISSUE, {"next_step_id": "leave"})
    assert (result["type"], result["reason"]) == ("abort", "left")
    assert all(texts_shown(result))
    assert is_open(hass)
    assert without_energy.subentries["meter7"].data == before


async def test_remove_what_is_gone(
    hass: HomeAssistant,
    without_energy: MockConfigEntry,
    hass_client: ClientSessionGenerator,
) -> None:
    """Binding and entity go, and the issue with them; the others stay."""
    before = bindings_of(without_energy, "meter7")
    result = await fix(hass, hass_client, ISSUE, {"next_step_id": "remove"})
    await let_poll(hass, 301)

    assert result["type"] == "create_entry"
    energy = before.pop("energy")
    assert bindings_of(without_energy, "meter7") == before
    registry = er.async_get(hass)
    assert registry.async_get_entity_id("sensor", DOMAIN, energy["id"]) is None
    assert not is_open(hass)


async def test_choose_another_record(
    hass: HomeAssistant,
    without_energy: MockConfigEntry,
    hass_client: ClientSessionGenerator,
) -> None:
    """The entity goes on with the record that a person chose."""
    before = bindings_of(without_energy, "meter7")["energy"]
    menu = {"next_step_id": "choose_record"}
    result = await fix(hass, hass_client, ISSUE, menu)
    assert result["description_placeholders"]["binding"] == "Energy"
    [field] = result["data_schema"]
    labels = {
        option["value"]: option["label"]
        for option in field["selector"]["select"]["options"]
    }
    assert labels["0.0"] == "0.0 · Power · 4,321 W"
    assert all(texts_shown(result))

    result = await fix(hass, hass_client, ISSUE, menu, {"record": "0.0"})
    assert result["type"] == "create_entry"
    after = bindings_of(without_energy, "meter7")["energy"]
    assert (after["id"], after["unit"]) == (before["id"], "W")
    assert state_of(hass, "energy") == "4321"
    assert not is_open(hass)


async def test_choose_for_some(
    hass: HomeAssistant,
    meter: Meter,
    entry: MockConfigEntry,
    hass_client: ClientSessionGenerator,
) -> None:
    """One binding after another is asked about; those left empty stay in error, and so the issue stays."""
    meter.records = [POWER, POWER, FLOW_TEMPERATURE]
    await let_poll(hass, 301)
    menu = {"next_step_id": "choose_record"}
    result = await fix(hass, hass_client, ISSUE, menu, {}, {"record": "0.1"})

    assert (result["type"], result["reason"]) == ("abort", "left")
    bindings = bindings_of(entry, "meter7")
    assert bindings["energy"]["signature"]["quantity"] == "energy"
    assert bindings["volume"]["signature"]["quantity"] == "power"
    assert is_open(hass)


async def test_all_is_well_again(
    hass: HomeAssistant,
    meter: Meter,
    without_energy: MockConfigEntry,
    hass_client: ClientSessionGenerator,
) -> None:
    """What the meter sends as before needs no repair."""
    meter.records[0] = ENERGY
    result = await fix(hass, hass_client, ISSUE)
    assert result["type"] == "create_entry"


async def test_chain_goes_on_in_its_unit(
    hass: HomeAssistant,
    meter: Meter,
    entry: MockConfigEntry,
    hass_client: ClientSessionGenerator,
) -> None:
    """A factor made for Wh is no factor for J: the binding stays in the unit it was made in."""
    subentry = entry.subentries["meter7"]
    scaling = {"type": "scaling", "id": "1", "factor": 0.001, "shift": 0}
    bindings = [
        {**item, "transformations": [scaling], "presentation": {"unit": "kWh"}}
        if item["name"] == "energy"
        else item
        for item in subentry.data[CONF_BINDINGS]
    ]
    hass.config_entries.async_update_subentry(
        entry, subentry, data={**subentry.data, CONF_BINDINGS: bindings}
    )
    unit = bindings_of(entry, "meter7")["energy"]["unit"]
    meter.records = [VOLUME, JOULES, FLOW_TEMPERATURE]
    await let_poll(hass, 301)
    result = await fix(hass, hass_client, ISSUE, {})
    await let_poll(hass, 301)

    assert result["type"] == "create_entry"
    after = bindings_of(entry, "meter7")["energy"]
    assert (after["index"], after["unit"]) == (1, unit)
    assert float(state_of(hass, "energy")) == 10


@pytest.mark.parametrize("kind", ["records_changed", "other_meter"])
@pytest.mark.parametrize(
    ("gone", "reason"),
    [
        ("meter", "meter_deleted"),
        ("connection", "meter_deleted"),
        ("link", "not_loaded"),
    ],
)
async def test_repair_of_what_is_gone(
    hass: HomeAssistant,
    meter: Meter,
    entry: MockConfigEntry,
    hass_client: ClientSessionGenerator,
    kind: str,
    gone: str,
    reason: str,
) -> None:
    """An issue that outlives its meter says so when it is opened."""
    data = {"entry_id": entry.entry_id, "meter_id": "meter7"}
    match gone:
        case "meter":
            hass.config_entries.async_remove_subentry(entry, "meter7")
        case "connection":
            await hass.config_entries.async_remove(entry.entry_id)
        case "link":
            await hass.config_entries.async_unload(entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    ir.async_create_issue(
        hass,
        DOMAIN,
        f"{kind}_meter7",
        data=data,
        is_fixable=True,
        severity=ir.IssueSeverity.ERROR,
        translation_key=kind,
    )
    result = await fix(hass, hass_client, f"{kind}_meter7")

    assert (result["type"], result["reason"]) == ("abort", reason)
    assert all(texts_shown(result, kind))
