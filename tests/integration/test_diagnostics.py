"""Diagnostics: what helps to find a fault, and nothing that tells whose meters they are."""

from typing import Any

from homeassistant.components.diagnostics import REDACTED
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr
from homeassistant.setup import async_setup_component
from hypothesis import given, strategies as st
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.components.diagnostics import (
    get_diagnostics_for_config_entry,
    get_diagnostics_for_device,
)
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.mbus.const import CONF_BINDINGS, DOMAIN
from custom_components.mbus.flows.adding import bind
from custom_components.mbus.polling.masking import masked_hex, masked_text
from tests.simulator import FrameMeter, SimulatedBus
from tests.simulator.frames import enclose, long_frame, short_frame

from .conftest import CreateEntry, let_poll


async def test_diagnostics_hide_whose_meters_they_are(
    hass: HomeAssistant,
    bus: SimulatedBus,
    create_entry: CreateEntry,
    hass_client: ClientSessionGenerator,
) -> None:
    """Meter numbers are in no part of the download, neither as text nor in the bytes."""
    bus.meters[0].identification = "87654321"
    entry = await create_entry(1, 2)
    assert await async_setup_component(hass, "diagnostics", {})

    diagnostics = await get_diagnostics_for_config_entry(hass, hass_client, entry)

    text = str(diagnostics)
    assert "87654321" not in text
    assert "21 43 65 87" not in text
    requests = [exchange["request"] for exchange in diagnostics["connection"]["trace"]]
    assert "10 40 01 41 16" in requests
    assert diagnostics["connection"]["actual_connection"] == "master"
    assert diagnostics["pid"] > 0
    assert diagnostics["node"]
    bindings = diagnostics["meters"][0]["bindings"]
    assert {binding["state"] for binding in bindings} == {"ok"}
    unmasked = entry.runtime_data.connection.trace.as_list(masked=False)
    assert any("21 43 65 87" in exchange["reply"] for exchange in unmasked)


async def test_diagnostics_hide_them_in_errors(
    hass: HomeAssistant,
    bus: SimulatedBus,
    create_entry: CreateEntry,
    hass_client: ClientSessionGenerator,
) -> None:
    """An error that names a meter, or a secondary address, is shown without its number."""
    bus.meters[0].identification = "87654321"
    entry = await create_entry("87654321", 2)
    assert await async_setup_component(hass, "diagnostics", {})
    bus.meters[0].identification = "11111111"
    bus.meters[1].identification = "22222222"
    await let_poll(hass, 301)

    diagnostics = await get_diagnostics_for_config_entry(hass, hass_client, entry)

    silent, other = (meter["error"] for meter in diagnostics["meters"])
    assert silent.startswith("no reply from **")
    assert other == REDACTED
    assert diagnostics["meters"][1]["state"] == "another_meter_answered"
    for number in ("87654321", "22222222"):
        assert number not in str(diagnostics["connection"])
        assert number not in str(diagnostics["meters"])


async def test_diagnostics_of_a_device(
    hass: HomeAssistant,
    create_entry: CreateEntry,
    hass_client: ClientSessionGenerator,
    device_registry: Any,
) -> None:
    """A meter's device has the meter's, the gateway the whole connection's."""
    entry = await create_entry(1, 2)
    assert await async_setup_component(hass, "diagnostics", {})
    meter = device_registry.async_get_device_by_identifier(
        (DOMAIN, "meter2"), entry.entry_id
    )
    gateway = device_registry.async_get_device_by_identifier(
        (DOMAIN, entry.entry_id), entry.entry_id
    )

    of_meter = await get_diagnostics_for_device(hass, hass_client, entry, meter)
    of_gateway = await get_diagnostics_for_device(hass, hass_client, entry, gateway)

    assert of_meter["address"] == 2
    assert [meter["address"] for meter in of_gateway["meters"]] == [1, 2]


