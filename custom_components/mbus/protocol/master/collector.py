"""A readout in the making: which of the answers belong to it."""

from itertools import takewhile

from ..address import LAST_PRIMARY, Address, SecondaryAddress
from ..application.header import Identity
from ..application.telegram import IncompleteTelegramError, Telegram, decode_telegram
from ..errors import ApplicationError, FrameError, PackageTooLongError, UnsupportedError
from ..line.frame import Frame, Garbage, Received, Single
from ..line.reply import Discard
from .origin import is_as_added, is_selected_by
from .slave import Form, Slave, access_number

_RSP_UD = 0x08
_BUSY = 0x08


class LostCountError(Exception):
    """It isn't sure which number the next telegram has: the readout has to begin anew."""


class Collector:
    """Judges what comes, and collects the telegrams of a readout in the making."""

    def __init__(
        self,
        address: Address,
        *,
        slave: Slave,
        identity: Identity | None = None,
        max_package_length: int,
    ) -> None:
        """Expect answers of a meter, which is known as `slave`."""
        self.address = address
        self.slave = slave
        self.identity = identity
        self.max_package_length = max_package_length
        self.telegrams: list[Telegram] = []
        self.other: Identity | None = None
        self.error: FrameError | None = None
        self.was_disturbed = False
        """A request was not answered."""
        self._was_repeated = False
        """A request since the first telegram was repeated, which not every meter heeds."""
        self.before: Telegram | None = None
        """The telegram before the first, of a meter that isn't reset."""
        self._is_in_order = True
        """What comes is one of the meter's own telegrams, in their order."""
        self._kept: list[Telegram] = []

    def judge(self, item: Received) -> Telegram | Discard:
        """Give the next telegram if this is it.

        Raises PackageTooLongError, ApplicationError, UnsupportedError.
        """
        match item:
            case Garbage():
                return Discard.NOISE
            case Single():
                return Discard.ACKNOWLEDGEMENT
            case Frame():
                return self._judge_origin(item) or self._judge_content(item)

    def take(self, telegram: Telegram) -> None:
        """Take in an answer."""
        self.error = None
        self.telegrams.append(telegram)

    def note_unanswered(self) -> None:
        """Take note that a request was not answered: it is sent again."""
        self.was_disturbed = True
        self._was_repeated = True

    def expect_others(self) -> None:
        """Take what comes for what was asked for, not for one of the meter's own telegrams in their order."""
        self._is_in_order = False

    def keep_first(self, number: int) -> None:
        """Drop all but the first telegrams: the others are those of another round."""
        self.telegrams = self.telegrams[:number]

    @property
    def forms(self) -> tuple[Form, ...]:
        """What stays the same of the telegrams."""
        return tuple(map(_form, self.telegrams))

    @property
    def sure(self) -> list[Telegram]:
        """The telegrams whose number is beyond doubt.

        One that has the form of the first may be the first of another round, unless it is known to
        have it in each.
        """
        forms = self.forms
        again = (
            place for place, form in enumerate(forms) if place and form == forms[0]
        )
        known = takewhile(
            lambda pair: pair[0] == pair[1], zip(forms, self.slave.forms, strict=False)
        )
        return self.telegrams[: max(next(again, len(forms)), sum(1 for _ in known))]

    def is_misplaced(self, telegram: Telegram) -> bool:
        """Say whether a first telegram is known as a later one."""
        forms, form = self.slave.forms, _form(telegram)
        return form in forms and form != forms[0]

    def recurs_every(self, number: int) -> bool:
        """Say whether the forms are those of the first `number` telegrams, over and over."""
        forms = self.forms
        return all(form == forms[place % number] for place, form in enumerate(forms))

    def counts(self) -> bool:
        """Say whether the access numbers of the telegrams count up one by one."""
        numbers = [access_number(telegram) for telegram in self.telegrams]
        return None not in numbers and all(
            number == (numbers[0] or 0) + place & 0xFF
            for place, number in enumerate(numbers)
        )

    def begin(self) -> None:
        """Begin with the first telegram, again if there were some."""
        self._kept = self.best
        self.telegrams = []
        self.before = None
        self._was_repeated = False

    def forget(self) -> None:
        """Drop all telegrams: they were not counted from the first."""
        self.telegrams = []
        self._kept = []

    @property
    def best(self) -> list[Telegram]:
        """The surely numbered telegrams of the longest round, for when none came to its end."""
        return max(self.sure, self._kept, key=len)

    def _judge_origin(self, frame: Frame) -> Discard | None:
        if frame.from_master:
            return Discard.ECHO
        if frame.control & 0x4F != _RSP_UD or frame.control_information is None:
            return Discard.NOISE
        if isinstance(self.address, int) and self.address <= LAST_PRIMARY:
            expected = self.address
        else:
            expected = self.telegrams[0].address if self.telegrams else frame.address
        if frame.address != expected:
            return Discard.FOREIGN
        return None

    def _judge_content(self, frame: Frame) -> Telegram | Discard:
        length = 1 + len(frame.data)
        if length > self.max_package_length:
            raise PackageTooLongError(length=length, limit=self.max_package_length)
        try:
            telegram = decode_telegram(frame)
        except IncompleteTelegramError as err:
            telegram = err.telegram
        except ApplicationError as err:
            if err.code == _BUSY:
                self.error = err
                return Discard.BUSY
            raise
        except UnsupportedError:
            raise
        except FrameError as err:
            self.error = err
            return Discard.NOISE
        return self._judge_meter(telegram) or self._judge_order(telegram) or telegram

    def _judge_order(self, telegram: Telegram) -> Discard | None:
        """Say whether the telegram can be the next, and not one sent again or left out."""
        if not self._is_in_order:
            return None
        # Where the access number stands still, telegrams of a meter may well be the same.
        numbers = set(map(access_number, self.telegrams))
        earlier = self.telegrams if len(numbers) > 1 else self.telegrams[-1:]
        if any(_is_repeated(one, telegram) for one in earlier):
            return Discard.REPEATED
        before = self.telegrams[-1] if self.telegrams else self.before
        if before is not None and (self._was_repeated or self.slave.is_counting):
            last, number = access_number(before), access_number(telegram)
            if last is None or number != (last + 1) & 0xFF:
                return Discard.OUT_OF_ORDER
        return None

    def _judge_meter(self, telegram: Telegram) -> Discard | None:
        selection = self.address if isinstance(self.address, SecondaryAddress) else None
        found = telegram.identity
        if telegram.header is None or found is None:
            return Discard.ANONYMOUS if selection else None
        known = (self.identity, *(earlier.identity for earlier in self.telegrams))
        is_whole = not self.slave.is_selected_in_part
        if all(other is None or other.matches(found) for other in known) and (
            selection is None
            or (
                is_selected_by(selection, telegram.header)
                and (is_whole or is_as_added(selection, self.identity, telegram.header))
            )
        ):
            return None
        self.other = found
        return Discard.OTHER_METER


def _form(telegram: Telegram) -> Form:
    return tuple(record.header for record in telegram.records) or (
        telegram.manufacturer_data,
    )


def _is_repeated(one: Telegram, other: Telegram) -> bool:
    return (
        access_number(one) == access_number(other)
        and _form(one) == _form(other)
        and all(a.raw == b.raw for a, b in zip(one.records, other.records, strict=True))
    )
