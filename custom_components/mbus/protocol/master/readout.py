"""All telegrams of a meter read in one go, and which of the answers belong to it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, Self

from ..address import LAST_PRIMARY, Address, SecondaryAddress
from ..application.header import Identity
from ..application.telegram import IncompleteTelegramError, Telegram, decode_telegram
from ..errors import (
    ApplicationError,
    FrameError,
    MBusError,
    PackageTooLongError,
    UnsupportedError,
)
from ..line.frame import Frame, Garbage, Received, Single
from ..line.line import Discard
from .origin import is_selected_by

_RSP_UD = 0x08
_BUSY = 0x08


@dataclass(frozen=True, slots=True, kw_only=True)
class Quirks:
    """What single meters need beyond the standard.

    Times are in seconds, `application_reset` is the sub-code sent before each readout, and
    `initial_frames` are whole frames sent before it, whose answers with data become telegrams.
    """

    reset: Literal["before_each_read", "never"] = "before_each_read"
    ignore_more_records: bool = False
    first_byte_timeout: float | None = None
    pause: float = 0.0
    application_reset: int | None = None
    initial_frames: tuple[bytes, ...] = ()

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Restore what `as_dict` gave; what is missing has its default."""
        known = {item.name for item in fields(cls)} & data.keys()
        values = {name: data[name] for name in known}
        values["initial_frames"] = tuple(
            map(bytes.fromhex, data.get("initial_frames", ()))
        )
        return cls(**values)

    def as_dict(self) -> dict[str, Any]:
        """Give the quirks as JSON can hold them, frames as hex digits."""
        return asdict(self) | {
            "initial_frames": [frame.hex() for frame in self.initial_frames]
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Readout:
    """What was read from a meter in one go.

    `complete` when the last telegram that the meter has is among them. `error` says why no more
    could be read; the telegrams that are there are whole and numbered from the first.
    """

    telegrams: tuple[Telegram, ...]
    complete: bool
    error: MBusError | None = None


class LostCountError(Exception):
    """It isn't sure which number the next telegram has: the readout has to begin anew."""


class Reading:
    """A readout in the making: judges what comes and collects the telegrams."""

    def __init__(
        self,
        address: Address,
        *,
        identity: Identity | None,
        max_package_length: int,
        is_uniform: bool | None = None,
        is_counting: bool = False,
    ) -> None:
        """Expect answers of a meter.

        A uniform one sends several telegrams of one form; None while that isn't known. The access
        number of a counting one is always that of the telegram before and one.
        """
        self.address = address
        self.identity = identity
        self.max_package_length = max_package_length
        self.telegrams: list[Telegram] = []
        self.other: Identity | None = None
        self.error: FrameError | None = None
        self.late_until = 0.0
        """Time of the event loop until which an older answer may still come."""
        self.was_disturbed = False
        """A request was not answered."""
        self.was_repeated = False
        """A request since the first telegram was repeated, which not every meter heeds."""
        self.is_uniform = is_uniform
        self.is_counting = is_counting
        self._telegram: Telegram | None = None
        self._doubted: Telegram | None = None
        self._kept: list[Telegram] = []

    def judge(self, item: Received) -> Discard | None:
        """Say whether this is the next telegram.

        Raises PackageTooLongError, ApplicationError, UnsupportedError.
        """
        match item:
            case Garbage():
                return Discard.NOISE
            case Single():
                return Discard.ACKNOWLEDGEMENT
            case Frame():
                return self._judge_origin(item) or self._judge_content(item)

    def take(self) -> Telegram:
        """Take in the answer that was just judged to be one."""
        assert self._telegram is not None
        self.error = None
        self.telegrams.append(self._telegram)
        return self._telegram

    def begins_again(self) -> bool:
        """Drop the last telegram if it was there before; say whether.

        A meter may say for ever that more follow, while its values move on. Telegrams that are all
        of one form are believed when a second round brings the same ones. Raises LostCountError.
        """
        *earlier, last = self.telegrams
        alike = [telegram for telegram in earlier if _form(telegram) == _form(last)]
        again = any(_is_same(telegram, last) for telegram in alike)
        if not again and earlier and _form(earlier[0]) == _form(last):
            again = len(alike) < len(earlier) or not self._is_believed(last)
        if again:
            self.drop()
        return again

    def _is_believed(self, telegram: Telegram) -> bool:
        if self.is_uniform is None:
            if self._doubted is None:
                self._doubted = telegram
                self.drop()
                raise LostCountError
            self.is_uniform = _is_same(self._doubted, telegram)
        return self.is_uniform

    def counts(self) -> bool:
        """Say whether the access numbers of the telegrams count up one by one."""
        numbers = [_access_number(telegram) for telegram in self.telegrams]
        return None not in numbers and all(
            number == (numbers[0] or 0) + place & 0xFF
            for place, number in enumerate(numbers)
        )

    def drop(self) -> None:
        """Take the last telegram out again."""
        del self.telegrams[-1]

    def begin(self) -> None:
        """Begin with the first telegram, again if there were some."""
        self._kept = self.best
        self.telegrams = []
        self.was_repeated = False

    def forget(self) -> None:
        """Drop all telegrams: they were not counted from the first."""
        self.telegrams = []
        self.was_repeated = False
        self._kept = []

    @property
    def best(self) -> list[Telegram]:
        """The telegrams of the longest round, for when none came to its end."""
        return max(self.telegrams, self._kept, key=len)

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

    def _judge_content(self, frame: Frame) -> Discard | None:
        length = 1 + len(frame.data)
        if length > self.max_package_length:
            raise PackageTooLongError(
                f"a reply of {length} bytes is longer than max. package length, which is"
                f" {self.max_package_length}"
            )
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
        self._telegram = telegram
        return self._judge_meter(telegram) or self._judge_order(telegram)

    def _judge_order(self, telegram: Telegram) -> Discard | None:
        """Say whether the telegram can be the next, and not one sent again or left out."""
        if any(_is_repeated(earlier, telegram) for earlier in self.telegrams):
            return Discard.REPEATED
        if not self.telegrams:
            return Discard.OUT_OF_ORDER if self.was_repeated else None
        if self.was_repeated or self.is_counting:
            before, number = map(_access_number, (self.telegrams[-1], telegram))
            if before is None or number != (before + 1) & 0xFF:
                return Discard.OUT_OF_ORDER
        return None

    def _judge_meter(self, telegram: Telegram) -> Discard | None:
        selection = self.address if isinstance(self.address, SecondaryAddress) else None
        found = telegram.identity
        if telegram.header is None or found is None:
            return Discard.ANONYMOUS if selection else None
        known = (self.identity, *(earlier.identity for earlier in self.telegrams))
        if (selection is None or is_selected_by(selection, telegram.header)) and all(
            other is None or other.matches(found) for other in known
        ):
            return None
        self.other = found
        return Discard.OTHER_METER


def _form(telegram: Telegram) -> tuple[bytes, ...]:
    """Give what stays the same of a telegram while its values move."""
    return tuple(record.header for record in telegram.records) or (
        telegram.manufacturer_data,
    )


def _is_same(one: Telegram, other: Telegram) -> bool:
    """Say whether half of the values at least are the same, of telegrams of one form."""
    pairs = zip(one.records, other.records, strict=True)
    return 2 * sum(a.raw == b.raw for a, b in pairs) >= len(one.records)


def _access_number(telegram: Telegram) -> int | None:
    return None if telegram.header is None else telegram.header.access_number


def _is_repeated(one: Telegram, other: Telegram) -> bool:
    return (
        _access_number(one) == _access_number(other)
        and _form(one) == _form(other)
        and all(a.raw == b.raw for a, b in zip(one.records, other.records, strict=True))
    )
