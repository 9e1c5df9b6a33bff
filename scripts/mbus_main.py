"""A small command line over the protocol package, for looking at a bus without Home Assistant."""

import argparse
import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from datetime import date, time
from decimal import Decimal
import json
import logging
from pathlib import Path
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from custom_components.mbus import protocol
else:
    # The package alone, without Home Assistant; last in the path, as its neighbours are named like
    # modules of the standard library.
    sys.path.append(str(Path(__file__).parents[1] / "custom_components" / "mbus"))
    import protocol


def parse_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="scripts/mbus", description=__doc__)
    parser.add_argument(
        "link",
        help="device (/dev/ttyUSB0) or URL (tcp://HOST:PORT, socket://, rfc2217://, esphome://)",
    )
    parser.add_argument("--baud-rate", type=int, default=2400, metavar="N", help="2400")
    parser.add_argument("--parity", choices=["E", "N", "O"], default="E", help="E")
    parser.add_argument(
        "--timeout", type=float, default=3.0, metavar="S", help="to the first byte: 3 s"
    )
    parser.add_argument("--attempts", type=int, default=3, metavar="N", help="3")
    parser.add_argument("--json", action="store_true", help="JSON in place of a table")
    parser.add_argument("--verbose", action="store_true", help="show all frames")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("scan", help="ask at all primary addresses")
    commands.add_parser(
        "search", help="search by wildcards, then at all primary addresses"
    )
    read = commands.add_parser("read", help="read a meter")
    read.add_argument(
        "address", type=protocol.parse_address, help="0 to 250, or 8 or 16 hex digits"
    )
    send = commands.add_parser("send", help="send raw bytes and show what comes")
    send.add_argument("frame", type=bytes.fromhex, help="hex digits")
    return parser.parse_args(arguments)


async def run(options: argparse.Namespace, settings: protocol.LinkSettings) -> None:
    """Do what is asked for."""
    link = await protocol.open_link(settings)
    try:
        master = protocol.Master(
            link, timeout=options.timeout, attempts=options.attempts
        )
        match options.command:
            case "scan":
                await find(master.scan(), as_json=options.json)
            case "search":
                await find(master.search(), as_json=options.json)
            case "read":
                await read(master, options)
            case "send":
                answer = await protocol.send_raw(master, options.frame)
                text = answer.hex(" ").upper()
                print(json.dumps({"answer": text}) if options.json else text)
    finally:
        await link.close()


async def find(steps: AsyncGenerator[protocol.SearchStep], *, as_json: bool) -> None:
    """Tell the meters found, also if the search is broken off; problems and progress meanwhile."""
    meters: dict[str, protocol.Found] = {}
    shows_progress = sys.stderr.isatty()
    try:
        async with aclosing(steps):
            async for step in steps:
                if step.found:
                    meters[step.found.key] = step.found
                if step.problem:
                    print(f"\r{step.problem}", file=sys.stderr)
                if shows_progress:
                    text = f"\r{step.progress:4.0%}  {len(meters)} found "
                    print(text, end="", file=sys.stderr, flush=True)
    finally:
        if shows_progress:
            print(file=sys.stderr)
        rows = [describe_meter(found) for found in meters.values()]
        print_rows(rows, as_json=as_json)


async def read(master: protocol.Master, options: argparse.Namespace) -> None:
    """Read a meter and tell its records."""
    readout = await master.read(options.address)
    if readout.error:
        print(readout.error, file=sys.stderr)
    rows = [
        row
        for number, telegram in enumerate(readout.telegrams)
        for row in describe_records(number, telegram)
    ]
    if not options.json and (header := readout.telegrams[0].header):
        print(
            f"{header.manufacturer or ''} {header.identification or ''}"
            f" {header.medium_name or ''}, version {header.version},"
            f" status {header.status:02X}"
        )
    print_rows(rows, as_json=options.json)


def describe_meter(found: protocol.Found) -> dict[str, Any]:
    """Give the columns of a meter."""
    header = found.header
    return {
        "address": str(found.address),
        "primary": found.primary,
        "secondary": str(found.secondary) if found.secondary else None,
        "manufacturer": header.manufacturer if header else None,
        "identification": header.identification if header else None,
        "version": header.version if header else None,
        "medium": header.medium_name if header else None,
    }


def describe_records(number: int, telegram: protocol.Telegram) -> list[dict[str, Any]]:
    """Give the columns of the records of a telegram."""
    return [
        {
            "telegram": number,
            "index": record.index,
            "quantity": " ".join((record.quantity, *record.modifiers)),
            "function": str(record.function),
            "storage": record.storage_number,
            "tariff": record.tariff,
            "subunit": record.subunit,
            "value": as_json_value(record.value),
            "unit": record.unit,
            "problem": as_json_value(record.problem),
        }
        for record in telegram.records
    ]


def as_json_value(value: object) -> Any:
    """Give a value as JSON can hold it."""
    match value:
        case bytes():
            return value.hex(" ").upper()
        case date() | time() | Decimal() | protocol.Problem():
            return str(value)
    return value


def print_rows(rows: list[dict[str, Any]], *, as_json: bool) -> None:
    """Print a table, or JSON."""
    if as_json:
        print(json.dumps(rows, indent=2))
        return
    if not rows:
        print("nothing found")
        return
    table = [list(rows[0])]
    table += [
        ["" if cell is None else str(cell) for cell in row.values()] for row in rows
    ]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for row in table:
        cells = (f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True))
        print("  ".join(cells).rstrip())


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; errors are told in plain words."""
    options = parse_arguments(arguments)
    if options.verbose:
        logging.basicConfig(format="%(message)s")
        logging.getLogger("protocol").setLevel(logging.DEBUG)
    try:
        settings = protocol.parse_link_url(
            options.link, baud_rate=options.baud_rate, parity=options.parity
        )
        asyncio.run(run(options, settings))
    except (protocol.MBusError, ValueError) as err:
        print(err, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
