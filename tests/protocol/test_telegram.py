"""Telegrams: CI fields, headers, special DIFs, damaged and encrypted data."""

from copy import deepcopy
import pickle

import pytest

from custom_components.mbus.protocol import (
    ApplicationError,
    FrameError,
    Identity,
    IncompleteTelegramError,
    Problem,
    UnsupportedError,
    decode_telegram,
    parse_frame,
    parse_telegram,
)

from .telegrams import HEADER, frame, telegram

VOLUME = bytes.fromhex("04 13 15 CD 5B 07")


def test_long_header() -> None:
    """All of the 12 bytes are read."""
    found = parse_telegram(frame(0x72, HEADER + VOLUME, address=5))
    assert found.frame == frame(0x72, HEADER + VOLUME, address=5)
    assert (found.address, found.control_information) == (5, 0x72)
    header = found.header
    assert header is not None
    assert header.identification == "12345678"
    assert (header.manufacturer, header.manufacturer_code) == ("HYD", 0x2324)
    assert (header.version, header.medium, header.medium_name) == (
        0x2F,
        4,
        "heat (volume at outlet)",
    )
    assert (header.access_number, header.status, header.configuration) == (1, 0, 0)
    assert [record.value for record in found.records] == [123456.789]
    assert (found.problem, found.encryption_mode, found.alarm) == (None, None, None)


def test_decode_telegram() -> None:
    """A frame found in a stream is read just like its bytes."""
    data = frame(0x72, HEADER + VOLUME)
    assert decode_telegram(parse_frame(data)) == parse_telegram(data)


@pytest.mark.parametrize(
    ("manufacturer", "name"),
    [
        ("24 23", "HYD"),
        ("24 A3", "HYD"),
        ("00 00", "0000"),
        ("7F 2C", "2C7F"),
        ("FF FF", "FFFF"),
    ],
)
def test_manufacturer(manufacturer: str, name: str) -> None:
    """Letters, with or without the bit for "unique only here"; hex where there are none."""
    data = HEADER[:4] + bytes.fromhex(manufacturer) + HEADER[6:]
    header = parse_telegram(frame(0x72, data)).header
    assert header is not None
    assert header.manufacturer == name


def test_identification_with_hex_digits() -> None:
    """Digits that are none are shown as sent."""
    header = parse_telegram(frame(0x72, b"\x3e\x02\x00\x0a" + HEADER[4:])).header
    assert header is not None
    assert header.identification == "0A00023E"


@pytest.mark.parametrize(
    ("status", "flags"),
    [
        (0x00, set()),
        (0x01, {"application_busy"}),
        (0x02, {"application_error"}),
        (0x03, {"alarm"}),
        (0x04, {"power_low"}),
        (0x08, {"permanent_error"}),
        (0x10, {"temporary_error"}),
        (0x1D, {"application_busy", "power_low", "permanent_error", "temporary_error"}),
        (0xE0, set()),
    ],
)
def test_status(status: int, flags: set[str]) -> None:
    """Each bit of the status is told."""
    header = parse_telegram(
        frame(0x72, HEADER[:9] + bytes((status, 0, 0)) + VOLUME)
    ).header
    assert header is not None
    names = (
        "application_busy",
        "application_error",
        "alarm",
        "power_low",
        "permanent_error",
        "temporary_error",
    )
    assert {name for name in names if getattr(header, name)} == flags
    assert header.manufacturer_status == status >> 5


@pytest.mark.parametrize(
    ("medium", "name"),
    [(0x02, "electricity"), (0x16, "cold water"), (0x43, "reserved device type 43")],
)
def test_medium(medium: int, name: str) -> None:
    """Device types have names, reserved ones their code."""
    header = parse_telegram(
        frame(0x72, HEADER[:7] + bytes((medium,)) + HEADER[8:])
    ).header
    assert header is not None
    assert header.medium_name == name


def test_short_header() -> None:
    """CI 7A has neither identification, manufacturer, version nor medium."""
    found = parse_telegram(frame(0x7A, bytes.fromhex("2A 04 00 00") + VOLUME))
    header = found.header
    assert header is not None
    assert (header.identification, header.manufacturer) == (None, None)
    assert (header.version, header.medium, header.medium_name) == (None, None, None)
    assert (header.access_number, header.power_low) == (0x2A, True)
    assert [record.value for record in found.records] == [123456.789]
    assert found.identity is None


