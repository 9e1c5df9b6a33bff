"""Whole lives of a connection on an accelerated clock, each state held against what the simulator knows.

First many short lives of three meters, each from a seed of its own, then one long life of twenty. Ends with 1 where
anything was wrong; the steps of a life that failed are printed, made as few as they can be.
"""

# First of all, or the test plugin's package of the same name is found instead of ours.
import custom_components  # noqa: F401, I001

import argparse
import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from functools import partial
import gc
import logging
from pathlib import Path
from random import Random
import sys
from time import perf_counter
from typing import Any

from tests.lives.home_assistant import forget_calls, home_assistant
from tests.lives.life import Life, Setting
from tests.lives.run import LifeError, Step, live, plan, settle, shortest, take

from .report import print_report

LIVES = 500
HOURS = 168
METERS = 20
DAY = timedelta(days=1)
SHOWN = 20
"""Last steps of a long life that failed."""


class Log(logging.Handler):
    """Counts the lines that a person would see."""

    def __init__(self) -> None:
        """Count none yet."""
        super().__init__(logging.WARNING)
        self.lines = 0

    def emit(self, record: logging.LogRecord) -> None:
        """Count a line."""
        self.lines += 1


async def one_life(seed: int, steps: Sequence[Step]) -> Counter[str]:
    """Live one in a Home Assistant of its own. Raises LifeError."""
    async with home_assistant() as (hass, clock, storage):
        life = await live(hass, clock, storage, seed, steps)
    return life.witness.counts


def fault(seed: int, steps: Sequence[Step]) -> str | None:
    """Say what is wrong in a life, if anything is."""
    try:
        asyncio.run(one_life(seed, steps))
    except LifeError as err:
        return str(err)
    return None


def short_lives(first: int, count: int) -> tuple[Counter[str], list[str]]:
    """Live many; return what was counted, and of those that failed why and after which steps."""
    counts, failures = Counter[str](), list[str]()
    for seed in range(first, first + count):
        try:
            counts += asyncio.run(one_life(seed, plan(seed)))
        except LifeError as err:
            steps = shortest(plan(seed), partial(fault, seed))
            failures.append(fault(seed, steps) or str(err))
    return counts, failures


async def long_life(
    seed: int, hours: int, log: Log
) -> tuple[Counter[str], list[dict[str, int]], list[str]]:
    """Live one for so many hours; return what was counted, how large all was after each day, and what was wrong."""
    sizes = list[dict[str, int]]()
    async with home_assistant() as (hass, clock, storage):
        life = Life(hass, clock, storage, seed, Setting(meters=METERS))
        await life.begin()
        random, made = Random(seed), list[Step]()
        end = clock.now() + timedelta(hours=hours)
        while clock.now() < end and not life.witness.faults:
            evening, lines = min(clock.now() + DAY, end), log.lines
            while clock.now() < evening and not life.witness.faults:
                made += plan(random.randrange(1 << 32), 1)
                await take(life, made[-1])
                await life.pass_time(life.setting.period * random.uniform(0, 2))
            await settle(life)
            sizes.append(
                size(life, storage) | {"log lines in a day": log.lines - lines}
            )
        faults = [*life.witness.faults]
        if faults:
            faults += [
                f"in the long life of seed {seed}, after {len(made)} steps; the last:"
            ]
            faults += map(repr, made[-SHOWN:])
        await life.end()
    return life.witness.counts, sizes, faults


def size(life: Life, storage: dict[str, Any]) -> dict[str, int]:
    """Measure what must not grow."""
    forget_calls()
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    stored = storage[f"mbus.{life.entry.entry_id}"]
    return {
        "memory (MiB)": pages * 4096 >> 20,
        "tasks": len(asyncio.all_tasks()),
        "descriptors": len([*Path("/proc/self/fd").iterdir()]),
        "store (bytes)": len(repr(stored)),
    }


def main() -> int:
    """Live them and print what was seen."""
    parser = argparse.ArgumentParser(prog="scripts/bench soak", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    parser.add_argument("--lives", type=int, default=LIVES)
    parser.add_argument("--hours", type=int, default=HOURS)
    parser.add_argument("--seed", type=int, default=0, help="of the first life")
    arguments = parser.parse_args()

    log = Log()
    logging.getLogger("custom_components.mbus").addHandler(log)
    logging.getLogger().addHandler(logging.NullHandler())
    began = perf_counter()
    counts, failures = short_lives(arguments.seed, arguments.lives)
    lived = perf_counter() - began
    sizes = list[dict[str, int]]()
    long_counts = Counter[str]()
    if arguments.hours:
        long_counts, sizes, faults = asyncio.run(
            long_life(arguments.seed, arguments.hours, log)
        )
        failures += faults
    figures = {
        name: (counts[key], long_counts[key])
        for name, key in (
            ("states held against the truth", "states"),
            ("wrong", "wrong"),
            ("of these backwards", "backwards"),
            ("readings", "readings"),
            ("sound answers", "sent"),
            ("of these published", "published"),
            ("times that a meter had to be back", "back"),
            ("of these late", "late"),
        )
    }
    growth = {
        name: (sizes[0][name], sizes[-1][name]) for name in (sizes[0] if sizes else ())
    }
    as_json = arguments.json
    if not as_json:
        print_report(
            f"{arguments.lives} lives from seed {arguments.seed} in {lived:.0f} s, and one of {METERS} meters and"
            f" {arguments.hours} h in {perf_counter() - began - lived:.0f} s",
            ("", "lives", "long life"),
            [(name, *both) for name, both in figures.items()],
            {},
            as_json=False,
        )
    print_report(
        "What must not grow in the long life",
        ("", "day 1", "end"),
        [(name, *both) for name, both in growth.items()],
        {
            "lives": arguments.lives,
            "hours": arguments.hours,
            "seed": arguments.seed,
            "counts": {
                name: dict(zip(("lives", "long"), both, strict=True))
                for name, both in figures.items()
            },
            "days": sizes,
            "failures": failures,
        },
        as_json=as_json,
    )
    for failure in failures:
        print(failure, file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
