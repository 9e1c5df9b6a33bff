"""Do what was typed."""

import asyncio
from collections.abc import Sequence
import logging

from .arguments import UsageError, parse_arguments
from .decoding import decode
from .meter import ask
from .output import ExitCode, complain
from .searching import find

_SEARCHES = ("search", "scan")


def run(arguments: Sequence[str]) -> ExitCode:
    """Run a command."""
    try:
        options = parse_arguments(arguments)
        if options.command == "decode":
            return decode(options)
        if options.command == "profile":
            # Of all commands, this alone needs Home Assistant.
            from .profile import show_profile

            return show_profile(options)
    except UsageError as err:
        complain(str(err))
        return ExitCode.WRONG_ARGUMENTS
    if options.verbose:
        logging.basicConfig(format="%(message)s")
        logging.getLogger("protocol").setLevel(logging.DEBUG)
    command = find if options.command in _SEARCHES else ask
    return asyncio.run(command(options))
