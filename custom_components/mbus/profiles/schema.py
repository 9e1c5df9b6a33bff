"""What a profile file may say, checked; texts are all that comes from the file."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import fields
from fractions import Fraction
from math import inf
import re
from typing import Any, Final

from homeassistant.components.sensor import SensorDeviceClass, SensorStateClass
import voluptuous as vol

from ..protocol import Function, Quirks, Signature, dimension
from .block import WHOLE, BlockField
from .codings import CODINGS, CONVERSIONS
from .interpretation import Interpretation, ValueRule
from .mistake import Mistake
from .profile import Entry, Kept, Match, Profile
from .vocabulary import KNOWN_MODIFIERS, KNOWN_QUANTITIES, KNOWN_UNITS

_ANY: Final = "any"
_LARGEST_FACTOR: Final = 10**30
_LONGEST_PERIOD: Final = 7 * 86400
_LONGEST_REQUEST: Final = 253


def _one_of(known: Collection[str]) -> Any:
    def check(text: Any) -> str:
        if not isinstance(text, str) or text not in known:
            raise Mistake("unknown_word", value=text)
        return text

    return check


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise Mistake("text_needed")
    return value.strip()


def _number(value: Any) -> int:
    try:
        return int(value)
    except (TypeError, ValueError) as err:
        raise Mistake("no_whole_number", value=value) from err


def _within(number: Callable[[Any], float], least: float, most: float = inf) -> Any:
    def check(value: Any) -> float:
        checked = number(value)
        if not checked >= least:
            raise Mistake("too_small", value=value, least=least)
        if checked > most:
            raise Mistake("too_large", value=value, most=most)
        return checked

    return check


def _seconds(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError) as err:
        raise Mistake("no_number", value=value) from err


def _some(item: Any) -> Any:
    """Take a list that has something in it."""

    def check(items: Any) -> Any:
        if not items:
            raise Mistake("list_empty")
        return items

    return vol.All([item], check)


def _matching(pattern: str, key: str) -> Any:
    def check(value: Any) -> str:
        if not re.fullmatch(pattern, text := _text(value)):
            raise Mistake(key, value=text)
        return text

    return check


def _hex(value: Any) -> int:
    """Take two hex digits, as version and medium are printed."""
    if not isinstance(value, str) or not re.fullmatch(r"[0-9A-Fa-f]{2}", value):
        raise Mistake("no_hex_digits", value=value)
    return int(value, 16)


def _request(value: Any) -> bytes:
    """Take what a meter is sent, from CI on, as hex digits."""
    try:
        request = bytes.fromhex(_text(value))
    except ValueError as err:
        raise Mistake("no_request", value=value, most=_LONGEST_REQUEST) from err
    if len(request) > _LONGEST_REQUEST:
        raise Mistake("no_request", value=value, most=_LONGEST_REQUEST)
    return request


def _factor(value: Any) -> Fraction:
    try:
        factor = Fraction(value)
    except (TypeError, ValueError, ZeroDivisionError) as err:
        raise Mistake("no_number", value=value) from err
    if factor == 0:
        raise Mistake("factor_zero")
    if not 1 / _LARGEST_FACTOR <= abs(factor) <= _LARGEST_FACTOR:
        raise Mistake("no_factor", value=value)
    return factor


def _yes_no(value: Any) -> bool:
    if value not in ("true", "false"):
        raise Mistake("neither_true_nor_false", value=value)
    return bool(value == "true")


def _numbers(number: Any) -> Any:
    """Take one number, several, or `any`."""

    def check(value: Any) -> frozenset[int] | None:
        if value == _ANY:
            return None
        return frozenset(map(number, value if isinstance(value, list) else [value]))

    return check


def _pattern(value: Any) -> re.Pattern[str]:
    """Take hex digits; `x` stands for any digit, what is in parentheses may be missing."""
    text = re.sub(r"\s", "", _text(value)).lower()
    if not re.fullmatch(r"(\(?([0-9a-f]|x)+\)?)+", text) or text.count(
        "("
    ) != text.count(")"):
        raise Mistake("no_pattern", value=value)
    pattern = text.replace("x", "[0-9a-f]").replace("(", "(?:").replace(")", ")?")
    return re.compile(pattern)


def _texts(check: Any) -> Any:
    def take(value: Any) -> tuple[Any, ...]:
        return tuple(map(check, value if isinstance(value, list) else [value]))

    return take


def _set(check: Any) -> Any:
    def take(value: Any) -> frozenset[Any]:
        return frozenset(_texts(check)(value))

    return take


CERTAINTIES: Final = ("documented", "cited", "seen")
"""Stands in the maker's document; in another project that cites it; seen in captures and checked by numbers."""

