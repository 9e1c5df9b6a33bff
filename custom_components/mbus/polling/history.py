"""Takes what a meter remembers of its totals into the statistics of their sensors, over restarts too."""

from collections.abc import Collection, Mapping
from datetime import datetime

from homeassistant.components.recorder import get_instance
from homeassistant.components.recorder.models import StatisticData
from homeassistant.components.recorder.statistics import async_import_statistics
from homeassistant.core import HomeAssistant, callback
from homeassistant.util.hass_dict import HassKey

from ..const import DOMAIN, LOGGER
from ..meters.reading import Reading
from ..protocol import MBusError
from .notes import StoredImport
from .plan import Owner, Plan, async_plan
from .statistics import (
    Recorded,
    async_recorded,
    async_row_at,
    has_recorder,
    hour_of,
    sensor_of,
)
from .statistics_watch import StatisticsWatch
from .store import MBusStore, as_stored, stored_reading

_QUEUED: HassKey[set[str]] = HassKey(f"{DOMAIN}_history_queued")
"""The bindings whose past was given to the recorder in this run of Home Assistant."""


class History:
    """Writes stored totals before the first row of a sensor's statistics, as soon as there is one.

    What follows has to be raised by what was counted before. Of these two steps the second is made up for at the next
    start if the first one alone was done.
    """

    def __init__(
        self, hass: HomeAssistant, store: MBusStore, owners: Mapping[str, Owner]
    ) -> None:
        """Do nothing yet; `owners` are the meters by their ids, as they come and go."""
        self._hass = hass
        self._store = store
        self._owners = owners
        self.watch = StatisticsWatch(hass, self._async_go_on)
        # What the recorder was given to do it does, though the connection be reloaded meanwhile.
        self._queued = hass.data.setdefault(_QUEUED, set())

    @callback
    def async_start(self) -> None:
        """Go on with what is left of bindings that there are; a dialog may have ended before its meter was added."""
        for stored in [*self._store.notes.imports]:
            if not any(
                stored["binding_id"] in owner.described
                for owner in self._owners.values()
            ):
                self._drop(stored)
        if self._store.notes.imports:
            self.watch.async_start()

    async def async_take(self, reading: Reading, bindings: Collection[str]) -> None:
        """Write what a reading tells of the past of some bindings, at once where that can be."""
        stored = as_stored(reading)
        kept = [
            one
            for one in self._store.notes.imports
            if one["binding_id"] not in bindings or "shift" in one
        ]
        begun = {one["binding_id"] for one in kept}
        new = [
            StoredImport(
                binding_id=binding_id, frames=stored["frames"], time=stored["time"]
            )
            for binding_id in bindings
            if binding_id not in begun
        ]
        self._store.notes.keep_imports([*kept, *new])
        self.watch.async_start()
        await self.watch.async_go_on()

    async def _async_go_on(self) -> bool:
        """Write what can be written by now; say whether something is left."""
        if has_recorder(self._hass):
            for stored in [*self._store.notes.imports]:
                for owner in self._owners.values():
                    if stored["binding_id"] in owner.described:
                        await self._async_import(owner, stored)
                        break
        return bool(self._store.notes.imports)

    async def _async_import(self, owner: Owner, stored: StoredImport) -> None:
        """Write one binding's past, or see whether what was written is complete."""
        if "shift" in stored:
            if await self._is_written(stored):
                self._drop(stored)
            return
        binding_id = stored["binding_id"]
        try:
            reading = stored_reading(stored)
        except LookupError, MBusError, TypeError, ValueError:
            reading = None
        if reading is None or not reading.is_of(owner.meter.identity):
            self._drop(stored)
            return
        plan = await async_plan(
            self._hass, self._store.notes, owner, binding_id, reading
        )
        if plan.waits:
            return
        if plan.recorded is None or not plan.past.totals:
            if plan.past.reason:
                LOGGER.warning(
                    "%s: the stored totals of %s are not taken into the history: %s",
                    owner.meter.title,
                    owner.meter.bindings[binding_id].name,
                    plan.past.reason.replace("_", " "),
                )
            self._drop(stored)
            return
        oldest, totals = plan.recorded.oldest, plan.past.totals
        first = totals[0].value
        written: StoredImport = {
            **stored,
            "start": oldest.start.isoformat(),
            "sum": oldest.sum,
            "shift": oldest.state - first - oldest.sum,
            "last": totals[-1].hour.isoformat(),
        }
        if not self._replace(stored, written):
            return  # It was asked for anew meanwhile, or its binding is gone.
        await self._store.async_write()
        if self._async_write(written, plan):
            await get_instance(self._hass).async_block_till_done()
            if await self._is_written(written):
                self._drop(written)

    @callback
    def _async_write(self, stored: StoredImport, plan: Plan) -> bool:
        """Queue both steps, between which the recorder counts nothing; False where that is no longer ours to do."""
        assert plan.recorded
        # Looked up last of all: one that was renamed keeps its statistics under its new name.
        entity_id = sensor_of(self._hass, stored["binding_id"])
        if entity_id is None or self._store.is_closed:
            return False
        metadata, totals = plan.recorded.metadata.copy(), plan.past.totals
        metadata["statistic_id"] = entity_id
        first = totals[0].value
        self._queued.add(stored["binding_id"])
        async_import_statistics(
            self._hass,
            metadata,
            [
                StatisticData(
                    start=one.hour,
                    state=one.value,
                    sum=one.value - first,
                )
                for one in totals
            ],
        )
        self._async_shift(stored, entity_id, metadata["unit_of_measurement"])
        return True

    @callback
    def _async_shift(
        self, stored: StoredImport, entity_id: str, unit: str | None
    ) -> None:
        get_instance(self._hass).async_adjust_statistics(
            entity_id,
            hour_of(datetime.fromisoformat(stored["start"])),
            stored["shift"],
            unit or "",
        )

    async def _is_written(self, stored: StoredImport) -> bool:
        """Return whether both steps are done; do the second one where the last run ended between them."""
        binding_id = stored["binding_id"]
        if (recorded := await self._async_recorded(binding_id)) is None:
            return True  # The sensor or its statistics were deleted.
        entity_id = recorded.metadata["statistic_id"]
        last = datetime.fromisoformat(stored["last"])
        start = datetime.fromisoformat(stored["start"])
        is_queued = binding_id in self._queued
        if await async_row_at(self._hass, entity_id, last) is None:
            if not is_queued:
                # Not even the first step was done: it begins anew.
                fresh = StoredImport(
                    binding_id=binding_id, frames=stored["frames"], time=stored["time"]
                )
                self._replace(stored, fresh)
            return False
        row = await async_row_at(self._hass, entity_id, start)
        if row is None:
            return True
        shifted = row.sum - stored["sum"]
        if abs(shifted - stored["shift"]) <= abs(shifted):
            return True
        if not is_queued:
            self._queued.add(binding_id)
            unit = recorded.metadata["unit_of_measurement"]
            self._async_shift(stored, entity_id, unit)
        return False

    async def _async_recorded(self, binding_id: str) -> Recorded | None:
        entity_id = sensor_of(self._hass, binding_id)
        return await async_recorded(self._hass, entity_id) if entity_id else None

    def _replace(self, stored: StoredImport, by: StoredImport) -> bool:
        """Note another one in the place of an import; say whether it was still there."""
        imports = self._store.notes.imports
        if not any(one is stored for one in imports):
            return False
        self._store.notes.keep_imports(
            [by if one is stored else one for one in imports]
        )
        return True

    def _drop(self, stored: StoredImport) -> None:
        left = [one for one in self._store.notes.imports if one is not stored]
        self._store.notes.keep_imports(left)
