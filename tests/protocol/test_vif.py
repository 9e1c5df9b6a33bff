"""Every row of the VIF tables: quantity, unit and factor, written down from the standard."""

from decimal import Decimal
from typing import Any

import pytest

from custom_components.mbus.protocol import (
    QUANTITIES,
    Problem,
    convert_unit,
    dimension,
    encode_value,
)

from .telegrams import record

# First code, quantity, unit, and for this code and those after it what a raw value of 1 is.
DECADES: list[tuple[str, str, str | None, str]] = [
    ("00", "energy", "Wh", "0.001 0.01 0.1 1 10 100 1000 10000"),
    ("08", "energy", "J", "1 10 100 1000 10000 100000 1000000 10000000"),
    ("10", "volume", "m³", "0.000001 0.00001 0.0001 0.001 0.01 0.1 1 10"),
    ("18", "mass", "kg", "0.001 0.01 0.1 1 10 100 1000 10000"),
    ("28", "power", "W", "0.001 0.01 0.1 1 10 100 1000 10000"),
    ("30", "power", "J/h", "1 10 100 1000 10000 100000 1000000 10000000"),
    ("38", "volume_flow", "m³/h", "0.000001 0.00001 0.0001 0.001 0.01 0.1 1 10"),
    ("40", "volume_flow", "m³/min", "0.0000001 0.000001 0.00001 0.0001 0.001 0.01 0.1 1"),
    ("48", "volume_flow", "m³/s", "1e-9 1e-8 1e-7 1e-6 1e-5 1e-4 1e-3 1e-2"),
    ("50", "mass_flow", "kg/h", "0.001 0.01 0.1 1 10 100 1000 10000"),
    ("58", "flow_temperature", "°C", "0.001 0.01 0.1 1"),
    ("5C", "return_temperature", "°C", "0.001 0.01 0.1 1"),
    ("60", "temperature_difference", "K", "0.001 0.01 0.1 1"),
    ("64", "external_temperature", "°C", "0.001 0.01 0.1 1"),
    ("68", "pressure", "bar", "0.001 0.01 0.1 1"),
    ("6E", "hca_units", None, "1"),
    ("7A", "bus_address", None, "1"),
    ("FB 00", "energy", "Wh", "100000 1000000"),
    ("FB 02", "reactive_energy", "varh", "1000 10000"),
    ("FB 04", "apparent_energy", "VAh", "1000 10000"),
    ("FB 06", "coefficient_of_performance", None, "0.1"),
    ("FB 08", "energy", "J", "100000000 1000000000"),
    ("FB 0C", "energy", "cal", "100000 1000000 10000000 100000000"),
    ("FB 10", "volume", "m³", "100 1000"),
    ("FB 14", "reactive_power", "var", "1 10 100 1000"),
    ("FB 18", "mass", "kg", "100000 1000000"),
    ("FB 1A", "relative_humidity", "%", "0.1 1"),
    ("FB 20", "volume", "ft³", "1 0.1"),
    ("FB 22", "volume", "gal", "0.1 1"),
    ("FB 24", "volume_flow", "gal/min", "0.001 1"),
    ("FB 26", "volume_flow", "gal/h", "1"),
    ("FB 28", "power", "W", "100000 1000000"),
    ("FB 2A", "phase_angle_voltage", "°", "0.1"),
    ("FB 2B", "phase_angle", "°", "0.1"),
    ("FB 2C", "frequency", "Hz", "0.001 0.01 0.1 1"),
    ("FB 30", "power", "J/h", "100000000 1000000000"),
    ("FB 34", "apparent_power", "VA", "1 10 100 1000"),
    ("FB 58", "flow_temperature", "°F", "0.001 0.01 0.1 1"),
    ("FB 5C", "return_temperature", "°F", "0.001 0.01 0.1 1"),
    ("FB 64", "external_temperature", "°F", "0.001 0.01 0.1 1"),
    ("FB 68", "hca_rating_factor", None, "0.000244140625"),
    ("FB 69", "hca_thermal_output_factor", "W", "1"),
    ("FB 6A", "hca_coupling_factor", None, "0.000244140625"),
    ("FB 6B", "hca_room_coupling_factor", None, "0.000244140625"),
    ("FB 6C", "hca_heater_coupling_factor", None, "0.000244140625"),
    ("FB 6D", "hca_low_temperature_factor", None, "0.000244140625"),
    ("FB 6E", "hca_display_factor", None, "0.000244140625"),
    ("FB 70", "temperature_limit", "°F", "0.001 0.01 0.1 1"),
    ("FB 74", "temperature_limit", "°C", "0.001 0.01 0.1 1"),
    ("FB 78", "cumulative_maximum_power", "W", "0.001 0.01 0.1 1 10 100 1000 10000"),
    ("FD 00", "credit", None, "0.001 0.01 0.1 1"),
    ("FD 04", "debit", None, "0.001 0.01 0.1 1"),
    ("FD 40", "voltage", "V", "1e-9 1e-8 1e-7 1e-6 1e-5 1e-4 1e-3 1e-2 0.1 1 10 100 1e3 1e4 1e5 1e6"),
    ("FD 50", "current", "A", "1e-12 1e-11 1e-10 1e-9 1e-8 1e-7 1e-6 1e-5 1e-4 1e-3 0.01 0.1 1 10 100 1000"),
    ("FD FD 3E", "moisture_level", "%", "1"),
]  # fmt: skip

