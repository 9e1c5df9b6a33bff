"""How long a Home Assistant with many meters takes to stop, in several states.

What the recorder has not yet written it writes then, whoever it is from: a stop at once after reloads takes as long with
the bare integration.
"""

import asyncio

from .figures import Row
from .home_assistant import BARE, MBUS, HomeAssistant
from .installation import Entry

RELOADS = 4
LONGEST = 10.0  # s
LATENCY = 0.2
"""Seconds that gateways take for an answer while all buses are read."""


async def stops(buses: int, meters: int) -> list[Row]:
    """Stop one with so many meters on so many buses; each time the same entries are there again."""
    async with HomeAssistant.fresh(BARE) as home_assistant:
        await _reloaded(home_assistant, "bare", buses, meters)
        bare = await home_assistant.stop()
    rows = list[Row]()
    async with HomeAssistant.fresh(MBUS) as home_assistant:
        entries = await _reloaded(home_assistant, "mbus", buses, meters)
        gateways = [
            gateway for entry in entries for gateway in entry.installation.bus.gateways
        ]

        async def stop(name: str, bare: float | None = None) -> None:
            took = await home_assistant.stop()
            named = f"stop {name}"
            rows.append(Row(name=named, ours=took, bare=bare, goal=LONGEST, unit="s"))

        async def read() -> None:
            await home_assistant.start()
            for entry in entries:
                await home_assistant.do("make_due", entry_id=entry.id)
            await asyncio.sleep(1)

        await stop(f"at once after {RELOADS} reloads of each connection", bare)
        await home_assistant.start()
        await _reload(home_assistant, entries)
        await home_assistant.do("memory")  # Which waits for the recorder.
        await stop(f"after {RELOADS} reloads, when the recorder has written them")
        for gateway in gateways:
            gateway.latency = LATENCY
        await read()
        await stop("while all buses are read")
        for gateway in gateways:
            gateway.dead = True
        await read()
        await stop("while all gateways hang")
    return rows


async def _reloaded(
    home_assistant: HomeAssistant, domain: str, buses: int, meters: int
) -> list[Entry]:
    """Start it with so many entries, and reload each some times."""
    await home_assistant.start()
    entries = [Entry(domain, meters) for _ in range(buses)]
    for entry in entries:
        await entry.add(home_assistant, meters)
        await home_assistant.do("let_poll", entry_id=entry.id, polls=True)
    await _reload(home_assistant, entries)
    return entries


async def _reload(home_assistant: HomeAssistant, entries: list[Entry]) -> None:
    for _ in range(RELOADS):
        for entry in entries:
            await home_assistant.do("reload", entry_id=entry.id)
