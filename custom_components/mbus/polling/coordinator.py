"""One coordinator per meter: publishes what the schedule brings, whatever number of bindings the meter has."""

from collections.abc import Awaitable, Callable, Mapping
from copy import copy
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import override

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.update_coordinator import DataUpdateCoordinator
from homeassistant.util import dt as dt_util

from ..const import CONF_GROUP_REQUESTS, CONF_PERIOD, DOMAIN, LOGGER
from ..meters.binding import Binding, BindingState
from ..meters.evaluation import Evaluation, lacks_telegram
from ..meters.learning import forgotten_of, learnt_from
from ..meters.memory import memory_of_another_meter, memory_of_edited_meter
from ..meters.meter import Meter
from ..meters.reading import Memory, MeterData, Reading
from ..meters.reason import Reason
from ..presentation.described import Described, describe, evaluate_described
from ..presentation.reasons import fault_text
from ..presentation.texts import cached_texts
from ..profiles.catalogue import cached_catalogue
from ..protocol import Bus, MBusError, OtherMeterError, Readout
from .connection import Connection, ConnectionStoppedError, all_options
from .fault import fault_of
from .history import History
from .issues import report_other_meter, report_records_changed, withdraw_other_meter
from .meter_log import MeterLog
from .profile_offer import ProfileOffer
from .schedule import ALL_TELEGRAMS, Schedule
from .seams import Seams
from .store import MBusStore

type MBusConfigEntry = ConfigEntry[MBusRuntimeData]


@dataclass(kw_only=True)
class MBusRuntimeData:
    """What a loaded connection holds: the bus, who is read when, what is kept, and its meters by subentry id."""

    connection: Connection
    schedule: Schedule
    store: MBusStore
    seams: Seams
    history: History
    gateway_device_id: str
    coordinators: dict[str, MeterCoordinator]

    @property
    def memory_in_use(self) -> int:
        """Return the bytes that readings and trace take."""
        return self.store.size + self.connection.trace.size

    @callback
    def async_stop(self, reason: Reason) -> None:
        """Ask nothing more, after the transaction on the wire."""
        self._set_stopped(reason)

    @callback
    def async_start(self) -> None:
        """Poll again, and at once what is overdue."""
        self._set_stopped(None)

    def _set_stopped(self, reason: Reason | None) -> None:
        self.connection.async_set_stopped(reason)
        for coordinator in self.coordinators.values():
            coordinator.async_show_stopped()
        self.schedule.async_plan()


