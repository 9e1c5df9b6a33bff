"""Finding meters: `search` and `scan`."""

from argparse import Namespace
import asyncio
from contextlib import aclosing
from dataclasses import dataclass, field
import sys
from typing import Any

from .output import ExitCode, Result, as_hex, complain, describe_header, show, table
from .package import protocol


@dataclass(slots=True)
class _Findings:
    """What was found so far."""

    meters: dict[str, protocol.Found] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def take(self, step: protocol.SearchStep) -> None:
        if step.found:
            self.meters[step.found.key] = step.found
        if step.problem:
            self.problems.append(str(step.problem))

    def result(self, error: str | None = None) -> Result:
        meters = list(self.meters.values())
        return Result(
            complete=error is None and not self.problems,
            error=error,
            is_empty=not meters,
            content={
                "meters": [_describe(found) for found in meters],
                "problems": self.problems,
            },
            lines=table([_row(found) for found in meters]) or ["nothing found"],
        )


async def find(options: Namespace) -> ExitCode:
    """Tell the meters found, also if the search is broken off."""
    findings = _Findings()
    error = None
    try:
        await _search(options, findings)
    except asyncio.CancelledError:
        show(findings.result("interrupted"), as_json=options.json)
        raise
    except protocol.MBusError as err:
        error = str(err)
    return show(findings.result(error), as_json=options.json)


async def _search(options: Namespace, findings: _Findings) -> None:
    """Search, and tell problems and progress meanwhile."""
    steps = options.bus.search(by_secondary=options.command == "search")
    shows_progress = sys.stderr.isatty()
    try:
        async with options.bus, aclosing(steps):
            async for step in steps:
                findings.take(step)
                if step.problem:
                    print(end="\r" if shows_progress else "", file=sys.stderr)
                    complain(str(step.problem))
                if shows_progress:
                    text = f"\r{step.progress:4.0%}  {len(findings.meters)} found "
                    print(text, end="", file=sys.stderr, flush=True)
    finally:
        if shows_progress:
            print(file=sys.stderr)


def _describe(found: protocol.Found) -> dict[str, Any]:
    return {
        "address": str(found.address),
        "primary": found.primary,
        "secondary": str(found.secondary) if found.secondary else None,
        "header": describe_header(found.header),
        "raw": as_hex(found.telegram.frame),
    }


def _row(found: protocol.Found) -> dict[str, Any]:
    header = found.header
    return {
        "address": found.address,
        "primary": found.primary,
        "secondary": found.secondary,
        "manufacturer": header.manufacturer if header else None,
        "identification": header.identification if header else None,
        "version": header.version if header else None,
        "medium": header.medium_name if header else None,
    }
