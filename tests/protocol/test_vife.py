"""Every row of the VIFE tables: label, unit, factor, error; and what tells records apart."""

from datetime import date
from itertools import combinations
import json
from typing import Any

import pytest

from custom_components.mbus.protocol import MODIFIERS, Signature

from .telegrams import record, telegram

# Volume in litres (VIF 13), value 5: what each VIFE makes of it.
LABELS = {
    "12": "average",
    "13": "inverse_compact_profile",
    "14": "relative_deviation",
    "1D": "standard_conform",
    "1E": "compact_profile_with_registers",
    "1F": "compact_profile",
    "3A": "uncorrected",
    "3B": "import",
    "3C": "export",
    "3E": "base_conditions",
    "3F": "obis_declaration",
    "40": "lower_limit",
    "48": "upper_limit",
    "68": "value_during_lower_limit_exceed",
    "69": "leakage",
    "6C": "value_during_upper_limit_exceed",
    "6D": "overflow",
    "7E": "future",
    "FC 01": "phase_1",
    "FC 02": "phase_2",
    "FC 03": "phase_3",
    "FC 04": "neutral",
    "FC 05": "phase_1_to_2",
    "FC 06": "phase_2_to_3",
    "FC 07": "phase_3_to_1",
    "FC 08": "quadrant_1",
    "FC 09": "quadrant_2",
    "FC 0A": "quadrant_3",
    "FC 0B": "quadrant_4",
    "FC 0C": "import_export_difference",
    "FC 0E": "secondary_sensor",
    "FC 0F": "high_resolution",
    "FC 10": "absolute",
    "FC 14": "to_meter",
    "FC 15": "from_meter",
    # Reserved ones and the manufacturer's are named by their code.
    "08": "vife_08",
    "10": "vife_10",
    "11": "vife_11",
    "19": "vife_19",
    "4C": "vife_4c",
    "7C": "vife_7c",
    "FC 00": "vife_fc00",
    "FC 16": "vife_fc16",
    "7F": "manufacturer",
    "FF 15": "manufacturer_15",
    "FF F2 00": "manufacturer_f200",
}

UNITS = {
    "20": ("per_second", "m³/s"),
    "21": ("per_minute", "m³/min"),
    "22": ("per_hour", "m³/h"),
    "23": ("per_day", "m³/d"),
    "24": ("per_week", "m³/week"),
    "25": ("per_month", "m³/month"),
    "26": ("per_year", "m³/year"),
    "27": ("per_revolution", "m³/revolution"),
    "28": ("per_input_pulse_0", "m³/pulse"),
    "29": ("per_input_pulse_1", "m³/pulse"),
    "2A": ("per_output_pulse_0", "m³/pulse"),
    "2B": ("per_output_pulse_1", "m³/pulse"),
    "2C": ("per_litre", "m³/L"),
    "2D": ("per_cubic_metre", "m³/m³"),
    "2E": ("per_kilogram", "m³/kg"),
    "2F": ("per_kelvin", "m³/K"),
    "30": ("per_kilowatt_hour", "m³/kWh"),
    "31": ("per_gigajoule", "m³/GJ"),
    "32": ("per_kilowatt", "m³/kW"),
    "33": ("per_kelvin_litre", "m³/(K·L)"),
    "34": ("per_volt", "m³/V"),
    "35": ("per_ampere", "m³/A"),
    "36": ("times_second", "m³·s"),
    "37": ("times_second_per_volt", "m³·s/V"),
    "38": ("times_second_per_ampere", "m³·s/A"),
}

ERRORS = {
    "01": "too many DIFEs",
    "02": "storage number not implemented",
    "03": "unit number not implemented",
    "04": "tariff number not implemented",
    "05": "function not implemented",
    "06": "data class not implemented",
    "07": "data size not implemented",
    "0B": "too many VIFEs",
    "0C": "illegal VIF group",
    "0D": "illegal VIF exponent",
    "0E": "VIF/DIF mismatch",
    "0F": "unimplemented action",
    "15": "no data available",
    "16": "data overflow",
    "17": "data underflow",
    "18": "data error",
    "1C": "premature end of record",
}

DATES = {
    "39": "start_date",
    "42": "date_of_first_lower_limit_exceed_begin",
    "43": "date_of_first_lower_limit_exceed_end",
    "46": "date_of_last_lower_limit_exceed_begin",
    "47": "date_of_last_lower_limit_exceed_end",
    "4A": "date_of_first_upper_limit_exceed_begin",
    "4B": "date_of_first_upper_limit_exceed_end",
    "4E": "date_of_last_upper_limit_exceed_begin",
    "4F": "date_of_last_upper_limit_exceed_end",
    "6A": "date_of_first_begin",
    "6B": "date_of_first_end",
    "6E": "date_of_last_begin",
    "6F": "date_of_last_end",
    "FC 13": "end_date",
}

