"""A simulated bus at its true speed and a master on it, by a clock that stands still while anybody works."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from custom_components.mbus.protocol import (
    Master,
    SerialSettings,
    TcpSettings,
    open_link,
)
from tests.simulator import SimulatedBus, SimulatedMeter
from tests.simulator.clock import StillLoop

from .lines import Kind

BAUD_RATE = 2400


def run_still[T](
    meters: Sequence[SimulatedMeter],
    work: Callable[[Master, SimulatedBus], Awaitable[T]],
    kind: Kind = "tcp",
    *,
    baud_rate: int = BAUD_RATE,
    way: dict[str, Any] | None = None,
    settings: dict[str, Any] | None = None,
    **line: Any,
) -> T:
    """Do some work on a bus; `line` says how the bus is, `way` how the gateway, `settings` how the master."""

    async def run() -> T:
        async with SimulatedBus(meters, baud_rate=baud_rate, **line) as bus:
            link: TcpSettings | SerialSettings
            if kind == "tcp":
                port = await bus.serve_tcp(**(way or {}))
                link = TcpSettings(host="127.0.0.1", port=port, baud_rate=baud_rate)
            else:
                path = await bus.serve_pty(**(way or {}))
                link = SerialSettings(port=path, baud_rate=baud_rate)
            async with open_link(link) as opened:
                return await work(Master(opened, **(settings or {})), bus)

    with asyncio.Runner(loop_factory=StillLoop, debug=False) as runner:
        return runner.run(run())
