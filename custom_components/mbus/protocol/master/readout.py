"""What a meter needs to be read, and what was read from it in one go."""

from collections.abc import Mapping
from copy import replace
from dataclasses import asdict, dataclass, fields
from typing import Any, Final, Literal, Self

from ..application.telegram import Telegram
from ..errors import MBusError
from ..line.settings import LONGEST_WAIT

_LONGEST_REQUEST: Final = 253


@dataclass(frozen=True, slots=True, kw_only=True)
class Quirks:
    """What single meters need beyond the standard.

    Times are in seconds, `application_reset` is the sub-code sent before each readout, and
    `initial_frames` are whole frames sent before it, whose answers with data become telegrams.
    `requests` are data from CI on, sent after the meter's own telegrams, whose answers are numbered
    after these. `usual_application` lets it go back to what it sends without a sub-code.
    `ring` is the number of telegrams of a meter that never marks the last of them. `keeps_frame_count`
    says that a reset or selection doesn't bring a meter to its first telegram; None: not known, it is found out.
    """

    reset: Literal["before_each_read", "never"] = "before_each_read"
    ignore_more_records: bool = False
    first_byte_timeout: float | None = None
    pause: float = 0.0
    application_reset: int | None = None
    initial_frames: tuple[bytes, ...] = ()
    requests: tuple[bytes, ...] = ()
    usual_application: bool = False
    ring: int | None = None
    keeps_frame_count: bool | None = None

    def __post_init__(self) -> None:
        """Raise ValueError for what can't be."""
        if self.reset not in ("before_each_read", "never"):
            raise ValueError(f"reset {self.reset!r} is not known")
        timeout = self.first_byte_timeout
        if timeout is not None and not 0 < timeout < LONGEST_WAIT:
            raise ValueError(
                f"first_byte_timeout is more than 0 s and below a day, not {timeout}"
            )
        if not 0 <= self.pause < LONGEST_WAIT:
            raise ValueError(f"pause is 0 s at least and below a day, not {self.pause}")
        code = self.application_reset
        if code is not None and not 0 <= code <= 0xFF:
            raise ValueError(f"application_reset {code} is not within 0 to 255")
        if code is not None and self.usual_application:
            raise ValueError(
                "an application_reset has no place in the usual application"
            )
        if not all(1 <= len(request) <= _LONGEST_REQUEST for request in self.requests):
            raise ValueError(f"a request has 1 to {_LONGEST_REQUEST} bytes from CI on")
        if self.ring is not None and self.ring < 1:
            raise ValueError(f"ring is 1 at least, not {self.ring}")
        if self.ring is not None and self.reset == "never":
            raise ValueError(
                "reset is 'never' beside a ring: its first telegram can't be found"
            )

    def with_learnt(self, learnt: Quirks) -> Quirks:
        """Add what was learnt of the meter itself, which goes before what is known of its like."""
        usual = Quirks()
        told = {
            item.name: value
            for item in fields(self)
            if (value := getattr(learnt, item.name)) != getattr(usual, item.name)
        }
        if learnt.ring is not None:
            told["reset"] = learnt.reset
        return replace(self, **told)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Restore what `as_dict` gave; what is missing has its default."""
        known = {item.name for item in fields(cls)} & data.keys()
        values = {name: data[name] for name in known}
        for name in ("initial_frames", "requests"):
            values[name] = tuple(map(bytes.fromhex, data.get(name, ())))
        return cls(**values)

    def as_dict(self) -> dict[str, Any]:
        """Give the quirks as JSON can hold them, frames as hex digits."""
        return asdict(self) | {
            "initial_frames": [frame.hex() for frame in self.initial_frames],
            "requests": [request.hex() for request in self.requests],
        }

    def learnt_from(self, readout: Readout) -> Quirks:
        """Give the quirks for the next readout, with what this one told of the meter."""
        return replace(
            self,
            ring=readout.ring,
            keeps_frame_count=readout.keeps_frame_count,
            usual_application=self.usual_application and not readout.usual_application,
        )

    def without_learnt(self) -> Quirks:
        """Give the quirks for another meter in the place of this one."""
        return replace(self, ring=None, keeps_frame_count=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Readout:
    """What was read from a meter in one go.

    `complete` when the last telegram that the meter has is among them. `error` says why no more
    could be read; the telegrams that are there are whole and numbered from the first. `ring` and
    `keeps_frame_count` are what was learnt of the meter, or was known before (see `Quirks.learnt_from`).
    `usual_application`: it was told to go back to that. `alarm` is what it answered when its last
    telegram announced one (ACD).
    """

    telegrams: tuple[Telegram, ...]
    complete: bool
    error: MBusError | None = None
    ring: int | None = None
    keeps_frame_count: bool | None = None
    usual_application: bool = False
    alarm: Telegram | None = None
