"""Searching a bus by dialog: before there is a connection, and on one that is polled."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from itertools import count
from types import MappingProxyType
from unittest.mock import patch

from homeassistant.config_entries import ConfigEntryState, ConfigSubentry
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import (
    EVENT_DATA_ENTRY_FLOW_PROGRESS_UPDATE,
    EVENT_DATA_ENTRY_FLOW_PROGRESSED,
    FlowResultType,
)
from homeassistant.helpers import device_registry as dr, entity_registry as er
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_capture_events,
)

from custom_components.mbus.const import DOMAIN
from custom_components.mbus.protocol import short_frame
from tests.simulator import (
    Fault,
    HeatMeter,
    Quirks,
    SimulatedBus,
    TcpGateway,
    WaterMeter,
    is_request_for_data,
)

from .conftest import CreateEntry
from .dialogs import Dialog, add_connection, add_meter, serial_form, tcp_form

FAST_LINE = {"line": {"baud_rate": "38400"}}
SELECTION = 0x68
"""First byte of a selection; the requests of a poll are short frames."""
SHORT_WAITS = {"timeout": 1000, "line_delay_ratio": 0.1}


@pytest.fixture(autouse=True)
def short_search() -> Iterator[None]:
    """Search at primary addresses up to 3, on a bus that is powered and near: else a search takes a minute."""
    protocol = "custom_components.mbus.protocol"
    with (
        patch(f"{protocol}.master.search.LAST_PRIMARY", 3),
        patch(f"{protocol}.master.listening.POWER_UP", 0),
        patch(f"{protocol}.line.link._NETWORK_LATENCY", 0.02),
    ):
        yield


@pytest.fixture
async def bus(socket_enabled: None) -> AsyncIterator[SimulatedBus]:
    """Return a bus with a heat meter at 1 and a water meter at 2, told apart by their first digit."""
    meters = [
        HeatMeter(1, identification="10000001"),
        WaterMeter(2, identification="20000002"),
    ]
    async with SimulatedBus(meters) as simulated:
        yield simulated


async def dialog_on(hass: HomeAssistant, port: int) -> Dialog:
    """Return the dialog at the question how to get to the meters of a new connection."""
    dialog = await add_connection(hass)
    await dialog.choose("tcp")
    await dialog.submit(tcp_form(port, **FAST_LINE))
    return dialog


@pytest.fixture
async def dialog(hass: HomeAssistant, port: int) -> Dialog:
    """Return the dialog at the question how to get to the meters of the bus."""
    return await dialog_on(hass, port)


@pytest.fixture
async def entry(create_entry: CreateEntry) -> MockConfigEntry:
    """Return a connection that polls the heat meter at 1; the water meter at 2 is not configured."""
    return await create_entry(1, options=SHORT_WAITS)


def labels(dialog: Dialog) -> list[str]:
    """Return what is offered to be ticked."""
    [selector, *_] = dialog.result["data_schema"].schema.values()
    return [option["label"] for option in selector.config["options"]]


def ticked(dialog: Dialog) -> list[str]:
    """Return what is ticked from the start."""
    [marker, *_] = dialog.result["data_schema"].schema
    return list(marker.default())


def problems(dialog: Dialog) -> str:
    """Return what is explained below the list."""
    return str(dialog.result["description_placeholders"]["problems"])


async def until_free(bus: SimulatedBus) -> None:
    """Wait until nobody is connected to the bus."""
    [gateway] = bus.gateways
    assert isinstance(gateway, TcpGateway)
    async with asyncio.timeout(5):
        while gateway.connections:
            await asyncio.sleep(0.001)


async def until_searching(bus: SimulatedBus) -> None:
    """Wait until a search has said its first word."""
    async with asyncio.timeout(5):
        while not bus.requests or bus.requests[-1][0] != SELECTION:
            await asyncio.sleep(0.001)


def bound_sensors(hass: HomeAssistant, entry: MockConfigEntry, unique_id: str) -> int:
    """Return how many bindings of a meter have a sensor."""
    [meter] = [
        meter for meter in entry.subentries.values() if meter.unique_id == unique_id
    ]
    registry = er.async_get(hass)
    return sum(
        registry.async_get_entity_id("sensor", DOMAIN, binding["id"]) is not None
        for binding in meter.data["bindings"]
    )


# A new connection


async def test_search_then_tick(
    hass: HomeAssistant, bus: SimulatedBus, dialog: Dialog
) -> None:
    """Everything found is ticked; what stays ticked comes with the connection, its sensible records bound."""
    result = await dialog.choose("search")
    assert result["type"] is FlowResultType.SHOW_PROGRESS
    await dialog.wait()

    assert dialog.result["step_id"] == "found"
    assert labels(dialog) == [
        "1 · SIM heat meter 10000001",
        "2 · SIM water meter 20000002",
    ]
    assert ticked(dialog) == ["meter-1", "meter-2"]
    assert problems(dialog) == ""
    await until_free(bus)

    result = await dialog.submit({"meters": ticked(dialog)})
    assert result["type"] is FlowResultType.CREATE_ENTRY
    await hass.async_block_till_done(wait_background_tasks=True)

    [entry] = hass.config_entries.async_entries(DOMAIN)
    assert entry.state is ConfigEntryState.LOADED
    titles = {meter.unique_id: meter.title for meter in entry.subentries.values()}
    assert titles == {
        "meter-1": "SIM heat meter 10000001",
        "meter-2": "SIM water meter 20000002",
    }
    names = {
        meter.unique_id: {binding["name"] for binding in meter.data["bindings"]}
        for meter in entry.subentries.values()
    }
    assert {"energy", "volume", "power", "flow_temperature"} <= names["meter-1"]
    assert names["meter-2"] >= {"volume"}
    assert bound_sensors(hass, entry, "meter-1") == len(names["meter-1"])


async def test_tick_some(hass: HomeAssistant, dialog: Dialog) -> None:
    """A meter that isn't ticked isn't added."""
    await dialog.choose("search")
    await dialog.wait()
    await dialog.submit({"meters": ["meter-2"]})

    [entry] = hass.config_entries.async_entries(DOMAIN)
    [meter] = entry.subentries.values()
    assert meter.unique_id == "meter-2"
    assert meter.data["address"] == 2
    assert meter.data["identity"]["identification"] == "20000002"


async def test_progress(hass: HomeAssistant, dialog: Dialog) -> None:
    """The ring moves to the end, and the text names each meter as soon as it is found."""
    rings = async_capture_events(hass, EVENT_DATA_ENTRY_FLOW_PROGRESS_UPDATE)
    texts = async_capture_events(hass, EVENT_DATA_ENTRY_FLOW_PROGRESSED)
    found = set()
    result = await dialog.choose("search")
    while result["type"] is FlowResultType.SHOW_PROGRESS:
        found.add(result["description_placeholders"]["found"])
        await asyncio.sleep(0.005)
        result = await dialog.refresh()

    assert {
        "–",
        "1 · SIM heat meter 10000001\n2 · SIM water meter 20000002",
    } <= found
    assert all(text.data["flow_id"] == dialog.flow_id for text in texts)
    assert len(texts) >= 2
    parts = [ring.data["progress"] for ring in rings]
    assert parts == sorted(parts)
    assert len(parts) > 5
    assert 0.8 < parts[-1] <= 1


async def test_closing_the_dialog_stops_the_search(
    hass: HomeAssistant, bus: SimulatedBus, dialog: Dialog
) -> None:
    """A search whose dialog was closed says no further word and lets go of the gateway."""
    await dialog.choose("search")
    await until_searching(bus)
    dialog.close()
    requests = len(bus.requests)
    await until_free(bus)

    assert len(bus.requests) == requests
    assert not hass.config_entries.async_entries(DOMAIN)
    assert not hass.config_entries.flow.async_progress()


async def test_meters_at_one_address(hass: HomeAssistant, socket_enabled: None) -> None:
    """Meters that share an address are added by their secondary ones, and it is said why."""
    meters = [
        HeatMeter(1, identification="11111111"),
        WaterMeter(1, identification="22222222"),
    ]
    async with SimulatedBus(meters, skew=3) as bus:
        dialog = await dialog_on(hass, await bus.serve_tcp())
        await dialog.choose("search")
        await dialog.wait()

        assert "several meters answer at 1" in problems(dialog)
        assert sorted(key[:14] for key in ticked(dialog)) == [
            "meter-11111111",
            "meter-22222222",
        ]
        await dialog.submit({"meters": ticked(dialog)})
        [entry] = hass.config_entries.async_entries(DOMAIN)
        addresses = [meter.data["address"] for meter in entry.subentries.values()]
        assert sorted(address[:8] for address in addresses) == ["11111111", "22222222"]
        await hass.config_entries.async_unload(entry.entry_id)


async def test_meter_that_falls_silent(
    hass: HomeAssistant, bus: SimulatedBus, dialog: Dialog
) -> None:
    """Of a meter that the search heard and that then is silent, what was heard counts, and it is said."""
    [heat_meter, _] = bus.meters
    await dialog.choose("search")
    async with asyncio.timeout(10):
        while len(bus.requests) < 4 or "2 · " not in str(
            dialog.result["description_placeholders"]
        ):
            await asyncio.sleep(0.001)
            await dialog.refresh()
    bus.meters.remove(heat_meter)
    await dialog.wait()

    assert "no reply from 1" in problems(dialog)
    assert len(labels(dialog)) == 2


@pytest.mark.usefixtures("socket_enabled")
@patch("custom_components.mbus.protocol.master.search.LAST_PRIMARY", 0)
async def test_nothing_found(hass: HomeAssistant) -> None:
    """Where nobody answers behind a gateway, a slow search is offered, and to go on without meters."""
    async with SimulatedBus() as bus:
        dialog = await dialog_on(hass, await bus.serve_tcp())
        await dialog.choose("search")
        result = await dialog.wait()
        assert result["step_id"] == "nothing_found"
        assert result["menu_options"] == [
            "search",
            "search_slowly",
            "later",
        ]
        await dialog.choose("search_slowly")
        assert (await dialog.wait())["step_id"] == "nothing_found"
        await dialog.choose("later")

        [entry] = hass.config_entries.async_entries(DOMAIN)
        assert entry.data["baud_rate"] == 38400
        assert not entry.subentries
        await hass.config_entries.async_unload(entry.entry_id)


@pytest.mark.parametrize("by_secondary", [True, False])
async def test_search_at_another_rate(hass: HomeAssistant, by_secondary: bool) -> None:
    """Meters that are found at another baud rate are read at that one from then on."""
    meter = WaterMeter(
        2, baud_rate=9600, quirks=Quirks(secondary_addressing=by_secondary)
    )
    async with SimulatedBus([meter]) as bus:
        dialog = await add_connection(hass)
        await dialog.choose("serial")
        await dialog.submit(serial_form(await bus.serve_pty()))
        await dialog.choose("search")
        assert (await dialog.wait())["step_id"] == "nothing_found"
        texts = async_capture_events(hass, EVENT_DATA_ENTRY_FLOW_PROGRESSED)
        result = await dialog.choose("search_rates")
        rates: list[str] = []
        while result["type"] is FlowResultType.SHOW_PROGRESS:
            if len(texts) > len(rates):
                rates.append(result["description_placeholders"]["rate"])
            await asyncio.sleep(0.005)
            result = await dialog.refresh()
        assert list(dict.fromkeys(rates)) == ["2400", "300", "9600"]
        assert (await dialog.wait())["step_id"] == "found"
        await dialog.submit({"meters": ticked(dialog)})
        await hass.async_block_till_done(wait_background_tasks=True)

        [entry] = hass.config_entries.async_entries(DOMAIN)
        assert entry.data["baud_rate"] == 9600
        assert len(entry.subentries) == 1
        await hass.config_entries.async_unload(entry.entry_id)


async def test_gateway_lost_during_the_search(
    hass: HomeAssistant, bus: SimulatedBus, port: int, dialog: Dialog
) -> None:
    """A search that breaks off says why, and can be begun again."""
    bus.faults.once(Fault.GATEWAY_RESET, matches=is_request_for_data)
    await dialog.choose("search")
    result = await dialog.wait()
    assert result["step_id"] == "search_failed"
    assert f"127.0.0.1:{port}" in result["description_placeholders"]["error"]

    rings = async_capture_events(hass, EVENT_DATA_ENTRY_FLOW_PROGRESS_UPDATE)
    await dialog.choose("search")
    assert (await dialog.wait())["step_id"] == "found"
    assert rings[0].data["progress"] == 0


async def test_gateway_lost_after_the_search(
    hass: HomeAssistant, bus: SimulatedBus, dialog: Dialog
) -> None:
    """A link that is lost while the meters found are read is an error of the search; what was found can be added."""
    requests_for_data = count()
    bus.faults.down_time = 60
    bus.faults.once(
        Fault.GATEWAY_DOWN,
        matches=lambda request: (
            request == short_frame(0x7B, 1) and next(requests_for_data) == 1
        ),
    )
    await dialog.choose("search")
    await dialog.wait()

    assert dialog.result["step_id"] == "search_failed"
    assert dialog.result["menu_options"][0] == "found"
    assert dialog.result["description_placeholders"]["count"] == "2"
    await dialog.choose("found")
    assert ticked(dialog) == ["meter-1", "meter-2"]
    assert not hass.config_entries.async_entries(DOMAIN)


async def test_gateway_gone_before_the_search(
    bus: SimulatedBus, dialog: Dialog
) -> None:
    """A gateway that can't be reached any more is an error of the search."""
    await bus.close()
    await dialog.choose("search")
    result = await dialog.wait()

    assert result["step_id"] == "search_failed"
    assert "refuses" in result["description_placeholders"]["error"]