def test_no_header() -> None:
    """CI 78 has records only."""
    found = parse_telegram(frame(0x78, VOLUME))
    assert (found.header, found.identity) == (None, None)
    assert [record.value for record in found.records] == [123456.789]


def test_high_byte_first() -> None:
    """CI 76 sends all of more than one byte the other way round."""
    data = bytes.fromhex(
        "12 34 56 78 23 24 2F 04 01 00 00 00"
        "04 13 07 5B CD 15  0C 06 12 34 56 78  02 6C 3B 56  04 6D 3B 56 0E 23"
        "0D FD 11 03 61 62 63  05 5B 41 B0 DF 18  04 FD 72 01 02 03 04  0D 7F 02 01 02"
    )
    found = parse_telegram(frame(0x76, data))
    reference = telegram(
        "04 13 15 CD 5B 07  0C 06 78 56 34 12  02 6C 56 3B  04 6D 23 0E 56 3B"
        "0D FD 11 03 63 62 61  05 5B 18 DF B0 41  04 FD 72 01 02 03 04  0D 7F 02 01 02"
    )
    assert [record.value for record in found.records] == [
        record.value for record in reference.records
    ]
    assert found.identity == reference.identity
    assert found.header is not None
    assert found.header.identification == "12345678"


@pytest.mark.parametrize("length", range(12))
def test_header_cut(length: int) -> None:
    """A header that isn't whole is refused."""
    with pytest.raises(FrameError, match=f"after {length} of 12"):
        parse_telegram(frame(0x72, HEADER[:length]))
    if length < 4:
        with pytest.raises(FrameError, match=f"after {length} of 4"):
            parse_telegram(frame(0x7A, HEADER[:length]))


FIXED = [
    # Water, 1 l and 135 l at the fixed date.
    (0x73, "78 56 34 12 0A 00 E9 7E 01 00 00 00 35 01 00 00", 7,
     [("volume", 0.001, "m³", 0), ("volume", 0.135, "m³", 1)]),
    # The same in binary.
    (0x73, "78 56 34 12 0A 01 E9 7E 01 00 00 00 35 01 00 00", 7,
     [("volume", 0.001, "m³", 0), ("volume", 0.309, "m³", 1)]),
    # Historic, high byte first by CI.
    (0x77, "12 34 56 78 0A 02 E9 69 00 00 00 01 00 00 01 35", 7,
     [("volume", 0.001, "m³", 1), ("volume", 0.135, "m³", 1)]),
    # Heat mode 2: counters high byte first by medium.
    (0x73, "78 56 34 12 0A 00 C5 94 00 00 00 01 00 00 01 35", 4,
     [("energy", 1000, "Wh", 0), ("power", 135, "W", 0)]),
    # Units without a known layout, BCD that is none, binary that is not available.
    (0x73, "78 56 34 12 0A 00 00 3A 01 00 00 00 0A 00 00 00", 0,
     [("unknown", 1, None, 0), ("unknown", None, None, 0)]),
    (0x73, "78 56 34 12 0A 01 38 39 18 FC FF FF 00 00 00 80", 0,
     [("temperature", -1.0, "°C", 0), ("hca_units", None, None, 0)]),
    # All bits set at the fixed date is a place never filled; of what is now, it may be one less than nothing.
    (0x73, "78 56 34 12 0A 03 05 05 FF FF FF FF 18 FC FF FF", 0,
     [("energy", None, "Wh", 1), ("energy", -1_000_000, "Wh", 1)]),
    (0x73, "78 56 34 12 0A 01 05 3E FF FF FF FF FF FF FF FF", 0,
     [("energy", -1000, "Wh", 0), ("energy", None, "Wh", 1)]),
    (0x73, "78 56 34 12 0A 01 14 29 FF FF FF FF FF FF FF FF", 0,
     [("power", -1, "W", 0), ("volume", None, "m³", 0)]),
]  # fmt: skip


