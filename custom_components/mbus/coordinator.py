"""One coordinator per meter: reads it once per period, whatever number of bindings it has."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, override

from homeassistant.components.sensor import SensorStateClass
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.update_coordinator import DataUpdateCoordinator, UpdateFailed
from homeassistant.util import dt as dt_util

from .binding import BindingState
from .connection import Connection
from .const import CONF_GROUP_REQUESTS, CONF_PERIOD, DEFAULT_OPTIONS, DOMAIN, LOGGER
from .description import sensor_description
from .issues import report_other_meter, report_records_changed, withdraw_other_meter
from .meter import Meter
from .protocol import LinkError, MBusError, OtherMeterError, Readout
from .reading import MeterData, Reading, extract
from .store import MBusStore

type MBusConfigEntry = ConfigEntry[MBusRuntimeData]


@dataclass(kw_only=True)
class MBusRuntimeData:
    """What a loaded connection holds: the bus, what is kept of it, and its meters by subentry id."""

    connection: Connection
    store: MBusStore
    gateway_device_id: str
    coordinators: dict[str, MeterCoordinator] = field(default_factory=dict)


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
            case LinkError():
                return BindingState.NO_CONNECTION
            case OtherMeterError():
                return BindingState.ANOTHER_METER
        return BindingState.UNAVAILABLE_ADDRESS

    @property
    def errors(self) -> Mapping[str, str]:
        """Return the error of each binding that has one, by name."""
        bindings = self.meter.bindings.values()
        if not self.last_update_success:
            return {binding.name: str(self.last_exception) for binding in bindings}
        results = self.data.results if self.data else {}
        return {
            binding.name: result.reason or result.state
            for binding in bindings
            if (result := results.get(binding.id))
            and result.state is not BindingState.OK
        }

    @callback
    def async_set_meter(self, meter: Meter) -> None:
        """Go on with changed bindings or settings, on the reading there is."""
        self.meter = meter
        self.update_interval = self.period
        if self.data:
            self.async_set_updated_data(self._evaluate(self.data.reading))

    async def async_read_now(self) -> None:
        """Read the meter before any timer's turn. Errors are seen in `last_exception`."""
        self._urgent = True
        try:
            await self.async_refresh()
        finally:
            self._urgent = False

    @callback
    def _resume(self) -> None:
        now = dt_util.utcnow()
        due = self._store.due(self.meter.id)
        reading = self._store.reading(self.meter.id)
        if reading and (self.period is None or (due and now < due)):
            self.data = self._evaluate(reading)
        if due and self.period:
            # The first refresh is scheduled when the first entity listens; each refresh then sets the full period.
            self.update_interval = min(max(due - now, timedelta(0)), self.period)
        elif self.period or not reading:
            self.update_interval = timedelta(0)

    @override
    async def _async_update_data(self) -> MeterData | None:
        """Read the meter, publish what is whole, keep it for the next run."""
        self.update_interval = self.period
        enabled = set(self.async_contexts()) & self.meter.bindings.keys()
        if not enabled and not self._urgent:
            return self.data
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
            if self._fell(data):
                # Either the meter was set back or a reply was wrong: two readings that agree tell.
                again = await self._async_read(last_telegram, attempts)
                if any(
                    again.results[key].value != data.results[key].value
                    for key in self._fell(data)
                ):
                    raise UpdateFailed(
                        translation_domain=DOMAIN, translation_key="total_fell"
                    )
                data = again
        except MBusError as err:
            if isinstance(err, OtherMeterError):
                report_other_meter(
                    self.hass, self.config_entry.entry_id, self.meter, err
                )
            raise UpdateFailed(
                translation_domain=DOMAIN,
                translation_key="read_failed",
                translation_placeholders={"meter": self.meter.title, "error": str(err)},
            ) from err
        self._store.keep_reading(self.meter.id, data.reading)
        withdraw_other_meter(self.hass, self.meter.id)
        self._report_errors(data)
        return data

    async def _async_read(
        self, last_telegram: int | None, attempts: int | None
    ) -> MeterData:
        readout: Readout = await self.connection.read(
            self.meter,
            last_telegram=last_telegram,
            attempts=attempts,
            urgent=self._urgent,
        )
        return self._evaluate(
            Reading(
                telegrams=readout.telegrams,
                time=dt_util.utcnow(),
                error=str(readout.error) if readout.error else None,
            )
        )

    @callback
    def _evaluate(self, reading: Reading) -> MeterData:
        results = {}
        for binding in self.meter.bindings.values():
            result = extract(binding, reading.telegrams)
            if result.state is BindingState.NO_TELEGRAM and reading.error:
                result = replace(result, reason=f"{result.reason}: {reading.error}")
            results[binding.id] = result
        return MeterData(reading=reading, results=results)

    def _fell(self, data: MeterData) -> list[str]:
        """Return the bindings of totals that are lower than the last time."""
        if not self.data:
            return []
        return [
            binding.id
            for binding in self.meter.bindings.values()
            if (last := self.data.results.get(binding.id))
            and last.value is not None
            and (value := data.results[binding.id].value) is not None
            and sensor_description(binding, self.meter.medium).state_class
            is SensorStateClass.TOTAL_INCREASING
            and value < last.value
        ]

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
