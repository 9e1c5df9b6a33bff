"""A record as a line of a list: what it is, and what the meter sends."""

from decimal import Decimal

from homeassistant.components.sensor import SensorEntityDescription

from ..profiles.block import BlockField
from ..profiles.interpretation import Interpretation, meant
from ..protocol import SECRET_QUANTITIES, Record, Telegram, Value, convert_unit
from .amounts import amount_text
from .description import record_description
from .display import HIDDEN
from .naming import record_name
from .reasons import reason_text
from .texts import Texts


def record_label(
    record: Record,
    texts: Texts,
    medium: int | None = None,
    ordinal: int = 1,
    *,
    telegram: Telegram | None = None,
    interpretation: Interpretation | None = None,
    kept_at: str | None = None,
) -> str:
    """Return a record of a telegram as a line of a list: index, name, and value in the unit people are used to.

    `kept_at` is the date that the meter sends for the storage it is in.
    """
    name = record_name(meant(record, interpretation), texts, ordinal)
    if kept_at:
        name += f" ({kept_at})"
    value, problem = (
        interpretation.read(record, telegram, record.unit)
        if interpretation
        else (record.value, record.problem)
    )
    text = (
        "–"
        if value is None
        else _record_value(record, value, medium, texts, interpretation)
    )
    reason = f" ({reason_text(problem, texts)})" if problem else ""
    return f"{record.index} · {name} · {text}{reason}"


def block_label(
    field: BlockField, data: bytes, texts: Texts, medium: int | None
) -> str:
    """Return a part of the manufacturer's bytes as a line of a list: name and value."""
    interpretation = field.interpretation
    name = record_name(interpretation.signature, texts)
    value, problem = field.read(data)
    if problem:
        return f"{name} · – ({reason_text(problem, texts)})"
    return f"{name} · {_interpreted_value(value, medium, interpretation, texts)}"


def _record_value(
    record: Record,
    value: Value,
    medium: int | None,
    texts: Texts,
    interpretation: Interpretation | None = None,
) -> str:
    """Return a record's valid value for a person to read, in the unit it is shown in at first."""
    if record.quantity in SECRET_QUANTITIES:
        return HIDDEN
    description = record_description(
        record.signature, record.unit, record.header, medium, interpretation
    )
    unit = interpretation.unit if interpretation else record.unit
    return _described(value, unit, description, texts)


def _interpreted_value(
    value: Value, medium: int | None, interpretation: Interpretation, texts: Texts
) -> str:
    """Return a value that has no record for a person to read."""
    description = record_description(
        interpretation.signature, None, b"", medium, interpretation
    )
    return _described(value, interpretation.unit, description, texts)


def _described(
    value: Value,
    unit: str | None,
    description: SensorEntityDescription,
    texts: Texts,
) -> str:
    if not isinstance(value, int | float | Decimal):
        return amount_text(value, None, texts)
    shown_in = (
        description.suggested_unit_of_measurement
        or description.native_unit_of_measurement
    )
    if unit and shown_in and unit != shown_in:
        value = convert_unit(value, unit, shown_in)
    if description.state_class is None and shown_in is None:
        return str(value)
    return amount_text(value, shown_in, texts)
