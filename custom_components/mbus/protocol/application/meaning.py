"""What the header of a record means (EN 13757-3, data records)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache, partial
from typing import Final, NamedTuple, NoReturn

from ..coding.coding import DATA_LENGTHS, choose_coding
from ..coding.dates import Date, DateTime, DateTimeSeconds, TimeOfDay
from ..coding.values import UNSCALED, Coding, InvalidValueError, Scale, Value
from ..tables.units import RECORD_UNITS, dimension
from ..tables.vif import (
    FIRST_EXTENSION,
    MANUFACTURER_SPECIFIC,
    ONE,
    PLAIN_TEXT,
    PRIMARY,
    SECOND_EXTENSION,
    SECOND_LEVEL,
    UNKNOWN,
    ZERO,
    DataType,
    Vif,
)
from ..tables.vife import ALTERNATE_UNITS, COMBINABLE, EXTENDED, Vife
from .record_header import split_header
from .signature import Function, Signature

_FUNCTIONS: Final = tuple(Function)

_CODE: Final = 0x7F
_MANUFACTURER: Final = 0x7F
_EXTENDED: Final = 0xFC

_NUMBERS: Final = (DataType.SIGNED, DataType.BALANCE, DataType.COUNT)
_PRESENTATIONS: Final = (DataType.UNSIGNED, DataType.BITS)

# What a VIF with a date is called depends on the data field.
_TIME_POINTS: Final = {
    Date: "date",
    TimeOfDay: "time",
    DateTime: "date_time",
    DateTimeSeconds: "date_time",
}


class Row(NamedTuple):
    """A VIF as a record shows it: in a unit without decimal prefix, of which the VIF's own has `size`."""

    quantity: str
    unit: str | None = None
    size: int | Fraction = 1
    scale: Scale = UNSCALED
    data_type: DataType = DataType.SIGNED
    opaque: bool = False


def row_of(vif: Vif) -> Row:
    """Take the decimal prefix off the unit."""
    unit, size = RECORD_UNITS.get(vif.unit or "", (vif.unit, 1))
    scale = Scale.of(vif.factor * size)
    return Row(vif.quantity, unit, size, scale, vif.data_type, vif.opaque)


# Each table by the VIFs that lead to it; what a third extension says is reserved.
_TABLES: Final = {
    escape: {code: row_of(vif) for code, vif in table.items()}
    for escape, table in (
        (b"", PRIMARY),
        (b"\xfb", FIRST_EXTENSION),
        (b"\xfd", SECOND_EXTENSION),
        (b"\xfd\xfd", SECOND_LEVEL),
        (b"\xef", {}),
    )
}
_UNKNOWN: Final = Row(UNKNOWN)
_OF_MANUFACTURER: Final = Row(MANUFACTURER_SPECIFIC, opaque=True)


# Not frozen, as Record is not: making one would take twice as long.
@dataclass(slots=True, kw_only=True)
class Meaning:
    """A record header taken apart.

    `data_length` is None where the data begin with their own length. `decode` is that of `coding`, or
    refuses the data of a record with an error.
    """

    header: bytes
    signature: Signature
    unit: str | None
    coding: Coding
    data_length: int | None
    decode: Callable[[bytes], Value] = field(compare=False)


@lru_cache(maxsize=2048)
def meaning_of(header: bytes, text_last: bool = False) -> Meaning:
    """Take a whole record header apart; `text_last` as for `header_end`."""
    dif, difes, chain, text = split_header(header, text_last)
    if text is None:
        row, vifes, modifiers = _find_row(chain)
    else:
        unit = text[::-1].decode("latin-1").strip(" \0")
        row, vifes, modifiers = Row(PLAIN_TEXT, unit or None), chain[1:], ()
    storage_number, tariff, subunit = dif >> 6 & 0x01, 0, 0
    for n, dife in enumerate(difes):
        storage_number |= (dife & 0x0F) << 1 + 4 * n
        tariff |= (dife >> 4 & 0x03) << 2 * n
        subunit |= (dife >> 6 & 0x01) << n
    return build_meaning(
        header,
        dif & 0x0F,
        row,
        modifiers,
        _find_vifes(vifes) if vifes else (),
        function=_FUNCTIONS[dif >> 4 & 0x03],
        storage_number=storage_number,
        tariff=tariff,
        subunit=subunit,
    )


