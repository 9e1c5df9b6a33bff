"""How long polling takes."""

from datetime import timedelta


class Figures:
    """How long reading every meter once takes in seconds, and the share of time that polling takes."""

    def __init__(self) -> None:
        """Know of no readout."""
        self.poll_duration = 0.0
        self.bus_load = 0.0
        self._last: dict[str, tuple[float, float]] = {}

    def note(self, meter_id: str, duration: float, period: timedelta | None) -> None:
        """Take in how long a readout of a meter took."""
        self.forget(meter_id)
        load = duration / period.total_seconds() if period else 0.0
        self.poll_duration += duration
        self.bus_load += load
        self._last[meter_id] = duration, load

    def forget(self, meter_id: str) -> None:
        """Leave out a meter."""
        duration, load = self._last.pop(meter_id, (0.0, 0.0))
        self.poll_duration -= duration
        self.bus_load -= load
