"""What the combinable extensions of a VIF (VIFE) say (EN 13757-3, combinable VIFE tables)."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Final, NamedTuple

from .vif import ONE, ZERO, DataType

ALTERNATE_UNITS: Final = "alternate_units"
"""The value is in a unit of a table that is not public, never in that of the VIF."""

MODIFIER_PREFIXES: Final = ("manufacturer", "vif_", "vife_", "counter_", "fixed_unit_")
"""Modifiers that stand in no table begin so: `manufacturer_e1ff01`, `vife_fc16`, `counter_2`."""

SUMMER_TIME: Final = "summer_time"
SUSPICIOUS: Final = "suspicious"
VALUE_FLAGS: Final = frozenset({SUMMER_TIME, SUSPICIOUS})
"""Modifiers of a single value, which are no part of what its record means."""


class Replacement(NamedTuple):
    """Unit and data type of what a record is in place of a value of its VIF."""

    unit: str | None = None
    data_type: DataType = DataType.SIGNED


@dataclass(frozen=True, slots=True, kw_only=True)
class Vife:
    """One code: what it adds to a record's meaning or does to its value.

    With `replacement` the record is something other than a value of its VIF, whose unit, factor and
    data type then don't apply. With `opaque`, data of variable length are no text. `error` is a key of
    PROBLEMS.
    """

    modifier: str | None = None
    unit_suffix: str = ""
    replacement: Replacement | None = None
    factor: Fraction = ONE
    addend: Fraction = ZERO
    data_type: DataType | None = None
    opaque: bool = False
    error: str | None = None


type _Rows = dict[int, Vife]

_TIME_POINT = Replacement(data_type=DataType.TIME_POINT)
_COUNT = Replacement(data_type=DataType.COUNT)
_RAW = Replacement()


def _errors(first: int, *errors: str) -> _Rows:
    return {first + n: Vife(error=error) for n, error in enumerate(errors)}


def _label(code: int, modifier: str, data_type: DataType | None = None) -> _Rows:
    return {code: Vife(modifier=modifier, data_type=data_type)}


def _labels(first: int, *modifiers: str) -> _Rows:
    return {first + n: Vife(modifier=modifier) for n, modifier in enumerate(modifiers)}


def _profile(code: int, modifier: str) -> _Rows:
    return {code: Vife(modifier=modifier, opaque=True)}


def _unit(code: int, modifier: str, suffix: str) -> _Rows:
    return {code: Vife(modifier=modifier, unit_suffix=suffix)}


def _replaced(code: int, modifier: str, replacement: Replacement) -> _Rows:
    return {code: Vife(modifier=modifier, replacement=replacement)}


def _durations(first: int, modifier: str) -> _Rows:
    return {
        first + n: Vife(
            modifier=modifier, replacement=Replacement(unit, DataType.COUNT)
        )
        for n, unit in enumerate(("s", "min", "h", "d"))
    }


# Combinable VIFE table. 01 to 0F and 15 to 1C are record errors, which only a slave sends.
COMBINABLE: Final[_Rows] = {
    0x00: Vife(),  # no error
    **_errors(
        0x01,
        "too_many_difes",
        "storage_number_not_implemented",
        "unit_number_not_implemented",
        "tariff_number_not_implemented",
        "function_not_implemented",
        "data_class_not_implemented",
        "data_size_not_implemented",
    ),
    **_errors(
        0x0B,
        "too_many_vifes",
        "illegal_vif_group",
        "illegal_vif_exponent",
        "vif_dif_mismatch",
        "unimplemented_action",
    ),
    **_label(0x12, "average"),
    **_profile(0x13, "inverse_compact_profile"),
    **_label(0x14, "relative_deviation", DataType.SIGNED),
    **_errors(
        0x15, "no_data_available", "data_overflow", "data_underflow", "data_error"
    ),
    **_errors(0x1C, "premature_end_of_record"),
    **_label(0x1D, "standard_conform"),
    **_profile(0x1E, "compact_profile_with_registers"),
    **_profile(0x1F, "compact_profile"),
    **_unit(0x20, "per_second", "/s"),
    **_unit(0x21, "per_minute", "/min"),
    **_unit(0x22, "per_hour", "/h"),
    **_unit(0x23, "per_day", "/d"),
    **_unit(0x24, "per_week", "/week"),
    **_unit(0x25, "per_month", "/month"),
    **_unit(0x26, "per_year", "/year"),
    **_unit(0x27, "per_revolution", "/revolution"),
    **_unit(0x28, "per_input_pulse_0", "/pulse"),
    **_unit(0x29, "per_input_pulse_1", "/pulse"),
    **_unit(0x2A, "per_output_pulse_0", "/pulse"),
    **_unit(0x2B, "per_output_pulse_1", "/pulse"),
    **_unit(0x2C, "per_litre", "/L"),
    **_unit(0x2D, "per_cubic_metre", "/m³"),
    **_unit(0x2E, "per_kilogram", "/kg"),
    **_unit(0x2F, "per_kelvin", "/K"),
    **_unit(0x30, "per_kilowatt_hour", "/kWh"),
    **_unit(0x31, "per_gigajoule", "/GJ"),
    **_unit(0x32, "per_kilowatt", "/kW"),
    **_unit(0x33, "per_kelvin_litre", "/(K·L)"),
    **_unit(0x34, "per_volt", "/V"),
    **_unit(0x35, "per_ampere", "/A"),
    **_unit(0x36, "times_second", "·s"),
    **_unit(0x37, "times_second_per_volt", "·s/V"),
    **_unit(0x38, "times_second_per_ampere", "·s/A"),
    **_replaced(0x39, "start_date", _TIME_POINT),
    **_label(0x3A, "uncorrected"),
    **_label(0x3B, "import", DataType.COUNT),
    **_label(0x3C, "export", DataType.COUNT),
    **_label(0x3D, ALTERNATE_UNITS),
    **_label(0x3E, "base_conditions"),
    **_label(0x3F, "obis_declaration", DataType.UNSIGNED),
    # E100 uf1b: u lower/upper limit, f first/last, b begin/end
    **_label(0x40, "lower_limit"),
    **_replaced(0x41, "lower_limit_exceed_count", _COUNT),
    **_replaced(0x42, "date_of_first_lower_limit_exceed_begin", _TIME_POINT),
    **_replaced(0x43, "date_of_first_lower_limit_exceed_end", _TIME_POINT),
    **_replaced(0x44, "times_flow_temperature", _RAW),
    **_replaced(0x45, "times_return_temperature", _RAW),
    **_replaced(0x46, "date_of_last_lower_limit_exceed_begin", _TIME_POINT),
    **_replaced(0x47, "date_of_last_lower_limit_exceed_end", _TIME_POINT),
    **_label(0x48, "upper_limit"),
    **_replaced(0x49, "upper_limit_exceed_count", _COUNT),
    **_replaced(0x4A, "date_of_first_upper_limit_exceed_begin", _TIME_POINT),
    **_replaced(0x4B, "date_of_first_upper_limit_exceed_end", _TIME_POINT),
    **_replaced(0x4E, "date_of_last_upper_limit_exceed_begin", _TIME_POINT),
    **_replaced(0x4F, "date_of_last_upper_limit_exceed_end", _TIME_POINT),
    # E101 ufnn: nn s, min, h, d
    **_durations(0x50, "duration_of_first_lower_limit_exceed"),
    **_durations(0x54, "duration_of_last_lower_limit_exceed"),
    **_durations(0x58, "duration_of_first_upper_limit_exceed"),
    **_durations(0x5C, "duration_of_last_upper_limit_exceed"),
    # E110 0fnn
    **_durations(0x60, "duration_of_first"),
    **_durations(0x64, "duration_of_last"),
    **_label(0x68, "value_during_lower_limit_exceed"),
    **_label(0x69, "leakage"),
    **_replaced(0x6A, "date_of_first_begin", _TIME_POINT),
    **_replaced(0x6B, "date_of_first_end", _TIME_POINT),
    **_label(0x6C, "value_during_upper_limit_exceed"),
    **_label(0x6D, "overflow"),
    **_replaced(0x6E, "date_of_last_begin", _TIME_POINT),
    **_replaced(0x6F, "date_of_last_end", _TIME_POINT),
    **{0x70 + n: Vife(factor=Fraction(10) ** (n - 6)) for n in range(8)},
    **{0x78 + n: Vife(addend=Fraction(10) ** (n - 3)) for n in range(4)},
    0x7D: Vife(factor=Fraction(1000)),
    **_label(0x7E, "future"),
}

# Extension of the combinable table, after FC.
EXTENDED: Final[_Rows] = {
    **_labels(0x01, "phase_1", "phase_2", "phase_3", "neutral"),
    **_labels(0x05, "phase_1_to_2", "phase_2_to_3", "phase_3_to_1"),
    **_labels(0x08, "quadrant_1", "quadrant_2", "quadrant_3", "quadrant_4"),
    **_label(0x0C, "import_export_difference", DataType.SIGNED),
    **_label(0x0D, ALTERNATE_UNITS),
    **_label(0x0E, "secondary_sensor"),
    **_label(0x0F, "high_resolution"),
    **_label(0x10, "absolute", DataType.COUNT),
    0x11: Vife(data_type=DataType.UNSIGNED),
    0x12: Vife(data_type=DataType.BITS),
    **_replaced(0x13, "end_date", _TIME_POINT),
    **_label(0x14, "to_meter"),
    **_label(0x15, "from_meter"),
}

MODIFIERS: Final = frozenset(
    row.modifier
    for table in (COMBINABLE, EXTENDED)
    for row in table.values()
    if row.modifier
)
"""Every modifier of the tables."""
