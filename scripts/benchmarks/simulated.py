"""Simulated meters and the ways to them, for the benchmarks of the bus."""

from contextlib import aclosing

from custom_components.mbus.protocol import (
    LinkSettings,
    Master,
    SerialSettings,
    TcpSettings,
    long_frame,
    search,
)
from tests.simulator import SimulatedBus

REACTION = 0.005
"""Seconds from the end of a request to the first character of the answer."""


def telegram(
    identification: str, length: int, *, number: int = 0, more: bool = False
) -> bytes:
    """Build a long frame of `length` bytes in all, of water meter data."""
    header = bytes.fromhex(identification)[::-1] + bytes.fromhex(
        "24 23 2F 07 01 00 00 00"
    )
    records = bytes((0x84, number, 0x13, 1, 0, 0, 0))
    tail = b"\x1f" if more else b""
    filler = length - 9 - len(header + records + tail)
    return long_frame(0x08, 0, 0x72, header + records + b"\x2f" * filler + tail)


async def search_all(master: Master, **ways: bool) -> int:
    """Count the meters found."""
    found = set()
    async with aclosing(search(master, **ways)) as steps:
        async for step in steps:
            if step.found:
                found.add(step.found.key)
    return len(found)


async def open_way(
    bus: SimulatedBus, way: str, latency: float, baud_rate: int = 2400
) -> LinkSettings:
    """Open a gateway to the bus."""
    if way == "tcp":
        port = await bus.serve_tcp(latency=latency)
        return TcpSettings(host="127.0.0.1", port=port, baud_rate=baud_rate)
    path = await bus.serve_pty(latency=latency)
    return SerialSettings(port=path, baud_rate=baud_rate)
