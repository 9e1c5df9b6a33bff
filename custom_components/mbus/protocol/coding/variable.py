"""Data of variable length, which begin with their own length code LVAR (EN 13757-3, data field D)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from ..problems import NO_DATA
from .numeric import Integer, Real, decode_bcd
from .texts import Digits
from .values import (
    UNSCALED,
    EncodeError,
    InvalidValueError,
    Limits,
    Scale,
    Value,
    spelt,
)

_TEXT: Final = 0xC0  # below it: that many characters
_NEGATIVE_BCD: Final = 0xD0
_BINARY: Final = 0xE0
_LARGE_BINARY: Final = {
    0xF0: 16,
    0xF1: 20,
    0xF2: 24,
    0xF3: 28,
    0xF4: 32,
    0xF5: 48,
    0xF6: 64,
}
_LARGEST_NUMBER: Final = 8
_LARGEST_BCD: Final = 9

# Some meters send a real number of this length, which no edition defines so.
REALS: Final = {0xF4: 4, 0xF8: 8}


def variable_length(lvar: int) -> int | None:
    """Count the bytes that follow an LVAR; None for a reserved code."""
    if lvar < _TEXT:
        return lvar
    return lvar & 0x0F if lvar < 0xF0 else _LARGE_BINARY.get(lvar)


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """A text, number or bytes, as the LVAR says.

    A number is scaled. `opaque`: what would be a text is bytes. `moment`: what would be a binary
    number is type M, whose layout is not known. `identifier`: a BCD number keeps its zeros.
    """

    integer: Callable[[int, Scale], Integer]
    scale: Scale = UNSCALED
    opaque: bool = False
    moment: bool = False
    identifier: bool = False
    limits: Limits | None = None

    def decode(self, data: bytes) -> Value:
        """Read the LVAR and what follows it."""
        lvar, content = data[0], data[1:]
        if not content:
            raise InvalidValueError(NO_DATA)
        if lvar < _TEXT:
            return content if self.opaque else content[::-1].decode("latin-1")
        if lvar < _BINARY:
            if self.identifier:
                return Digits(length=len(content)).decode(content)
            number = decode_bcd(content)
            return self.scale.apply(-abs(number) if lvar >= _NEGATIVE_BCD else number)
        if REALS.get(lvar) == len(content):
            return Real(length=len(content), scale=self.scale).decode(content)
        if self.moment or len(content) > _LARGEST_NUMBER:
            return content
        return self.integer(len(content), self.scale).decode(content)

    def encode(self, value: Value) -> bytes:
        """Write a text as text, bytes as bytes and a number as BCD."""
        if isinstance(value, str) and not (self.opaque or self.moment):
            try:
                content = value.encode("latin-1")[::-1]
            except UnicodeEncodeError as err:
                raise EncodeError("no_such_characters", value=spelt(value)) from err
        elif isinstance(value, bytes) and self.opaque:
            content = value
        elif self.opaque or self.moment:
            raise EncodeError("not_sendable", value=spelt(value))
        else:
            return self._encode_number(value)
        if len(content) >= _TEXT:
            raise EncodeError(
                "text_too_long", length=str(len(content)), most=str(_TEXT - 1)
            )
        return bytes((len(content),)) + content

    def _encode_number(self, value: Value) -> bytes:
        largest = 10 ** (2 * _LARGEST_BCD) - 1
        raw = self.scale.invert_whole(value, -largest, largest)
        digits = f"{abs(raw):d}"
        digits = digits.zfill(len(digits) + len(digits) % 2)
        lvar = (_NEGATIVE_BCD if raw < 0 else _TEXT) + len(digits) // 2
        return bytes((lvar,)) + bytes.fromhex(digits)[::-1]
