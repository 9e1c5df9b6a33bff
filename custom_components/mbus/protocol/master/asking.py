"""Asking who is at an address: nobody, one meter, which is read at once, or several."""

from contextlib import suppress
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from typing import Any

from ..address import SELECTED, Address, SecondaryAddress, link_address
from ..application.telegram import Telegram
from ..errors import FrameError, LinkError, MBusError, UnsoundRepliesError
from ..line.frame import (
    FRAME_COUNT_BIT,
    SELECT,
    Control,
    Frame,
    Single,
    long_frame,
    short_frame,
)
from ..line.reply import Discard, Reply, judge_acknowledgement
from .collector import Collector
from .divide import has_open_digits
from .found import secondary_of
from .readout import Quirks
from .session import Session
from .silence import REQUESTS_TO_NOBODY, Silence, never_ends
from .slave import Slave, access_number

LATE_MARGIN = 1.25
"""How much longer than the latest answer so far the next ones are waited for."""

_OF_OTHERS = {Discard.OTHER_METER, Discard.FOREIGN}
"""What another meter sent, perhaps later than it was waited for."""
_SURE = 3
"""Times in a row that garbage came again, after which it is believed at once."""
_ENOUGH = 20
"""Answers in a row without a sound telegram, after which the line is tested; a descent has about 8."""
_ENOUGH_TIMES = 2
"""Times that an answered request is repeated on a link whose latency isn't known yet."""
_STEM = 5
"""Leading digits that the numbers of meters bought together share."""
_FEW_STEMS = 3
"""Stems after which a meter is looked for behind another only where numbers share one."""
_TESTS = 5
"""Tests of the line in a row that nothing sound came between, after which none will come."""


class Presence(Enum):
    """Who is at an address."""

    NONE = auto()
    ONE = auto()
    SEVERAL = auto()


