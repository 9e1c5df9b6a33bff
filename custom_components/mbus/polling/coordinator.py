"""One coordinator per meter: reads it once per period, whatever number of bindings it has."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, override

from homeassistant.components.sensor import SensorStateClass
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers.dispatcher import async_dispatcher_send
from homeassistant.helpers.update_coordinator import DataUpdateCoordinator, UpdateFailed
from homeassistant.util import dt as dt_util

from ..const import (
    CONF_BINDINGS,
    CONF_GROUP_REQUESTS,
    CONF_PERIOD,
    DEFAULT_OPTIONS,
    DOMAIN,
    LOGGER,
    SIGNAL_CONNECTION_UPDATED,
)
from ..meters.binding import Binding, BindingState, Presentation, bound_to
from ..meters.meter import Meter
from ..meters.reading import MeterData, Reading, Result, extract
from ..meters.transformation import Outcome, run, script_context
from ..presentation.description import sensor_description
from ..presentation.native_value import native_value
from ..protocol import LinkError, MBusError, OtherMeterError
from .connection import STOPPED_BY_MEMORY_LIMIT, Connection, ConnectionStoppedError
from .issues import (
    CYCLE_TOO_LONG,
    MEMORY_LIMIT,
    report_connection,
    report_other_meter,
    report_records_changed,
    withdraw_other_meter,
)
from .store import MBusStore

type MBusConfigEntry = ConfigEntry[MBusRuntimeData]


@dataclass(kw_only=True)
class MBusRuntimeData:
    """What a loaded connection holds: the bus, what is kept of it, and its meters by subentry id."""

    connection: Connection
    store: MBusStore
    gateway_device_id: str
    memory_limit: int
    coordinators: dict[str, MeterCoordinator] = field(default_factory=dict)

    @property
    def poll_duration(self) -> float:
        """Return how long reading every meter once takes, in seconds."""
        return sum(
            self.connection.durations.get(meter_id, 0) for meter_id in self.coordinators
        )

    @property
    def bus_load(self) -> float:
        """Return the share of time that polling takes; above 1 a cycle is longer than the period."""
        return sum(
            self.connection.durations.get(meter_id, 0)
            / coordinator.period.total_seconds()
            for meter_id, coordinator in self.coordinators.items()
            if coordinator.period
        )

    @property
    def memory_in_use(self) -> int:
        """Return the bytes that readings and trace take."""
        return self.store.size + self.connection.trace.size

    @callback
    def async_stop(self, reason: str) -> None:
        """Ask nothing more, after the transaction on the wire."""
        self.connection.stopped = reason
        for coordinator in self.coordinators.values():
            coordinator.async_set_stopped()

    @callback
    def async_start(self) -> None:
        """Poll again, at once."""
        self.connection.stopped = None
        for coordinator in self.coordinators.values():
            coordinator.async_set_started()

    @callback
    def async_limit_memory(self) -> None:
        """Keep within the memory limit: the oldest trace goes first, then the connection stops."""
        trace = self.connection.trace
        while len(trace) and self.memory_in_use > self.memory_limit:
            trace.drop_oldest()
        if self.memory_in_use > self.memory_limit and self.connection.stopped is None:
            self.async_stop(STOPPED_BY_MEMORY_LIMIT)


_SOON = timedelta(seconds=1)
"""The shortest wait: for DataUpdateCoordinator, an interval of zero means never."""


class MeterCoordinator(DataUpdateCoordinator[MeterData | None]):
    """Reads one meter and works out the value of each of its bindings.

    `data` is None until the first reading. Entities of bindings listen with the binding's id as context: a meter none
    of whose bindings is enabled is not asked.
    """

    config_entry: MBusConfigEntry

    def __init__(
        self,
        hass: HomeAssistant,
        entry: MBusConfigEntry,
        meter: Meter,
        connection: Connection,
        store: MBusStore,
    ) -> None:
        """Take up where the last run left off: the kept reading counts until its period is over."""
        self.connection = connection
        self.meter = meter
        self._options = DEFAULT_OPTIONS | dict(entry.options)
        self._store = store
        self._urgent = False
        self._polled = False
        self._totals: dict[str, Any] = {}
        self._troubled: set[str] = set()
        super().__init__(
            hass,
            LOGGER,
            config_entry=entry,
            name=f"{entry.title} {meter.title}",
            update_interval=self.period,
            always_update=True,
        )
        self._resume()

    @property
    def period(self) -> timedelta | None:
        """Return how often the meter is read; None: only when asked to."""
        if self.meter.on_demand:
            return None
        return self.meter.period or timedelta(milliseconds=self._options[CONF_PERIOD])

    @property
    def state(self) -> BindingState:
        """Return what is wrong with the meter as a whole."""
        if self.last_update_success:
            return BindingState.OK
        match self.last_exception and self.last_exception.__cause__:
            case ConnectionStoppedError():
                return BindingState.SHUTDOWN
            case LinkError():
                return BindingState.NO_CONNECTION
            case OtherMeterError():
                return BindingState.ANOTHER_METER
        return BindingState.UNAVAILABLE_ADDRESS

    @property
    def failure(self) -> str:
        """Return what the last failed reading failed with."""
        if self.last_exception is None:
            return ""
        return str(self.last_exception.__cause__ or self.last_exception)

    @property
    def errors(self) -> Mapping[str, str]:
        """Return the error of each binding that has one, by name."""
        bindings = self.meter.bindings.values()
        if not self.last_update_success:
            return {binding.name: self.failure for binding in bindings}
        results = self.data.results if self.data else {}
        return {
            binding.name: result.reason or result.state
            for binding in bindings
            if (result := results.get(binding.id))
            and result.state is not BindingState.OK
        }

    @callback
    @override
    def async_add_listener(
        self, update_callback: CALLBACK_TYPE, context: Any = None
    ) -> Callable[[], None]:
        """Listen; the first reading waits until all bindings do, so that it has all telegrams they need."""
        remove = super().async_add_listener(update_callback, context)
        if context is not None and not self._polled:
            self.update_interval = self._first_interval
            self._schedule_refresh()
        return remove

    @callback
    def async_set_meter(self, meter: Meter) -> None:
        """Go on with changed bindings or settings, on the reading there is; a meter that fails goes on failing."""
        period = self.period
        self.meter = meter
        if self._polled and self.period != period:
            self._async_unsub_refresh()
            self.update_interval = self.period
            self._schedule_refresh()
        if not self.data:
            self.async_update_listeners()
            return
        self.data = self._evaluate(self.data.reading)
        self._keep_memory(self.data)
        self.async_update_listeners()
        if any(
            result.state is BindingState.NO_TELEGRAM
            for result in self.data.results.values()
        ):
            self.async_poll_soon()

    async def async_read_now(self) -> None:
        """Read all telegrams of the meter before any timer's turn; what went wrong is in `last_exception`."""
        self._urgent = True
        try:
            await self.async_refresh()
        finally:
            self._urgent = False

    @callback
    def async_poll_soon(self) -> None:
        """Read the meter as soon as the bus is free."""
        if self.period:
            self.update_interval = _SOON
            self._schedule_refresh()

    @callback
    def async_set_started(self) -> None:
        """Read the meter as soon as the bus is free; one that waits to be asked shows its last reading again."""
        self.async_poll_soon()
        if self.period is None and self.state is BindingState.SHUTDOWN:
            self.last_exception = None
            self.last_update_success = True
            self.async_update_listeners()

    @callback
    def async_set_stopped(self) -> None:
        """Show that the connection is stopped; that is no failure to log."""
        self.last_exception = self._failed(
            ConnectionStoppedError(self.connection.stopped)
        )
        self.last_update_success = False
        self.async_update_listeners()

    @callback
    def _resume(self) -> None:
        now = dt_util.utcnow()
        due = self._store.due(self.meter.id)
        reading = self._store.reading(self.meter.id)
        kept = self._evaluate(reading) if reading else None
        self._totals = self._totals_of(kept) if kept else {}
        if kept and (self.period is None or now < kept.reading.time + self.period):
            self.data = kept
            self._keep_memory(self.data)
        if due and self.period:
            # The first refresh is scheduled when the first entity listens; each refresh then sets the full period.
            self.update_interval = min(max(due - now, _SOON), self.period)
        elif self.period or not reading:
            self.update_interval = _SOON
        self._first_interval = self.update_interval

    @override
    async def _async_update_data(self) -> MeterData | None:
        """Read the meter, publish what is whole, keep it for the next run."""
        self.update_interval = self.period
        enabled = set(self.async_contexts()) & self.meter.bindings.keys()
        if not enabled and not self._urgent:
            return self.data
        self._polled = True
        if self.period:
            self._store.keep_due(self.meter.id, dt_util.utcnow() + self.period)
        last_telegram = (
            None
            if self._urgent or self._options[CONF_GROUP_REQUESTS]
            else max(self.meter.bindings[binding_id].telegram for binding_id in enabled)
        )
        # A silent meter costs its attempts once; until it answers again it gets one attempt per period.
        attempts = None if self.last_update_success or self._urgent else 1
        try:
            data = await self._async_read(last_telegram, attempts)
            totals = self._totals_of(data)
            if fell := _fallen(totals, self._totals):
                # Either the meter was set back or a reply was wrong: two readings that agree tell.
                data = await self._async_read(last_telegram, attempts)
                first, totals = totals, self._totals_of(data)
                if _fallen(totals, self._totals) != fell or _fallen(totals, first):
                    raise UpdateFailed(
                        translation_domain=DOMAIN, translation_key="total_fell"
                    )
        except MBusError as err:
            if isinstance(err, OtherMeterError):
                report_other_meter(
                    self.hass, self.config_entry.entry_id, self.meter, err
                )
            raise self._failed(err) from err
        finally:
            async_dispatcher_send(
                self.hass, SIGNAL_CONNECTION_UPDATED.format(self.config_entry.entry_id)
            )
        self._totals |= totals
        self._store.keep_reading(self.meter.id, data.reading)
        self._keep_memory(data)
        withdraw_other_meter(self.hass, self.meter.id)
        self._report_errors(data)
        self._adopt_signatures(data.reading)
        self._check_limits()
        if self.connection.stopped:
            raise self._failed(ConnectionStoppedError(self.connection.stopped))
        return data

    @callback
    def _check_limits(self) -> None:
        """Say so when the readings don't fit into the period or into memory."""
        runtime = self.config_entry.runtime_data
        runtime.async_limit_memory()
        report_connection(
            self.hass,
            MEMORY_LIMIT,
            self.config_entry,
            {"used": str(runtime.store.size), "limit": str(runtime.memory_limit)}
            if runtime.connection.stopped == STOPPED_BY_MEMORY_LIMIT
            else None,
        )
        load = runtime.bus_load
        report_connection(
            self.hass,
            CYCLE_TOO_LONG,
            self.config_entry,
            {"duration": f"{runtime.poll_duration:.1f}", "load": f"{load * 100:.0f}"}
            if load > 1
            else None,
        )

    @callback
    def _adopt_signatures(self, reading: Reading) -> None:
        """Hold bindings that were made by number alone to what their record means now."""
        adopted = {
            binding.id: bound_to(reading.telegrams, binding.telegram, binding.index)
            for binding in self.meter.bindings.values()
            if binding.signature is None
            and binding.telegram < len(reading.telegrams)
            and binding.index < len(reading.telegrams[binding.telegram].records)
        }
        if adopted and not reading.error:
            subentry = self.config_entry.subentries[self.meter.id]
            bindings = [
                item | adopted.get(item["id"], {})
                for item in subentry.data[CONF_BINDINGS]
            ]
            self.hass.config_entries.async_update_subentry(
                self.config_entry,
                subentry,
                data={**subentry.data, CONF_BINDINGS: bindings},
            )

    async def _async_read(
        self, last_telegram: int | None, attempts: int | None
    ) -> MeterData:
        readout = await self.connection.read(
            self.meter,
            last_telegram=last_telegram,
            attempts=attempts,
            urgent=lambda: self._urgent,
        )
        return self._evaluate(
            Reading(
                telegrams=readout.telegrams,
                time=dt_util.utcnow(),
                error=str(readout.error) if readout.error else None,
            )
        )

    def _failed(self, err: MBusError) -> UpdateFailed:
        failure = UpdateFailed(
            translation_domain=DOMAIN,
            translation_key="read_failed",
            translation_placeholders={"meter": self.meter.title, "error": str(err)},
        )
        failure.__cause__ = err
        return failure

    @callback
    def _evaluate(self, reading: Reading) -> MeterData:
        results, memory = dict[str, Result](), dict[str, Any]()
        for binding in self.meter.bindings.values():
            results[binding.id], outcome = self.evaluate(binding, reading)
            memory[binding.id] = outcome.memory
        return MeterData(reading=reading, results=results, memory=memory)

    @callback
    def evaluate(self, binding: Binding, reading: Reading) -> tuple[Result, Outcome]:
        """Return what a binding makes of a reading, and what each step of its chain does; nothing is kept."""
        result = extract(binding, reading.telegrams)
        if result.state is BindingState.NO_TELEGRAM and reading.error:
            result = replace(result, reason=f"{result.reason}: {reading.error}")
        outcome = run(
            binding.transformations,
            result.raw,
            reading.time,
            self._store.memory(binding.id),
            period=self.period,
            context=script_context(binding, self.meter),
            hass=self.hass,
        )
        if binding.transformations:
            result = _transformed(binding, result, outcome)
        return result, outcome

    @callback
    def _keep_memory(self, data: MeterData) -> None:
        """Keep what the steps remember of a reading that is published."""
        for binding_id in self.meter.bindings:
            memory = data.memory.get(binding_id) or None
            if memory != self._store.memory(binding_id):
                self._store.keep_memory(binding_id, memory)

    def _totals_of(self, data: MeterData) -> dict[str, Any]:
        """Return the valid totals that don't go back, by binding."""
        return {
            binding.id: raw
            for binding in self.meter.bindings.values()
            if (raw := data.results[binding.id].raw) is not None
            and self._counts_up(binding)
        }

    def _counts_up(self, binding: Binding) -> bool:
        """Return whether the record is a total that doesn't go back, whatever its chain makes of it."""
        if binding.transformations:
            binding = replace(binding, transformations=(), presentation=Presentation())
        description = sensor_description(binding, self.meter.medium)
        return description.state_class is SensorStateClass.TOTAL_INCREASING

    @callback
    def _report_errors(self, data: MeterData) -> None:
        """Log a binding's error once, and once that it is over; ask about records that changed."""
        bindings = self.meter.bindings.values()
        for binding in bindings:
            result = data.results[binding.id]
            if result.state is BindingState.OK:
                if binding.id in self._troubled:
                    self._troubled.discard(binding.id)
                    LOGGER.info("%s: %s has a value again", self.name, binding.name)
            elif binding.id not in self._troubled:
                self._troubled.add(binding.id)
                LOGGER.warning(
                    "%s: %s has no value: %s", self.name, binding.name, result.reason
                )
        report_records_changed(
            self.hass,
            self.config_entry.entry_id,
            self.meter,
            [
                binding.name
                for binding in bindings
                if data.results[binding.id].state is BindingState.RECORD_CHANGED
            ],
        )


def _fallen(totals: Mapping[str, Any], before: Mapping[str, Any]) -> set[str]:
    """Return the bindings whose total is lower than it was."""
    return {
        key for key, total in totals.items() if key in before and total < before[key]
    }


def _transformed(binding: Binding, result: Result, outcome: Outcome) -> Result:
    """Return a result with what the chain made of it; of a record that is not there, nothing is made."""
    if not result.found:
        return result
    reason = outcome.error
    if reason is None and outcome.value is not None:
        if native_value(binding, outcome.value) is None:
            reason = f"{outcome.value!r} is not what the sensor can show"
        else:
            result = replace(result, state=BindingState.OK, reason=None)
    if reason is not None:
        result = replace(
            result, state=BindingState.TRANSFORMATION_FAILED, reason=reason
        )
    return replace(result, value=outcome.value)
