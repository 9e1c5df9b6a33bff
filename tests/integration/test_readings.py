"""Taking the readings of a due date, and the file for a bill."""

import asyncio
import csv
from datetime import timedelta
import io
import logging
from pathlib import Path
from typing import Any

from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers import (
    area_registry as ar,
    device_registry as dr,
    label_registry as lr,
)
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.mbus.const import CONF_SHORTEST_PERIOD, DOMAIN
from tests.simulator import HeatMeter, SimulatedBus, WaterMeter
from tests.simulator.records import bcd, integer, text

from .conftest import CreateEntry, let_poll
from .test_guards import Meter
from .test_services import device_of

COLUMNS = [
    "meter", "name", "serial_number", "medium", "quantity", "storage_number", "value", "unit", "time", "state",
]  # fmt: skip


async def call(
    hass: HomeAssistant, action: str, *, answers: bool = True, **data: Any
) -> Any:
    """Call an action."""
    return await hass.services.async_call(
        DOMAIN, action, data, blocking=True, return_response=answers
    )


def files_in(folder: Path) -> list[str]:
    """Return the names of what is in a folder."""
    return [path.name for path in folder.iterdir()]


@pytest.fixture
async def entry(bus: SimulatedBus, create_entry: CreateEntry) -> MockConfigEntry:
    """Return a connection with a meter of few records at 7, and a water meter at 2."""
    bus.meters = [
        Meter(
            7,
            integer("04 06", 12_345),
            integer("04 13", 6789),
            integer("44 06", 12_000),
            bytes.fromhex("02 5A FF 7F"),
            text("0D FD 11", "=1+1"),
            identification="12345678",
            medium=4,
        ),
        WaterMeter(2, identification="22222222"),
    ]
    return await create_entry(7, 2)


