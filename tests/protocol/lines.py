"""A simulated bus and a master on it, over a real socket or a real pseudo terminal."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Literal

from custom_components.mbus.protocol import (
    LinkSettings,
    Master,
    Quirks,
    SerialSettings,
    TcpSettings,
    long_frame,
    open_link,
)
from tests.simulator import CodedMeter, PtyGateway, SimulatedBus, TcpGateway

type Kind = Literal["tcp", "pty"]

TIMEOUT = 0.1
"""Seconds to the first byte: the simulated meters answer at once."""
SOUND = Quirks(keeps_frame_count=False)
"""What is known of a meter that was read before, and begins with its first telegram after a reset."""


async def serve(bus: SimulatedBus, kind: Kind, **options: Any) -> LinkSettings:
    """Open a way to a bus; the rate only sets the waits, as the bus has none."""
    if kind == "tcp":
        port = await bus.serve_tcp(**options)
        return TcpSettings(host="127.0.0.1", port=port, baud_rate=38400)
    return SerialSettings(port=await bus.serve_pty(**options), baud_rate=38400)


@asynccontextmanager
async def mastered(
    bus: SimulatedBus, kind: Kind = "tcp", **options: Any
) -> AsyncIterator[Master]:
    """Open a link to a bus, with a master that knows the link to be fast."""
    link = await open_link(await serve(bus, kind))
    for _ in range(3):
        link.learn_latency(0)
    try:
        yield Master(link, **({"timeout": TIMEOUT} | options))
    finally:
        await link.close()


def places(readout: Any) -> list[list[tuple[int, int, int, int]]]:
    """Say where each value of a coded meter belongs: meter, telegram, index, readout."""
    return [
        [
            CodedMeter.decode(int.from_bytes(record.raw, "little"))
            for record in telegram.records
        ]
        for telegram in readout.telegrams
    ]


def frame_of(body: str) -> bytes:
    """Build a long frame of C, A, CI and data."""
    control, address, code, *data = bytes.fromhex(body)
    return long_frame(control, address, code, bytes(data))


def open_files() -> int:
    """Count the open file descriptors of this process."""
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


async def happens(is_so: Callable[[], object], task: asyncio.Task[Any]) -> None:
    """Wait until a task has brought something about; one that ended without it is awaited in vain."""
    while not is_so():
        assert not task.done(), task
        await asyncio.sleep(0)


async def flood(bus: SimulatedBus) -> None:
    """Send zeros to whoever is connected, until cancelled."""
    (gateway,) = bus.gateways
    assert isinstance(gateway, TcpGateway | PtyGateway)
    while True:
        clients = [gateway] if isinstance(gateway, PtyGateway) else gateway._clients
        for client in clients:
            client.write(bytes(2048))
        await asyncio.sleep(0)
