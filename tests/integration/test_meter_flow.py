"""Adding a meter by its address, and choosing its records."""

import asyncio
from typing import Any

from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import entity_registry as er
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from tests.simulator import (
    Fault,
    FrameMeter,
    HeatMeter,
    SimulatedBus,
    WaterMeter,
    is_request_for_data,
)
from tests.simulator.records import integer

from .conftest import CreateEntry
from .dialogs import Dialog, add_meter
from .meter_dialogs import (
    bindings_of,
    configure_meter,
    edit_binding,
    options_of,
    read_meters,
    suggested,
    ticked,
)
from .test_guards import Meter


@pytest.fixture
async def entry(create_entry: CreateEntry) -> MockConfigEntry:
    """Return a connection without meters."""
    return await create_entry()


@pytest.fixture
async def dialog(hass: HomeAssistant, entry: MockConfigEntry) -> Dialog:
    """Return the dialog at the form of the address."""
    dialog = await add_meter(hass, entry)
    await dialog.choose("address")
    return dialog


async def submit_address(dialog: Dialog, address: str) -> dict[str, Any]:
    """Enter an address and wait for what comes of it."""
    await dialog.submit({"address": address})
    return await dialog.wait()


async def test_add_meter(
    hass: HomeAssistant, bus: SimulatedBus, entry: MockConfigEntry, dialog: Dialog
) -> None:
    """The meter at an address is read, shown, and becomes a device with what was ticked."""
    result = await submit_address(dialog, " 1 ")
    assert result["step_id"] == "records"
    labels = options_of(result, "records")
    assert len(labels) == 52
    assert labels["0.0"].startswith("0.0 · Fabrication number · ")
    assert labels["0.1"].startswith("0.1 · Energy · ")
    assert labels["0.1"].endswith(" kWh")
    assert labels["1.2"].startswith("1.2 · Energy, storage 1 (")
    # Energy, volume, power, flow, two temperatures, their difference, energy exported; nothing of the past.
    assert ticked(result, "records") == [
        *(f"0.{index}" for index in range(1, 8)),
        "1.8",
    ]

    result = await dialog.submit({"records": ["0.1", "1.2"]})

    assert result["type"] is FlowResultType.CREATE_ENTRY
    [subentry] = entry.subentries.values()
    meter = bus.meters[0]
    assert meter.identification in subentry.title
    assert subentry.unique_id == "meter-1"
    assert subentry.data["address"] == 1
    assert subentry.data["medium"] == 4
    assert subentry.data["identity"]["identification"] == meter.identification
    bindings = bindings_of(entry, subentry.subentry_id)
    assert [
        (name, item["telegram"], item["index"]) for name, item in bindings.items()
    ] == [("energy", 0, 1), ("energy_storage_1", 1, 2)]

    await hass.async_block_till_done()
    await read_meters(hass, entry)
    registry = er.async_get(hass)
    for item in bindings.values():
        entity_id = registry.async_get_entity_id("sensor", "mbus", item["id"])
        assert entity_id
        state = hass.states.get(entity_id)
        assert state
        assert float(state.state) > 0


async def test_present_values_come_first(dialog: Dialog) -> None:
    """A meter with one telegram is shown as any other: by telegram and index, in each telegram the present values first."""
    labels = options_of(await submit_address(dialog, "2"), "records")

    assert labels["0.1"].startswith("0.1 · Volume · ")
    assert [*labels][-2:] == ["0.3", "0.4"]
    assert labels["0.1"].endswith(" m³")


@pytest.mark.parametrize(("count", "mode"), [(12, "list"), (13, "dropdown")])
async def test_long_list_is_searched(
    bus: SimulatedBus, dialog: Dialog, count: int, mode: str
) -> None:
    """More records than can be looked through are found by their words."""
    records = [integer(f"04 FD {code:02X}", code) for code in range(0x40, 0x40 + count)]
    bus.meters.append(Meter(8, *records))

    result = await submit_address(dialog, "8")

    [selector] = result["data_schema"].schema.values()
    assert selector.config["mode"] == mode


