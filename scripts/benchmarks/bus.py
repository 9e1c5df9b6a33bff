"""How long readouts and searches take on a simulated bus of 2400 baud, over what the wire needs.

The wire-time formulas are those of the standard's frames and waits: a readout is all characters, the
meters' reaction time and 11 idle bit times per exchange; an address without a meter costs its request
and 330 bit times + 50 ms. pyMeterBus does the same on a bus of its own with the same meters, the way its command-line tools
do it. The minimum of all runs counts.
"""

import argparse
import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
import logging
from time import perf_counter
from typing import Any

import meterbus  # type: ignore[import-untyped]
import serial  # type: ignore[import-untyped]

from custom_components.mbus.protocol import Master, TcpSettings, open_link
from tests.simulator import FrameMeter, SimulatedBus

from . import many
from .report import print_report
from .simulated import REACTION, open_way, search_all, telegram

BIT = 1 / 2400
RESPONSE = 330 * BIT + 0.05
IDLE = 11 * BIT
"""What is idle between a sound answer and the next request to the meter."""
SKEW = 3
"""Bit times between the answers of several meters, which so are garbled at once."""
SLOW_GATEWAY = 0.2
THEIR_TIMEOUT = 1.0

IDENTIFICATIONS = (
    "10473215",
    "10473998",
    "23518806",
    "37400121",
    "48210966",
    "48213377",
    "55908714",
    "61120049",
    "79345562",
    "90017283",
)


def exchange_time(request: int, answer: int) -> float:
    """Give the seconds of one answered request, idle time included."""
    return 11 * (request + answer) * BIT + REACTION + IDLE


def readout_time(lengths: Sequence[int]) -> float:
    """Give the seconds of a link reset and a request for each telegram."""
    return exchange_time(5, 1) + sum(exchange_time(5, length) for length in lengths)


@dataclass(kw_only=True)
class Case:
    """Something to measure: on which meters, by what, and how long it takes at best."""

    name: str
    meters: Callable[[], list[FrameMeter]]
    formula: float
    ours: Callable[[Master], Awaitable[int]]
    theirs: Callable[[Any], int]
    expected: int
    """Telegrams read or meters found."""


@dataclass(kw_only=True)
class Result:
    """What came of a case on one way to the bus, in seconds."""

    case: Case
    way: str
    ours: list[float] = field(default_factory=list)
    theirs: float | None = None
    found: int = 0
    they_found: int = 0
    latency: float = 0.0


# What is measured


def single(length: int) -> list[FrameMeter]:
    """One meter with one telegram."""
    return [FrameMeter([telegram(IDENTIFICATIONS[0], length)], 1)]


def several(lengths: Sequence[int]) -> list[FrameMeter]:
    """One meter with several telegrams."""
    last = len(lengths) - 1
    frames = [
        telegram(IDENTIFICATIONS[0], length, number=number, more=number < last)
        for number, length in enumerate(lengths)
    ]
    return [FrameMeter(frames, 1)]


def population(count: int) -> list[FrameMeter]:
    """Give meters at addresses 1 and up, with telegrams of 125 bytes."""
    return [
        FrameMeter([telegram(identification, 125)], address)
        for address, identification in enumerate(IDENTIFICATIONS[:count], 1)
    ]


def scan_time(meters: int) -> float:
    """Give the seconds of a link reset at 251 addresses, and a readout of each meter."""
    misses = (251 - meters) * (55 * BIT + RESPONSE)
    hits = meters * (66 * BIT + REACTION)
    return misses + hits + meters * exchange_time(5, 125)


def search_time(meters: int, *, listen: bool) -> float:
    """Give the seconds of the selections of a digit tree, and a readout of each meter.

    `listen`: for other meters to the end of the response time, even after an acknowledgement.
    """
    prefixes = [
        number[:digits] for digits in range(8) for number in IDENTIFICATIONS[:meters]
    ]
    shared = len({prefix for prefix in prefixes if prefixes.count(prefix) > 1})
    answered, silent = shared + meters, 1 + 9 * shared - meters
    miss = 187 * BIT + RESPONSE
    hit = miss if listen else exchange_time(17, 1)
    return silent * miss + answered * hit + meters * exchange_time(5, 125)


async def read_ours(master: Master) -> int:
    """Read the meter at 1."""
    return len((await master.read(1)).telegrams)


def receive(port: Any) -> Any:
    """Give the next frame as pyMeterBus reads it, None for silence, False for what it can't read."""
    try:
        return meterbus.load(meterbus.recv_frame(port, 1))
    except meterbus.MBusFrameDecodeError as err:
        return err.value or None


def ping(port: Any, address: int) -> bool:
    """Reset a meter's link layer."""
    meterbus.send_ping_frame(port, address)
    return isinstance(receive(port), meterbus.TelegramACK)


def read_theirs(port: Any) -> int:
    """Read the meter at 1 to its end."""
    ping(port, 1)
    meterbus.send_request_frame_multi(port, 1)
    frame, count = receive(port), 0
    while frame:
        count += 1
        if not frame.more_records_follow:
            break
        control = 0x5B if count % 2 else 0x7B
        request = bytes((0x10, control, 1, (control + 1) & 0xFF, 0x16))
        meterbus.send_request_frame_multi(port, req=request)
        frame = receive(port)
    return count


def scan_theirs(port: Any) -> int:
    """Ping all primary addresses, once, and read who answers."""
    found = 0
    for address in range(251):
        if ping(port, address):
            meterbus.send_request_frame(port, address)
            found += receive(port) is not None
    return found


