"""The settings of a meter: name, address, when it is read, clock and quirks."""

from typing import Any

from homeassistant.const import STATE_UNAVAILABLE, STATE_UNKNOWN
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType, InvalidData
from homeassistant.helpers import device_registry as dr, entity_registry as er
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.mbus.meters.meter import Meter
from custom_components.mbus.protocol import Quirks, SecondaryAddress
from tests.simulator import HeatMeter, SimulatedBus

from .conftest import CreateEntry
from .dialogs import Dialog, add_meter
from .meter_dialogs import bindings_of, configure_meter, read_meters, suggested

METER = "meter1"
NO_TIME = {"days": 0, "hours": 0, "minutes": 0, "seconds": 0, "milliseconds": 0}


@pytest.fixture
async def entry(hass: HomeAssistant, create_entry: CreateEntry) -> MockConfigEntry:
    """Return a connection with the heat meter at 1 and the water meter at 2."""
    entry = await create_entry(1, 2)
    await read_meters(hass, entry)
    return entry


@pytest.fixture
async def dialog(hass: HomeAssistant, entry: MockConfigEntry) -> Dialog:
    """Return the dialog at the settings of the heat meter."""
    return await configure_meter(hass, entry, METER, "meter_settings")


def quirks_of(dialog: Dialog) -> dict[str, Any]:
    """Return how the section of quirks is filled in."""
    schema = dialog.result["data_schema"].schema
    return suggested({"data_schema": schema["quirks"].schema})


def form_of(dialog: Dialog) -> dict[str, Any]:
    """Return how the form is filled in."""
    return suggested(dialog.result) | {"quirks": quirks_of(dialog)}


async def test_as_it_is(entry: MockConfigEntry, dialog: Dialog) -> None:
    """The form shows what is set, and changes nothing when it is sent as it is."""
    before = Meter.from_subentry(entry.subentries[METER])
    form = form_of(dialog)
    assert form == {
        "name": entry.subentries[METER].title,
        "address": "1",
        "on_demand": False,
        "meter_clock": "standard_time",
        "profile": "automatic",
        "quirks": {
            "reset": "before_each_read",
            "ignore_more_records": False,
            "pause": NO_TIME,
            "initial_frames": [],
            "requests": [],
        },
    }
    result = await dialog.submit(form)

    assert result["reason"] == "reconfigure_successful"
    assert Meter.from_subentry(entry.subentries[METER]) == before


