"""Checks of single values in a profile file: each takes what the file says and returns what that means. They raise Mistake."""

from collections.abc import Callable, Collection
from difflib import get_close_matches
from fractions import Fraction
from math import inf
import re
from typing import Any, Final

import voluptuous as vol

from ..protocol import MODIFIER_PREFIXES, MODIFIERS
from .interpretation import exactly
from .mistake import Mistake

_ANY: Final = "any"
_LONGEST_REQUEST: Final = 253
_LARGEST_FACTOR: Final = 10**30
_PATTERN: Final = re.compile(r"([0-9a-fx]{2}|\(([0-9a-fx]{2})+\))+")
_MOST_OPTIONAL_PARTS: Final = 8
_ALIKE: Final = 0.5


def one_of(known: Collection[str]) -> Any:
    """Take a word that is known."""

    def check(value: Any) -> str:
        if isinstance(value, str) and value in known:
            return value
        if like := get_close_matches(str(value), known, 1, _ALIKE):
            raise Mistake("unknown_word_like", value=value, like=like[0])
        raise Mistake("unknown_word", value=value)

    return check


def sent_modifier(value: Any) -> str:
    """Take a modifier that the standard's tables give, or name after a code."""
    if isinstance(value, str) and value.startswith(MODIFIER_PREFIXES):
        return value
    return str(one_of(MODIFIERS)(value))


def words(value: Any) -> str:
    """Take a text that isn't empty."""
    if not isinstance(value, str) or not value.strip():
        raise Mistake("text_needed")
    return value.strip()


def whole(value: Any) -> int:
    """Take a whole number."""
    try:
        return int(value)
    except (TypeError, ValueError) as err:
        raise Mistake("no_whole_number", value=value) from err


def within(number: Callable[[Any], float], least: float, most: float = inf) -> Any:
    """Take a number within limits."""

    def check(value: Any) -> float:
        checked = number(value)
        if not checked >= least:
            raise Mistake("too_small", value=value, least=least)
        if checked > most:
            raise Mistake("too_large", value=value, most=most)
        return checked

    return check


def seconds(value: Any) -> float:
    """Take a duration."""
    try:
        return float(value)
    except (TypeError, ValueError) as err:
        raise Mistake("no_number", value=value) from err


def some(item: Any) -> Any:
    """Take a list that has something in it."""

    def check(items: Any) -> Any:
        if not items:
            raise Mistake("list_empty")
        return items

    return vol.All([item], check)


def matching(pattern: str, key: str) -> Any:
    """Take a text of a certain form; `key` says what is wrong with any other."""

    def check(value: Any) -> str:
        if not re.fullmatch(pattern, text := words(value)):
            raise Mistake(key, value=text)
        return text

    return check


def byte(value: Any) -> int:
    """Take two hex digits, as version and medium are printed."""
    if not isinstance(value, str) or not re.fullmatch(r"[0-9A-Fa-f]{2}", value):
        raise Mistake("no_hex_digits", value=value)
    return int(value, 16)


def request(value: Any) -> bytes:
    """Take what a meter is sent, from CI on, as hex digits."""
    try:
        data = bytes.fromhex(words(value))
    except ValueError as err:
        raise Mistake("no_request", value=value, most=_LONGEST_REQUEST) from err
    if len(data) > _LONGEST_REQUEST:
        raise Mistake("no_request", value=value, most=_LONGEST_REQUEST)
    return data


def fraction(value: Any) -> Fraction:
    """Take a number exactly as it is written."""
    try:
        return exactly(value)
    except ValueError as err:
        raise Mistake("no_number", value=value) from err


def factor(value: Any) -> Fraction:
    """Take what a measured value can be multiplied by."""
    if (number := fraction(value)) == 0:
        raise Mistake("factor_zero")
    if not 1 / _LARGEST_FACTOR <= abs(number) <= _LARGEST_FACTOR:
        raise Mistake("no_factor", value=value)
    return number


def yes_no(value: Any) -> bool:
    """Take `true` or `false`."""
    if value not in ("true", "false"):
        raise Mistake("neither_true_nor_false", value=value)
    return bool(value == "true")


def numbers(number: Any) -> Any:
    """Take one number, several, or `any`."""

    def check(value: Any) -> frozenset[int] | None:
        if value == _ANY:
            return None
        return frozenset(map(number, value if isinstance(value, list) else [value]))

    return check


def pattern(value: Any) -> re.Pattern[str]:
    """Take bytes as hex digits; `x` stands for any digit, what is in parentheses may be missing."""
    text = re.sub(r"\s", "", words(value)).lower()
    if not _PATTERN.fullmatch(text) or text.count("(") > _MOST_OPTIONAL_PARTS:
        raise Mistake("no_pattern", value=value)
    text = text.replace("x", "[0-9a-f]").replace("(", "(?:").replace(")", ")?")
    return re.compile(text)


def several(check: Any) -> Any:
    """Take one, or a list of them, in their order."""

    def take(value: Any) -> tuple[Any, ...]:
        return tuple(map(check, value if isinstance(value, list) else [value]))

    return take


def any_of(check: Any) -> Any:
    """Take one, or a list of them, in any order."""

    def take(value: Any) -> frozenset[Any]:
        return frozenset(several(check)(value))

    return take