# Not a volume any more, but a number in this unit.
OTHERS = {
    "41": ("lower_limit_exceed_count", None),
    "49": ("upper_limit_exceed_count", None),
    "44": ("times_flow_temperature", None),
    "45": ("times_return_temperature", None),
} | {
    f"{first + n:02X}": (modifier, unit)
    for first, modifier in {
        0x50: "duration_of_first_lower_limit_exceed",
        0x54: "duration_of_last_lower_limit_exceed",
        0x58: "duration_of_first_upper_limit_exceed",
        0x5C: "duration_of_last_upper_limit_exceed",
        0x60: "duration_of_first",
        0x64: "duration_of_last",
    }.items()
    for n, unit in enumerate(("s", "min", "h", "d"))
}

# VIFEs one after another, and what 12345 l become.
CORRECTIONS = {
    "00": 12.345,
    "70": 0.000012345,
    "71": 0.00012345,
    "72": 0.0012345,
    "73": 0.012345,
    "74": 0.12345,
    "75": 1.2345,
    "76": 12.345,
    "77": 123.45,
    "7D": 12345,
    "78": 12.346,
    "79": 12.355,
    "7A": 12.445,
    "7B": 13.345,
    "FD 77": 123450,
    "FB 77": 133.45,
    "F7 7B": 124.45,
    "BB 77": 123.45,
    "F7 FF 77": 123.45,
}


@pytest.mark.parametrize(("code", "modifier"), LABELS.items())
def test_label(code: str, modifier: str) -> None:
    """A label changes neither value nor unit."""
    found = record(f"01 93 {code} 05")
    assert (found.quantity, found.value, found.unit) == ("volume", 0.005, "m³")
    assert found.modifiers == (modifier,)
    assert found.signature.modifiers == (modifier,)


@pytest.mark.parametrize(
    ("code", "modifier", "unit"), [(c, *u) for c, u in UNITS.items()]
)
def test_unit(code: str, modifier: str, unit: str) -> None:
    """The unit says per what the value is."""
    found = record(f"01 93 {code} 05")
    assert (found.value, found.unit, found.modifiers) == (0.005, unit, (modifier,))


def test_unit_of_a_number_without_unit() -> None:
    """A number without a unit has only that of the VIFE."""
    assert record("01 EE 22 05").unit == "1/h"
    assert record("01 EE 36 05").unit == "s"


@pytest.mark.parametrize("code", ["3D", "FC 0D"])
def test_alternate_units(code: str) -> None:
    """A value in a unit that nobody knows is never shown in that of the VIF."""
    found = record(f"01 93 {code} 05")
    assert (found.unit, found.modifiers) == (None, ("alternate_units",))
    assert found.signature.dimension is None


@pytest.mark.parametrize(("code", "error"), ERRORS.items())
def test_record_error(code: str, error: str) -> None:
    """A record with an error has no value, whatever its data are."""
    found = record(f"04 93 {code} 05 00 00 00")
    assert (found.value, str(found.problem)) == (None, error)
    assert found.signature == record("04 13 05 00 00 00").signature


@pytest.mark.parametrize("code", ["00", "08", "10", "14", "19", "1D", "FF 15"])
def test_no_record_error(code: str) -> None:
    """Codes near the errors are none, and nothing is looked up after an escape to the manufacturer."""
    assert record(f"01 93 {code} 05").value == 0.005


@pytest.mark.parametrize(("code", "modifier"), DATES.items())
def test_date_of(code: str, modifier: str) -> None:
    """The data are a date; the VIF only names whose."""
    found = record(f"02 93 {code} 5F 25")
    assert (found.quantity, found.value, found.unit) == (
        "volume",
        date(2018, 5, 31),
        None,
    )
    assert found.modifiers == (modifier,)


@pytest.mark.parametrize(
    ("code", "modifier", "unit"), [(c, *o) for c, o in OTHERS.items()]
)
def test_replaced(code: str, modifier: str, unit: str | None) -> None:
    """A count or a duration has neither unit nor factor of the VIF."""
    found = record(f"01 93 {code} 05")
    assert (found.quantity, found.value, found.unit) == ("volume", 5, unit)
    assert found.modifiers == (modifier,)


@pytest.mark.parametrize(("codes", "value"), CORRECTIONS.items())
def test_corrections(codes: str, value: float) -> None:
    """Corrections apply in their order, and to nothing behind an escape."""
    assert record(f"02 93 {codes} 39 30").value == value


@pytest.mark.parametrize(
    ("data", "value"),
    [
        ("05 DB 73 18 DF B0 41", 0.022108932),
        ("05 DB 7B 18 DF B0 41", 23.108932),
        ("02 FB 80 71 01 00", 1),
        ("02 FD C8 77 FC 08", 2300),
        ("02 FD C8 7B FC 08", 231),
        ("01 FB 80 79 01", 110_000),
        ("0A 93 74 34 12", 0.01234),
        ("0D 93 74 C2 34 12", 0.01234),
    ],
)
def test_corrections_everywhere(data: str, value: float) -> None:
    """Corrections apply to real numbers, BCD, extension tables and variable lengths as well."""
    assert record(data).value == value


