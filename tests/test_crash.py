"""A real Home Assistant that is killed while it reads its meters, and started again."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
import json
from pathlib import Path
from typing import Any

from homeassistant.const import STATE_UNAVAILABLE
import pytest

from scripts.benchmarks.home_assistant import MBUS, HomeAssistant
from scripts.benchmarks.installation import Installation, Meter, subentries

METERS = 12
WITHIN = timedelta(seconds=1)
"""A change is written within this time here, within a minute else."""
WRITING = timedelta(seconds=1)
"""What a busy machine may take for that."""
LATENCY = 0.15
"""Seconds that each of a meter's two answers takes: all meters take longer than it is until the first is written."""

_NEVER = datetime.min.replace(tzinfo=UTC)

type Times = dict[str, datetime]


async def until(condition: Callable[[], bool]) -> None:
    """Wait until something is so that no event of this process tells."""
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.01)


def stored_times(file: Path) -> Times:
    """Return when each meter was read, as the file says."""
    if not file.exists():
        return {}
    meters = json.loads(file.read_bytes())["data"]["meters"]
    return {
        meter_id: datetime.fromisoformat(meter["time"])
        for meter_id, meter in meters.items()
        if "time" in meter
    }


def last_sent(meter: Meter, before: datetime) -> datetime:
    """Return when a meter was last asked before a time; long ago where it never was."""
    times = [sent.time.astimezone(UTC) for sent in meter.history]
    return max((time for time in times if time < before), default=_NEVER)


@pytest.mark.usefixtures("socket_enabled")
async def test_killed_while_polling() -> None:
    """What was stored a moment before is shown at once, to the last digit; only what was read since may be lost."""
    installation = Installation(METERS)
    await installation.open()
    (gateway,) = installation.bus.gateways
    meters = {meter["subentry_id"]: meter for meter in subentries(installation.meters)}
    async with installation.bus, HomeAssistant.fresh(MBUS) as home_assistant:
        await home_assistant.start()
        added = await home_assistant.do(
            "add",
            domain="mbus",
            title="Cellar",
            data=installation.mbus,
            options={},
            meters=[*meters.values()],
            polls=True,
        )
        entry_id: str = added.result
        file = home_assistant.folder / ".storage" / f"mbus.{entry_id}"

        async def read_and_write() -> dict[str, Any]:
            """Have all meters read and that written; return all states then."""
            gateway.dead, gateway.latency = False, 0.0
            await home_assistant.do("write_within", seconds=WITHIN.seconds)
            # What is asked of a dead gateway is given up, and what is to be written within a minute is.
            await home_assistant.do("reload", entry_id=entry_id)
            begun = datetime.now(UTC)
            await home_assistant.do("poll_mbus", entry_id=entry_id)

            def is_written() -> bool:
                times = stored_times(file)
                return times.keys() == meters.keys() and min(times.values()) > begun

            await until(is_written)
            states = await home_assistant.do("states", entry_id=entry_id)
            return dict(states.result)

        async def kill_after(answers: int) -> datetime:
            """Have all meters read anew, and kill Home Assistant when so many have answered."""
            gateway.latency = LATENCY
            before = [len(meter.history) for meter in installation.meters]

            def have_answered() -> bool:
                now = (len(meter.history) for meter in installation.meters)
                pairs = zip(now, before, strict=True)
                return sum(one > other for one, other in pairs) >= answers

            await home_assistant.do("make_due", entry_id=entry_id)
            await until(have_answered)
            await home_assistant.kill()
            return datetime.now(UTC)

        for answers in (1, METERS // 2, METERS):
            states = await read_and_write()
            times = stored_times(file)
            killed = await kill_after(answers)
            stored = stored_times(file)
            for meter, meter_id in zip(installation.meters, meters, strict=True):
                assert stored[meter_id] > last_sent(meter, killed - WITHIN - WRITING)

            gateway.dead = True
            await home_assistant.start()
            shown = (await home_assistant.do("states", entry_id=entry_id)).result
            for meter_id, subentry in meters.items():
                bindings = [binding["id"] for binding in subentry["data"]["bindings"]]
                is_old = stored[meter_id] == times[meter_id]
                assert is_old == all(shown[one] == states[one] for one in bindings)
                assert all(shown[one] != STATE_UNAVAILABLE for one in bindings)

        assert "custom_components.mbus" not in home_assistant.log