async def test_unexpected_error(
    dialog: Dialog, caplog: pytest.LogCaptureFixture
) -> None:
    """An error that nobody thought of ends the search, logged with its traceback."""
    with patch(
        "custom_components.mbus.protocol.master.found.Findings.note_selected",
        side_effect=ZeroDivisionError("oops"),
    ):
        await dialog.choose("search")
        result = await dialog.wait()

    assert result["step_id"] == "search_failed"
    assert "ZeroDivisionError" in caplog.text


# A running connection


async def test_search_on_a_running_connection(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    """What is new is offered and added at once; what is configured stays as it is and isn't offered."""
    [heat_meter] = entry.subentries.values()
    before = heat_meter.as_dict()
    dialog = await add_meter(hass, entry)
    await dialog.choose("search")
    await dialog.wait()
    assert labels(dialog) == ["2 · SIM water meter 20000002"]

    result = await dialog.submit({"meters": ticked(dialog)})
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "meters_added")
    assert result["description_placeholders"] == {"count": "1"}
    await hass.async_block_till_done(wait_background_tasks=True)

    assert heat_meter.as_dict() == before
    assert bound_sensors(hass, entry, "meter-2") > 0
    [new] = [meter for meter in entry.subentries if meter != heat_meter.subentry_id]
    devices = dr.async_get(hass)
    assert devices.async_get_device_by_identifier((DOMAIN, new), entry.entry_id)