@pytest.mark.parametrize(
    ("data", "value"),
    [
        ("01 AB FC 11 80", 128),
        ("01 AB FC 11 FF", None),
        ("01 AB FC 12 FF", 255),
        ("01 AB 3F 80", 128),
        ("01 93 3B FF", None),
        ("01 86 3C FF", None),
        ("01 86 FC 0C FF", -1000),
        ("01 93 FC 0C FF", -0.001),
    ],
)
def test_data_type(data: str, value: float | None) -> None:
    """VIFEs can say how an integer is coded and whether it can be negative."""
    assert record(data).value == value


def test_kept_energy_never_filled() -> None:
    """All bits set under a storage number is a place that was never filled."""
    assert record("44 06 FF FF FF FF").value is None


def test_manufacturer_records_differ() -> None:
    """The manufacturer's codes are part of what a record means."""
    found = [record(f"01 FF {code} 05") for code in ("E1 FF 01", "E1 FF 02", "07")]
    assert [record.modifiers for record in found] == [
        ("manufacturer_e1ff01",),
        ("manufacturer_e1ff02",),
        ("manufacturer_07",),
    ]
    assert {record.quantity for record in found} == {"manufacturer_specific"}
    assert [record.value for record in found] == [5, 5, 5]
    assert record("01 7F 05").modifiers == ()


SAME = [
    # Exponent, width, coding, correction factor, error code, value flags.
    ["04 06 01 00 00 00", "02 03 01 00", "0C 05 01 00 00 00", "04 0E 01 00 00 00"],
    ["02 06 01 00", "02 86 73 01 00", "02 86 15 01 00", "02 FB 01 01 00", "02 05 FF FF"],
    ["02 3B 01 00", "02 44 01 00", "02 4B 01 00"],
    ["04 6D 08 07 DC 24", "04 6D 08 87 DC 24", "06 6D 14 23 0E 56 3B 00"],
    ["02 20 01 00", "02 21 01 00", "01 23 05"],
    ["42 93 3B 01 00", "C4 00 93 3B 01 00 00 00"],
]  # fmt: skip

DIFFERENT = [
    "02 06 01 00",
    "12 06 01 00",
    "42 06 01 00",
    "82 10 06 01 00",
    "82 40 06 01 00",
    "02 86 3B 01 00",
    "02 86 FC 01 01 00",
    "02 86 BB FC 01 01 00",
    "02 86 22 01 00",
    "02 86 FF 22 01 00",
    "02 86 58 01 00",
    "02 86 4A 5F 25",
    "02 86 7E 01 00",
    "02 13 01 00",
    "02 2B 01 00",
    "02 FD 24 01 00",
    "02 FD 28 01 00",
    "02 6C 5F 25",
    "04 6D 08 07 DC 24",
    "03 6D 14 23 0E",
    "02 7C 01 68 01 00",
    "02 7C 01 69 01 00",
    "02 6F 01 00",
    "02 FB 07 01 00",
    "02 FF 07 01 00",
    "02 FF 08 01 00",
]


@pytest.mark.parametrize("data", SAME)
def test_same_signature(data: list[str]) -> None:
    """A healthy meter may change how it codes a value; the record stays the same one."""
    assert len({record(one).signature for one in data}) == 1


def test_different_signatures() -> None:
    """Records that mean something else never look the same."""
    found = telegram(" ".join(DIFFERENT))
    for one, other in combinations(found.records, 2):
        assert one.signature != other.signature
    assert len(found.signatures) == len(DIFFERENT)


@pytest.mark.parametrize("data", DIFFERENT)
def test_signature_survives_json(data: str) -> None:
    """A stored signature equals the one of the next readout."""
    signature = record(data).signature
    stored: dict[str, Any] = json.loads(json.dumps(signature.as_dict()))
    assert Signature.from_dict(stored) == signature


def test_all_modifiers_are_listed() -> None:
    """What is told of the tables is what the records show."""
    shown = set(DATES.values()) | {"alternate_units"}
    shown |= {modifier for modifier, _ in (*UNITS.values(), *OTHERS.values())}
    shown |= {
        modifier
        for modifier in LABELS.values()
        if not modifier.startswith(("vife_", "manufacturer"))
    }
    assert shown == MODIFIERS


def test_storage_number_beyond_32_bits() -> None:
    """Ten DIFEs make a storage number of 41 bits, a tariff of 20 and a subunit of 10."""
    found = record("C4" + 9 * " FF" + " 7F 13 01 00 00 00")
    assert found.storage_number == 2**41 - 1
    assert found.tariff == 2**20 - 1
    assert found.subunit == 2**10 - 1
    assert found.value == 0.001


@pytest.mark.parametrize("codes", ["BD 22", "A2 3D"])
def test_alternate_units_per(codes: str) -> None:
    """Nothing known is added to a unit that is not known."""
    assert record(f"01 93 {codes} 05").unit is None


def test_replaced_per() -> None:
    """What the VIF's unit was divided by is no part of a duration."""
    assert record("01 93 A2 58 05").unit == "s"
