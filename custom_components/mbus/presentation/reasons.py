"""Why there is no value or no answer, in the language of Home Assistant."""

import re
from typing import Any

from ..protocol import (
    LinkNotFoundError,
    MBusError,
    NoisyLineError,
    NoWayError,
    OtherMeterError,
    Problem,
)
from .texts import Texts, option_key
from .titles import identity_text


def error_text(error: MBusError, texts: Texts) -> str:
    """Return what went wrong; what has no text, such as what the system says, stays as it is."""
    if isinstance(error, NoWayError):
        return "; ".join(error_text(one, texts) for one in error.errors)
    text = texts.get(option_key("error", _key(error)))
    return text.format_map(_facts(error, texts)) if text else str(error)


def problem_text(problem: Problem, texts: Texts) -> str:
    """Return why a record has no value or a telegram no more records."""
    text = texts.get(option_key("problem", problem.key))
    return text.format_map(problem.facts) if text else str(problem)


def _key(error: MBusError) -> str:
    """Return the name of an error's class as it stands in the translations."""
    name = type(error).__name__.removesuffix("Error")
    key = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
    return f"{key}_{error.kind}" if isinstance(error, LinkNotFoundError) else key


def _facts(error: MBusError, texts: Texts) -> dict[str, Any]:
    """Return what the text names."""
    facts = {
        name: f"{value:g}" if isinstance(value, float) else value
        for name, value in vars(error).items()
    }
    if isinstance(error, OtherMeterError):
        facts["found"] = identity_text(error.found, texts, error.expected)
    if isinstance(error, NoisyLineError):
        facts["noise"] = error.shown
    return facts