async def test_add_meter_by_secondary_address(
    bus: SimulatedBus, entry: MockConfigEntry, dialog: Dialog
) -> None:
    """The identification alone will do; it is stored as an address with wildcards."""
    identification = bus.meters[1].identification
    result = await submit_address(dialog, identification)
    assert ticked(result, "records")
    await dialog.submit({"records": []})

    [subentry] = entry.subentries.values()
    assert subentry.unique_id == f"meter-{identification}FFFFFFFF"
    assert subentry.data["address"] == f"{identification}FFFFFFFF"
    assert subentry.data["bindings"] == []


@pytest.mark.parametrize(
    ("address", "error"),
    [
        ("251", "address_out_of_range"),
        ("-1", "address_out_of_range"),
        ("1000", "address_out_of_range"),
        ("", "invalid_address"),
        ("meter", "invalid_address"),
        ("123456789", "invalid_address"),
        ("1234567G", "invalid_address"),
    ],
)
async def test_bad_address(
    bus: SimulatedBus, dialog: Dialog, address: str, error: str
) -> None:
    """What is no address is refused on its field, before anything is asked; the next try may do."""
    result = await submit_address(dialog, address)

    assert result["step_id"] == "address"
    assert result["errors"] == {"address": error}
    assert suggested(result) == {"address": address}
    assert not bus.requests
    result = await submit_address(dialog, "1")
    assert result["step_id"] == "records"


async def test_already_configured(
    hass: HomeAssistant, bus: SimulatedBus, create_entry: CreateEntry
) -> None:
    """An address is configured once, in whatever way it is written."""
    identification = bus.meters[1].identification
    entry = await create_entry(1, identification)
    dialog = await add_meter(hass, entry)
    await dialog.choose("address")

    for address in ("1", "001", identification, f"{identification}ffffffff"):
        result = await submit_address(dialog, address)
        assert result["errors"] == {"address": "already_configured"}


async def test_already_configured_meanwhile(
    hass: HomeAssistant, entry: MockConfigEntry, dialog: Dialog
) -> None:
    """Of two dialogs that add the same meter the second ends with nothing added."""
    other = await add_meter(hass, entry)
    await other.choose("address")
    await submit_address(dialog, "1")
    await submit_address(other, "1")
    await dialog.submit({"records": ["0.1"]})
    result = await other.submit({"records": ["0.1"]})

    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "already_configured"
    assert len(entry.subentries) == 1


async def test_silent_address(bus: SimulatedBus, dialog: Dialog) -> None:
    """Nobody there: progress is shown meanwhile, then the form with the error and what was typed."""
    result = await dialog.submit({"address": "7"})
    assert result["type"] is FlowResultType.SHOW_PROGRESS
    result = await dialog.wait()

    assert result["errors"] == {"address": "no_reply"}
    assert suggested(result) == {"address": "7"}
    bus.meters.append(WaterMeter(7))
    result = await submit_address(dialog, "7")
    assert result["step_id"] == "records"


@pytest.mark.parametrize(
    ("fault", "errors"),
    [
        (Fault.CORRUPT, {"address": "damaged_reply"}),
        (Fault.FOREIGN_ADDRESS, {"address": "foreign_reply"}),
        (Fault.ACK_INSTEAD, {"address": "no_data"}),
    ],
)
async def test_bad_reply(
    bus: SimulatedBus, dialog: Dialog, fault: Fault, errors: dict[str, str]
) -> None:
    """What comes is never the meter's reply: the form stays open and says what it was."""
    for _ in range(20):
        bus.faults.once(fault, matches=is_request_for_data)
    result = await submit_address(dialog, "1")

    assert result["step_id"] == "address"
    assert result["errors"] == errors
    bus.faults.clear()
    result = await submit_address(dialog, "1")
    assert result["step_id"] == "records"


