"""How many meters one bus takes: the time of a reading on a simulated bus at each rate, and what follows for a period.

The formula is that of the wire: eleven bits for each character of the reset, of its answer, of the request and of the
telegram, the pause of the meter and 33 idle bit times for both; with a selection in place of the reset for a secondary
address. What is measured has the gateway's latency and our own time in it.
"""

import argparse
import asyncio
import sys
from time import perf_counter

from custom_components.mbus.protocol import (
    Address,
    Master,
    SecondaryAddress,
    TcpSettings,
    long_frame,
    open_link,
)
from tests.simulator import FrameMeter, SimulatedBus

from .report import machine, print_report

BAUD_RATES = (300, 2400, 9600, 38400)
LENGTHS = (100, 250)
"""Bytes of a telegram, frame and all."""
DELAY = 0.05
"""Seconds that a meter takes to answer."""
LATENCY = 0.02
"""Seconds that a gateway adds to an answer."""
LEARNING, READINGS = 4, 3
"""Readings from which the latency is learnt, and those that count."""
PERIODS = {"1 min": 60, "5 min": 300, "15 min": 900, "1 h": 3600, "1 day": 86400}
MOST = 250
"""Meters that a bus of one address each can have, and level converters feed at most."""
_SHORT, _ACK, _SELECTION = 5, 1, 17
_SECONDARY = SecondaryAddress(
    identification="12345678", manufacturer="HYD", version=0x2F, medium=7
)


def formula(baud_rate: int, length: int, *, by_secondary: bool) -> float:
    """Return the seconds of a reading on the wire."""
    characters = (_SELECTION if by_secondary else _SHORT) + _ACK + _SHORT + length
    return (11 * characters + 2 * 33) / baud_rate + 2 * (DELAY + LATENCY)


def telegram(length: int) -> bytes:
    """Return a telegram of so many bytes in all: a volume and fillers."""
    data = bytes.fromhex("78 56 34 12 24 23 2F 07 01 00 00 00 0C 13 54 06 65 01")
    return long_frame(0x08, 1, 0x72, data + b"\x2f" * (length - 9 - len(data)))


async def measured(baud_rate: int, length: int, *, by_secondary: bool) -> float:
    """Return the seconds that a reading takes on a simulated bus."""
    meter = FrameMeter([telegram(length)], 1)
    address: Address = _SECONDARY if by_secondary else 1
    bus = SimulatedBus([meter], baud_rate=baud_rate, response_delay=DELAY)
    async with bus:
        port = await bus.serve_tcp(latency=LATENCY)
        settings = TcpSettings(host="127.0.0.1", port=port, baud_rate=baud_rate)
        async with open_link(settings) as link:
            master = Master(link)
            times = []
            for _ in range(LEARNING + READINGS):
                began = perf_counter()
                await master.read(address)
                times.append(perf_counter() - began)
    return sum(times[LEARNING:]) / READINGS


async def run() -> list[tuple[str, float, float]]:
    """Measure all at once: each has a bus of its own, and waits most of the time."""
    cases = [
        (baud_rate, length, by_secondary)
        for by_secondary in (False, True)
        for length in LENGTHS
        for baud_rate in BAUD_RATES
    ]
    times = await asyncio.gather(
        *(
            measured(baud_rate, length, by_secondary=by_secondary)
            for baud_rate, length, by_secondary in cases
        )
    )
    return [
        (
            f"{baud_rate} baud, {length} bytes, {'secondary' if by_secondary else 'primary'} address",
            formula(baud_rate, length, by_secondary=by_secondary),
            time,
        )
        for (baud_rate, length, by_secondary), time in zip(cases, times, strict=True)
    ]


def main() -> int:
    """Measure it and print what was seen."""
    parser = argparse.ArgumentParser(prog="scripts/bench pace", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    arguments = parser.parse_args()
    rows = asyncio.run(run())
    print_report(
        f"Seconds of a reading, and meters that half the period is enough for; {machine()}",
        ("", "formula", "measured", *PERIODS),
        [
            (
                name,
                f"{expected:.2f} s",
                f"{time:.2f} s",
                *(min(MOST, int(period / 2 / time)) for period in PERIODS.values()),
            )
            for name, expected, time in rows
        ],
        {
            name: {"formula": expected, "measured": time}
            for name, expected, time in rows
        },
        as_json=arguments.json,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