class MeterCoordinator(DataUpdateCoordinator[MeterData]):
    """Works out the value of each binding of one meter from what is read of it.

    A failure is data, too: `data.state` says what is wrong. Entities of bindings listen with the binding's id as
    context: a meter none of whose bindings is enabled is not read by itself.
    """

    config_entry: MBusConfigEntry

    def __init__(
        self,
        hass: HomeAssistant,
        entry: MBusConfigEntry,
        meter: Meter,
    ) -> None:
        """Take up where the last run left off: the kept reading counts until its period is over."""
        super().__init__(
            hass, LOGGER, config_entry=entry, name="", update_interval=None
        )
        self._options = all_options(entry.options)
        self.connection = entry.runtime_data.connection
        self.schedule = entry.runtime_data.schedule
        self._store = entry.runtime_data.store
        self._log = MeterLog(hass)
        self._offer = ProfileOffer(hass, entry)
        self.described: dict[str, Described] = {}
        self._describe(meter)
        self.data = replace(self._kept(), stopped=self.connection.stopped)

    def _describe(self, meter: Meter) -> None:
        """Work out how the meter's bindings are shown, once for as long as they stay as they are."""
        self.name = f"{self.config_entry.title} {meter.title}"
        self.described = describe(meter, self.described)
        bindings = {key: one.binding for key, one in self.described.items()}
        self.meter = replace(meter, bindings=bindings)

    def _kept(self) -> MeterData:
        """Return what the last run left of this meter, not of one that was at its address before."""
        reading = self._store.reading(self.meter.id, self.period)
        before = {
            binding_id: self._store.memory(binding_id)
            for binding_id in self.meter.bindings
        }
        if reading is None:
            return MeterData(memory=before)
        if not reading.is_of(self.meter.identity):
            return MeterData(memory=memory_of_another_meter(before))
        evaluation = self._evaluate(reading, before)
        return MeterData(
            reading=reading,
            is_present=reading.counts_at(dt_util.utcnow(), self.period),
            results=evaluation.results,
            memory=evaluation.memory,
        )

    @property
    def period(self) -> timedelta | None:
        """Return how often the meter is read; None: only when asked to."""
        if self.meter.on_demand:
            return None
        usual = timedelta(milliseconds=self._options[CONF_PERIOD])
        return self.meter.period or max(usual, self.meter.shortest_period)

    @property
    def enabled_bindings(self) -> list[Binding]:
        """Return the bindings that have an enabled entity: of the others nothing is wanted, and nothing is wrong."""
        enabled = set(self.async_contexts())
        return [
            binding for binding in self.meter.bindings.values() if binding.id in enabled
        ]

    @property
    def last_wanted_telegram(self) -> int | None:
        """Return the last telegram in which a record of an enabled binding is; None where nothing is enabled."""
        if not (enabled := self.enabled_bindings):
            return None
        if self._options[CONF_GROUP_REQUESTS]:
            return ALL_TELEGRAMS
        return max(binding.telegram for binding in enabled)

    async def async_read(self) -> MeterData:
        """Read all telegrams of the meter before any timer's turn; the data's state says whether that worked."""
        await self.schedule.async_read(self.meter.id)
        return self.data

    async def async_tell(self, command: Callable[[Bus], Awaitable[Readout]]) -> None:
        """Have the meter told something before any timer's turn, and publish what is read then.

        Raises what the command raises, and ConnectionStoppedError.
        """
        await self.schedule.async_tell(self.meter.id, command)

    async def async_read_now(self) -> Reading:
        """Read all telegrams of the meter at once. Raises HomeAssistantError when it can't be read."""
        data = await self.async_read()
        if self.meter.id not in self.config_entry.subentries:
            raise HomeAssistantError(
                translation_domain=DOMAIN,
                translation_key="meter_deleted",
                translation_placeholders={"meter": self.meter.title},
            )
        if data.state is not BindingState.OK or data.reading is None:
            raise HomeAssistantError(
                translation_domain=DOMAIN,
                translation_key="read_failed",
                translation_placeholders={
                    "meter": self.meter.title,
                    "error": fault_text(data, cached_texts(self.hass)),
                },
            )
        return data.reading

    @override
    async def _async_update_data(self) -> MeterData:
        return await self.async_read()

    @callback
    def async_set_meter(self, meter: Meter) -> None:
        """Go on with changed bindings or settings, on the reading there is; a meter that fails goes on failing."""
        period, old, reading = self.period, self.meter, self.data.reading
        self._describe(meter)
        if meter.identity != old.identity and not (
            reading and reading.is_of(meter.identity)
        ):
            self._start_anew(old)
            return
        if reading:
            before = memory_of_edited_meter(
                old, meter, self._store.memory, self.data.memory
            )
            self._store.keep_memory(before)
            evaluation = self._evaluate(reading, before)
            self._show(
                replace(self.data, results=evaluation.results, memory=evaluation.memory)
            )
            seams = self.config_entry.runtime_data.seams
            seams.async_note_shown(self.described, evaluation.results)
            self.async_report_errors()
        else:
            self.async_update_listeners()
        enabled = {binding.id for binding in self.enabled_bindings}
        if meter.address != old.address or (
            self.period and lacks_telegram(self.data.results, old, meter, enabled)
        ):
            self.schedule.async_set_due(meter.id, dt_util.utcnow())
        elif self.period != period:
            read_at = reading.time if reading else dt_util.utcnow()
            self.schedule.async_set_due(
                meter.id, read_at + self.period if self.period else None
            )

    @callback
    def _start_anew(self, old: Meter) -> None:
        """Show nothing of the meter that was here before, and read the one that is here now."""
        memory = memory_of_another_meter(self.data.memory)
        self._store.forget_meter(self.meter.id)
        self._store.notes.note_exchange(self.meter.id)
        self._store.keep_memory(
            {
                binding_id: memory.get(binding_id, {})
                for binding_id in self.meter.bindings
            }
        )
        self._show(MeterData(memory=memory))
        self.schedule.async_set_due(self.meter.id, dt_util.utcnow())
        self._store.async_write_soon()
        if forgotten := forgotten_of(old, self.meter):
            subentry = self.config_entry.subentries[self.meter.id]
            self.hass.config_entries.async_update_subentry(
                self.config_entry, subentry, data={**subentry.data, **forgotten}
            )

    @callback
    def async_show_stopped(self) -> None:
        """Show that the connection is stopped or, when it is no more, again what the meter was like before."""
        data, now = self.data, dt_util.utcnow()
        if self.connection.stopped == data.stopped:
            return
        is_present = bool(
            data.is_present
            and data.reading
            and data.reading.counts_at(now, self.period)
        )
        self._show(replace(data, is_present=is_present))

    def _show(self, data: MeterData) -> None:
        """Publish how the meter is; whether it is asked at all, only the connection knows."""
        self.async_set_updated_data(replace(data, stopped=self.connection.stopped))

    @callback
    def async_fail(self, error: MBusError) -> None:
        """Publish that the meter can't be read."""
        if isinstance(error, ConnectionStoppedError):
            return  # That is shown already.
        state = fault_of(error)
        if isinstance(error, OtherMeterError):
            if error.expected not in (None, self.meter.identity):
                self.schedule.async_set_due(self.meter.id, dt_util.utcnow())
                return  # It was adopted meanwhile.
            report_other_meter(self.hass, self.config_entry, self.meter, error)
        if state is not BindingState.NO_CONNECTION:
            self._log.note_failure(self.name, error)
        # Without where it was raised, which would keep alive what was at hand there.
        self._show(replace(self.data, fault=state, fault_reason=copy(error)))

    @callback
    def async_take(self, readout: Readout) -> bool:
        """Publish a readout and keep it for the next run; say whether one more is wanted at once."""
        self._log.note_answer(self.name)
        reading = Reading(
            telegrams=readout.telegrams,
            time=dt_util.utcnow(),
            error=copy(readout.error),
            period=self.period,
            alarm=readout.alarm,
        )
        if not reading.is_of(self.meter.identity):
            # It was asked for before the meter was exchanged for another one.
            return True
        before = {
            binding_id: self.data.memory.get(binding_id, {})
            for binding_id in self.meter.bindings
        }
        evaluation = self._evaluate(reading, before)
        self._store.keep_reading(self.meter.id, reading, before)
        withdraw_other_meter(self.hass, self.meter.id)
        self._show(
            MeterData(
                reading=reading,
                is_present=True,
                results=evaluation.results,
                memory=evaluation.memory,
            )
        )
        self.config_entry.runtime_data.seams.async_note_shown(
            self.described, evaluation.results
        )
        self.async_report_errors()
        if readout.complete:
            self._offer.async_look(self.meter, readout.telegrams)
        subentry = self.config_entry.subentries[self.meter.id]
        catalogue = cached_catalogue(self.hass)
        quirks = self.meter.quirks.learnt_from(readout)
        if updates := learnt_from(
            reading,
            quirks,
            self.meter,
            subentry.data,
            catalogue,
            is_whole=readout.complete,
        ):
            self.hass.config_entries.async_update_subentry(
                self.config_entry, subentry, data={**subentry.data, **updates}
            )
        return any(
            result.state is BindingState.TOTAL_FELL
            for result in evaluation.results.values()
        )

    def _evaluate(self, reading: Reading, before: Mapping[str, Memory]) -> Evaluation:
        return evaluate_described(
            self.described, reading, self.meter, before, hass=self.hass
        )

    @callback
    def async_report_errors(self) -> None:
        """Log what bindings have no value, and ask about records that are not where they were."""
        if not self.data.is_present:
            return
        bindings = self.enabled_bindings
        self._log.note_results(self.name, bindings, self.data.results)
        report_records_changed(
            self.hass,
            self.config_entry.entry_id,
            self.meter,
            [
                binding.name
                for binding in bindings
                if self.data.results[binding.id].is_missing
            ],
        )
