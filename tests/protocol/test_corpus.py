"""Telegrams of real meters, compared with an independent reading of each record."""

from collections.abc import Iterator
from copy import deepcopy
from datetime import date
from decimal import Decimal
import json
from pathlib import Path
import pickle
from typing import Any

import pytest

from custom_components.mbus.protocol import (
    FrameError,
    Header,
    MBusError,
    Record,
    convert_unit,
    parse_telegram,
)

CORPUS = Path(__file__).parents[3] / "shared" / "corpus" / "telegrams.jsonl"

pytestmark = pytest.mark.skipif(
    not CORPUS.exists(), reason="the collection of real telegrams is not here"
)

UNITS = {"m³": "m3", "m³/h": "m3/h", "°C": "C", None: "1"}

# The reading tells no unit of these.
OPEN_UNITS = ("mfr", "text", "?")

# Real numbers have no more digits than single precision; the reading writes its binary value out.
SINGLE_PRECISION = Decimal(2) ** -24

# What differs with a reason in the standard: id, index of the record, our value and unit.
DIFFERENT = {
    # VIFE 28 is "per input pulse", which belongs to the unit (combinable VIFE table).
    ("libmbus-test-engelmann_sensostar2c", 13): (0.1, "m³/pulse"),
}
# Letters outside A to Z are none: the manufacturer is shown as hex (header, manufacturer).
MANUFACTURERS = {"@@@": "0000"}

# A sound reply with nothing in it but the manufacturer's data.
EMPTY = "pyMeterBus-test_issue10-1"


def telegrams(*kinds: str) -> Iterator[Any]:
    """Give the telegrams of these kinds."""
    if CORPUS.exists():
        for line in CORPUS.read_text().splitlines():
            entry = json.loads(line)
            if entry["kind"] in kinds:
                yield pytest.param(entry, id=entry["id"])


@pytest.mark.parametrize("entry", telegrams("valid"))
def test_valid(entry: dict[str, Any]) -> None:
    """Header, records and all that follows them are as read independently."""
    found = parse_telegram(bytes.fromhex(entry["hex"]))
    assert (found.problem, found.trailing_data) == (None, b"")
    assert all(
        (record.value is None) == (record.problem is not None)
        for record in found.records
    )
    expected = entry["expected"]
    if expected is None:
        assert len(found.records) == 2
        return
    assert header_of(found.header) == expected["header"] | {
        "manufacturer": MANUFACTURERS.get(
            expected["header"]["manufacturer"], expected["header"]["manufacturer"]
        )
    }
    assert found.more_records_follow == expected["more_records_follow"]
    assert found.manufacturer_data.hex() == expected["manufacturer_data"]
    assert len(found.records) == len(expected["records"])
    for record, reading in zip(found.records, expected["records"], strict=True):
        if different := DIFFERENT.get((entry["id"], record.index)):
            assert (record.value, record.unit) == different
        else:
            assert_same(record, reading)


def header_of(header: Header | None) -> dict[str, Any]:
    """Write a header as the collection does."""
    assert header is not None
    return {
        "identification": header.identification,
        "manufacturer": header.manufacturer,
        "version": header.version,
        "medium_code": header.medium,
        "access_number": header.access_number,
        "status": header.status,
        "signature": header.configuration.to_bytes(2, "little").hex(),
    }


def assert_same(record: Record, reading: dict[str, Any]) -> None:
    """Compare place and value of a record."""
    assert (
        record.header.hex(),
        record.function,
        record.storage_number,
        record.tariff,
        record.subunit,
    ) == tuple(reading[key] for key in ("header", "function", "storage", "tariff", "subunit"))  # fmt: skip
    value, unit = record.value, record.unit
    match reading["kind"]:
        case "number":
            if reading["unit"] == "s":
                assert isinstance(value, int)
                assert unit is not None
                value, unit = convert_unit(value, unit, "s"), "s"
            assert (
                UNITS.get(unit, unit) == reading["unit"]
                or reading["unit"] in OPEN_UNITS
            )
            expected = Decimal(reading["value"])
            is_real = record.header[0] & 0x0F == 0x05
            tolerance = abs(expected) * SINGLE_PRECISION if is_real else 0
            assert abs(Decimal(str(value)) - expected) <= tolerance
        case "date":
            assert isinstance(value, date)
            assert value.isoformat() == reading["value"]
        case "text":
            assert value == reading["value"]
        case "invalid":
            assert value is None
        case other:
            pytest.fail(f"nothing to compare {other} with")


@pytest.mark.parametrize("entry", telegrams("error"))
def test_error(entry: dict[str, Any]) -> None:
    """Damaged telegrams are refused."""
    with pytest.raises(FrameError):
        parse_telegram(bytes.fromhex(entry["hex"]))


@pytest.mark.parametrize("entry", telegrams("unsupported"))
def test_unsupported(entry: dict[str, Any]) -> None:
    """Odd ones are refused by name, or have nothing to read."""
    frame = bytes.fromhex(entry["hex"])
    if entry["id"] == EMPTY:
        assert parse_telegram(frame).records == ()
    else:
        with pytest.raises(MBusError):
            parse_telegram(frame)


@pytest.mark.parametrize("entry", telegrams("valid"))
def test_records_are_told_apart(entry: dict[str, Any]) -> None:
    """Two records with different codes in front never mean the same, but for how a value is coded."""
    found = parse_telegram(bytes.fromhex(entry["hex"]))
    alike: dict[Any, set[bytes]] = {}
    for record in found.records:
        alike.setdefault(record.signature, set()).add(record.header)
    for headers in alike.values():
        assert len({without_coding(header) for header in headers}) == 1


@pytest.mark.parametrize("entry", telegrams("valid"))
def test_copies(entry: dict[str, Any]) -> None:
    """A telegram that went through pickle or a deep copy is the same, to the last record."""
    found = parse_telegram(bytes.fromhex(entry["hex"]))
    for other in (pickle.loads(pickle.dumps(found)), deepcopy(found)):
        assert other == found
        assert other.signatures == found.signatures
        assert [record.modifiers for record in other.records] == [
            record.modifiers for record in found.records
        ]


def without_coding(header: bytes) -> tuple[int, bytes]:
    """Cut the data field off a record header, and the exponent off a plain VIF."""
    code = header[1:] if len(header) > 2 else bytes((header[-1] & 0x78,))
    return header[0] & 0xF0, code
