"""What the combinable extensions of a VIF (VIFE) say (EN 13757-3, combinable VIFE tables)."""

from dataclasses import dataclass
from typing import Final

from .vif import DataType

EXTENSION: Final = 0x7C
"""The next VIFE is one of EXTENDED."""
MANUFACTURER: Final = 0x7F
"""All further VIFEs are the manufacturer's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Vife:
    """One code: what it adds to a record's meaning or does to its value.

    A code with a `replacement` makes the record something other than a value of its VIF, whose
    unit and factor then don't apply: "time_point", "count", "raw" or a unit of time.
    """

    modifier: str | None = None
    unit_suffix: str = ""
    replacement: str | None = None
    exponent: int = 0
    addend_exponent: int | None = None
    data_type: DataType | None = None
    error: str | None = None


type _Rows = dict[int, Vife]


def _labels(first: int, *modifiers: str) -> _Rows:
    return {first + n: Vife(modifier=modifier) for n, modifier in enumerate(modifiers)}


def _per(first: int, **suffixes: str) -> _Rows:
    return {
        first + n: Vife(modifier=modifier, unit_suffix=suffix)
        for n, (modifier, suffix) in enumerate(suffixes.items())
    }


def _replaced(code: int, modifier: str, replacement: str) -> _Rows:
    return {code: Vife(modifier=modifier, replacement=replacement)}


def _durations(first: int, modifier: str) -> _Rows:
    return {
        first + n: Vife(modifier=modifier, replacement=unit)
        for n, unit in enumerate(("s", "min", "h", "d"))
    }


def _errors(first: int, *errors: str) -> _Rows:
    return {first + n: Vife(error=error) for n, error in enumerate(errors)}


COMBINABLE: Final[_Rows] = {
    # Record errors, which only a slave sends; 00 is "no error".
    0x00: Vife(),
    **_errors(
        0x01,
        "too many DIFEs",
        "storage number not implemented",
        "unit number not implemented",
        "tariff number not implemented",
        "function not implemented",
        "data class not implemented",
        "data size not implemented",
    ),
    **_errors(
        0x0B,
        "too many VIFEs",
        "illegal VIF group",
        "illegal VIF exponent",
        "VIF/DIF mismatch",
        "unimplemented action",
    ),
    **_labels(0x12, "average", "inverse_compact_profile", "relative_deviation"),
    **_errors(
        0x15, "no data available", "data overflow", "data underflow", "data error"
    ),
    **_errors(0x1C, "premature end of record"),
    **_labels(
        0x1D, "standard_conform", "compact_profile_with_registers", "compact_profile"
    ),
    **_per(
        0x20,
        per_second="/s",
        per_minute="/min",
        per_hour="/h",
        per_day="/d",
        per_week="/week",
        per_month="/month",
        per_year="/year",
        per_revolution="/revolution",
        per_input_pulse_0="/pulse",
        per_input_pulse_1="/pulse",
        per_output_pulse_0="/pulse",
        per_output_pulse_1="/pulse",
        per_litre="/L",
        per_cubic_metre="/m³",
        per_kilogram="/kg",
        per_kelvin="/K",
        per_kilowatt_hour="/kWh",
        per_gigajoule="/GJ",
        per_kilowatt="/kW",
        per_kelvin_litre="/(K·L)",
        per_volt="/V",
        per_ampere="/A",
        times_second="·s",
        times_second_per_volt="·s/V",
        times_second_per_ampere="·s/A",
    ),
    **_replaced(0x39, "start_date", "time_point"),
    **_labels(0x3A, "uncorrected", "import", "export"),
    **_replaced(0x3D, "alternate_units", "unknown unit"),
    **_labels(0x3E, "base_conditions"),
    0x3F: Vife(modifier="obis_declaration", data_type=DataType.UNSIGNED),
    # E100 uf1b
    **_labels(0x40, "lower_limit"),
    **_replaced(0x41, "lower_limit_exceed_count", "count"),
    **_replaced(0x42, "date_of_first_lower_limit_exceed_begin", "time_point"),
    **_replaced(0x43, "date_of_first_lower_limit_exceed_end", "time_point"),
    **_replaced(0x44, "times_flow_temperature", "raw"),
    **_replaced(0x45, "times_return_temperature", "raw"),
    **_replaced(0x46, "date_of_last_lower_limit_exceed_begin", "time_point"),
    **_replaced(0x47, "date_of_last_lower_limit_exceed_end", "time_point"),
    **_labels(0x48, "upper_limit"),
    **_replaced(0x49, "upper_limit_exceed_count", "count"),
    **_replaced(0x4A, "date_of_first_upper_limit_exceed_begin", "time_point"),
    **_replaced(0x4B, "date_of_first_upper_limit_exceed_end", "time_point"),
    **_replaced(0x4E, "date_of_last_upper_limit_exceed_begin", "time_point"),
    **_replaced(0x4F, "date_of_last_upper_limit_exceed_end", "time_point"),
    # E101 ufnn
    **_durations(0x50, "duration_of_first_lower_limit_exceed"),
    **_durations(0x54, "duration_of_last_lower_limit_exceed"),
    **_durations(0x58, "duration_of_first_upper_limit_exceed"),
    **_durations(0x5C, "duration_of_last_upper_limit_exceed"),
    # E110 0fnn
    **_durations(0x60, "duration_of_first"),
    **_durations(0x64, "duration_of_last"),
    **_labels(0x68, "value_during_lower_limit_exceed", "leakage"),
    **_replaced(0x6A, "date_of_first_begin", "time_point"),
    **_replaced(0x6B, "date_of_first_end", "time_point"),
    **_labels(0x6C, "value_during_upper_limit_exceed", "overflow"),
    **_replaced(0x6E, "date_of_last_begin", "time_point"),
    **_replaced(0x6F, "date_of_last_end", "time_point"),
    **{0x70 + n: Vife(exponent=n - 6) for n in range(8)},
    **{0x78 + n: Vife(addend_exponent=n - 3) for n in range(4)},
    0x7D: Vife(exponent=3),
    **_labels(0x7E, "future"),
}

# Extension of the combinable table, after FC.
EXTENDED: Final[_Rows] = {
    **_labels(0x01, "phase_1", "phase_2", "phase_3", "neutral"),
    **_labels(0x05, "phase_1_to_2", "phase_2_to_3", "phase_3_to_1"),
    **_labels(0x08, "quadrant_1", "quadrant_2", "quadrant_3", "quadrant_4"),
    **_labels(0x0C, "import_export_difference"),
    **_replaced(0x0D, "alternate_units", "unknown unit"),
    **_labels(0x0E, "secondary_sensor", "high_resolution", "absolute"),
    0x11: Vife(data_type=DataType.UNSIGNED),
    0x12: Vife(data_type=DataType.BITS),
    **_replaced(0x13, "end_date", "time_point"),
    **_labels(0x14, "to_meter", "from_meter"),
}

MODIFIERS: Final = frozenset(
    row.modifier
    for table in (COMBINABLE, EXTENDED)
    for row in table.values()
    if row.modifier
)
"""Every modifier of the tables; the rest starts with one of MODIFIER_PREFIXES."""

MODIFIER_PREFIXES: Final = ("manufacturer", "vife_", "vif_", "counter_")
"""Manufacturer's and unknown codes are named by their hex digits: `manufacturer_e1ff01`."""

SUMMER_TIME: Final = "summer_time"
SUSPICIOUS: Final = "suspicious"
VALUE_FLAGS: Final = frozenset({SUMMER_TIME, SUSPICIOUS})
"""Modifiers of a single value, which are no part of what its record means."""
