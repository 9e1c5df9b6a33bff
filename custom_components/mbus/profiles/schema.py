"""What a profile file may say, checked; texts are all that comes from the file."""

from collections.abc import Iterator, Mapping
from fractions import Fraction
import re
from typing import Any, Final

from homeassistant.components.sensor import SensorDeviceClass, SensorStateClass
import voluptuous as vol

from ..protocol import Function, Quirks, Signature, dimension
from .block import BlockField
from .codings import CODINGS, CONVERSIONS
from .interpretation import Interpretation
from .profile import Entry, Kept, Match, Profile
from .vocabulary import KNOWN_MODIFIERS, KNOWN_QUANTITIES, KNOWN_UNITS

_ANY: Final = "any"
_LARGEST_FACTOR: Final = 10**30
_LONGEST_PERIOD: Final = 7 * 86400


def _one_of(kind: str, known: Any) -> Any:
    def check(text: Any) -> str:
        if not isinstance(text, str) or text not in known:
            raise vol.Invalid(f"unknown {kind} {text!r}")
        return text

    return check


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise vol.Invalid("a text is needed")
    return value.strip()


def _number(value: Any) -> int:
    try:
        return int(value)
    except (TypeError, ValueError) as err:
        raise vol.Invalid(f"{value!r} is not a whole number") from err


def _hex(value: Any) -> int:
    """Take two hex digits, as version and medium are printed."""
    if not isinstance(value, str) or not re.fullmatch(r"[0-9A-Fa-f]{2}", value):
        raise vol.Invalid(f"{value!r} is not two hex digits")
    return int(value, 16)


def _request(value: Any) -> bytes:
    """Take what a meter is sent, from CI on, as hex digits."""
    try:
        return bytes.fromhex(_text(value))
    except ValueError as err:
        raise vol.Invalid(f"{value!r} is not bytes in hex digits") from err


def _factor(value: Any) -> Fraction:
    try:
        factor = Fraction(value)
    except (TypeError, ValueError, ZeroDivisionError) as err:
        raise vol.Invalid(f"{value!r} is not a number") from err
    if factor == 0:
        raise vol.Invalid("the factor is 0")
    if not 1 / _LARGEST_FACTOR <= abs(factor) <= _LARGEST_FACTOR:
        raise vol.Invalid(f"{value!r} is no factor of a measured value")
    return factor


def _yes_no(value: Any) -> bool:
    if value not in ("true", "false"):
        raise vol.Invalid(f"{value!r} is neither true nor false")
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
        raise vol.Invalid(f"{value!r} is no pattern of hex digits")
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

_MODIFIERS: Final = _texts(_one_of("modifier", KNOWN_MODIFIERS))

