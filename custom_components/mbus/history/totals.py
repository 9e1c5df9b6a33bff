"""A stored total as its sensor would have shown it, and one that can't become history."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

_SECOND: Final = timedelta(seconds=1)


class LeftOut(StrEnum):
    """Why one stored total is left out."""

    NO_VALUE = "no_value"
    NO_DATE = "no_date"
    SEVERAL_DATES = "several_dates"
    SEVERAL_VALUES = "several_values"
    SAME_HOUR = "same_hour"
    IN_FUTURE = "in_future"
    TOO_EARLY = "too_early"
    CONTRADICTED = "contradicted"
    RECORDED = "recorded"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredTotal:
    """What a sensor would have shown at a moment; storage number 0 is what it shows now."""

    storage_number: int
    moment: datetime
    value: float

    @property
    def hour(self) -> datetime:
        """When the hour began at whose end it would have been shown (UTC, as Home Assistant's statistics)."""
        end = self.moment.astimezone(UTC) - _SECOND
        return end.replace(minute=0, second=0, microsecond=0)

    def left_out(self, reason: LeftOut) -> LeftOutTotal:
        """Return it as one that can't become history."""
        return LeftOutTotal(
            storage_number=self.storage_number,
            reason=reason,
            moment=self.moment,
            value=self.value,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOutTotal:
    """What can't become history, as much of it as is known, and why."""

    storage_number: int
    reason: LeftOut
    moment: datetime | None = None
    value: float | None = None
