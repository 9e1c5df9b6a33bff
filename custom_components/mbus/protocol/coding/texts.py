"""Data of a record that are no number: identifiers, texts, bytes, nothing (EN 13757-3)."""

from dataclasses import dataclass
import re
from typing import NoReturn

from ..address import manufacturer_code, manufacturer_name
from ..problems import NO_DATA, NOT_AVAILABLE
from .values import EncodeError, InvalidValueError, Limits, Value, spelt


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
            raise EncodeError("takes_no_value")
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
            raise EncodeError("too_many_digits", value=spelt(value), most=str(count))
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
                "no_number_of_length", value=spelt(value), length=str(self.length)
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
            raise EncodeError("no_whole_address", value=spelt(value))
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
            raise EncodeError("no_manufacturer", value=spelt(value)) from err


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
            raise EncodeError(
                "not_so_many_bytes", value=spelt(value), length=str(self.length)
            )
        return value
