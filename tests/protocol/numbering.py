"""Meters of every make on a line that loses answers, read in every way: each value says which telegram it is of."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any, override

from custom_components.mbus.protocol import (
    Address,
    Bus,
    Identity,
    MBusError,
    Quirks,
    Readout,
    SecondaryAddress,
)
from custom_components.mbus.protocol.address import LAST_ANSWERING
from tests.simulator import (
    AfterReset,
    CodedMeter,
    Fault,
    Faults,
    FrameCount,
    Quirks as Ways,
    SimulatedBus,
)
from tests.simulator.clock import StillLoop

from .lines import places, serve

TIMEOUT = 0.05
STEPS = 14

MAKES: Mapping[str, Sequence[Any]] = {
    "telegrams": (1, 1, 2, 3, 4, 5),
    "records": (1, 3),
    "of_one_form": (False, True),
    "endless": (False,) * 9 + (True,),
    "after_reset": tuple(AfterReset),
    "frame_count": (FrameCount.KEPT,) * 5 + (FrameCount.ADVANCES,),
    "access_number_stands": (False,) * 5 + (True,),
    "values_stand": (False,) * 5 + (True,),
    "by": (
        ("primary",),
        ("secondary",),
        ("primary", "secondary"),
        ("secondary", "other secondary"),
        ("primary", "any", "secondary"),
    ),
    "reset": ("before_each_read",) * 4 + ("never",),
}
"""What a meter is like, and how it is read."""

LOSSES = (0.0, 0.05, 0.1, 0.3)
"""The share of exchanges without an answer."""
WAYS_TO_LOSE = (
    Fault.REQUEST_LOST,
    Fault.DROP,
    Fault.CORRUPT,
    Fault.TRUNCATE,
    Fault.LATE,
    Fault.ACK_INSTEAD,
)
WHAT_HAPPENS = (
    *["read"] * 20,
    "power failure",
    "search",
    "restart",
    "forget",
)


class _StillMeter(CodedMeter):
    """Its values are the same in every readout."""

    @override
    def readout(self) -> list[bytes]:
        self.readouts = 0
        return super().readout()


@dataclass(frozen=True, kw_only=True)
class Make:
    """What a meter is like, and how it is read."""

    telegrams: int
    records: int
    of_one_form: bool
    endless: bool
    after_reset: AfterReset
    frame_count: FrameCount
    access_number_stands: bool
    values_stand: bool
    by: tuple[str, ...]
    reset: Any

    @classmethod
    def drawn(cls, random: Random) -> Make:
        """Draw one that can be told from others."""
        while True:
            make = cls(**{name: random.choice(of) for name, of in MAKES.items()})
            if make.can_be_told:
                return make

    @property
    def can_be_told(self) -> bool:
        """Nothing tells a next telegram from a repeated one, or where a ring begins: no master can read others."""
        is_sure = self.after_reset is AfterReset.BEGINS and not (
            self.access_number_stands or self.values_stand
        )
        if self.endless and (self.of_one_form or self.reset == "never"):
            return False
        is_usual = self.frame_count is FrameCount.KEPT and not self.endless
        return is_sure or is_usual

    def meter(self, number: int) -> CodedMeter:
        """Build it; its number is its address."""
        return (_StillMeter if self.values_stand else CodedMeter)(
            number,
            identification=f"{number:08d}",
            telegram_count=self.telegrams,
            record_count=self.records,
            of_one_form=self.of_one_form,
            quirks=Ways(
                endless=self.endless,
                after_reset=self.after_reset,
                frame_count=self.frame_count,
                access_number_stands=self.access_number_stands,
            ),
        )


@dataclass
class _Known:
    """A meter, and what a Home Assistant keeps of it at each of its addresses."""

    make: Make
    meter: CodedMeter
    quirks: dict[Address, Quirks] = field(default_factory=dict)
    identity: Identity | None = None

    def addresses(self) -> list[Address]:
        ways: dict[str, Address] = {
            "primary": self.meter.address,
            "secondary": SecondaryAddress(identification=self.meter.identification),
            "other secondary": SecondaryAddress(
                identification=self.meter.identification, manufacturer="SIM"
            ),
            "any": LAST_ANSWERING,
        }
        return [ways[name] for name in self.make.by]

    def forget(self) -> None:
        self.quirks.clear()


class Mix:
    """Meters on a line, and what is done with them, all drawn by a seed."""

    def __init__(self, seed: int, *, loss: float | None = None, **fixed: Any) -> None:
        """Draw them; `fixed` are items of MAKES that each meter has."""
        self._random = random = Random(seed)
        self.known = []
        meters = random.choice((1, 1, 2, 3))
        for number in range(1, 1 + meters):
            make = replace(Make.drawn(random), **fixed)
            while "any" in make.by and meters > 1:
                make = replace(make, by=random.choice(MAKES["by"]))
            self.known.append(_Known(make, make.meter(number)))
        self.loss = random.choice(LOSSES) if loss is None else loss
        ways = random.sample(WAYS_TO_LOSE, 3)
        self.faults = Faults(
            dict.fromkeys(ways, self.loss / len(ways)) if self.loss else {},
            seed=seed,
            late_delay=random.choice((None, TIMEOUT * 1.3)),
        )
        self.attempts = random.choice((2, 3))
        self.counts = Counter[str]()
        self.wrong = list[str]()

    def run(self) -> None:
        """Do it all; what is found is in `counts` and `wrong`."""
        with asyncio.Runner(loop_factory=StillLoop, debug=False) as runner:
            runner.run(self._run())

    async def _run(self) -> None:
        meters = [known.meter for known in self.known]
        async with SimulatedBus(meters, faults=self.faults) as line:
            settings = await serve(line, "tcp")

            def new() -> Bus:
                return Bus(settings, timeout=TIMEOUT, attempts=self.attempts)

            bus = new()
            for step in range(STEPS):
                known = self._random.choice(self.known)
                match self._random.choice(WHAT_HAPPENS):
                    case "power failure":
                        known.meter.power_failure()
                    case "search":
                        async for _ in bus.search(
                            by_primary=self._random.random() < 0.2
                        ):
                            pass
                    case "restart":
                        await bus.close()
                        bus = new()
                    case "forget":
                        await bus.close()
                        bus = new()
                        known.forget()
                    case _:
                        await self._read(step, bus, known)
            await bus.close()

    async def _read(self, step: int, bus: Bus, known: _Known) -> None:
        random, make, meter = self._random, known.make, known.meter
        address = random.choice(known.addresses())
        quirks = known.quirks.get(address, Quirks(reset=make.reset))
        last = random.choice((None, None, 0, 1, 2))
        made = meter.readouts
        self.counts["reads"] += 1
        try:
            readout = await bus.read(
                address, identity=known.identity, last_telegram=last, quirks=quirks
            )
        except MBusError as err:
            self.counts[type(err).__name__] += 1
            return
        known.quirks[address] = quirks.learnt_from(readout)
        known.identity = known.identity or readout.telegrams[0].identity
        wanted = make.telegrams if last is None else min(last + 1, make.telegrams)
        self.counts["whole"] += len(readout.telegrams) >= wanted and not readout.error
        for fault in self._faults_of(readout, known, made):
            self.wrong.append(f"{step} {address} {fault} {make}")

    def _faults_of(self, readout: Readout, known: _Known, made: int) -> list[str]:
        make, found = known.make, places(readout)
        faults = []
        number = int(known.meter.identification)
        expected = [
            [(number, telegram, index) for index in range(make.records)]
            for telegram in range(len(found))
        ]
        if [[place[:3] for place in one] for one in found] != expected:
            faults.append(f"wrong telegram: {found}")
        rounds = {place[3] for one in found for place in one}
        if len(rounds) > 1:
            faults.append(f"of several readouts: {rounds}")
        if not make.values_stand and min(rounds) <= made:
            faults.append(f"old: {rounds}, had been {made}")
        # No data in the place of a telegram is the end of a readout.
        is_told = Fault.ACK_INSTEAD not in self.faults.chances
        if is_told and readout.complete and len(found) != make.telegrams:
            faults.append(f"called complete: {len(found)}")
        return faults
