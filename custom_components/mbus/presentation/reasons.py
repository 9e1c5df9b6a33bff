"""Why there is no value or no answer, in the language of Home Assistant."""

from typing import Final

from ..protocol import (
    CollisionError,
    DamagedReplyError,
    ForeignReplyError,
    MBusError,
    MeterError,
    NoDataError,
    NoReplyError,
    OtherMeterError,
)
from .texts import Texts, option_key
from .titles import identity_text

_METER_ERRORS: Final[dict[type[MeterError], str]] = {
    CollisionError: "collision",
    DamagedReplyError: "damaged_reply",
    ForeignReplyError: "foreign_reply",
    NoDataError: "no_data",
    NoReplyError: "no_reply",
    OtherMeterError: "other_meter",
}


def error_text(error: MBusError, texts: Texts) -> str:
    """Return what went wrong; what the system says of a link stays as it is."""
    if not isinstance(error, MeterError) or type(error) not in _METER_ERRORS:
        return str(error)
    key = _METER_ERRORS[type(error)]
    if isinstance(error, CollisionError) and isinstance(error.address, int):
        key = "collision_at_primary_address"
    facts = {"address": str(error.address)}
    if isinstance(error, OtherMeterError):
        facts["found"] = identity_text(error.found, texts)
    return texts[option_key("error", key)].format_map(facts)


def problem_text(problem: str, texts: Texts) -> str:
    """Return why a record has no value; what has no text is said as the protocol says it."""
    key = option_key("problem", getattr(problem, "key", problem))
    return texts.get(key, problem)
