"""What a meter in a file has to be like, before any of it is stored: as the dialogs would have stored it."""

from collections.abc import Mapping
import math
from typing import Any, Final

from homeassistant.const import CONF_ADDRESS, CONF_NAME, CONF_TYPE
import voluptuous as vol

from ..const import (
    CONF_ACCESS,
    CONF_BINDINGS,
    CONF_HAS_BATTERY,
    CONF_IDENTITY,
    CONF_INDEX,
    CONF_MEDIUM,
    CONF_METER_CLOCK,
    CONF_ON_DEMAND,
    CONF_PERIOD,
    CONF_PROFILE,
    CONF_PROFILE_QUIRKS,
    CONF_QUIRKS,
    CONF_SHORTEST_PERIOD,
    CONF_TELEGRAM,
    CONF_TITLE,
    CONF_TRANSFORMATIONS,
    CONF_VERSION,
    METER_CLOCK_STANDARD,
    METER_CLOCK_SUMMER,
)
from ..flows.fields import DAY
from ..flows.step_forms import STEP_FORMS
from ..meters.binding import OUTDATED, Access
from ..protocol import Function, parse_address

CONF_AREA: Final = "area"


def _number(value: Any) -> float:
    """Validate a finite number; no truth value is one."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise vol.Invalid("a number is expected")
    try:
        if math.isfinite(value):
            return value
    except OverflowError:
        pass
    raise vol.Invalid("a finite number is expected")


def _whole(lowest: int, highest: int) -> vol.All:
    def whole(value: float) -> int:
        if value != int(value):
            raise vol.Invalid("a whole number is expected")
        return int(value)

    return vol.All(_number, vol.Range(lowest, highest), whole)


def _hex(value: Any) -> str:
    """Validate hex digits, as text."""
    try:
        return bytes.fromhex(value).hex()
    except TypeError as err:
        raise vol.Invalid("hex digits are expected") from err


def _address(value: Any) -> Any:
    """Validate an address, a number or text."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise vol.Invalid("an address is expected")
    parse_address(str(value))
    return value


def _step(value: Any) -> Any:
    """Validate a step of a transformation by the form that it is entered in."""
    kind = value.get(CONF_TYPE) if isinstance(value, Mapping) else None
    if not isinstance(kind, str) or kind not in STEP_FORMS:
        raise vol.Invalid("a step is expected", path=[CONF_TYPE])
    entered = {key: one for key, one in value.items() if key not in ("id", CONF_TYPE)}
    for one in entered.values():
        if isinstance(one, float):
            _number(one)
    if STEP_FORMS[kind](entered) != entered:
        raise vol.Invalid("what the form gives is expected")
    return value


_TEXT: Final = vol.All(str, vol.Length(min=1))
_MAYBE_TEXT: Final = vol.Maybe(str)
_BYTE: Final = _whole(0, 255)
_COUNT: Final = _whole(0, 2**41)
"""No storage number, tariff or subunit is higher, nor any place in a readout (EN 13757-3, DIFE)."""


def _schema(known: Mapping[vol.Marker, Any]) -> vol.Schema:
    """Return a schema of what is known; what another release knows beside it is left where it is."""
    return vol.Schema(known, extra=vol.ALLOW_EXTRA)


