"""A whole installation in a real Home Assistant with recorder, beside an integration of bare coordinators in the same run.

Buses of meters of ten sensors are set up, read, reloaded and stopped; the simulated meters are in this process, over
loopback TCP. A step is the CPU of the event loop's thread between two wake-ups, without the garbage collector's pauses.
Ends with 1 where a goal is missed.
"""

import argparse
import asyncio
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
import sys
from time import perf_counter
from typing import Any

from .figures import Row, print_rows
from .home_assistant import BARE, MBUS, HomeAssistant
from .inside.probe.cost import Cost
from .installation import Entry, subentries
from .stops import stops

QUICK, LARGE = (2, 50), (4, 250)
"""Buses, and meters on each."""
FEW = 10
"""One in so many meters is on the small bus, whose polls have to cost the same."""
ADDED = 5
"""One in so many is added to the others while they are set up."""
POLLS = 2
STILL = 2
LONGEST_STEP = 0.050  # s


@dataclass(kw_only=True)
class Sums:
    """What each thing cost on all buses together."""

    cpu: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    step: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    pause: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))

    def add(self, name: str, cost: Cost) -> None:
        """Add a cost; of steps and pauses the longest counts."""
        self.cpu[name] += cost.cpu
        self.step[name] = max(self.step[name], cost.longest)
        self.pause[name] = max(self.pause[name], *cost.pauses, 0)


