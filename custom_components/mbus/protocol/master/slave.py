"""What is known of a meter on the wire, whoever asked it last."""

from dataclasses import dataclass
from enum import Enum, auto

from ..application.header import Identity
from ..application.telegram import Telegram
from ..line.frame import FRAME_COUNT_BIT

type Form = tuple[bytes, ...]
"""What stays the same of a telegram while its values move."""


class AfterReset(Enum):
    """What a meter sends first after an acknowledged reset or selection."""

    UNKNOWN = auto()
    FIRST = auto()
    """Its first telegram, whatever the FCB."""
    NEXT = auto()
    """The next one, or again the one before where the FCB is that of the request before."""
    SAME = auto()
    """Its one telegram, so far the same with either FCB: whether it is the one before can't be told."""


@dataclass(slots=True)
class Slave:
    """What is known of a meter by the address at which it is asked; times are the event loop's."""

    frame_count: int = FRAME_COUNT_BIT
    """FCB of the next request for data."""
    asked_with: int = FRAME_COUNT_BIT
    """FCB of the last one."""
    after_reset: AfterReset = AfterReset.UNKNOWN
    selection: bytes | None = None
    """The request to select it with first."""
    selected_with: bytes | None = None
    """The request that selected it last."""
    failed_ways: int = 0
    """How many of the ways to select it were tried in vain, from the first one on."""
    is_selected_in_part: bool = False
    """That left something of its address out, and may select others."""
    is_at_first: bool = False
    """It was read to its end, and nobody asked it since: its next telegram is the first."""
    last: Telegram | None = None
    """The last telegram it sent."""
    is_still: bool = False
    """The access number of that telegram was that of the one before."""
    is_counting: bool = False
    """The access number is always that of the telegram before and one."""
    forms: tuple[Form, ...] = ()
    """Of the telegrams of a whole readout, empty if none is known."""
    rest_until: float = 0.0
    """Nothing is asked before."""
    late_until: float = 0.0
    """Until then an answer that was given up may still come."""

    def sent(self, telegram: Telegram) -> None:
        """Take note of a telegram; what was learnt of another meter at the address is forgotten."""
        if not self.may_be(Slave(last=telegram)):
            self.last, self.forms = None, ()
            self.after_reset, self.is_counting = AfterReset.UNKNOWN, False
        self.is_still = self.last is not None and access_number(
            self.last
        ) == access_number(telegram)
        self.last = telegram
        self.selection = self.selected_with

    def begin(self) -> None:
        """Take note of an acknowledged reset or selection: set the FCB of the request for the first telegram."""
        is_kept = self.after_reset in (AfterReset.NEXT, AfterReset.SAME)
        self.frame_count = (
            self.asked_with ^ FRAME_COUNT_BIT if is_kept else FRAME_COUNT_BIT
        )

    def may_be(self, other: Slave) -> bool:
        """Say whether both may be one meter, asked at two addresses."""
        mine, theirs = self._identity, other._identity
        return mine is None or theirs is None or mine.matches(theirs)

    @property
    def _identity(self) -> Identity | None:
        return None if self.last is None else self.last.identity


def access_number(telegram: Telegram) -> int | None:
    """Give the number that most meters count their telegrams by."""
    return None if telegram.header is None else telegram.header.access_number


def is_same(one: Telegram, other: Telegram) -> bool:
    """Say whether both have the same content from CI on; flags of the C field are no part of it."""
    return one.frame[6:-2] == other.frame[6:-2]
