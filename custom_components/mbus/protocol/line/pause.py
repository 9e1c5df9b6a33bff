"""How long a line is idle before a request: a few bit times at best, more where those lose requests."""

from collections import Counter
from typing import Any

from .frame import SELECT
from .reply import Discard, Reply

SHORT = 11
"""Bit times after which a meter that has just answered hears the next request."""
LONG = 33
"""Bit times after which any meter does, whatever came before (EN 13757-2)."""

_SHORT_FRAME = 0x10
_FEW = 3
"""Lost requests that are chance, and requests that are late after each."""


class Pauses:
    """Gives the pause before each request, and learns on what line the short one doesn't do.

    A request that goes on with the meter that has just answered soundly may come early. Where such
    requests are lost more often early than late, all are late.
    """

    def __init__(self) -> None:
        """Expect meters that hear the next request at once."""
        self._heard: int | None = None
        self._missed: bool | None = None
        self._wary = 0
        self._sent: Counter[bool] = Counter()
        self._lost: Counter[bool] = Counter()

    def before(self, request: bytes) -> int:
        """Give the bit times of idle line before a request."""
        return SHORT if self._goes_on(request) and self._may_be_early else LONG

    def note(self, request: bytes, reply: Reply[Any], *, was_early: bool) -> None:
        """Take note of what came after a request, and of how soon this had been sent."""
        if self._goes_on(request):
            self._sent[was_early] += 1
            self._missed = was_early if reply.is_echo else None
            self._wary = _FEW if reply.is_echo else max(0, self._wary - 1)
        elif self._missed is not None and reply.answer is not None:
            # It is still there, and so had not heard the request.
            self._lost[self._missed] += 1
            self._missed = None
        is_sound = reply.answer is not None and reply.discarded.keys() <= {Discard.ECHO}
        self._heard = _addressee(request) if is_sound else None

    @property
    def _may_be_early(self) -> bool:
        lost, sent = self._lost, self._sent
        is_chance = lost[True] * sent[False] <= 2 * (lost[False] + 1) * sent[True]
        return not self._wary and (lost[True] <= _FEW or is_chance)

    def _goes_on(self, request: bytes) -> bool:
        return not _is_selection(request) and _addressee(request) == self._heard


def _addressee(request: bytes) -> int | None:
    place = 2 if request[:1] == bytes((_SHORT_FRAME,)) else 5
    return request[place] if len(request) > place else None


def _is_selection(request: bytes) -> bool:
    return request[6:7] == bytes((SELECT,))
