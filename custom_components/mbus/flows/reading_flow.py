"""What all steps of a meter's flow share: the running connection, the meter, and a reading of it."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, override

from homeassistant.config_entries import (
    SOURCE_RECONFIGURE,
    ConfigEntry,
    ConfigEntryState,
    ConfigSubentry,
    ConfigSubentryFlow,
    SubentryFlowResult,
    UnknownEntry,
    UnknownSubEntry,
)
from homeassistant.const import CONF_ADDRESS
from homeassistant.core import callback
from homeassistant.data_entry_flow import AbortFlow

from ..meters.meter import Meter, configured_as, meter_unique_id
from ..meters.reading import Reading
from ..polling.connection import Connection
from ..polling.coordinator import MBusConfigEntry, MBusRuntimeData, MeterCoordinator
from ..presentation.reasons import reason_text
from ..presentation.texts import async_get_texts
from ..protocol import Address, MBusError, Readout, parse_address, read_new
from .flow_errors import FieldErrors
from .progress import async_progress_done


class ReadingSteps(ConfigSubentryFlow):
    """Reads a meter behind a progress screen, for a silent one takes all its attempts.

    Afterwards `_readout` or `_error` is there for the step that comes next. A connection or a meter that goes while the
    dialog is open ends it, at the next step that needs it.
    """

    _readout: Readout | None = None
    _error: MBusError | None = None
    _reading: asyncio.Task[None] | None = None
    _asked: Meter
    _next_steps: tuple[str, str]

    @callback
    @override
    def _get_entry(self) -> ConfigEntry:
        try:
            return super()._get_entry()
        except UnknownEntry as err:
            raise AbortFlow("connection_deleted") from err

    @callback
    @override
    def _get_reconfigure_subentry(self) -> ConfigSubentry:
        self._get_entry()
        try:
            return super()._get_reconfigure_subentry()
        except UnknownSubEntry as err:
            raise AbortFlow("meter_deleted") from err

    @property
    def _runtime(self) -> MBusRuntimeData:
        self._require_loaded()
        entry: MBusConfigEntry = self._get_entry()
        return entry.runtime_data

    def _require_loaded(self) -> None:
        """End the flow where the connection isn't running or the meter was deleted."""
        entry = self._get_entry()
        if entry.state is not ConfigEntryState.LOADED:
            raise AbortFlow("not_loaded", {"connection": entry.title})
        if self.source == SOURCE_RECONFIGURE:
            self._get_reconfigure_subentry()

    @property
    def _meter(self) -> Meter:
        return Meter.from_subentry(self._get_reconfigure_subentry())

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
        return configured_as(self._get_entry().subentries, found, own_id)

    def _store(self, updates: Mapping[str, Any]) -> SubentryFlowResult:
        """End the flow with something changed in the meter's data."""
        return self.async_update_and_abort(
            self._get_entry(), self._get_reconfigure_subentry(), data_updates=updates
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
        subentries = self._get_entry().subentries
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
                self._async_ask(self._runtime.connection), name
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

    async def _async_ask(self, connection: Connection) -> None:
        """Read all of the meter, before the timers."""
        self._readout = self._error = None
        meter = self._asked
        try:
            # Not counted among the polls, whose figures the connection shows.
            async with connection.turn(urgent=True) as bus:
                if meter.id:
                    self._readout = await bus.read(
                        meter.address, identity=meter.identity, quirks=meter.quirks
                    )
                else:
                    self._readout, quirks = await read_new(bus, meter.address)
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
