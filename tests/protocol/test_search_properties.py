"""Whatever the line does that the standard and the field allow: what is found is there, and what is there is found."""

from dataclasses import dataclass, field
import random
from typing import Any

import pytest

from tests.simulator import (
    Deafness,
    Fault,
    Faults,
    FixedMeter,
    GasMeter,
    HeatMeter,
    Packets,
    Quirks,
    SimulatedMeter,
    WaterMeter,
)

from .lines import Kind
from .searches import Searched, searched

pytestmark = pytest.mark.usefixtures("socket_enabled")

SEEDS = 60
KINDS = (WaterMeter, HeatMeter, GasMeter, FixedMeter)
BOTH: dict[str, bool] = {}
BY_SECONDARY, BY_PRIMARY = (
    {"by_primary": False},
    {"by_secondary": False},
)
SEND_USER_DATA = ((0x53, 0x73), (0x53, 0x73), (0x53,), (0x73,))


@dataclass
class Case:
    """A bus, the way to it, and how it is searched."""

    seed: int
    ways: dict[str, bool] = field(init=False)
    kind: Kind = field(init=False)
    baud_rate: int = field(init=False)
    meters: list[SimulatedMeter] = field(init=False)
    line: dict[str, Any] = field(init=False)
    way: dict[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        """Draw it."""
        draw = self.draw = random.Random(self.seed)
        self.ways = draw.choice((BOTH, BY_SECONDARY, BY_SECONDARY, BY_PRIMARY))
        self.kind = draw.choice(("tcp", "pty"))
        self.baud_rate = draw.choice((300, 2400, 2400, 2400, 9600, 38400))
        self.meters = self._drawn_meters()
        self.line = self._drawn_line()
        self.way = self._drawn_way()

    def _drawn_meters(self) -> list[SimulatedMeter]:
        """Draw meters of which each has an address, secondary or primary, of its own."""
        draw, bit = self.draw, 1 / self.baud_rate
        # One C field is learnt for all.
        send_user_data = draw.choice(SEND_USER_DATA)
        latest = 330 * bit + 0.05
        slowest = draw.choice((latest,) * 4 + (0.7, 2.0))
        stem = f"{draw.randrange(10**8):08d}"
        meters: list[SimulatedMeter] = []
        while len(meters) < (count := draw.choice((0, 1, 2, 3, 8, 15))):
            shared = draw.randrange(8)
            number = stem[:shared] + f"{draw.randrange(10**8):08d}"[shared:]
            if number in {meter.identification for meter in meters}:
                continue
            alone = {
                address for address in range(1, 251) if address % 7 == len(meters) % 7
            } - {meter.address for meter in meters}
            by_secondary = draw.random() < 0.8
            address = (
                draw.choice((0, 5, draw.choice(sorted(alone))))
                if by_secondary
                else draw.choice(sorted(alone - {5}))
            )
            answers_reset = draw.random() < 0.85
            quirks = Quirks(
                secondary_addressing=by_secondary,
                answers_reset=answers_reset,
                enhanced_selection=draw.choice(("supported", "ignored", "silent")),
                # How slow one is that ignores resets is seen in a slow search only.
                response_delay=draw.uniform(
                    11 * bit, slowest if answers_reset else latest
                ),
                send_user_data=send_user_data,
            )
            kind = draw.choice(KINDS)
            meters.append(kind(address, identification=number, quirks=quirks))
            if len(meters) == count:
                break
        return meters

    def _drawn_line(self) -> dict[str, Any]:
        """Draw what is wrong with the line."""
        draw = self.draw
        return {"skew": draw.choice((0, 0, 3, 30))} | draw.choice(
            (
                {},
                {"reply_noise": draw.choice((b"\x00", b"\xff", b"\xf0\xfe"))},
                {"converter_noise": draw.choice((b"\xfd\xfe\xfc\x00", b"\x00"))},
                {"echo": bytes},
                {
                    "faults": Faults(
                        {Fault.SPLIT: 0.2, Fault.NOISE_BEFORE: 0.02},
                        seed=draw.randrange(99),
                    )
                },
            )
        )

    def _drawn_way(self) -> dict[str, Any]:
        """Draw what the way to the line is like."""
        draw = self.draw
        ways: list[dict[str, Any]] = [{}, {}]
        if self.kind == "tcp":
            ways += [
                {"latency": draw.uniform(0, 0.4)},
                {"packets": Packets(size=14, pause=draw.uniform(0.01, 0.25))},
                {"deaf": Deafness(seconds=5, holds=draw.random() < 0.5)},
            ]
        else:
            ways += [
                {"latency": draw.uniform(0, 0.05)},
                {"packets": Packets(size=14, pause=0.016)},
            ]
        return draw.choice(ways)

    def run(self) -> Searched:
        """Search."""
        return searched(
            self.meters,
            self.kind,
            baud_rate=self.baud_rate,
            ways=self.ways,
            way=self.way,
            **self.line,
        )

    @property
    def reachable(self) -> list[SimulatedMeter]:
        """Return the meters that a read by the addresses which are searched can read."""
        return [
            meter
            for meter in self.meters
            if (meter.quirks.secondary_addressing and self.ways != BY_PRIMARY)
            or (self._is_alone(meter) and self.ways != BY_SECONDARY)
        ]

    def _is_alone(self, meter: SimulatedMeter) -> bool:
        return [other for other in self.meters if other.address == meter.address] == [
            meter
        ]

    def check(self, result: Searched) -> None:
        """Hold what was found against what is there."""
        assert result.numbers == sorted(
            meter.identification for meter in self.reachable
        )
        for found in result.found.values():
            (meter,) = (
                meter
                for meter in self.meters
                if found.header and meter.identification == found.header.identification
            )
            assert found.primary in (None, meter.address)
            if isinstance(found.address, int) and self.ways != BY_SECONDARY:
                assert found.address == meter.address
                assert self._is_alone(meter)
                silent = not meter.quirks.answers_reset
                assert (found.quirks.reset == "never") == silent
        assert len(result.requests) < 700 + 150 * len(self.meters)


@pytest.mark.parametrize("seed", range(SEEDS))
def test_found_and_present(seed: int) -> None:
    """Each meter once, nobody else, and no more requests than that takes."""
    case = Case(seed)
    case.check(case.run())
