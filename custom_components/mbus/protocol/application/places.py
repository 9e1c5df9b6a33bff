"""Where the records of a telegram stand in its data (EN 13757-3, data records and special DIFs)."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from ..coding.variable import REALS, variable_length
from ..problems import Problem
from .meaning import Meaning, meaning_of
from .record_header import MOST_EXTENSIONS, TooManyExtensionsError, header_end

_SPECIAL: Final = 0x0F
_MANUFACTURER_DATA: Final = 0x0F
_MORE_RECORDS_FOLLOW: Final = 0x1F
_FILLER: Final = 0x2F
_GLOBAL_READOUT: Final = 0x7F
_PLAIN_TEXT: Final = 0xFC

_NO_LENGTHS: Final[Mapping[int, int]] = {}


class Places(NamedTuple):
    """Of each record its meaning and where its data begin and end, then where what follows them begins.

    `trailing_data` can't be read, `problem` says why; `is_cut`: they are the beginning of a record.
    """

    records: tuple[tuple[Meaning, int, int], ...]
    manufacturer_data: int
    trailing_data: int
    more_records_follow: bool
    problem: Problem | None
    is_cut: bool = False


KNOWN_PLACES: Final[dict[int, tuple[tuple[int, int, Places], ...]]] = {}
"""By the length of the data: a mask, the bits under it, and the places that follow from them.

A meter's telegrams differ in nothing but values, which have no part in where anything stands.
"""
_MOST_LENGTHS: Final = 64
_MOST_OF_A_LENGTH: Final = 4


def find_places(data: bytes) -> Places:
    """Find out where all records stand.

    Some meters put the text of a plain text VIF after the VIFEs, others send a real number under a
    length code of something else. Either is tried for the telegram as a whole where it can't be read
    to its end without.
    """
    number = int.from_bytes(data)
    known = KNOWN_PLACES.get(len(data), ())
    for mask, bits, places in known:
        if number & mask == bits:
            return places
    places = _find(data)
    if places.problem is None:
        mask = _mask(data, places)
        new = (mask, number & mask, places)
        if len(KNOWN_PLACES) == _MOST_LENGTHS:
            KNOWN_PLACES.clear()
        KNOWN_PLACES[len(data)] = (new, *known[: _MOST_OF_A_LENGTH - 1])
        return places
    others = []
    if _PLAIN_TEXT in data:
        others.append(_find(data, text_last=True))
    if any(lvar in data for lvar in REALS):
        others.append(_find(data, real_lengths=REALS))
    return next((other for other in others if other.problem is None), places)


def _mask(data: bytes, places: Places) -> int:
    """Set the bits that make the places: all but those of values and of the manufacturer's data."""
    mask = bytearray(b"\xff" * len(data))
    for meaning, start, end in places.records:
        if meaning.data_length is None:
            start += 1  # the LVAR says where the record ends
        mask[start:end] = bytes(end - start)
    mask[places.manufacturer_data :] = bytes(len(data) - places.manufacturer_data)
    return int.from_bytes(mask)


def _find(
    data: bytes,
    *,
    text_last: bool = False,
    real_lengths: Mapping[int, int] = _NO_LENGTHS,
) -> Places:
    records: list[tuple[Meaning, int, int]] = []
    problem: Problem | None = None
    position, end = 0, len(data)
    while position < end:
        dif = data[position]
        if dif & _SPECIAL == _SPECIAL:
            if dif in (_MANUFACTURER_DATA, _MORE_RECORDS_FOLLOW):
                more = dif == _MORE_RECORDS_FOLLOW
                return Places(tuple(records), position + 1, end, more, problem)
            if dif == _GLOBAL_READOUT:
                problem = Problem("readout_request")
            elif dif != _FILLER:
                reserved = Problem("reserved_dif", {"code": f"{dif:02X}"})
                return Places(tuple(records), position, position, False, reserved)
            position += 1
            continue
        if dif == 0 and position == end - 1:
            break
        try:
            start = header_end(data, position, text_last)
            meaning = meaning_of(data[position:start], text_last)
            length = meaning.data_length
            if length is None:
                lvar = data[start]
                length = real_lengths.get(lvar) or variable_length(lvar)
                if length is None:
                    reserved = Problem("reserved_length", {"code": f"{lvar:02X}"})
                    return Places(tuple(records), position, position, False, reserved)
                length += 1
        except IndexError:
            return _cut(records, position, "record_cut")
        except TooManyExtensionsError as err:
            return _cut(records, position, err.key, most=str(MOST_EXTENSIONS))
        if start + length > end:
            return _cut(records, position, "record_cut")
        records.append((meaning, start, start + length))
        position = start + length
    return Places(tuple(records), end, end, False, problem)


def _cut(
    records: list[tuple[Meaning, int, int]], position: int, key: str, **facts: str
) -> Places:
    """End in the middle of a record."""
    problem = Problem(key, {"index": str(len(records)), **facts})
    return Places(tuple(records), position, position, False, problem, True)
