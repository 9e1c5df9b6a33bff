"""Data records (EN 13757-3): building those a meter sends, taking apart those a master sends."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time
import struct

# Data bytes by the low nibble of the DIF; D has its length in front, F is no record.
_LENGTHS = (0, 1, 2, 3, 4, 4, 6, 8, 0, 1, 2, 3, 4, None, 6, None)

IDLE_FILLER = 0x2F
GLOBAL_READOUT = 0x7F
ANY_VIF = 0x7E


@dataclass(frozen=True, slots=True)
class RawRecord:
    """One record: its DIF, DIFE, VIF and VIFE bytes, and its data bytes."""

    header: bytes
    data: bytes = b""

    def __bytes__(self) -> bytes:
        """Return the record as it is sent."""
        return self.header + self.data


def headers(*texts: str) -> frozenset[bytes]:
    """Return the headers that are written as hex digits."""
    return frozenset(map(bytes.fromhex, texts))


def integer(header: str, value: int) -> bytes:
    """Build a record with a signed integer of the data field's length."""
    prefix = bytes.fromhex(header)
    return prefix + value.to_bytes(data_length(prefix), "little", signed=True)


def unsigned(header: str, value: int) -> bytes:
    """Build a record with an unsigned integer or a bit field."""
    prefix = bytes.fromhex(header)
    return prefix + value.to_bytes(data_length(prefix), "little")


def bcd(header: str, value: int) -> bytes:
    """Build a record with BCD digits; the top digit of a negative one is F."""
    prefix = bytes.fromhex(header)
    return prefix + bcd_digits(value, data_length(prefix))


def real(header: str, value: float) -> bytes:
    """Build a record with an IEEE 754 single (data field 5)."""
    return bytes.fromhex(header) + struct.pack("<f", value)


def text(header: str, value: str) -> bytes:
    """Build a record with a text (data field D), last character first."""
    return bytes.fromhex(header) + text_data(value)


def day(header: str, value: date | None) -> bytes:
    """Build a record with a date of type G, FF FF when there is none."""
    return bytes.fromhex(header) + (b"\xff\xff" if value is None else date_data(value))


def moment(header: str, value: datetime, *, summer_time: bool = False) -> bytes:
    """Build a record with a date and time: type I if six bytes long, else type F."""
    prefix = bytes.fromhex(header)
    encode = date_time_with_seconds_data if data_length(prefix) == 6 else date_time_data
    return prefix + encode(value, summer_time=summer_time)


def time_of_day(header: str, value: time) -> bytes:
    """Build a record with a time of day of type J."""
    return bytes.fromhex(header) + bytes((value.second, value.minute, value.hour))


def bcd_digits(value: int, length: int) -> bytes:
    """Return `value` as BCD, low byte first."""
    digits = f"{abs(value):0{2 * length}d}"
    if value < 0:
        digits = "f" + digits.removeprefix("0")
    if len(digits) != 2 * length:
        raise ValueError(f"{value} has too many digits for {length} bytes")
    return bytes.fromhex(digits)[::-1]


def text_data(value: str) -> bytes:
    """Return the length byte and the characters in reverse."""
    return bytes((len(value),)) + value.encode("latin-1")[::-1]


def date_data(value: date) -> bytes:
    """Return type G."""
    year = value.year % 100
    return bytes((value.day | (year & 7) << 5, value.month | (year >> 3) << 4))


def date_time_data(value: datetime, *, summer_time: bool = False) -> bytes:
    """Return type F."""
    hour = value.hour | (0x80 if summer_time else 0)
    return bytes((value.minute, hour)) + date_data(value)


def date_time_with_seconds_data(value: datetime, *, summer_time: bool = False) -> bytes:
    """Return type I without day of week and week number."""
    second = value.second | (0x40 if summer_time else 0)
    return bytes((second, value.minute, value.hour)) + date_data(value) + b"\0"


def parse_date(data: bytes) -> date:
    """Read type G; ValueError if it is none."""
    year = data[0] >> 5 | (data[1] & 0xF0) >> 1
    return date(
        2000 + year if year <= 80 else 1900 + year, data[1] & 0x0F, data[0] & 0x1F
    )


def parse_date_time(data: bytes) -> tuple[datetime, bool]:
    """Read type F or I and its summer time bit; ValueError if it is none or marked invalid."""
    if len(data) == 6:
        second, minute, hour = data[0] & 0x3F, data[1] & 0x3F, data[2] & 0x1F
        invalid, summer_time, rest = data[1] & 0x80, data[0] & 0x40, data[3:5]
    else:
        second, minute, hour = 0, data[0] & 0x3F, data[1] & 0x1F
        invalid, summer_time, rest = data[0] & 0x80, data[1] & 0x80, data[2:4]
    if invalid:
        raise ValueError("marked as invalid")
    return datetime.combine(parse_date(rest), time(hour, minute, second)), bool(
        summer_time
    )