@pytest.mark.parametrize(("ci", "data", "medium", "values"), FIXED)
def test_fixed_structure(
    ci: int,
    data: str,
    medium: int,
    values: list[tuple[str, float | None, str | None, int]],
) -> None:
    """Two counters, coded as bits 0 and 1 of the status say."""
    found = parse_telegram(frame(ci, bytes.fromhex(data), address=5))
    header = found.header
    assert header is not None
    assert (header.identification, header.manufacturer) == ("12345678", None)
    assert (header.medium, header.access_number) == (medium, 10)
    assert not header.application_busy
    assert [
        (record.quantity, record.value, record.unit, record.storage_number)
        for record in found.records
    ] == values
    assert found.signatures[0] != found.signatures[1]
    assert found.identity == Identity(identification="12345678", manufacturer=None)


@pytest.mark.parametrize(
    ("records", "layout"),
    [
        ("04 13 01 00 00 00 04 13 02 00 00 00 44 06 03 00 00 00 02 AB FC 01 05 00 12 FD 48 01 00", "cd9b4a253d63bc16"),
        ("", "4f53cda18c2baa0c"),
    ],
)  # fmt: skip
def test_layout(records: str, layout: str) -> None:
    """What stands for the meaning of all records is kept for years, so it stays what it was."""
    assert telegram(records).layout == layout


def test_layout_follows_meaning() -> None:
    """It is the same for other values, and another one for other records or another order."""
    volumes = telegram("04 13 01 00 00 00 02 5A 01 00").layout
    assert telegram("04 13 02 00 00 00 02 5B 07 00").layout == volumes
    assert telegram("02 5A 01 00 04 13 01 00 00 00").layout != volumes
    assert telegram("04 13 01 00 00 00 02 5E 01 00").layout != volumes


def test_fixed_structure_suspicious() -> None:
    """A present energy of -1 is kept and marked, as in the other structure."""
    data = bytes.fromhex("78 56 34 12 0A 01 05 3E FF FF FF FF FF FF FF FF")
    now, then = parse_telegram(frame(0x73, data)).records
    assert (now.problem, now.modifiers) == (
        Problem("all_bits_set"),
        ("counter_1", "suspicious"),
    )
    assert (then.problem, then.modifiers) == (Problem("not_available"), ("counter_2",))


FIXED_UNITS = {
    0x02: ("energy", "Wh", 1),
    0x05: ("energy", "Wh", 1000),
    0x0A: ("energy", "Wh", 10**8),
    0x0B: ("energy", "J", 1000),
    0x0E: ("energy", "J", 10**6),
    0x13: ("energy", "J", 10**11),
    0x14: ("power", "W", 1),
    0x1C: ("power", "W", 10**8),
    0x1D: ("power", "J/h", 1000),
    0x25: ("power", "J/h", 10**11),
    0x26: ("volume", "m³", 0.000001),
    0x29: ("volume", "m³", 0.001),
    0x2E: ("volume", "m³", 100),
    0x2F: ("volume_flow", "m³/h", 0.000001),
    0x37: ("volume_flow", "m³/h", 100),
    0x38: ("temperature", "°C", 0.001),
    0x39: ("hca_units", None, 1),
    0x3F: ("dimensionless", None, 1),
}


@pytest.mark.parametrize(("code", "expected"), FIXED_UNITS.items())
def test_fixed_unit(code: int, expected: tuple[str, str | None, float]) -> None:
    """Unit codes have quantity, unit and factor."""
    data = bytes.fromhex("78 56 34 12 0A 00") + bytes(
        (code, code, 1, 0, 0, 0, 1, 0, 0, 0)
    )
    for record in parse_telegram(frame(0x73, data)).records:
        assert (record.quantity, record.unit, record.value) == expected
        assert record.header == bytes((code,))


@pytest.mark.parametrize("status", [0x04, 0x08, 0x10])
def test_fixed_status(status: int) -> None:
    """Power and errors stand where they do in the other structure."""
    data = bytes.fromhex("78 56 34 12 0A") + bytes((status, 0x29, 0x29)) + bytes(8)
    header = parse_telegram(frame(0x73, data)).header
    assert header is not None
    assert (header.power_low, header.permanent_error, header.temporary_error) == (
        status == 0x04,
        status == 0x08,
        status == 0x10,
    )