# First code, quantity, and the unit of time of this code and those after it.
TIMES = [
    ("20", "on_time", "s min h d"),
    ("24", "operating_time", "s min h d"),
    ("70", "averaging_duration", "s min h d"),
    ("74", "actuality_duration", "s min h d"),
    ("FD 24", "storage_interval", "s min h d month year"),
    ("FD 2C", "duration_since_readout", "s min h d"),
    ("FD 31", "tariff_duration", "min h d"),
    ("FD 34", "tariff_period", "s min h d month year"),
    ("FD 3C", "transmission_period", "s min h d"),
    ("FD 68", "duration_since_cumulation", "h d month year"),
    ("FD 6C", "battery_operating_time", "h d month year"),
    ("FD 74", "battery_life", "d"),
    ("FD FD 02", "battery_life", "month year"),
    ("FD 2B", "time_point_second", "s"),
]

# Numbers without a scale; the unit is None but where it is given.
PLAIN = {
    "FD 08": "access_number",
    "FD 09": "device_type",
    "FD 0B": "parameter_set",
    "FD 0C": "model_version",
    "FD 0D": "hardware_version",
    "FD 0E": "firmware_version",
    "FD 0F": "software_version",
    "FD 10": "customer_location",
    "FD 11": "customer",
    "FD 12": "access_code_user",
    "FD 13": "access_code_operator",
    "FD 14": "access_code_system_operator",
    "FD 15": "access_code_developer",
    "FD 16": "password",
    "FD 17": "error_flags",
    "FD 18": "error_mask",
    "FD 19": "security_key",
    "FD 1A": "digital_output",
    "FD 1B": "digital_input",
    "FD 1D": "response_delay",
    "FD 1E": "retry",
    "FD 1F": "remote_control",
    "FD 20": "first_cyclic_storage_number",
    "FD 21": "last_cyclic_storage_number",
    "FD 22": "storage_block_size",
    "FD 23": "tariff_and_subunit_descriptor",
    "FD 2A": "operator_data",
    "FD 3A": "dimensionless",
    "FD 3B": "wireless_container",
    "FD 60": "reset_counter",
    "FD 61": "cumulation_counter",
    "FD 62": "control_signal",
    "FD 63": "day_of_week",
    "FD 64": "week_number",
    "FD 66": "parameter_activation_state",
    "FD 67": "supplier_information",
    "FD 75": "stop_counter",
    "FD 76": "manufacturer_container",
    "FD FD 00": "selected_application",
}

RESERVED = {
    "6F": "vif_6f",
    "EF 00": "vif_ef00",
    "EF 70": "vif_ef70",
    "EF 7C": "vif_ef7c",
    "7B": "vif_7b",
    "7D": "vif_7d",
    "FB 07": "vif_fb07",
    "FB 0A": "vif_fb0a",
    "FB 12": "vif_fb12",
    "FB 1C": "vif_fb1c",
    "FB 38": "vif_fb38",
    "FB 57": "vif_fb57",
    "FB 6F": "vif_fb6f",
    "FD 77": "vif_fd77",
    "FD 7D": "vif_fd7d",
    "FD 7F": "vif_fd7f",
    "FD FD 01": "vif_fdfd01",
    "FD FD 04": "vif_fdfd04",
}

# Codes whose numbers are unsigned (type C) and whose all ones are no value; bits (type D) have none.
UNSIGNED = "7A FB18 FB1A FD08 FD09 FD0B FD0E FD16 FD18 FD1C FD1D FD20 FD2B FD2C FD31 FD3C FD60 FD66 FD68 FD6C FD74 FD75 FDFD02"  # fmt: skip
BITS = "FD17 FD1A FD1B FD1F"


