"""What a value information field (VIF) says: quantity, unit, power of ten (EN 13757-3, VIF tables).

Units are printed as the standard prints them, so that a row can be checked against it; a record
shows the unit without its decimal prefix. [classic] marks codes of the 1990s that are reserved
since 2018.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum, auto
from fractions import Fraction
from typing import Final

ONE: Final = Fraction(1)
ZERO: Final = Fraction()


class DataType(StrEnum):
    """How the data of a VIF are to be taken where the data field leaves it open."""

    SIGNED = auto()  # type B
    BALANCE = auto()  # type B of what can be negative, but hardly ever -1
    COUNT = auto()  # type B of what can't be negative
    UNSIGNED = auto()  # type C
    BITS = auto()  # type D
    DATE = auto()  # type G, or F where it has four bytes
    TIME_POINT = auto()  # types F, G, I, J, M by the data field
    IDENTIFIER = auto()  # digits that keep their leading zeros
    IDENTIFICATION = auto()  # the header's number, or its whole address
    MANUFACTURER = auto()  # the header's manufacturer
    ADDRESS = auto()  # a primary address, or a radio address
    OPAQUE = auto()  # bytes in a layout that is not known


@dataclass(frozen=True, slots=True, kw_only=True)
class Vif:
    """One code: a number is raw * factor `unit`. With `opaque`, data of variable length are no text."""

    quantity: str
    unit: str | None = None
    factor: Fraction = ONE
    data_type: DataType = DataType.SIGNED
    opaque: bool = False


type _Rows = dict[int, Vif]

SIGNED, BALANCE, COUNT = DataType.SIGNED, DataType.BALANCE, DataType.COUNT
UNSIGNED, BITS = DataType.UNSIGNED, DataType.BITS
TIME_POINT = DataType.TIME_POINT


def decades(
    first: int,
    count: int,
    quantity: str,
    unit: str | None,
    exponent: int,
    data_type: DataType = SIGNED,
) -> _Rows:
    """Codes that differ by a factor of ten each."""
    return {
        first + n: Vif(
            quantity=quantity,
            unit=unit,
            factor=Fraction(10) ** (exponent + n),
            data_type=data_type,
        )
        for n in range(count)
    }


def _times(
    first: int,
    quantity: str,
    units: tuple[str, ...] = ("s", "min", "h", "d"),
    data_type: DataType = SIGNED,
) -> _Rows:
    """Codes that differ by the unit of time."""
    return {
        first + n: Vif(quantity=quantity, unit=unit, data_type=data_type)
        for n, unit in enumerate(units)
    }


def _plain(
    code: int, quantity: str, data_type: DataType = SIGNED, unit: str | None = None
) -> _Rows:
    return {code: Vif(quantity=quantity, unit=unit, data_type=data_type)}


def _container(code: int, quantity: str) -> _Rows:
    """Bytes of another protocol."""
    return {code: Vif(quantity=quantity, data_type=UNSIGNED, opaque=True)}


def _rating(code: int, quantity: str) -> _Rows:
    """Describe a factor of heat cost allocators, in steps of 2^-12."""
    return {code: Vif(quantity=quantity, factor=Fraction(1, 4096), data_type=UNSIGNED)}


# Primary VIF table.
PRIMARY: Final[_Rows] = {
    **decades(0x00, 8, "energy", "Wh", -3, BALANCE),
    **decades(0x08, 8, "energy", "J", 0, BALANCE),
    **decades(0x10, 8, "volume", "m³", -6, COUNT),
    **decades(0x18, 8, "mass", "kg", -3, COUNT),
    **_times(0x20, "on_time", data_type=COUNT),
    **_times(0x24, "operating_time", data_type=COUNT),
    **decades(0x28, 8, "power", "W", -3),
    **decades(0x30, 8, "power", "J/h", 0),
    **decades(0x38, 8, "volume_flow", "m³/h", -6),
    **decades(0x40, 8, "volume_flow", "m³/min", -7),
    **decades(0x48, 8, "volume_flow", "m³/s", -9),
    **decades(0x50, 8, "mass_flow", "kg/h", -3),
    **decades(0x58, 4, "flow_temperature", "°C", -3),
    **decades(0x5C, 4, "return_temperature", "°C", -3),
    **decades(0x60, 4, "temperature_difference", "K", -3),
    **decades(0x64, 4, "external_temperature", "°C", -3),
    **decades(0x68, 4, "pressure", "bar", -3),
    **_plain(0x6C, "date", DataType.DATE),
    **_plain(0x6D, "date_time", TIME_POINT),
    **_plain(0x6E, "hca_units", COUNT),
    **_times(0x70, "averaging_duration", data_type=COUNT),
    **_times(0x74, "actuality_duration", data_type=COUNT),
    **_plain(0x78, "fabrication_number", DataType.IDENTIFIER),
    **_plain(0x79, "identification", DataType.IDENTIFICATION),
    **_plain(0x7A, "bus_address", DataType.ADDRESS),
    **_plain(0x7E, "any"),
}

# First extension table, after FB.
FIRST_EXTENSION: Final[_Rows] = {
    **decades(0x00, 2, "energy", "MWh", -1, BALANCE),
    **decades(0x02, 2, "reactive_energy", "kvarh", 0),
    **decades(0x04, 2, "apparent_energy", "kVAh", 0),
    **decades(0x06, 1, "coefficient_of_performance", None, -1),
    **decades(0x08, 2, "energy", "GJ", -1, BALANCE),
    **decades(0x0C, 4, "energy", "Mcal", -1, BALANCE),
    **decades(0x10, 2, "volume", "m³", 2, COUNT),
    **decades(0x14, 4, "reactive_power", "kvar", -3),
    **decades(0x18, 2, "mass", "t", 2, UNSIGNED),
    **decades(0x1A, 2, "relative_humidity", "%", -1, UNSIGNED),
    **decades(0x20, 1, "volume", "ft³", 0, COUNT),
    **decades(0x21, 1, "volume", "ft³", -1, COUNT),
    # [classic] until 0x26
    **decades(0x22, 2, "volume", "gal", -1, COUNT),
    **decades(0x24, 1, "volume_flow", "gal/min", -3),
    **decades(0x25, 1, "volume_flow", "gal/min", 0),
    **decades(0x26, 1, "volume_flow", "gal/h", 0),
    **decades(0x28, 2, "power", "MW", -1),
    **decades(0x2A, 1, "phase_angle_voltage", "°", -1),
    **decades(0x2B, 1, "phase_angle", "°", -1),
    **decades(0x2C, 4, "frequency", "Hz", -3),
    **decades(0x30, 2, "power", "GJ/h", -1),
    **decades(0x34, 4, "apparent_power", "kVA", -3),
    # [classic] until 0x67
    **decades(0x58, 4, "flow_temperature", "°F", -3),
    **decades(0x5C, 4, "return_temperature", "°F", -3),
    **decades(0x60, 4, "temperature_difference", "Δ°F", -3),
    **decades(0x64, 4, "external_temperature", "°F", -3),
    **_rating(0x68, "hca_rating_factor"),
    # The factor of 0x69 is disputed; the watt is what most take it for.
    **_plain(0x69, "hca_thermal_output_factor", UNSIGNED, "W"),
    **_rating(0x6A, "hca_coupling_factor"),
    **_rating(0x6B, "hca_room_coupling_factor"),
    **_rating(0x6C, "hca_heater_coupling_factor"),
    **_rating(0x6D, "hca_low_temperature_factor"),
    **_rating(0x6E, "hca_display_factor"),
    **decades(0x70, 4, "temperature_limit", "°F", -3),  # [classic]
    **decades(0x74, 4, "temperature_limit", "°C", -3),
    **decades(0x78, 8, "cumulative_maximum_power", "W", -3),
}

# Second extension table, after FD.
SECOND_EXTENSION: Final[_Rows] = {
    **decades(0x00, 4, "credit", None, -3),
    **decades(0x04, 4, "debit", None, -3),
    **_plain(0x08, "access_number", UNSIGNED),
    **_plain(0x09, "device_type", UNSIGNED),
    **_plain(0x0A, "manufacturer", DataType.MANUFACTURER),
    **_plain(0x0B, "parameter_set", UNSIGNED),
    **_plain(0x0C, "model_version", UNSIGNED),
    **_plain(0x0D, "hardware_version", UNSIGNED),
    **_plain(0x0E, "firmware_version", UNSIGNED),
    **_plain(0x0F, "software_version", UNSIGNED),
    **_plain(0x10, "customer_location", UNSIGNED),
    **_plain(0x11, "customer", UNSIGNED),
    **_plain(0x12, "access_code_user", UNSIGNED),
    **_plain(0x13, "access_code_operator", UNSIGNED),
    **_plain(0x14, "access_code_system_operator", UNSIGNED),
    **_plain(0x15, "access_code_developer", UNSIGNED),
    **_plain(0x16, "password", UNSIGNED),
    **_plain(0x17, "error_flags", BITS),
    **_plain(0x18, "error_mask", UNSIGNED),
    **_container(0x19, "security_key"),
    **_plain(0x1A, "digital_output", BITS),
    **_plain(0x1B, "digital_input", BITS),
    **_plain(0x1C, "baud_rate", UNSIGNED, "Bd"),
    **_plain(0x1D, "response_delay", UNSIGNED),
    **_plain(0x1E, "retry", UNSIGNED),
    **_plain(0x1F, "remote_control", BITS),
    **_plain(0x20, "first_cyclic_storage_number", UNSIGNED),
    **_plain(0x21, "last_cyclic_storage_number", UNSIGNED),
    **_plain(0x22, "storage_block_size", UNSIGNED),
    **_plain(0x23, "tariff_and_subunit_descriptor", UNSIGNED),
    **_times(0x24, "storage_interval", data_type=UNSIGNED),
    **_times(0x28, "storage_interval", ("month", "year"), UNSIGNED),
    **_plain(0x2A, "operator_data"),
    **_plain(0x2B, "time_point_second", UNSIGNED, "s"),
    **_times(0x2C, "duration_since_readout", data_type=UNSIGNED),
    **_plain(0x30, "tariff_start", TIME_POINT),
    **_times(0x31, "tariff_duration", ("min", "h", "d"), UNSIGNED),
    **_times(0x34, "tariff_period", data_type=UNSIGNED),
    **_times(0x38, "tariff_period", ("month", "year"), UNSIGNED),
    **_plain(0x3A, "dimensionless"),
    **_container(0x3B, "wireless_container"),
    **_times(0x3C, "transmission_period", data_type=UNSIGNED),
    **decades(0x40, 16, "voltage", "V", -9),
    **decades(0x50, 16, "current", "A", -12),
    **_plain(0x60, "reset_counter", UNSIGNED),
    **_plain(0x61, "cumulation_counter", UNSIGNED),
    **_plain(0x62, "control_signal", UNSIGNED),
    **_plain(0x63, "day_of_week", UNSIGNED),
    **_plain(0x64, "week_number", UNSIGNED),
    **_plain(0x65, "day_change", TIME_POINT),
    **_plain(0x66, "parameter_activation_state", UNSIGNED),
    **_plain(0x67, "supplier_information"),
    **_times(0x68, "duration_since_cumulation", ("h", "d", "month", "year"), UNSIGNED),
    **_times(0x6C, "battery_operating_time", ("h", "d", "month", "year"), UNSIGNED),
    **_plain(0x70, "battery_change", TIME_POINT),
    **_plain(0x71, "rf_level", unit="dBm"),
    **_plain(0x72, "daylight_saving", DataType.OPAQUE),
    **_plain(0x73, "listening_window", DataType.OPAQUE),
    **_plain(0x74, "battery_life", UNSIGNED, "d"),
    **_plain(0x75, "stop_counter", UNSIGNED),
    **_container(0x76, "manufacturer_container"),
}

# Second level of the second extension table, after FD FD.
SECOND_LEVEL: Final[_Rows] = {
    **_plain(0x00, "selected_application", UNSIGNED),
    **_times(0x02, "battery_life", ("month", "year"), UNSIGNED),
    **_plain(0x3E, "moisture_level", unit="%"),
}

# Quantities that stand in no table.
UNKNOWN: Final = "unknown"
MANUFACTURER_SPECIFIC: Final = "manufacturer_specific"
PLAIN_TEXT: Final = "plain_text"

# Quantities that only the VIF 6D and the fixed structure add to the tables.
TIME: Final = "time"
TEMPERATURE: Final = "temperature"


def _quantities() -> Iterator[str]:
    for table in (PRIMARY, FIRST_EXTENSION, SECOND_EXTENSION, SECOND_LEVEL):
        for row in table.values():
            yield row.quantity
    yield from (UNKNOWN, MANUFACTURER_SPECIFIC, PLAIN_TEXT, TIME, TEMPERATURE)


QUANTITIES: Final = frozenset(_quantities())
"""Every value that Record.quantity can have."""

SECRET_QUANTITIES: Final = frozenset(
    {
        "access_code_user",
        "access_code_operator",
        "access_code_system_operator",
        "access_code_developer",
        "password",
        "security_key",
    }
)
"""Quantities whose value nobody but an administrator should see."""
