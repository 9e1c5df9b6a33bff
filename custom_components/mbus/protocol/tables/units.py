"""Units: their dimension and size.

Spelled as Home Assistant spells them where it knows them; prefixes are those of the standard's
tables (EN 13757-3, VIF tables) and of what people are used to see.
"""

from decimal import Decimal
from fractions import Fraction
from typing import Final, NamedTuple


class Unit(NamedTuple):
    """A unit as a share of its dimension's base unit: base = value * factor + offset."""

    dimension: str
    factor: Fraction = Fraction(1)
    offset: Fraction = Fraction(0)


def _sizes(dimension: str, sizes: dict[str, str]) -> dict[str, Unit]:
    return {unit: Unit(dimension, Fraction(size)) for unit, size in sizes.items()}


UNITS: Final[dict[str, Unit]] = {
    **_sizes(
        "energy",
        {
            "J": "1",
            "kJ": "1e3",
            "MJ": "1e6",
            "GJ": "1e9",
            "Wh": "3600",
            "kWh": "3.6e6",
            "MWh": "3.6e9",
            "GWh": "3.6e12",
            "cal": "4.184",
            "kcal": "4184",
            "Mcal": "4.184e6",
            "Gcal": "4.184e9",
        },
    ),
    **_sizes("reactive_energy", {"varh": "1", "kvarh": "1e3"}),
    **_sizes("apparent_energy", {"VAh": "1", "kVAh": "1e3"}),
    **_sizes(
        "power",
        {
            "W": "1",
            "kW": "1e3",
            "MW": "1e6",
            "J/h": "1/3600",
            "kJ/h": "10/36",
            "MJ/h": "10000/36",
            "GJ/h": "10000000/36",
        },
    ),
    **_sizes("reactive_power", {"var": "1", "kvar": "1e3"}),
    **_sizes("apparent_power", {"VA": "1", "kVA": "1e3"}),
    **_sizes(
        "volume",
        {
            "m³": "1",
            "L": "1e-3",
            "mL": "1e-6",
            "ft³": "0.028316846592",
            "gal": "0.003785411784",
        },
    ),
    **_sizes(
        "volume_flow",
        {
            "m³/h": "1",
            "m³/min": "60",
            "m³/s": "3600",
            "L/h": "1e-3",
            "L/min": "0.06",
            "L/s": "3.6",
            "mL/h": "1e-6",
            "gal/h": "0.003785411784",
            "gal/min": "0.22712470704",
        },
    ),
    **_sizes("mass", {"kg": "1", "g": "1e-3", "t": "1e3"}),
    **_sizes("mass_flow", {"kg/h": "1"}),
    "°C": Unit("temperature"),
    "°F": Unit("temperature", Fraction(5, 9), Fraction(-160, 9)),
    **_sizes("temperature_difference", {"K": "1"}),
    **_sizes(
        "pressure",
        {"bar": "1", "mbar": "1e-3", "Pa": "1e-5", "hPa": "1e-3", "kPa": "1e-2"},
    ),
    **_sizes("voltage", {"V": "1", "mV": "1e-3", "kV": "1e3"}),
    **_sizes("current", {"A": "1", "mA": "1e-3"}),
    **_sizes("frequency", {"Hz": "1"}),
    **_sizes("angle", {"°": "1"}),
    **_sizes("ratio", {"%": "1"}),
    **_sizes("signal_level", {"dBm": "1"}),
    **_sizes("data_rate", {"Bd": "1"}),
    **_sizes("time", {"s": "1", "min": "60", "h": "3600", "d": "86400"}),
    # A month has no length, so it never becomes days.
    **_sizes("calendar_time", {"month": "1", "year": "12"}),
}

RECORD_UNITS: Final[dict[str, tuple[str, int | Fraction]]] = {
    "MWh": ("Wh", 10**6),
    "GJ": ("J", 10**9),
    "Mcal": ("cal", 10**6),
    "kvarh": ("varh", 10**3),
    "kVAh": ("VAh", 10**3),
    "MW": ("W", 10**6),
    "GJ/h": ("J/h", 10**9),
    "kvar": ("var", 10**3),
    "kVA": ("VA", 10**3),
    "t": ("kg", 10**3),
    "Δ°F": ("K", Fraction(5, 9)),
}
"""Units of the standard's tables, and which of its own a record has of each in its place.

Those without a decimal prefix; and kelvins for a difference in degrees Fahrenheit, which would be
taken for a temperature.
"""


def dimension(unit: str | None) -> str | None:
    """Name the dimension of a unit; a unit that is not in the table is a dimension of its own."""
    return UNITS[unit].dimension if unit in UNITS else unit


_EXACT_AS_FLOAT: Final = 10**15
"""Whole numbers below have no more digits than a float tells apart."""


def convert_unit(
    value: float | Decimal, from_unit: str, to_unit: str
) -> int | float | Decimal:
    """Convert a value between two units of one dimension without rounding on the way.

    The result is a Decimal for a Decimal and where a float would lose digits, an int where both are
    whole, else a float. Raises ValueError when the units are unknown or of different dimensions.
    """
    if from_unit == to_unit:
        return value
    source, target = UNITS.get(from_unit), UNITS.get(to_unit)
    if source is None or target is None or source.dimension != target.dimension:
        raise ValueError(f"{from_unit} can't be converted to {to_unit}")
    exact = Fraction(str(value)) * source.factor + source.offset
    result = (exact - target.offset) / target.factor
    if isinstance(value, int) and result.denominator == 1:
        return result.numerator
    if isinstance(value, Decimal) or (
        isinstance(value, int) and abs(value) >= _EXACT_AS_FLOAT
    ):
        return Decimal(result.numerator) / Decimal(result.denominator)
    return float(result)
