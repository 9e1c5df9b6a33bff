"""What can be typed, and what is wrong with what was."""

import argparse
from collections.abc import Callable, Sequence
import math
from typing import NoReturn, override

from .package import protocol

_DESCRIPTION = "Look at an M-Bus, or at bytes from one. COMMAND --help tells the rest."
_EXIT_CODES = (
    "exit codes: 0 all well, 1 nothing found or done, 2 wrong arguments, 3 a part only,"
    " 130 interrupted"
)


class UsageError(Exception):
    """What was typed can't be; says why."""


class _Parser(argparse.ArgumentParser):
    """Says in one line what is wrong."""

    @override
    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{self.prog}: {message}; see --help")


def parse_arguments(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command line. Raises UsageError."""
    options = _parser().parse_args(arguments, argparse.Namespace(json=False))
    if options.command == "profile" and options.frame and not options.file:
        raise UsageError("scripts/mbus profile: --frame needs a FILE; see --help")
    if options.command in ("decode", "profile"):
        return options
    options.exchanges = []
    try:
        options.bus = protocol.Bus(
            protocol.parse_link_url(
                options.link, baud_rate=options.baud_rate, parity=options.parity
            ),
            timeout=options.timeout,
            attempts=options.attempts,
            line_delay_ratio=options.line_delay_ratio,
            on_exchange=options.exchanges.append,
        )
    except ValueError as err:
        raise UsageError(f"scripts/mbus {options.command}: {err}") from err
    return options


def _parser() -> _Parser:
    parser = _Parser(
        prog="scripts/mbus",
        description=_DESCRIPTION,
        epilog=_EXIT_CODES,
        parents=[_output_options()],
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)

    decode = commands.add_parser(
        "decode",
        help="explain every byte of telegrams, without a bus",
        parents=[_output_options()],
    )
    decode.add_argument(
        "source",
        nargs="+",
        metavar="HEX|FILE|-",
        help="hex digits, a file of them, or - for the standard input",
    )

    profile = commands.add_parser(
        "profile",
        help="show telegrams with and without a meter profile; without a file, list the families",
        parents=[_output_options()],
    )
    profile.add_argument("file", nargs="?", metavar="FILE", help="a profile (YAML)")
    profile.add_argument(
        "--frame",
        action="append",
        default=[],
        type=_checked(_bytes),
        metavar="HEX",
        help="a telegram of the meter; several for one that sends several",
    )

    def add(name: str, text: str) -> _Parser:
        return commands.add_parser(
            name, help=text, parents=[_output_options(), _bus_options()]
        )

    def add_for_meter(name: str, text: str) -> _Parser:
        command = add(name, text)
        command.add_argument(
            "address",
            type=_checked(protocol.parse_address),
            metavar="ADDRESS",
            help="0 to 250, or 8 or 16 hex digits",
        )
        return command

    add("search", "search by wildcards, then at all primary addresses")
    add("scan", "ask at all primary addresses")
    add_for_meter("read", "read all telegrams of a meter")
    select = add_for_meter("select", "let a meter send some records only, and read it")
    select.add_argument(
        "headers",
        nargs="+",
        type=_checked(_record_header),
        metavar="HEADER",
        help="DIF, DIFEs, VIF and VIFEs of a record in hex, such as 0C13; reset undoes it",
    )
    set_address = add_for_meter("set-address", "give a meter another primary address")
    set_address.add_argument(
        "new_address", type=_checked(_primary_address), metavar="NEW", help="0 to 250"
    )
    set_baud_rate = add_for_meter(
        "set-baud-rate", "let a meter on a serial port speak at another rate"
    )
    set_baud_rate.add_argument(
        "new_baud_rate", type=int, choices=protocol.BAUD_RATES, metavar="RATE"
    )
    reset = add_for_meter("reset", "reset the application of a meter")
    reset.add_argument(
        "sub_code",
        nargs="?",
        type=_checked(_byte),
        metavar="SUB_CODE",
        help="choose an application by two hex digits",
    )
    send = add("send", "send bytes as they are and show what comes")
    send.add_argument("frame", nargs="+", type=_checked(_bytes), metavar="HEX")
    return parser


def _output_options() -> _Parser:
    """Give what may stand before or after the command."""
    options = _Parser(add_help=False, argument_default=argparse.SUPPRESS)
    options.add_argument("--json", action="store_true", help="JSON in place of a text")
    return options


def _bus_options() -> _Parser:
    options = _Parser(add_help=False)
    options.add_argument(
        "link",
        metavar="LINK",
        help="device (/dev/ttyUSB0) or URL (tcp://HOST:PORT, socket://, rfc2217://, esphome://)",
    )
    options.add_argument(
        "--baud-rate", type=int, default=2400, metavar="N", help="of the bus: 2400"
    )
    options.add_argument(
        "--parity", choices=["E", "N", "O"], default="E", help="of a serial port: E"
    )
    options.add_argument(
        "--timeout",
        type=_checked(_number),
        default=3.0,
        metavar="S",
        help="to the first byte of an answer: 3 s",
    )
    options.add_argument(
        "--attempts", type=int, default=3, metavar="N", help="of each request: 3"
    )
    options.add_argument(
        "--line-delay-ratio",
        type=_checked(_number),
        default=1.0,
        metavar="N",
        help="multiplies every wait that depends on the line: 1",
    )
    options.add_argument("--verbose", action="store_true", help="show all frames")
    return options


def _checked[T](read: Callable[[str], T]) -> Callable[[str], T]:
    """Let what is wrong be said in the words of the error."""

    def checked(text: str) -> T:
        try:
            return read(text)
        except ValueError as err:
            raise argparse.ArgumentTypeError(str(err)) from err

    return checked


def _number(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is no number")
    return number


def _primary_address(text: str) -> int:
    address = protocol.parse_address(text)
    if not isinstance(address, int):
        raise ValueError(f"{text} is no primary address")  # noqa: TRY004 - of what was typed.
    return address


def _bytes(text: str) -> bytes:
    try:
        data = bytes.fromhex(text)
    except ValueError as err:
        raise ValueError(f"{text} is not pairs of hex digits") from err
    if not data:
        raise ValueError("there are no bytes")
    return data


def _byte(text: str) -> int:
    data = _bytes(text)
    if len(data) != 1:
        raise ValueError(f"{text} is not a pair of hex digits")
    return data[0]


def _record_header(text: str) -> bytes:
    header = _bytes(text)
    protocol.limits(header)
    return header
