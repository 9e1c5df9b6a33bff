"""Compact profiles (EN 13757-3, VIFE 13, 1E, 1F): each byte of the telegrams is written down by the standard's table."""

from decimal import Decimal

import pytest

from custom_components.mbus.protocol import (
    InvalidValueError,
    is_compact_profile,
    profile_values,
)

from .telegrams import record, telegram

BASE = "44 13 E8 03 00 00"
"""1.000 m³ at storage 1."""


def values_of(*records: str) -> list[str | None]:
    """Return what the last record of a telegram of these says."""
    sent = telegram("".join(records)).records
    values = profile_values(sent[-1], sent)
    return [value if value is None else str(value) for value in values]


@pytest.mark.parametrize(
    ("records", "values"),
    [
        # LVAR, spacing control, spacing value 254 (a month), elements.
        # Increments of 2 bytes (42h, unit days: 72h), which are unsigned.
        ((BASE, "4D 93 1E 06 72 FE 01 00 FE FF"), ["1.001", "66.535"]),
        # The same back in time.
        ((BASE, "4D 93 13 06 72 FE 01 00 E7 03"), ["0.999", "0.000"]),
        # Decrements, forward and back.
        ((BASE, "4D 93 1F 04 B1 FE 01 02"), ["0.999", "0.997"]),
        ((BASE, "4D 93 13 04 B1 FE 01 02"), ["1.001", "1.003"]),
        # Signed differences, forward and back: younger minus older.
        ((BASE, "4D 93 1F 04 F1 FE FF 03"), ["0.999", "1.002"]),
        ((BASE, "4D 93 13 04 F1 FE FF 03"), ["1.001", "0.998"]),
        # Absolute values need no base: BCD of 3 bytes, integers with one that is none, a real number.
        (("4D 93 13 08 3B FE 45 23 01 FF FF FF",), ["12.345", None]),
        (("4D 93 13 06 32 FE 01 00 00 80",), ["0.001", None]),
        (("4D 93 1F 06 35 FE 00 00 C0 3F",), ["0.0015"]),
        # Where an increment is missing, nobody knows what follows.
        ((BASE, "4D 93 1E 05 71 FE 01 FF 01"), ["1.001", None, None]),
    ],
)
def test_values(records: tuple[str, ...], values: list[str | None]) -> None:
    """Each value is a register's, in the unit of the record."""
    got = values_of(*records)
    assert [v and Decimal(v) for v in got] == [v and Decimal(v) for v in values]


@pytest.mark.parametrize(
    "base",
    [
        "",
        "04 13 E8 03 00 00",  # the present one
        "44 06 E8 03 00 00",  # of energy
        "84 40 13 E8 03 00 00",  # of another subunit
        "4C 13 FF FF FF FF",  # none yet
    ],
)
def test_no_value_to_count_from(base: str) -> None:
    """Differences alone are no register's values."""
    with pytest.raises(InvalidValueError) as error:
        values_of(base, "4D 93 1E 04 71 FE 01 02")
    assert error.value.problem.key == "no_base"


@pytest.mark.parametrize(
    "data",
    [
        "4D 13 04 71 FE 01 02",  # a text by its length, and no profile
        "44 93 1F 71 FE 01 02",  # of a fixed length
        "4D 93 1F 02 71 FE",  # no element
        "4D 93 1F 05 72 FE 01 02 03",  # half an element
        "4D 93 1F 04 71 00 01 02",  # an array
        "4D 93 1F 04 7D FE 01 02",  # elements of variable length
        "4D 93 1F 04 7F FE 01 02",
        "4D 93 1F 04 70 FE 01 02",  # elements without data
        "4D 93 1F 00",
        "4D 93 1F C4 71 FE 01 02",  # a number by its length
        "4D EC 1F 04 71 FE 01 02",  # of dates
        "4D FF 1F 04 71 FE 01 02",  # of the manufacturer
    ],
)
def test_no_profile(data: str) -> None:
    """What can't be told stays what it is."""
    assert not is_compact_profile(record(data))
