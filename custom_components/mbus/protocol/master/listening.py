"""Listening to all meters at once: whether there are any, and how late they answer."""

from typing import Any

from ..address import LAST_ANSWERING, SELECTED, SecondaryAddress
from ..errors import LateRepliesError, MBusError, OverdueRepliesError
from ..line.frame import (
    FRAME_COUNT_BIT,
    SELECT,
    Control,
    Frame,
    long_frame,
    short_frame,
)
from ..line.reply import Reply, judge_acknowledgement
from .asking import Asker
from .master import Master
from .session import Session

POWER_UP = 3.0
"""Seconds that a serial converter needs after opening until all meters on its bus are awake."""
DEAF = 20.0
"""Seconds after opening a gateway within which silence may be the gateway's."""

EVERYTHING = SecondaryAddress()

_SELECTIONS: dict[int, Frame] = {
    control: Frame(long_frame(control, SELECTED, SELECT, EVERYTHING.selection))
    for control in (Control.SND_UD, Control.SND_UD | FRAME_COUNT_BIT)
}
_RESET = Frame(short_frame(Control.SND_NKE, LAST_ANSWERING))
_TO_THE_END = 0.9
"""Part of the timeout after which what is heard is noise that doesn't end, unless it is an answer."""
_ALIKE = 0.3
"""Seconds by which late answers of all meters to the same request differ at most."""
_OVERDUE = 3
"""Timeouts within which an answer is looked for that didn't come within one."""


class Listener:
    """Sends what all meters answer, and listens for as long as any of them may take."""

    def __init__(self, master: Master, asker: Asker) -> None:
        """Tell the asker what is learnt."""
        self._master = master
        self._asker = asker
        self._was_silent = False
        self._overdue = 0.0

    async def settle(self) -> None:
        """Let a serial converter power up; whether a gateway listens yet is seen later."""
        link = self._master.link
        if link.settings.over_network:
            self._asker.trusts_from = link.opened_at + DEAF
        else:
            async with self._master.hold() as session:
                await session.line.settle(link.opened_at + POWER_UP)

    @property
    def may_be_deaf(self) -> bool:
        """Whether silence may be the gateway's."""
        return self._master.line.time < self._asker.trusts_from

    async def hears_selected(self) -> bool:
        """Say whether any meter answers to wildcards, and learn which C field it takes."""
        for control, request in _SELECTIONS.items():
            self._asker.control = control
            if await self._hears(request):
                return True
        return False

    async def hears_reset(self) -> bool:
        """Say whether any meter answers to a reset of all."""
        return await self._hears(_RESET)

    async def hears_any(self) -> bool:
        """Say whether anything is heard, be it an answer in time or not."""
        async with self._master.hold() as session:
            for request in (*_SELECTIONS.values(), _RESET):
                if await self._listen(session, request) is not None:
                    return True
        return False

    @property
    def problem(self) -> MBusError | None:
        """What is to be told of late answers."""
        if self._overdue:
            return OverdueRepliesError(delay=round(self._overdue, 1))
        line, link, latest = self._master.line, self._master.link, self._asker.latest
        if latest > line.response_time - link.latency + link.latency_unlearnt:
            return LateRepliesError(delay=round(latest, 1))
        return None

    async def _hears(self, request: Frame) -> bool:
        """Say whether any meter answers in time.

        After silence, what is heard may be the answer to the request before: then one to this comes
        after its time, too.
        """
        async with self._master.hold() as session:
            delay = await self._listen(session, request)
            if delay:
                # A gateway may have held it back, or it was noise that came by itself.
                again = await self._listen(session, request)
                is_alike = again is not None and abs(again - delay) < _ALIKE
                delay = again if self.may_be_deaf or is_alike else 0.0
            overdue = 0.0
            if self._was_silent or (delay is None and request == _RESET):
                overdue = await self._listen_on(session)
            if overdue and self.may_be_deaf:
                delay = await self._listen(session, request)
                overdue = await self._listen_on(session)
            if overdue:
                self._overdue = await self._measure(session, request) or overdue
            self._was_silent = delay is None
            if delay:
                self._asker.note_late(session, delay)
        return delay is not None and not overdue

    async def _listen(self, session: Session, request: Frame) -> float | None:
        """Say how many seconds after a request the last answer came: 0 in time, None for silence.

        In time is what the standard says, without the latency of the link: that may yet be learnt from
        faster meters.
        """
        reply: Reply[Any] = await session.exchange(
            request,
            judge_acknowledgement,
            wait=session.timeout,
            listen_on=session.timeout,
        )
        if self._asker.is_silence(reply):
            return None
        is_noise = reply.went_on or (
            reply.answer is None and reply.delay > _TO_THE_END * session.timeout
        )
        in_time = session.line.response_time - self._master.link.latency
        return reply.delay if reply.delay > in_time and not is_noise else 0.0

    async def _listen_on(self, session: Session) -> float:
        """Say how many seconds after the last request an answer came that was no longer waited for."""
        until = session.line.time + (_OVERDUE - 1) * session.timeout
        return await session.line.settle(until)

    async def _measure(self, session: Session, request: Frame) -> float:
        """Say after how many seconds an answer comes, on a line where no other is due."""
        line, timeout = session.line, session.timeout
        await line.settle(line.time + (_OVERDUE - 1) * timeout)
        reply = await session.exchange(
            request, judge_acknowledgement, wait=_OVERDUE * timeout
        )
        return reply.delay if reply.answer is not None else 0.0
