"""Simulated buses, a Home Assistant that reads them, and a table of what it makes of them."""

import argparse
import asyncio
from collections.abc import Sequence
from pathlib import Path
import shutil
import signal
import socket
import sys
import time

from scripts.demo_flows import (
    add_gateway,
    add_level_converter,
    add_meter,
    change_options,
)
from scripts.demo_home_assistant import (
    PASSWORD,
    ROOT,
    USERNAME,
    DemoError,
    HomeAssistant,
)
from scripts.demo_table import Row, as_json, as_text, read_table
from tests.simulator import (
    SimulatedBus,
    SimulatedMeter,
    demo_meters,
    demo_serial_meters,
    meters_from_file,
)

LAST_ADDRESS = 250
OFTEN = {
    "period": {"seconds": 5},
    "support_for_group_requests": False,
}  # no battery pays for it
LONGEST = {"max_package_length": 253}  # bytes; captured frames may be as long as can be
PATIENCE = 60  # s without a new value until the demo gives up
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
STARTED = time.monotonic()


def main() -> int:
    """Run the demo and return the exit code."""
    parser = argparse.ArgumentParser(
        prog="scripts/demo",
        description="Home Assistant with simulated M-Bus meters, to look at and to try out.",
    )
    parser.add_argument(
        "--port",
        type=int,
        default=8123,
        help="port of the frontend; 0 takes any free one",
    )
    parser.add_argument(
        "--once",
        action="store_true",
        help="print a table of all sensors once each has a value, and end",
    )
    parser.add_argument("--json", action="store_true", help="print the table as JSON")
    parser.add_argument(
        "--frames",
        type=Path,
        metavar="FILE.jsonl",
        help='serve the captured frames in this file ("hex" of the lines with "kind": "valid"), a meter for each, over TCP',
    )
    arguments = parser.parse_args()
    try:
        asyncio.run(run(arguments))
    except DemoError as err:
        for note in getattr(err, "__notes__", ()):
            print(note, file=sys.stderr)
        say(f"failed: {err}")
        return 1
    except asyncio.CancelledError:
        say("stopped")
        return 130
    return 0


def say(text: str) -> None:
    """Show how far the demo has got."""
    print(
        f"demo: {time.monotonic() - STARTED:5.1f} s  {text}",
        file=sys.stderr,
        flush=True,
    )


async def run(arguments: argparse.Namespace) -> None:
    """Run the demo to its end, or until it is told to stop, which cancels it once."""
    loop = asyncio.get_running_loop()
    task = asyncio.current_task()
    assert task

    def stop() -> None:
        # What is being stopped must not be interrupted again.
        for number in STOP_SIGNALS:
            loop.add_signal_handler(number, lambda: None)
        say("stopping")
        task.cancel()

    for number in STOP_SIGNALS:
        loop.add_signal_handler(number, stop)

    port = free_port(arguments.port)
    folder = ROOT / ".demo" / str(port)
    frames = arguments.frames
    async with (
        SimulatedBus(given_meters(frames) if frames else demo_meters()) as bus,
        SimulatedBus(demo_serial_meters()) as serial_bus,
    ):
        say("starting Home Assistant")
        async with HomeAssistant.running(folder, port) as home_assistant:
            entry_ids = [
                await set_up_gateway(home_assistant, bus, all_records=bool(frames))
            ]
            if not frames:
                entry_ids.append(
                    await set_up_level_converter(home_assistant, serial_bus)
                )
            rows = await wait_for_values(
                home_assistant, entry_ids, problems_count=bool(frames)
            )
            problems = sum(row.value is None for row in rows)
            say(
                f"{len(rows) - problems} sensors with a value, {problems} with a problem"
            )
            if arguments.once or arguments.json:
                print(as_json(rows) if arguments.json else as_text(rows), flush=True)
            if not arguments.once:
                say(
                    f"open {home_assistant.url} and log in as {USERNAME!r} with the password {PASSWORD!r}; Ctrl-C ends it"
                )
                await home_assistant.wait()
    shutil.rmtree(folder)


def given_meters(path: Path) -> list[SimulatedMeter]:
    """Return a meter for each captured frame. Raises DemoError where the file can't be used."""
    try:
        meters = meters_from_file(path)
    except (OSError, ValueError, KeyError) as err:
        raise DemoError(f"{path} can't be used: {err!r}") from err
    if not 0 < len(meters) <= LAST_ADDRESS:
        raise DemoError(
            f"{path} has {len(meters)} frames of kind valid; a bus takes 1 to {LAST_ADDRESS}"
        )
    return meters


def free_port(port: int) -> int:
    """Return the port, or any that is free for 0. Raises DemoError where something listens there."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as err:
            raise DemoError(
                f"port {port} can't be used ({err.strerror}); choose another with --port"
            ) from err
        return int(probe.getsockname()[1])


async def set_up_gateway(
    home_assistant: HomeAssistant, bus: SimulatedBus, *, all_records: bool
) -> str:
    """Serve the bus over TCP, connect to it, add its meters by address; return the id of the config entry."""
    port = await bus.serve_tcp()
    entry_id: str = (await add_gateway(home_assistant, port))["entry_id"]
    say(f"connected to the gateway at 127.0.0.1:{port}")
    if all_records:
        await change_options(home_assistant, entry_id, "line", LONGEST)
    else:
        await change_options(home_assistant, entry_id, "polling", OFTEN)

    async def add(address: int) -> None:
        try:
            title = await add_meter(
                home_assistant, entry_id, address, all_records=all_records
            )
        except DemoError as err:
            raise DemoError(f"the meter at address {address}: {err}") from err
        say(f"added {title}")

    await asyncio.gather(*(add(meter.address) for meter in bus.meters))
    return entry_id


async def set_up_level_converter(
    home_assistant: HomeAssistant, bus: SimulatedBus
) -> str:
    """Serve the bus on a serial port, connect to it, let it be searched; return the id of the config entry."""
    port = await bus.serve_pty()
    say(f"searching the bus at {port}")
    entry = await add_level_converter(home_assistant, port)
    say(f"added {entry['num_subentries']} meters that the search found")
    entry_id: str = entry["entry_id"]
    await change_options(home_assistant, entry_id, "polling", OFTEN)
    return entry_id


async def wait_for_values(
    home_assistant: HomeAssistant, entry_ids: Sequence[str], *, problems_count: bool
) -> list[Row]:
    """Return the table once every sensor has a value, or where that counts as well, a named problem.

    Raises DemoError when nothing new comes for a while, naming the sensors that are left.
    """
    missing: list[Row] = []
    waited_since = time.monotonic()
    while time.monotonic() - waited_since < PATIENCE:
        rows = await read_table(home_assistant, entry_ids)
        before, missing = (
            len(missing),
            [row for row in rows if not row.is_done(problems_count=problems_count)],
        )
        if rows and not missing:
            return rows
        if len(missing) != before:
            say(f"{len(rows) - len(missing)} of {len(rows)} sensors have a value")
            waited_since = time.monotonic()
        await asyncio.sleep(0.5)
    left = "\n".join(
        f"  {row.entity or '(no entity)'}: {row.problem or 'no value yet'}"
        for row in missing
    )
    raise DemoError(f"no value for\n{left}")


if __name__ == "__main__":
    sys.exit(main())