async def test_collision(bus: SimulatedBus, dialog: Dialog) -> None:
    """Two meters under one wildcard."""
    bus.skew = 3
    bus.meters = [
        WaterMeter(2, identification="11112222"),
        HeatMeter(3, identification="11113333"),
    ]
    result = await submit_address(dialog, "1111FFFF")

    assert result["errors"]["address"] in ("collision", "damaged_reply")


async def test_link_down(bus: SimulatedBus, dialog: Dialog) -> None:
    """The gateway has gone since the connection was set up."""
    await bus.close()
    result = await submit_address(dialog, "1")

    assert result["step_id"] == "address"
    assert result["errors"] == {"base": "cannot_connect"}


async def test_not_loaded(hass: HomeAssistant, create_entry: CreateEntry) -> None:
    """Without a running connection there is nothing to ask; the dialogs say so."""
    entry = await create_entry(1)
    assert await hass.config_entries.async_unload(entry.entry_id)

    for dialog in (
        await add_meter(hass, entry),
        await configure_meter(hass, entry, "meter1"),
    ):
        assert dialog.result["reason"] == "not_loaded"
        assert dialog.result["description_placeholders"] == {"connection": "Cellar"}


@pytest.mark.parametrize("shutdown_timeout", [0, 5000])
async def test_unloaded_while_reading(
    hass: HomeAssistant, create_entry: CreateEntry, shutdown_timeout: int
) -> None:
    """The connection is stopped while a silent meter is being asked."""
    entry = await create_entry(options={"shutdown_timeout": shutdown_timeout})
    dialog = await add_meter(hass, entry)
    await dialog.choose("address")
    await dialog.submit({"address": "7"})
    assert await hass.config_entries.async_unload(entry.entry_id)
    result = await dialog.wait()

    assert result["reason"] == "not_loaded"
    assert entry.state is ConfigEntryState.NOT_LOADED


async def test_unloaded_before_reading(
    hass: HomeAssistant, entry: MockConfigEntry, dialog: Dialog
) -> None:
    """The connection is stopped while the form waits."""
    assert await hass.config_entries.async_unload(entry.entry_id)
    result = await dialog.submit({"address": "1"})

    assert result["reason"] == "not_loaded"


async def test_closed_while_reading(
    hass: HomeAssistant, bus: SimulatedBus, dialog: Dialog
) -> None:
    """Closing the dialog stops the reading."""
    await dialog.submit({"address": "7"})
    dialog.close()
    await hass.async_block_till_done(wait_background_tasks=True)
    asked = len(bus.requests)
    await asyncio.sleep(0.4)

    assert len(bus.requests) == asked


async def test_incomplete_meter(bus: SimulatedBus, dialog: Dialog) -> None:
    """What could be read is shown, with a remark on what could not."""
    body = bytes.fromhex(
        "08 01 72 78 56 34 12 2D 2C 01 07 01 00 00 00 0C 13 45 23 01 00 0C 13 45"
    )
    frame = (
        b"\x68"
        + bytes([len(body)]) * 2
        + b"\x68"
        + body
        + bytes([sum(body) % 256, 0x16])
    )
    bus.meters = [FrameMeter([frame], 1)]
    result = await submit_address(dialog, "1")

    assert list(options_of(result, "records")) == ["0.0"]
    assert result["step_id"] == "records_incomplete"
    assert "record 1" in result["description_placeholders"]["error"]


async def test_meter_that_is_configured_with_another_address(
    hass: HomeAssistant, bus: SimulatedBus, create_entry: CreateEntry
) -> None:
    """It is said which one that is: numbers repeat in the field, so it may be another one after all."""
    entry = await create_entry(2)
    dialog = await add_meter(hass, entry)
    await dialog.choose("address")
    result = await submit_address(dialog, bus.meters[1].identification)

    title = entry.subentries["meter2"].title
    assert result["step_id"] == "known_meter"
    assert result["description_placeholders"]["known"] == title
    result = await dialog.choose("address")
    assert suggested(result) == {"address": bus.meters[1].identification}
    await submit_address(dialog, bus.meters[1].identification)
    await dialog.choose("records")
    await dialog.submit({"records": ["0.1"]})
    assert len(entry.subentries) == 2


