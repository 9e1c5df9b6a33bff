"""Names of records: made of translated parts, and keys that don't depend on a language."""

from collections.abc import Collection, Iterator, Mapping
from decimal import Decimal
from typing import Final

from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.translation import (
    async_get_cached_translations,
    async_get_translations,
)
from homeassistant.util import slugify

from ..const import DOMAIN
from ..meters.binding import Binding
from ..protocol import PLAIN_TEXT, Function, Record, Signature
from .native_value import value_text

type Texts = Mapping[str, str]
"""The translations that names are made of, by their full keys."""

_CATEGORIES: Final = ("entity", "selector")
_BEFORE: Final = {
    Function.MAXIMUM: "maximum_record",
    Function.MINIMUM: "minimum_record",
}
"""Functions that stand before the quantity, and the translation of both together."""
_UNREAD: Final = "unread_record"


async def async_get_texts(hass: HomeAssistant) -> Texts:
    """Return the texts in the language of Home Assistant."""
    language = hass.config.language
    return {
        key: text
        for category in _CATEGORIES
        for key, text in (
            await async_get_translations(hass, language, category, {DOMAIN})
        ).items()
    }


@callback
def cached_texts(hass: HomeAssistant) -> Texts:
    """Return the texts, which Home Assistant has loaded by the time that a connection is set up."""
    language = hass.config.language
    return {
        key: text
        for category in _CATEGORIES
        for key, text in async_get_cached_translations(
            hass, language, category, DOMAIN
        ).items()
    }


def name_key(signature: Signature) -> str:
    """Return a key without a language: the same for two records exactly if their names are."""
    numbers = {
        "tariff": signature.tariff,
        "subunit": signature.subunit,
        "storage": signature.storage_number,
    }
    return "_".join(
        (
            *([signature.function] if signature.function in _BEFORE else []),
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


def name_parts(binding: Binding, texts: Texts) -> tuple[str, dict[str, str]]:
    """Return the translation key of a binding's name and what goes into its placeholders."""
    if binding.signature is None:
        return _UNREAD, {
            "telegram": str(binding.telegram),
            "index": str(binding.index),
        }
    return _parts(binding.signature, texts, binding.ordinal)


def record_name(signature: Signature, texts: Texts, ordinal: int = 1) -> str:
    """Return what people call a record; of several of the same name the later ones get an ordinal."""
    key, placeholders = _parts(signature, texts, ordinal)
    return _name(key, texts).format(**placeholders)


def _parts(
    signature: Signature, texts: Texts, ordinal: int
) -> tuple[str, dict[str, str]]:
    key, placeholders = signature.quantity, {}
    if detail := " ".join(_details(signature, texts, ordinal)):
        key, placeholders = f"{key}_detail", {"detail": detail}
    if before := _BEFORE.get(signature.function):
        record = _name(key, texts).format(**placeholders)
        return before, {"record": _within_sentence(record)}
    return key, placeholders


def _details(signature: Signature, texts: Texts, ordinal: int) -> Iterator[str]:
    if signature.quantity == PLAIN_TEXT and signature.dimension:
        yield _part("text", texts, signature.dimension)
    for modifier in signature.modifiers:
        yield _modifier(modifier, texts)
    if signature.tariff:
        yield _part("tariff", texts, signature.tariff)
    if signature.subunit:
        yield _part("subunit", texts, signature.subunit)
    if signature.storage_number:
        yield _part("storage", texts, signature.storage_number)
    if signature.function is Function.ERROR:
        yield _part("during_error", texts)
    if ordinal > 1:
        yield _part("ordinal", texts, ordinal)


def _modifier(modifier: str, texts: Texts) -> str:
    """Return the text of a modifier; of one that stands in no table, its kind and hex digits."""
    if (key := _part_key(modifier)) in texts:
        return texts[key]
    kind, _, code = modifier.rpartition("_")
    return _part(f"{kind}_code", texts, code.upper())


def _part(part: str, texts: Texts, number: int | str = "") -> str:
    return texts[_part_key(part)].format(number=number)


def _part_key(part: str) -> str:
    return f"component.{DOMAIN}.selector.record_part.options.{part}"


def _name(key: str, texts: Texts) -> str:
    return texts[f"component.{DOMAIN}.entity.sensor.{key}.name"]


def _within_sentence(name: str) -> str:
    """Return a name as it is written after another word: "HCA units" keeps its capitals."""
    return name if name[1:2].isupper() else name[:1].lower() + name[1:]


_SENSIBLE_QUANTITIES: Final = frozenset(
    {
        "energy", "reactive_energy", "apparent_energy", "volume", "mass", "power", "volume_flow", "mass_flow",
        "flow_temperature", "return_temperature", "temperature_difference", "external_temperature", "temperature",
        "hca_units",
    }
)  # fmt: skip


_TOTALS: Final = frozenset({"import", "export", "counter_1", "counter_2"})


def is_sensible(record: Record) -> bool:
    """Return whether nearly everyone wants this record: a total or a present value, and a valid one."""
    signature = record.signature
    return (
        record.problem is None
        and isinstance(record.value, int | float | Decimal)
        and signature.quantity in _SENSIBLE_QUANTITIES
        and signature.function is Function.INSTANTANEOUS
        and not (signature.storage_number or signature.tariff or signature.subunit)
        and _TOTALS.issuperset(signature.modifiers)
    )


def record_label(
    record: Record, texts: Texts, medium: int | None = None, ordinal: int = 1
) -> str:
    """Return a record as a line of a list: index, name, and value in the unit people are used to."""
    name = record_name(record.signature, texts, ordinal)
    value = "–" if record.value is None else value_text(record, medium)
    problem = f" ({record.problem})" if record.problem else ""
    return f"{record.index} · {name} · {value}{problem}"
