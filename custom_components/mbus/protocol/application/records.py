"""From application data to records (EN 13757-3, data records and special DIFs)."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from ..coding.texts import Opaque
from ..coding.variable import REALS, Variable, variable_length
from .meaning import Meaning, meaning_of
from .record import Record
from .record_header import TooManyExtensionsError, header_end

_SPECIAL: Final = 0x0F
_MANUFACTURER_DATA: Final = 0x0F
_MORE_RECORDS_FOLLOW: Final = 0x1F
_FILLER: Final = 0x2F
_GLOBAL_READOUT: Final = 0x7F
_PLAIN_TEXT: Final = 0xFC

_NO_LENGTHS: Final[Mapping[int, int]] = {}


class RecordBlock(NamedTuple):
    """All records of a telegram and what stands after them.

    `problem` says why there is something unread; `is_cut`: it is the beginning of a record.
    """

    records: tuple[Record, ...] = ()
    manufacturer_data: bytes = b""
    more_records_follow: bool = False
    trailing_data: bytes = b""
    problem: str | None = None
    is_cut: bool = False


def read_records(data: bytes, *, high_first: bool = False) -> RecordBlock:
    """Read all records, `high_first` with the high byte first (CI 76).

    Some meters put the text of a plain text VIF after the VIFEs, others send a real number under a
    length code of something else. Either is tried for the telegram as a whole where it can't be read
    to its end without.
    """
    block = _read(data, high_first=high_first)
    if block.problem is None:
        return block
    others = []
    if _PLAIN_TEXT in data:
        others.append(_read(data, high_first=high_first, text_last=True))
    if any(lvar in data for lvar in REALS):
        others.append(_read(data, high_first=high_first, real_lengths=REALS))
    return next((other for other in others if other.problem is None), block)


def _read(
    data: bytes,
    *,
    high_first: bool,
    text_last: bool = False,
    real_lengths: Mapping[int, int] = _NO_LENGTHS,
) -> RecordBlock:
    records: list[Record] = []
    position, end = 0, len(data)
    manufacturer_data, more_records_follow = b"", False
    problem, is_cut = None, False
    while position < end:
        dif = data[position]
        if dif & _SPECIAL == _SPECIAL:
            if dif in (_MANUFACTURER_DATA, _MORE_RECORDS_FOLLOW):
                manufacturer_data = data[position + 1 :]
                more_records_follow = dif == _MORE_RECORDS_FOLLOW
                position = end
                break
            if dif == _GLOBAL_READOUT:
                problem = "a readout request (DIF 7F) in a reply"
            elif dif != _FILLER:
                problem = f"reserved DIF {dif:02X}"
                break
            position += 1
            continue
        if dif == 0 and position == end - 1:
            position = end
            break
        try:
            start = header_end(data, position, text_last)
            meaning = meaning_of(data[position:start], text_last)
            length = meaning.data_length
            if length is None:
                lvar = data[start]
                length = real_lengths.get(lvar) or variable_length(lvar)
                if length is None:
                    problem = f"reserved length code {lvar:02X}"
                    break
                length += 1
        except IndexError:
            problem, is_cut = f"record {len(records)} is cut", True
            break
        except TooManyExtensionsError as err:
            problem, is_cut = f"record {len(records)} has {err}", True
            break
        raw = data[start : start + length]
        if len(raw) < length:
            problem, is_cut = f"record {len(records)} is cut", True
            break
        if high_first:
            raw = _low_first(raw, meaning)
        records.append(Record(len(records), meaning, raw))
        position = start + length
    return RecordBlock(
        records=tuple(records),
        manufacturer_data=manufacturer_data,
        more_records_follow=more_records_follow,
        trailing_data=data[position:],
        problem=problem,
        is_cut=is_cut,
    )


def _low_first(raw: bytes, meaning: Meaning) -> bytes:
    """Turn the data round, but for bytes that have no order."""
    match meaning.coding:
        case Opaque() | Variable(opaque=True):
            return raw
        case Variable():
            return raw[:1] + raw[:0:-1]
    return raw[::-1]
