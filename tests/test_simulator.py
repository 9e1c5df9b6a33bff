"""The simulated bus keeps to the standard: its bytes are those of the reference."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta
from itertools import pairwise, repeat
from pathlib import Path
from typing import Any, override

import pytest
from serialx import Parity, SerialException, open_serial_connection

from tests.simulator import (
    CodedMeter,
    ElectricityMeter,
    Fault,
    Faults,
    FixedMeter,
    FrameCount,
    FrameMeter,
    GasMeter,
    HeatMeter,
    PtyGateway,
    Quirks,
    SimulatedBus,
    SimulatedMeter,
    TcpGateway,
    WaterMeter,
    is_request_for_data,
)
from tests.simulator.frames import RequestReader, is_whole, long_frame
from tests.simulator.records import iterate_records, split_records

NOW = datetime(2026, 11, 22, 14, 35, 20)
ACK = b"\xe5"

RESET = bytes.fromhex("10 40 01 41 16")
FIRST = bytes.fromhex("10 7B 01 7C 16")
SECOND = bytes.fromhex("10 5B 01 5C 16")

SELECT = bytes.fromhex("68 0B 0B 68 53 FD 52 78 56 34 12 FF FF FF FF B2 16")
SELECTED_FIRST = bytes.fromhex("10 7B FD 78 16")
DESELECT = bytes.fromhex("10 40 FD 3D 16")

ENERGY = "04 06 39 30 00 00"
VOLUME = "04 13 15 CD 5B 07"
HEADER = "72 78 56 34 12 24 23 2F 04"


class PlainMeter(SimulatedMeter):
    """The meter of the reference's examples: 12345678 HYD 2F 04."""

    def __init__(self, address: int, *telegrams: str, **options: Any) -> None:
        """Set up a meter that sends these records."""
        super().__init__(
            address,
            **{
                "identification": "12345678",
                "manufacturer": "HYD",
                "version": 0x2F,
                "medium": 4,
                "clock": lambda: NOW,
            }
            | options,
        )
        self.given = [bytes.fromhex(telegram) for telegram in telegrams or (ENERGY,)]

    @override
    def telegrams(self) -> list[bytes]:
        return self.given


def ask(meter: SimulatedMeter, *requests: str) -> list[str | None]:
    """Send requests in turn and return the answers as hex digits."""
    replies = [meter.receive(bytes.fromhex(request)) for request in requests]
    return [None if reply is None else reply.hex(" ").upper() for reply in replies]


def records_of(frame: bytes | None, header_length: int = 12) -> dict[str, bytes]:
    """Return the data of the records in a frame by their header."""
    assert frame is not None
    assert is_whole(frame)
    records, _ = split_records(frame[7 + header_length : -2])
    return {record.header.hex(" ").upper(): record.data for record in records}


# The link layer


SINGLE = (
    "68 29 29 68 08 01 72 78 56 34 12 24 23 2F 04 01 00 00 00 0C 78 78 56 34 12 04 06 39"
    " 30 00 00 04 13 15 CD 5B 07 02 5A A5 02 02 5E 8A 01 5E 16"
)


def test_single_telegram() -> None:
    """Section 7.3, byte for byte."""
    records = f"0C 78 78 56 34 12 {ENERGY} {VOLUME} 02 5A A5 02 02 5E 8A 01"
    meter = PlainMeter(1, records)
    assert ask(meter, "10 40 01 41 16", "10 7B 01 7C 16") == ["E5", SINGLE]


FIRST_OF_TWO = "68 16 16 68 08 01 72 78 56 34 12 24 23 2F 04 01 00 00 00 04 06 39 30 00 00 1F 9C 16"
SECOND_OF_TWO = (
    "68 15 15 68 08 01 72 78 56 34 12 24 23 2F 04 02 00 00 00 04 13 15 CD 5B 07 66 16"
)


def test_two_telegrams() -> None:
    """Section 7.4, byte for byte, with a request sent again in between."""
    meter = PlainMeter(1, ENERGY, VOLUME)
    assert ask(
        meter, "10 40 01 41 16", *["10 7B 01 7C 16"] * 2, *["10 5B 01 5C 16"] * 2
    ) == ["E5", FIRST_OF_TWO, FIRST_OF_TWO, SECOND_OF_TWO, SECOND_OF_TWO]


def test_reset_returns_to_first_telegram() -> None:
    """After SND_NKE even the FCB that was last brings a new first telegram."""
    meter = PlainMeter(1, ENERGY, VOLUME)
    ask(meter, "10 40 01 41 16", "10 7B 01 7C 16", "10 40 01 41 16")
    (again,) = ask(meter, "10 7B 01 7C 16")
    assert again is not None
    assert again.startswith(f"68 16 16 68 08 01 {HEADER} 02 00 00 00 {ENERGY} 1F")


def test_without_reset_the_telegrams_alternate() -> None:
    """The fault of section 8, rows 1 and 2: a constant FCB gets the last telegram for ever."""
    meter = PlainMeter(1, ENERGY, VOLUME)
    replies = ask(meter, "10 5B 01 5C 16", "10 5B 01 5C 16", "10 7B 01 7C 16")
    assert replies[0] == replies[1] != replies[2]


def test_frame_count_not_valid() -> None:
    """FCV = 0: every request is a new one."""
    meter = PlainMeter(1)
    first, second = ask(meter, "10 4B 01 4C 16", "10 4B 01 4C 16")
    assert first != second


def test_values_of_a_readout_belong_together() -> None:
    """The second telegram is of the time of the first."""
    now = NOW
    meter = HeatMeter(1, clock=lambda: now)
    meter.receive(RESET)
    meter.receive(FIRST)
    undisturbed = HeatMeter(1, clock=lambda: NOW)
    undisturbed.receive(RESET)
    undisturbed.receive(FIRST)
    now += timedelta(days=40)
    assert meter.receive(SECOND) == undisturbed.receive(SECOND)