_MODIFIERS: Final = _texts(_one_of(KNOWN_MODIFIERS))

_KEY: Final = _matching("[a-z][a-z0-9_]*", "no_key")
_VALUE: Final = {
    vol.Optional("factor"): _factor,
    vol.Optional("no_value"): _set(_number),
    vol.Optional("bits"): {_number: _text},
    vol.Optional("device_class"): _one_of([*map(str, SensorDeviceClass)]),
    vol.Optional("state_class"): _one_of([*map(str, SensorStateClass)]),
    vol.Optional("ticked"): _yes_no,
}
"""What may be said of a value, that of a record and that in a block alike."""
_ENTRY: Final = vol.Schema(
    {
        **_VALUE,
        vol.Required("key"): _KEY,
        vol.Optional("vif"): _pattern,
        vol.Optional("is"): _one_of(KNOWN_QUANTITIES),
        vol.Optional("with"): _texts(_text),
        vol.Optional("function"): _set(_one_of([*Function])),
        vol.Optional("data_field"): _numbers(_number),
        vol.Optional("storage"): _numbers(_number),
        vol.Optional("tariff"): _numbers(_number),
        vol.Optional("subunit"): _numbers(_number),
        vol.Optional("nth"): _within(_number, 1),
        vol.Optional("quantity"): _one_of(KNOWN_QUANTITIES),
        vol.Optional("modifiers"): _MODIFIERS,
        vol.Optional("as_storage"): _number,
        vol.Optional("as_tariff"): _number,
        vol.Optional("as_subunit"): _number,
        vol.Optional("unit"): _one_of(KNOWN_UNITS),
        vol.Optional("data_field_factors"): {_number: _factor},
        vol.Optional("resolution_of"): _one_of(KNOWN_QUANTITIES),
        vol.Optional("coding"): _one_of(CODINGS),
        vol.Optional("conversion"): _one_of(CONVERSIONS),
        vol.Optional("certainty"): _one_of(CERTAINTIES),
    }
)
_FIELD: Final = vol.Schema(
    {
        **_VALUE,
        vol.Required("key"): _KEY,
        vol.Required("offset"): _within(_number, 0),
        vol.Required("length"): _within(_number, 1),
        vol.Required("coding"): _one_of(CODINGS),
        vol.Required("quantity"): _one_of(KNOWN_QUANTITIES),
        vol.Optional("modifiers"): _MODIFIERS,
        vol.Optional("unit"): _one_of(KNOWN_UNITS),
        vol.Optional("certainty"): _one_of(CERTAINTIES),
    }
)
_BLOCK: Final = vol.Schema(
    {
        vol.Required("length"): _within(_number, 1),
        vol.Required("fields"): _some(_FIELD),
    }
)
_MATCH: Final = vol.Schema(
    {
        vol.Required("manufacturer"): _matching("[A-Z@0-9]{3,4}", "no_manufacturer"),
        vol.Optional("versions"): _numbers(_hex),
        vol.Optional("media"): _numbers(_hex),
        vol.Optional("records"): _numbers(_number),
        vol.Optional("model"): _text,
    }
)
_QUIRKS: Final = vol.Schema(
    {
        vol.Optional("first_byte_timeout"): _within(_seconds, 0.05, 60),
        vol.Optional("pause"): _within(_seconds, 0, 600),
        vol.Optional("application_reset"): _hex,
        vol.Optional("requests"): _texts(_request),
    }
)
_KEPT: Final = vol.Schema(
    {
        vol.Required("storage"): _within(_number, 1),
        vol.Required("months"): _within(_number, 1),
        vol.Optional("size"): _within(_number, 2),
    }
)
_PROFILE: Final = vol.Schema(
    {
        vol.Required("name"): _text,
        vol.Required("match"): _some(_MATCH),
        vol.Optional("sources"): [{vol.Required("title"): _text, str: _text}],
        vol.Optional("tried"): _text,
        vol.Optional("shortest_period"): _within(_number, 1, _LONGEST_PERIOD),
        vol.Optional("quirks"): _QUIRKS,
        vol.Optional("records"): [dict],
        vol.Optional("blocks"): [_BLOCK],
        vol.Optional("kept"): [_KEPT],
    }
)

