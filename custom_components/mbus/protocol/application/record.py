"""Data records: what one is, and how to write one (EN 13757-3)."""

from dataclasses import dataclass

from ..coding.dates import DateTime, DateTimeSeconds
from ..coding.values import EncodeError, InvalidValueError, Limits, Value
from ..problems import Problem
from ..tables.vife import SUMMER_TIME, SUSPICIOUS
from .meaning import Meaning, meaning_of
from .record_header import TooManyExtensionsError, header_end
from .signature import Function, Signature


# Not frozen: setting a field would take five times as long, in all a fifth of reading a whole telegram.
@dataclass(slots=True, init=False)
class Record:
    """One data record of a telegram: its place, what its header means, its data and their value.

    `index` counts from 0 in the order sent. `raw` is the data with the low byte first, as all but the
    meters with CI 76 send it. `value` is in `unit`, None where the data are none. `problem` says why
    there is no value; beside a value, why it may be none.
    """

    index: int
    meaning: Meaning
    raw: bytes
    value: Value
    problem: Problem | None

    def __init__(self, index: int, meaning: Meaning, raw: bytes) -> None:
        """Decode the data."""
        self.index = index
        self.meaning = meaning
        self.raw = raw
        try:
            self.value = meaning.decode(raw)
            self.problem = None
        except InvalidValueError as err:
            self.value = err.value
            self.problem = err.problem

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
        return self.meaning.signature.modifiers + self._flags

    @property
    def unit(self) -> str | None:
        """The unit without decimal prefix, as Home Assistant spells it; None for no unit."""
        return self.meaning.unit

    @property
    def _flags(self) -> tuple[str, ...]:
        if self.value is None:
            return ()
        if self.problem is not None:
            return (SUSPICIOUS,)
        coding = self.meaning.coding
        is_summer_time = isinstance(
            coding, DateTime | DateTimeSeconds
        ) and coding.is_summer_time(self.raw)
        return (SUMMER_TIME,) if is_summer_time else ()


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
    raise EncodeError("no_record_header", header=header.hex(" ").upper())