def codes(first: str, count: int) -> list[str]:
    """Count on from a code."""
    *prefix, last = bytes.fromhex(first)
    return [bytes((*prefix, last + n)).hex() for n in range(count)]


def rows() -> list[tuple[str, str, str | None, Decimal]]:
    """Spread the tables to one row a code: code, quantity, unit, value of a raw 1."""
    result = []
    for first, quantity, unit, values in DECADES:
        factors = [Decimal(value) for value in values.split()]
        result += [
            (code, quantity, unit, factor)
            for code, factor in zip(codes(first, len(factors)), factors, strict=True)
        ]
    for first, quantity, units in TIMES:
        result += [
            (code, quantity, unit, Decimal(1))
            for code, unit in zip(
                codes(first, len(units.split())), units.split(), strict=True
            )
        ]
    result += [(code, quantity, None, Decimal(1)) for code, quantity in PLAIN.items()]
    result.append(("FD 1C", "baud_rate", "Bd", Decimal(1)))
    return result


@pytest.mark.parametrize(("code", "quantity", "unit", "factor"), rows())
def test_number(code: str, quantity: str, unit: str | None, factor: Decimal) -> None:
    """Each code has its quantity, unit and factor, and no digit is invented on the way."""
    found = record(f"02 {code} 01 00")
    assert (found.quantity, found.unit) == (quantity, unit)
    assert quantity in QUANTITIES
    assert Decimal(str(found.value)) == factor
    assert Decimal(str(record(f"02 {code} D2 04").value)) == 1234 * factor


@pytest.mark.parametrize(
    ("data", "value"),
    [
        ("01 FB 63 09", 5),
        ("01 FB 63 F7", -5),
        ("02 FB 60 28 23", 5),
        ("0A FB 62 90 00", 5),
        ("05 FB 63 00 00 10 41", 5),
        ("01 FB E3 7B 08", 5),
        ("01 FB E3 77 09", 50),
    ],
)
def test_difference_in_fahrenheit(data: str, value: float) -> None:
    """A difference of 9 °F is one of 5 K; in no other unit of a record could anyone take it for a temperature."""
    found = record(data)
    assert (found.value, found.unit) == (value, "K")
    assert found.signature == record("02 60 01 00").signature


def test_difference_in_fahrenheit_there_and_back() -> None:
    """What is written in kelvins is sent in degrees Fahrenheit."""
    assert encode_value(bytes.fromhex("01 FB 63"), 5) == b"\x09"


def test_third_extension_stays_raw() -> None:
    """What follows EF is a code of a table that nobody knows, not a VIFE that scales the value."""
    found = record("04 EF 70 10 27 00 00")
    assert (found.quantity, found.value, found.unit) == ("unknown", 10_000, None)
    assert found.signature != record("04 EF 71 10 27 00 00").signature


@pytest.mark.parametrize(("code", "modifier"), RESERVED.items())
def test_reserved(code: str, modifier: str) -> None:
    """A reserved code costs nothing but its name, and no two of them look alike."""
    found = record(f"02 {code} D2 04")
    assert (found.quantity, found.value, found.unit) == ("unknown", 1234, None)
    assert found.modifiers[:1] == (modifier,)


@pytest.mark.parametrize("code", UNSIGNED.split())
def test_unsigned(code: str) -> None:
    """Type C: the top bit is a digit, all ones are no value."""
    low, high = record(f"01 {code} 01"), record(f"01 {code} 80")
    assert isinstance(low.value, int | float)
    assert high.value == pytest.approx(128 * low.value)
    nothing = record(f"01 {code} FF")
    assert (nothing.value, nothing.problem) == (None, Problem("not_available"))


@pytest.mark.parametrize("code", BITS.split())
def test_bits(code: str) -> None:
    """Type D: every pattern is a value."""
    assert [record(f"01 {code} {bits}").value for bits in ("80", "FF")] == [128, 255]


@pytest.mark.parametrize("code", ["13", "1B", "22", "26", "73", "77", "6E", "FB 10"])
def test_what_cannot_be_negative(code: str) -> None:
    """With all bits set there is no value, though the type is signed."""
    found = record(f"04 {code} FF FF FF FF")
    assert (found.value, found.problem) == (None, Problem("not_available"))