async def test_diagnostics_while_the_bus_is_out_of_reach(
    hass: HomeAssistant,
    bus: SimulatedBus,
    create_entry: CreateEntry,
    hass_client: ClientSessionGenerator,
    device_registry: Any,
) -> None:
    """They tell why, for the connection and for its meters."""
    entry = await create_entry(2)
    assert await async_setup_component(hass, "diagnostics", {})
    await bus.close()
    assert not await hass.config_entries.async_reload(entry.entry_id)
    meter = device_registry.async_get_device_by_identifier(
        (DOMAIN, "meter2"), entry.entry_id
    )

    for diagnostics in (
        await get_diagnostics_for_config_entry(hass, hass_client, entry),
        await get_diagnostics_for_device(hass, hass_client, entry, meter),
    ):
        assert diagnostics["state"] == "setup_retry"
        assert "refuses" in diagnostics["reason"]
        assert diagnostics["entry"]["options"] == entry.options


LONG_HEADER = "21436587 2d2c 01 04 01 00 0000"
"""Of the meter 87654321, made by KAM."""
HIGH_HEADER = "87654321 2c2d 01 04 01 00 0000"


def frame(control_information: int, data: str) -> bytes:
    """Return a telegram of the meter at 7."""
    return long_frame(0x08, 7, control_information, bytes.fromhex(data))


CASES = {
    "fabrication number": (
        frame(0x72, f"{LONG_HEADER} 0C7878563412 0406D2040000"),
        "** ** ** ** 2d 2c 01 04 01 00 00 00 0c 78 ** ** ** ** 04 06 d2 04 00 00 ** 16",
    ),
    "high byte first": (
        frame(0x76, f"{HIGH_HEADER} 0C7812345678 0406000004D2"),
        "** ** ** ** 2c 2d 01 04 01 00 00 00 0c 78 ** ** ** ** 04 06 00 00 04 d2 ** 16",
    ),
    "fixed structure": (
        frame(0x73, "21436587 01 00 05 45 34120000 00000000"),
        "** ** ** ** 01 00 05 45 34 12 00 00 00 00 00 00 ** 16",
    ),
    "fixed structure, of a unit that nobody knows": (
        frame(0x73, "21436587 01 00 05 7A 34120000 56340000"),
        "** ** ** ** 01 00 05 7a 34 12 00 00 ** ** ** ** ** 16",
    ),
    "manufacturer's data": (
        frame(0x72, f"{LONG_HEADER} 2F2F 0406D2040000 0F 21436587AA"),
        "** ** ** ** 2d 2c 01 04 01 00 00 00 2f 2f 04 06 d2 04 00 00 0f ** ** ** ** ** ** 16",
    ),
    "manufacturer's data, with more to follow": (
        frame(0x78, "0406D2040000 1F 21436587AA"),
        "04 06 d2 04 00 00 1f ** ** ** ** ** ** 16",
    ),
    "cut within a record": (
        frame(0x72, f"{LONG_HEADER} 0406D2040000 0C782143"),
        "** ** ** ** 2d 2c 01 04 01 00 00 00 04 06 d2 04 00 00 ** ** ** ** ** 16",
    ),
    "a unit spelt out": (
        frame(0x7A, "01 00 0000 027C03526D4D 3412 0406D2040000"),
        "01 00 00 00 02 ** ** ** ** ** ** ** 04 06 d2 04 00 00 ** 16",
    ),
    "a text, whatever it is said to be": (
        frame(0x78, "0DFD0E03526D4D 0D0603526D4D 0406D2040000"),
        "0d fd 0e ** ** ** ** 0d 06 ** ** ** ** 04 06 d2 04 00 00 ** 16",
    ),
    "customer, password, unknown and manufacturer's quantities": (
        frame(0x78, "0CFD1178563412 04FD1678563412 046F78563412 04FF0178563412"),
        "0c fd 11 ** ** ** ** 04 fd 16 ** ** ** ** 04 6f ** ** ** ** 04 ff 01 ** ** ** ** ** 16",
    ),
    "energy as the manufacturer means it": (
        frame(0x78, "0486FF0178563412"),
        "04 86 ff 01 ** ** ** ** ** 16",
    ),
    "encrypted": (
        frame(0x72, f"21436587 2d2c 01 04 01 00 1005 {'A5' * 16}"),
        "** ** ** ** 2d 2c 01 04 01 00 10 05" + " **" * 17 + " 16",
    ),
    "nothing to hide": (frame(0x78, "0406D2040000"), "04 06 d2 04 00 00 67 16"),
    "error of the application": (frame(0x70, "08"), "08 87 16"),
    "of no decoder": (frame(0xA5, "21436587"), "** ** ** ** ** 16"),
}