async def test_change_all(
    hass: HomeAssistant, entry: MockConfigEntry, dialog: Dialog
) -> None:
    """All is stored, shown again, and cleared again."""
    form = {
        "name": "Boiler",
        "address": "1",
        "period": NO_TIME | {"minutes": 15},
        "on_demand": True,
        "meter_clock": "summer_time",
        "profile": "none",
        "quirks": {
            "reset": "never",
            "ignore_more_records": True,
            "first_byte_timeout": NO_TIME | {"seconds": 1, "milliseconds": 500},
            "pause": NO_TIME | {"milliseconds": 250},
            "application_reset": 0x50,
            "initial_frames": ["68 03 03 68 53 01 B1 05 16", "10400141 16"],
            "requests": ["B1", "5100"],
        },
    }
    await dialog.submit(form)

    subentry = entry.subentries[METER]
    assert subentry.title == "Boiler"
    meter = Meter.from_subentry(subentry)
    assert meter.period
    assert meter.period.total_seconds() == 900
    assert type(subentry.data["period"]) is int
    assert (meter.on_demand, meter.clock) == (True, "summer_time")
    assert meter.quirks.reset == "never"
    assert meter.quirks.ignore_more_records
    assert meter.quirks.first_byte_timeout == 1.5
    assert meter.quirks.pause == 0.25
    assert meter.quirks.application_reset == 0x50
    assert meter.quirks.initial_frames == (
        bytes.fromhex("6803036853 01B10516"),
        bytes.fromhex("1040014116"),
    )
    assert meter.quirks.requests == (b"\xb1", b"\x51\x00")
    await hass.async_block_till_done(wait_background_tasks=True)
    device = dr.async_get(hass).async_get_device_by_identifier(
        ("mbus", METER), entry.entry_id
    )
    assert device
    assert device.name == "Boiler"

    dialog = await configure_meter(hass, entry, METER, "meter_settings")
    shown = form_of(dialog)
    assert shown["quirks"]["initial_frames"][1] == "10 40 01 41 16"
    assert shown["quirks"]["requests"] == ["B1", "51 00"]
    assert {**shown, "quirks": None} == {**form, "quirks": None}
    quirks = {
        "reset": "before_each_read",
        "ignore_more_records": False,
        "pause": NO_TIME,
    }
    await dialog.submit(
        {
            "name": "Boiler",
            "address": "1",
            "on_demand": False,
            "meter_clock": "standard_time",
            "quirks": quirks,
        }
    )
    meter = Meter.from_subentry(entry.subentries[METER])
    assert meter.period is None
    assert meter.quirks == Quirks(keeps_frame_count=False, usual_application=True)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": "  "}, "name"),
        ({"period": {"milliseconds": 999}}, "period"),
        ({"period": {"days": 8}}, "period"),
        ({"quirks": {"first_byte_timeout": {"milliseconds": 9}}}, "quirks"),
        ({"quirks": {"pause": {"minutes": 11}}}, "quirks"),
        ({"quirks": {"application_reset": 256}}, "quirks"),
    ],
)
async def test_out_of_range(
    dialog: Dialog, changes: dict[str, Any], field: str
) -> None:
    """What is out of range is refused on its field or section before it reaches the flow."""
    form = form_of(dialog)
    if "quirks" in changes:
        changes = {"quirks": form["quirks"] | changes["quirks"]}
    with pytest.raises(InvalidData) as error:
        await dialog.submit(form | changes)
    assert field in error.value.schema_errors


@pytest.mark.parametrize(
    ("address", "error"),
    [
        ("2", "already_configured"),
        ("300", "address_out_of_range"),
        ("one", "invalid_address"),
    ],
)
async def test_bad_address(
    entry: MockConfigEntry, dialog: Dialog, address: str, error: str
) -> None:
    """An address that can't be, or is another meter's, is refused."""
    form = form_of(dialog)
    result = await dialog.submit(form | {"address": address})

    assert result["errors"] == {"address": error}
    assert form_of(dialog) == form | {"address": address}
    assert entry.subentries[METER].data["address"] == 1


@pytest.mark.parametrize(
    ("field", "frame"),
    [
        ("initial_frames", "68 03 03 68"),
        ("initial_frames", "nothing"),
        ("initial_frames", "10 40 01 42 16"),
        ("requests", "nothing"),
        ("requests", " "),
    ],
)
async def test_bad_frame(
    entry: MockConfigEntry, dialog: Dialog, field: str, frame: str
) -> None:
    """A request that is no frame, or no bytes, is refused, on the section it is in."""
    form = form_of(dialog)
    quirks = form["quirks"] | {field: [frame]}
    result = await dialog.submit(form | {"quirks": quirks})

    assert result["errors"] == {"quirks": "invalid_frame"}
    assert quirks_of(dialog) == quirks
    assert Meter.from_subentry(entry.subentries[METER]).quirks.initial_frames == ()


