"""A Home Assistant that is killed while a meter's past is being written: a process of its own, with its own recorder."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from itertools import pairwise
import json
from pathlib import Path
from typing import Any, override

import pytest

from scripts.demo_flows import add_gateway, add_meter
from scripts.demo_home_assistant import DemoError, HomeAssistant
from scripts.demo_main import free_port
from tests.simulator import HeatMeter, SimulatedBus

ENERGY = "sensor.sim_heat_meter_12345678_energy"
KILLER = """
from datetime import timedelta
import os
from pathlib import Path
import signal

from homeassistant.components.recorder import get_instance
from homeassistant.components.recorder.tasks import AdjustStatisticsTask, StatisticsTask
from homeassistant.util import dt as dt_util

FIVE_MINUTES = timedelta(minutes=5)


async def async_setup(hass, config):
    killed = Path(hass.config.path("killed"))
    now = dt_util.utcnow()
    window = now.replace(minute=now.minute // 5 * 5, second=0, microsecond=0)
    # What was counted in the run before must not be counted once more.
    window += timedelta(hours=1) if killed.exists() else timedelta()

    async def count(call):
        nonlocal window
        get_instance(hass).queue_task(StatisticsTask(window, fire_events=True))
        window += FIVE_MINUTES

    hass.services.async_register("killer", "count", count)

    def kill(task, instance):
        killed.touch()
        os.kill(os.getpid(), signal.SIGKILL)

    if not killed.exists():
        AdjustStatisticsTask.run = kill
    return True
"""
"""Counts the next five minutes when told to, and kills the process once, in place of the second of the recorder's two tasks."""


class Killed(HomeAssistant):
    """A Home Assistant that ends once in the middle of its work."""

    @override
    def _seed(self) -> None:
        super()._seed()
        killer = self.folder / "custom_components" / "killer"
        killer.mkdir()
        (killer / "__init__.py").write_text(KILLER)
        manifest = {
            "domain": "killer",
            "name": "Killer",
            "version": "0",
            "dependencies": ["recorder"],
        }
        (killer / "manifest.json").write_text(json.dumps(manifest))
        with (self.folder / "configuration.yaml").open("a") as file:
            file.write("killer:\n")

    async def count(self) -> None:
        """Let it count the statistics of now."""
        await self.post("services/killer/count", {})

    async def rows(self, period: str, *types: str) -> list[dict[str, Any]]:
        """Return the rows of the meter's statistics."""
        answer = await self.post(
            "services/recorder/get_statistics?return_response",
            {
                "statistic_ids": [ENERGY],
                "start_time": "2020-01-01 00:00:00",
                "period": period,
                "types": types,
            },
        )
        rows: list[dict[str, Any]] = answer["service_response"]["statistics"].get(
            ENERGY, []
        )
        return rows

    async def until(self, done: Callable[[], Awaitable[bool]]) -> None:
        """Let it count until something is so."""
        async with asyncio.timeout(60):
            while not await done():
                await self.count()
                await asyncio.sleep(0.2)


@pytest.fixture
async def home_assistant(socket_enabled: None, tmp_path: Path) -> AsyncIterator[Killed]:
    """Return it, running."""
    async with Killed.running(tmp_path / "config", free_port(0)) as running:
        yield running


async def test_killed_between_the_steps(home_assistant: Killed) -> None:
    """The next start does the second one, once."""
    async with SimulatedBus([HeatMeter(1, identification="12345678")]) as bus:
        entry = await add_gateway(home_assistant, await bus.serve_tcp())
        await add_meter(home_assistant, entry["entry_id"], 1, all_records=False)
        devices: Any = await home_assistant.ask("config/device_registry/list")
        [device_id] = (one["id"] for one in devices if one["serial_number"])
        answer = await home_assistant.post(
            "services/mbus/import_history?return_response", {"device_id": device_id}
        )
        [stored] = (
            [one["value"] for one in sensor["taken"]]
            for sensor in answer["service_response"][device_id]["sensors"]
            if sensor["entity_id"] == ENERGY
        )
        assert len(stored) == 13

        # Home Assistant takes its time to write down what it was told.
        entries = home_assistant.folder / ".storage" / "core.config_entries"
        async with asyncio.timeout(60):
            while "12345678" not in entries.read_text():
                await asyncio.sleep(0.1)

        async def never() -> bool:
            return False

        with pytest.raises(DemoError):
            await home_assistant.until(never)
        await home_assistant.start_again()
        # Only the first step was done: what is counted now does not follow on what was imported.
        [first] = (await home_assistant.rows("5minute", "state", "sum"))[:1]
        assert first["sum"] == 0

        async def is_whole() -> bool:
            rows = await home_assistant.rows("5minute", "state", "sum")
            return all(row["sum"] == row["state"] - stored[0] for row in rows)

        await home_assistant.until(is_whole)
        for _ in range(3):
            await home_assistant.count()
        assert await is_whole()
        months = [row["change"] for row in await home_assistant.rows("month", "change")]
        assert months[:13] == [0, *(b - a for a, b in pairwise(stored))]
