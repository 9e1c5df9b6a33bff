"""From application data to records (EN 13757-3, data records)."""

from typing import NamedTuple

from ..coding.texts import Opaque
from ..coding.variable import Variable
from ..problems import Problem
from .meaning import Meaning
from .places import find_places
from .record import Record


class RecordBlock(NamedTuple):
    """All records of a telegram and what stands after them.

    `problem` says why there is something unread; `is_cut`: it is the beginning of a record.
    """

    records: tuple[Record, ...] = ()
    manufacturer_data: bytes = b""
    more_records_follow: bool = False
    trailing_data: bytes = b""
    problem: Problem | None = None
    is_cut: bool = False


def read_records(data: bytes, *, high_first: bool = False) -> RecordBlock:
    """Read all records, `high_first` with the high byte first (CI 76)."""
    found, own, trailing, more_records_follow, problem, is_cut = find_places(data)
    # As a list first: that takes a third less than a generator.
    if high_first:
        records = [
            Record(index, meaning, _low_first(data[start:end], meaning))
            for index, (meaning, start, end) in enumerate(found)
        ]
    else:
        records = [
            Record(index, meaning, data[start:end])
            for index, (meaning, start, end) in enumerate(found)
        ]
    return RecordBlock(
        tuple(records),
        data[own:trailing],
        more_records_follow,
        data[trailing:],
        problem,
        is_cut,
    )


def _low_first(raw: bytes, meaning: Meaning) -> bytes:
    """Turn the data round, but for bytes that have no order."""
    match meaning.coding:
        case Opaque() | Variable(opaque=True):
            return raw
        case Variable():
            return raw[:1] + raw[:0:-1]
    return raw[::-1]