class Scale:
    """One run."""

    def __init__(self, buses: int, meters: int, profiles: Path | None) -> None:
        """Know the size."""
        self.buses, self.meters = buses, meters
        self.profiles = profiles
        self._profiled = ""
        self.sums = {"mbus": Sums(), "bare": Sums()}
        self.counts: dict[str, defaultdict[str, int]] = {
            "mbus": defaultdict(int),
            "bare": defaultdict(int),
        }
        self.rows: list[Row] = []

    async def run(self) -> None:
        """Do it all."""
        async with HomeAssistant.fresh(MBUS, BARE) as self.ha:
            await self.ha.start()
            # In turns, and the first one last the next time: what comes later finds a larger Home Assistant.
            order = ["bare", "mbus", "mbus", "bare"] * self.buses
            entries = [Entry(domain, self.meters) for domain in order[: 2 * self.buses]]
            self.ours = [entry for entry in entries if entry.domain == "mbus"]
            await self._imported()
            for entry in entries:
                await self._set_up_new(entry)
            for entry in entries:
                await self._measured("unload", entry, "unload")
                await self._measured("known", entry, "set_up")
            await self._add_to_others()
            for entry in entries:
                await self.ha.do("let_poll", entry_id=entry.id, polls=True)
                await self.ha.do("reload", entry_id=entry.id)
            await self._poll("", entries)
            await self._still(entries)
            for entry in entries:
                await self._measured("reload", entry, "reload")
            few = [
                Entry(domain, self.meters // FEW or 1) for domain in ("bare", "mbus")
            ]
            for entry in few:
                await entry.add(self.ha, len(entry.installation.meters))
                await self.ha.do("let_poll", entry_id=entry.id, polls=True)
                await self.ha.do("reload", entry_id=entry.id)
            await self._poll(" few", few)
            self._report()
        self.rows += await stops(self.buses, self.meters)

    async def _imported(self) -> None:
        """Let all that is loaded once be loaded: neither pays for the other."""
        for domain in ("bare", "mbus"):
            entry = Entry(domain, 1)
            await entry.add(self.ha, 1)
            await self.ha.do("unload", entry_id=entry.id)

    async def _set_up_new(self, entry: Entry) -> None:
        before = (await self.ha.do("memory")).result
        await self._profile(f"{entry.domain}.new")
        cost = await entry.add(self.ha, self.meters)
        await self._profile(None)
        self.sums[entry.domain].add("new", cost)
        count = self.counts[entry.domain]
        for name, number in (
            await self.ha.do("count", entry_id=entry.id)
        ).result.items():
            count[name] += number
        count["memory"] += (await self.ha.do("memory")).result - before

    async def _measured(self, name: str, entry: Entry, command: str) -> Any:
        await self._profile(f"{entry.domain}.{name}")
        answer = await self.ha.do(command, entry_id=entry.id)
        await self._profile(None)
        self.sums[entry.domain].add(name, answer.cost)
        return answer.result

    async def _profile(self, name: str | None) -> None:
        """Begin to see where the CPU goes, or write it for the last name."""
        if self.profiles is None:
            return
        if name is None:
            path = self.profiles / f"{self._profiled}.txt"
            await self.ha.do("profile", path=str(path))
        else:
            self._profiled = name
            await self.ha.do("profile", path=None)

    async def _add_to_others(self) -> None:
        entry = Entry("mbus", self.meters)
        added = self.meters // ADDED or 1
        cost = await entry.add(self.ha, self.meters - added)
        self.sums["mbus"].add("before", cost)
        await self._profile("mbus.add")
        answer = await self.ha.do(
            "add_meters",
            entry_id=entry.id,
            meters=subentries(entry.installation.meters[-added:]),
        )
        await self._profile(None)
        self.sums["mbus"].add("add", answer.cost)
        count = (await self.ha.do("count", entry_id=entry.id)).result
        assert count["registered"] > 10 * self.meters
        await self.ha.do("unload", entry_id=entry.id)

    async def _poll(self, name: str, entries: Sequence[Entry]) -> None:
        for entry in entries:
            for _ in range(POLLS):
                polled = await self._measured(
                    f"poll{name}", entry, f"poll_{entry.domain}"
                )
                self.counts[entry.domain][f"poll{name}"] += polled

    async def _still(self, entries: Sequence[Entry]) -> None:
        """Poll meters whose values stay as they are, and see what that writes."""
        ids = {
            domain: [entry.id for entry in entries if entry.domain == domain]
            for domain in ("mbus", "bare")
        }
        for entry in entries:
            for meter in entry.installation.meters:
                meter.is_still = True
            await self.ha.do(f"poll_{entry.domain}", entry_id=entry.id)
        before = {
            domain: (await self.ha.do("rows", entry_ids=entry_ids)).result
            for domain, entry_ids in ids.items()
        }
        reported = (await self.ha.do("reported", entry_ids=ids["mbus"])).result
        for entry in entries:
            for _ in range(STILL):
                await self.ha.do(f"poll_{entry.domain}", entry_id=entry.id)
        for domain, entry_ids in ids.items():
            after = (await self.ha.do("rows", entry_ids=entry_ids)).result
            written = sum(after.values()) - sum(before[domain].values())
            self.counts[domain]["written"] = written
        moved = (await self.ha.do("reported", entry_ids=ids["mbus"])).result
        sensors = [one for one in moved if one.startswith("sensor.meter")]
        assert len(sensors) >= 10 * self.buses * self.meters
        self.counts["mbus"]["unmoved"] = sum(
            moved[entity_id] <= reported[entity_id] for entity_id in sensors
        )
        for entry in entries:
            for meter in entry.installation.meters:
                meter.is_still = False

    def _report(self) -> None:
        ours, bare = self.sums["mbus"], self.sums["bare"]
        count, bare_count = self.counts["mbus"], self.counts["bare"]
        rows = self.rows

        def per(name: str, of: str, goal: float, title: str) -> None:
            rows.append(
                Row(
                    name=title,
                    ours=ours.cpu[name] / count[of] * 1e6,
                    bare=bare.cpu[name] / bare_count[of] * 1e6,
                    goal=goal,
                    is_ratio=True,
                    unit="µs",
                )
            )

        for name, goal in (("new", 1.25), ("known", 1.5)):
            per(
                name, "registered", goal, f"set-up, {name} entities, per registered one"
            )
            rows.append(
                Row(
                    name=f"set-up, {name} entities, in all",
                    ours=ours.cpu[name],
                    bare=bare.cpu[name],
                    goal=2,
                    is_ratio=True,
                    unit="s",
                )
            )
        for name, title in (
            ("unload", "unload"),
            ("reload", "reload, with all readings at hand"),
        ):
            rows.append(
                Row(
                    name=title,
                    ours=ours.cpu[name],
                    bare=bare.cpu[name],
                    goal=2,
                    is_ratio=True,
                    unit="s",
                )
            )
        added = self.meters // ADDED or 1
        rows.append(
            Row(
                name=f"adding {added} meters to {self.meters - added}, beside their set-up",
                ours=ours.cpu["add"] / added * 1e3,
                bare=ours.cpu["before"] / (self.meters - added) * 1e3,
                goal=1.5,
                is_ratio=True,
                unit="ms",
            )
        )
        for name, title in (
            ("new", "set-up, new entities"),
            ("known", "set-up, known entities"),
            ("add", "adding"),
            ("poll", "a poll of all"),
        ):
            rows.append(
                Row(
                    name=f"longest step, {title}",
                    ours=ours.step[name] * 1e3,
                    bare=bare.step[name] * 1e3 if name in bare.step else None,
                    goal=LONGEST_STEP * 1e3,
                    unit="ms",
                )
            )
        for name in ("unload", "reload"):
            rows.append(
                Row(
                    name=f"longest step, {name}",
                    ours=ours.step[name] * 1e3,
                    bare=bare.step[name] * 1e3,
                    goal=2,
                    is_ratio=True,
                    unit="ms",
                )
            )
        rows.append(
            Row(
                name="longest pause of the garbage collector",
                ours=max(ours.pause.values()) * 1e3,
                bare=max(bare.pause.values()) * 1e3,
                unit="ms",
            )
        )
        few = self.meters // FEW or 1
        per("poll few", "poll few", 3, f"a poll, {few} meters on the bus")
        per("poll", "poll", 3, f"a poll, {self.meters} meters on the bus")
        rows.append(
            Row(
                name=f"memory of {self.buses * self.meters} meters",
                ours=count["memory"] / (1 << 20),
                bare=bare_count["memory"] / (1 << 20),
                goal=2,
                is_ratio=True,
                unit="MiB",
            )
        )
        polled = STILL * self.buses * self.meters
        rows.append(
            Row(
                name=f"rows written by {polled} polls that said nothing new",
                ours=count["written"],
                bare=bare_count["written"],
                goal=0,
            )
        )
        rows.append(
            Row(
                name="sensors whose last report did not move with them",
                ours=count["unmoved"],
                goal=0,
            )
        )


def main() -> int:
    """Run it and print what was seen."""
    parser = argparse.ArgumentParser(prog="scripts/bench scale", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    parser.add_argument(
        "--large",
        action="store_const",
        const=LARGE,
        default=QUICK,
        help="{} buses of {} meters instead of {} of {}".format(*LARGE, *QUICK),
    )
    parser.add_argument(
        "--profile",
        type=Path,
        metavar="FOLDER",
        help="write there where the CPU goes, in the lines that flame graphs are made of",
    )
    arguments = parser.parse_args()
    began = perf_counter()
    buses, meters = arguments.large
    scale = Scale(buses, meters, arguments.profile)
    asyncio.run(scale.run())
    return print_rows(
        f"{buses} buses of {meters} meters of 10 sensors in {perf_counter() - began:.0f} s",
        scale.rows,
        {"buses": buses, "meters": meters},
        as_json=arguments.json,
    )


if __name__ == "__main__":
    sys.exit(main())
