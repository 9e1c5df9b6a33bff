"""What the header of a record means (EN 13757-3, data records)."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache
from typing import Final, NoReturn

from ..coding.coding import DATA_LENGTHS, choose_coding
from ..coding.dates import Date, DateTime, DateTimeSeconds, TimeOfDay
from ..coding.numeric import Integer
from ..coding.values import Coding, InvalidValueError, Scale, Value
from ..tables.units import PREFIXED_UNITS, dimension
from ..tables.vif import (
    FIRST_EXTENSION,
    MANUFACTURER_SPECIFIC,
    ONE,
    PLAIN_TEXT,
    PRIMARY,
    SECOND_EXTENSION,
    SECOND_LEVEL,
    UNKNOWN,
    DataType,
    Vif,
)
from ..tables.vife import (
    ALTERNATE_UNITS,
    COMBINABLE,
    EXTENDED,
    SUMMER_TIME,
    SUSPICIOUS,
    Vife,
)
from .record_header import RecordHeader, split_header
from .signature import Function, Signature

_FUNCTIONS: Final = tuple(Function)

_CODE: Final = 0x7F
_MANUFACTURER: Final = 0x7F
_EXTENDED: Final = 0xFC

# Which VIF leads to which table, by those before it.
_EXTENSIONS: Final = {
    "": {0xFB: ("fb", FIRST_EXTENSION), 0xFD: ("fd", SECOND_EXTENSION)},
    "fd": {0xFD: ("fdfd", SECOND_LEVEL)},
}

_NUMBERS: Final = (DataType.SIGNED, DataType.COUNT)
_PRESENTATIONS: Final = (DataType.UNSIGNED, DataType.BITS)

# What a VIF with a date is called depends on the data field.
_TIME_POINTS: Final = {
    Date: "date",
    TimeOfDay: "time",
    DateTime: "date_time",
    DateTimeSeconds: "date_time",
}


type _Flags = Callable[[bytes], tuple[str, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """A record header taken apart.

    `data_length` is None where the data begin with their own length. `decode` is that of `coding`, or
    refuses the data of a record with an error. `flags` names what data say beside their value.
    """

    header: bytes
    signature: Signature
    unit: str | None
    coding: Coding
    data_length: int | None
    decode: Callable[[bytes], Value] = field(compare=False)
    flags: _Flags | None = field(compare=False)


@lru_cache(maxsize=2048)
def meaning_of(header: bytes, text_last: bool = False) -> Meaning:
    """Take a whole record header apart; `text_last` as for `header_end`."""
    parts = split_header(header, text_last)
    data_field = parts.dif & 0x0F
    vif, vifes, label = _find_vif(parts)
    rows = list(_find_vifes(vifes))
    storage_number, tariff, subunit = _places(parts)
    unit, suffix, scale, data_type = _combine(vif, rows, historic=storage_number > 0)
    opaque = vif.opaque or any(row.opaque for row in rows)
    coding = choose_coding(data_field, data_type, scale, opaque=opaque)
    quantity = vif.quantity
    if quantity in ("date", "date_time"):
        quantity = _TIME_POINTS.get(type(coding), quantity)
    error = next((row.error for row in rows if row.error), None)
    return Meaning(
        header=header,
        signature=Signature(
            quantity=quantity,
            dimension=dimension(unit),
            function=_FUNCTIONS[parts.dif >> 4 & 0x03],
            storage_number=storage_number,
            tariff=tariff,
            subunit=subunit,
            modifiers=tuple(filter(None, (label, *(row.modifier for row in rows)))),
        ),
        unit=_with_suffix(unit, suffix),
        coding=coding,
        data_length=DATA_LENGTHS[data_field],
        decode=coding.decode if error is None else _refusing(error),
        flags=_flags(quantity, coding, data_type),
    )


def _places(parts: RecordHeader) -> tuple[int, int, int]:
    """Put storage number, tariff and subunit together from DIF and DIFEs."""
    storage_number, tariff, subunit = parts.dif >> 6 & 0x01, 0, 0
    for n, dife in enumerate(parts.difes):
        storage_number |= (dife & 0x0F) << 1 + 4 * n
        tariff |= (dife >> 4 & 0x03) << 2 * n
        subunit |= (dife >> 6 & 0x01) << n
    return storage_number, tariff, subunit


def _find_vif(parts: RecordHeader) -> tuple[Vif, bytes, str | None]:
    """Find the row of the VIF, the VIFEs left, and what tells a VIF of no table from others."""
    vif, vifes = parts.vif, parts.vifes
    if parts.text is not None:
        text = parts.text[::-1].decode("latin-1").strip(" \0")
        return Vif(quantity=PLAIN_TEXT, unit=text or None), vifes, None
    if vif & _CODE == _MANUFACTURER:
        row = Vif(quantity=MANUFACTURER_SPECIFIC, opaque=True)
        return row, b"", f"manufacturer_{vifes.hex()}" if vifes else None
    table, prefix = PRIMARY, ""
    while vif in (nested := _EXTENSIONS.get(prefix, {})):
        prefix, table = nested[vif]
        vif, vifes = vifes[0], vifes[1:]
    code = vif & _CODE
    if known := table.get(code):
        return known, vifes, None
    return Vif(quantity=UNKNOWN), vifes, f"vif_{prefix}{code:02x}"


def _find_vifes(vifes: bytes) -> Iterator[Vife]:
    """Find the row of each VIFE."""
    codes = iter(vifes)
    for vife in codes:
        if vife & _CODE == _MANUFACTURER:
            name = "_".join(filter(None, ("manufacturer", bytes(codes).hex())))
            yield Vife(modifier=name, opaque=True)
        elif vife == _EXTENDED:
            code = next(codes) & _CODE
            yield EXTENDED.get(code) or Vife(modifier=f"vife_fc{code:02x}")
        else:
            code = vife & _CODE
            yield COMBINABLE.get(code) or Vife(modifier=f"vife_{code:02x}")


def _combine(
    vif: Vif, vifes: list[Vife], *, historic: bool
) -> tuple[str | None, str, Scale, DataType]:
    """Apply the VIFEs in their order: unit, what they add to it, scale, data type."""
    unit, size = PREFIXED_UNITS.get(vif.unit or "", (vif.unit, 1))
    suffix, data_type = "", vif.data_type
    factor, addend = vif.factor * size, Fraction()
    # Energy is a balance, which may be negative; a kept one of -1 is a place never filled.
    if vif.quantity == "energy" and historic:
        data_type = DataType.COUNT
    for vife in vifes:
        if vife.replacement:
            unit, data_type = vife.replacement
            suffix, factor, addend, size = "", ONE, Fraction(), 1
        suffix += vife.unit_suffix
        factor *= vife.factor
        addend = addend * vife.factor + vife.addend * size
        if vife.data_type in _PRESENTATIONS or data_type in _NUMBERS:
            data_type = vife.data_type or data_type
    if any(vife.modifier == ALTERNATE_UNITS for vife in vifes):
        unit, suffix = None, ""
    return unit, suffix, Scale.of(factor, addend), data_type


def _with_suffix(unit: str | None, suffix: str) -> str | None:
    if unit is not None:
        return unit + suffix
    return f"1{suffix}" if suffix.startswith("/") else suffix.removeprefix("·") or None


def _refusing(error: str) -> Callable[[bytes], NoReturn]:
    def decode(data: bytes) -> NoReturn:
        raise InvalidValueError(error)

    return decode


def _flags(quantity: str, coding: Coding, data_type: DataType) -> _Flags | None:
    """Choose what finds flags in the data; most data can have none."""
    if isinstance(coding, DateTime | DateTimeSeconds):
        is_summer_time = coding.is_summer_time
        return lambda data: (SUMMER_TIME,) if is_summer_time(data) else ()
    if (
        quantity == "energy"
        and data_type is DataType.SIGNED
        and isinstance(coding, Integer)
    ):
        return lambda data: (SUSPICIOUS,) if data == b"\xff" * len(data) else ()
    return None