class TestChooseRecords:
    """The gear's first choice."""

    @pytest.fixture
    async def entry(self, create_entry: CreateEntry) -> MockConfigEntry:
        """Return a connection with the heat meter and its sensible records."""
        return await create_entry(1)

    async def test_add_and_remove(
        self, hass: HomeAssistant, entry: MockConfigEntry
    ) -> None:
        """What stays ticked stays as it is; the rest comes and goes with its entities."""
        before = bindings_of(entry, "meter1")
        dialog = await configure_meter(hass, entry, "meter1", "choose_records")
        result = await dialog.wait()
        assert ticked(result, "records") == [
            f"{item['telegram']}.{item['index']}" for item in before.values()
        ]
        assert result["step_id"] == "records"

        result = await dialog.submit({"records": ["0.1", "1.2"]})

        assert result["reason"] == "reconfigure_successful"
        after = bindings_of(entry, "meter1")
        assert list(after) == ["energy", "energy_storage_1"]
        assert after["energy"] == before["energy"]
        await hass.async_block_till_done(wait_background_tasks=True)
        registry = er.async_get(hass)
        present = {
            item["id"]: registry.async_get_entity_id("sensor", "mbus", item["id"])
            for item in (before | after).values()
        }
        assert {key for key, entity_id in present.items() if entity_id} == {
            item["id"] for item in after.values()
        }

    async def test_what_others_did_meanwhile(
        self, hass: HomeAssistant, entry: MockConfigEntry
    ) -> None:
        """A list left open changes what was ticked and unticked in it, and nothing else."""
        dialog = await configure_meter(hass, entry, "meter1", "choose_records")
        shown = ticked(await dialog.wait(), "records")
        # Meanwhile 1.2 and 1.3 are bound, and 0.1 (energy) is bound no more.
        other = await configure_meter(hass, entry, "meter1", "choose_records")
        await other.wait()
        await other.submit({"records": [*shown[1:], "1.2", "1.3"]})
        others = bindings_of(entry, "meter1")

        await dialog.submit({"records": [*shown[:-1], "1.3", "1.4"]})

        after = bindings_of(entry, "meter1")
        places = [(item["telegram"], item["index"]) for item in after.values()]
        wanted = [*shown[1:-1], "1.2", "1.3", "1.4"]
        assert [f"{telegram}.{index}" for telegram, index in places] == wanted
        assert (
            after.items()
            >= {
                name: item
                for name, item in others.items()
                if (item["telegram"], item["index"]) in places
            }.items()
        )

    async def test_silent_meter(
        self, hass: HomeAssistant, bus: SimulatedBus, entry: MockConfigEntry
    ) -> None:
        """A silent meter's last reading is shown, with its time and why it is not a new one."""
        await read_meters(hass, entry)
        bus.meters.clear()
        dialog = await configure_meter(hass, entry, "meter1", "choose_records")
        result = await dialog.wait()
        labels = options_of(result, "records")
        assert labels["0.1"].startswith("0.1 · Energy · ")
        assert labels["0.1"].endswith(" kWh")
        assert result["step_id"] == "records_last_reading"
        assert "no reply from 1" in result["description_placeholders"]["error"]

        await dialog.submit({"records": ["0.1", "0.4"]})
        assert list(bindings_of(entry, "meter1")) == ["energy", "volume_flow"]

    async def test_never_read(
        self, hass: HomeAssistant, bus: SimulatedBus, create_entry: CreateEntry
    ) -> None:
        """Of a meter that never answered since the start the bindings themselves are shown."""
        entry = await create_entry(1, setup=False)
        bus.meters.clear()
        assert await hass.config_entries.async_setup(entry.entry_id)
        await hass.async_block_till_done(wait_background_tasks=True)
        dialog = await configure_meter(hass, entry, "meter1", "choose_records")
        result = await dialog.wait()
        labels = options_of(result, "records")
        assert labels["0.1"] == "0.1 · Energy · –"
        assert ticked(result, "records") == list(labels)

        await dialog.submit({"records": ["0.1"]})
        assert list(bindings_of(entry, "meter1")) == ["energy"]