_SIGNATURE: Final = vol.Schema(
    {
        vol.Required("quantity"): _TEXT,
        vol.Required("dimension"): _MAYBE_TEXT,
        vol.Required("function"): vol.All(str, vol.Coerce(Function), str),
        vol.Required("storage_number"): _COUNT,
        vol.Required("tariff"): _COUNT,
        vol.Required("subunit"): _COUNT,
        vol.Required("modifiers"): [str],
    }
)
_INTERPRETATION: Final = _schema(
    {
        vol.Required("profile"): str,
        vol.Required("entry"): str,
        vol.Required("signature"): _SIGNATURE,
        vol.Required("unit"): _MAYBE_TEXT,
        vol.Required("factor"): str,
        vol.Required("data_field_factors"): {str: str},
        vol.Required("resolution_of"): _MAYBE_TEXT,
        vol.Required("coding"): _MAYBE_TEXT,
        vol.Required("conversion"): _MAYBE_TEXT,
        vol.Required("no_value"): [vol.Any(_number, _TEXT)],
        vol.Required("bits"): {str: str},
        vol.Required("device_class"): _MAYBE_TEXT,
        vol.Required("state_class"): _MAYBE_TEXT,
    }
)
_BINDING: Final = _schema(
    {
        vol.Required(CONF_NAME): _TEXT,
        vol.Required(CONF_TELEGRAM): _COUNT,
        vol.Optional(CONF_INDEX): _COUNT,
        vol.Optional(CONF_TITLE): _MAYBE_TEXT,
        vol.Optional(CONF_ACCESS): vol.In([*Access]),
        vol.Optional("signature"): vol.Maybe(_SIGNATURE),
        vol.Optional("unit"): _MAYBE_TEXT,
        vol.Optional("header"): _hex,
        vol.Optional("layout"): _MAYBE_TEXT,
        vol.Optional("ordinal"): _COUNT,
        vol.Optional("interpretation"): vol.Maybe(_INTERPRETATION),
        vol.Optional("block"): _schema(
            {
                vol.Required("interpretation"): _INTERPRETATION,
                vol.Required("offset"): _BYTE,
                vol.Required("length"): vol.Maybe(_BYTE),
                vol.Required("block_length"): vol.Maybe(_BYTE),
            }
        ),
        vol.Optional("presentation"): _schema(
            {
                vol.Optional("device_class"): _MAYBE_TEXT,
                vol.Optional("unit"): _MAYBE_TEXT,
                vol.Optional("state_class"): _MAYBE_TEXT,
                vol.Optional("precision"): vol.Maybe(_whole(0, 15)),
            }
        ),
        vol.Optional(CONF_TRANSFORMATIONS): [_step],
        vol.Optional(OUTDATED): bool,
        vol.Optional("writing"): _schema(
            {
                vol.Optional("minimum"): _number,
                vol.Optional("maximum"): _number,
                vol.Optional("template"): str,
            }
        ),
    }
)
_QUIRKS: Final = _schema(
    {
        vol.Optional("reset"): vol.In(("before_each_read", "never")),
        vol.Optional("ignore_more_records"): bool,
        vol.Optional("first_byte_timeout"): vol.Maybe(
            vol.All(_number, vol.Range(0.05, 60))
        ),
        vol.Optional("pause"): vol.All(_number, vol.Range(0, 600)),
        vol.Optional("application_reset"): vol.Maybe(_BYTE),
        vol.Optional("usual_application"): bool,
        vol.Optional("initial_frames"): [_hex],
        vol.Optional("requests"): [_hex],
        vol.Optional("ring"): vol.Maybe(_whole(1, 0xFFFF)),
        vol.Optional("keeps_frame_count"): vol.Maybe(bool),
    }
)


def _names_once(bindings: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Validate that no two bindings have one name: by it, each is told of."""
    names = set[str]()
    for number, binding in enumerate(bindings):
        if binding[CONF_NAME] in names:
            raise vol.Invalid("a name of its own is expected", path=[number, CONF_NAME])
        names.add(binding[CONF_NAME])
    return bindings


METER: Final = _schema(
    {
        vol.Required(CONF_NAME): vol.All(str, vol.Strip, vol.Length(min=1)),
        vol.Required(CONF_AREA): vol.Maybe(vol.All(_TEXT, vol.Match(r"\S"))),
        vol.Required(CONF_ADDRESS): _address,
        vol.Optional(CONF_IDENTITY): vol.Maybe(
            vol.Schema(
                {
                    vol.Required("identification"): _TEXT,
                    vol.Required("manufacturer"): _MAYBE_TEXT,
                    vol.Optional("fabrication_number"): _MAYBE_TEXT,
                }
            )
        ),
        vol.Optional(CONF_VERSION): vol.Maybe(_BYTE),
        vol.Optional(CONF_MEDIUM): vol.Maybe(_BYTE),
        vol.Optional(CONF_PERIOD): vol.Maybe(
            vol.All(_number, vol.Range(1000, 7 * DAY))
        ),
        vol.Optional(CONF_SHORTEST_PERIOD): vol.Maybe(
            vol.All(_number, vol.Range(0, 366 * DAY / 1000))
        ),
        vol.Optional(CONF_HAS_BATTERY): bool,
        vol.Optional(CONF_ON_DEMAND): bool,
        vol.Optional(CONF_PROFILE): str,
        vol.Optional(CONF_METER_CLOCK): vol.In(
            (METER_CLOCK_STANDARD, METER_CLOCK_SUMMER)
        ),
        vol.Optional(CONF_QUIRKS): _QUIRKS,
        vol.Optional(CONF_PROFILE_QUIRKS): vol.Maybe(_QUIRKS),
        vol.Required(CONF_BINDINGS): vol.All([_BINDING], _names_once),
    }
)
"""One meter of a file, as it is stored, with its name and its area but without the ids of its bindings."""
