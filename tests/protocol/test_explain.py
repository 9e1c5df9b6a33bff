"""Telegrams byte by byte: nothing is left out, and each part says what it is."""

from hypothesis import given, strategies as st
import pytest

from custom_components.mbus.protocol import (
    FrameError,
    IncompleteTelegramError,
    Telegram,
    explain,
    explain_frame,
    long_frame,
    parse_frame,
    parse_telegram,
    short_frame,
)

from .telegrams import HEADER, frame


def told(telegram: Telegram) -> dict[str, str]:
    """Give what is said, by the bytes; the last of equal ones."""
    return {part.hex(" ").upper(): text for part, text in explain(telegram)}


def assert_is_whole(data: bytes) -> None:
    """Whatever is read of a frame, its parts make the frame, and each says something."""
    try:
        parts = list(explain(parse_telegram(data)))
    except IncompleteTelegramError as err:
        parts = list(explain(err.telegram))
    except FrameError:
        parts = list(explain_frame(parse_frame(data)))
    assert b"".join(part for part, _ in parts) == data
    assert all(part and text for part, text in parts)


@given(
    st.sampled_from([0x6E, 0x6F, 0x70, 0x71, 0x72, 0x73, 0x76, 0x77, 0x78, 0x7A, 0xB7]),
    st.binary(max_size=240),
)
def test_any_application_data(ci: int, data: bytes) -> None:
    """However a telegram is built."""
    assert_is_whole(frame(ci, data))


@given(
    st.sampled_from([0x53, 0x73]),
    st.integers(0, 255),
    st.sampled_from([0x50, 0x51, 0x52, 0x5C, 0x72, 0xB8, 0xBF, 0xC0]),
    st.binary(max_size=240),
)
def test_any_request(control: int, address: int, ci: int, data: bytes) -> None:
    """Whatever a master sends."""
    assert_is_whole(long_frame(control, address, ci, data))
    assert_is_whole(short_frame(control, address))


@pytest.mark.parametrize(
    ("data", "parts"),
    [
        (
            "10 7B FD 78 16",
            {"7B": "C: request for data (REQ_UD2), FCB", "FD": "whatever is selected"},
        ),
        ("10 40 01 41 16", {"40": "C: reset of the link (SND_NKE)", "01": "address 1"}),
        (
            "68 0B 0B 68 53 FD 52 78 56 34 F2 24 23 FF 07 E3 16",
            {
                "52": "selection by secondary address",
                "78 56 34 F2": "identification F2345678, F for any digit",
                "24 23": "manufacturer HYD",
                "FF": "any version",
                "07": "device type: water",
            },
        ),
        (
            "68 09 09 68 53 01 51 0C 13 12 34 56 78 D8 16",
            {
                "51": "records",
                "13": "VIF: volume, in m³",
                "12 34 56 78": "78563.412 m³",
            },
        ),
        ("68 03 03 68 53 FE BD 0E 16", {"BD": "baud rate 9600"}),
        (
            "68 04 04 68 08 01 70 08 81 16",
            {"70": "application error", "08": "too busy for a readout"},
        ),
    ],
)
def test_what_is_no_telegram(data: str, parts: dict[str, str]) -> None:
    """Requests and errors, too; worked out by hand from the standard."""
    said = [
        (part.hex(" ").upper(), text)
        for part, text in explain_frame(parse_frame(bytes.fromhex(data)))
    ]
    assert " ".join(part for part, _ in said) == data
    for part, text in parts.items():
        assert any(one == part and text in told for one, told in said), part


pieces = st.sampled_from(
    [
        "0413 00000000",
        "0C06 12",
        "84 90 40 13 01000000",
        "0D FD11 03 414243",
        "0D FD11 E5",
        "02 FC 03 485225 7444",
        "1F",
        "0F",
        "2F",
        "7F",
        "3F",
        "00",
        "84 FF",
        "05 FF 01",
        "0D 5B F4 00000000",
    ]
)