@pytest.mark.parametrize(
    ("ci", "data", "code"),
    [
        (0x70, "", None),
        (0x70, "00", 0x00),
        (0x70, "01", 0x01),
        (0x70, "08", 0x08),
        (0x70, "09", 0x09),
        (0x70, "F0 01", 0xF0),
        (0x70, "77", 0x77),
        (0x6E, "01 00 00 00 08", 0x08),
        (0x6F, HEADER.hex() + "08", 0x08),
    ],
)
def test_application_error(ci: int, data: str, code: int | None) -> None:
    """An error of the meter is named, with its code."""
    with pytest.raises(ApplicationError) as error:
        parse_telegram(frame(ci, bytes.fromhex(data)))
    assert error.value.code == code
    assert ("busy" in str(error.value)) == (code == 0x08)


def test_alarm() -> None:
    """CI 71 has the bits of an alarm."""
    assert parse_telegram(frame(0x71, b"\x04")).alarm == 4


@pytest.mark.parametrize(
    "ci", [0x00, 0x66, 0x6B, 0x71, 0x73, 0x74, 0x77, 0x79, 0x7C, 0x8A, 0x90, 0xB7]
)
def test_unsupported(ci: int) -> None:
    """Nothing is guessed of other CI fields; the bytes are kept."""
    data = b"" if ci == 0x71 else b"\x01\x02\x03"
    with pytest.raises(UnsupportedError, match=f"{ci:02X}") as error:
        parse_telegram(frame(ci, data))
    assert (error.value.control_information, error.value.data) == (ci, data)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xe5",
        b"\x10\x08\x01\x09\x16",
        frame(0x72, HEADER)[:-1],
        frame(0x72, HEADER) + b"\x16",
    ],
)
def test_no_telegram(data: bytes) -> None:
    """What is no whole long frame is refused."""
    with pytest.raises(FrameError):
        parse_telegram(data)


def test_echo() -> None:
    """A request is never a reply."""
    with pytest.raises(FrameError, match="request"):
        parse_telegram(frame(0x72, HEADER + VOLUME, control=0x53))


@pytest.mark.parametrize(
    ("tail", "more", "manufacturer_data"),
    [
        ("0F", False, ""),
        ("1F", True, ""),
        ("1F 00", True, "00"),
        ("0F 01 02 1F", False, "01 02 1F"),
        ("2F 2F", False, ""),
        ("00", False, ""),
        ("2F 00", False, ""),
    ],
)
def test_end(tail: str, more: bool, manufacturer_data: str) -> None:
    """The ways in which a telegram ends."""
    found = parse_telegram(frame(0x72, HEADER + VOLUME + bytes.fromhex(tail)))
    assert [record.value for record in found.records] == [123456.789]
    assert found.more_records_follow is more
    assert found.manufacturer_data == bytes.fromhex(manufacturer_data)
    assert (found.trailing_data, found.problem) == (b"", None)


@pytest.mark.parametrize(
    ("tail", "problem"),
    [
        ("3F 13 01", "reserved DIF 3F"),
        ("6F", "reserved DIF 6F"),
        ("8F 04 13", "reserved DIF 8F"),
        ("FF", "reserved DIF FF"),
        ("0D 13 F7 01", "reserved length code F7"),
        ("0D 13 FF 01", "reserved length code FF"),
    ],
)
def test_unreadable_rest(tail: str, problem: str) -> None:
    """What can't be read costs nothing that stands before it."""
    found = parse_telegram(frame(0x72, HEADER + VOLUME + bytes.fromhex(tail)))
    assert [record.value for record in found.records] == [123456.789]
    assert (str(found.problem), found.trailing_data) == (problem, bytes.fromhex(tail))


def test_readout_request_in_a_reply() -> None:
    """DIF 7F has no place in a reply; it is skipped and told."""
    found = parse_telegram(frame(0x72, HEADER + b"\x7f" + VOLUME))
    assert [record.value for record in found.records] == [123456.789]
    assert found.problem
    assert found.trailing_data == b""


