"""Does inside of Home Assistant what the benchmark outside tells it, and measures what that costs.

A command is a line of JSON on a Unix socket: the name of a method of `Probe` and its arguments. The answer has what the
method returns, and the cost of it all.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import asdict
import gc
import json
from pathlib import Path
from threading import get_ident
from time import monotonic, process_time, thread_time
from types import MappingProxyType
from typing import Any

from homeassistant.components.recorder import get_instance
from homeassistant.components.recorder.db_schema import States, StatesMeta
from homeassistant.config_entries import ConfigEntry, ConfigSubentry
from homeassistant.const import EVENT_HOMEASSISTANT_STARTED, STATE_UNAVAILABLE
from homeassistant.core import (
    CALLBACK_TYPE,
    Event,
    EventStateChangedData,
    HomeAssistant,
    callback,
)
from homeassistant.helpers import config_validation as cv, entity_registry as er
from homeassistant.helpers.event import async_track_state_change_event
from homeassistant.helpers.recorder import session_scope
from homeassistant.helpers.typing import ConfigType
from homeassistant.helpers.update_coordinator import DataUpdateCoordinator
from homeassistant.util import dt as dt_util
import voluptuous as vol

from .cost import Cost
from .profile import Sampler

DOMAIN = "probe"
CONFIG_SCHEMA = vol.Schema(
    {DOMAIN: vol.Schema({"socket": cv.string})}, extra=vol.ALLOW_EXTRA
)
LONGEST_LINE = 1 << 26
LOOK = 0.1  # s


async def async_setup(hass: HomeAssistant, config: ConfigType) -> bool:
    """Ask for commands once Home Assistant runs."""
    probe = Probe(hass)

    @callback
    def begin(event: Event) -> None:
        hass.async_create_background_task(
            probe.serve(config[DOMAIN]["socket"]), "benchmark"
        )

    hass.bus.async_listen_once(EVENT_HOMEASSISTANT_STARTED, begin)
    return True


def resident() -> int:
    """Return the resident bytes of the process."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


class Meter:
    """Listens at the loop's selector and at the garbage collector."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Put itself in between."""
        self.cost: Cost | None = None
        self._thread = get_ident()
        self._collecting = self._collected = 0.0
        selector = loop._selector  # type: ignore[attr-defined]  # noqa: SLF001
        select = selector.select
        woken = thread_time()

        def measured(timeout: float | None = None) -> Any:
            nonlocal woken
            if self.cost:
                self.cost.steps.append(thread_time() - woken - self._collected)
            events = select(timeout)
            self._collected, woken = 0.0, thread_time()
            return events

        selector.select = measured
        gc.callbacks.append(self._collect)

    def _collect(self, phase: str, info: dict[str, int]) -> None:
        if get_ident() != self._thread:
            return
        if phase == "start":
            self._collecting = thread_time()
            return
        pause = thread_time() - self._collecting
        self._collected += pause
        if self.cost:
            self.cost.pauses.append(pause)


