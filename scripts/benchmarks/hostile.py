"""A real Home Assistant with a gateway that does its worst, beside a healthy bus that is read all the while.

A step is the CPU of the event loop's thread between two wake-ups, without the garbage collector's pauses; it may take what
it takes in the same Home Assistant without M-Bus, where that is more. Ends with 1 where a goal is missed.
"""

import argparse
import asyncio
from itertools import pairwise
import sys
from time import perf_counter
from typing import Any

from .home_assistant import BARE, MBUS, Answer, HomeAssistant
from .inside.probe.cost import Cost
from .installation import Installation, subentries
from .junk import MODES, JunkGateway, Mode
from .report import machine, print_report

SECONDS = 20.0
"""For each mode."""
PERIOD = 4.0  # s
HEALTHY, ATTACKED = 20, 5
"""Meters on either bus."""
MEMORY_LIMIT = 1 << 20
LONGEST_STEP, LONGEST_USUAL = 50.0, 20.0  # ms
MOST_MEMORY = 16.0  # MiB
LONGEST_BACK = 75.0
"""Seconds after which meters are read again: the longest back-off and what a poll takes."""


class Hostile:
    """One run."""

    def __init__(self, seconds: float, modes: dict[str, Mode]) -> None:
        """Know how long to look at what."""
        self._seconds = seconds
        self._modes = modes
        self._healthy, self._attacked = Installation(HEALTHY), Installation(ATTACKED)
        self._gateway = JunkGateway(self._attacked.bus)
        self.figures: dict[str, dict[str, tuple[float, float | None]]] = {}
        """By mode and what it is, a figure and the most that it may be."""
        self.more: dict[str, float] = {}

    async def run(self) -> None:
        """Do it all."""
        self._attacked.port = await self._gateway.start()
        self._attacked.bus.gateways.append(self._gateway)
        await self._healthy.open()
        async with HomeAssistant.fresh(MBUS, BARE) as self._ha:
            await self._ha.start()
            bare = await self._without_mbus()
            healthy_id = await self._add(self._healthy, {})
            limit = {"memory_limit": MEMORY_LIMIT}
            attacked_id = await self._add(self._attacked, limit)
            await self._ha.do("wait_heard", entry_id=healthy_id, seconds=60)
            await self._ha.do("wait_heard", entry_id=attacked_id, seconds=60)
            await self._watch(attacked_id, healthy_id)
            for name, mode in self._modes.items():
                before = (await self._ha.do("memory")).result
                self._gateway.mode = mode
                for meter in self._healthy.meters:
                    meter.history.clear()
                answer = await self._watch(attacked_id, healthy_id)
                self._gateway.mode = None
                back = await self._ha.do(
                    "wait_heard", entry_id=attacked_id, seconds=LONGEST_BACK
                )
                self._note(name, answer, bare, before, back.result)
            self.more["seconds to stop"] = await self._ha.stop()
            self.more["lines in the log"] = self._ha.log.count("\n")
        await self._attacked.bus.close()
        await self._healthy.bus.close()

    async def _without_mbus(self) -> Cost:
        """Return what a bare integration on the healthy bus costs in the same time."""
        bare = await self._ha.do(
            "add",
            domain="bare",
            title="bare",
            data=self._healthy.bare,
            options={},
            meters=[],
            polls=True,
        )
        await self._ha.do("poll_bare", entry_id=bare.result)
        watched = await self._watch(None, bare.result)
        await self._ha.do("unload", entry_id=bare.result)
        return watched.cost

    async def _add(self, installation: Installation, more: dict[str, Any]) -> str:
        answer = await self._ha.do(
            "add",
            domain="mbus",
            title=f"mbus {installation.port}",
            data=installation.mbus,
            options={"period": int(PERIOD * 1000), **more},
            meters=subentries(installation.meters),
            polls=True,
        )
        return str(answer.result)

    async def _watch(self, entry_id: str | None, healthy_id: str) -> Answer:
        return await self._ha.do(
            "watch", seconds=self._seconds, entry_id=entry_id, healthy_id=healthy_id
        )

    def _note(
        self, name: str, answer: Answer, bare: Cost, before: int, back: float
    ) -> None:
        cost, seen = answer.cost, answer.result
        usual, longest = cost.usual * 1e3, cost.longest * 1e3
        grown = (seen["resident"] - before) / (1 << 20)
        kept = seen["in_use"] / (1 << 20)
        self.figures[name] = {
            "99 % of steps (ms)": (usual, max(LONGEST_USUAL, bare.usual * 1e3)),
            "longest (ms)": (longest, max(LONGEST_STEP, bare.longest * 1e3)),
            "of a CPU (%)": (cost.cpu / cost.wall * 100, None),
            "memory (MiB)": (grown, MOST_MEMORY),
            "kept (MiB)": (kept, MEMORY_LIMIT / (1 << 20)),
            "between polls beside (s)": (self._pause(), 1.5 * PERIOD),
            "unavailable beside": (seen["unavailable"], 0),
            "back after (s)": (back, LONGEST_BACK),
        }

    def _pause(self) -> float:
        """Return the longest time between two readings of a meter of the healthy bus."""
        times = (
            [sent.time for sent in meter.history] for meter in self._healthy.meters
        )
        return max(
            (
                (after - before).total_seconds()
                for of_meter in times
                for before, after in pairwise(of_meter)
            ),
            default=self._seconds,
        )


def main() -> int:
    """Run it and print what was seen."""
    parser = argparse.ArgumentParser(prog="scripts/bench hostile", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="of each mode")
    parser.add_argument(
        "--mode", choices=MODES, action="append", help="only this one; all by default"
    )
    arguments = parser.parse_args()
    began = perf_counter()
    names = arguments.mode or [*MODES]
    hostile = Hostile(arguments.seconds, {name: MODES[name] for name in names})
    asyncio.run(hostile.run())
    figures = hostile.figures
    missed = [
        f"{name}, {what}: {figure:.3g}, not {most:g} at most"
        for name, of_mode in figures.items()
        for what, (figure, most) in of_mode.items()
        if most is not None and figure > most
    ]
    goals = next(iter(figures.values()))
    print_report(
        f"{len(names)} modes of {arguments.seconds:g} s in {perf_counter() - began:.0f} s; {machine()}",
        ("", *goals),
        [
            (
                "goal",
                *("" if most is None else f"≤ {most:g}" for _, most in goals.values()),
            ),
            *(
                (name, *(f"{figure:.3g}" for figure, _ in of_mode.values()))
                for name, of_mode in figures.items()
            ),
        ],
        {
            "seconds": arguments.seconds,
            "modes": {
                name: {what: figure for what, (figure, _) in of_mode.items()}
                for name, of_mode in figures.items()
            },
            **hostile.more,
            "missed": missed,
        },
        as_json=arguments.json,
    )
    if not arguments.json:
        print(
            *(f"{name}: {figure:.3g}" for name, figure in hostile.more.items()),
            sep="\n",
        )
    for miss in missed:
        print(miss, file=sys.stderr)
    return int(bool(missed))


if __name__ == "__main__":
    sys.exit(main())
