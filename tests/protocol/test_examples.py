"""Worked examples: one record each, worked out by hand from the standard."""

from datetime import date, datetime, time
from typing import Any

import pytest

from .telegrams import record, telegram

# Bytes, quantity, value, unit, and what else is told apart.
EXAMPLES: list[tuple[str, str, Any, str | None, dict[str, Any]]] = [
    ("04 06 39 30 00 00", "energy", 12_345_000, "Wh", {"storage_number": 0}),
    ("0C 06 43 50 00 00", "energy", 5_043_000, "Wh", {}),
    ("0C 13 54 06 65 01", "volume", 1650.654, "m³", {}),
    ("02 5A A5 02", "flow_temperature", 67.7, "°C", {}),
    ("02 59 DA 0B", "flow_temperature", 30.34, "°C", {}),
    ("02 5E 18 FC", "return_temperature", -100.0, "°C", {}),
    ("04 6D 08 07 DC 24", "date_time", datetime(2022, 4, 28, 7, 8), None, {"modifiers": ()}),
    ("42 6C 5F 25", "date", date(2018, 5, 31), None, {"storage_number": 1}),
    ("82 04 6C C1 21", "date", date(2022, 1, 1), None, {"storage_number": 8}),
    ("C4 84 00 06 00 00 00 80", "energy", None, "Wh", {"storage_number": 9}),
    ("05 5B 18 DF B0 41", "flow_temperature", 22.108932, "°C", {}),
    ("05 5B 00 00 C0 7F", "flow_temperature", None, "°C", {}),
    ("0B 3B 13 06 00", "volume_flow", 0.613, "m³/h", {}),
    ("0B 3B 23 01 F0", "volume_flow", -0.123, "m³/h", {}),
    ("0A 5A EE EE", "flow_temperature", None, "°C", {"problem": "not numeric: EEEE"}),
    ("14 2B D0 07 00 00", "power", 2000, "W", {"function": "maximum"}),
    ("8C 10 06 00 00 00 00", "energy", 0, "Wh", {"tariff": 1}),
    ("8C 20 13 53 81 17 00", "volume", 178.153, "m³", {"tariff": 2}),
    ("84 40 13 0A 00 00 00", "volume", 0.01, "m³", {"subunit": 1}),
    ("84 80 80 40 13 01 00 00 00", "volume", 0.001, "m³", {"subunit": 4}),
    ("C4 8F 0F 13 01 00 00 00", "volume", 0.001, "m³", {"storage_number": 511}),
    ("04 FB 01 0A 00 00 00", "energy", 10_000_000, "Wh", {}),
    ("02 FB 1A 2D 02", "relative_humidity", 55.7, "%", {}),
    ("02 FD 48 FC 08", "voltage", 230.0, "V", {}),
    ("03 FD 59 10 27 00", "current", 10.0, "A", {}),
    ("02 FD 17 00 00", "error_flags", 0, None, {}),
    ("01 FD 71 B8", "rf_level", -72, "dBm", {}),
    ("0D FD 11 06 72 65 74 65 6D 41", "customer", "Ameter", None, {}),
    ("0D 78 04 34 33 32 31", "fabrication_number", "1234", None, {}),
    ("02 FC 03 48 52 25 74 44 0D", "plain_text", 33.96, "%RH", {}),
    ("0D FD 3A C2 34 12", "dimensionless", 1234, None, {}),
    ("0D FD 3A D2 34 12", "dimensionless", -1234, None, {}),
    ("0D FD 3A E4 15 CD 5B 07", "dimensionless", 123_456_789, None, {}),
    ("06 6D 14 23 0E 56 3B 00", "date_time", datetime(2026, 11, 22, 14, 35, 20), None, {}),
    ("03 6D 14 23 0E", "time", time(14, 35, 20), None, {}),
    ("04 6D A3 0E 56 3B", "date_time", None, None, {}),
    ("32 6C FF FF", "date", None, None, {"function": "error"}),
    ("04 86 3B FC 05 00 00", "energy", 1_532_000, "Wh", {"modifiers": ("import",)}),
    ("04 86 3C 33 00 00 00", "energy", 51_000, "Wh", {"modifiers": ("export",)}),
    ("04 93 15 00 00 00 00", "volume", None, "m³", {"problem": "no data available"}),
    ("02 93 76 E8 03", "volume", 1.0, "m³", {"modifiers": ()}),
    ("04 A9 FC 01 10 27 00 00", "power", 100.0, "W", {"modifiers": ("phase_1",)}),
    ("04 AB FC 81 73 10 27 00 00", "power", 10.0, "W", {"modifiers": ("phase_1",)}),
    (
        "42 EC 7E 5F 2C",
        "date",
        date(2018, 12, 31),
        None,
        {"storage_number": 1, "modifiers": ("future",)},
    ),
    ("07 06 15 CD 5B 07 00 00 00 00", "energy", 123_456_789_000, "Wh", {}),
    ("0E 84 00 56 34 12 00 00 00", "energy", 1_234_560, "Wh", {"modifiers": ()}),
    ("04 22 53 3C 00 00", "on_time", 15443, "h", {}),
    ("02 FF 20 34 12", "manufacturer_specific", 0x1234, None, {"raw": b"\x34\x12"}),
    ("00 13", "volume", None, "m³", {"problem": "no data"}),
]  # fmt: skip


@pytest.mark.parametrize(("data", "quantity", "value", "unit", "more"), EXAMPLES)
def test_example(
    data: str, quantity: str, value: Any, unit: str | None, more: dict[str, Any]
) -> None:
    """Every example is read as worked out, and says why where there is no value."""
    found = record(data)
    assert (found.quantity, found.value, found.unit) == (quantity, value, unit)
    assert (found.problem is None) == (value is not None)
    told = {name: getattr(found, name) for name in more}
    if "problem" in more:
        told["problem"] = str(found.problem)
    assert told == more


def test_fillers_between_records() -> None:
    """Fillers are no records and cost none."""
    found = telegram("04 03 15 CD 5B 07 2F 2F 04 13 01 00 00 00")
    assert [(record.index, record.value) for record in found.records] == [
        (0, 123_456_789),
        (1, 0.001),
    ]


def test_manufacturer_data() -> None:
    """What follows 0F is the manufacturer's."""
    found = telegram("0F AA BB CC")
    assert found.records == ()
    assert found.manufacturer_data == bytes.fromhex("AA BB CC")
    assert not found.more_records_follow


def test_suspicious_energy() -> None:
    """All bits set is -1 by the letter; with energy, which may be negative, it is kept and marked."""
    found = record("04 05 FF FF FF FF")
    assert (found.value, found.unit) == (-100, "Wh")
    assert found.modifiers == ("suspicious",)
    assert found.problem
