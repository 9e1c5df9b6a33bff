"""What came after a request, and which of it is the answer."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from ..address import SELECTED
from .frame import Frame, Garbage, Received, Single


class Discard(StrEnum):
    """Why something that came was not the answer."""

    ECHO = "echo"
    NOISE = "noise"
    FOREIGN = "foreign address"
    OTHER_METER = "other meter"
    ANONYMOUS = "no identification"
    REPEATED = "repeated answer"
    OUT_OF_ORDER = "out of order"
    ACKNOWLEDGEMENT = "acknowledgement without data"
    BUSY = "meter is busy"
    SECOND = "second answer"
    LATE = "late answer"


_SPOKEN = {
    Discard.NOISE,
    Discard.ACKNOWLEDGEMENT,
    Discard.BUSY,
    Discard.REPEATED,
    Discard.OUT_OF_ORDER,
}
"""What the meter asked may have sent: only the standard's response time is waited for more."""

type Judge[Answer] = Callable[[Received], Answer | Discard]
"""Gives the answer that something received is, or says why it is none."""


@dataclass(slots=True)
class Reply[Answer]:
    """What came after one request.

    `delay` is the time (s) from the end of the request to the last that came, its echo left out.
    `followed_late` is that of something late which came just before the request, after the one
    that it belongs to; 0 if nothing did. `lead` is the time from the first that came, its echo left out,
    to the beginning of the answer. It `went_on` if the line wasn't idle when listening ended,
    and `is_cut` if a frame stopped in its middle.
    """

    request: bytes
    followed_late: float = 0.0
    delay: float = 0.0
    lead: float = 0.0
    went_on: bool = False
    is_cut: bool = False
    raw: bytearray = field(default_factory=bytearray)
    answer: Answer | None = None
    discarded: Counter[Discard] = field(default_factory=Counter)

    def take(self, item: Received, judge: Judge[Answer]) -> None:
        """Sort in what was received."""
        judged = Discard.SECOND if self.answer is not None else judge(item)
        if isinstance(judged, Discard):
            self.discarded[judged] += 1
        else:
            self.answer = judged

    @property
    def is_echo(self) -> bool:
        """Nothing but the request came back so far, or the beginning of it."""
        return self.request.startswith(bytes(self.raw))

    @property
    def has_spoken(self) -> bool:
        """Whoever was asked has begun to answer, though not always as expected."""
        return self.answer is not None or not _SPOKEN.isdisjoint(self.discarded)

    @property
    def is_doubtful(self) -> bool:
        """E5 among noise may be the remains of something longer."""
        return self.answer is Single.ACK and Discard.NOISE in self.discarded


def outcome(*, is_answered: bool, discarded: Iterable[Discard]) -> str:
    """Say in a few words what became of a request."""
    others = ", ".join(discarded)
    if not is_answered:
        return others or "nothing"
    return f"answered, and {others}" if others else "answered"


def judge_acknowledgement(item: Received) -> Single | Discard:
    """Accept E5 only."""
    match item:
        case Single():
            return item
        case Frame(from_master=True):
            return Discard.ECHO
        case Frame():
            return Discard.LATE
        case Garbage():
            return Discard.NOISE


def judge_answer_from(field: int) -> Judge[Frame | Single]:
    """Accept E5 or any frame from this address field; 253 and 254 may answer with any."""

    def judge(item: Received) -> Frame | Single | Discard:
        if isinstance(item, Frame) and not item.from_master:
            if field >= SELECTED or item.address == field:
                return item
            return Discard.FOREIGN
        return judge_acknowledgement(item)

    return judge


def judge_anything(item: Received) -> Frame | Single | Discard:
    """Accept E5 or any frame of a slave."""
    if isinstance(item, Frame) and not item.from_master:
        return item
    return judge_acknowledgement(item)
