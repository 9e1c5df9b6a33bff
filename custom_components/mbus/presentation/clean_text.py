"""Texts of meters for people to read: nothing in them steers how they, or what is around them, are shown."""

import re
from typing import Final

_STEERING: Final = re.compile(
    # Control characters, ends of lines and paragraphs, and marks that turn the direction of writing.
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]"
)
_REPLACEMENT: Final = "\ufffd"
_FILLER: Final = "\0"


def clean_text(text: str) -> str:
    """Return a text without what a meter fills it up with, and with a mark in place of each character that steers."""
    return _STEERING.sub(_REPLACEMENT, text.strip(_FILLER))
