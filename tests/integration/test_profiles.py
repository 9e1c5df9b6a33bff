"""Profiles in Home Assistant: what a meter's records mean to people, and that nothing else changes with them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, override

from homeassistant.const import STATE_UNKNOWN, Platform
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.mbus.const import CONF_BINDINGS, DOMAIN
from custom_components.mbus.profiles import catalogue
from tests.simulator import SimulatedBus
from tests.simulator.records import bcd, integer, real

from .conftest import CreateEntry, let_poll
from .meter_dialogs import configure_meter, edit_binding, options_of, suggested, ticked
from .test_guards import Meter, errors_of, state_of

IMPORTED = bcd("0E 84 00", 9013)
EXPORTED = bcd("8E 40 84 00", 12)
REACTIVE = bcd("8E 80 40 84 00", 855)
NET = integer("84 80 C0 40 84 00", 9001)
POWER = integer("04 A9 FF 82 00", 1868)
ISSUE = "profile_offered_meter7"


def attributes_of(hass: HomeAssistant, name: str) -> dict[str, Any]:
    """Return the attributes of the sensor whose entity id ends so."""
    (state,) = (
        state
        for state in hass.states.async_all(Platform.SENSOR)
        if state.entity_id.endswith(f"_{name}")
    )
    return dict(state.attributes)


@pytest.fixture
def abb(bus: SimulatedBus) -> Meter:
    """Return an ABB B23 at address 7."""
    meter = Meter(
        7,
        IMPORTED,
        EXPORTED,
        REACTIVE,
        NET,
        POWER,
        identification="12345678",
        manufacturer="ABB",
        version=0x20,
        medium=2,
    )
    bus.meters = [meter]
    return meter


def without_profiles(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let there be no profiles, as in the release before."""
    nothing = catalogue.Catalogue(profiles=())
    monkeypatch.setattr(catalogue, "read_catalogue", lambda own: nothing)
    monkeypatch.setattr(catalogue.Catalogue, "interpret", lambda *args: {})


async def test_registers_of_a_maker(
    hass: HomeAssistant, abb: Meter, create_entry: CreateEntry
) -> None:
    """What is wanted by nearly everyone is bound, under its own name and unit; net may fall."""
    await create_entry(7)

    assert state_of(hass, "12345678_energy") == "90.13"
    assert state_of(hass, "energy_export") == "0.12"
    assert state_of(hass, "12345678_reactive_energy") == "8.55"
    reactive = attributes_of(hass, "12345678_reactive_energy")
    assert reactive["unit_of_measurement"] == "kvarh"
    assert reactive["device_class"] == "reactive_energy"
    assert reactive["friendly_name"].endswith("Reactive energy")