@pytest.mark.parametrize(("telegram", "shown"), CASES.values(), ids=CASES)
def test_masked_telegrams(telegram: bytes, shown: str) -> None:
    """Start, lengths, C, A and CI, then what is known to be harmless."""
    assert masked_hex(telegram) == f"{telegram[:7].hex(' ')} {shown}"


def test_masked_requests() -> None:
    """What the master sends is shown but for the data: they hold addresses and passwords."""
    for request in (short_frame(0x40, 1), short_frame(0x7B, 253), b"\xe5", b""):
        assert masked_hex(request) == request.hex(" ")
    selection = bytes.fromhex("68 0B 0B 68 53 FD 52 21 43 65 87 FF FF FF FF EE 16")
    hidden = " ".join(["**"] * 9)
    assert masked_hex(selection) == f"68 0b 0b 68 53 fd 52 {hidden} 16"
    synchronise = bytes.fromhex("68 03 03 68 53 FF 5C AE 16")
    assert masked_hex(synchronise) == synchronise.hex(" ")


SECRET = "0C7878563412"
KNOWN = "0406D2040000"


@given(
    records=st.lists(st.sampled_from([SECRET, KNOWN, "2F"]), max_size=6),
    fate=st.sampled_from(["whole", "cut", "damaged", "twice", "after noise"]),
    at=st.integers(4, 60),
    noise=st.binary(min_size=1, max_size=6),
)
def test_what_is_secret_stays_so(
    records: list[str], fate: str, at: int, noise: bytes
) -> None:
    """Whatever becomes of a telegram on the line, no byte of a number is shown, and every byte is counted."""
    data = bytes.fromhex(LONG_HEADER + "".join(records))
    whole = long_frame(0x08, 7, 0x72, data)
    secret = {7, 8, 9, 10}
    place = 19
    for record in records:
        if record == SECRET:
            secret |= {place + 2, place + 3, place + 4, place + 5}
        place += len(record) // 2
    received = whole
    match fate:
        case "cut":
            received = whole[:at]
        case "damaged" if at < len(whole):
            received = whole[:at] + bytes((whole[at] ^ 0x40,)) + whole[at + 1 :]
        case "twice":
            received = whole + whole
            secret |= {len(whole) + one for one in secret}
        case "after noise":
            received = noise + whole
            secret = {len(noise) + one for one in secret}

    shown = masked_hex(received).split(" ")

    assert len(shown) == len(received)
    for number, byte in enumerate(shown):
        assert byte in ("**", f"{received[number]:02x}")
        assert byte == "**" or number not in secret


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("no reply from 87654321 in 3 attempts", "no reply from ** in 3 attempts"),
        ("no reply from 1 in 3 attempts", "no reply from 1 in 3 attempts"),
        (
            "another meter answered at 2 (KAM 87654321, fabrication number 4711)",
            "another meter answered at 2 (KAM **, fabrication number **)",
        ),
        ("no reply from 876543212D2C0104", "no reply from **"),
        ("the number is 123456", "the number is **"),
        ("192.168.1.20:10001 refuses", "192.168.1.20:10001 refuses"),
        ("/dev/ttyUSB0 is in use", "/dev/ttyUSB0 is in use"),
    ],
)
def test_masked_texts(text: str, shown: str) -> None:
    """Numbers of meters go, ports, addresses and counts stay."""
    assert masked_text(text) == shown


TALE = (
    f"{LONG_HEADER}"
    "0C7878563412"  # fabrication number
    "0406D2040000"  # 1234 kWh
    "0406FFFFFF7F 0A5ABC1F"  # a flow temperature that is no number
    "0DFD1106" + b"relluM".hex() + "027C06" + b"relluM".hex() + "3412"
    "04FD1678563412"  # password
    "0F" + b"Muller 87654321".hex()
)


