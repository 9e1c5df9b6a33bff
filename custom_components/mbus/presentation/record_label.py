"""A record as a line of a list: what it is, and what the meter sends."""

from datetime import datetime
from decimal import Decimal

from ..protocol import SECRET_QUANTITIES, Record, convert_unit
from .clean_text import clean_text
from .description import record_description
from .display import HIDDEN, value_text
from .naming import record_name
from .reasons import reason_text
from .texts import Texts


def record_label(
    record: Record, texts: Texts, medium: int | None = None, ordinal: int = 1
) -> str:
    """Return a record as a line of a list: index, name, and value in the unit people are used to."""
    name = record_name(record.signature, texts, ordinal)
    value = "–" if record.value is None else _value(record, medium)
    reason = f" ({reason_text(record.problem, texts)})" if record.problem else ""
    return f"{record.index} · {name} · {value}{reason}"


def _value(record: Record, medium: int | None) -> str:
    """Return a record's valid value for a person to read, in the unit it is shown in at first."""
    value, unit = record.value, record.unit
    if record.quantity in SECRET_QUANTITIES:
        return HIDDEN
    if not isinstance(value, int | float | Decimal):
        return (
            value.isoformat(" ") if isinstance(value, datetime) else value_text(value)
        )
    description = record_description(record.signature, unit, record.header, medium)
    shown_in = (
        description.suggested_unit_of_measurement
        or description.native_unit_of_measurement
    )
    if unit and shown_in:
        value = convert_unit(value, unit, shown_in)
    if description.state_class is None and shown_in is None:
        return str(value)
    text = f"{value:,.15g}" if isinstance(value, float) else f"{value:,}"
    return f"{text} {clean_text(shown_in)}" if shown_in else text