def build_meaning(
    header: bytes,
    data_field: int,
    row: Row,
    modifiers: tuple[str, ...],
    vifes: Sequence[Vife] = (),
    *,
    function: Function = Function.INSTANTANEOUS,
    storage_number: int = 0,
    tariff: int = 0,
    subunit: int = 0,
) -> Meaning:
    """Put together what the parts of a header say; `modifiers` are those besides the VIFEs' own."""
    quantity, unit, _, scale, data_type, opaque = row
    # A kept balance of -1 is a place that was never filled.
    if data_type is DataType.BALANCE and storage_number:
        data_type = DataType.COUNT
    suffix, error = "", None
    if vifes:
        unit, suffix, scale, data_type = _combine(row, data_type, vifes)
        opaque = opaque or any(vife.opaque for vife in vifes)
        error = next((vife.error for vife in vifes if vife.error), None)
        modifiers += tuple(vife.modifier for vife in vifes if vife.modifier)
    coding = choose_coding(data_field, data_type, scale, opaque)
    if quantity in ("date", "date_time"):
        quantity = _TIME_POINTS.get(type(coding), quantity)
    return Meaning(
        header=header,
        signature=Signature(
            quantity,
            dimension(unit),
            function,
            storage_number,
            tariff,
            subunit,
            modifiers,
        ),
        unit=_with_suffix(unit, suffix) if suffix else unit,
        coding=coding,
        data_length=DATA_LENGTHS[data_field],
        decode=coding.decode if error is None else partial(_refuse, error),
    )


def _find_row(chain: bytes) -> tuple[Row, bytes, tuple[str, ...]]:
    """Find the row of a VIF, the VIFEs left, and what tells a VIF of no table from others."""
    if chain[0] & _CODE == _MANUFACTURER:
        own = chain[1:].hex()
        return _OF_MANUFACTURER, b"", (f"manufacturer_{own}",) if own else ()
    escapes = 0
    while chain[: escapes + 1] in _TABLES:
        escapes += 1
    code, vifes = chain[escapes] & _CODE, chain[escapes + 1 :]
    if row := _TABLES[chain[:escapes]].get(code):
        return row, vifes, ()
    return _UNKNOWN, vifes, (f"vif_{chain[:escapes].hex()}{code:02x}",)


def _find_vifes(vifes: bytes) -> list[Vife]:
    """Find the row of each VIFE."""
    rows = []
    codes = iter(vifes)
    for vife in codes:
        if vife & _CODE == _MANUFACTURER:
            name = "_".join(filter(None, ("manufacturer", bytes(codes).hex())))
            rows.append(Vife(modifier=name, opaque=True))
        elif vife == _EXTENDED:
            code = next(codes) & _CODE
            rows.append(EXTENDED.get(code) or Vife(modifier=f"vife_fc{code:02x}"))
        else:
            code = vife & _CODE
            rows.append(COMBINABLE.get(code) or Vife(modifier=f"vife_{code:02x}"))
    return rows


def _combine(
    row: Row, data_type: DataType, vifes: Sequence[Vife]
) -> tuple[str | None, str, Scale, DataType]:
    """Apply the VIFEs in their order: unit, what they add to it, scale, data type."""
    unit, suffix, scale, size = row.unit, "", row.scale, row.size
    is_known = True
    for vife in vifes:
        if vife.replacement:
            unit, data_type = vife.replacement
            suffix, scale, size = "", UNSCALED, 1
        suffix += vife.unit_suffix
        if vife.factor is not ONE or vife.addend is not ZERO:
            scale = scale.then(vife.factor, vife.addend * size)
        if vife.data_type in _PRESENTATIONS or data_type in _NUMBERS:
            data_type = vife.data_type or data_type
        is_known = is_known and vife.modifier != ALTERNATE_UNITS
    if not is_known:
        unit, suffix = None, ""
    return unit, suffix, scale, data_type


def _with_suffix(unit: str | None, suffix: str) -> str | None:
    if unit is not None:
        return unit + suffix
    return f"1{suffix}" if suffix.startswith("/") else suffix.removeprefix("·")


def _refuse(error: str, data: bytes) -> NoReturn:
    """Decode the data of a record with an error."""
    raise InvalidValueError(error)