class Probe:
    """What can be asked for."""

    def __init__(self, hass: HomeAssistant) -> None:
        """Measure nothing yet."""
        self._hass = hass
        self._meter = Meter(hass.loop)
        self._sampler: Sampler | None = None

    async def serve(self, path: str) -> None:
        """Do what is told until the socket closes."""
        reader, writer = await asyncio.open_unix_connection(path, limit=LONGEST_LINE)
        writer.write(json.dumps({"thread": get_ident()}).encode() + b"\n")
        while line := await reader.readline():
            name, arguments = json.loads(line)
            try:
                answer = await self._measured(getattr(self, name), arguments)
            except Exception as err:  # noqa: BLE001 - it is told outside.
                answer = {"error": f"{name}: {err!r}"}
            writer.write(json.dumps(answer).encode() + b"\n")
        writer.close()

    async def _measured(
        self, method: Callable[..., Awaitable[Any]], arguments: dict[str, Any]
    ) -> dict[str, Any]:
        gc.collect()
        await asyncio.sleep(0)
        cost = Cost()
        self._meter.cost = cost
        began = (thread_time(), process_time(), monotonic())
        result = await method(**arguments)
        await self._hass.async_block_till_done()
        cost.cpu, cost.process, cost.wall = (
            now - then
            for now, then in zip(
                (thread_time(), process_time(), monotonic()), began, strict=True
            )
        )
        self._meter.cost = None
        steps = sorted(cost.steps)
        cost.usual, cost.steps = steps[len(steps) * 99 // 100], steps[-10:]
        cost.pauses = sorted(cost.pauses)[-10:]
        return {"result": result, "cost": asdict(cost)}

    async def profile(self, path: str | None) -> None:
        """Begin to see where the CPU of the loop's thread goes, or write that to a path."""
        if path:
            assert self._sampler
            self._sampler.stop(path)
            self._sampler = None
        else:
            self._sampler = Sampler()

    async def add(
        self,
        domain: str,
        title: str,
        data: dict[str, Any],
        options: dict[str, Any],
        meters: list[dict[str, Any]],
        *,
        polls: bool,
    ) -> str:
        """Add an entry and set it up; return its id."""
        entry = ConfigEntry(
            data=data,
            discovery_keys=MappingProxyType({}),
            domain=domain,
            minor_version=1,
            options=options,
            pref_disable_polling=not polls,
            source="user",
            subentries_data=meters,  # type: ignore[arg-type]
            title=title,
            unique_id=None,
            version=1,
        )
        await self._hass.config_entries.async_add(entry)
        return entry.entry_id

    async def add_meters(self, entry_id: str, meters: list[dict[str, Any]]) -> None:
        """Add meters to an entry of M-Bus, as a search does."""
        entry = self._entry(entry_id)
        for meter in meters:
            meter["data"] = MappingProxyType(meter["data"])
            self._hass.config_entries.async_add_subentry(entry, ConfigSubentry(**meter))

    async def unload(self, entry_id: str) -> None:
        """Unload an entry."""
        await self._hass.config_entries.async_unload(entry_id)

    async def set_up(self, entry_id: str) -> None:
        """Set up an entry that was unloaded."""
        await self._hass.config_entries.async_setup(entry_id)

    async def reload(self, entry_id: str) -> None:
        """Unload an entry and set it up again."""
        await self._hass.config_entries.async_reload(entry_id)

    async def let_poll(self, entry_id: str, *, polls: bool) -> None:
        """Let Home Assistant poll an entry or not, from its next set-up on."""
        self._hass.config_entries.async_update_entry(
            self._entry(entry_id), pref_disable_polling=not polls
        )

    async def poll_bare(self, entry_id: str) -> int:
        """Poll each meter of a bare entry, and return how many that are."""
        coordinators = self._entry(entry_id).runtime_data.coordinators
        for coordinator in coordinators:
            await coordinator.async_refresh()
            if not coordinator.last_update_success:
                raise coordinator.last_exception
        return len(coordinators)

    async def poll_mbus(self, entry_id: str) -> int:
        """Let each meter of an M-Bus entry be due now, wait until all have been read, and return how many that are."""
        data = self._entry(entry_id).runtime_data
        begun, waiting, done = dt_util.utcnow(), set(data.coordinators), asyncio.Event()

        def listen(meter_id: str) -> CALLBACK_TYPE:
            coordinator: DataUpdateCoordinator[Any] = data.coordinators[meter_id]

            @callback
            def told() -> None:
                reading = coordinator.data.reading
                if coordinator.data.is_heard and reading and reading.time >= begun:
                    waiting.discard(meter_id)
                    if not waiting:
                        done.set()

            return coordinator.async_add_listener(told)

        cancels = [listen(meter_id) for meter_id in data.coordinators]
        for meter_id in data.coordinators:
            data.schedule.async_set_due(meter_id, begun)
        async with asyncio.timeout(120):
            await done.wait()
        for cancel in cancels:
            cancel()
        return len(cancels)

    async def make_due(self, entry_id: str) -> None:
        """Let each meter of an M-Bus entry be due now, and wait for none."""
        data = self._entry(entry_id).runtime_data
        for meter_id in data.coordinators:
            data.schedule.async_set_due(meter_id, dt_util.utcnow())

    async def write_within(self, seconds: int) -> None:
        """Let M-Bus write what it keeps within so many seconds of a change instead of a minute."""
        # Only here, so that the bare integration can be alone.
        from custom_components.mbus.polling import store

        store.SAVE_DELAY = seconds

    async def states(self, entry_id: str) -> dict[str, str]:
        """Return the states of an entry's entities, by their unique ids."""
        registry = er.async_get(self._hass)
        return {
            entity.unique_id: state.state
            for entity in er.async_entries_for_config_entry(registry, entry_id)
            if (state := self._hass.states.get(entity.entity_id))
        }

    async def count(self, entry_id: str) -> dict[str, int]:
        """Return how many entities an entry has registered, and how many of them are enabled."""
        entities = er.async_entries_for_config_entry(er.async_get(self._hass), entry_id)
        return {
            "registered": len(entities),
            "enabled": sum(not entity.disabled for entity in entities),
        }

    async def memory(self) -> int:
        """Return the resident bytes, once all has been written."""
        await get_instance(self._hass).async_block_till_done()
        gc.collect()
        return resident()

    async def watch(
        self, seconds: float, entry_id: str | None, healthy_id: str
    ) -> dict[str, int]:
        """See how much an M-Bus entry and the process keep for a while, and how often entities of another are unavailable."""
        seen = dict.fromkeys(("in_use", "resident", "unavailable"), 0)
        registry = er.async_get(self._hass)
        entities = er.async_entries_for_config_entry(registry, healthy_id)

        @callback
        def changed(event: Event[EventStateChangedData]) -> None:
            state = event.data["new_state"]
            seen["unavailable"] += state is None or state.state == STATE_UNAVAILABLE

        cancel = async_track_state_change_event(
            self._hass, [entity.entity_id for entity in entities], changed
        )
        end = monotonic() + seconds
        while monotonic() < end:
            await asyncio.sleep(LOOK)
            seen["resident"] = max(seen["resident"], resident())
            if entry_id:
                in_use = self._entry(entry_id).runtime_data.memory_in_use
                seen["in_use"] = max(seen["in_use"], in_use)
        cancel()
        return seen

    async def wait_heard(self, entry_id: str, seconds: float) -> float:
        """Wait until each meter of an M-Bus entry was read after now, and return how long that took (s)."""
        begun, now = monotonic(), dt_util.utcnow()
        coordinators = self._entry(entry_id).runtime_data.coordinators.values()

        def is_heard(coordinator: Any) -> bool:
            data = coordinator.data
            return bool(data.is_heard and data.reading.time > now)

        while not all(map(is_heard, coordinators)):
            if monotonic() - begun > seconds:
                break
            await asyncio.sleep(LOOK)
        return monotonic() - begun

    async def reported(self, entry_ids: list[str]) -> dict[str, float]:
        """Return when each entity of entries reported its state last."""
        registry = er.async_get(self._hass)
        return {
            entity.entity_id: state.last_reported_timestamp
            for entry_id in entry_ids
            for entity in er.async_entries_for_config_entry(registry, entry_id)
            if (state := self._hass.states.get(entity.entity_id))
        }

    async def rows(self, entry_ids: list[str]) -> dict[str, int]:
        """Return how many rows the recorder has of each entity of entries."""
        registry = er.async_get(self._hass)
        ours = {
            entity.entity_id
            for entry_id in entry_ids
            for entity in er.async_entries_for_config_entry(registry, entry_id)
        }
        recorder = get_instance(self._hass)
        await recorder.async_block_till_done()

        def count() -> dict[str, int]:
            rows = dict[str, int]()
            with session_scope(hass=self._hass, read_only=True) as session:
                found = session.query(StatesMeta.entity_id).join(
                    States, States.metadata_id == StatesMeta.metadata_id
                )
                for (entity_id,) in found:
                    rows[entity_id] = rows.get(entity_id, 0) + 1
            return {entity_id: rows[entity_id] for entity_id in ours & rows.keys()}

        return await recorder.async_add_executor_job(count)

    def _entry(self, entry_id: str) -> ConfigEntry[Any]:
        return self._hass.config_entries.async_get_known_entry(entry_id)
