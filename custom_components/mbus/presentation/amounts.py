"""Numbers as people write them in the language of Home Assistant."""

from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from .clean_text import clean_text
from .display import value_text
from .texts import Texts, option_key

_PATTERN: Final = option_key("number", "pattern")


def number_text(number: float | Decimal, texts: Texts) -> str:
    """Return a number without the digits that only a float's rounding adds."""
    text = f"{number:,.15g}" if isinstance(number, float) else f"{number:,}"
    pattern = texts[_PATTERN]
    return text.translate({ord(","): pattern[1], ord("."): pattern[-2]})


def amount_text(value: Any, unit: str | None, texts: Texts) -> str:
    """Return a value, of a number with its unit; a dash stands for none."""
    match value:
        case None:
            return "–"
        case datetime():
            return value.isoformat(" ")
        case int() | float() | Decimal() if not isinstance(value, bool):
            text = number_text(value, texts)
            return f"{text} {clean_text(unit)}" if unit else text
    return value_text(value)
