"""Addresses of meters on the bus: primary (a number) and secondary (EN 13757-7, selection)."""

from dataclasses import dataclass, replace
import re
from typing import Self, override

SELECTED = 0xFD
"""Primary address of whatever is selected by secondary address."""
BROADCAST = 0xFF
"""Primary address of all meters; none answers."""
LAST_PRIMARY = 250
LAST_ANSWERING = 254
"""Primary address of every meter at once, to which each answers."""

WILDCARD = "F"


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondaryAddress:
    """What selects a meter by what it is.

    Digits `F` of `identification` and `fabrication_number` match any digit; None matches anything.
    """

    identification: str = "FFFFFFFF"
    manufacturer: str | None = None
    version: int | None = None
    medium: int | None = None
    fabrication_number: str | None = None

    def __post_init__(self) -> None:
        """Raise ValueError for what can't be sent in a selection."""
        for name in ("identification", "fabrication_number"):
            number = getattr(self, name)
            if number is not None and not re.fullmatch("[0-9A-F]{8}", number):
                raise ValueError(f"{name} {number!r} is not a number of 8 digits")
        if self.manufacturer is not None:
            manufacturer_code(self.manufacturer)
        for name in ("version", "medium"):
            code = getattr(self, name)
            if code is not None and not 0 <= code <= 0xFE:
                raise ValueError(f"{name} {code} is not within 0 to 254")

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read 16 hex digits as this class prints them, or the 8 of the identification alone.

        16 digits are identification, manufacturer, version and medium in the order that people
        write them (most significant digit first, manufacturer as its two bytes on the wire).
        Either may be followed by `/` and a fabrication number. Raises ValueError.
        """
        match = re.fullmatch(
            "([0-9A-F]{8})(?:([0-9A-F]{4})([0-9A-F]{2})([0-9A-F]{2}))?(?:/([0-9A-F]{8}))?",
            re.sub("[ .:_-]", "", text).upper(),
        )
        if match is None:
            raise ValueError(f"{text!r} has neither 8 nor 16 hex digits")
        identification, manufacturer, version, medium, fabrication_number = (
            match.groups()
        )
        return cls(
            identification=identification,
            manufacturer=_manufacturer(manufacturer),
            version=_code(version),
            medium=_code(medium),
            fabrication_number=fabrication_number,
        )

    @override
    def __str__(self) -> str:
        """Print 16 hex digits, and `/` with the fabrication number if there is one."""
        text = self.identification + self.selection[4:8].hex().upper()
        return text + (f"/{self.fabrication_number}" if self.fabrication_number else "")

    @property
    def selection(self) -> bytes:
        """Data of the selection (CI 52): 8 bytes, and a record for the fabrication number."""
        data = bytes.fromhex(self.identification)[::-1]
        code = (
            0xFFFF
            if self.manufacturer is None
            else manufacturer_code(self.manufacturer)
        )
        data += code.to_bytes(2, "little")
        data += bytes(
            0xFF if code is None else code for code in (self.version, self.medium)
        )
        if self.fabrication_number is not None:
            data += b"\x0c\x78" + bytes.fromhex(self.fabrication_number)[::-1]
        return data

    @property
    def has_wildcards(self) -> bool:
        """More than one meter may match."""
        return WILDCARD in self.identification or None in (
            self.manufacturer,
            self.version,
            self.medium,
        )

    def with_wildcards(self) -> Self:
        """Give the address with anything but identification and fabrication number left open."""
        return replace(self, manufacturer=None, version=None, medium=None)


type Address = int | SecondaryAddress


def parse_address(text: str) -> Address:
    """Read a primary address (0 to 250) or a secondary one. Raises ValueError."""
    text = text.strip()
    if text.isdecimal() and len(text) <= 3:
        address = int(text)
        if address > LAST_PRIMARY:
            raise ValueError(f"primary addresses end at {LAST_PRIMARY}")
        return address
    return SecondaryAddress.parse(text)


def check_address(address: Address) -> None:
    """Raise ValueError for an address at which nothing can answer."""
    if isinstance(address, int) and not 0 <= address <= LAST_ANSWERING:
        raise ValueError(f"address {address} is not within 0 to {LAST_ANSWERING}")


def link_address(address: Address) -> int:
    """Give the address field that reaches the meter."""
    return SELECTED if isinstance(address, SecondaryAddress) else address


def _code(text: str | None) -> int | None:
    return None if text is None or text == "FF" else int(text, 16)


def _manufacturer(text: str | None) -> str | None:
    if text is None or text == "FFFF":
        return None
    return manufacturer_text(int.from_bytes(bytes.fromhex(text), "little"))


def manufacturer_name(code: int) -> str:
    """Read the three letters in a manufacturer's code; four hex digits where they are none.

    Bit 15 only says whether the meter's address is unique world-wide.
    """
    letters = [code >> shift & 0x1F for shift in (10, 5, 0)]
    if all(1 <= letter <= 26 for letter in letters):
        return "".join(chr(0x40 + letter) for letter in letters)
    return f"{code:04X}"


def manufacturer_text(code: int) -> str:
    """Write a manufacturer's code so that nothing of it is lost: letters or hex."""
    name = manufacturer_name(code)
    return name if manufacturer_code(name) == code else f"{code:04X}"


def manufacturer_code(manufacturer: str) -> int:
    """Give the code of three letters, or of four hex digits.

    Raises ValueError.
    """
    if re.fullmatch("[0-9A-F]{4}", manufacturer):
        return int(manufacturer, 16)
    if not re.fullmatch("[A-Z]{3}", manufacturer):
        raise ValueError(f"{manufacturer!r} is not a manufacturer of three letters")
    first, second, third = (ord(letter) - 0x40 for letter in manufacturer)
    return first << 10 | second << 5 | third
