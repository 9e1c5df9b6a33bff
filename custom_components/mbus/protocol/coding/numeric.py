"""Numbers in the data of a record (EN 13757-3, data types A, B, C, D and H)."""

from dataclasses import dataclass, replace
import math
import struct
from typing import Final

from ..problems import NO_DATA, NOT_AVAILABLE
from .values import (
    UNSCALED,
    EncodeError,
    InvalidValueError,
    Limits,
    Number,
    Scale,
    Value,
    spelt,
)

_SINGLE: Final = struct.Struct("<f")
_REALS: Final = {4: _SINGLE, 8: struct.Struct("<d")}
_LARGEST_SINGLE: Final = 3.4028234663852886e38


@dataclass(frozen=True, slots=True, kw_only=True)
class Integer:
    """Types B (signed), C (unsigned) and D (bits); they differ in what stands for "no value"."""

    length: int
    signed: bool
    invalid: frozenset[int] = frozenset()
    doubtful: frozenset[int] = frozenset()
    scale: Scale = UNSCALED

    def decode(self, data: bytes) -> Number:
        """Read a whole number and scale it."""
        raw = int.from_bytes(data, "little", signed=self.signed)
        if raw in self.invalid:
            raise InvalidValueError(NOT_AVAILABLE)
        value = self.scale.apply(raw)
        if raw in self.doubtful:
            raise InvalidValueError("all_bits_set", value)
        return value

    def encode(self, value: Value) -> bytes:
        """Write a number within the limits that is a multiple of the step."""
        raw = self.scale.invert_whole(value, *self._range)
        if raw in self.invalid:
            raise EncodeError("means_no_value", value=spelt(value))
        return raw.to_bytes(self.length, "little", signed=self.signed)

    @property
    def limits(self) -> Limits:
        """The range without the ends that stand for "no value"."""
        return self.scale.limits(*self._range)

    @property
    def _range(self) -> tuple[int, int]:
        bits = 8 * self.length - self.signed
        minimum, maximum = -(1 << bits) if self.signed else 0, (1 << bits) - 1
        return minimum + (minimum in self.invalid), maximum - (maximum in self.invalid)


def signed_integer(length: int, scale: Scale = UNSCALED) -> Integer:
    """Type B: only the top bit set is no value."""
    invalid = frozenset({-1 << 8 * length - 1})
    return Integer(length=length, signed=True, invalid=invalid, scale=scale)


def balance_integer(length: int, scale: Scale = UNSCALED) -> Integer:
    """Type B of what is hardly ever -1: all bits set may stand for no value."""
    return replace(signed_integer(length, scale), doubtful=frozenset({-1}))


def counting_integer(length: int, scale: Scale = UNSCALED) -> Integer:
    """Type B of what can't be negative: all bits set is no value either."""
    invalid = frozenset({-1 << 8 * length - 1, -1})
    return Integer(length=length, signed=True, invalid=invalid, scale=scale)


def unsigned_integer(length: int, scale: Scale = UNSCALED) -> Integer:
    """Type C: all bits set is no value."""
    invalid = frozenset({(1 << 8 * length) - 1})
    return Integer(length=length, signed=False, invalid=invalid, scale=scale)


def bits(length: int, scale: Scale = UNSCALED) -> Integer:
    """Type D: every pattern is a value."""
    return Integer(length=length, signed=False, scale=scale)


def decode_bcd(data: bytes) -> int:
    """Read type A. Raises InvalidValueError.

    F in the top digit is a minus and no digit; any other digit above 9 makes it invalid.
    """
    digits = data[::-1].hex()
    try:
        return int(digits)
    except ValueError:
        if digits[:1] == "f" and digits[1:].isdecimal():
            return -int(digits[1:])
        if not digits:
            raise InvalidValueError(NO_DATA) from None
        raise InvalidValueError("not_numeric", digits=digits.upper()) from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Bcd:
    """Type A: two decimal digits a byte."""

    length: int
    scale: Scale = UNSCALED

    def decode(self, data: bytes) -> Number:
        """Read the digits and scale their number."""
        return self.scale.apply(decode_bcd(data))

    def encode(self, value: Value) -> bytes:
        """Write a number within the limits that is a multiple of the step."""
        raw = self.scale.invert_whole(value, *self._range)
        digits = f"{raw:0{2 * self.length}d}".replace("-", "f")
        return bytes.fromhex(digits)[::-1]

    @property
    def limits(self) -> Limits:
        """The range; the minus takes the place of a digit."""
        return self.scale.limits(*self._range)

    @property
    def _range(self) -> tuple[int, int]:
        digits = 2 * self.length
        return 1 - 10 ** (digits - 1), 10**digits - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Real:
    """Type H: IEEE 754 single precision; double precision where some meters send it."""

    length: int = 4
    scale: Scale = UNSCALED

    def decode(self, data: bytes) -> float:
        """Read the number with no more digits than tell it from its neighbours, and scale it."""
        (number,) = _REALS[self.length].unpack(data)
        if math.isfinite(number):
            number += 0.0  # so that nobody sees a negative zero
            digits = repr(number) if self.length == 8 else _single_digits(number, data)
            if math.isfinite(scaled := self.scale.apply_to_text(digits)):
                return scaled
        raise InvalidValueError("not_a_number", number=str(number))

    def encode(self, value: Value) -> bytes:
        """Write the nearest number."""
        try:
            return _REALS[self.length].pack(float(self.scale.invert(value)))
        except OverflowError as err:
            raise EncodeError("too_large", value=spelt(value)) from err

    @property
    def limits(self) -> Limits:
        """The range of single precision, which has no fixed step."""
        largest = self.scale.apply_to_text(repr(_LARGEST_SINGLE))
        return Limits(-largest, largest, None)


def _single_digits(number: float, data: bytes) -> str:
    for digits in (7, 8):
        text = f"{number:.{digits}g}"
        if _SINGLE.pack(float(text)) == data:
            return text
    return f"{number:.9g}"
