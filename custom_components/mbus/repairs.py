"""Repairs: another meter answers at an address, or a meter's records have changed."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from homeassistant.components.repairs import RepairsFlow, RepairsFlowResult
from homeassistant.core import HomeAssistant
import voluptuous as vol

from .const import CONF_BINDINGS
from .meters.binding import Binding, BindingState, bound_to, find_again
from .meters.meter import identity_data
from .polling.coordinator import MBusConfigEntry, MeterCoordinator
from .polling.issues import OTHER_METER
from .protocol import MBusError, Telegram


async def async_create_fix_flow(
    hass: HomeAssistant, issue_id: str, data: dict[str, str | int | float | None] | None
) -> RepairsFlow:
    """Return the flow that mends an issue; its data name the entry and the meter."""
    assert data is not None
    entry: MBusConfigEntry = hass.config_entries.async_get_known_entry(
        str(data["entry_id"])
    )
    coordinator = entry.runtime_data.coordinators[str(data["meter_id"])]
    return (AdoptMeterFlow if issue_id.startswith(OTHER_METER) else RebindFlow)(
        coordinator
    )


class _MeterRepairFlow(RepairsFlow):
    """Reads the meter as it answers now, and stores what follows from it."""

    def __init__(self, coordinator: MeterCoordinator) -> None:
        """Remember the meter concerned."""
        self._coordinator = coordinator
        self._placeholders = {
            "meter": coordinator.meter.title,
            "address": str(coordinator.meter.address),
        }

    async def _async_read(self, *, any_meter: bool = False) -> tuple[Telegram, ...]:
        meter = self._coordinator.meter
        if any_meter:
            meter = replace(meter, identity=None)
        connection = self._coordinator.connection
        async with connection.turn(urgent=True) as bus:
            return (await connection.read(bus, meter)).telegrams

    def _store(self, updates: Mapping[str, Any]) -> RepairsFlowResult:
        entry = self._coordinator.config_entry
        subentry = entry.subentries[self._coordinator.meter.id]
        self.hass.config_entries.async_update_subentry(
            entry, subentry, data={**subentry.data, **updates}
        )
        return self.async_create_entry(data={})

    def _show_confirm(
        self, step_id: str, error: MBusError | None = None
    ) -> RepairsFlowResult:
        return self.async_show_form(
            step_id=step_id,
            data_schema=vol.Schema({}),
            errors={"base": "read_failed"} if error else {},
            description_placeholders={**self._placeholders, "error": str(error or "")},
        )


class AdoptMeterFlow(_MeterRepairFlow):
    """Take the meter that answers for the one configured, with its history, or leave it in error."""

    async def async_step_init(
        self, user_input: dict[str, Any] | None = None
    ) -> RepairsFlowResult:
        """Ask which it is to be."""
        return self.async_show_menu(
            step_id="init",
            menu_options=["adopt", "keep"],
            description_placeholders=self._placeholders,
        )

    async def async_step_adopt(
        self, user_input: dict[str, Any] | None = None
    ) -> RepairsFlowResult:
        """Store the identity of the meter that answers now."""
        if user_input is None:
            return self._show_confirm("adopt")
        try:
            telegrams = await self._async_read(any_meter=True)
        except MBusError as err:
            return self._show_confirm("adopt", err)
        return self._store(identity_data(telegrams[0].header, telegrams[0].identity))

    async def async_step_keep(
        self, user_input: dict[str, Any] | None = None
    ) -> RepairsFlowResult:
        """Leave all as it is: nothing is published until the right meter answers."""
        return self.async_abort(
            reason="kept", description_placeholders=self._placeholders
        )


class RebindFlow(_MeterRepairFlow):
    """Bind records that moved to where they are now; those that can't be told stay in error."""

    _telegrams: tuple[Telegram, ...] = ()

    async def async_step_init(
        self, user_input: dict[str, Any] | None = None
    ) -> RepairsFlowResult:
        """Read the meter and show where each binding goes."""
        try:
            self._telegrams = await self._async_read()
        except MBusError as err:
            return self.async_abort(
                reason="read_failed",
                description_placeholders={**self._placeholders, "error": str(err)},
            )
        lines = []
        for binding in self._changed():
            found = find_again(binding, self._telegrams)
            where = f"telegram {found[0]}, index {found[1]}" if found else "–"
            lines.append(
                f"| {binding.name} | telegram {binding.telegram}, index {binding.index} | {where} |"
            )
        self._placeholders["bindings"] = "\n".join(["| | | |", "|---|---|---|", *lines])
        return await self.async_step_rebind()

    async def async_step_rebind(
        self, user_input: dict[str, Any] | None = None
    ) -> RepairsFlowResult:
        """Bind the records where they are now."""
        if user_input is None:
            return self._show_confirm("rebind")
        return self._store({CONF_BINDINGS: self._rebound()})

    def _changed(self) -> list[Binding]:
        results = self._coordinator.data.results
        return [
            binding
            for binding in self._coordinator.meter.bindings.values()
            if (result := results.get(binding.id))
            and result.state in (BindingState.RECORD_CHANGED, BindingState.NO_RECORD)
        ]

    def _rebound(self) -> list[dict[str, Any]]:
        moves = {
            binding.id: find_again(binding, self._telegrams)
            for binding in self._changed()
        }
        subentry = self._coordinator.config_entry.subentries[self._coordinator.meter.id]
        return [
            {**item, **bound_to(self._telegrams, *move)}
            if (move := moves.get(item["id"]))
            else item
            for item in subentry.data[CONF_BINDINGS]
        ]