_RULE: Final = {item.name for item in fields(ValueRule)}
_FIELDS: Final = {
    "is": "quantity_sent",
    "with": "modifiers_sent",
    "function": "functions",
    "data_field": "data_fields",
    "storage": "storage_sent",
    "tariff": "tariff_sent",
    "subunit": "subunit_sent",
    "as_storage": "storage_number",
    "as_tariff": "tariff",
    "as_subunit": "subunit",
}
"""Fields of an entry that are called otherwise than in a file."""


def profile_from(data: Any, profile_id: str, *, is_own: bool) -> Profile:
    """Return the profile that a file holds. Raises voluptuous.Invalid with the path of what is wrong."""
    checked = _PROFILE(data)
    entries = [
        entry
        for place, item in enumerate(checked.get("records", ()))
        for entry in _entries(item, ["records", place])
    ]
    _check_keys([entry.key for entry in entries], ["records"])
    for place, block in enumerate(checked.get("blocks", ())):
        keys = [WHOLE, *(item["key"] for item in block["fields"])]
        _check_keys(keys, ["blocks", place, "fields"])
    return Profile(
        id=profile_id,
        name=checked["name"],
        matches=tuple(Match(**item) for item in checked["match"]),
        entries=tuple(entries),
        block_fields=tuple(
            _block_field(item, block["length"], profile_id)
            for block in checked.get("blocks", ())
            for item in block["fields"]
        ),
        kept=tuple(Kept(**item) for item in checked.get("kept", ())),
        quirks=Quirks(**checked.get("quirks", {})),
        shortest_period=checked.get("shortest_period"),
        sources=tuple(checked.get("sources", ())),
        tried=checked.get("tried"),
        is_own=is_own,
    )


def _check_keys(keys: Sequence[str], path: list[Any]) -> None:
    """Raise Mistake for a key that two have."""
    for place, key in enumerate(keys):
        if key in keys[:place]:
            raise Mistake("same_key", path, value=key)


def _block_field(
    item: Mapping[str, Any], block_length: int, profile_id: str
) -> BlockField:
    unit = item.get("unit")
    return BlockField(
        offset=item["offset"],
        length=item["length"],
        block_length=block_length,
        interpretation=Interpretation(
            profile=profile_id,
            entry=item["key"],
            signature=Signature(
                quantity=item["quantity"],
                dimension=dimension(unit),
                function=Function.INSTANTANEOUS,
                storage_number=0,
                tariff=0,
                subunit=0,
                modifiers=item.get("modifiers", ()),
            ),
            unit=unit,
            rule=_rule(item),
        ),
    )


def _rule(item: Mapping[str, Any]) -> ValueRule:
    """Return what is said of a value among all that is said of a record or a field."""
    said = {key: item[key] for key in _RULE & item.keys()}
    for pairs in {"data_field_factors", "bits"} & said.keys():
        said[pairs] = tuple(said[pairs].items())
    return ValueRule(**said)


def _entries(item: Mapping[str, Any], path: list[Any]) -> Iterator[Entry]:
    """Check one entry, for each of the numbers that it is written for."""
    for numbers in _each(item.get("for"), path):
        filled = {
            key: _filled(value, numbers) for key, value in item.items() if key != "for"
        }
        try:
            checked = _ENTRY(filled)
        except vol.Invalid as err:
            err.prepend(path)
            raise
        if not checked.keys() & {"vif", "is"}:
            raise Mistake("no_pattern_given", path)
        if "with" in checked and "is" not in checked:
            raise Mistake("with_without_is", [*path, "with"])
        pattern = {
            _FIELDS.get(key, key): value
            for key, value in checked.items()
            if key not in _RULE
        }
        yield Entry(**pattern, rule=_rule(checked))


def _each(value: Any, path: list[Any]) -> Iterator[Mapping[str, str]]:
    """Give the texts to put in the places of the names, one set for each entry."""
    if value is None:
        yield {}
        return
    if not isinstance(value, dict) or not all(
        isinstance(texts, list) and all(isinstance(text, str) for text in texts)
        for texts in value.values()
    ):
        raise Mistake("for_without_lists", [*path, "for"])
    try:
        rows = zip(*value.values(), strict=True)
        for row in rows:
            yield dict(zip(value, row, strict=True))
    except ValueError as err:
        raise Mistake("for_of_lengths", [*path, "for"]) from err


def _filled(value: Any, texts: Mapping[str, str]) -> Any:
    if isinstance(value, list):
        return [_filled(item, texts) for item in value]
    if isinstance(value, dict):
        return {key: _filled(item, texts) for key, item in value.items()}
    for name, text in texts.items():
        value = value.replace(f"{{{name}}}", text)
    return value
