"""All telegrams of a meter read in one go, and which of the answers belong to it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, Self

from .address import LAST_PRIMARY, Address, SecondaryAddress
from .errors import (
    ApplicationError,
    FrameError,
    IncompleteTelegramError,
    MBusError,
    PackageTooLongError,
    UnsupportedError,
)
from .frame import Frame, Garbage, Received, Single
from .header import Identity
from .line import Discard
from .telegram import Telegram, decode_telegram

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


class Reading:
    """A readout in the making: judges what comes and collects the telegrams."""

    def __init__(
        self,
        address: Address,
        *,
        identity: Identity | None,
        max_package_length: int,
    ) -> None:
        """Expect answers of a meter."""
        self.address = address
        self.identity = identity
        self.max_package_length = max_package_length
        self.frames: list[Frame] = []
        self.telegrams: list[Telegram] = []
        self.other: Identity | None = None
        self.error: FrameError | None = None
        self.late_until = 0.0
        """Time of the event loop until which an older answer may still come."""
        self.was_repeated = False
        """A request since the first telegram was repeated, which not every meter heeds."""
        self._telegram: Telegram | None = None
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

    def take(self, frame: Frame) -> Telegram:
        """Take in the answer that was just judged to be one."""
        assert self._telegram is not None
        self.frames.append(frame)
        self.telegrams.append(self._telegram)
        return self._telegram

    def drop_repetition(self) -> bool:
        """Drop the last telegram if one of its form was there before: the meter began again."""
        *earlier, last = map(_form, self.telegrams)
        if last not in earlier:
            return False
        self.drop()
        return True

    def is_counted_on(self) -> bool:
        """Say whether the access number proves that the last telegram follows the one before."""
        if len(self.telegrams) < 2:
            return False
        before, last = map(_access_number, self.telegrams[-2:])
        return before is not None and last == (before + 1) % 256

    def drop(self) -> None:
        """Take the last telegram out again."""
        del self.telegrams[-1], self.frames[-1]

    def begin(self) -> None:
        """Begin with the first telegram, again if there were some."""
        self._kept = self.best
        self.frames, self.telegrams = [], []
        self.was_repeated = False

    def forget(self) -> None:
        """Drop all telegrams: they were not counted from the first."""
        self.frames, self.telegrams = [], []
        self.was_repeated = False
        self._kept = []

    @property
    def best(self) -> list[Telegram]:
        """The telegrams of the longest round."""
        return max(self._kept, self.telegrams, key=len)

    def _judge_origin(self, frame: Frame) -> Discard | None:
        if frame.from_master:
            return Discard.ECHO
        if frame.control & 0x4F != _RSP_UD or frame.control_information is None:
            return Discard.NOISE
        if isinstance(self.address, int) and self.address <= LAST_PRIMARY:
            expected = self.address
        else:
            expected = self.frames[0].address if self.frames else frame.address
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
        """Tell a telegram that is sent again from one of a new round, which is counted on."""
        for earlier in self.telegrams:
            if _form(earlier) == _form(telegram) and (
                _access_number(earlier) == _access_number(telegram)
            ):
                return Discard.REPEATED
        return None

    def _judge_meter(self, telegram: Telegram) -> Discard | None:
        selection = self.address if isinstance(self.address, SecondaryAddress) else None
        found = telegram.identity
        if telegram.header is None or found is None:
            return Discard.ANONYMOUS if selection else None
        known = (self.identity, *(earlier.identity for earlier in self.telegrams))
        if (selection is None or selection.matches(telegram.header)) and all(
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


def _access_number(telegram: Telegram) -> int | None:
    return None if telegram.header is None else telegram.header.access_number
