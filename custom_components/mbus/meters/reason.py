"""Why there is no value: what is shown of it is made where it is shown, in the language of whoever reads it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from homeassistant.exceptions import TemplateError

from ..protocol import MBusError, Problem

_LONGEST: Final = 40


@dataclass(frozen=True, slots=True)
class Reason:
    """A key of the translations' `reason` and the facts that belong into its text; a fact may be a reason itself."""

    key: str
    facts: Mapping[str, Any] = field(default_factory=dict, hash=False)


type Why = Reason | Problem | MBusError
"""All that is told as a reason: the integration's own, what is wrong with data, and what a transaction failed of."""


def why(error: Exception) -> Why:
    """Return what an error says that code of others may raise: what it says is a fact."""
    match error:
        case MBusError():
            return error
        case TemplateError():
            return Reason("template_failed", {"error": str(error)})
    return Reason("not_computed", {"error": str(error) or type(error).__name__})


def spelt(value: Any) -> str:
    """Return a value as a reason names it: a text is told from a number, bytes are hex digits, and a long one is cut."""
    match value:
        case str():
            text = repr(value)
        case bytes():
            text = value.hex(" ").upper()
        case _:
            text = str(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