async def test_polling_goes_on_during_a_search(
    hass: HomeAssistant, bus: SimulatedBus, entry: MockConfigEntry
) -> None:
    """A poll gets its turn between two exchanges of a search, which then goes on as if nothing had been."""
    coordinator = entry.runtime_data.coordinators["meter1"]
    dialog = await add_meter(hass, entry)
    await dialog.choose("search")
    await until_searching(bus)
    polls = 0
    while (await dialog.refresh())["type"] is FlowResultType.SHOW_PROGRESS:
        await coordinator.async_refresh()
        assert coordinator.last_update_success
        polls += 1

    assert polls > 5
    assert labels(dialog) == ["2 · SIM water meter 20000002"]
    dialog.close()


async def test_closing_the_dialog_frees_the_bus(
    hass: HomeAssistant, bus: SimulatedBus, entry: MockConfigEntry
) -> None:
    """After the dialog was closed the connection's meters are read as ever."""
    dialog = await add_meter(hass, entry)
    await dialog.choose("search")
    await until_searching(bus)
    dialog.close()

    coordinator = entry.runtime_data.coordinators["meter1"]
    await coordinator.async_read_now()
    assert coordinator.last_update_success
    requests = len(bus.requests)
    await asyncio.sleep(0.05)
    assert len(bus.requests) == requests


