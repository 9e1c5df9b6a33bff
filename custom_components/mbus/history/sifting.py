"""Which stored totals are believed, and which of those of one hour is its last."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from .totals import LeftOut, LeftOutTotal, StoredTotal


def sift(
    found: Iterable[StoredTotal], now: float | None, way: int
) -> tuple[list[StoredTotal], list[LeftOutTotal]]:
    """Return the totals that can become history, in the order of their times, and the others.

    `now` is what the meter shows now, None where that is nothing. `way` is where a total goes with time: up (1), down
    (-1) or both ways (0).
    """
    totals = sorted(set(found), key=lambda one: (one.moment, -one.storage_number))
    left_out = list[LeftOutTotal]()

    def leave_out(odd: Iterable[StoredTotal], reason: LeftOut) -> None:
        for one in {*odd}:
            totals.remove(one)
            left_out.append(one.left_out(reason))

    leave_out(_of_several_values(totals), LeftOut.SEVERAL_VALUES)
    if way:
        leave_out(_beyond(totals, now, way), LeftOut.CONTRADICTED)
        leave_out(_out_of_order(totals, way), LeftOut.CONTRADICTED)
    leave_out(_followed_in_its_hour(totals), LeftOut.SAME_HOUR)
    return totals, left_out


def _of_several_values(totals: Sequence[StoredTotal]) -> Iterator[StoredTotal]:
    """Yield what is told of one and the same moment, but differs."""
    values = {(one.moment, one.value) for one in totals}
    told = Counter(moment for moment, _ in values)
    return (one for one in totals if told[one.moment] > 1)


def _beyond(
    totals: Sequence[StoredTotal], now: float | None, way: int
) -> Iterator[StoredTotal]:
    """Yield what the meter has not come to yet."""
    return (one for one in totals if now is not None and way * (one.value - now) > 0)


def _out_of_order(totals: Sequence[StoredTotal], way: int) -> Iterator[StoredTotal]:
    """Yield what is not in every longest series that goes one way only."""
    values = [way * one.value for one in totals]
    before = _lengths(values)
    after = [*reversed(_lengths([-value for value in reversed(values)]))]
    lengths = [sum(both) - 1 for both in zip(before, after, strict=True)]
    longest = max(lengths, default=0)
    rivals = Counter(
        place
        for place, length in zip(before, lengths, strict=True)
        if length == longest
    )
    for one, place, length in zip(totals, before, lengths, strict=True):
        if length < longest or rivals[place] > 1:
            yield one


def _lengths(values: Sequence[float]) -> list[int]:
    """Return how long the longest series is that doesn't fall and ends with each value."""
    lengths = list[int]()
    for number, value in enumerate(values):
        before = (
            length
            for length, earlier in zip(lengths, values[:number], strict=True)
            if earlier <= value
        )
        lengths.append(1 + max(before, default=0))
    return lengths


def _followed_in_its_hour(totals: Sequence[StoredTotal]) -> Iterator[StoredTotal]:
    """Yield all of each hour but the last one."""
    return (one for one, following in pairwise(totals) if one.hour == following.hour)
