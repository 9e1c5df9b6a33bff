"""Compact profiles: many values kept at equal distances, in one record (EN 13757-3, VIFE 13, 1E and 1F)."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import batched
from typing import Final

from ..coding.coding import DATA_LENGTHS
from ..coding.numeric import Bcd, Integer, Real, signed_integer, unsigned_integer
from ..coding.values import InvalidValueError, Scale
from ..coding.variable import Variable
from .record import Record

INVERSE: Final = "inverse_compact_profile"
"""The modifier of one whose values go back in time."""
COMPACT_PROFILES: Final = frozenset(
    {INVERSE, "compact_profile", "compact_profile_with_registers"}
)
"""The modifiers of a record that is one."""

_CONTROL_LENGTH: Final = 3  # LVAR, spacing control, spacing value
_TEXT: Final = 0xC0  # an LVAR below it
_ARRAY: Final = 0
_ABSOLUTE, _INCREMENTS, _DECREMENTS = 0, 1, 2
_REAL: Final = 0x5
_BCD: Final = (0x9, 0xA, 0xB, 0xC, 0xE)


def is_compact_profile(record: Record) -> bool:
    """Say whether a record is a compact profile whose values can be told."""
    try:
        return bool(_parts(record)[1])
    except InvalidValueError:
        return False


def profile_values(
    record: Record, neighbours: Sequence[Record]
) -> list[Decimal | None]:
    """Return the values of a compact profile in the record's unit, as sent; None for one that is none.

    Values sent as differences are told as what they add up to, from the value of that storage number among the
    records of the telegram on. Raises InvalidValueError where that is missing, or the data are no profile.
    """
    mode, elements = _parts(record)
    values = [*_decoded(record, mode, elements)]
    if mode == _ABSOLUTE:
        return values
    sign = -1 if mode == _DECREMENTS else 1
    if INVERSE in record.signature.modifiers:
        sign = -sign
    total: Decimal | None = _base(record, neighbours)
    totals = list[Decimal | None]()
    for value in values:
        total = None if total is None or value is None else total + sign * value
        totals.append(total)
    return totals


def _parts(record: Record) -> tuple[int, list[bytes]]:
    """Return how the elements are meant, and their bytes."""
    coding, data = record.meaning.coding, record.raw
    if (
        COMPACT_PROFILES.isdisjoint(record.signature.modifiers)
        or not isinstance(coding, Variable)
        or coding.moment
        or coding.identifier
        or len(data) <= _CONTROL_LENGTH
        or data[0] >= _TEXT
        or data[2] == _ARRAY
    ):
        raise InvalidValueError("no_profile")
    control, content = data[1], data[_CONTROL_LENGTH:]
    data_field = control & 0x0F
    length = DATA_LENGTHS[data_field] if data_field < len(DATA_LENGTHS) else None
    if not length or len(content) % length:
        raise InvalidValueError("no_profile")
    return control >> 6, [bytes(part) for part in batched(content, length, strict=True)]


def _decoded(
    record: Record, mode: int, elements: Sequence[bytes]
) -> Iterator[Decimal | None]:
    assert isinstance(record.meaning.coding, Variable)
    coding = _coding(
        record.raw[1] & 0x0F, len(elements[0]), mode, record.meaning.coding.scale
    )
    for element in elements:
        try:
            yield Decimal(str(coding.decode(element)))
        except InvalidValueError:
            yield None


def _coding(
    data_field: int, length: int, mode: int, scale: Scale
) -> Bcd | Integer | Real:
    if data_field == _REAL:
        return Real(length=length, scale=scale)
    if data_field in _BCD:
        return Bcd(length=length, scale=scale)
    if mode in (_INCREMENTS, _DECREMENTS):
        return unsigned_integer(length, scale)
    return signed_integer(length, scale)


def _base(record: Record, neighbours: Sequence[Record]) -> Decimal:
    """Return the value that differences go out from."""
    modifiers = tuple(
        name for name in record.signature.modifiers if name not in COMPACT_PROFILES
    )
    wanted = record.signature._replace(modifiers=modifiers)
    for other in neighbours:
        if (
            other.signature == wanted
            and other.problem is None
            and isinstance(other.value, int | float | Decimal)
        ):
            return Decimal(str(other.value))
    raise InvalidValueError("no_base")
