"""What all steps of a meter's flow share: the running connection, the meter, and a reading of it."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from homeassistant.config_entries import (
    SOURCE_RECONFIGURE,
    ConfigEntryState,
    SubentryFlowResult,
)
from homeassistant.const import CONF_ADDRESS
from homeassistant.data_entry_flow import AbortFlow

from ..meters.meter import Meter, configured_as, meter_unique_id, readable
from ..meters.reading import MeterData, Reading
from ..polling.coordinator import MBusRuntimeData, MeterCoordinator
from ..presentation.reasons import reason_text
from ..presentation.texts import async_get_texts
from ..profiles.catalogue import async_get_catalogue
from ..protocol import Address, MBusError, Readout, parse_address, read_new
from .family_reading import async_read_as_family
from .flow_errors import FieldErrors
from .progress import async_progress_done
from .subentry_flow import MBusSubentryFlow


class ReadingSteps(MBusSubentryFlow):
    """Reads a meter behind a progress screen, for a silent one takes all its attempts.

    What a configured meter says is published, and what is known of it then is `_data`. Of whoever answers at another
    address there is `_readout` or `_error` for the step that comes next. A connection or a meter that goes while the
    dialog is open ends it, at the next step that needs it.
    """

    _data: MeterData = MeterData()
    _readout: Readout | None = None
    _error: MBusError | None = None
    _reading: asyncio.Task[None] | None = None
    _asked: Meter
    _next_steps: tuple[str, str]

    @property
    def _runtime(self) -> MBusRuntimeData:
        self._require_loaded()
        return self._entry.runtime_data

    def _require_loaded(self) -> None:
        """End the flow where the connection isn't running, or the meter was deleted or is left out."""
        entry = self._entry
        if entry.state is not ConfigEntryState.LOADED:
            raise AbortFlow("not_loaded", {"connection": entry.title})
        if self.source == SOURCE_RECONFIGURE and not [*readable([self._subentry])]:
            raise AbortFlow("meter_unreadable")

    @property
    def _meter(self) -> Meter:
        return Meter.from_subentry(self._subentry)

    @property
    def _coordinator(self) -> MeterCoordinator:
        return self._runtime.coordinators[self._reconfigure_subentry_id]

    @property
    def _last_reading(self) -> Reading | None:
        return self._coordinator.data.reading

    def _known_as(self) -> str | None:
        """Return what the meter just read is called where it is configured on its own."""
        assert self._readout
        found = self._readout.telegrams[0].identity if self._readout.telegrams else None
        if found is None:
            return None
        own_id = self.context.get("subentry_id")
        return configured_as(self._entry.subentries, found, own_id)

    def _store(self, updates: Mapping[str, Any]) -> SubentryFlowResult:
        """End the flow with something changed in the meter's data."""
        return self.async_update_and_abort(
            self._entry, self._subentry, data_updates=updates
        )

    def _check_address(self, text: str) -> tuple[Address | None, FieldErrors]:
        """Return the address that was typed, or the error to show."""
        try:
            address = parse_address(text)
        except ValueError:
            digits = text.strip().removeprefix("-")
            out_of_range = digits.isdecimal() and len(digits) < 8
            return None, {
                CONF_ADDRESS: "address_out_of_range"
                if out_of_range
                else "invalid_address"
            }
        subentries = self._entry.subentries
        others = subentries.keys() - {self.context.get("subentry_id")}
        if meter_unique_id(address) in {
            subentries[other].unique_id for other in others
        }:
            return None, {CONF_ADDRESS: "already_configured"}
        return address, {}

    async def _async_read(
        self, meter: Meter, *, done: str, failed: str
    ) -> SubentryFlowResult:
        """Read a meter, then go to one of two steps."""
        self._asked = meter
        self._next_steps = done, failed
        return await self.async_step_reading()

    async def async_step_reading(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Show that the meter is being read."""
        if self._reading is None:
            name = f"M-Bus reading of {self._asked.address} for a dialog"
            self._reading = self.hass.async_create_background_task(
                self._async_ask(self._runtime), name
            )
        elif self._reading.done():
            self._reading = None
            return async_progress_done(self, self._step_after_reading())
        return self.async_show_progress(
            step_id="reading",
            progress_action="reading",
            progress_task=self._reading,
            description_placeholders={"address": str(self._asked.address)},
        )

    async def _async_ask(self, runtime: MBusRuntimeData) -> None:
        """Read all of the meter, before the timers."""
        self._readout = self._error = None
        meter = self._asked
        coordinator = runtime.coordinators.get(meter.id)
        if coordinator and coordinator.meter.address == meter.address:
            self._data = await coordinator.async_read()
            return
        catalogue = await async_get_catalogue(self.hass)
        try:
            # Not counted among the polls, whose figures the connection shows.
            async with runtime.connection.turn(urgent=True) as bus:
                if coordinator:
                    self._readout = await bus.read(meter.address, quirks=meter.quirks)
                else:
                    self._readout, quirks = await async_read_as_family(
                        bus,
                        meter.address,
                        *await read_new(bus, meter.address),
                        catalogue,
                    )
                    self._asked = replace(meter, quirks=quirks)
        except MBusError as err:
            self._error = err

    async def _async_error_text(self) -> str:
        texts = await async_get_texts(self.hass)
        return reason_text(self._error, texts) if self._error else ""

    def _step_after_reading(self) -> str:
        # A progress step can't end the flow itself.
        try:
            self._require_loaded()
        except AbortFlow:
            return "interrupted"
        done, failed = self._next_steps
        return failed if self._error else done

    async def async_step_interrupted(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """End the flow: connection or meter went while the meter was read; read it again if it is back by now."""
        self._require_loaded()
        return await self.async_step_reading()