_KEY: Final = vol.All(
    _text,
    vol.Match(r"^[a-z][a-z0-9_]*$", msg="a key is a-z, 0-9 and _, a letter first"),
)
_ENTRY: Final = vol.Schema(
    {
        vol.Required("key"): _KEY,
        vol.Optional("vif"): _pattern,
        vol.Optional("is"): _one_of("quantity", KNOWN_QUANTITIES),
        vol.Optional("with"): _texts(_text),
        vol.Optional("function"): _set(_one_of("function", tuple(Function))),
        vol.Optional("data_field"): _numbers(_number),
        vol.Optional("storage"): _numbers(_number),
        vol.Optional("tariff"): _numbers(_number),
        vol.Optional("subunit"): _numbers(_number),
        vol.Optional("nth"): vol.All(_number, vol.Range(min=1)),
        vol.Optional("quantity"): _one_of("quantity", KNOWN_QUANTITIES),
        vol.Optional("modifiers"): _MODIFIERS,
        vol.Optional("as_storage"): _number,
        vol.Optional("as_tariff"): _number,
        vol.Optional("as_subunit"): _number,
        vol.Optional("unit"): _one_of("unit", KNOWN_UNITS),
        vol.Optional("factor"): _factor,
        vol.Optional("data_field_factors"): {_number: _factor},
        vol.Optional("resolution_of"): _one_of("quantity", KNOWN_QUANTITIES),
        vol.Optional("coding"): _one_of("coding", CODINGS),
        vol.Optional("conversion"): _one_of("conversion", CONVERSIONS),
        vol.Optional("no_value"): _set(_number),
        vol.Optional("bits"): {_number: _text},
        vol.Optional("device_class"): _one_of(
            "device class", [*map(str, SensorDeviceClass)]
        ),
        vol.Optional("state_class"): _one_of(
            "state class", [*map(str, SensorStateClass)]
        ),
        vol.Optional("ticked"): _yes_no,
        vol.Optional("certainty"): _one_of("certainty", CERTAINTIES),
    }
)
_FIELD: Final = vol.Schema(
    {
        vol.Required("key"): _KEY,
        vol.Required("offset"): vol.All(_number, vol.Range(min=0)),
        vol.Required("length"): vol.All(_number, vol.Range(min=1)),
        vol.Required("coding"): _one_of("coding", CODINGS),
        vol.Required("quantity"): _one_of("quantity", KNOWN_QUANTITIES),
        vol.Optional("modifiers"): _MODIFIERS,
        vol.Optional("unit"): _one_of("unit", KNOWN_UNITS),
        vol.Optional("factor"): _factor,
        vol.Optional("no_value"): _set(_number),
        vol.Optional("bits"): {_number: _text},
        vol.Optional("device_class"): _one_of(
            "device class", [*map(str, SensorDeviceClass)]
        ),
        vol.Optional("state_class"): _one_of(
            "state class", [*map(str, SensorStateClass)]
        ),
        vol.Optional("ticked"): _yes_no,
        vol.Optional("certainty"): _one_of("certainty", CERTAINTIES),
    }
)
_BLOCK: Final = vol.Schema(
    {
        vol.Required("length"): vol.All(_number, vol.Range(min=1)),
        vol.Required("fields"): vol.All([_FIELD], vol.Length(min=1)),
    }
)
_MATCH: Final = vol.Schema(
    {
        vol.Required("manufacturer"): vol.All(
            _text, vol.Match(r"^[A-Z@0-9]{3,4}$", msg="a manufacturer is three letters")
        ),
        vol.Optional("versions"): _numbers(_hex),
        vol.Optional("media"): _numbers(_hex),
        vol.Optional("records"): _numbers(_number),
        vol.Optional("model"): _text,
    }
)
_QUIRKS: Final = vol.Schema(
    {
        vol.Optional("first_byte_timeout"): vol.All(
            vol.Coerce(float), vol.Range(min=0.05, max=60)
        ),
        vol.Optional("pause"): vol.All(vol.Coerce(float), vol.Range(min=0, max=600)),
        vol.Optional("application_reset"): _hex,
        vol.Optional("requests"): _texts(_request),
    }
)
_KEPT: Final = vol.Schema(
    {
        vol.Required("storage"): vol.All(_number, vol.Range(min=1)),
        vol.Required("months"): vol.All(_number, vol.Range(min=1)),
        vol.Optional("size"): vol.All(_number, vol.Range(min=2)),
    }
)
_PROFILE: Final = vol.Schema(
    {
        vol.Required("name"): _text,
        vol.Required("match"): vol.All([_MATCH], vol.Length(min=1)),
        vol.Optional("sources"): [{vol.Required("title"): _text, str: _text}],
        vol.Optional("tried"): _text,
        vol.Optional("shortest_period"): vol.All(
            _number, vol.Range(min=1, max=_LONGEST_PERIOD)
        ),
        vol.Optional("quirks"): _QUIRKS,
        vol.Optional("records"): [vol.Any(dict)],
        vol.Optional("blocks"): [_BLOCK],
        vol.Optional("kept"): [_KEPT],
    }
)

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
    for place, entry in enumerate(entries):
        if entry.key in {earlier.key for earlier in entries[:place]}:
            raise vol.Invalid(f"two records have the key {entry.key}", ["records"])
    return Profile(
        id=profile_id,
        name=checked["name"],
        matches=tuple(_match(item) for item in checked["match"]),
        entries=tuple(entries),
        block_fields=tuple(
            _block_field(item, block["length"], profile_id)
            for block in checked.get("blocks", ())
            for item in block["fields"]
        ),
        kept=tuple(Kept(**item) for item in checked.get("kept", ())),
        quirks=_quirks(checked.get("quirks", {})),
        shortest_period=checked.get("shortest_period"),
        sources=tuple(checked.get("sources", ())),
        tried=checked.get("tried"),
        is_own=is_own,
    )


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
            factor=item.get("factor", Fraction(1)),
            coding=item["coding"],
            no_value=item.get("no_value", frozenset()),
            bits=tuple(item.get("bits", {}).items()),
            device_class=item.get("device_class"),
            state_class=item.get("state_class"),
            ticked=item.get("ticked"),
        ),
    )


def _quirks(item: Mapping[str, Any]) -> Quirks:
    try:
        return Quirks(**item)
    except ValueError as err:
        raise vol.Invalid(str(err), ["quirks"]) from err


def _match(item: Mapping[str, Any]) -> Match:
    return Match(**item)


def _entries(item: Mapping[str, Any], path: list[Any]) -> Iterator[Entry]:
    """Check one entry, for each of the numbers that it is written for."""
    for numbers in _each(item.get("for"), path):
        filled = {
            key: _filled(value, numbers) for key, value in item.items() if key != "for"
        }
        try:
            checked = _ENTRY(filled)
        except vol.MultipleInvalid as err:
            first = err.errors[0]
            raise vol.Invalid(first.error_message, path + first.path) from err
        if not checked.keys() & {"vif", "is"}:
            raise vol.Invalid("an entry needs `vif` or `is`", path)
        if "with" in checked and "is" not in checked:
            raise vol.Invalid("`with` goes with `is`", [*path, "with"])
        for pairs in {"data_field_factors", "bits"} & checked.keys():
            checked[pairs] = tuple(checked[pairs].items())
        yield Entry(**{_FIELDS.get(key, key): value for key, value in checked.items()})


def _each(value: Any, path: list[Any]) -> Iterator[Mapping[str, str]]:
    """Give the texts to put in the places of the names, one set for each entry."""
    if value is None:
        yield {}
        return
    if not isinstance(value, dict) or not all(
        isinstance(texts, list) and all(isinstance(text, str) for text in texts)
        for texts in value.values()
    ):
        raise vol.Invalid("`for` gives a list for each name", [*path, "for"])
    try:
        rows = zip(*value.values(), strict=True)
        for row in rows:
            yield dict(zip(value, row, strict=True))
    except ValueError as err:
        raise vol.Invalid("lists of one length are needed", [*path, "for"]) from err


def _filled(value: Any, texts: Mapping[str, str]) -> Any:
    if isinstance(value, list):
        return [_filled(item, texts) for item in value]
    if isinstance(value, dict):
        return {key: _filled(item, texts) for key, item in value.items()}
    for name, text in texts.items():
        value = value.replace(f"{{{name}}}", text)
    return value