@pytest.mark.parametrize("code", ["2B", "3B", "5B", "5F", "FB 14", "FD 48", "FD 71"])
def test_what_may_be_negative(code: str) -> None:
    """All bits set is -1 of what may be negative; only the top bit set is no value."""
    value = record(f"02 {code} FF FF").value
    assert isinstance(value, int | float)
    assert value < 0
    assert record(f"02 {code} 00 80").value is None


@pytest.mark.parametrize(
    ("data", "quantity", "value"),
    [
        ("0C 78 56 34 02 00", "fabrication_number", "00023456"),
        ("04 78 15 CD 5B 07", "fabrication_number", "123456789"),
        ("0C 78 56 34 02 F0", "fabrication_number", None),
        ("04 78 FF FF FF FF", "fabrication_number", None),
        ("0D 78 C2 34 02", "fabrication_number", "0234"),
        ("04 79 4E 61 BC 00", "identification", "00BC614E"),
        ("0C 79 78 56 34 02", "identification", "02345678"),
        ("07 79 78 56 34 12 24 23 2F 04", "identification", "1234567824232F04"),
        ("06 7A 01 02 03 04 05 06", "bus_address", "060504030201"),
        ("02 FD 0A 24 23", "manufacturer", "HYD"),
        ("0D FD 0A 03 44 59 48", "manufacturer", "HYD"),
        ("02 FD 0A 00 00", "manufacturer", "0000"),
        ("04 FD 72 01 02 03 04", "daylight_saving", b"\1\2\3\4"),
        ("0D FD 73 EB" + 11 * " 05", "listening_window", 11 * b"\5"),
        ("0D FD 3B 03 01 02 03", "wireless_container", b"\1\2\3"),
        ("0D FD 76 03 01 02 03", "manufacturer_container", b"\1\2\3"),
        ("0D FD 19 03 01 02 03", "security_key", b"\1\2\3"),
        ("0D 7F 03 01 02 03", "manufacturer_specific", b"\1\2\3"),
        ("01 7E 05", "any", 5),
        ("0D 7C 03 78 65 74 02 62 61", "plain_text", "ab"),
    ],
)  # fmt: skip
def test_identifiers_and_bytes(data: str, quantity: str, value: Any) -> None:
    """Identifiers keep their zeros, containers their order."""
    found = record(data)
    assert (found.quantity, found.value) == (quantity, value)


@pytest.mark.parametrize(
    ("data", "value", "unit"),
    [
        ("02 FC 03 48 52 25 74 44 0D", 33.96, "%RH"),
        ("02 FC 74 03 48 52 25 44 0D", 33.96, "%RH"),
        ("04 7C 03 68 57 6B 01 00 00 00", 1, "kWh"),
        ("02 7C 00 34 12", 0x1234, None),
    ],
)
def test_plain_text(data: str, value: Any, unit: str | None) -> None:
    """The unit is a text, last character first, before or after the VIFEs."""
    found = record(data)
    assert (found.quantity, found.value, found.unit) == ("plain_text", value, unit)


def test_every_unit_has_a_dimension() -> None:
    """Each unit of the tables is a known one."""
    for _, _, unit, _ in rows():
        assert unit is None or dimension(unit) != unit


@pytest.mark.parametrize(
    ("value", "from_unit", "to_unit", "result"),
    [
        (54.321, "kWh", "Wh", 54321),
        (1, "Wh", "J", 3600),
        (1, "GJ", "kWh", Decimal("277.777777777778")),
        (3600, "J/h", "W", 1),
        (0.06, "m³/h", "L/min", 1),
        (212, "°F", "°C", 100),
        (2, "year", "month", 24),
        (90, "s", "min", 1.5),
        (5, "parsec", "parsec", 5),
        (Decimal("9223372036854775.807"), "m³", "L", Decimal(9223372036854775807)),
    ],
)
def test_convert_unit(
    value: float | Decimal, from_unit: str, to_unit: str, result: Any
) -> None:
    """Units of one dimension are converted without noise."""
    converted = convert_unit(value, from_unit, to_unit)
    if isinstance(result, int) or isinstance(value, Decimal):
        assert converted == result
    else:
        assert float(converted) == pytest.approx(float(result), rel=1e-12)


@pytest.mark.parametrize(
    "units", [("Wh", "W"), ("month", "d"), ("K", "°C"), ("x", "y")]
)
def test_convert_unit_refuses(units: tuple[str, str]) -> None:
    """Different dimensions can't be converted; a month has no length in days."""
    with pytest.raises(ValueError, match="can't be converted"):
        convert_unit(1, *units)
