"""What may be shown of a binding, and whether a state is that."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
import math

from homeassistant.const import STATE_UNAVAILABLE, STATE_UNKNOWN
from homeassistant.core import State

from custom_components.mbus.meters.reading import Result
from tests.simulator import Quantity, Sent

from .reference import Memory, Possibility, Rule

type Readings = Mapping[datetime, Sequence[Sent]]
"""What a meter may have sent for each of the last readings, by their times."""

LOST_AT_MOST = timedelta(seconds=60)
"""What was read so long before a kill may be forgotten."""

_UNITS = {
    "J": Decimal(1),
    "Wh": Decimal(3600),
    "kWh": Decimal(3_600_000),
    "MWh": Decimal(3_600_000_000),
    "MJ": Decimal(1_000_000),
    "GJ": Decimal(1_000_000_000),
    "W": Decimal(1),
    "kW": Decimal(1000),
    "m³": Decimal(1),
    "L": Decimal("0.001"),
    "m³/h": Decimal(1),
    "°C": Decimal(1),
}
"""How much each is of the smallest one of its kind."""
_BECOMES = {
    ("W", "integration"): "Wh",
    ("Wh", "derivative"): "W",
    ("m³", "derivative"): "m³/h",
}


@dataclass(eq=False, kw_only=True)
class Told:
    """A binding as the life made it: which quantity it is for, and what may be shown of it."""

    quantity: Quantity
    rule: Rule
    possible: list[Possibility] = field(default_factory=lambda: [Possibility()])
    past: list[tuple[datetime, list[Possibility]]] = field(default_factory=list)

    @property
    def unit(self) -> str:
        """The unit of what comes out of the chain."""
        unit = self.quantity.unit
        for step in self.rule.chain:
            unit = _BECOMES.get((unit, step["type"]), unit)
        return unit

    def now(self, time: datetime, possible: list[Possibility]) -> None:
        """Go on with what is possible now, and remember it for a kill."""
        self.possible = [
            one for place, one in enumerate(possible) if one not in possible[:place]
        ]
        self.past.append((time, self.possible))
        while len(self.past) > 1 and self.past[1][0] <= time - LOST_AT_MOST:
            del self.past[0]

    def another_rule(self, time: datetime, rule: Rule) -> None:
        """Take note that the chain is another: the last reading counts again, if it is still the present one."""
        self.rule = rule
        self.now(time, [*self._again(self.possible)])

    def another_meaning(self, time: datetime, factor: Decimal) -> None:
        """Take note that the value means something else, by a profile."""
        for _, possible in self.past:
            possible[:] = [one.of_another_meaning() for one in possible]
        self.possible = [one.of_another_meaning() for one in self.possible]
        self.another_rule(time, replace(self.rule, factor=factor))

    def another_meter(self) -> None:
        """Take note that the meter is another: a kill brings nothing of the old one back, either."""
        for _, possible in self.past:
            possible[:] = [one.of_another_meter() for one in possible]
        if not self.past:
            self.possible = [one.of_another_meter() for one in self.possible]

    def killed(self, time: datetime, readings: Readings) -> None:
        """Take note of a kill: what was remembered at any time of the last minute may be what is left."""
        oldest = time - LOST_AT_MOST
        left = [
            one
            for place, (_, possible) in enumerate(self.past)
            if place + 1 == len(self.past) or self.past[place + 1][0] > oldest
            for one in possible
        ]
        self.past.clear()
        self.now(time, [*self._again(left or self.possible)])
        self.bound_anew(time, readings)

    def bound_anew(self, time: datetime, readings: Readings) -> None:
        """Take note that the record is looked for anew in the last reading: it may be there now, or not any more."""
        self.now(
            time,
            [
                *self.possible,
                *(
                    other
                    for one in self.possible
                    if one.time
                    for other in self._either(one.before, one.time, readings)
                ),
            ],
        )

    def bound_first(self, readings: Readings) -> None:
        """Take note that it is new: the present reading may have its record, or one before if a kill brings that back."""
        for time in sorted(readings):
            first = [Possibility(), *self._either(Memory(), time, readings)]
            self.now(time, first)

    def _either(
        self, before: Memory, time: datetime, readings: Readings
    ) -> Iterator[Possibility]:
        values = [sent.values[self.quantity.name] for sent in readings.get(time, ())]
        for value in (*values, None):
            yield Possibility(after=before).read(self.rule, time, value)

    def _again(self, possible: list[Possibility]) -> Iterator[Possibility]:
        for one in possible:
            yield one.read_again(self.rule)
            yield replace(one, shown=None)

    def narrow(self, state: State, time: datetime | None) -> bool:
        """Leave of what is possible what a state shows of a reading; say whether anything is left."""
        if fitting := [
            one for one in self.possible if one.time == time and self.fits(state, one)
        ]:
            self.possible[:] = fitting
        return bool(fitting)

    def after(
        self, time: datetime, sent: Sent, result: Result | None, state: State | None
    ) -> list[Possibility]:
        """Return what may be after a reading, given what is shown then, if anything, and whether it had the record."""
        possible = [
            one.read(self.rule, time, value)
            for one in self.possible
            for is_there, value in (
                (True, sent.values[self.quantity.name]),
                (False, None),
            )
            if result is None or result.found is is_there
        ]
        if state is None or state.state == STATE_UNAVAILABLE:
            return possible
        return [one for one in possible if self.fits(state, one)]

    def fits(self, state: State, one: Possibility) -> bool:
        """Tell whether a state is what has to be shown: to the last digit, where nothing was computed."""
        if state.state == STATE_UNKNOWN or one.shown is None:
            return state.state == STATE_UNKNOWN and one.shown is None
        shown, expected = self._shown(state), self._expected(one)
        if not self.rule.chain:
            return shown == expected
        # Times are exact to a quarter of a microsecond, readings 27 ms apart or more.
        return math.isclose(shown, expected, rel_tol=2e-5, abs_tol=1e-6)

    def is_behind(self, state: State) -> bool:
        """Tell whether a total that is shown is less than what has to be shown."""
        return (
            self.quantity.is_total
            and not self.rule.chain
            and state.state != STATE_UNKNOWN
            and any(
                one.shown is not None and self._shown(state) < self._expected(one)
                for one in self.possible
            )
        )

    def is_shown(self, state: State | None) -> bool:
        """Tell whether there is a value; one that follows from two readings may still be missing."""
        if state is None or state.state == STATE_UNAVAILABLE:
            return False
        follows = any(step["type"] == "derivative" for step in self.rule.chain)
        return follows or state.state != STATE_UNKNOWN

    def _shown(self, state: State) -> Decimal:
        return Decimal(state.state) * _UNITS[state.attributes["unit_of_measurement"]]

    def _expected(self, one: Possibility) -> Decimal:
        return Decimal(str(one.shown)) * _UNITS[self.unit]