CUT = [
    "04",
    "84",
    "84 40",
    "04 93",
    "04 FD",
    "04 FB 81",
    "04 13",
    "04 13 01 02 03",
    "0D 13",
    "0D 13 02 01",
    "02 FC 03 48 52",
    "02 7C 05 48 52",
    "02 7C",
    "02 FC",
    "02 FC 74 05 48 52",
    "84 " + 10 * "80 " + "00 13 01 00 00 00",
    "04 93 " + 10 * "80 " + "00 01 00 00 00",
    "04 FC 01 68 " + 10 * "80 " + "00 01 00 00 00",
]


@pytest.mark.parametrize("tail", CUT)
def test_cut(tail: str) -> None:
    """A record that is cut raises; the whole ones before it are kept."""
    with pytest.raises(IncompleteTelegramError, match="record 1") as error:
        parse_telegram(frame(0x72, HEADER + VOLUME + bytes.fromhex(tail)))
    kept = error.value.telegram
    assert [record.value for record in kept.records] == [123456.789]
    assert kept.trailing_data == bytes.fromhex(tail)
    assert kept.problem
    assert kept.identity is not None


def test_ten_extensions_are_not_too_many() -> None:
    """Ten DIFEs and ten VIFEs are allowed."""
    found = telegram("84" + 9 * " 80" + " 00 93" + 9 * " BA" + " 3A 01 00 00 00")
    assert [record.value for record in found.records] == [0.001]


def test_real_number_under_another_length_code() -> None:
    """Some meters send real numbers as LVAR F4 and F8; taken so where all else fits then only."""
    found = telegram("0D 5B F4 18 DF B0 41")
    assert [record.value for record in found.records] == [22.108932]
    found = telegram("0D 5B F8 00 00 00 00 00 80 35 40 04 13 01 00 00 00")
    assert [record.value for record in found.records] == [21.5, 0.001]
    (huge,) = telegram("0D 17 F8 FF FF FF FF FF FF EF 7F").records
    assert huge.value is None
    assert huge.problem
    found = telegram("0D 16 F4" + 32 * " 05")
    assert [record.value for record in found.records] == [32 * b"\5"]
    with pytest.raises(IncompleteTelegramError):
        telegram("0D 5B F4 18 DF B0 41 04")


def test_text_after_the_extensions() -> None:
    """One order of plain text holds for the telegram as a whole."""
    found = telegram("02 FC 74 03 48 52 25 44 0D 04 13 01 00 00 00")
    assert [(record.value, record.unit) for record in found.records] == [
        (33.96, "%RH"),
        (0.001, "m³"),
    ]
    # Taken for the length of an empty text, the VIFE 00 would leave the last record cut.
    found = telegram("02 FC 00 03 48 52 25 44 0D 02 13 34 12")
    assert [(record.value, record.unit) for record in found.records] == [
        (3396, "%RH"),
        (4.66, "m³"),
    ]


def test_fabrication_number_in_identity() -> None:
    """The fabrication number is part of who the meter is, where it is sent."""
    found = telegram("0C 13 01 00 00 00 0C 78 01 00 00 00 4C 78 02 00 00 00")
    assert found.identity == Identity(
        identification="12345678", manufacturer="HYD", fabrication_number="00000001"
    )
    assert telegram("0C 78 FF FF FF FF").identity == Identity(
        identification="12345678", manufacturer="HYD"
    )


def test_identity() -> None:
    """Fabrication numbers only count where both have one."""
    meter = Identity(identification="12345678", manufacturer="HYD")
    first = Identity(
        identification="12345678", manufacturer="HYD", fabrication_number="00000001"
    )
    second = Identity(
        identification="12345678", manufacturer="HYD", fabrication_number="00000002"
    )
    assert meter.matches(first)
    assert first.matches(meter)
    assert not first.matches(second)
    assert not meter.matches(Identity(identification="12345679", manufacturer="HYD"))
    assert not meter.matches(Identity(identification="12345678", manufacturer="KAM"))
    assert Identity.from_dict(first.as_dict()) == first


def configured(word: str, payload: bytes) -> bytes:
    """Build a frame with a configuration word."""
    return frame(0x72, HEADER[:10] + bytes.fromhex(word) + payload)


CIPHERTEXT = bytes.fromhex("13 5F 88 C2 0E 91 7A 04 D5 3F 60 AB 1C E7 29 B6")


