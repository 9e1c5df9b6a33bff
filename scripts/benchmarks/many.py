"""How long it takes to find and to read many meters, over what the wire needs at least.

A selection or request that nobody answers costs its bytes and 330 bit times + 50 ms + the latency of
the gateway (W). By secondary address that is ten of each branch that has several meters, on average of
random numbers, and a check of each meter found; by primary address a link reset at all addresses, and a
request for data where it was silent. Each way first listens once for as long as a meter may take at all. A
readout of a meter that was read before is a link reset and a request, with 11 bit times in between and 33
before the next meter; the first one asks twice more, to see what the meter sends after a reset.

The master and the bus share a clock that stands still while one of them works, so that no machine is too slow;
with `--wall` it is the machine's.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from random import Random
import time
from typing import Any

from custom_components.mbus.protocol import Master, Quirks, open_link
from tests.simulator import FrameMeter, SimulatedBus
from tests.simulator.clock import StillLoop

from .report import print_report
from .simulated import open_way, search_all, telegram

LENGTH = 100
"""Bytes of a telegram."""
DELAY = 80
"""Bit times from a request to the answer."""
SLOW = 0.2
TIMEOUT = 3.0
COUNT = 60
MOST = 250


@dataclass(frozen=True, kw_only=True)
class Wire:
    """What a bus costs at the least, in seconds."""

    baud_rate: int = 2400
    latency: float = 0.0

    def bits(self, count: float) -> float:
        """Give the time of bits."""
        return count / self.baud_rate

    @property
    def wait(self) -> float:
        """What silence takes (W)."""
        return self.bits(330) + 0.05 + self.latency

    @property
    def telegram(self) -> float:
        """What a request for data and its answer take (R)."""
        return self.bits(55 + DELAY + 11 * LENGTH)

    @property
    def listening(self) -> float:
        """What it takes more to hear the meters that are late."""
        return TIMEOUT - self.wait

    def by_secondary(self, count: int, *, merged: bool = False) -> float:
        """Give the time of a search among random numbers; simultaneous E5 may be `merged` to one."""

        def shared(part: float) -> float:
            alone = count * part * (1 - part) ** (count - 1)
            return float(1 - (1 - part) ** count - alone)

        branches = sum(10.0**digits * shared(10.0**-digits) for digits in range(8))
        selections = (1 + 10 * branches) * (self.bits(187) + self.wait)
        checks = count * self.bits(198 + DELAY) + self.bits(55) + self.wait
        in_vain = branches * self.telegram if merged else 0.0
        return self.listening + selections + count * self.telegram + checks + in_vain

    def by_primary(self, count: int) -> float:
        """Give the time of a search at the primary addresses."""
        silence = self.bits(55) + self.wait
        return self.listening + (251 + 251 - count) * silence + count * self.telegram

    def reading(self, count: int) -> float:
        """Give the time of a readout of each meter."""
        reset = self.bits(55 + DELAY + 11 + 11) + self.latency
        return count * (reset + self.telegram + self.bits(33) + self.latency)


@dataclass(frozen=True, kw_only=True)
class Case:
    """Something to do with many meters, by a way in."""

    name: str
    way: str
    limit: float
    task: Callable[[Master], Awaitable[int]]
    wire: Wire = Wire()
    count: int = COUNT
    skew: int = 3
    echo: bool = False


async def read_all(master: Master) -> int:
    """Count the meters that can be read, by the address of each; all were read before."""
    known = Quirks(keeps_frame_count=False)
    return sum(
        [(await master.read(n, quirks=known)).complete for n in range(1, MOST + 1)]
    )


async def by_secondary(master: Master) -> int:
    """Search by wildcards only."""
    return await search_all(master, by_primary=False)


async def by_primary(master: Master) -> int:
    """Search by primary address only."""
    return await search_all(master, by_secondary=False)


def searches(way: str, *, latency: float = 0.0, **line: Any) -> list[Case]:
    """Give both searches over one way."""
    wire = Wire(latency=latency)
    merged = line.get("skew") == 0
    limits = {
        by_secondary: wire.by_secondary(COUNT, merged=merged),
        by_primary: wire.by_primary(COUNT),
    }
    words = [f"skew {line['skew']}"] if "skew" in line else []
    words += ["echo"] if line.get("echo") else []
    return [
        Case(
            name=", ".join(
                [f"search {COUNT} {task.__name__.replace('_', ' ')}", *words]
            ),
            way=way,
            limit=limit,
            task=task,
            wire=wire,
            **line,
        )
        for task, limit in limits.items()
    ]


def cases() -> list[Case]:
    """Give all that is measured."""
    slow, fast = Wire(), Wire(baud_rate=9600)
    ways = ("tcp", "pty")
    return [
        *searches("tcp"),
        *searches("pty"),
        *searches("tcp", skew=0),
        *searches("tcp", latency=SLOW),
        *searches("tcp", echo=True),
        *searches("pty", echo=True),
        *(
            Case(
                name=f"search {MOST} both ways",
                way=way,
                limit=slow.by_secondary(MOST) + slow.by_primary(MOST),
                task=search_all,
                count=MOST,
                skew=1,
            )
            for way in ways
        ),
        *(
            Case(
                name=f"read {MOST} at {wire.baud_rate} baud",
                way=way,
                limit=wire.reading(MOST),
                task=read_all,
                wire=wire,
                count=MOST,
            )
            for wire in (slow, fast)
            for way in ways
        ),
    ]


def meters(count: int) -> list[FrameMeter]:
    """Give meters with random numbers, always the same ones."""
    numbers = Random(1).sample(range(10**8), count)
    return [
        FrameMeter([telegram(f"{number:08d}", LENGTH)], address)
        for address, number in enumerate(numbers, 1)
    ]


async def measure(case: Case) -> dict[str, Any]:
    """Do it once."""
    clock, wire = asyncio.get_running_loop().time, case.wire
    async with (
        SimulatedBus(
            meters(case.count),
            baud_rate=wire.baud_rate,
            response_delay=wire.bits(DELAY),
            skew=case.skew,
            echo=bytes if case.echo else None,
        ) as bus,
        open_link(await open_way(bus, case.way, wire.latency, wire.baud_rate)) as link,
    ):
        link.opened_at -= 30.0  # Neither powers up nor is deaf.
        start = clock()
        found = await case.task(Master(link, timeout=TIMEOUT))
        seconds = clock() - start
    return {
        "case": case.name,
        "way": f"{case.way}, {wire.latency * 1000:.0f} ms"
        if wire.latency
        else case.way,
        "limit": round(case.limit, 3),
        "seconds": round(seconds, 3),
        "ratio": round(seconds / case.limit, 4),
        "requests": len(bus.requests),
        "found": found,
        "expected": case.count,
    }


def measured_still(case: Case) -> dict[str, Any]:
    """Measure by a clock that stands still while anybody works."""
    with asyncio.Runner(loop_factory=StillLoop, debug=False) as runner:
        return runner.run(measure(case))


async def measured_together(some: list[Case]) -> list[dict[str, Any]]:
    """Measure all at once by the machine's clock: they wait most of the time."""
    return await asyncio.gather(*map(measure, some))


def main(*, only: str, wall: bool, as_json: bool) -> None:
    """Measure, and print what came out."""
    chosen = [case for case in cases() if only in f"{case.name}, {case.way}"]
    began = time.monotonic()
    if wall:
        rows = asyncio.run(measured_together(chosen))
    else:
        rows = [measured_still(case) for case in chosen]
    print_report(
        f"telegrams of {LENGTH} bytes after {DELAY} bit times, by the clock of"
        f" the {'machine' if wall else 'line'}; took {time.monotonic() - began:.0f} s",
        list(rows[0]),
        [list(row.values()) for row in rows],
        {"cases": rows},
        as_json=as_json,
    )