@pytest.mark.parametrize(
    ("address", "request_frame", "answers"),
    [
        (0, "10 40 00 40 16", True),
        (250, "10 40 FA 3A 16", True),
        (5, "10 40 01 41 16", False),
        (5, "10 40 FE 3E 16", True),
        (5, "10 40 FF 3F 16", False),
        (5, "10 40 FD 3D 16", False),
    ],
)
def test_who_answers(address: int, request_frame: str, answers: bool) -> None:
    """Section 1.5."""
    assert ask(PlainMeter(address), request_frame) == ["E5" if answers else None]


def test_requests_in_pieces_and_after_garbage() -> None:
    """Frames are found by their length fields."""
    reader = RequestReader()
    stream = b"\x00\x68\x10" + SELECT + FIRST
    found = [frame for byte in stream for frame in reader.feed(bytes((byte,)))]
    assert found == [SELECT, FIRST]
    assert reader.discarded == b"\x00\x68\x10"


def test_request_with_wrong_checksum_is_none() -> None:
    """A damaged request reaches nobody."""
    reader = RequestReader()
    assert reader.feed(bytes.fromhex("10 40 01 42 16")) == []


# Selection


def test_selection_sequence() -> None:
    """Section 7.5: the answer comes from the meter's own address."""
    meter = PlainMeter(5)
    assert ask(
        meter,
        "10 7B FD 78 16",
        SELECT.hex(),
        "10 7B FD 78 16",
        "10 40 FD 3D 16",
        "10 7B FD 78 16",
    ) == [
        None,
        "E5",
        "68 15 15 68 08 05 72 78 56 34 12 24 23 2F 04 01 00 00 00 04 06 39 30 00 00 81 16",
        "E5",
        None,
    ]


@pytest.mark.parametrize(
    ("selection", "matches"),
    [
        ("68 0B 0B 68 73 FD 52 78 56 34 12 FF FF FF FF D2 16", True),
        ("68 0B 0B 68 53 FD 52 78 56 34 12 24 23 2F 04 30 16", True),
        ("68 0B 0B 68 53 FD 52 FF FF FF FF FF FF FF FF 9A 16", True),
        ("68 0B 0B 68 53 FD 52 FF FF FF 1F FF FF FF FF BA 16", True),
        ("68 0B 0B 68 53 FD 52 FF FF FF 10 FF FF FF FF AB 16", False),
        (
            long_frame(0x53, 0xFD, 0x52, bytes.fromhex("78563412 2423 30 04")).hex(),
            False,
        ),
        (
            long_frame(0x53, 0xFD, 0x52, bytes.fromhex("78563412 2423 2F 05")).hex(),
            False,
        ),
        (
            long_frame(0x53, 0xFD, 0x52, bytes.fromhex("78563412 2424 2F 04")).hex(),
            False,
        ),
    ],
)
def test_wildcards(selection: str, matches: bool) -> None:
    """Digits one by one, the rest as a whole."""
    assert ask(PlainMeter(5), selection) == ["E5" if matches else None]


ENHANCED = "68 11 11 68 53 FD 52 FF FF FF FF FF FF FF FF 0C 78 32 54 76 98 B2 16"
ENHANCED_9 = "68 11 11 68 53 FD 52 FF FF FF FF FF FF FF FF 0C 78 FF FF FF 9F BA 16"


@pytest.mark.parametrize("selection", [ENHANCED, ENHANCED_9])
@pytest.mark.parametrize(
    ("number", "support", "matches"),
    [
        ("98765432", "supported", True),
        ("88765432", "supported", False),
        (None, "supported", False),
        ("88765432", "ignored", True),
        ("98765432", "silent", False),
    ],
)
def test_enhanced_selection(
    selection: str, number: str | None, support: Any, matches: bool
) -> None:
    """Section 7.6, and what meters without it do."""
    meter = PlainMeter(
        5, fabrication_number=number, quirks=Quirks(enhanced_selection=support)
    )
    assert ask(meter, selection) == ["E5" if matches else None]


def test_selecting_another_deselects() -> None:
    """A slave that does not match is no longer selected."""
    meter = PlainMeter(5)
    other = "68 0B 0B 68 53 FD 52 FF FF FF 10 FF FF FF FF AB 16"
    assert ask(meter, SELECT.hex(), other, "10 7B FD 78 16") == ["E5", None, None]


def test_253_has_a_frame_count_of_its_own() -> None:
    """A primary request between two by selection does not disturb their FCB."""
    meter = PlainMeter(1)
    _, by_selection, primary, again, primary_again = ask(
        meter,
        SELECT.hex(),
        "10 7B FD 78 16",
        "10 7B 01 7C 16",
        "10 7B FD 78 16",
        "10 7B 01 7C 16",
    )
    assert by_selection == again
    assert primary == primary_again
    assert primary != by_selection


# Writing


@pytest.mark.parametrize(
    ("request_frame", "address"),
    [
        ("68 06 06 68 53 01 51 01 7A 05 25 16", 1),
        ("68 06 06 68 73 00 51 01 7A 08 47 16", 0),
    ],
)
def test_set_primary_address(request_frame: str, address: int) -> None:
    """Section 7.8: the meter listens at the new address from then on."""
    meter = PlainMeter(address)
    new = bytes.fromhex(request_frame)[9]
    assert ask(
        meter, request_frame, f"10 40 {address:02X} {0x40 + address:02X} 16"
    ) == [
        "E5",
        None,
    ]
    assert meter.address == new
    assert meter.receive(bytes((0x10, 0x40, new, 0x40 + new, 0x16))) == ACK


def test_set_primary_address_of_the_selected_meter() -> None:
    """All that can be sent can be sent to 253."""
    meter = PlainMeter(0)
    assert ask(meter, SELECT.hex(), "68 06 06 68 53 FD 51 01 7A 11 2D 16") == [
        "E5",
        "E5",
    ]
    assert meter.address == 17