async def test_nothing_new(hass: HomeAssistant, create_entry: CreateEntry) -> None:
    """Where all that answer are configured, it is said how many there are."""
    entry = await create_entry(1, 2, options=SHORT_WAITS)
    dialog = await add_meter(hass, entry)
    await dialog.choose("search")
    result = await dialog.wait()

    assert result["step_id"] == "nothing_new"
    assert result["menu_options"] == ["search", "search_slowly", "address"]
    assert result["description_placeholders"]["count"] == "2"
    assert (await dialog.refresh())["step_id"] == "nothing_new"
    assert (await dialog.choose("address"))["step_id"] == "address"


async def test_what_was_found_is_offered_again(
    hass: HomeAssistant, bus: SimulatedBus, entry: MockConfigEntry
) -> None:
    """Closing the dialog in the middle of a search loses nothing: the next one offers what was found, until it is added."""
    dialog = await add_meter(hass, entry)
    await dialog.choose("search")
    async with asyncio.timeout(20):
        while "2 · " not in str(dialog.result["description_placeholders"]):
            await asyncio.sleep(0.001)
            await dialog.refresh()
    assert "heat meter 10000001 (added already)" in str(
        dialog.result["description_placeholders"]
    )
    dialog.close()
    dialog = await add_meter(hass, entry)
    await dialog.choose("search")
    dialog.close()

    dialog = await add_meter(hass, entry)
    assert dialog.result["menu_options"] == ["found", "search", "address"]
    assert dialog.result["description_placeholders"] == {"count": "1"}
    await dialog.choose("found")
    assert labels(dialog) == ["2 · SIM water meter 20000002"]
    await dialog.submit({"meters": ticked(dialog)})
    await hass.async_block_till_done(wait_background_tasks=True)
    assert bound_sensors(hass, entry, "meter-2") > 0

    dialog = await add_meter(hass, entry)
    assert dialog.result["menu_options"] == ["search", "address"]


