"""How long a Home Assistant with many meters takes to stop, in several states."""

import asyncio

from .figures import Row
from .home_assistant import MBUS, HomeAssistant
from .installation import Entry

RELOADS = 4
LONGEST = 10.0  # s
LATENCY = 0.2
"""Seconds that gateways take for an answer while all buses are read."""


async def stops(buses: int, meters: int) -> list[Row]:
    """Stop one with so many meters on so many buses; each time the same entries are there again."""
    rows = list[Row]()
    async with HomeAssistant.fresh(MBUS) as home_assistant:
        await home_assistant.start()
        entries = [Entry("mbus", meters) for _ in range(buses)]
        for entry in entries:
            await entry.add(home_assistant, meters)
            await home_assistant.do("let_poll", entry_id=entry.id, polls=True)
        gateways = [
            gateway for entry in entries for gateway in entry.installation.bus.gateways
        ]

        async def stop(name: str) -> None:
            took = await home_assistant.stop()
            rows.append(Row(name=f"stop {name}", ours=took, goal=LONGEST, unit="s"))

        async def read_slowly() -> None:
            await home_assistant.start()
            for entry in entries:
                await home_assistant.do("make_due", entry_id=entry.id)
            await asyncio.sleep(1)

        for _ in range(RELOADS):
            for entry in entries:
                await home_assistant.do("reload", entry_id=entry.id)
        await stop(f"after {RELOADS} reloads of each connection")
        for gateway in gateways:
            gateway.latency = LATENCY
        await read_slowly()
        await stop("while all buses are read")
        for gateway in gateways:
            gateway.dead = True
        await read_slowly()
        await stop("while all gateways hang")
    return rows