def test_set_secondary_address() -> None:
    """Section 7.8: the identification alone, and the whole of it."""
    meter = SimulatedMeter(1, identification="00000000")
    assert ask(meter, "68 09 09 68 53 01 51 0C 79 78 56 34 12 3E 16") == ["E5"]
    assert (meter.identification, meter.manufacturer) == ("12345678", "SIM")
    assert ask(meter, "68 0D 0D 68 53 01 51 07 79 78 56 34 12 24 23 01 04 85 16") == [
        "E5"
    ]
    assert (meter.manufacturer, meter.version, meter.medium) == ("HYD", 1, 4)


def test_set_baud_rate() -> None:
    """Section 7.9: acknowledged at the old rate, then only heard at the new one."""
    meter = PlainMeter(1, baud_rate=2400)
    assert meter.receive(bytes.fromhex("68 03 03 68 53 01 BD 11 16"), 2400) == ACK
    assert meter.receive(RESET, 2400) is None
    assert meter.receive(RESET, 9600) == ACK


def test_baud_rate_falls_back() -> None:
    """Nothing heard at the new rate: the old one comes back; once heard, it stays."""
    now = NOW
    meter = PlainMeter(1, baud_rate=2400, clock=lambda: now)
    change = bytes.fromhex("68 03 03 68 53 01 BD 11 16")
    meter.receive(change, 2400)
    now += timedelta(minutes=3)
    assert meter.receive(RESET, 9600) is None
    assert meter.receive(RESET, 2400) == ACK

    meter.receive(change, 2400)
    assert meter.receive(RESET, 9600) == ACK
    now += timedelta(days=1)
    assert meter.receive(RESET, 9600) == ACK


def test_application_select() -> None:
    """Section 7.10: sub-code 50 brings instantaneous values, a reset without one all again."""
    meter = ElectricityMeter(1, clock=lambda: NOW)
    assert ask(meter, "68 04 04 68 53 01 50 50 F4 16") == ["E5"]
    short = records_of(meter.receive(FIRST))
    assert "04 2B" in short
    assert "0C 78" not in short
    assert ask(meter, "68 03 03 68 53 01 50 A4 16") == ["E5"]
    assert "0C 78" in records_of(meter.receive(FIRST))


@pytest.mark.parametrize(
    ("request_frame", "chosen"),
    [
        ("68 07 07 68 53 01 51 08 04 08 13 CC 16", {"04 06", "04 13"}),
        ("68 05 05 68 53 01 51 08 7E 2B 16", {"04 06", "04 13", "02 5A", "02 5E"}),
        (
            "68 06 06 68 53 01 51 C8 3F 7E 2A 16",
            {"04 06", "04 13", "02 5A", "02 5E", "44 13", "84 10 06"},
        ),
        ("68 05 05 68 53 01 51 48 13 00 16", {"44 13"}),
        ("68 07 07 68 53 01 51 08 5A 08 5E 6D 16", {"02 5A", "02 5E"}),
        ("68 06 06 68 53 01 51 08 93 0C 4C 16", {"04 13"}),
    ],
)
def test_select_records_for_readout(request_frame: str, chosen: set[str]) -> None:
    """Section 7.11, and back to everything."""
    everything = f"{ENERGY} {VOLUME} 02 5A A5 02 02 5E 8A 01 44 13 01 00 00 00"
    meter = PlainMeter(1, everything, "84 10 06 01 00 00 00 14 2B 01 00 00 00")
    assert ask(meter, request_frame) == ["E5"]
    held: set[str] = set()
    for request in (FIRST, SECOND):
        held |= records_of(meter.receive(request)).keys()
    assert held == chosen
    assert ask(meter, "68 04 04 68 53 01 51 7F 24 16", "10 40 01 41 16") == ["E5", "E5"]
    assert len(records_of(meter.receive(FIRST))) == 5


@pytest.mark.parametrize(
    "request_frame",
    [
        "68 09 09 68 53 01 51 04 6D 23 0E 56 3B D8 16",
        "68 0B 0B 68 53 01 51 06 6D 14 23 0E 56 3B 00 EE 16",
        "68 09 09 68 53 FF 51 04 6D 23 0E 56 3B D6 16",
    ],
)
def test_set_clock(request_frame: str) -> None:
    """Section 7.12: the clock goes on from what was written."""
    now = datetime(2020, 1, 1)
    meter = WaterMeter(1, clock=lambda: now)
    meter.receive(bytes.fromhex(request_frame))
    assert meter.now().replace(second=0) == datetime(2026, 11, 22, 14, 35)
    now += timedelta(hours=1)
    assert meter.now().replace(second=0) == datetime(2026, 11, 22, 15, 35)
    meter.receive(RESET)
    assert records_of(meter.receive(FIRST))["06 6D"][1:5] == bytes.fromhex(
        "23 0F 56 3B"
    )


def test_freeze() -> None:
    """Section 7.13: present values into storage 1; of one quantity, or of all."""
    meter = PlainMeter(1, f"{ENERGY} {VOLUME} 44 06 01 00 00 00 44 13 02 00 00 00")
    assert ask(meter, "68 06 06 68 53 FF 51 40 83 0B 71 16") == [None]
    assert meter.memory == {b"\x44\x06": bytes.fromhex("39 30 00 00")}
    assert ask(meter, "68 03 03 68 53 FF 54 A6 16") == [None]
    assert records_of(meter.receive(FIRST))["44 13"] == bytes.fromhex("15 CD 5B 07")


def test_freeze_of_the_later_edition() -> None:
    """CI 5C is the same."""
    meter = PlainMeter(1, f"{ENERGY} 44 06 01 00 00 00")
    ask(meter, "68 03 03 68 53 FF 5C AE 16")
    assert meter.memory == {b"\x44\x06": bytes.fromhex("39 30 00 00")}