class _Sound(Enum):
    """What an acknowledgement was waited for, and what came."""

    SILENCE = auto()
    ACKNOWLEDGEMENT = auto()
    GARBAGE = auto()
    MORE = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Who is at an address; of one meter what it sent, how it is selected and what reading it needs.

    `garbage` is the reply that nothing else came in, `lacks_data` when the request for data brought
    none, `is_damaged` when it did after an acknowledgement that seemed to be that of one, `is_mixed`
    when more than an acknowledgement came, and `is_late` when something that came is the answer of the
    address asked before.
    """

    presence: Presence
    telegram: Telegram | None = None
    secondary: SecondaryAddress | None = None
    quirks: Quirks = field(default_factory=Quirks)
    problem: MBusError | None = None
    garbage: Reply[Any] | None = None
    lacks_data: bool = False
    is_damaged: bool = False
    is_mixed: bool = False
    is_late: bool = False


class Asker:
    """Asks at addresses on a line, and learns how late answers come and what the line's silence is."""

    def __init__(self) -> None:
        """Expect what the standard says."""
        self.silence = Silence()
        self.control: int = Control.SND_UD
        self.wait = 0.0
        """Seconds to wait for an acknowledgement, where that is longer than the standard says."""
        self.trusts_from = 0.0
        """Time of the line before which a late answer may have been held back by the gateway."""
        self.latest = 0.0
        """Seconds until the latest answer that came later than the standard allows."""
        self.has_given_up = False
        """Whether parting the addresses further leads to nothing."""
        self._fruitless = self._tests = self._repeated = 0
        self._stems: set[str] = set()

    async def ask(
        self, session: Session, address: Address, *, again: bool = False
    ) -> Answer:
        """Say who is there; `again` when an answer may have been late the last time."""
        if isinstance(address, SecondaryAddress):
            request = Frame(
                long_frame(self.control, SELECTED, SELECT, address.selection)
            )
        else:
            request = Frame(short_frame(Control.SND_NKE, address))
        replies, sound = await self._probe(session, request)
        is_late = any(map(self._is_late, replies))
        answer = Answer(presence=Presence.SEVERAL)
        if sound is _Sound.SILENCE:
            answer = Answer(presence=Presence.NONE)
        elif sound is _Sound.GARBAGE:
            answer = Answer(presence=Presence.SEVERAL, garbage=replies[-1])
        elif sound is _Sound.ACKNOWLEDGEMENT:
            await self._learn_latency(session, request)
            answer = await self._read(session, address)
            # Silence now says that the acknowledgement was another meter's.
            is_late |= answer.lacks_data and not self.silence.acknowledges
        others = replies[-1].discarded.keys() - {Discard.ECHO}
        return replace(
            answer,
            is_mixed=sound is not _Sound.SILENCE and bool(others),
            is_late=(is_late or answer.is_late) and not again,
        )

    async def ask_for_data(
        self, session: Session, address: int, *, again: bool = False
    ) -> Answer:
        """Say who is at a primary address that was silent, without a reset before.

        A meter that then isn't silent once more had missed the reset; any other has to be read
        without one.
        """
        answer = await self._read(session, address, wait=self.wait)
        if answer.presence is Presence.ONE:
            request = Frame(short_frame(Control.SND_NKE, address))
            for _ in range(2):
                _, sound = await self._probe(session, request)
                if sound is not _Sound.SILENCE:
                    # Only now is it the first telegram.
                    return await self._read(session, address)
            answer = replace(answer, quirks=Quirks(reset="never"))
        return replace(answer, is_late=answer.is_late and not again, lacks_data=False)

    async def _read(
        self, session: Session, address: Address, *, wait: float | None = None
    ) -> Answer:
        """Read the first telegram of a meter, if it is but one that answers."""
        collector = self._collector(session, address)
        request = _request_for_data(address)
        # A damaged telegram after a clean acknowledgement is that of several meters.
        is_part = isinstance(address, SecondaryAddress) and has_open_digits(address)
        is_late = False
        for _ in range(1 if is_part else 2):
            try:
                reply = await session.exchange(
                    request,
                    collector.judge,
                    wait=wait,
                    listen_on=max(self.wait, session.line.response_time),
                )
            except LinkError:
                raise
            except MBusError as err:
                return Answer(presence=Presence.NONE, problem=err)
            others = set(reply.discarded) - {Discard.ECHO}
            is_late |= self._is_late(reply) or not _OF_OTHERS.isdisjoint(others)
            telegram = reply.answer
            if telegram is not None and Discard.SECOND not in others:
                if is_part and self._follows_others(session, reply):
                    break
                answer = await self._confirm(session, address, telegram)
                return replace(answer, is_late=is_late)
            if not others or (others == {Discard.NOISE} and self.silence.covers(reply)):
                others = set()
                break
        if not others - {Discard.ACKNOWLEDGEMENT}:
            return Answer(presence=Presence.NONE, lacks_data=True, is_late=is_late)
        if others <= {Discard.ANONYMOUS} | _OF_OTHERS:
            # One meter, which this selection can't be trusted to reach.
            return Answer(presence=Presence.NONE, is_late=is_late)
        return Answer(presence=Presence.SEVERAL, is_damaged=True, is_late=is_late)

    async def count(self, session: Session, answer: Answer) -> MBusError | None:
        """Count answers without a telegram, and test the line after many; give what is wrong with it."""
        if answer.presence is Presence.ONE:
            self._fruitless = self._tests = 0
        elif answer.lacks_data and not self.silence.acknowledges:
            self._fruitless += 1
        elif answer.presence is Presence.SEVERAL:
            is_endless = answer.garbage is not None and never_ends(answer.garbage)
            self._fruitless += _ENOUGH if is_endless else 1
        if self._fruitless < _ENOUGH or self.has_given_up:
            return None
        self._fruitless = 0
        self._tests += 1
        problem = self.silence.learn(
            [
                await session.exchange(request, judge_acknowledgement, wait=self.wait)
                for request in REQUESTS_TO_NOBODY
            ]
        )
        self.has_given_up = self.silence.is_noisy or self._tests == _TESTS
        if self.has_given_up and problem is None:
            return UnsoundRepliesError()
        return problem

    def note_late(self, session: Session, delay: float) -> None:
        """Wait longer from now on, for an answer that came so late."""
        self.latest = max(self.latest, delay)
        self.wait = min(max(self.wait, LATE_MARGIN * delay), session.timeout)

    async def _probe(
        self, session: Session, request: Frame
    ) -> tuple[list[Reply[Any]], _Sound]:
        """Send what is to be acknowledged, and once more where only garbage came.

        Where garbage came again and again, a selection is not repeated: chance costs ten more.
        """
        replies: list[Reply[Any]] = []
        sounds: list[_Sound] = []
        is_sure = self._repeated >= _SURE and request.is_selection
        # Garbage, then nothing: one of the two was chance.
        while sounds in ([], [_Sound.GARBAGE], [_Sound.GARBAGE, _Sound.SILENCE]):
            if sounds and is_sure:
                break
            reply: Reply[Single] = await session.exchange(
                request,
                judge_acknowledgement,
                wait=self.wait,
                listen_on=max(self.wait, session.line.response_time),
            )
            replies.append(reply)
            sounds.append(self._sound(reply))
            if reply.followed_late and session.line.time > self.trusts_from:
                self.note_late(session, reply.followed_late)
        if len(sounds) > 1:
            is_repeated = sounds[1] is _Sound.GARBAGE
            self._repeated = self._repeated + 1 if is_repeated else 0
        return replies, sounds[-1]

    async def _learn_latency(self, session: Session, request: Frame) -> None:
        """Be answered as often as it takes to know the link, which shortens each silence from then on."""
        for _ in range(_ENOUGH_TIMES):
            if session.line.link.is_learnt:
                return
            await session.exchange(request, judge_acknowledgement, wait=self.wait)

    def _sound(self, reply: Reply[Any]) -> _Sound:
        others = set(reply.discarded) - {Discard.ECHO}
        if reply.answer is not None:
            is_one = others <= {Discard.NOISE}
            return _Sound.ACKNOWLEDGEMENT if is_one else _Sound.MORE
        if others - {Discard.NOISE}:
            return _Sound.MORE
        is_silent = not others or self.silence.covers(reply)
        return _Sound.SILENCE if is_silent else _Sound.GARBAGE

    def is_silence(self, reply: Reply[Any]) -> bool:
        """Say whether nothing came but what comes where no meter answers."""
        return self._sound(reply) is _Sound.SILENCE

    @staticmethod
    def _is_late(reply: Reply[Any]) -> bool:
        return bool(reply.followed_late) or Discard.LATE in reply.discarded

    async def _confirm(
        self, session: Session, address: Address, telegram: Telegram
    ) -> Answer:
        """Select a meter by its own address: telegrams of several can make a sound one of nobody."""
        secondary = secondary_of(telegram)
        if not isinstance(address, SecondaryAddress) or secondary is None:
            return Answer(presence=Presence.ONE, telegram=telegram)
        if address.fabrication_number is not None:
            # Only the number tells it from another of the same address.
            number = telegram.identity.fabrication_number if telegram.identity else None
            if number is None or len(number) != 8:
                number = address.fabrication_number
            secondary = replace(secondary, fabrication_number=number)
        answer = Answer(presence=Presence.ONE, telegram=telegram, secondary=secondary)
        for choice in (secondary, secondary.with_wildcards()):
            if choice == address:
                return answer
            request = Frame(
                long_frame(self.control, SELECTED, SELECT, choice.selection)
            )
            reply = await session.exchange(
                request, judge_acknowledgement, wait=self.wait
            )
            if reply.answer is not None:
                if not await self._is_alone(session, address, choice, telegram):
                    break
                session.slave(secondary).selection = request.raw
                return answer
        return Answer(presence=Presence.SEVERAL)

    async def _is_alone(
        self,
        session: Session,
        branch: SecondaryAddress,
        selected: SecondaryAddress,
        telegram: Telegram,
    ) -> bool:
        """Say whether a meter, selected now, is the only one in a branch, as far as it can be told.

        One of the same readings whose number has but more bits isn't heard beside it, if both answer at
        the same moment. After one more telegram of the selected meter alone, the two count different ones.
        """
        stem = selected.identification[:_STEM]
        if len(self._stems) >= _FEW_STEMS and stem not in self._stems:
            return True
        self._stems.add(stem)
        before = access_number(telegram)
        alone = await self._next_access_number(session, selected)
        if alone in (None, before):
            return True
        request = Frame(long_frame(self.control, SELECTED, SELECT, branch.selection))
        await session.exchange(request, judge_acknowledgement, wait=self.wait)
        again = await self._next_access_number(session, branch)
        return again is not None and 0 < (again - alone) & 0xFF < 0x80

    async def _next_access_number(
        self, session: Session, address: SecondaryAddress
    ) -> int | None:
        collector = self._collector(session, address)
        with suppress(FrameError):
            reply = await session.exchange(
                _request_for_data(address), collector.judge, wait=self.wait
            )
            if reply.answer is not None:
                return access_number(reply.answer)
        return None

    @staticmethod
    def _follows_others(session: Session, reply: Reply[Any]) -> bool:
        """Say whether noise came so long before a telegram that it was those of other meters, which are not so late."""
        in_time = session.line.response_time - session.line.link.latency
        return Discard.NOISE in reply.discarded and reply.lead > in_time

    @staticmethod
    def _collector(session: Session, address: Address) -> Collector:
        return Collector(
            address, slave=Slave(), max_package_length=session.max_package_length
        )


def _request_for_data(address: Address) -> Frame:
    return Frame(short_frame(Control.REQ_UD2 | FRAME_COUNT_BIT, link_address(address)))