@pytest.mark.parametrize(
    ("word", "mode"),
    [
        ("10 05", 5),
        ("20 07", 7),
        ("00 04", 4),
        ("00 08", 8),
        ("00 01", 1),
        ("00 0F", 15),
    ],
)
def test_encrypted(word: str, mode: int) -> None:
    """Nothing is read of an encrypted payload but the header."""
    found = parse_telegram(configured(word, CIPHERTEXT))
    assert (found.encryption_mode, found.records) == (mode, ())
    assert found.trailing_data == CIPHERTEXT
    assert str(found.problem) == f"encrypted (mode {mode}), 16 bytes"
    assert found.identity == Identity(identification="12345678", manufacturer="HYD")


@pytest.mark.parametrize(
    "word",
    ["00 00", "FF 00", "FF FF", "27 B6", "00 02", "00 0B", "00 05", "F0 05"],
)
def test_junk_for_a_configuration(word: str) -> None:
    """What old meters put in these bytes doesn't make plain records encrypted."""
    found = parse_telegram(configured(word, VOLUME))
    assert [record.value for record in found.records] == [123456.789]
    assert (found.encryption_mode, found.problem) == (None, None)


def test_decrypted() -> None:
    """A payload that begins with fillers is plain, whatever the mode."""
    found = parse_telegram(configured("10 05", b"\x2f\x2f" + VOLUME + 8 * b"\x2f"))
    assert [record.value for record in found.records] == [123456.789]
    assert found.encryption_mode is None


@pytest.mark.parametrize("payload", ["04 6F 01 00 00 00", "04 13 01", "3F 04 13"])
def test_unlikely_mode_but_not_plain(payload: str) -> None:
    """Under an unlikely mode only known records that end with the telegram are plain."""
    found = parse_telegram(configured("FF FF", bytes.fromhex(payload)))
    assert (found.records, found.encryption_mode) == ((), 31)


@pytest.mark.parametrize(
    ("ci", "data"),
    [
        # Every coding, a record error, a doubtful and an invalid value, a plain text, summer time, an unread rest.
        (
            0x72,
            HEADER
            + bytes.fromhex(
                "04 13 15 CD 5B 07  44 05 FF FF FF FF  04 05 FF FF FF FF  04 93 15 00 00 00 00  0A 5A EE EE"
                "02 FC 03 48 52 25 74 44 0D  05 5B 18 DF B0 41  04 6D 23 8E 56 3B  06 6D 54 23 0E 56 3B 00"
                "02 6C E1 F1  03 6D 3B 3B 17  0D FD 11 02 61 62  0C 78 78 56 34 12  04 78 01 00 00 00  00 13"
                "07 79 78 56 34 12 24 23 2F 04  02 FD 0A 24 23  04 FD 72 01 02 03 04  0D FD 3A C2 34 12  3F"
            ),
        ),
        (0x73, bytes.fromhex("78 56 34 12 0A 01 05 3E FF FF FF FF 01 00 00 00")),
        (0x7A, bytes.fromhex("2A 04 00 05") + bytes(16)),
        (0x78, VOLUME + b"\x1f\x01"),
        (0x71, b"\x04"),
    ],
)
def test_copies(ci: int, data: bytes) -> None:
    """Whatever a telegram holds goes through pickle and a deep copy."""
    found = parse_telegram(frame(ci, data))
    for other in (pickle.loads(pickle.dumps(found)), deepcopy(found)):
        assert other == found
        assert [(record.value, str(record.problem)) for record in other.records] == [
            (record.value, str(record.problem)) for record in found.records
        ]


@pytest.mark.parametrize(
    ("ci", "data"),
    [
        (0x72, HEADER + VOLUME + b"\x04"),
        (0x70, b"\x08"),
        (0x79, b"\x01"),
        (0x72, b"\x01"),
    ],
)
def test_copies_of_errors(ci: int, data: bytes) -> None:
    """Nor is anything lost that an error tells."""
    with pytest.raises(FrameError) as caught:
        parse_telegram(frame(ci, data))
    for other in (pickle.loads(pickle.dumps(caught.value)), deepcopy(caught.value)):
        assert (type(other), str(other)) == (type(caught.value), str(caught.value))
        assert vars(other) == vars(caught.value)
