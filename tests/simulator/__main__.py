"""Serve simulated meters: `python -m tests.simulator --tcp 10001 --pty ./mbus`."""

import argparse
import asyncio
from contextlib import suppress

from .bus import SimulatedBus
from .demo import demo_meters, demo_serial_meters, meters_from_file
from .meter import SimulatedMeter


async def serve(arguments: argparse.Namespace) -> None:
    """Serve until cancelled."""
    meters = meters_from_file(arguments.frames) if arguments.frames else demo_meters()
    serial_meters = demo_serial_meters()
    async with (
        SimulatedBus(meters, baud_rate=arguments.baud_rate) as bus,
        SimulatedBus(serial_meters, baud_rate=arguments.baud_rate) as serial_bus,
    ):
        if arguments.tcp is not None:
            port = await bus.serve_tcp(arguments.host, arguments.tcp)
            _tell(f"{arguments.host}:{port}", meters)
        if arguments.pty is not None:
            _tell(await serial_bus.serve_pty(arguments.pty or None), serial_meters)
        await asyncio.get_running_loop().create_future()


def _tell(place: str, meters: list[SimulatedMeter]) -> None:
    print(f"{place}: {len(meters)} meters")  # noqa: T201
    for meter in meters:
        print(f"  {meter.address:3}  {meter.identification} {meter.manufacturer}")  # noqa: T201


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.simulator", description=__doc__
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument(
        "--tcp", type=int, metavar="PORT", help="serve a bus on this TCP port"
    )
    parser.add_argument(
        "--pty",
        nargs="?",
        const="",
        metavar="LINK",
        help="serve another on a pseudo terminal",
    )
    parser.add_argument(
        "--baud-rate", type=int, help="pace of the line; as fast as it can if none"
    )
    parser.add_argument(
        "--frames", metavar="FILE", help="serve the valid telegrams of this file"
    )
    arguments = parser.parse_args()
    if arguments.tcp is None and arguments.pty is None:
        parser.error("nothing to serve: give --tcp or --pty")
    with suppress(KeyboardInterrupt):
        asyncio.run(serve(arguments))


if __name__ == "__main__":
    main()