@pytest.fixture
async def entry(
    hass: HomeAssistant, bus: SimulatedBus, create_entry: CreateEntry
) -> MockConfigEntry:
    """Return a connection to a meter that tells a lot, of which every record is bound."""
    assert await async_setup_component(hass, "diagnostics", {})
    body = bytes((0x08, 7, 0x72)) + bytes.fromhex(TALE)
    bus.meters.append(FrameMeter([enclose(body)], 7))
    entry = await create_entry(7)
    telegrams = entry.runtime_data.coordinators["meter7"].data.reading.telegrams
    bindings: list[dict[str, Any]] = []
    for record in telegrams[0].records:
        names = [item["name"] for item in bindings]
        bindings.append(bind(telegrams, 0, record.index, names))
    subentry = entry.subentries["meter7"]
    hass.config_entries.async_update_subentry(
        entry, subentry, data={**subentry.data, CONF_BINDINGS: bindings}
    )
    await let_poll(hass, 301)
    return entry


async def of_meter(
    hass: HomeAssistant, hass_client: ClientSessionGenerator, entry: MockConfigEntry
) -> dict[str, Any]:
    """Return the diagnostics of the meter's device."""
    device = dr.async_get(hass).async_get_device_by_identifier(
        (DOMAIN, "meter7"), entry.entry_id
    )
    assert device is not None
    found: dict[str, Any] = await get_diagnostics_for_device(
        hass, hass_client, entry, device
    )
    return found


async def test_nothing_tells_whose_meter_it_is(
    hass: HomeAssistant, hass_client: ClientSessionGenerator, entry: MockConfigEntry
) -> None:
    """Neither what the meter sends nor what is stored of it, nor what the connection is called."""
    whole = await get_diagnostics_for_config_entry(hass, hass_client, entry)
    texts = [str(whole), str(await of_meter(hass, hass_client, entry))]

    for text in texts:
        told = text.lower()
        for secret in ("muller", "cellar", "87654321", "12345678", "305419896"):
            assert secret not in told, secret
        for raw in (b"Muller", b"relluM", bytes.fromhex("78563412")):
            assert raw.hex(" ") not in told
            assert raw.hex() not in told


async def test_records_of_a_meter(
    hass: HomeAssistant, hass_client: ClientSessionGenerator, entry: MockConfigEntry
) -> None:
    """Its device's diagnostics have them: what they are, what they hold if that is harmless, and what is wrong."""
    diagnostics = await of_meter(hass, hass_client, entry)

    [telegram] = diagnostics["telegrams"]
    assert telegram["header"]["manufacturer"] == "KAM"
    assert telegram["bytes_of_the_manufacturer"] == 15
    shown = [
        (item["header"], item["name"], item["value"], item["unit"])
        for item in telegram["records"]
    ]
    assert shown == [
        ("0C 78", "Fabrication number", REDACTED, None),
        ("04 06", "Energy", 1234000, "Wh"),
        ("04 06", "Energy", 2147483647000, "Wh"),
        ("0A 5A", "Flow temperature", None, "°C"),
        ("0D FD 11", "Customer", REDACTED, None),
        ("02 ** ** ** ** ** ** ** **", "Value", REDACTED, REDACTED),
        ("04 FD 16", "Password", REDACTED, None),
    ]
    assert telegram["records"][1]["raw"] == "D2 04 00 00"
    assert telegram["records"][0]["raw"] == REDACTED
    assert "1FBC" in telegram["records"][3]["problem"]
    problems = {item["index"]: item["problem"] for item in diagnostics["bindings"]}
    assert "1FBC" in problems[3]


async def test_record_that_became_a_text(
    hass: HomeAssistant,
    bus: SimulatedBus,
    hass_client: ClientSessionGenerator,
    entry: MockConfigEntry,
) -> None:
    """What a binding says of it doesn't tell the text."""
    changed = f"{LONG_HEADER} 027C06{b'relluM'.hex()}3412"
    bus.meters[-1] = FrameMeter(
        [enclose(bytes((0x08, 7, 0x72)) + bytes.fromhex(changed))], 7
    )
    await let_poll(hass, 301)

    diagnostics = await of_meter(hass, hass_client, entry)

    [first, *_] = diagnostics["bindings"]
    assert first["state"] == "record_changed"
    assert "muller" not in str(diagnostics).lower()