async def bind_all(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """Tick every record of the meter."""
    dialog = await configure_meter(hass, entry, "meter7", "choose_records")
    await dialog.wait()
    await dialog.submit({"records": list(options_of(dialog.result, "records"))})
    await let_poll(hass)


async def test_check_in_the_unit_of_the_meaning(
    hass: HomeAssistant, abb: Meter, create_entry: CreateEntry
) -> None:
    """What a chain begins with is what the record means, and not what its header says."""
    entry = await create_entry(7)
    dialog = await edit_binding(hass, entry, "reactive_energy", "transformation")
    await dialog.choose("add_step")
    await dialog.choose("limit_control")
    await dialog.submit({"lower": 0})

    result = await dialog.choose("check_transformation")

    assert result["description_placeholders"]["raw"] == "8,550 varh"
    assert result["description_placeholders"]["values"].endswith("**8,550 varh**")


async def test_net_register_may_fall(
    hass: HomeAssistant, abb: Meter, create_entry: CreateEntry
) -> None:
    """A balance is no total that only rises: it is shown at once when it is less than before."""
    entry = await create_entry(7)
    await bind_all(hass, entry)
    net = attributes_of(hass, "energy_import_export_difference")
    assert net["state_class"] == "total"
    assert attributes_of(hass, "12345678_energy")["state_class"] == "total_increasing"

    abb.records[3] = integer("84 80 C0 40 84 00", 8000)
    await let_poll(hass, 301)

    assert state_of(hass, "energy_import_export_difference") == "80"
    assert state_of(hass, "power_phase_2") == "18.68"


async def test_a_binding_keeps_its_meaning_without_the_profile(
    hass: HomeAssistant,
    abb: Meter,
    create_entry: CreateEntry,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is stored with the binding: a file that is changed or gone changes nothing of it."""
    entry = await create_entry(7)
    without_profiles(monkeypatch)
    await catalogue.async_reload_catalogue(hass)
    assert await hass.config_entries.async_reload(entry.entry_id)
    abb.records[2] = bcd("8E 80 40 84 00", 900)
    await let_poll(hass, 301)

    assert state_of(hass, "12345678_reactive_energy") == "9"
    assert (
        attributes_of(hass, "12345678_reactive_energy")["unit_of_measurement"]
        == "kvarh"
    )
    assert errors_of(hass) == {}
    assert ir.async_get(hass).async_get_issue(DOMAIN, ISSUE) is None


async def test_other_bits_make_no_other_record(
    hass: HomeAssistant, abb: Meter, create_entry: CreateEntry
) -> None:
    """What the guards hold a record against is what was sent: a register of another subunit is another record."""
    entry = await create_entry(7)
    stored = {
        item["name"]: item for item in entry.subentries["meter7"].data[CONF_BINDINGS]
    }
    assert stored["reactive_energy"]["signature"]["quantity"] == "energy"
    assert stored["reactive_energy"]["signature"]["subunit"] == 2

    abb.records[2] = bcd("8E C0 40 84 00", 900)
    await let_poll(hass, 301)
    assert errors_of(hass).keys() == {"reactive_energy"}
    assert state_of(hass, "binding_state") == "record_changed"


async def test_a_value_during_an_error_in_place_of_the_record(
    hass: HomeAssistant, abb: Meter, create_entry: CreateEntry
) -> None:
    """It is no valid value of the record, and no other record; the next one is shown again."""
    await create_entry(7)

    abb.records[0] = bcd("3E 84 00", 9999)
    await let_poll(hass, 301)

    assert state_of(hass, "12345678_energy") == STATE_UNKNOWN
    assert state_of(hass, "binding_state") == "invalid_value"
    assert "during an error" in errors_of(hass)["energy"]
    assert ir.async_get(hass).async_get_issue(DOMAIN, "records_changed_meter7") is None
    abb.records[2] = bcd("BE 80 40 84 00", 9999)
    await let_poll(hass, 301)
    assert "during an error" in errors_of(hass)["reactive_energy"]
    assert ir.async_get(hass).async_get_issue(DOMAIN, ISSUE) is None

    abb.records[0] = bcd("0E 84 00", 9100)
    await let_poll(hass, 301)
    assert state_of(hass, "12345678_energy") == "91"


async def test_real_numbers_in_another_unit(
    hass: HomeAssistant, bus: SimulatedBus, create_entry: CreateEntry
) -> None:
    """Schneider's are in kWh under a VIF of Wh; the whole numbers beside them are in Wh, also when the data field changes."""
    meter = Meter(
        7,
        real("05 03", 376_074.5),
        identification="12345678",
        manufacturer="SEC",
        version=0x15,
        medium=2,
    )
    bus.meters = [meter]
    await create_entry(7)
    assert state_of(hass, "12345678_energy") == "376074.5"

    meter.records[0] = integer("07 03", 376_074_756)
    await let_poll(hass, 301)
    assert state_of(hass, "12345678_energy") == "376074.756"


async def fix(
    hass: HomeAssistant, hass_client: ClientSessionGenerator, issue_id: str
) -> Callable[..., Any]:
    """Start a repair and return how to go on with it."""
    assert await async_setup_component(hass, "repairs", {})
    client = await hass_client()
    url = "/api/repairs/issues/fix"
    response = await client.post(url, json={"handler": DOMAIN, "issue_id": issue_id})
    shown = await response.json()

    async def submit(data: dict[str, Any]) -> dict[str, Any]:
        response = await client.post(f"{url}/{shown['flow_id']}", json=data)
        result: dict[str, Any] = await response.json()
        await let_poll(hass)
        return result

    submit.shown = shown  # type: ignore[attr-defined]
    return submit


async def set_up_before_profiles(
    hass: HomeAssistant, create_entry: CreateEntry, monkeypatch: pytest.MonkeyPatch
) -> MockConfigEntry:
    """Set up the meter at 7 as the release before the profiles did, then let it be read with them."""
    with monkeypatch.context() as patch:
        without_profiles(patch)
        entry = await create_entry(7)
        await bind_all(hass, entry)
    await catalogue.async_reload_catalogue(hass)
    await let_poll(hass, 301)
    return entry


async def test_a_meter_that_is_there_is_offered_the_profile(
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    abb: Meter,
    create_entry: CreateEntry,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nothing changes until the repair is confirmed; then all bindings together, but for those made for what they were."""
    entry = await set_up_before_profiles(hass, create_entry, monkeypatch)
    assert attributes_of(hass, "energy_subunit_2")["unit_of_measurement"] == "kWh"
    assert errors_of(hass) == {}
    issue = ir.async_get(hass).async_get_issue(DOMAIN, ISSUE)
    assert issue is not None
    assert issue.translation_placeholders is not None
    assert issue.translation_placeholders["profile"].startswith("ABB A41")

    subentry = entry.subentries["meter7"]
    bindings = [dict(item) for item in subentry.data[CONF_BINDINGS]]
    own = next(item for item in bindings if item["name"] == "energy_subunit_1")
    own["presentation"] = {"unit": "MWh"}
    hass.config_entries.async_update_subentry(
        entry, subentry, data={**subentry.data, CONF_BINDINGS: bindings}
    )
    await hass.async_block_till_done()

    submit = await fix(hass, hass_client, ISSUE)
    placeholders = submit.shown["description_placeholders"]  # type: ignore[attr-defined]
    assert (
        "- Energy, subunit 2: 8.55 kWh → Reactive energy: 8.55 kvarh"
        in placeholders["changed"]
    )
    assert placeholders["kept"] == "- Energy, subunit 1"
    result = await submit({})
    assert result["type"] == "create_entry"

    shown = attributes_of(hass, "energy_subunit_2")
    assert shown["unit_of_measurement"] == "kvarh"
    assert shown["friendly_name"].endswith("Reactive energy")
    assert state_of(hass, "energy_subunit_2") == "8.55"
    assert attributes_of(hass, "energy_subunit_1")["unit_of_measurement"] == "MWh"
    await let_poll(hass, 301)
    assert ir.async_get(hass).async_get_issue(DOMAIN, ISSUE) is None
    assert errors_of(hass) == {}


async def test_no_profile_and_a_certain_one(
    hass: HomeAssistant, abb: Meter, create_entry: CreateEntry
) -> None:
    """*Meter settings → Profile* says which one it is, and what it changes is offered as a repair."""
    entry = await create_entry(7)
    dialog = await configure_meter(hass, entry, "meter7", "meter_settings")
    options = options_of(dialog.result, "profile")
    assert options["automatic"].startswith("Automatic (ABB A41")
    assert options["none"] == "None"
    assert [*options][2:4] == ["abb_a4x_b2x", "abb_delta"]
    names = [*options.values()][4:]
    assert names == sorted(names, key=str.casefold)
    assert options["kamstrup_multical"].startswith("Kamstrup Multical")
    settings = suggested(dialog.result)
    assert settings["profile"] == "automatic"
    quirks = {
        "reset": "before_each_read",
        "ignore_more_records": False,
        "pause": {"seconds": 0},
    }
    await dialog.submit({**settings, "profile": "none", "quirks": quirks})
    await let_poll(hass, 301)

    assert entry.subentries["meter7"].data["profile"] == "none"
    assert (
        attributes_of(hass, "12345678_reactive_energy")["unit_of_measurement"]
        == "kvarh"
    )
    assert ir.async_get(hass).async_get_issue(DOMAIN, ISSUE) is not None


OWN = """
name: My meter
match:
  - {manufacturer: SIM}
records:
  - {key: pumped, is: volume, quantity: mass, unit: kg, factor: 1000}
"""


@pytest.fixture
def own_folder(hass: HomeAssistant, tmp_path: Path) -> Path:
    """Return the folder of a user's own profiles."""
    hass.config.config_dir = str(tmp_path)
    folder = tmp_path / catalogue.OWN_FOLDER
    folder.mkdir()
    return folder


async def test_a_profile_of_ones_own_without_restart(
    hass: HomeAssistant, bus: SimulatedBus, create_entry: CreateEntry, own_folder: Path
) -> None:
    """A bad file is a repair with its line and costs nothing; mended, the action takes it up."""
    bus.meters = [Meter(7, integer("04 13", 6_789), identification="12345678")]
    path = own_folder / "pump.yaml"
    path.write_text(OWN.replace("unit: kg", "unit: stone"))
    entry = await create_entry(7)
    issue = ir.async_get(hass).async_get_issue(DOMAIN, "profile_unreadable_pump")
    assert issue is not None
    assert issue.translation_placeholders == {
        "file": "pump.yaml",
        "line": "6",
        "reason": "records.0.unit: “stone” is not known",
    }
    assert state_of(hass, "volume") == "6.789"

    path.write_text(OWN)
    await hass.services.async_call(DOMAIN, "reload_profiles", blocking=True)
    assert ir.async_get(hass).async_get_issue(DOMAIN, "profile_unreadable_pump") is None
    await let_poll(hass, 301)
    assert ir.async_get(hass).async_get_issue(DOMAIN, ISSUE) is not None
    dialog = await configure_meter(hass, entry, "meter7", "choose_records")
    await dialog.wait()
    assert options_of(dialog.result, "records") == {"0.0": "0.0 · Mass · 6,789 kg"}


async def test_a_file_that_changes_while_its_repair_is_looked_at(
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    bus: SimulatedBus,
    create_entry: CreateEntry,
    own_folder: Path,
) -> None:
    """What is confirmed is what was shown: something else is shown first."""
    bus.meters = [Meter(7, integer("04 13", 6_789), identification="12345678")]
    path = own_folder / "pump.yaml"
    await create_entry(7)
    path.write_text(OWN)
    await hass.services.async_call(DOMAIN, "reload_profiles", blocking=True)
    await let_poll(hass, 301)
    submit = await fix(hass, hass_client, ISSUE)
    path.write_text(OWN.replace("factor: 1000", "factor: 800"))
    await hass.services.async_call(DOMAIN, "reload_profiles", blocking=True)
    result = await submit({})
    assert result["type"] == "form"
    assert "Mass: 5,431.2 kg" in result["description_placeholders"]["changed"]
    assert state_of(hass, "volume") == "6.789"
    result = await submit({})
    assert result["type"] == "create_entry"
    assert state_of(hass, "volume") == "5431.2"


async def test_a_file_that_is_gone_while_its_repair_is_looked_at(
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    bus: SimulatedBus,
    create_entry: CreateEntry,
    own_folder: Path,
) -> None:
    """Nothing is left to be changed, and nothing is."""
    bus.meters = [Meter(7, integer("04 13", 6_789), identification="12345678")]
    path = own_folder / "pump.yaml"
    await create_entry(7)
    path.write_text(OWN)
    await hass.services.async_call(DOMAIN, "reload_profiles", blocking=True)
    await let_poll(hass, 301)
    submit = await fix(hass, hass_client, ISSUE)
    path.unlink()
    await hass.services.async_call(DOMAIN, "reload_profiles", blocking=True)
    result = await submit({})
    assert result["type"] == "create_entry"
    assert state_of(hass, "volume") == "6.789"
    await let_poll(hass, 301)
    assert ir.async_get(hass).async_get_issue(DOMAIN, ISSUE) is None


async def test_a_battery_is_read_no_more_often_than_advised(
    hass: HomeAssistant, bus: SimulatedBus, create_entry: CreateEntry
) -> None:
    """The connection's period holds unless the profile advises a longer one; the meter's own goes before both."""
    bus.meters = [
        Meter(
            address,
            integer("04 06", 12_345),
            identification=f"1234567{address}",
            manufacturer=maker,
            version=version,
            medium=4,
        )
        for address, maker, version in ((7, "EFE", 0), (8, "KAM", 0x34))
    ]
    entry = await create_entry(7, 8)
    coordinators = entry.runtime_data.coordinators
    periods = [coordinators[f"meter{n}"].period.total_seconds() for n in (7, 8)]
    assert periods == [600, 300]
    subentry = entry.subentries["meter7"]
    hass.config_entries.async_update_subentry(
        entry, subentry, data={**subentry.data, "period": 60_000}
    )
    await hass.async_block_till_done()
    assert coordinators["meter7"].period.total_seconds() == 60


async def test_values_kept_in_one_record(
    hass: HomeAssistant, bus: SimulatedBus, create_entry: CreateEntry
) -> None:
    """A compact profile is a text of its values; without the value that they count from, it is none and says why."""
    profile = bytes.fromhex("4D 93 1E 06 72 FE 01 00 02 01")
    base = integer("44 13", 1_000)
    meter = Meter(7, base, profile, identification="12345678")
    bus.meters = [meter]
    entry = await create_entry(7)
    dialog = await configure_meter(hass, entry, "meter7", "choose_records")
    await dialog.wait()
    assert options_of(dialog.result, "records")["0.1"] == (
        "0.1 · Volume, compact profile with registers, storage 1 · 1.001; 1.259 m³"
    )
    await dialog.submit({"records": ["0.1"]})
    await let_poll(hass)
    name = "compact_profile_with_registers_storage_1"
    assert state_of(hass, name) == "1.001; 1.259 m³"

    meter.records[0] = bytes.fromhex("4C 13 FF FF FF FF")
    await let_poll(hass, 301)
    assert state_of(hass, name) == STATE_UNKNOWN
    assert "counts from" in str(errors_of(hass))


async def test_bytes_where_a_number_belongs(
    hass: HomeAssistant, bus: SimulatedBus, create_entry: CreateEntry
) -> None:
    """A number of nine bytes is none that anybody defines: there is no value, and the reason names the bytes."""
    sent = bytes.fromhex("0D 13 E9 00 01 02 03 04 05 06 07 08")
    bus.meters = [Meter(7, sent, identification="12345678")]
    entry = await create_entry(7)
    await bind_all(hass, entry)
    await let_poll(hass, 301)
    assert state_of(hass, "12345678_volume") == STATE_UNKNOWN
    assert errors_of(hass) == {
        "volume": "00 01 02 03 04 05 06 07 08 is not what the entity can show"
    }


class BlockMeter(Meter):
    """Sends nothing but bytes of its manufacturer's."""

    block = b""

    @override
    def telegrams(self) -> list[bytes]:
        return [b"\x0f" + self.block]


BLOCK = bytes(30) + bytes.fromhex("83101400 02000000") + bytes(7)
BLOCK += bytes.fromhex("311224 00")


async def test_a_meter_without_any_record(
    hass: HomeAssistant,
    bus: SimulatedBus,
    create_entry: CreateEntry,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The fields of its block are bound by offset and stay so whatever becomes of the profile; another block is no value."""
    meter = BlockMeter(
        7, identification="12345678", manufacturer="KAM", version=1, medium=4
    )
    meter.block = BLOCK
    bus.meters = [meter]
    entry = await create_entry(7)
    dialog = await configure_meter(hass, entry, "meter7", "choose_records")
    await dialog.wait()
    options = options_of(dialog.result, "records")
    assert options["0.pulses_1"] == "0 · Volume, input 1 · 1,410.83 m³"
    await dialog.submit({"records": list(options)})
    await let_poll(hass)
    assert state_of(hass, "volume_input_1") == "1410.83"
    assert attributes_of(hass, "volume_input_1")["state_class"] == "total_increasing"
    assert state_of(hass, "12345678_date") == "2024-12-31"
    assert state_of(hass, "specific_block") == BLOCK.hex().upper()

    subentry = entry.subentries["meter7"]
    template = "{{ bcd(30, 4) / 100 + integer(34, 1) }}"
    bindings = [
        {**item, "transformations": [{"type": "script", "template": template}]}
        if item["name"].endswith("block")
        else item
        for item in subentry.data[CONF_BINDINGS]
    ]
    hass.config_entries.async_update_subentry(
        entry, subentry, data={**subentry.data, CONF_BINDINGS: bindings}
    )
    await hass.async_block_till_done()
    assert state_of(hass, "specific_block") == "1412.83"

    without_profiles(monkeypatch)
    await catalogue.async_reload_catalogue(hass)
    meter.block = BLOCK.replace(b"\x83\x10", b"\x84\x10")
    await let_poll(hass, 301)
    assert state_of(hass, "volume_input_1") == "1410.84"

    meter.block = BLOCK + b"\x00"
    await let_poll(hass, 301)
    assert state_of(hass, "volume_input_1") == STATE_UNKNOWN
    assert "there are 50 bytes" in errors_of(hass)["volume_input_1"]
    assert "specific_block" not in str(errors_of(hass).keys())

    dialog = await edit_binding(hass, entry, "volume_input_1", "binding_settings")
    assert "index" not in suggested(dialog.result)
    await dialog.submit({"title": "Garden", "unit": "L"})
    meter.block = BLOCK
    await let_poll(hass, 301)
    garden = attributes_of(hass, "volume_input_1")
    assert garden["friendly_name"].endswith("Garden")
    assert (state_of(hass, "volume_input_1"), garden["unit_of_measurement"]) == (
        "1410830.0",
        "L",
    )
    dialog = await configure_meter(hass, entry, "meter7", "choose_records")
    await dialog.wait()
    assert set(ticked(dialog.result, "records")) == set(options)
    await dialog.submit({"records": ["0.block"]})
    await let_poll(hass)
    bindings = entry.subentries["meter7"].data[CONF_BINDINGS]
    assert ["index" in item for item in bindings] == [False]


FIELDS = """
name: Fields
match: [{manufacturer: SIM}]
blocks:
  - length: 4
    fields:
      - {key: a, offset: %d, length: 2, coding: unsigned, quantity: volume, unit: m³, modifiers: input_1}
      - {key: b, offset: %d, length: 2, coding: unsigned, quantity: volume, unit: m³, modifiers: input_2}
"""


async def test_fields_elsewhere_in_a_changed_file(
    hass: HomeAssistant,
    bus: SimulatedBus,
    create_entry: CreateEntry,
    own_folder: Path,
) -> None:
    """A sensor goes on to read where it read, the list shows what it is; unticked and ticked again, it is moved."""
    meter = BlockMeter(7, identification="12345678")
    meter.block = bytes.fromhex("01000200")
    bus.meters = [meter]
    path = own_folder / "fields.yaml"
    path.write_text(FIELDS % (0, 2))
    entry = await create_entry(7)
    await bind_all(hass, entry)

    async def reload_as(text: str | None) -> dict[str, str]:
        if text is None:
            path.unlink()
        else:
            path.write_text(text)
        await hass.services.async_call(DOMAIN, "reload_profiles", blocking=True)
        await let_poll(hass, 301)
        assert state_of(hass, "volume_input_1") == "1"
        assert state_of(hass, "volume_input_2") == "2"
        assert ir.async_get(hass).async_get_issue(DOMAIN, ISSUE) is None
        dialog = await configure_meter(hass, entry, "meter7", "choose_records")
        await dialog.wait()
        assert ticked(dialog.result, "records") == ["0.a", "0.b", "0.block"]
        return options_of(dialog.result, "records")

    listed = {
        "0.a": "0 · Volume, input 1 · 1 m³",
        "0.b": "0 · Volume, input 2 · 2 m³",
        "0.block": "0 · Manufacturer specific, whole block · 01000200",
    }
    assert await reload_as(FIELDS % (2, 0)) == listed
    assert await reload_as("name: [") == listed
    assert await reload_as(None) == listed
    assert await reload_as(FIELDS % (2, 0)) == listed

    for chosen in (["0.b"], ["0.a", "0.b"]):
        dialog = await configure_meter(hass, entry, "meter7", "choose_records")
        await dialog.wait()
        await dialog.submit({"records": chosen})
        await let_poll(hass)
    assert state_of(hass, "volume_input_1") == "2"
    assert state_of(hass, "volume_input_2") == "2"
