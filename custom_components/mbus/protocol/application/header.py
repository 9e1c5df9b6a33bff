"""The header of a telegram: who sends it and how it is (EN 13757-3, long and short header)."""

from dataclasses import asdict, dataclass, field
import struct
from typing import Any, Final, Self, override

from ..address import manufacturer_name
from ..errors import FrameError
from ..tables.medium import medium_name

LONG_HEADER: Final = 12
_LOW_FIRST: Final = struct.Struct("<IH4BH")
_HIGH_FIRST: Final = struct.Struct(">IH4BH")
SHORT_HEADER: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What tells a meter from all others.

    Version and medium are known beside it, and make no other meter: a new firmware may change them,
    though they alone tell two devices in one housing apart.
    """

    identification: str
    manufacturer: str | None
    fabrication_number: str | None = None
    version: int | None = field(default=None, compare=False)
    medium: int | None = field(default=None, compare=False)

    @override
    def __str__(self) -> str:
        """Name the meter for a person."""
        name = " ".join(filter(None, (self.manufacturer, self.identification)))
        number = self.fabrication_number
        return f"{name}, fabrication number {number}" if number else name

    @property
    def medium_name(self) -> str | None:
        """What the meter measures or is."""
        return None if self.medium is None else medium_name(self.medium)

    def matches(self, other: Identity) -> bool:
        """Say whether both are the same meter; fabrication numbers count where both have one.

        Version and medium do not count.
        """
        return (self.identification, self.manufacturer) == (
            other.identification,
            other.manufacturer,
        ) and (
            None in (self.fabrication_number, other.fabrication_number)
            or self.fabrication_number == other.fabrication_number
        )

    def as_dict(self) -> dict[str, Any]:
        """Give what JSON can hold."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """Read what `as_dict` gave."""
        return cls(**data)


# Not frozen, as Record is not.
@dataclass(slots=True, kw_only=True)
class Header:
    """Who sends a telegram, and the state that it is in.

    A short header has neither identification, manufacturer, version nor medium, a fixed structure
    neither manufacturer nor version nor configuration. `identification` has 8 digits.
    `manufacturer_code` is the manufacturer as sent, with the bit that says "unique only here".
    """

    identification: str | None = None
    manufacturer_code: int | None = None
    version: int | None = None
    medium: int | None = None
    access_number: int
    status: int
    configuration: int = 0
    is_fixed: bool = False

    @property
    def manufacturer(self) -> str | None:
        """Three letters, or the code in hex where it has none."""
        if self.manufacturer_code is None:
            return None
        return manufacturer_name(self.manufacturer_code)

    @property
    def medium_name(self) -> str | None:
        """What the meter measures or is."""
        return None if self.medium is None else medium_name(self.medium)

    @property
    def application_busy(self) -> bool:
        """The meter is too busy to read anew."""
        return self._application_state == 0b01

    @property
    def application_error(self) -> bool:
        """Something went wrong within the meter's application."""
        return self._application_state == 0b10

    @property
    def alarm(self) -> bool:
        """An abnormal condition."""
        return self._application_state == 0b11

    @property
    def power_low(self) -> bool:
        """The battery or supply is low."""
        return bool(self.status & 0x04)

    @property
    def permanent_error(self) -> bool:
        """A failure that needs service."""
        return bool(self.status & 0x08)

    @property
    def temporary_error(self) -> bool:
        """A failure that may go by itself."""
        return bool(self.status & 0x10)

    @property
    def manufacturer_status(self) -> int:
        """The three bits that are the manufacturer's."""
        return self.status >> 5

    @property
    def encryption_mode(self) -> int:
        """The mode bits of the configuration word, which old meters fill with anything."""
        return self.configuration >> 8 & 0x1F

    @property
    def encrypted_blocks(self) -> int:
        """The number of encrypted 16-byte blocks in mode 5."""
        return self.configuration >> 4 & 0x0F

    @property
    def _application_state(self) -> int:
        # The fixed structure has the coding of its counters in these bits.
        return 0 if self.is_fixed else self.status & 0x03


def long_header(data: bytes, *, high_first: bool = False) -> Header:
    """Read the header of 12 bytes. Raises FrameError for fewer."""
    if len(data) < LONG_HEADER:
        raise FrameError("header_cut", length=str(len(data)), whole=str(LONG_HEADER))
    layout = _HIGH_FIRST if high_first else _LOW_FIRST
    number, manufacturer, version, medium, access_number, status, configuration = (
        layout.unpack_from(data)
    )
    return Header(
        identification=f"{number:08X}",
        manufacturer_code=manufacturer,
        version=version,
        medium=medium,
        access_number=access_number,
        status=status,
        configuration=configuration,
    )


def short_header(data: bytes) -> Header:
    """Read the header of 4 bytes. Raises FrameError for fewer."""
    if len(data) < SHORT_HEADER:
        raise FrameError("header_cut", length=str(len(data)), whole=str(SHORT_HEADER))
    return Header(
        access_number=data[0],
        status=data[1],
        configuration=int.from_bytes(data[2:4], "little"),
    )
