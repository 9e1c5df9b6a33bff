"""Telegrams out of users' reports: what they mean by the profiles, compared with independent expectations."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
import json
from pathlib import Path
from typing import Any, Final

import pytest

from custom_components.mbus.profiles.catalogue import read_catalogue
from custom_components.mbus.profiles.interpretation import Interpretation
from custom_components.mbus.protocol import (
    Problem,
    Record,
    convert_unit,
    parse_telegram,
)

CORPUS: Final = Path(__file__).parents[3] / "shared" / "corpus" / "field.jsonl"
CATALOGUE = read_catalogue()

pytestmark = pytest.mark.skipif(
    not CORPUS.exists(), reason="the telegrams of users' reports are not here"
)

UNITS = {
    "m3": "m³", "m3/h": "m³/h", "C": "°C", "1": None, "mfr": None, "datetime": None, "date": None, "m3*C": "m³·°C",
}  # fmt: skip
QUANTITIES: Final = {
    "model/version": "model_version",
    "HCA units": "hca_units",
    "RF level": "rf_level",
    "remaining battery life (days)": "battery_life",
    "hours in error": "error_time",
    "volume times flow temperature": "volume",
    "volume times return temperature": "volume",
    "FD 6C": "battery_operating_time",
    "FD 31": "tariff_duration",
    "FD 66": "parameter_activation_state",
    "date and time": "date_time",
}
"""What the expectations call otherwise."""

# Where the family's document says more than the expectation of the record alone: id, index.
BETTER = {
    # Status 15h: there is no value (A43 manual), and what the maker's codes mean.
    *(("libmbus-97-abb-b23", index) for index in (*range(2, 10), 11)),
    *(("wmbusmeters-test-abbb23-1115", index) for index in (*range(1, 9), 10)),
    # Battery in days and customer, told by a text for a unit.
    *(("valley-12-itron-cyble", index) for index in (1, 3)),
    *(("hottis-itron-cyble-gas", index) for index in (1, 3)),
    *(("gombus-gombus_test-3", index) for index in (1, 3)),
    # In tens of m³·°C: 12,199,430 / 155,434.7 m³ is 78.5 °C.
    *(("wmbusmeters-386-multical402", index) for index in (2, 3)),
    # An average whose time is not over yet is none.
    *(("MBusino-telegram_test", index) for index in (8, 9)),
    # What an integer has for no value, in digits, beside a profile without any.
    ("wmbusmeters-798-zenner", 3),
    # Values kept month by month are told one by one.
    ("wmbusmeters-798-zenner", 4),
    ("wmbusmeters-1711-wehrle", 2),
    ("wmbusmeters-test-minomess-192", 4),
    ("wmbusmeters-test-supercom587-35", 5),
    # Missing time is the time in error; info codes are flags.
    ("wmbusmeters-1457-lug-t550", 0),
    ("wmbusmeters-test-qheat_55_us-115", 19),
    ("wmbusmeters-test-kamheat-715", 2),
    # The eight bytes are the meter's whole address; a block of the maker's is bytes.
    ("wmbusmeters-1033-qheat55us", 0),
    ("wmbusmeters-test-itronheat-64", 5),
}


def entries() -> Iterator[Any]:
    """Give every telegram with what is expected of it."""
    if CORPUS.exists():
        for line in CORPUS.read_text(encoding="utf-8").splitlines():
            entry = json.loads(line)
            yield pytest.param(entry, id=entry["id"])


@pytest.mark.parametrize("entry", entries())
def test_telegrams_of_reports(entry: dict[str, Any]) -> None:
    """Quantity, value and unit of each record are the expected ones."""
    telegram = parse_telegram(bytes.fromhex(entry["hex"]))
    meanings = CATALOGUE.interpret([telegram])
    wrong = [
        (expected, telegram.records[index], meaning)
        for expected in entry["expected"] or ()
        if (entry["id"], index := expected["index"]) not in BETTER
        and not agrees(
            expected,
            telegram.records[index],
            meaning := meanings.get((0, index)),
            telegram.records,
        )
    ]
    assert not wrong


def agrees(
    expected: dict[str, Any],
    record: Record,
    meaning: Interpretation | None,
    records: Any,
) -> bool:
    """Compare one record."""
    signature = meaning.signature if meaning else record.signature
    words = QUANTITIES.get(expected["quantity"], expected["quantity"])
    words = words.replace("plain text unit", "plain text").replace(" ", "_")
    for modifier in ("cooling", "export"):
        if modifier in words and words != modifier:
            words = words.replace(modifier, "").strip("_")
            if modifier not in signature.modifiers:
                return False
    if signature.quantity != words:
        return False
    value, unit = record.value, record.unit
    if meaning:
        value, _ = meaning.read(record, None, record.unit)
        unit = meaning.unit
    wanted = UNITS.get(expected["unit"], expected["unit"])
    if expected["value"] is None:
        return value is None
    if isinstance(value, date):
        return value.isoformat() == str(expected["value"])
    if not isinstance(value, int | float | Decimal):
        text = value.hex() if isinstance(value, bytes) else str(value)
        return text.lstrip("0") == str(expected["value"]).lstrip("0")
    if unit != wanted:
        if unit is None or wanted is None:
            return False
        value = convert_unit(value, unit, wanted)
    size = max(Decimal(1), abs(Decimal(expected["value"])))
    return (
        abs(Decimal(str(value)) - Decimal(expected["value"]))
        <= size * Decimal(2) ** -24
    )


NAMED = {
    ("libmbus-97-abb-b23", 1): "energy export",
    ("wmbusmeters-2035-abb-b23", 1): "power phase 1",
    ("wmbusmeters-2035-abb-b23", 9): "voltage phase 3 to 1",
    ("wmbusmeters-2035-abb-b23", 14): "power factor",
    ("wmbusmeters-2035-abb-b23", 19): "energy phase 3",
    ("wmbusmeters-1330-sensostar-heatcool", 2): "energy cooling",
    ("wmbusmeters-1152-c5isf-cold", 1): "energy cooling",
    ("wmbusmeters-744-sharky774-cold", 3): "volume cooling",
    ("wmbusmeters-744-sharky774-cold", 8): "error time (time)",
    ("wmbusmeters-1306-hydrocal-m4", 4): "volume cooling",
    ("gombus-gombus_test", 9): "power factor phase 1",
    ("tmbus-6-gavazzi-em111", 7): "power factor",
    ("MBusino-telegram_test", 1): "relative humidity (ratio)",
    ("wmbusmeters-test-qualcosonic-115", 6): "energy cooling",
}
"""What the notes of the reports ask for."""


@pytest.mark.parametrize("place", NAMED)
def test_what_reports_ask_for(place: tuple[str, int]) -> None:
    """What was named wrongly is named as the note says."""
    name, index = place
    entry = next(param.values[0] for param in entries() if param.id == name)
    telegram = parse_telegram(bytes.fromhex(entry["hex"]))
    meaning = CATALOGUE.interpret([telegram])[0, index]
    assert str(meaning.signature) == NAMED[place]


def test_kept_months_lead_to_the_present_total() -> None:
    """The last of them is 0.664 m³ below the present 51.725, and none is below the one before."""
    entry = next(
        param.values[0] for param in entries() if param.id == "wmbusmeters-1711-wehrle"
    )
    telegram = parse_telegram(bytes.fromhex(entry["hex"]))
    meaning = CATALOGUE.interpret([telegram])[0, 2]
    text, problem = meaning.read(telegram.records[2], telegram, None)
    assert problem is None
    assert text == (
        "0.003; 0.003; 0.518; 1.682; 5.892; 11.492; 14.736; 20.499; 27.189; 32.630; 37.697; 42.789; 47.520; 51.061 m³"
    )


def test_kamstrup_e8_is_the_mean_temperature_times_the_volume() -> None:
    """Divided by the volume, E8 and E9 are the mean temperatures, which have to lie between the present ones and 100 °C."""
    entry = next(
        param.values[0]
        for param in entries()
        if param.id == "wmbusmeters-386-multical402"
    )
    telegram = parse_telegram(bytes.fromhex(entry["hex"]))
    meanings = CATALOGUE.interpret([telegram])
    volume = telegram.records[4].value
    assert isinstance(volume, float)
    means = []
    for index in (2, 3):
        value, problem = meanings[0, index].read(
            telegram.records[index], telegram, None
        )
        assert problem is None
        assert isinstance(value, int | float)
        means.append(round(value / volume, 1))
    assert means == [78.5, 76.1]
    assert meanings[0, 2].read(telegram.records[2], None, None) == (
        None,
        Problem("no_resolution", {"quantity": "volume"}),
    )
