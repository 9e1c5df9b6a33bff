"""Searches of a simulated bus at its true speed, by a clock that stands still while anybody works."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, override

from custom_components.mbus.protocol import (
    Found,
    Master,
    MBusError,
    SerialSettings,
    TcpSettings,
    open_link,
    search,
)
from tests.simulator import SimulatedBus, SimulatedMeter
from tests.simulator.clock import StillLoop

from .lines import Kind

BAUD_RATE = 2400


@dataclass
class Searched:
    """What came of a search; `seconds` are those of the line."""

    found: dict[str, Found] = field(default_factory=dict)
    problems: list[MBusError] = field(default_factory=list)
    requests: list[bytes] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def numbers(self) -> list[str]:
        """The identifications found, in order."""
        return sorted(
            found.header.identification or ""
            for found in self.found.values()
            if found.header
        )

    @override
    def __str__(self) -> str:
        texts = "".join(f"\n  {problem}" for problem in self.problems)
        return (
            f"{len(self.found)} found, {len(self.requests)} requests, {self.seconds:.1f} s"
            f"{texts}"
        )


def searched(
    meters: Sequence[SimulatedMeter],
    kind: Kind = "tcp",
    *,
    baud_rate: int = BAUD_RATE,
    timeout: float = 3.0,
    ways: dict[str, Any] | None = None,
    way: dict[str, Any] | None = None,
    **line: Any,
) -> Searched:
    """Search a bus of meters; `line` says how the bus is, `way` how the gateway, `ways` what is asked."""

    async def run() -> Searched:
        result = Searched()
        loop = asyncio.get_running_loop()
        async with SimulatedBus(meters, baud_rate=baud_rate, **line) as bus:
            settings: TcpSettings | SerialSettings
            if kind == "tcp":
                port = await bus.serve_tcp(**(way or {}))
                settings = TcpSettings(host="127.0.0.1", port=port, baud_rate=baud_rate)
            else:
                path = await bus.serve_pty(**(way or {}))
                settings = SerialSettings(port=path, baud_rate=baud_rate)
            async with open_link(settings) as link:
                started = loop.time()
                async for step in search(Master(link, timeout=timeout), **(ways or {})):
                    if step.found:
                        result.found[step.found.key] = step.found
                    if step.problem:
                        result.problems.append(step.problem)
                result.seconds = loop.time() - started
            result.requests = list(bus.requests)
        return result

    with asyncio.Runner(loop_factory=StillLoop, debug=False) as runner:
        return runner.run(run())
