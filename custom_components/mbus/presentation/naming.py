"""Names of records: made of translated parts, and keys that don't depend on a language."""

from collections.abc import Collection, Iterator
from typing import Final

from homeassistant.util import slugify

from ..meters.binding import Binding
from ..protocol import PLAIN_TEXT, Function, Signature
from .clean_text import clean_text
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
    quantity = texts.get(sensor_key(signature.quantity)) or _word(signature.quantity)
    return ", ".join((quantity, *_details(signature, texts, ordinal)))


def _word(key: str) -> str:
    """Return a key that only another release has a text for."""
    return clean_text(key.replace("_", " "))


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
    if option_key("record_part", f"{kind}_code") in texts:
        return _part(f"{kind}_code", texts, code.upper())
    return _word(modifier)


def _part(part: str, texts: Texts, number: int | str = "") -> str:
    return texts[option_key("record_part", part)].format(number=number)