async def test_ring_of_telegrams(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """What was learnt of a meter that never marks its end stays; without a reset it could not be counted."""
    subentry = entry.subentries[METER]
    quirks = Meter.from_subentry(subentry).quirks.as_dict() | {"ring": 3}
    hass.config_entries.async_update_subentry(
        entry, subentry, data={**subentry.data, "quirks": quirks}
    )
    await hass.async_block_till_done()
    dialog = await configure_meter(hass, entry, METER, "meter_settings")
    form = form_of(dialog)
    never = form["quirks"] | {"reset": "never"}
    result = await dialog.submit(form | {"quirks": never})
    assert result["errors"] == {"quirks": "reset_needed"}

    result = await dialog.submit(
        form | {"quirks": form["quirks"] | {"pause": {"seconds": 1}}}
    )
    assert result["reason"] == "reconfigure_successful"
    stored = Meter.from_subentry(entry.subentries[METER]).quirks
    assert (stored.ring, stored.pause) == (3, 1)


async def test_move(entry: MockConfigEntry, bus: SimulatedBus, dialog: Dialog) -> None:
    """The same meter under a new address is read there once, then stored."""
    before = dict(entry.subentries[METER].data)
    bus.meters[0].address = 17
    await dialog.submit(form_of(dialog) | {"address": "17"})
    result = await dialog.wait()

    assert result["reason"] == "reconfigure_successful"
    subentry = entry.subentries[METER]
    assert subentry.unique_id == "meter-17"
    assert subentry.data["address"] == 17
    assert subentry.data["bindings"] == before["bindings"]


async def test_move_to_secondary_address(
    entry: MockConfigEntry, bus: SimulatedBus, dialog: Dialog
) -> None:
    """From a primary to the secondary address of the same meter."""
    identification = bus.meters[0].identification
    await dialog.submit(form_of(dialog) | {"address": identification})
    await dialog.wait()

    assert entry.subentries[METER].data["address"] == f"{identification}FFFFFFFF"


async def test_move_to_silence(
    entry: MockConfigEntry, bus: SimulatedBus, dialog: Dialog
) -> None:
    """Nobody at the new address: nothing is stored, the form stays as it was typed; it may be put right."""
    form = form_of(dialog) | {"address": "17", "name": "Boiler"}
    await dialog.submit(form)
    result = await dialog.wait()

    assert result["errors"] == {"address": "no_reply"}
    assert form_of(dialog) == form
    assert entry.subentries[METER].title != "Boiler"
    result = await dialog.submit(form | {"address": "1"})
    assert result["reason"] == "reconfigure_successful"
    assert entry.subentries[METER].title == "Boiler"


async def test_move_to_another_meter(
    entry: MockConfigEntry, bus: SimulatedBus, dialog: Dialog
) -> None:
    """Another meter at the new address: its values would go on in this one's history."""
    bus.meters.append(HeatMeter(17, identification="99887766"))
    await dialog.submit(form_of(dialog) | {"address": "17"})
    result = await dialog.wait()

    assert (result["type"], result["step_id"]) == (FlowResultType.MENU, "moved")
    assert result["description_placeholders"]["found"].startswith(
        "SIM 99887766, fabrication number "
    )
    form = form_of(dialog) if await dialog.choose("meter_settings") else None
    assert form is not None
    assert form["address"] == "17"
    assert entry.subentries[METER].data["address"] == 1


@pytest.mark.parametrize("by_secondary", [False, True])
async def test_exchanged_meter(
    hass: HomeAssistant,
    bus: SimulatedBus,
    create_entry: CreateEntry,
    by_secondary: bool,
) -> None:
    """An exchanged meter goes on at its new address with the old one's entities, once a person says so."""
    old = bus.meters[0]
    address = old.identification if by_secondary else "1"
    entry = await create_entry(address)
    [subentry_id] = entry.subentries
    before = bindings_of(entry, subentry_id)
    entities = {
        entity.unique_id: entity.entity_id
        for entity in er.async_entries_for_config_entry(
            er.async_get(hass), entry.entry_id
        )
    }
    bus.meters = [new := HeatMeter(3, identification="99887766")]
    dialog = await configure_meter(hass, entry, subentry_id, "meter_settings")
    new_address = "99887766" if by_secondary else "3"
    await dialog.submit(form_of(dialog) | {"address": new_address})
    await dialog.wait()
    result = await dialog.choose("adopt_meter")
    await hass.async_block_till_done(wait_background_tasks=True)

    assert result["reason"] == "reconfigure_successful"
    subentry = entry.subentries[subentry_id]
    assert subentry.data["identity"]["identification"] == new.identification
    assert subentry.unique_id == (
        "meter-99887766FFFFFFFF" if by_secondary else "meter-3"
    )
    assert bindings_of(entry, subentry_id) == before
    assert entities == {
        entity.unique_id: entity.entity_id
        for entity in er.async_entries_for_config_entry(
            er.async_get(hass), entry.entry_id
        )
    }
    await read_meters(hass, entry)
    energy = hass.states.get(
        next(
            entity_id
            for unique_id, entity_id in entities.items()
            if unique_id == before["energy"]["id"]
        )
    )
    assert energy is not None
    assert energy.state not in (STATE_UNAVAILABLE, STATE_UNKNOWN)


async def test_parts_of_one_housing(
    hass: HomeAssistant, bus: SimulatedBus, create_entry: CreateEntry
) -> None:
    """Two parts with one number are told apart by what they measure: neither passes for the other."""
    bus.meters = [
        HeatMeter(1, identification="12345678"),
        cooling := HeatMeter(2, identification="12345678"),
    ]
    cooling.medium = 0x0A
    entry = await create_entry(1)
    version = f"{cooling.version:02X}"
    manufacturer = entry.subentries[METER].data["identity"]["manufacturer"]
    full = str(SecondaryAddress.parse(f"12345678FFFF{version}0A"))
    dialog = await configure_meter(hass, entry, METER, "meter_settings")
    await dialog.submit(form_of(dialog) | {"address": full})
    result = await dialog.wait()

    assert (result["type"], result["step_id"]) == (FlowResultType.MENU, "moved")
    found = result["description_placeholders"]["found"]
    assert found.startswith(f"{manufacturer} 12345678, ")
    assert found.endswith(f", version {cooling.version}, cooling meter")

    adding = await add_meter(hass, entry)
    await adding.choose("address")
    await adding.submit({"address": full})
    result = await adding.wait()
    assert result["step_id"] == "records"


async def test_move_onto_a_configured_meter(
    entry: MockConfigEntry, bus: SimulatedBus, dialog: Dialog
) -> None:
    """A meter that is configured on its own does not take the place of another one."""
    form = form_of(dialog) | {"address": bus.meters[1].identification}
    await dialog.submit(form)
    result = await dialog.wait()

    assert result["errors"] == {"address": "known_meter"}
    water_meter = entry.subentries["meter2"].title
    assert result["description_placeholders"]["known"] == water_meter
    assert form_of(dialog) == form
    assert entry.subentries[METER].data["address"] == 1


async def test_short_period(
    hass: HomeAssistant, entry: MockConfigEntry, dialog: Dialog
) -> None:
    """A period below a minute is asked for once more, and not again once it is set."""
    form = form_of(dialog) | {"period": NO_TIME | {"seconds": 30}}
    result = await dialog.submit(form)
    assert result["type"] is FlowResultType.MENU
    assert result["description_placeholders"] == {"seconds": "30"}
    assert "period" not in entry.subentries[METER].data
    await dialog.refresh()
    result = await dialog.choose("meter_settings")
    assert form_of(dialog) == form

    await dialog.submit(form)
    result = await dialog.choose("use_short_period")
    assert result["reason"] == "reconfigure_successful"
    assert entry.subentries[METER].data["period"] == 30_000

    dialog = await configure_meter(hass, entry, METER, "meter_settings")
    result = await dialog.submit(form_of(dialog) | {"name": "Boiler"})
    assert result["reason"] == "reconfigure_successful"


async def test_short_period_on_demand(entry: MockConfigEntry, dialog: Dialog) -> None:
    """A period that isn't used needs no second thought."""
    result = await dialog.submit(
        form_of(dialog) | {"period": {"seconds": 5}, "on_demand": True}
    )
    assert result["reason"] == "reconfigure_successful"
