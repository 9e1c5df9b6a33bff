"""Numbers and texts in all their codings: decoding, encoding, limits."""

from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

import pytest

from custom_components.mbus.protocol import EncodeError, encode_value, limits

from .telegrams import record

# Header, data, value of volume in m³ (VIF 16) unless the header says otherwise.
VALUES: list[tuple[str, str, Any]] = [
    ("01 16", "7F", 127),
    ("01 2E", "81", -127_000),
    ("02 2E", "18 FC", -1_000_000),
    ("03 16", "FF FF 7F", 8_388_607),
    ("03 2E", "01 00 80", -8_388_607_000),
    ("04 16", "FF FF FF 7F", 2_147_483_647),
    ("06 16", "FF FF FF FF FF 7F", 140_737_488_355_327),
    ("07 16", "FF FF FF FF FF FF FF 7F", 9_223_372_036_854_775_807),
    ("07 13", "FF FF FF FF FF FF FF 7F", Decimal("9223372036854775.807")),
    ("07 13", "00 00 C1 6F F2 86 23 00", 10_000_000_000_000.0),
    ("07 13", "FF 7F C6 A4 7E 8D 03 00", 999_999_999_999.999),
    ("09 16", "99", 99),
    ("09 2E", "F5", -5000),
    ("0A 16", "34 12", 1234),
    ("0B 16", "56 34 12", 123_456),
    ("0C 16", "78 56 34 12", 12_345_678),
    ("0C 2E", "99 99 99 F9", -9_999_999_000),
    ("0E 16", "12 90 78 56 34 12", 123_456_789_012),
    ("0D 16", "C0", None),
    ("0D 16", "C2 34 12", 1234),
    ("0D 2E", "C2 34 F2", -234_000),
    ("0D 2E", "D2 34 F2", -234_000),
    ("0D 2E", "D2 34 12", -1_234_000),
    ("0D 16", "CB" + 10 * " 00" + " 10", 10**21),
    ("0D 13", "C9 89 67 45 23 01 89 67 45 23", Decimal("234567890123456.789")),
    ("0D 16", "C2 3A 12", None),
    ("0D 2E", "E1 FF", -1000),
    ("0D 16", "E1 FF", None),
    ("0D 16", "E2 34 12", 0x1234),
    ("0D 2E", "E2 00 80", None),
    ("0D FD 0B", "E1 80", 128),
    ("0D FD 17", "E1 FF", 255),
    ("0D 16", "E9 01 02 03 04 05 06 07 08 09", bytes(range(1, 10))),
    ("0D 16", "F0" + 16 * " 05", 16 * b"\5"),
    ("0D 16", "F6" + 64 * " 05", 64 * b"\5"),
    ("0D 16", "04 64 63 62 61", "abcd"),
    ("0D 16", "01 B0", "°"),
    ("0D 16", "00", None),
    ("05 16", "00 00 80 3F", 1.0),
    ("05 13", "66 66 A6 3F", 0.0013),
    ("05 16", "9A 19 66 43", 230.1),
    ("05 2E", "00 00 00 80", 0.0),
    ("05 16", "00 00 00 80", 0.0),
    ("05 16", "FF FF 7F 7F", 3.4028235e38),
    ("05 16", "01 00 00 00", 1.401298e-45),
    ("05 16", "00 00 80 7F", None),
    ("05 16", "00 00 80 FF", None),
    ("08 16", "", None),
]

PROBLEMS = [
    ("01 13 80", "not available"),
    ("02 13 00 80", "not available"),
    ("03 13 00 00 80", "not available"),
    ("06 13 00 00 00 00 00 80", "not available"),
    ("07 13 00 00 00 00 00 00 00 80", "not available"),
    ("0C 13 FF FF FF FF", "not numeric: FFFFFFFF"),
    ("0C 13 00 00 00 A0", "not numeric: A0000000"),
    ("0C 13 0C 00 00 00", "not numeric: 0000000C"),
    ("0D 13 C1 F0", None),
    ("0D 13 00", "no data"),
    ("05 13 00 00 C0 7F", "not a number: nan"),
    ("08 13", "no data"),
]

# Header, smallest and largest number, step.
LIMITS: list[tuple[str, Any]] = [
    ("01 2E", (-127_000, 127_000, 1000)),
    ("02 5B", (-32767, 32767, 1)),
    ("02 5A", (-3276.7, 3276.7, 0.1)),
    ("01 FD 0B", (0, 254, 1)),
    ("01 FD 17", (0, 255, 1)),
    ("09 16", (-9, 99, 1)),
    ("0C 13", (-9999.999, 99999.999, 0.001)),
    ("02 93 78", (-32.766, 32.768, 0.001)),
    ("02 FB 68", (0, 65534 / 4096, 1 / 4096)),
    ("05 2B", (-3.4028234663852886e38, 3.4028234663852886e38, None)),
    ("02 6C", None),
    ("0D FD 11", None),
    ("00 13", None),
    ("0C 78", None),
]

