"""Which coding the data of a record have (EN 13757-3, DIF data field and data types)."""

from functools import lru_cache
from typing import Final

from ..tables.vif import DataType
from .dates import Date, DateTime, DateTimeSeconds, TimeOfDay
from .numeric import (
    Bcd,
    Real,
    balance_integer,
    bits,
    counting_integer,
    signed_integer,
    unsigned_integer,
)
from .texts import Digits, Manufacturer, Nothing, NumberAsDigits, Opaque, WholeAddress
from .values import Coding, Scale
from .variable import Variable

DATA_LENGTHS: Final = (0, 1, 2, 3, 4, 4, 6, 8, 0, 1, 2, 3, 4, None, 6)
"""Bytes of data by data field; None: the first of them (LVAR) says how many."""

_NO_DATA: Final = (0x0, 0x8)
_REAL: Final = 0x5
_BCD: Final = (0x9, 0xA, 0xB, 0xC, 0xE)

_INTEGERS: Final = {
    DataType.SIGNED: signed_integer,
    DataType.BALANCE: balance_integer,
    DataType.COUNT: counting_integer,
    DataType.BITS: bits,
}

_DATES: Final[dict[int, Coding]] = {0x2: Date(), 0x4: DateTime()}
_TIME_POINTS: Final[dict[int, Coding]] = _DATES | {
    0x3: TimeOfDay(),
    0x6: DateTimeSeconds(),
}
_IDENTIFICATIONS: Final[dict[int, Coding]] = {
    0x4: Digits(length=4, hexadecimal=True),
    0x7: WholeAddress(),
    0xC: Digits(length=4, hexadecimal=True),
}
_ADDRESSES: Final[dict[int, Coding]] = {
    0x6: Digits(length=6, hexadecimal=True),
    0x7: Digits(length=8, hexadecimal=True),
}
_MANUFACTURERS: Final[dict[int, Coding]] = {0x2: Manufacturer()}

# Data types whose coding follows from the data field alone, where it is one of these.
_BY_DATA_FIELD: Final = {
    DataType.DATE: _DATES,
    DataType.TIME_POINT: _TIME_POINTS,
    DataType.IDENTIFICATION: _IDENTIFICATIONS,
    DataType.ADDRESS: _ADDRESSES,
    DataType.MANUFACTURER: _MANUFACTURERS,
}
_BYTES: Final = (DataType.DATE, DataType.TIME_POINT, DataType.OPAQUE)
_IDENTIFIERS: Final = (DataType.IDENTIFIER, DataType.IDENTIFICATION)


@lru_cache(maxsize=512)
def choose_coding(
    data_field: int, data_type: DataType, scale: Scale, opaque: bool = False
) -> Coding:
    """Choose the coding for a data field and what the VIF says of it.

    With `opaque`, data of variable length are bytes where they would be a text.
    """
    length = DATA_LENGTHS[data_field]
    if length is None:
        return Variable(
            integer=_INTEGERS.get(data_type, unsigned_integer),
            scale=scale,
            opaque=opaque or data_type is DataType.OPAQUE,
            moment=data_type in (DataType.DATE, DataType.TIME_POINT),
            identifier=data_type in _IDENTIFIERS,
        )
    if data_field in _NO_DATA:
        return Nothing()
    if coding := _BY_DATA_FIELD.get(data_type, {}).get(data_field):
        return coding
    if data_type in _BYTES:
        return Opaque(length=length)
    if data_field == _REAL:
        return Real(scale=scale)
    if data_field in _BCD:
        if data_type in _IDENTIFIERS:
            return Digits(length=length)
        return Bcd(length=length, scale=scale)
    if data_type in _IDENTIFIERS:
        return NumberAsDigits(length=length)
    return _INTEGERS.get(data_type, unsigned_integer)(length, scale)
