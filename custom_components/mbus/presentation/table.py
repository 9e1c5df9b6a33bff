"""Readings as rows of a table, for bills: each value in the unit people are used to, without a digit that wasn't sent."""

from collections.abc import Iterable, Iterator
import csv
from dataclasses import dataclass
from decimal import Decimal
import io
from typing import Final, TypedDict

from homeassistant.config_entries import ConfigSubentry
from homeassistant.util import dt as dt_util
from homeassistant.util.json import JsonObjectType

from ..meters.meter import Meter, readable
from ..meters.reading import Reading
from ..profiles.interpretation import Interpretation, Interpretations, meant
from ..protocol import SECRET_QUANTITIES, Problem, Record, Telegram, Value, convert_unit
from .clean_text import clean_text
from .description import record_description
from .naming import record_name
from .reasons import reason_text
from .record_data import value_data
from .texts import Texts, option_key
from .titles import device_kind

OK: Final = "ok"
_BOM: Final = "\ufeff"
_FORMULAS: Final = ("=", "+", "-", "@", "\t", "\r")
"""What a text must not begin with, or a spreadsheet takes it for a formula."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TableRow:
    """One record of a reading; `number` is its value where that is one, `text` where it isn't, `state` what is wrong.

    Of a meter that has no reading, only that is said.
    """

    meter: str
    name: str
    serial_number: str | None
    medium: str
    state: str
    quantity: str | None = None
    storage_number: int | None = None
    number: Decimal | None = None
    text: str | None = None
    unit: str | None = None
    time: str | None = None

    def as_dict(self) -> JsonObjectType:
        """Return what JSON holds; a number as text, with all its digits."""
        return {
            "meter": self.meter,
            "name": self.name,
            "serial_number": self.serial_number,
            "medium": self.medium,
            "quantity": self.quantity,
            "storage_number": self.storage_number,
            "value": self.text if self.number is None else _written(self.number),
            "unit": self.unit,
            "time": self.time,
            "state": self.state,
        }


COLUMNS: Final = (
    "meter",
    "name",
    "serial_number",
    "medium",
    "quantity",
    "storage_number",
    "value",
    "unit",
    "time",
    "state",
)


def rows_of(
    meter: Meter, reading: Reading, interpretations: Interpretations, texts: Texts
) -> Iterator[TableRow]:
    """Yield a row for each record of a meter's reading but passwords and keys.

    `interpretations` are what records mean where that isn't what the standard says.
    """
    for number, telegram in enumerate(reading.telegrams):
        for record in telegram.records:
            if record.quantity in SECRET_QUANTITIES:
                continue
            interpretation = interpretations.get((number, record.index))
            signature = meant(record, interpretation)
            value, unit, problem = _value(
                record, telegram, meter.medium, interpretation
            )
            is_number = isinstance(value, int | float | Decimal)
            yield TableRow(
                **_of_meter(meter, texts),
                quantity=record_name(signature._replace(storage_number=0), texts),
                storage_number=signature.storage_number,
                number=Decimal(str(value)) if is_number else None,
                text=None if is_number or value is None else str(value_data(value)),
                unit=clean_text(unit) if unit else None,
                time=dt_util.as_local(reading.time).isoformat(timespec="seconds"),
                state=reason_text(problem, texts) if problem else OK,
            )


def row_without_reading(subentry: ConfigSubentry, texts: Texts) -> TableRow:
    """Return the row of a meter that has no reading, or that can't be read from what is stored: a bill must not be without."""
    state = texts[option_key("export_readings", "no_reading")]
    for meter in readable([subentry]):
        return TableRow(**_of_meter(meter, texts), state=state)
    return TableRow(
        meter="",
        name=clean_text(subentry.title),
        serial_number=None,
        medium=device_kind(None, texts),
        state=state,
    )


class _OfMeter(TypedDict):
    meter: str
    name: str
    serial_number: str | None
    medium: str


def _of_meter(meter: Meter, texts: Texts) -> _OfMeter:
    return _OfMeter(
        meter=str(meter.address),
        name=clean_text(meter.title),
        serial_number=meter.identity.identification if meter.identity else None,
        medium=device_kind(meter.medium, texts),
    )


def _value(
    record: Record,
    telegram: Telegram,
    medium: int | None,
    interpretation: Interpretation | None,
) -> tuple[Value, str | None, Problem | None]:
    """Return a record's value in the unit people are used to, that unit, and what is wrong with it."""
    value, problem = (
        interpretation.read(record, telegram, record.unit)
        if interpretation
        else (record.value, record.problem)
    )
    description = record_description(
        record.signature, record.unit, record.header, medium, interpretation
    )
    unit = interpretation.unit if interpretation else record.unit
    shown_in = (
        description.suggested_unit_of_measurement
        or description.native_unit_of_measurement
    )
    if isinstance(value, int | float | Decimal) and unit and shown_in:
        try:
            return convert_unit(value, unit, shown_in), shown_in, problem
        except ValueError:
            pass
    return value, unit, problem


def _written(number: Decimal) -> str:
    """Return a number with all its digits, and never as a power of ten."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def as_csv(
    rows: Iterable[TableRow],
    *,
    decimal_comma: bool = False,
    byte_order_mark: bool = False,
) -> str:
    """Return rows as CSV (RFC 4180): a comma between fields, CR and LF after lines, quotes where a field needs them."""
    file = io.StringIO(newline="")
    writer = csv.writer(file, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for row in rows:
        fields = {
            column: _harmless(field) if isinstance(field, str) else field
            for column, field in row.as_dict().items()
        }
        if row.number is not None:
            text = _written(row.number)
            fields["value"] = text.replace(".", ",") if decimal_comma else text
        writer.writerow([fields[column] for column in COLUMNS])
    return (_BOM if byte_order_mark else "") + file.getvalue()


def _harmless(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULAS) else text
