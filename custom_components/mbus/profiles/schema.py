"""What a profile file may say, checked; texts are all that comes from the file."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from typing import Any, Final

from homeassistant.components.sensor import SensorDeviceClass, SensorStateClass
import voluptuous as vol

from ..protocol import QUANTITIES, Function, Quirks, Signature, dimension
from .block import WHOLE, BlockField
from .checks import (
    any_of,
    byte,
    factor,
    fraction,
    matching,
    numbers,
    one_of,
    pattern,
    request,
    seconds,
    sent_modifier,
    several,
    some,
    whole,
    within,
    words,
    yes_no,
)
from .codings import CODINGS, CONVERSIONS
from .interpretation import Interpretation, ValueRule
from .mistake import Mistake
from .profile import Entry, Kept, Match, Profile
from .vocabulary import KNOWN_MODIFIERS, KNOWN_QUANTITIES, KNOWN_UNITS

_LONGEST_PERIOD: Final = 7 * 86400
_LONGEST_BLOCK: Final = 253

CERTAINTIES: Final = ("documented", "cited", "seen")
"""Stands in the maker's document; in another project that cites it; seen in captures and checked by numbers."""

_MODIFIERS: Final = several(one_of(KNOWN_MODIFIERS))
_DATA_FIELD: Final = within(whole, 0, 15)
_BIT: Final = within(whole, 0, _LONGEST_BLOCK * 8 - 1)
_HEADER_NUMBER: Final = within(whole, 0, 2**41)

_DEVICE_CLASSES: Final = frozenset(SensorDeviceClass) - {SensorDeviceClass.ENUM}
_KEY: Final = matching("[a-z][a-z0-9_]*", "no_key")
_VALUE: Final = {
    vol.Optional("factor"): factor,
    vol.Optional("no_value"): any_of(fraction),
    vol.Optional("bits"): {_BIT: words},
    vol.Optional("device_class"): one_of(_DEVICE_CLASSES),
    vol.Optional("state_class"): one_of([*map(str, SensorStateClass)]),
    vol.Optional("ticked"): yes_no,
}
"""What may be said of a value, that of a record and that in a block alike."""
_ENTRY: Final = vol.Schema(
    {
        **_VALUE,
        vol.Required("key"): _KEY,
        vol.Optional("vif"): pattern,
        vol.Optional("is"): one_of(QUANTITIES),
        vol.Optional("with"): any_of(sent_modifier),
        vol.Optional("function"): any_of(one_of([*Function])),
        vol.Optional("data_field"): numbers(_DATA_FIELD),
        vol.Optional("storage"): numbers(_HEADER_NUMBER),
        vol.Optional("tariff"): numbers(_HEADER_NUMBER),
        vol.Optional("subunit"): numbers(_HEADER_NUMBER),
        vol.Optional("nth"): within(whole, 1),
        vol.Optional("quantity"): one_of(KNOWN_QUANTITIES),
        vol.Optional("modifiers"): _MODIFIERS,
        vol.Optional("as_storage"): _HEADER_NUMBER,
        vol.Optional("as_tariff"): _HEADER_NUMBER,
        vol.Optional("as_subunit"): _HEADER_NUMBER,
        vol.Optional("unit"): one_of(KNOWN_UNITS),
        vol.Optional("data_field_factors"): {_DATA_FIELD: factor},
        vol.Optional("resolution_of"): one_of(QUANTITIES),
        vol.Optional("coding"): one_of(CODINGS),
        vol.Optional("conversion"): one_of(CONVERSIONS),
        vol.Optional("certainty"): one_of(CERTAINTIES),
    }
)
_FIELD: Final = vol.Schema(
    {
        **_VALUE,
        vol.Required("key"): _KEY,
        vol.Required("offset"): within(whole, 0),
        vol.Required("length"): within(whole, 1, _LONGEST_BLOCK),
        vol.Required("coding"): one_of(CODINGS),
        vol.Required("quantity"): one_of(KNOWN_QUANTITIES),
        vol.Optional("modifiers"): _MODIFIERS,
        vol.Optional("unit"): one_of(KNOWN_UNITS),
        vol.Optional("certainty"): one_of(CERTAINTIES),
    }
)
_BLOCK: Final = vol.Schema(
    {
        vol.Required("length"): within(whole, 1, _LONGEST_BLOCK),
        vol.Required("fields"): some(_FIELD),
    }
)
_MATCH: Final = vol.Schema(
    {
        vol.Required("manufacturer"): matching("[A-Z@0-9]{3,4}", "no_manufacturer"),
        vol.Optional("versions"): numbers(byte),
        vol.Optional("media"): numbers(byte),
        vol.Optional("records"): numbers(whole),
        vol.Optional("model"): words,
    }
)
_QUIRKS: Final = vol.Schema(
    {
        vol.Optional("first_byte_timeout"): within(seconds, 0.05, 60),
        vol.Optional("pause"): within(seconds, 0, 600),
        vol.Optional("application_reset"): byte,
        vol.Optional("requests"): several(request),
    }
)
_KEPT: Final = vol.Schema(
    {
        vol.Required("storage"): within(whole, 1, 2**41),
        vol.Required("months"): within(whole, 1, 120),
        vol.Optional("size"): within(whole, 2, 1000),
    }
)
_PROFILE: Final = vol.Schema(
    {
        vol.Required("name"): words,
        vol.Required("match"): some(_MATCH),
        vol.Optional("sources"): [{vol.Required("title"): words, str: words}],
        vol.Optional("tried"): words,
        vol.Optional("shortest_period"): within(whole, 1, _LONGEST_PERIOD),
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
    _check_blocks(checked.get("blocks", ()))
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


def _check_blocks(blocks: Sequence[Mapping[str, Any]]) -> None:
    """Raise Mistake for a field that nobody would ever see."""
    _check_keys([str(block["length"]) for block in blocks], ["blocks"])
    for place, block in enumerate(blocks):
        path = ["blocks", place, "fields"]
        _check_keys([WHOLE, *(item["key"] for item in block["fields"])], path)
        for number, item in enumerate(block["fields"]):
            if (end := item["offset"] + item["length"]) > block["length"]:
                where = [*path, number, "length"]
                raise Mistake("past_block", where, value=end, most=block["length"])


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
    """Check one entry, for each set of texts that it is written for."""
    for texts in _each(item.get("for"), path):
        filled = {
            key: _filled(value, texts) for key, value in item.items() if key != "for"
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
        if "resolution_of" in checked and "unit" not in checked:
            raise Mistake("unit_needed", [*path, "resolution_of"])
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
    if (
        not isinstance(value, dict)
        or not value
        or not all(
            isinstance(texts, list)
            and texts
            and all(isinstance(text, str) for text in texts)
            for texts in value.values()
        )
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
