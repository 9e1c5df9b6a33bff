"""One life: a connection in a real Home Assistant, a bus behind it, and what happens to both."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from random import Random, SystemRandom
from tempfile import TemporaryDirectory
from typing import Any, override

from homeassistant.components.repairs import issue_handler
from homeassistant.components.repairs.const import DOMAIN as REPAIRS_DOMAIN
from homeassistant.config_entries import ConfigEntryState, ConfigSubentry
from homeassistant.const import CONF_HOST, CONF_NAME, CONF_PORT, CONF_TYPE, Platform
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import (
    device_registry as dr,
    entity_registry as er,
    issue_registry as ir,
)
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    get_scheduled_timer_handles,
)

from custom_components.mbus.const import (
    CONF_BACKUP,
    CONF_BAUD_RATE,
    CONF_BINDINGS,
    CONF_DATA_BITS,
    CONF_ON_DEMAND,
    CONF_PARITY,
    CONF_PERIOD,
    CONF_STOP_BITS,
    DOMAIN,
    TYPE_SERIAL,
    TYPE_TCP,
)
from tests.simulator import Faults, SimulatedBus, TruthfulMeter
from tests.simulator.gateway import Answer, Gateway, PtyGateway, TcpGateway

from .clock import OVER_A_TERMINAL, Clock
from .places import Installer, Place
from .witness import Witness

_PORTS = SystemRandom()

PERIOD = timedelta(minutes=5)
_SERIAL = 0.3
"""Share of the connections that are serial ports."""
LATE = 4.0
"""Seconds after which a late answer comes: the master has given up after 3, and may have asked again."""
DOWN = 20.0
"""Seconds for which a gateway is away by a fault on the line."""
RETRIED = timedelta(seconds=61)
"""A lost link is tried again within this time."""
SET_UP_AGAIN = timedelta(seconds=601)
"""Home Assistant tries again to set up a connection within this time."""

RELOADED = timedelta(seconds=31)
"""Home Assistant reloads a connection so long after an entity was enabled."""
WRITTEN = timedelta(seconds=61)
"""Whatever is kept is written within this time."""


@dataclass(frozen=True, slots=True)
class Setting:
    """How large a life is."""

    meters: int = 3
    bound: float = 0.7
    """Share of the records that have a binding."""
    period: timedelta = PERIOD


type Way = TcpGateway | PtyGateway


def way(gateway: Way) -> dict[str, Any]:
    """Return what is stored of a way to the bus."""
    common = {CONF_NAME: "Cellar", CONF_BAUD_RATE: 2400}
    if isinstance(gateway, PtyGateway):
        serial = {CONF_PARITY: "E", CONF_DATA_BITS: 8, CONF_STOP_BITS: 1}
        return common | serial | {CONF_TYPE: TYPE_SERIAL, CONF_PORT: gateway.path}
    return common | {
        CONF_TYPE: TYPE_TCP,
        CONF_HOST: gateway.host,
        CONF_PORT: gateway.port,
    }


class Bus(SimulatedBus):
    """A bus that tells when something is asked on it."""

    def __init__(self, **options: Any) -> None:
        """Begin silent."""
        super().__init__(**options)
        self.asked = asyncio.Event()

    @override
    def exchange(self, frame: bytes, gateway: Gateway, time: float) -> Answer:
        """Carry a request."""
        self.asked.set()
        self.requests.clear()
        return super().exchange(frame, gateway, time)


class Life:
    """A connection with some meters; `random` is what happens to them drawn by."""

    def __init__(
        self,
        hass: HomeAssistant,
        clock: Clock,
        storage: dict[str, Any],
        seed: int,
        setting: Setting = Setting(),
    ) -> None:
        """Prepare a bus of meters and a connection to it; nothing is open yet."""
        self.hass = hass
        self.clock = clock
        self.random = Random(seed)
        self.setting = setting
        self.bus = Bus(faults=Faults(seed=seed, late_delay=LATE, down_time=DOWN))
        self.installer = Installer(self.random, clock.now)
        self.silent: list[TruthfulMeter] = []
        self.tasks = set[asyncio.Task[None]]()
        self.entry: MockConfigEntry
        self.witness: Witness
        self._storage = storage
        self._directory = TemporaryDirectory()
        self.folder = Path(self._directory.name)
        hass.config.config_dir = str(self.folder)

    async def begin(self) -> None:
        """Set the connection up."""
        if self.random.random() < _SERIAL:
            await self.bus.serve_pty(self.folder / "converter")
            self.clock.on_the_way = OVER_A_TERMINAL
        while len(self.bus.gateways) < 2:
            # Not one that a client may be given while the gateway is away.
            with suppress(OSError):
                await self.bus.serve_tcp(port=_PORTS.choice(range(20_000, 30_000)))
        places = [self.installer.place() for _ in range(self.setting.meters)]
        self.bus.meters.extend(place.installed for place in places)
        self.entry = MockConfigEntry(
            domain=DOMAIN,
            title="Cellar",
            unique_id="tcp",
            data=way(self.gateways[0]),
            options={
                CONF_PERIOD: self.setting.period // timedelta(milliseconds=1),
                CONF_BACKUP: self.random.choice((None, way(self.gateways[1]))),
            },
            subentries_data=[self._subentry(place) for place in places],
        )
        self.entry.add_to_hass(self.hass)
        self.witness = Witness(self.hass, self.entry, places)
        self.hass.data.setdefault(REPAIRS_DOMAIN, {})
        issue_handler.async_setup(self.hass)
        is_set_up = await self.hass.config_entries.async_setup(self.entry.entry_id)
        assert is_set_up, self.entry.reason

    async def end(self) -> None:
        """Take the connection away; nothing of it may be left."""
        await self.hass.config_entries.async_remove(self.entry.entry_id)
        await self.hass.async_block_till_done(wait_background_tasks=True)
        self.witness.stop()
        await self.pass_time(WRITTEN)
        key = f"{DOMAIN}.{self.entry.entry_id}"
        left = [
            *(f"a store: {one}" for one in (self._storage.get(key),) if one),
            *(
                f"{gateway.connections} open"
                for gateway in self.bus.gateways
                if gateway.connections
            ),
            *(repr(task) for task in asyncio.all_tasks() if "M-Bus" in task.get_name()),
            *(
                repr(handle)
                for handle in get_scheduled_timer_handles(self.hass.loop)
                if not handle.cancelled() and "custom_components.mbus" in repr(handle)
            ),
        ]
        await self.bus.close()
        self._directory.cleanup()
        self.witness.faults.extend(f"left: {one}" for one in left)

    # What there is

    @property
    def places(self) -> list[Place]:
        """Where meters are configured."""
        return [*self.witness.places.values()]

    @property
    def is_loaded(self) -> bool:
        """Whether the connection is set up."""
        return self.entry.state is ConfigEntryState.LOADED

    @property
    def is_stopped(self) -> bool:
        """Whether a person stopped the connection."""
        return self.entry.runtime_data.connection.stopped is not None

    @property
    def gateways(self) -> list[Way]:
        """The ways to the bus, the configured one first."""
        gateways = [
            one for one in self.bus.gateways if isinstance(one, TcpGateway | PtyGateway)
        ]
        if hasattr(self, "entry"):
            gateways.sort(
                key=lambda one: way(one)[CONF_PORT] != self.entry.data[CONF_PORT]
            )
        return gateways

    def data(self, place: Place) -> Mapping[str, Any]:
        """Return what is stored of a meter."""
        data: Mapping[str, Any] = self.entry.subentries[place.id].data
        return data

    def period(self, place: Place) -> timedelta | None:
        """Return how often a meter is to be read; None: only when asked to."""
        data = self.data(place)
        own = data.get(CONF_PERIOD)
        if data.get(CONF_ON_DEMAND):
            return None
        return timedelta(milliseconds=own) if own else self.setting.period

    def is_fixable(self, issue_id: str) -> bool:
        """Tell whether there is a repair that a person can go through."""
        issue = ir.async_get(self.hass).async_get_issue(DOMAIN, issue_id)
        return issue is not None and bool(issue.is_fixable)

    def is_bound(self, place: Place) -> bool:
        """Tell whether each record is where the binding says."""
        telegrams = place.installed.places
        return all(
            telegrams[item["telegram"]][item["index"]]
            is place.bindings[item["id"]].quantity
            for item in self.data(place)[CONF_BINDINGS]
        )

    # What can be done with it

    async def pass_time(self, time: timedelta) -> None:
        """Let time pass."""
        await asyncio.sleep(time.total_seconds())

    async def call(self, platform: Platform, service: str, unique_id: str) -> None:
        """Do what a person does with an entity."""
        registry = er.async_get(self.hass)
        entity_id = registry.async_get_entity_id(platform, DOMAIN, unique_id)
        await self.hass.services.async_call(
            platform, service, {"entity_id": entity_id}, blocking=True
        )

    async def act(self, place: Place, action: str, **data: Any) -> bool:
        """Call an action on a meter; say whether that worked."""
        device = dr.async_get(self.hass).async_get_device_by_identifier(
            (DOMAIN, place.id), self.entry.entry_id
        )
        try:
            if device:
                await self.hass.services.async_call(
                    DOMAIN, action, {"device_id": device.id, **data}, blocking=True
                )
        except HomeAssistantError:
            return False
        return device is not None

    def store(self, place: Place, unique_id: str | None = None, **updates: Any) -> None:
        """Change what is stored of a meter."""
        subentry = self.entry.subentries[place.id]
        self.hass.config_entries.async_update_subentry(
            self.entry,
            subentry,
            data={**subentry.data, **updates},
            unique_id=unique_id or subentry.unique_id,
        )

    async def repair(self, issue_id: str, *inputs: dict[str, Any]) -> None:
        """Go through a repair with these inputs, if it is there."""
        if not self.is_fixable(issue_id):
            return
        manager = self.hass.data[REPAIRS_DOMAIN]["flow_manager"]
        result = await manager.async_init(DOMAIN, data={"issue_id": issue_id})
        for user_input in inputs:
            if result["type"] in ("form", "menu"):
                result = await manager.async_configure(result["flow_id"], user_input)
        if result["type"] in ("form", "menu"):
            manager.async_abort(result["flow_id"])

    async def kill(self) -> None:
        """End it as a power failure does: it goes on with what was written last."""
        key = f"{DOMAIN}.{self.entry.entry_id}"
        written, at = deepcopy(self._storage.get(key)), self.clock.now()
        await self.hass.config_entries.async_unload(self.entry.entry_id)
        self._storage.pop(key, None)
        if written is not None:
            self._storage[key] = written
        for place in self.places:
            place.read_at = self.clock.now()
            for told in place.bindings.values():
                told.killed(at, place.readings)
        await self.set_up()

    async def set_up(self) -> None:
        """Set the connection up, if Home Assistant did not do so meanwhile."""
        if self.entry.state is ConfigEntryState.NOT_LOADED:
            await self.hass.config_entries.async_setup(self.entry.entry_id)

    def note_meanings(self, place: Place) -> None:
        """Take note of what is stored of a profile for each binding."""
        for item in self.data(place)[CONF_BINDINGS]:
            meaning = item["interpretation"]
            factor = Decimal(meaning["factor"] if meaning else 1)
            told = place.bindings[item["id"]]
            if factor != told.rule.factor:
                told.another_meaning(self.clock.now(), factor)

    def exchange(self, place: Place) -> None:
        """Put another meter in the place of one."""
        old, new = self.installer.exchange(place)
        meters = self.silent if old in self.silent else self.bus.meters
        meters.remove(old)
        meters.append(new)

    def add_meter(self) -> None:
        """Install a meter and add it."""
        place = self.installer.place()
        self.bus.meters.append(place.installed)
        self.witness.watch(place)
        subentry = self._subentry(place)
        self.hass.config_entries.async_add_subentry(
            self.entry, ConfigSubentry(**subentry)
        )

    def remove_meter(self, place: Place) -> None:
        """Remove a meter; it stays on the bus."""
        del self.witness.places[place.id]
        self.hass.config_entries.async_remove_subentry(self.entry, place.id)

    def _subentry(self, place: Place) -> Any:
        return place.subentry(self.setting.period, self.setting.bound, self.random)
