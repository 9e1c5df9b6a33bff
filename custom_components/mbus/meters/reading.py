"""What a meter said at one time, and what its bindings make of it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from ..protocol import Header, Record, Telegram, convert_unit
from .binding import Binding, BindingError, BindingState


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """The telegrams of one readout and the time (UTC) they were read; `error` says why some are missing."""

    telegrams: tuple[Telegram, ...]
    time: datetime
    error: str | None = None

    @property
    def header(self) -> Header | None:
        """Return the header of the first telegram."""
        return self.telegrams[0].header if self.telegrams else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """A binding's value out of a reading; without one, `state` and `reason` say why.

    `raw` is the record's value in the unit it was bound with, `value` what the chain of transformations made of it.
    """

    value: Any = None
    raw: Any = None
    state: BindingState = BindingState.OK
    reason: str | None = None
    record: Record | None = None

    @property
    def found(self) -> bool:
        """Whether the record itself was there, be its value valid or not."""
        return self.record is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterData:
    """What a meter's coordinator publishes: the reading, and by binding id each result and its steps' memory."""

    reading: Reading
    results: dict[str, Result] = field(default_factory=dict)
    memory: dict[str, Any] = field(default_factory=dict)


def extract(binding: Binding, telegrams: Sequence[Telegram]) -> Result:
    """Return what a binding picks out of a reading, in the unit it was bound with."""
    try:
        record = binding.extract(telegrams)
    except BindingError as err:
        return Result(state=err.state, reason=str(err))
    if record.value is None:
        return Result(
            state=BindingState.INVALID_VALUE,
            reason=str(record.problem),
            record=record,
        )
    value = record.value
    if (
        isinstance(value, int | float | Decimal)
        and record.unit is not None
        and binding.unit is not None
    ):
        value = convert_unit(value, record.unit, binding.unit)
    return Result(value=value, raw=value, record=record)