# Header, value, data to send.
ENCODED: list[tuple[str, Any, str]] = [
    ("0C 13", 1234.567, "67 45 23 01"),
    ("0C 13", Decimal("1234.567"), "67 45 23 01"),
    ("0C 2B", -99, "99 00 00 F0"),
    ("02 5A", 21.5, "D7 00"),
    ("02 5A", 0.1 + 0.2, "03 00"),
    ("04 06", 12_345_000, "39 30 00 00"),
    ("02 93 79", 1.01, "E8 03"),
    ("05 5B", 21.5, "00 00 AC 41"),
    ("04 6D", datetime(2026, 11, 22, 14, 35), "23 0E 56 3B"),
    ("02 6C", date(2026, 11, 22), "56 3B"),
    ("06 6D", datetime(2026, 11, 22, 14, 35, 20), "14 23 0E 56 3B 00"),
    ("03 6D", time(14, 35, 20), "14 23 0E"),
    ("42 EC 7E", date(2026, 11, 22), "56 3B"),
    ("0D FD 11", "Ameter", "06 72 65 74 65 6D 41"),
    ("0D FD 3A", 1234, "C2 34 12"),
    ("0D FD 3A", -12, "D1 12"),
    ("0D FD 19", b"\1\2", "02 01 02"),
    ("0C 78", "1234", "34 12 00 00"),
    ("04 78", "1234", "D2 04 00 00"),
    ("07 79", "1234567824232F04", "78 56 34 12 24 23 2F 04"),
    ("02 FD 0A", "HYD", "24 23"),
    ("04 FD 72", b"\1\2\3\4", "01 02 03 04"),
    ("10 AB 07", None, ""),
    ("01 7A", 5, "05"),
]

REFUSED: list[tuple[str, Any, str]] = [
    ("02 5A", 3276.8, "not within"),
    ("02 5A", 21.55, "no multiple of 0.1"),
    ("02 13", -0.001, "not available"),
    ("02 5A", "21.5", "not a number"),
    ("02 5A", True, "not a number"),
    ("02 5A", None, "not a number"),
    ("02 5A", float("nan"), "can't be coded"),
    ("02 5A", float("inf"), "can't be coded"),
    ("02 5A", Decimal("sNaN"), "can't be coded"),
    ("02 5A", Decimal("1E+999999999"), "can't be coded"),
    ("0C 13", Decimal("-1E-999999999"), "can't be coded"),
    ("02 5A", 10**400, "not within"),
    ("05 5B", 10**400, "too large"),
    ("01 FD 0B", 255, "not within"),
    ("01 FD 0B", -1, "not within"),
    ("0C 2B", -10_000_000, "not within"),
    ("05 5B", 1e39, "too large"),
    ("02 6C", datetime(2026, 11, 22), "not a date"),
    ("02 6C", date(2081, 1, 1), "not within"),
    ("04 6D", date(2026, 11, 22), "no date and time"),
    ("06 6D", "2026-11-22", "no date and time"),
    ("03 6D", 14, "not a time"),
    ("0D FD 11", "€", "can't send"),
    ("0D FD 11", "x" * 192, "more than 191"),
    ("0D FD 19", "text", "can't be sent"),
    ("0D 6D", "text", "can't be sent"),
    ("0D FD 3A", 10**18, "not within"),
    ("0C 78", "123456789", "at most 8 digits"),
    ("0C 78", "12A4", "at most 8 digits"),
    ("04 78", "12A4", "4 bytes"),
    ("07 79", "12345678", "16 hex digits"),
    ("02 FD 0A", "hyd", "three letters"),
    ("04 FD 72", b"\1", "4 bytes"),
    ("00 13", 5, "takes no value"),
    ("", 5, "not the header of a record"),
    ("04", 5, "not the header of a record"),
    ("04 93", 5, "not the header of a record"),
    ("04 13 00", 5, "not the header of a record"),
    ("0F 13", 5, "not the header of a record"),
    ("84 " + 11 * "80 " + "00 13", 5, "not the header of a record"),
]


@pytest.mark.parametrize(("header", "data", "value"), VALUES)
def test_value(header: str, data: str, value: Any) -> None:
    """Every coding gives exactly its number: no noise, no lost digit."""
    found = record(f"{header} {data}")
    assert found.value == value
    assert type(found.value) is type(value)
    assert str(found.value) == str(value)
    assert (found.problem is None) == (value is not None)
    assert found.raw == bytes.fromhex(data)


@pytest.mark.parametrize(("data", "problem"), PROBLEMS)
def test_problem(data: str, problem: str | None) -> None:
    """What stands for no value is none, and says so."""
    assert record(data).problem == problem


@pytest.mark.parametrize(("header", "expected"), LIMITS)
def test_limits(header: str, expected: Any) -> None:
    """The limits are those of the coding, in the record's unit."""
    assert limits(bytes.fromhex(header)) == expected


@pytest.mark.parametrize(("header", "value", "data"), ENCODED)
def test_encode(header: str, value: Any, data: str) -> None:
    """A value is coded as the meter would send it."""
    assert encode_value(bytes.fromhex(header), value) == bytes.fromhex(data)


@pytest.mark.parametrize(("header", "value", "message"), REFUSED)
def test_encode_refuses(header: str, value: Any, message: str) -> None:
    """What doesn't fit is refused by name."""
    with pytest.raises(EncodeError, match=message):
        encode_value(bytes.fromhex(header), value)