def test_write_a_record() -> None:
    """Sections 7.12 and 7.14: what is written is what is read, others are as before."""
    meter = HeatMeter(1, clock=lambda: NOW)
    before = records_of(meter.peek()[1])
    assert ask(meter, "68 08 08 68 53 01 51 42 EC 7E 56 3B E2 16") == ["E5"]
    assert meter.memory == {bytes.fromhex("42 EC 7E"): bytes.fromhex("56 3B")}
    assert records_of(meter.peek()[1]) == before | {"42 EC 7E": bytes.fromhex("56 3B")}


def test_preset_volume() -> None:
    """Section 7.14."""
    meter = WaterMeter(1, clock=lambda: NOW)
    assert ask(meter, "68 09 09 68 53 01 51 0C 13 67 45 23 01 94 16") == ["E5"]
    assert records_of(meter.peek()[0])["0C 13"] == bytes.fromhex("67 45 23 01")


def test_clear_maximum() -> None:
    """Section 7.14: an action without data."""
    meter = HeatMeter(1, clock=lambda: NOW)
    frame = long_frame(0x53, 1, 0x51, bytes.fromhex("10 AD 07"))
    assert meter.receive(frame) == ACK
    assert records_of(meter.peek()[1])["14 2D"] == bytes(4)


@pytest.mark.parametrize(
    ("action", "result"),
    [
        ("00", 0x0D),
        ("01", 0x17),
        ("03", 0x0F),
        ("04", 0x08),
        ("05", 0x07),
        ("06", 0x02),
    ],
)
def test_actions(action: str, result: int) -> None:
    """Section 6.9: write, add, or, and, xor, and not; 0A and 0D, on a digital output."""
    meter = ElectricityMeter(1, clock=lambda: NOW)
    write = long_frame(0x53, 1, 0x51, bytes.fromhex("01 FD 1A 0A"))
    change = long_frame(0x53, 1, 0x51, bytes.fromhex(f"01 FD 9A {action} 0D"))
    assert (meter.receive(write), meter.receive(change)) == (ACK, ACK)
    assert meter.memory[bytes.fromhex("01 FD 1A")] == bytes((result,))


@pytest.mark.parametrize(
    ("refusal", "reply"),
    [
        ("error", "68 04 04 68 08 01 70 10 89 16"),
        ("silent", None),
        ("acknowledged", "E5"),
    ],
)
def test_refused_write(refusal: Any, reply: str | None) -> None:
    """A record that can't be written stays as it is, and so do those sent with it."""
    meter = ElectricityMeter(1, clock=lambda: NOW, quirks=Quirks(refusal=refusal))
    data = bytes.fromhex("01 FD 1A 01 04 22 00 00 00 00")
    assert ask(meter, long_frame(0x53, 1, 0x51, data).hex()) == [reply]
    assert meter.memory == {}


def test_protected_meter_keeps_its_address() -> None:
    """The seal is in place."""
    meter = PlainMeter(1)
    meter.protected = True
    meter.receive(bytes.fromhex("68 06 06 68 53 01 51 01 7A 05 25 16"))
    assert meter.address == 1


def test_application_errors() -> None:
    """Section 7.14: an unknown CI, and what a meter says that was asked too often."""
    meter = PlainMeter(1)
    assert ask(meter, long_frame(0x53, 1, 0x5F).hex()) == [
        "68 04 04 68 08 01 70 01 7A 16"
    ]
    meter.application_errors = iter([9])
    busy, data = ask(meter, "10 7B 01 7C 16", "10 7B 01 7C 16")
    assert busy == "68 04 04 68 08 01 70 09 82 16"
    assert data is not None and " 72 " in data


def test_alarm() -> None:
    """Section 7.14: E5 while there is none; ACD while there is one."""
    meter = PlainMeter(1)
    assert ask(meter, "10 7A 01 7B 16") == ["E5"]
    meter.alarm = 4
    alarm, data = ask(meter, "10 7A 01 7B 16", "10 7B 01 7C 16")
    assert alarm == "68 04 04 68 28 01 71 04 9E 16"
    assert data is not None and data.startswith("68 15 15 68 28")


def test_vendor_request_is_answered_with_data() -> None:
    """Section 8, row 27."""
    meter = ElectricityMeter(1, clock=lambda: NOW)
    reply = meter.receive(bytes.fromhex("68 03 03 68 53 01 B1 05 16"))
    assert "02 FD C8 FC 01" in records_of(reply)


# Quirks


def test_needs_reset() -> None:
    """Section 8, row 3: CI B7 until then."""
    meter = PlainMeter(1, quirks=Quirks(needs_reset=True))
    before, _, after = ask(meter, "10 7B 01 7C 16", "10 40 01 41 16", "10 7B 01 7C 16")
    assert before is not None and after is not None
    assert (before[18:20], after[18:20]) == ("B7", "72")


def test_never_answers_reset() -> None:
    """But does what it says."""
    meter = PlainMeter(1, ENERGY, VOLUME, quirks=Quirks(answers_reset=False))
    assert ask(meter, "10 7B 01 7C 16", "10 40 01 41 16", "10 7B 01 7C 16")[1] is None


def test_endless() -> None:
    """Section 8, row 7: 1F even in the only telegram."""
    meter = PlainMeter(1, quirks=Quirks(endless=True))
    replies = [meter.receive(request) for request in (FIRST, SECOND, FIRST)]
    assert all(reply is not None and reply[-3] == 0x1F for reply in replies)