def data_length(header: bytes) -> int:
    """Return the number of data bytes the DIF tells; ValueError where it tells none."""
    length = _LENGTHS[header[0] & 0x0F]
    if length is None:
        raise ValueError(f"DIF {header[0]:02X} has no fixed length")
    return length


def split_records(data: bytes) -> tuple[list[RawRecord], bytes]:
    """Take user data apart into its records and what follows DIF 0F, 1F or another special one.

    ValueError if a record is cut off.
    """
    records = []
    position = 0
    while position < len(data):
        if data[position] == IDLE_FILLER:
            position += 1
            continue
        if data[position] & 0x0F == 0x0F:
            break
        header_end = position + _header_length(data[position:])
        data_end = header_end + _data_length(data[position], data[header_end:])
        if data_end > len(data):
            raise ValueError("record cut off")
        records.append(RawRecord(data[position:header_end], data[header_end:data_end]))
        position = data_end
    return records, data[position:]


def _chain(data: bytes, start: int) -> int:
    """Return where the chain of bytes with bit 7 set, and the byte that ends it, is over."""
    for position in range(start, len(data)):
        if not data[position] & 0x80:
            return position + 1
    raise ValueError("record cut off")


def _header_length(data: bytes) -> int:
    vif = _chain(data, 0)
    end = _chain(data, vif)
    if data[vif] & 0x7F == 0x7C:
        # The plain text stands right behind the VIF, before the VIFEs.
        text_end = vif + 2 + data[vif + 1]
        end = _chain(data, text_end) if data[vif] & 0x80 else text_end
    return end


def _data_length(dif: int, data: bytes) -> int:
    length = _LENGTHS[dif & 0x0F]
    if length is not None:
        return length
    if not data:
        raise ValueError("record cut off")
    match data[0] >> 4:
        case 0xC | 0xD | 0xE:
            return 1 + (data[0] & 0x0F)
        case 0xF:
            raise ValueError(f"LVAR {data[0]:02X} is not known here")
        case _:
            return 1 + data[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """A record's header taken apart, as far as selecting and writing need it."""

    function: int
    storage_number: int
    tariff: int
    subunit: int
    every_storage_number: bool
    every_tariff: bool
    vif: bytes

    @classmethod
    def of(cls, header: bytes) -> Meaning:
        """Take `header` apart."""
        vif = _chain(header, 0)
        extensions = header[1:vif]
        storage_number = header[0] >> 6 & 1
        tariff = subunit = 0
        for n, extension in enumerate(extensions):
            storage_number |= (extension & 0x0F) << 1 + 4 * n
            tariff |= (extension >> 4 & 3) << 2 * n
            subunit |= (extension >> 6 & 1) << n
        last = extensions[-1] if extensions else 0
        return cls(
            function=header[0] >> 4 & 3,
            storage_number=storage_number,
            tariff=tariff,
            subunit=subunit,
            every_storage_number=last & 0x0F == 0x0F,
            every_tariff=last & 0x30 == 0x30,
            vif=header[vif:],
        )

    def selects(self, other: Meaning) -> bool:
        """Tell whether this selection for readout takes the record `other`."""
        return (
            self.function == other.function
            and (
                self.every_storage_number or self.storage_number == other.storage_number
            )
            and (self.every_tariff or self.tariff == other.tariff)
            and self.subunit == other.subunit
            and (self.vif[0] & 0x7F == ANY_VIF or same_quantity(self.vif, other.vif))
        )


def same_quantity(one: bytes, other: bytes) -> bool:
    """Compare VIFs without their exponent: energy and volume take three bits for it."""
    if len(one) == len(other) == 1 and one[0] < 0x78 and other[0] < 0x78:
        bits = 0x7C if 0x58 <= one[0] < 0x78 or 0x20 <= one[0] < 0x28 else 0x78
        return one[0] & bits == other[0] & bits and (one[0] & 0x7C) != 0x6C
    return one == other


def split_action(header: bytes) -> tuple[bytes, int]:
    """Return the header without its object action VIFE, and the action (0 = write)."""
    vif = _chain(header, 0)
    extension = vif + (header[vif] in (0xFB, 0xFD)) + 1
    if len(header) > extension and header[-1] < 0x10:
        return header[:-2] + bytes((header[-2] & 0x7F,)), header[-1]
    return header, 0


def iterate_records(telegrams: list[bytes]) -> Iterator[RawRecord]:
    """Yield the records of all telegrams in the order sent."""
    for telegram in telegrams:
        yield from split_records(telegram)[0]
