"""Data records: what one is, and how to write one (EN 13757-3)."""

from dataclasses import dataclass
from typing import Final

from .meaning import Meaning, meaning_of
from .record_header import TooManyExtensionsError, header_end
from .signature import Function, Signature
from .values import EncodeError, InvalidValueError, Limits, Value
from .vife import SUSPICIOUS

_SUSPICION: Final = "all bits are set, which may stand for no value"


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One data record of a telegram.

    `index` counts from 0 in the order sent. `value` is in `unit`; None comes with a `problem` saying
    why. Beside a value, a problem says that it may be none. `raw` is the data on the wire.
    """

    index: int
    meaning: Meaning
    raw: bytes
    value: Value
    problem: str | None = None
    flags: tuple[str, ...] = ()

    @property
    def header(self) -> bytes:
        """The record's own DIF, DIFE, VIF, VIFE and plain text; the unit code in a fixed structure."""
        return self.meaning.header

    @property
    def signature(self) -> Signature:
        """What the record means."""
        return self.meaning.signature

    @property
    def function(self) -> Function:
        """What kind of value it is."""
        return self.meaning.signature.function

    @property
    def storage_number(self) -> int:
        """0 is now; others are kept values, by the meter's own order."""
        return self.meaning.signature.storage_number

    @property
    def tariff(self) -> int:
        """0 is the total."""
        return self.meaning.signature.tariff

    @property
    def subunit(self) -> int:
        """Which part of the device the value comes from."""
        return self.meaning.signature.subunit

    @property
    def quantity(self) -> str:
        """What is measured or told, one of QUANTITIES."""
        return self.meaning.signature.quantity

    @property
    def modifiers(self) -> tuple[str, ...]:
        """What the VIFEs add to the quantity, then the flags of this value."""
        return self.meaning.signature.modifiers + self.flags

    @property
    def unit(self) -> str | None:
        """The unit without decimal prefix, as Home Assistant spells it; None for no unit."""
        return self.meaning.unit


def read_record(index: int, meaning: Meaning, raw: bytes, data: bytes) -> Record:
    """Decode one record from its data with the low byte first."""
    try:
        value = meaning.decode(data)
    except InvalidValueError as err:
        return Record(
            index=index, meaning=meaning, raw=raw, value=None, problem=str(err)
        )
    flags = meaning.flags(data) if meaning.flags else ()
    problem = _SUSPICION if SUSPICIOUS in flags else None
    return Record(
        index=index, meaning=meaning, raw=raw, value=value, problem=problem, flags=flags
    )


def limits(header: bytes) -> Limits | None:
    """Say which numbers a record with this header can carry, in its unit; None if it carries none.

    Raises EncodeError for bytes that are no record header.
    """
    return _whole_meaning(header).coding.limits


def encode_value(header: bytes, value: Value) -> bytes:
    """Give the data of a record with this header that is read as `value`.

    Raises EncodeError for a value of the wrong type or out of range, and for bytes that are no record
    header.
    """
    return _whole_meaning(header).coding.encode(value)


def _whole_meaning(header: bytes) -> Meaning:
    try:
        if header[0] & 0x0F != 0x0F and header_end(header, 0) == len(header):
            return meaning_of(header)
    except IndexError, TooManyExtensionsError:
        pass
    raise EncodeError(f"{header.hex(' ').upper()} is not the header of a record")