@given(st.lists(pieces, max_size=12).map("".join).map(bytes.fromhex))
def test_any_records(data: bytes) -> None:
    """Whatever stands between records, and behind them."""
    assert_is_whole(frame(0x72, HEADER + data))


HEAT = (
    "68 2F 2F 68 38 05 72  78 56 34 12 24 23 2F 04 01 0C 00 00"
    " 0C 78 78 56 34 12  84 90 40 06 E8 03 00 00  2F  02 5A FF FF"
    " 0D FD 11 03 43 42 41  0C 13 EE EE EE EE  1F 01 02"
)


def test_every_part_is_explained() -> None:
    """Worked out by hand from the standard."""
    body = bytes.fromhex(HEAT)[4:]
    data = bytes((0x68, len(body), len(body), 0x68)) + body
    parts = told(parse_telegram(data + bytes((sum(body) % 256, 0x16))))
    assert parts["38"] == (
        "C: answer with data (RSP_UD), ACD: an alarm is waiting, DFC: takes no data at present"
    )
    assert parts["05"] == "A: address 5"
    assert parts["24 23"] == "manufacturer HYD"
    assert parts["2F"] == "DIF: filler"
    assert parts["00 00"] == "configuration 0000: no encryption"
    assert parts["84"] == "record 1: DIF: instantaneous, 32 bits"
    assert parts["90"] == "DIFE: tariff +1"
    assert parts["40"] == "DIFE: subunit +2"
    assert parts["06"] == "VIF: energy, in Wh"
    assert parts["E8 03 00 00"] == "1000000 Wh"
    assert parts["FF FF"] == "-0.1 °C"
    assert parts["FD 11"] == "VIF: customer"
    assert parts["43 42 41"] == "ABC"
    assert parts["EE EE EE EE"] == "no value: not numeric: EEEEEEEE"
    assert parts["1F"].startswith("DIF: more records follow")
    assert parts["01 02"] == "the manufacturer's data"
    assert parts["16"] == "end"


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (0x00, "no error"),
        (0x01, "busy"),
        (0x02, "application error"),
        (0x03, "alarm"),
        (0x1C, "power low, permanent error, temporary error"),
        (0xA0, "the manufacturer's bits 101"),
    ],
)
def test_status(status: int, text: str) -> None:
    """Each bit by its name."""
    data = HEADER[:9] + bytes((status,)) + HEADER[10:]
    parts = list(explain(parse_telegram(frame(0x72, data))))
    assert parts[9] == (bytes((status,)), f"status: {text}")


def test_fixed_structure() -> None:
    """The example of the classic documentation: a water meter with 1 l and, at the due date, 135 l."""
    parts = told(
        parse_telegram(
            bytes.fromhex(
                "68 13 13 68 08 05 73 78 56 34 12 0A 00 E9 7E 01 00 00 00 35 01 00 00 3C 16"
            )
        )
    )
    assert parts["78 56 34 12"] == "identification 12345678"
    assert parts["0A"] == "access number 10"
    assert parts["00"] == "status: counters are BCD and actual"
    assert "medium: water" in parts["E9"]
    assert parts["01 00 00 00"] == "counter 1: 0.001 m³"
    assert parts["35 01 00 00"] == "counter 2: 0.135 m³"


def test_what_cannot_be_read() -> None:
    """Is there, with the reason."""
    parts = told(
        parse_telegram(frame(0x72, HEADER + bytes.fromhex("01 FD 17 00 3F 99")))
    )
    assert parts["3F 99"] == "not read: reserved DIF 3F"
    parts = told(
        parse_telegram(frame(0x7A, bytes.fromhex("01 00 10 05") + bytes(range(16))))
    )
    assert parts["10 05"] == "configuration 0510: encryption mode 5"
    assert parts[bytes(range(16)).hex(" ").upper()].startswith("not read: encrypted")


def test_alarm() -> None:
    """Its bits."""
    assert told(parse_telegram(frame(0x71, b"\x05")))["05"] == "alarm bits 00000101"