@pytest.mark.parametrize(
    ("frame_count", "expected"),
    [
        (FrameCount.KEPT, "AAB"),
        (FrameCount.REPEATS, "AAA"),
        (FrameCount.ADVANCES, "ABA"),
    ],
)
def test_frame_count_quirks(frame_count: FrameCount, expected: str) -> None:
    """What comes of FCB 1, 1, 0."""
    meter = PlainMeter(1, ENERGY, VOLUME, quirks=Quirks(frame_count=frame_count))
    meter.receive(RESET)
    held = [records_of(meter.receive(request)) for request in (FIRST, FIRST, SECOND)]
    assert "".join("A" if "04 06" in records else "B" for records in held) == expected


def test_flow_control() -> None:
    """DFC: read, but not written."""
    meter = PlainMeter(1, quirks=Quirks(flow_control=True))
    written, data = ask(meter, "68 06 06 68 53 01 51 01 7A 05 25 16", "10 7B 01 7C 16")
    assert written is None and meter.address == 1
    assert data is not None and data.startswith("68 15 15 68 18")


def test_pause_between_readouts() -> None:
    """Section 8, row 25: the second read directly after the first fails."""
    now = NOW
    meter = PlainMeter(1, quirks=Quirks(pause=timedelta(seconds=1)), clock=lambda: now)
    assert meter.receive(FIRST) is not None
    assert meter.receive(SECOND) is None
    now += timedelta(seconds=2)
    assert meter.receive(SECOND) is not None


def test_sleeper() -> None:
    """Section 8, row 21: the first request only wakes it."""
    now = NOW
    sleep = Quirks(sleeps_after=timedelta(seconds=5))
    meter = PlainMeter(1, quirks=sleep, clock=lambda: now)
    assert ask(meter, "10 40 01 41 16", "10 40 01 41 16") == [None, "E5"]
    now += timedelta(minutes=1)
    assert ask(meter, "10 7B 01 7C 16") == [None]


def test_other_quirks() -> None:
    """No secondary address; 73 only; another selection than the header; A = FD in answers."""
    assert ask(
        PlainMeter(1, quirks=Quirks(secondary_addressing=False)), SELECT.hex()
    ) == [None]
    picky = PlainMeter(1, quirks=Quirks(send_user_data=(0x73,)))
    assert ask(
        picky, SELECT.hex(), SELECT.hex().replace("53fd", "73fd")[:-4] + "d216"
    ) == [
        None,
        "E5",
    ]
    odd = PlainMeter(1, quirks=Quirks(selected_as=bytes.fromhex("78563412 2423 2F 07")))
    full = "68 0B 0B 68 53 FD 52 78 56 34 12 24 23 2F 04 30 16"
    assert ask(odd, full, SELECT.hex()) == [None, "E5"]
    echoing = PlainMeter(1, quirks=Quirks(answers_from=0xFD))
    assert ask(echoing, "10 7B 01 7C 16")[0] is not None
    assert echoing.peek()[0][5] == 0xFD


# Models


def test_fixed_structure() -> None:
    """Section 3: unit and medium bytes as in the worked frame, counters in BCD."""
    now = NOW
    meter = FixedMeter(5, identification="12345678", clock=lambda: now)
    meter.access_number = 9
    first = meter.receive(bytes.fromhex("10 7B 05 80 16"))
    assert first is not None
    assert first[:15] == bytes.fromhex("68 13 13 68 08 05 73 78 56 34 12 0A 00 E9 7E")
    assert is_whole(first)
    now += timedelta(hours=6)
    second = meter.peek()[0]
    litres = [int(frame[18:14:-1].hex()) for frame in (first, second)]
    assert 0 < litres[0] < litres[1]
    assert meter.receive(bytes.fromhex("68 03 03 68 53 FF 54 A6 16")) is None


COUNTERS: dict[type[SimulatedMeter], tuple[str, ...]] = {
    HeatMeter: ("04 06", "04 14", "04 22", "84 10 06", "84 20 06"),
    WaterMeter: ("0C 13",),
    GasMeter: ("0C 14", "04 93 3A"),
    ElectricityMeter: ("06 83 3B", "06 83 3C", "86 10 83 3B", "86 20 83 3B"),
}


@pytest.mark.parametrize("model", COUNTERS)
def test_counters_only_rise(model: type[SimulatedMeter]) -> None:
    """In any five minutes, and noticeably in a day."""
    now = NOW
    meter = model(1, clock=lambda: now)
    readings = []
    for _ in range(300):
        records = {
            record.header.hex(" ").upper(): record.data
            for record in iterate_records(meter.telegrams())
        }
        readings.append(
            [_number(header, records[header]) for header in COUNTERS[model]]
        )
        now += timedelta(minutes=5)
    for counter in zip(*readings, strict=True):
        assert all(before <= after for before, after in pairwise(counter))
        assert counter[0] < counter[-1]


def _number(header: str, data: bytes) -> int:
    return (
        int(data[::-1].hex())
        if header.startswith("0C")
        else int.from_bytes(data, "little")
    )


@pytest.mark.parametrize(
    ("model", "telegrams", "records"),
    [
        (HeatMeter, 3, 45),
        (WaterMeter, 1, 10),
        (GasMeter, 1, 8),
        (ElectricityMeter, 3, 20),
    ],
)
def test_size_of_models(
    model: type[SimulatedMeter], telegrams: int, records: int
) -> None:
    """As many telegrams as said, and at least so many records, all in legal frames."""
    meter = model(1, clock=lambda: NOW)
    served = meter.peek()
    assert len(served) == telegrams
    assert all(is_whole(frame) for frame in served)
    assert len(list(iterate_records(meter.telegrams()))) >= records
    assert [frame[-3] == 0x1F for frame in served] == [True] * (telegrams - 1) + [False]


def test_given_frames() -> None:
    """Only the address and the checksum change; selection goes by the first frame's header."""
    given = [bytes.fromhex(FIRST_OF_TWO), bytes.fromhex(SECOND_OF_TWO)]
    meter = FrameMeter(given, 5)
    served = [
        meter.receive(bytes.fromhex(text)) for text in ("107b058016", "105b056016")
    ]
    for before, after in zip(given, served, strict=True):
        assert after is not None and is_whole(after)
        assert (after[:5], after[5], after[6:-2]) == (before[:5], 5, before[6:-2])
    assert meter.receive(SELECT) == ACK