async def test_table(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """A row for each record, in the units people are used to, with the digits that were sent."""
    answer = await call(
        hass,
        "take_readings",
        config_entry_id=entry.entry_id,
        device_id=[device_of(hass, entry, "meter7")],
    )
    assert answer["errors"] == {}
    assert answer["skipped"] == {}
    rows = answer["readings"]
    assert [[*row] for row in rows] == [COLUMNS] * 5
    for row in rows:
        assert (row["meter"], row["serial_number"]) == ("7", "12345678")
        assert row["medium"] == "Heat meter"
        age = dt_util.utcnow() - dt_util.parse_datetime(
            row["time"], raise_on_error=True
        )
        assert timedelta(0) <= age < timedelta(seconds=60)
    told = [
        (row["quantity"], row["storage_number"], row["value"], row["unit"])
        for row in rows
    ]
    assert told[:3] == [
        ("Energy", 0, "12345", "kWh"),
        ("Volume", 0, "6.789", "m³"),
        ("Energy", 1, "12000", "kWh"),
    ]
    assert told[4] == ("Customer", 0, "=1+1", None)
    assert [row["state"] for row in rows] == ["ok", "ok", "ok", "ok", "ok"]


async def test_all_meters_of_a_connection(
    hass: HomeAssistant, bus: SimulatedBus, entry: MockConfigEntry
) -> None:
    """Each has its rows or its error; a silent one doesn't cost the others."""
    answer = await call(hass, "take_readings", config_entry_id=entry.entry_id)
    assert {row["serial_number"] for row in answer["readings"]} == {
        "12345678",
        "22222222",
    }
    del bus.meters[1]
    answer = await call(hass, "take_readings", config_entry_id=entry.entry_id)
    assert {row["serial_number"] for row in answer["readings"]} == {"12345678"}
    [(device_id, error)] = answer["errors"].items()
    assert device_id == device_of(hass, entry, "meter2")
    assert "no reply" in error
    with pytest.raises(HomeAssistantError, match="no reply"):
        await call(hass, "take_readings", answers=False, config_entry_id=entry.entry_id)


async def test_freeze(
    hass: HomeAssistant, bus: SimulatedBus, create_entry: CreateEntry
) -> None:
    """All at the same moment, before any is read; one that keeps nothing of that moment is named."""
    await hass.config.async_set_time_zone("UTC")
    bus.meters = [HeatMeter(1), Meter(7, integer("04 06", 1))]
    entry = await create_entry(1, 7)
    bus.requests.clear()
    answer = await call(
        hass, "take_readings", config_entry_id=entry.entry_id, synchronise=True
    )
    assert bus.requests[0][4:7] == b"\x53\xff\x5c"
    frozen = [
        row
        for row in answer["readings"]
        if row["meter"] == "1"
        and row["quantity"] == "Energy"
        and row["storage_number"] == 1
    ]
    present = [
        row
        for row in answer["readings"]
        if row["meter"] == "1"
        and row["quantity"] == "Energy"
        and row["storage_number"] == 0
    ]
    assert frozen[0]["value"] == present[0]["value"]
    [(device_id, error)] = answer["errors"].items()
    assert device_id == device_of(hass, entry, "meter7")
    assert "does not freeze" in error
    assert any(row["meter"] == "7" for row in answer["readings"])


async def test_battery_is_left_alone(
    hass: HomeAssistant, bus: SimulatedBus, entry: MockConfigEntry
) -> None:
    """A battery meter that was read lately is not read again; its last reading is told, and that it is."""
    subentry = entry.subentries["meter7"]
    hass.config_entries.async_update_subentry(
        entry, subentry, data={**subentry.data, CONF_SHORTEST_PERIOD: 3600}
    )
    await hass.async_block_till_done()
    bus.requests.clear()
    answer = await call(hass, "take_readings", config_entry_id=entry.entry_id)
    assert not any(request[1] == 7 or request[-3] == 7 for request in bus.requests)
    [(device_id, reason)] = answer["skipped"].items()
    assert device_id == device_of(hass, entry, "meter7")
    assert "every 60 minutes" in reason
    assert any(row["meter"] == "7" for row in answer["readings"])


async def test_meter_of_another_connection(
    hass: HomeAssistant, bus: SimulatedBus, entry: MockConfigEntry
) -> None:
    """It is refused before anything is read."""
    other = MockConfigEntry(
        domain=DOMAIN, title="Attic", data=entry.data, options=entry.options
    )
    other.add_to_hass(hass)
    assert await hass.config_entries.async_setup(other.entry_id)
    bus.requests.clear()
    with pytest.raises(ServiceValidationError, match="no meter of Attic"):
        await call(
            hass,
            "take_readings",
            config_entry_id=other.entry_id,
            device_id=device_of(hass, entry, "meter7"),
        )
    assert not bus.requests


def parsed(text: str) -> list[dict[str, str]]:
    """Return the rows of a file as any program reads it."""
    return [*csv.DictReader(io.StringIO(text, newline=""))]


async def test_file(
    hass: HomeAssistant, entry: MockConfigEntry, tmp_path: Path
) -> None:
    """As RFC 4180 says, byte for byte; a name that is taken is refused, and nothing written over."""
    hass.config.allowlist_external_dirs = {str(tmp_path)}
    path = tmp_path / "readings.csv"
    answer = await call(
        hass,
        "export_readings",
        config_entry_id=entry.entry_id,
        filename=str(path),
        decimal_comma=True,
        byte_order_mark=True,
    )
    assert answer["path"] == str(path)
    content = path.read_bytes()
    assert content.startswith(b"\xef\xbb\xbfmeter,name,serial_number,")
    lines = content.decode("utf-8-sig").split("\r\n")
    assert lines[-1] == ""
    assert "\n" not in "".join(lines)
    rows = parsed(content.decode("utf-8-sig"))
    assert [*rows[0]] == COLUMNS
    assert len(rows) == answer["rows"]
    [volume] = (
        row for row in rows if row["meter"] == "7" and row["quantity"] == "Volume"
    )
    assert volume["value"] == "6,789"
    assert ',"6,789",m³,' in "".join(lines)
    [location] = (row for row in rows if row["value"].endswith("=1+1"))
    # A spreadsheet takes no text of a meter for a formula.
    assert location["value"] == "'=1+1"

    with pytest.raises(ServiceValidationError, match="already"):
        await call(hass, "export_readings", answers=False, filename=str(path))
    assert path.read_bytes() == content


async def test_response_alone(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """Without a file, and with points."""
    answer = await call(hass, "export_readings")
    assert answer["path"] is None
    assert answer["csv"].startswith("meter,name")
    assert ",6.789,m³," in answer["csv"]
    with pytest.raises(ServiceValidationError, match="Give a file"):
        await call(hass, "export_readings", answers=False)


@pytest.mark.parametrize(
    "name",
    [
        "/nowhere/readings.csv",
        "/etc/readings.csv",
        "../../readings.csv",
        "www/nul\0.csv",
        "www/half of a pair \ud800.csv",
    ],
)
async def test_folder_not_allowed(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    name: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It says how to allow it."""
    # What a test logs, call and all, is sent between the processes of pytest as UTF-8, which half of a pair is none of.
    caplog.set_level(logging.WARNING, "homeassistant.core")
    with pytest.raises(ServiceValidationError, match="allowlist_external_dirs"):
        await call(hass, "export_readings", filename=name)


async def test_file_that_cannot_be_written(
    hass: HomeAssistant, entry: MockConfigEntry, tmp_path: Path
) -> None:
    """Nothing is left behind, here or where a link leads."""
    folder, outside = tmp_path / "allowed", tmp_path / "outside"
    folder.mkdir()
    outside.mkdir()
    hass.config.allowlist_external_dirs = {str(folder)}
    for name in (f"{'x' * 300}.csv", "nowhere/readings.csv"):
        path = folder / name
        with pytest.raises(HomeAssistantError) as told:
            await call(hass, "export_readings", filename=str(path))
        # The path is said once.
        assert str(told.value).count(str(path)) == 1
        assert "can't be written" in str(told.value)
    assert files_in(folder) == []

    (folder / "link").symlink_to(outside)
    (folder / "file.csv").symlink_to(outside / "file.csv")
    for name, said in (("link/a.csv", "allowlist"), ("file.csv", "already")):
        with pytest.raises(ServiceValidationError, match=said):
            await call(hass, "export_readings", filename=str(folder / name))
    assert files_in(outside) == []


async def test_area_and_label(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """Only the meters there, or those with a label."""
    devices = dr.async_get(hass)
    cellar = ar.async_get(hass).async_create("Cellar")
    billed = lr.async_get(hass).async_create("Billed")
    devices.async_update_device(device_of(hass, entry, "meter7"), area_id=cellar.id)
    devices.async_update_device(
        device_of(hass, entry, "meter2"), labels={billed.label_id}
    )

    async def meters(**data: Any) -> set[str]:
        answer = await call(hass, "export_readings", **data)
        return {row["meter"] for row in parsed(answer["csv"])}

    assert await meters() == {"7", "2"}
    assert await meters(area_id=cellar.id) == {"7"}
    assert await meters(label_id=[billed.label_id]) == {"2"}
    with pytest.raises(ServiceValidationError, match="no readings"):
        await meters(area_id=cellar.id, label_id=billed.label_id)


async def test_readings_taken(
    hass: HomeAssistant, bus: SimulatedBus, entry: MockConfigEntry
) -> None:
    """Those of the due date, whatever is read after it, and over a restart."""
    with pytest.raises(ServiceValidationError, match="no readings"):
        await call(hass, "export_readings", readings="taken")
    meter = bus.meters[0]
    assert isinstance(meter, Meter)
    await call(hass, "take_readings", config_entry_id=entry.entry_id)
    meter.records[0] = integer("04 06", 12_400)
    await let_poll(hass, 301)
    assert await hass.config_entries.async_reload(entry.entry_id)
    await let_poll(hass)
    taken = (await call(hass, "export_readings", readings="taken"))["csv"]
    assert ",Energy,0,12345,kWh," in taken
    last = (await call(hass, "export_readings"))["csv"]
    assert ",Energy,0,12400,kWh," in last


async def test_readings_taken_one_by_one(
    hass: HomeAssistant, bus: SimulatedBus, entry: MockConfigEntry
) -> None:
    """One meter that is taken again costs no other its reading; one that can't be read then has none."""
    connection: dict[str, Any] = {"config_entry_id": entry.entry_id}

    async def taken() -> tuple[set[str], list[str]]:
        answer = await call(hass, "export_readings", readings="taken")
        rows = [row for row in parsed(answer["csv"]) if row["value"]]
        return {row["meter"] for row in rows}, answer["missing"]

    devices = [device_of(hass, entry, key) for key in ("meter7", "meter2")]
    await asyncio.gather(
        *(
            call(hass, "take_readings", **connection, device_id=device)
            for device in devices
        )
    )
    assert await taken() == ({"7", "2"}, [])
    del bus.meters[1]
    await call(hass, "take_readings", **connection, device_id=devices[1])
    assert await taken() == ({"7"}, ["SIM water meter 22222222"])
    hass.config_entries.async_remove_subentry(entry, "meter7")
    await hass.async_block_till_done()
    assert entry.runtime_data.store.notes.taken == {}


@pytest.mark.parametrize("what", ["async_reload", "async_unload"])
async def test_connection_that_goes_meanwhile(
    hass: HomeAssistant, bus: SimulatedBus, entry: MockConfigEntry, what: str
) -> None:
    """Each meter has its reading or its error, and nothing else breaks."""
    taking = hass.async_create_task(
        call(hass, "take_readings", config_entry_id=entry.entry_id)
    )
    bus.requests.clear()
    while not bus.requests:
        await asyncio.sleep(0)
    assert await getattr(hass.config_entries, what)(entry.entry_id)
    answer = await taking
    told = {row["meter"] for row in answer["readings"]}
    assert len(told) + len(answer["errors"]) == 2


@pytest.mark.parametrize(
    ("record", "value", "unit"),
    [
        (bcd("0E 03", 123_456_789_012), "123456789.012", "kWh"),
        (integer("07 03", 123_456_789_012_345_678), "123456789012345.678", "kWh"),
        (integer("04 05", 3), "0.3", "kWh"),
        (integer("04 00", 7), "0.000007", "kWh"),
        (integer("04 06", -5), "-5", "kWh"),
        (integer("04 06", 0), "0", "kWh"),
        (integer("04 16", 300), "300", "m³"),
        (bytes.fromhex("05 2E 00 00 C8 42"), "100", "kW"),
    ],
)
async def test_numbers(
    hass: HomeAssistant,
    bus: SimulatedBus,
    create_entry: CreateEntry,
    record: bytes,
    value: str,
    unit: str,
) -> None:
    """With all digits, no other ones, and never as a power of ten."""
    bus.meters = [Meter(7, record, medium=4)]
    await create_entry(7)
    [row] = parsed((await call(hass, "export_readings"))["csv"])
    assert (row["value"], row["unit"]) == (value, unit)
