"""What a meter said at one time, what its bindings make of it, and how the meter is."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from ..protocol import Header, Identity, MBusError, Quirks, Record, Telegram
from .binding import BindingState
from .reason import Reason, Why

type Memory = Mapping[str, Any]
"""What a binding remembers of the readings so far, as JSON holds it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """The telegrams of one readout and the time (UTC) they were read; `error` says why some are missing.

    `period` is how often the meter was read then, None where only when asked to. `alarm` is the one that the meter told beside them.
    """

    telegrams: tuple[Telegram, ...]
    time: datetime
    error: MBusError | None = None
    period: timedelta | None = None
    alarm: Telegram | None = None

    @property
    def header(self) -> Header | None:
        """Return the header of the first telegram."""
        return self.telegrams[0].header if self.telegrams else None

    def counts_at(self, now: datetime, period: timedelta | None) -> bool:
        """Return whether no later one is due by now, given how often the meter is read."""
        return period is None or now < self.time + period

    def is_cut_short(self, quirks: Quirks) -> bool:
        """Return whether the meter has more telegrams than these; `quirks` say where one ends that doesn't mark it."""
        return (
            bool(self.telegrams)
            and self.telegrams[-1].more_records_follow
            and not quirks.ignore_more_records
            and len(self.telegrams) != quirks.ring
        )

    def is_of(self, identity: Identity | None) -> bool:
        """Return whether it can be a reading of the meter with this identity; who is not known may be anyone."""
        return identity is None or all(
            telegram.identity is None or identity.matches(telegram.identity)
            for telegram in self.telegrams
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """A binding's value out of a reading; without one, `state` and `reason` say why.

    `raw` is the record's value in the unit it was bound with, `value` what the chain of transformations made of it, a
    time with its zone, and `shown` what the sensor shows of that. `found`: the record itself was there, or the
    manufacturer's bytes, be the value valid or not. `is_missing`: the record is not where it was; what could not be read
    may still be there.
    """

    value: Any = None
    raw: Any = None
    shown: Any = None
    state: BindingState = BindingState.OK
    reason: Why | None = None
    record: Record | None = None
    found: bool = False
    is_missing: bool = False


_NOTHING = Result()


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterData:
    """How a meter is: always one value, before the first reading and after a failure, too.

    `fault` is what was wrong when it was read last, `fault_reason` says why, `stopped` why its connection is stopped.
    `reading` is the last one there was, `results` what its bindings make of it, and `is_present` whether it still
    counts. `memory` is what the next reading is held against, by binding id.
    """

    fault: BindingState = BindingState.OK
    fault_reason: MBusError | None = None
    stopped: Reason | None = None
    reading: Reading | None = None
    is_present: bool = False
    results: Mapping[str, Result] = field(default_factory=dict)
    memory: Mapping[str, Memory] = field(default_factory=dict)

    @property
    def state(self) -> BindingState:
        """Return what is wrong with the meter as a whole."""
        return BindingState.SHUTDOWN if self.stopped else self.fault

    @property
    def reason(self) -> Why | None:
        """Return why it is so."""
        return self.stopped or self.fault_reason

    @property
    def is_heard(self) -> bool:
        """Return whether the last reading is what the meter says now."""
        return self.state is BindingState.OK and self.is_present

    def result(self, binding_id: str) -> Result:
        """Return what a binding shows now: nothing while the meter can't be heard or wasn't read yet."""
        return self.results.get(binding_id, _NOTHING) if self.is_heard else _NOTHING

    @property
    def header(self) -> Header | None:
        """Return the header of the present reading; None while the meter can't be heard or wasn't read yet."""
        return self.reading.header if self.is_heard and self.reading else None
