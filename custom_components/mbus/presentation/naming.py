"""Names of records: made of translated parts, and keys that don't depend on a language."""

from collections.abc import Collection, Iterator
from typing import Final

from homeassistant.util import slugify

from ..meters.binding import Binding
from ..profiles.block import BlockField
from ..profiles.interpretation import Interpretation, meant
from ..protocol import PLAIN_TEXT, Function, Record, Signature, Telegram
from .clean_text import clean_text
from .native_value import interpreted_text, value_text
from .reasons import problem_text
from .texts import Texts, option_key, sensor_key

_EXTREMES: Final = (Function.MAXIMUM, Function.MINIMUM)
_FUNCTION_PARTS: Final = {
    Function.MAXIMUM: "maximum",
    Function.MINIMUM: "minimum",
    Function.ERROR: "during_error",
}
"""Functions that a name tells of, and the part of it that does."""


def name_key(signature: Signature) -> str:
    """Return a key without a language: the same for two records exactly if their names are."""
    numbers = {
        "tariff": signature.tariff,
        "subunit": signature.subunit,
        "storage": signature.storage_number,
    }
    return "_".join(
        (
            *([signature.function] if signature.function in _EXTREMES else []),
            signature.quantity,
            *([signature.dimension or ""] if signature.quantity == PLAIN_TEXT else []),
            *signature.modifiers,
            *(f"{part}_{number}" for part, number in numbers.items() if number),
            *(["during_error"] if signature.function is Function.ERROR else []),
        )
    )


def default_binding_name(signature: Signature, taken: Collection[str]) -> str:
    """Return the snake_case key a new binding gets, unique among the meter's."""
    key = name = slugify(name_key(signature))
    number = 1
    while name in taken:
        number += 1
        name = f"{key}_{number}"
    return name


def binding_name(binding: Binding, texts: Texts) -> str:
    """Return what a binding's entities are called unless someone renamed them."""
    if binding.title:
        return binding.title
    if binding.meaning is None:
        return place_text(binding.telegram, binding.index, texts)
    return record_name(binding.meaning, texts, binding.ordinal)


def place_text(telegram: int, index: int | None, texts: Texts) -> str:
    """Return where a record stands in a readout."""
    return texts[sensor_key("unread_record")].format(telegram=telegram, index=index)


def record_name(signature: Signature, texts: Texts, ordinal: int = 1) -> str:
    """Return what people call a record; of several of the same name the later ones get an ordinal.

    The quantity, then what else there is to say, set off by commas: so no part has to agree with another, and a
    language with cases can say each in the nominative.
    """
    quantity = texts[sensor_key(signature.quantity)]
    return ", ".join((quantity, *_details(signature, texts, ordinal)))


def _details(signature: Signature, texts: Texts, ordinal: int) -> Iterator[str]:
    if signature.quantity == PLAIN_TEXT and signature.dimension:
        yield _part("text", texts, clean_text(signature.dimension))
    for modifier in signature.modifiers:
        yield _modifier(modifier, texts)
    if signature.tariff:
        yield _part("tariff", texts, signature.tariff)
    if signature.subunit:
        yield _part("subunit", texts, signature.subunit)
    if signature.storage_number:
        yield _part("storage", texts, signature.storage_number)
    if part := _FUNCTION_PARTS.get(signature.function):
        yield _part(part, texts)
    if ordinal > 1:
        yield _part("ordinal", texts, ordinal)


def _modifier(modifier: str, texts: Texts) -> str:
    """Return the text of a modifier; of one that stands in no table, its kind and hex digits."""
    if option_key("record_part", modifier) in texts:
        return _part(modifier, texts)
    kind, _, code = modifier.rpartition("_")
    return _part(f"{kind}_code", texts, code.upper())


def _part(part: str, texts: Texts, number: int | str = "") -> str:
    return texts[option_key("record_part", part)].format(number=number)


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
    text = "–" if value is None else value_text(record, value, medium, interpretation)
    reason = f" ({problem_text(problem, texts)})" if problem else ""
    return f"{record.index} · {name} · {text}{reason}"


def block_label(
    field: BlockField, data: bytes, texts: Texts, medium: int | None
) -> str:
    """Return a part of the manufacturer's bytes as a line of a list: name and value."""
    interpretation = field.interpretation
    name = record_name(interpretation.signature, texts)
    value, problem = field.read(data)
    if problem:
        return f"{name} · – ({problem_text(problem, texts)})"
    return f"{name} · {interpreted_text(value, medium, interpretation)}"