def search_theirs(port: Any) -> int:
    """Go through the digits as its secondary scan does."""
    found: set[str] = set()

    def descend(position: int, mask: str) -> None:
        for digit in range(10):
            probe = f"{mask[:position]}{digit}{mask[position + 1 :]}"
            meterbus.send_select_frame(port, probe)
            frame = receive(port)
            if isinstance(frame, meterbus.TelegramACK):
                meterbus.send_request_frame(port, meterbus.ADDRESS_NETWORK_LAYER)
                frame = receive(port)
                if isinstance(frame, meterbus.TelegramLong):
                    found.add(frame.secondary_address)
                    continue
            if frame is not None and position < 7:
                descend(position + 1, probe)

    descend(0, "F" * 16)
    return len(found)


CASES = (
    Case(
        name="read 200 bytes",
        meters=lambda: single(200),
        formula=readout_time([200]),
        ours=read_ours,
        theirs=read_theirs,
        expected=1,
    ),
    Case(
        name="read 3 telegrams",
        meters=lambda: several([180, 150, 90]),
        formula=readout_time([180, 150, 90]),
        ours=read_ours,
        theirs=read_theirs,
        expected=3,
    ),
    Case(
        name="search 10 by secondary",
        meters=lambda: population(10),
        formula=search_time(10, listen=True),
        ours=lambda master: search_all(master, by_secondary=True, by_primary=False),
        theirs=search_theirs,
        expected=10,
    ),
    Case(
        name="scan 251, 5 meters",
        meters=lambda: population(5),
        formula=scan_time(5),
        ours=lambda master: search_all(master, by_secondary=False, by_primary=True),
        theirs=scan_theirs,
        expected=5,
    ),
)


# How it is measured


async def measure_ours(case: Case, way: str, runs: int, latency: float = 0.0) -> Result:
    """Run a case on a link that knows its latency from a few readouts."""
    result = Result(case=case, way=way)
    async with SimulatedBus(
        case.meters(), baud_rate=2400, response_delay=REACTION, skew=SKEW
    ) as bus:
        settings = await open_way(bus, way, latency)
        link = await open_link(settings)
        link.opened_at -= 3.0  # The simulated bus needs no time to power up.
        master = Master(link)
        for _ in range(3):
            await master.read(1, last_telegram=0)
        for _ in range(runs):
            start = perf_counter()
            result.found = await case.ours(master)
            result.ours.append(perf_counter() - start)
        result.latency = link.latency
        await link.close()
    return result


async def measure_theirs(result: Result) -> None:
    """Run a case once with pyMeterBus."""

    def run(url: str) -> tuple[int, float]:
        with serial.serial_for_url(url, 2400, 8, "E", 1, timeout=THEIR_TIMEOUT) as port:
            start = perf_counter()
            found = result.case.theirs(port)
            return found, perf_counter() - start

    async with SimulatedBus(
        result.case.meters(), baud_rate=2400, response_delay=REACTION, skew=SKEW
    ) as bus:
        settings = await open_way(bus, result.way, 0.0)
        url = (
            f"socket://{settings}"
            if isinstance(settings, TcpSettings)
            else settings.port
        )
        result.they_found, result.theirs = await asyncio.to_thread(run, url)


async def measure(cases: Sequence[Case], runs: int) -> tuple[list[Result], Result]:
    """Measure the cases one after the other, and at last pyMeterBus and a slow gateway."""
    results: list[Result] = []
    for case in cases:
        ways = (measure_ours(case, way, runs) for way in ("tcp", "pty"))
        results += await asyncio.gather(*ways)
    search = CASES[2]
    async with asyncio.TaskGroup() as group:
        slow = group.create_task(measure_ours(search, "tcp", 1, SLOW_GATEWAY))
        for result in results:
            group.create_task(measure_theirs(result))
    return results, slow.result()


def figures_of(result: Result) -> dict[str, Any]:
    """Give the figures of one result."""
    case, best = result.case, min(result.ours)
    figures = {
        "case": case.name,
        "way": result.way,
        "formula": round(case.formula, 3),
        "seconds": round(best, 3),
        "ratio": round(best / case.formula, 4),
        "found": result.found,
        "expected": case.expected,
        "learnt_latency_ms": round(result.latency * 1000, 1),
    }
    if result.theirs is not None:
        figures |= {
            "pymeterbus_seconds": round(result.theirs, 3),
            "pymeterbus_ratio": round(result.theirs / case.formula, 4),
            "pymeterbus_found": result.they_found,
        }
    return figures


def main() -> None:
    """Run what is asked for and print what came out."""
    parser = argparse.ArgumentParser(prog="scripts/bench bus", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    parser.add_argument("--runs", type=int, default=5, help="runs of each case (5)")
    parser.add_argument(
        "--only", metavar="WORD", default="", help="only cases whose name has this word"
    )
    parser.add_argument(
        "--many", action="store_true", help="only buses of many meters, once each"
    )
    parser.add_argument(
        "--wall",
        action="store_true",
        help="buses of many meters by the machine's clock, all at once",
    )
    options = parser.parse_args()
    logging.disable(logging.INFO)
    if options.many:
        many.main(only=options.only, wall=options.wall, as_json=options.json)
        return
    cases = [case for case in CASES if options.only in case.name]
    results, slow = asyncio.run(measure(cases, options.runs))
    rows = [figures_of(result) for result in results]
    slow_row = figures_of(slow) | {"way": f"tcp, {SLOW_GATEWAY * 1000:.0f} ms"}
    columns = list(rows[0])
    lower = search_time(10, listen=False)
    print_report(
        f"2400 baud, reaction time {REACTION * 1000:.0f} ms, minimum of {options.runs} runs;"
        f" the search without listening on after an acknowledgement would need {lower:.3f} s",
        columns,
        [[row.get(column, "") for column in columns] for row in (*rows, slow_row)],
        {"cases": rows, "slow_gateway": slow_row},
        as_json=options.json,
    )


if __name__ == "__main__":
    main()