async def test_what_was_not_ticked_is_offered_again(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    """Who adds a part of what was found needn't search again for the rest."""
    dialog = await add_meter(hass, entry)
    await dialog.choose("search")
    await dialog.wait()
    await dialog.submit({"meters": []})

    dialog = await add_meter(hass, entry)
    assert dialog.result["menu_options"] == ["found", "search", "address"]
    await dialog.choose("found")
    assert labels(dialog) == ["2 · SIM water meter 20000002"]
    await dialog.submit({"meters": ticked(dialog)})
    await hass.async_block_till_done(wait_background_tasks=True)
    dialog = await add_meter(hass, entry)
    assert dialog.result["menu_options"] == ["search", "address"]


async def test_meter_silent_on_a_reset(
    hass: HomeAssistant, bus: SimulatedBus, entry: MockConfigEntry
) -> None:
    """It is found and added with what it needs; so it is by its address."""
    [_, water_meter] = bus.meters
    water_meter.quirks.answers_reset = False
    dialog = await add_meter(hass, entry)
    await dialog.choose("search")
    await dialog.wait()
    await dialog.submit({"meters": ["meter-2"]})
    [*_, added] = entry.subentries.values()
    assert added.data["quirks"]["reset"] == "never"
    hass.config_entries.async_remove_subentry(entry, added.subentry_id)
    await hass.async_block_till_done(wait_background_tasks=True)

    dialog = await add_meter(hass, entry)
    await dialog.choose("address")
    await dialog.submit({"address": "2"})
    await dialog.wait()
    assert dialog.result["step_id"] == "records"
    await dialog.submit({"records": []})
    [*_, added] = entry.subentries.values()
    assert added.data["quirks"]["reset"] == "never"
    await hass.async_block_till_done(wait_background_tasks=True)


async def test_meter_known_by_its_secondary_address(
    hass: HomeAssistant, create_entry: CreateEntry
) -> None:
    """A meter that is configured by its secondary address isn't offered by its primary one."""
    entry = await create_entry("10000001", 2, options=SHORT_WAITS)
    dialog = await add_meter(hass, entry)
    await dialog.choose("search")

    assert (await dialog.wait())["step_id"] == "nothing_new"


async def test_meter_added_meanwhile(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    """A meter that someone else added while the list was shown stays as they did it."""
    dialog = await add_meter(hass, entry)
    await dialog.choose("search")
    await dialog.wait()
    data = MappingProxyType({"address": 2, "bindings": []})
    theirs = ConfigSubentry(
        subentry_type="meter", unique_id="meter-2", title="Theirs", data=data
    )
    hass.config_entries.async_add_subentry(entry, theirs)
    result = await dialog.submit({"meters": ticked(dialog)})

    assert result["description_placeholders"] == {"count": "0"}
    assert entry.subentries[theirs.subentry_id].title == "Theirs"
    assert len(entry.subentries) == 2
    await hass.async_block_till_done(wait_background_tasks=True)


async def test_connection_unloaded_during_a_search(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    """A search ends when its connection is stopped, and doesn't go on by itself."""
    dialog = await add_meter(hass, entry)
    await dialog.choose("search")
    await hass.config_entries.async_unload(entry.entry_id)

    assert (await dialog.wait())["step_id"] == "search_failed"
    dialog.close()
