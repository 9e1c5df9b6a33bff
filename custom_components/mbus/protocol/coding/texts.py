"""Data of a record that are no number: identifiers, texts, bytes, nothing (EN 13757-3)."""

from dataclasses import dataclass
import re
from typing import NoReturn

from ..address import manufacturer_code, manufacturer_name
from ..tables.problems import NO_DATA, NOT_AVAILABLE
from .values import EncodeError, InvalidValueError, Limits, Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Nothing:
    """Data field 0: a record without data."""

    limits: Limits | None = None

    def decode(self, data: bytes) -> NoReturn:
        """There is no value."""
        raise InvalidValueError(NO_DATA)

    def encode(self, value: Value) -> bytes:
        """Take no value but None."""
        if value is not None:
            raise EncodeError("a record without data takes no value")
        return b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Digits:
    """An identifier: its digits with leading zeros, the last two first on the wire.

    Only `hexadecimal` ones may have other digits than 0 to 9.
    """

    length: int
    hexadecimal: bool = False
    limits: Limits | None = None

    def decode(self, data: bytes) -> str:
        """Read the digits."""
        digits = data[::-1].hex().upper()
        if not self.hexadecimal and not digits.isdecimal():
            raise InvalidValueError("not_numeric", digits=digits)
        return digits

    def encode(self, value: Value) -> bytes:
        """Write the digits, filled up with zeros."""
        count = 2 * self.length
        digits = str(value).zfill(count)
        allowed = "0-9A-Fa-f" if self.hexadecimal else "0-9"
        if not re.fullmatch(f"[{allowed}]{{{count}}}", digits):
            raise EncodeError(f"{value!r} is not a number of at most {count} digits")
        return bytes.fromhex(digits)[::-1]


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberAsDigits:
    """An identifier that is sent as a binary number."""

    length: int
    limits: Limits | None = None

    def decode(self, data: bytes) -> str:
        """Read the number."""
        if data == b"\xff" * self.length:
            raise InvalidValueError(NOT_AVAILABLE)
        return str(int.from_bytes(data, "little"))

    def encode(self, value: Value) -> bytes:
        """Write the number."""
        try:
            return int(str(value)).to_bytes(self.length, "little")
        except (ValueError, OverflowError) as err:
            raise EncodeError(
                f"{value!r} is not a number of {self.length} bytes"
            ) from err


@dataclass(frozen=True, slots=True, kw_only=True)
class WholeAddress:
    """A secondary address in the order of the header, as 16 hex digits (see SecondaryAddress)."""

    limits: Limits | None = None

    def decode(self, data: bytes) -> str:
        """Read identification, manufacturer (wire order), version and medium."""
        return (data[3::-1] + data[4:]).hex().upper()

    def encode(self, value: Value) -> bytes:
        """Write them."""
        if not re.fullmatch("[0-9A-Fa-f]{16}", str(value)):
            raise EncodeError(f"{value!r} is not an address of 16 hex digits")
        data = bytes.fromhex(str(value))
        return data[3::-1] + data[4:]


@dataclass(frozen=True, slots=True, kw_only=True)
class Manufacturer:
    """The three letters of a manufacturer in two bytes."""

    limits: Limits | None = None

    def decode(self, data: bytes) -> str:
        """Read the letters."""
        return manufacturer_name(int.from_bytes(data, "little"))

    def encode(self, value: Value) -> bytes:
        """Write three letters, or the four hex digits of what has none."""
        try:
            return manufacturer_code(str(value)).to_bytes(2, "little")
        except ValueError as err:
            raise EncodeError(str(err)) from err


@dataclass(frozen=True, slots=True, kw_only=True)
class Opaque:
    """Bytes in wire order."""

    length: int
    limits: Limits | None = None

    def decode(self, data: bytes) -> bytes:
        """Hand them on."""
        return data

    def encode(self, value: Value) -> bytes:
        """Take bytes of the right length."""
        if not isinstance(value, bytes) or len(value) != self.length:
            raise EncodeError(f"{value!r} is not {self.length} bytes")
        return value