def test_coded_values() -> None:
    """Each value tells meter, telegram, index and readout."""
    meter = CodedMeter(7, telegram_count=2)
    for readout in (1, 2):
        meter.receive(bytes.fromhex("10 40 07 47 16"))
        for telegram, request in enumerate(("10 7B 07 82 16", "10 5B 07 62 16")):
            values = records_of(meter.receive(bytes.fromhex(request))).values()
            assert [
                CodedMeter.decode(int.from_bytes(value, "little")) for value in values
            ] == [(7, telegram, index, readout) for index in range(4)]


# The bus over TCP


class Line:
    """A client that reads what comes until nothing does."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Take a connection."""
        self.reader, self.writer = reader, writer

    async def ask(self, request: bytes, silence: float = 0.05) -> bytes:
        """Return all that comes until the line is silent or gone."""
        self.writer.write(request)
        received = b""
        while True:
            try:
                piece = await asyncio.wait_for(self.reader.read(300), silence)
            except TimeoutError:
                return received
            except (OSError, SerialException) as error:
                raise ConnectionError from error
            if not piece:
                raise ConnectionError
            received += piece


@asynccontextmanager
async def tcp(port: int) -> AsyncIterator[Line]:
    """Connect to a gateway."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield Line(reader, writer)
    finally:
        writer.close()


@asynccontextmanager
async def terminal(path: str, baud_rate: int = 2400) -> AsyncIterator[Line]:
    """Open a serial port, 8E1."""
    reader, writer = await open_serial_connection(path, baud_rate, parity=Parity.EVEN)
    try:
        yield Line(reader, writer)
    finally:
        writer.close()
        with suppress(OSError, SerialException):
            await writer.wait_closed()


@pytest.fixture
async def open_line(
    socket_enabled: None,
) -> AsyncIterator[Callable[..., Any]]:
    """Return a function that makes a bus and a connection to it."""
    async with asyncio.timeout(10):
        buses: list[SimulatedBus] = []

        @asynccontextmanager
        async def open_(*meters: SimulatedMeter, **options: Any) -> AsyncIterator[Any]:
            async with SimulatedBus(meters, **options) as bus:
                buses.append(bus)
                async with tcp(await bus.serve_tcp()) as line:
                    yield bus, line

        yield open_


async def test_exchange_over_tcp(open_line: Callable[..., Any]) -> None:
    """Requests are kept, with time and answer."""
    async with open_line(PlainMeter(1)) as (bus, line):
        assert await line.ask(RESET) == ACK
        assert is_whole(await line.ask(FIRST))
        assert await line.ask(bytes.fromhex("10 7B 05 80 16")) == b""
        assert bus.requests == [RESET, FIRST, bytes.fromhex("10 7B 05 80 16")]
        assert [bool(request.reply) for request in bus.requests] == [True, True, False]
        assert bus.requests[0].time <= bus.requests[1].time
        assert bus.requests[0].faults == frozenset()


async def test_byte_timing(open_line: Callable[..., Any]) -> None:
    """No answer is complete before the line could have carried it; none waits at full speed."""
    loop = asyncio.get_running_loop()
    async with open_line(PlainMeter(1), baud_rate=9600, response_delay=0.02) as (
        _,
        line,
    ):
        start = loop.time()
        line.writer.write(FIRST)
        await line.reader.readexactly(27)
        assert loop.time() - start >= (5 + 27) * 11 / 9600 + 0.02


async def test_meter_of_another_rate_is_deaf(open_line: Callable[..., Any]) -> None:
    """A TCP gateway has the rate of its bus."""
    async with open_line(PlainMeter(1, baud_rate=300), baud_rate=38400) as (bus, line):
        assert await line.ask(RESET) == b""
        bus.meters.append(PlainMeter(1))
        assert await line.ask(RESET, 0.2) == ACK


@pytest.mark.parametrize(
    ("skew", "expected"), [(0, [ACK]), (40, [ACK * 2]), (3, []), (5.5, [])]
)
async def test_colliding_acknowledgements(
    open_line: Callable[..., Any], skew: float, expected: list[bytes]
) -> None:
    """Section 1.7: one clean E5, two clean ones, or garbage."""
    async with open_line(PlainMeter(0), PlainMeter(0), skew=skew) as (bus, line):
        reply = await line.ask(bytes.fromhex("10 40 00 40 16"))
        assert reply
        if expected:
            assert [reply] == expected
        else:
            assert reply != ACK
            assert reply != ACK * 2
        assert bus.counts["collisions"] == 1


async def test_colliding_data(open_line: Callable[..., Any]) -> None:
    """The acknowledgement is clean, the data of two meters is not."""
    meters = (
        CodedMeter(0, identification="00000001"),
        CodedMeter(0, identification="00000002"),
    )
    async with open_line(*meters) as (_, line):
        assert await line.ask(bytes.fromhex("10 40 00 40 16")) == ACK
        reply = await line.ask(bytes.fromhex("10 7B 00 7B 16"))
        assert reply and not is_whole(reply)


async def test_converter_noise(open_line: Callable[..., Any]) -> None:
    """Section 8, row 10."""
    noise = bytes.fromhex("FD FE FC 00")
    async with open_line(PlainMeter(1), converter_noise=noise) as (_, line):
        assert await line.ask(bytes.fromhex("10 40 02 42 16")) == noise
        assert await line.ask(RESET) == ACK


# Faults

FRAME = PlainMeter(1).peek()[0]


@pytest.mark.parametrize(
    ("fault", "check"),
    [
        (Fault.REQUEST_LOST, lambda reply: reply == b""),
        (Fault.ACK_INSTEAD, lambda reply: reply == ACK),
        (Fault.FOREIGN_ADDRESS, lambda reply: is_whole(reply) and reply[5] == 2),
        (
            Fault.FOREIGN_METER,
            lambda reply: (
                is_whole(reply) and reply[5] == 1 and reply[7:11] != FRAME[7:11]
            ),
        ),
        (Fault.FLOW_CONTROL, lambda reply: is_whole(reply) and reply[4] == 0x18),
        (Fault.ENDLESS, lambda reply: is_whole(reply) and reply[-3] == 0x1F),
        (Fault.WRONG_LENGTH, lambda reply: len(reply) == 27 and not is_whole(reply)),
        (Fault.CORRUPT, lambda reply: len(reply) == 27 and not is_whole(reply)),
        (Fault.TRUNCATE, lambda reply: len(reply) < 27),
        (
            Fault.DUPLICATE,
            lambda reply: reply[:27] == reply[27:] and is_whole(reply[:27]),
        ),
        (
            Fault.MERGE,
            lambda reply: len(reply) == 28 and ACK in (reply[:1], reply[-1:]),
        ),
        (Fault.NOISE_BEFORE, lambda reply: len(reply) > 27 and is_whole(reply[-27:])),
        (Fault.NOISE_AFTER, lambda reply: len(reply) > 27 and is_whole(reply[:27])),
        (Fault.ECHO, lambda reply: reply[:5] == FIRST and is_whole(reply[5:])),
        (Fault.DROP, lambda reply: reply == b""),
        (Fault.LATE, lambda reply: reply == b""),
        (Fault.SPLIT, is_whole),
    ],
)
async def test_fault(
    open_line: Callable[..., Any], fault: Fault, check: Callable[[bytes], bool]
) -> None:
    """Each once, at the request meant; the one after is as if nothing had been."""
    async with open_line(PlainMeter(1), CodedMeter(2)) as (bus, line):
        bus.faults.once(fault, matches=is_request_for_data)
        assert await line.ask(RESET) == ACK
        assert check(await line.ask(FIRST))
        assert bus.faults.counts == {fault: 1}
        assert bus.requests[1].faults == {fault}
        assert (await line.ask(FIRST))[-27:-8] == FRAME[:19].replace(
            b"\0\0\0\0", b"\1\0\0\0"
        )


async def test_late_answer_comes_with_the_next_request(
    open_line: Callable[..., Any],
) -> None:
    """Before the answer to it."""
    async with open_line(PlainMeter(1), FixedMeter(5)) as (bus, line):
        bus.faults.once(Fault.LATE)
        assert await line.ask(FIRST) == b""
        reply = await line.ask(bytes.fromhex("10 40 05 45 16"))
        assert is_whole(reply[:-1])
        assert reply[-1:] == ACK


async def test_late_answer_comes_by_itself(open_line: Callable[..., Any]) -> None:
    """With a delay given."""
    faults = Faults({Fault.LATE: 1}, late_delay=0.1)
    async with open_line(PlainMeter(1), faults=faults) as (_, line):
        assert await line.ask(FIRST) == b""
        assert is_whole(await line.ask(b"", 0.2))


async def test_frame_count_faults(open_line: Callable[..., Any]) -> None:
    """Counted only where they make a difference."""
    async with open_line(PlainMeter(1, ENERGY, VOLUME, VOLUME)) as (bus, line):
        bus.faults.chances = {Fault.FRAME_COUNT_REPEATED: 1}
        first = await line.ask(FIRST)
        assert bus.faults.counts == {}
        assert await line.ask(SECOND) == first
        bus.faults.chances = {Fault.FRAME_COUNT_SKIPPED: 1}
        second = await line.ask(SECOND)
        assert second != first
        assert await line.ask(SECOND) != second
        assert bus.faults.counts == {
            Fault.FRAME_COUNT_REPEATED: 1,
            Fault.FRAME_COUNT_SKIPPED: 1,
        }


async def test_faults_are_the_same_with_the_same_seed(
    open_line: Callable[..., Any],
) -> None:
    """And others with another."""
    runs = []
    for seed in (1, 1, 2):
        faults = Faults({Fault.DROP: 0.3, Fault.CORRUPT: 0.3}, seed=seed)
        async with open_line(PlainMeter(1), faults=faults) as (bus, line):
            for _ in range(20):
                await line.ask(RESET, 0.005)
            runs.append([request.faults for request in bus.requests])
    assert runs[0] == runs[1] != runs[2]


# Gateways


async def test_gateway_breaks_in_the_answer(open_line: Callable[..., Any]) -> None:
    """Half of it has come by then; another connection is welcome."""
    async with open_line(PlainMeter(1)) as (bus, line):
        bus.faults.once(Fault.GATEWAY_RESET)
        with pytest.raises(ConnectionError):
            await line.ask(FIRST)
        async with tcp(bus.gateways[0].port) as second:
            assert await second.ask(RESET) == ACK


async def test_gateway_goes_down_and_returns(open_line: Callable[..., Any]) -> None:
    """At the same port, after `down_time`."""
    async with open_line(PlainMeter(1), faults=Faults(down_time=0.05)) as (bus, line):
        bus.faults.once(Fault.GATEWAY_DOWN)
        with pytest.raises(ConnectionError):
            await line.ask(FIRST)
        port = bus.gateways[0].port
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", port)
        await asyncio.sleep(0.1)
        async with tcp(port) as second:
            assert await second.ask(RESET) == ACK


async def test_gateway_stopped_and_started(open_line: Callable[..., Any]) -> None:
    """By hand."""
    async with open_line(PlainMeter(1)) as (bus, line):
        (gateway,) = bus.gateways
        await gateway.stop()
        with pytest.raises(ConnectionError):
            await line.ask(RESET)
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", gateway.port)
        await gateway.start()
        async with tcp(gateway.port) as second:
            assert gateway.connections == 1
            assert await second.ask(RESET) == ACK


async def test_dead_gateway(open_line: Callable[..., Any]) -> None:
    """Connected, and silent; another way to the bus works."""
    async with open_line(PlainMeter(1)) as (bus, line):
        bus.gateways[0].dead = True
        assert await line.ask(RESET) == b""
        async with tcp(await bus.serve_tcp()) as second:
            assert await second.ask(RESET) == ACK
        assert [request.gateway for request in bus.requests] == [bus.gateways[1]]


@pytest.mark.parametrize("manner", ["serve", "refuse", "hang", "steal"])
async def test_second_client(socket_enabled: None, manner: Any) -> None:
    """One is served, or both, or the second gets nothing."""
    async with SimulatedBus([PlainMeter(1)]) as bus:
        port = await bus.serve_tcp(second_client=manner)
        async with tcp(port) as first, tcp(port) as second:
            await asyncio.sleep(0.01)
            served = []
            for line in (first, second):
                try:
                    served.append(await line.ask(RESET) == ACK)
                except ConnectionError:
                    served.append(False)
    assert served == [manner != "steal", manner in ("serve", "steal")]


async def test_a_gateway_hangs_up(socket_enabled: None) -> None:
    """Once it has answered; a new connection is welcome."""
    async with SimulatedBus([PlainMeter(1)]) as bus:
        port = await bus.serve_tcp()
        (gateway,) = bus.gateways
        assert isinstance(gateway, TcpGateway)
        async with tcp(port) as line:
            assert await line.ask(RESET) == ACK
            gateway.hang_up()
            with pytest.raises(ConnectionError):
                await line.ask(RESET)
        async with tcp(port) as line:
            assert await line.ask(RESET) == ACK


async def test_gateway_latency(socket_enabled: None) -> None:
    """Added to every answer."""
    async with (
        SimulatedBus([PlainMeter(1)]) as bus,
        tcp(await bus.serve_tcp(latency=0.1)) as line,
    ):
        assert await line.ask(RESET, 0.05) == b""
        assert await line.ask(b"", 0.2) == ACK


# The bus over a pseudo terminal


async def test_terminal_can_be_opened_again() -> None:
    """With the same settings, even where nothing was sent in between."""
    async with asyncio.timeout(5), SimulatedBus([PlainMeter(1)]) as bus:
        path = await bus.serve_pty()
        for requests in (1, 0, 0, 2, 1):
            async with terminal(path) as line:
                for _ in range(requests):
                    assert await line.ask(RESET) == ACK


async def test_client_sets_the_rate_of_the_line() -> None:
    """A meter at 300 baud hears who speaks at 300 baud."""
    async with asyncio.timeout(5), SimulatedBus([PlainMeter(1, baud_rate=300)]) as bus:
        path = await bus.serve_pty()
        async with terminal(path, 2400) as line:
            assert await line.ask(RESET) == b""
        async with terminal(path, 300) as line:
            assert await line.ask(RESET) == ACK


async def test_converter_is_pulled_and_returns(tmp_path: Path) -> None:
    """The path stays the same."""
    link = tmp_path / "meters"
    async with asyncio.timeout(5), SimulatedBus([PlainMeter(1)]) as bus:
        assert await bus.serve_pty(link) == str(link)
        (gateway,) = bus.gateways
        assert isinstance(gateway, PtyGateway)
        async with terminal(str(link)) as line:
            assert await line.ask(RESET) == ACK
            gateway.hang_up()
            assert not link.exists()
            with pytest.raises(ConnectionError):
                await line.ask(RESET)
        await gateway.start()
        async with terminal(str(link)) as line:
            assert await line.ask(RESET) == ACK


@pytest.mark.parametrize("fault", [Fault.GATEWAY_RESET, Fault.GATEWAY_DOWN])
async def test_converter_fails_by_itself(tmp_path: Path, fault: Fault) -> None:
    """And is back at its path."""
    link = tmp_path / "meters"
    faults = Faults(down_time=0.02)
    async with asyncio.timeout(5), SimulatedBus([PlainMeter(1)], faults=faults) as bus:
        await bus.serve_pty(link)
        faults.once(fault)
        async with terminal(str(link)) as line:
            with pytest.raises(ConnectionError):
                await line.ask(FIRST, 1)
        await asyncio.sleep(0.05)
        async with terminal(str(link)) as line:
            assert await line.ask(RESET) == ACK


async def test_two_ways_to_one_bus(socket_enabled: None) -> None:
    """A selection made by one is used by the other: it lives in the meter."""
    async with asyncio.timeout(5), SimulatedBus([PlainMeter(1)]) as bus:
        path = await bus.serve_pty()
        async with tcp(await bus.serve_tcp()) as network, terminal(path) as serial:
            assert await network.ask(SELECT) == ACK
            assert is_whole(await serial.ask(SELECTED_FIRST))
            assert await serial.ask(DESELECT) == ACK
            assert await network.ask(SELECTED_FIRST) == b""
        kinds = [type(request.gateway) for request in bus.requests]
        assert kinds == [TcpGateway, PtyGateway, PtyGateway, TcpGateway]


async def test_overlapping_requests_are_counted(open_line: Callable[..., Any]) -> None:
    """A master that does not wait for the answer is seen."""
    async with open_line(PlainMeter(1), baud_rate=9600) as (bus, line):
        await line.ask(FIRST, 0.1)
        assert bus.counts["overlaps"] == 0
        line.writer.write(FIRST)
        await asyncio.sleep(0.02)
        await line.ask(FIRST, 0.1)
        assert bus.counts["overlaps"] == 1


def test_errors_for_ever() -> None:
    """A meter that is out of order."""
    meter = PlainMeter(1)
    meter.application_errors = repeat(8)
    assert ask(meter, *["10 7B 01 7C 16"] * 3) == ["68 04 04 68 08 01 70 08 81 16"] * 3