class TestDeletedMeanwhile:
    """What is being changed may be deleted while its dialog is open: the dialog says so."""

    @pytest.fixture
    async def entry(self, create_entry: CreateEntry) -> MockConfigEntry:
        """Return a connection with the heat meter and its sensible records."""
        return await create_entry(1)

    @pytest.mark.parametrize(
        "option", ["choose_records", "edit_binding", "add_binding", "meter_settings"]
    )
    async def test_meter_before_a_choice(
        self, hass: HomeAssistant, entry: MockConfigEntry, option: str
    ) -> None:
        """Nothing of a meter that is gone can be chosen."""
        dialog = await configure_meter(hass, entry, "meter1")
        hass.config_entries.async_remove_subentry(entry, "meter1")
        if (await dialog.choose(option))["type"] is FlowResultType.FORM:
            await dialog.submit({"telegram": 0, "index": 0})

        assert dialog.result["reason"] == "meter_deleted"

    async def test_meter_of_an_open_form(
        self, hass: HomeAssistant, entry: MockConfigEntry
    ) -> None:
        """What was entered is for nobody."""
        records = await configure_meter(hass, entry, "meter1", "choose_records")
        await records.wait()
        settings = await configure_meter(hass, entry, "meter1", "meter_settings")
        form = suggested(settings.result) | {
            "quirks": {
                "reset": "never",
                "ignore_more_records": False,
                "pause": {"seconds": 0},
            }
        }
        hass.config_entries.async_remove_subentry(entry, "meter1")

        for dialog, filled_in in ((records, {"records": []}), (settings, form)):
            result = await dialog.submit(filled_in)
            assert result["reason"] == "meter_deleted"

    async def test_meter_that_is_read(
        self, hass: HomeAssistant, bus: SimulatedBus, entry: MockConfigEntry
    ) -> None:
        """The progress ends, and then the dialog."""
        bus.meters.clear()
        dialog = await configure_meter(hass, entry, "meter1", "choose_records")
        assert dialog.result["type"] is FlowResultType.SHOW_PROGRESS
        hass.config_entries.async_remove_subentry(entry, "meter1")

        assert (await dialog.wait())["reason"] == "meter_deleted"

    async def test_connection(
        self, hass: HomeAssistant, entry: MockConfigEntry, bus: SimulatedBus
    ) -> None:
        """With the connection its meters are gone, too; a dialog that adds one ends likewise."""
        adding = await add_meter(hass, entry)
        await adding.choose("address")
        bus.meters.clear()
        reading = await add_meter(hass, entry)
        await reading.choose("address")
        await reading.submit({"address": "7"})
        changing = await configure_meter(hass, entry, "meter1")
        await hass.config_entries.async_remove(entry.entry_id)

        await adding.submit({"address": "1"})
        await changing.choose("meter_settings")
        for dialog in (adding, changing, reading):
            assert (await dialog.wait())["reason"] == "connection_deleted"

    async def test_binding(self, hass: HomeAssistant, entry: MockConfigEntry) -> None:
        """A binding that was unticked elsewhere can't be changed any more, and doesn't come back."""
        dialogs = [
            await edit_binding(hass, entry, "energy", step)
            for step in ("binding_settings", "transformation")
        ]
        form = suggested(dialogs[0].result)
        other = await configure_meter(hass, entry, "meter1", "choose_records")
        await other.wait()
        await other.submit({"records": ["0.2"]})

        await dialogs[0].submit(form)
        await dialogs[1].choose("add_step")
        await dialogs[1].choose("damper")
        await dialogs[1].submit({"lag": 60})
        for dialog in dialogs:
            assert dialog.result["reason"] == "binding_deleted"
        assert list(bindings_of(entry, "meter1")) == ["volume"]
