"""Repairs: another meter answers at an address, a meter's records have changed, or a profile knows more of them."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from homeassistant.components.repairs import RepairsFlow, RepairsFlowResult
from homeassistant.core import HomeAssistant
from homeassistant.helpers.selector import (
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
)
import voluptuous as vol

from .const import CONF_BINDINGS, CONF_PROFILE
from .flows.meter_repair import MeterRepairFlow
from .flows.profile_repair import ProfileFlow
from .flows.record_choice import place_of, record_options
from .meters.binding import Binding
from .meters.bound import find_again, is_missing, rebound_to
from .meters.meter import Meter, identity_data, stored_bindings
from .meters.reading import Reading
from .polling.adoption import (
    async_seams_of_exchange,
    async_take_out,
    choice_after_exchange,
    seams_text,
    settings_after_exchange,
)
from .polling.issues import OTHER_METER, PROFILE_OFFERED, RECORDS_CHANGED
from .polling.seams import Seam
from .presentation.naming import binding_name
from .presentation.reasons import reason_text
from .presentation.texts import cached_texts
from .presentation.titles import title_after_exchange
from .profiles.interpretation import Place
from .protocol import AnonymousReplyError, Identity, MBusError, Readout

CONF_RECORD: Final = "record"


async def async_create_fix_flow(
    hass: HomeAssistant, issue_id: str, data: dict[str, str | int | float | None] | None
) -> RepairsFlow:
    """Return the flow that mends an issue; its data name the entry and the meter."""
    assert data is not None
    flow = next(
        flow for kind, flow in _FLOWS.items() if issue_id.startswith(f"{kind}_")
    )
    return flow(str(data["entry_id"]), str(data["meter_id"]))


class AdoptMeterFlow(MeterRepairFlow):
    """Take the meter that answers for the one configured, with its history, or leave it in error."""

    _found: Identity | None = None
    _seams: Sequence[Seam] = ()

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
        """Say what the statistics would count for the exchange, and store the identity of the meter that answers now."""
        coordinator, error = self._coordinator, ""
        try:
            readout = await self._async_read_anyone()
            first = readout.telegrams[0]
            if (found := first.identity) is None:
                raise AnonymousReplyError(address=coordinator.meter.address)
        except MBusError as err:
            error = reason_text(err, cached_texts(self.hass))
        else:
            choice = choice_after_exchange(coordinator.meter, readout)
            settings = settings_after_exchange(
                coordinator, self._subentry.data, readout, choice
            )
            # What is stored is the meter that was shown, not one that answers meanwhile.
            if user_input is not None and found == self._found:
                async_take_out(coordinator, self._seams)
                meter, texts = coordinator.meter, cached_texts(self.hass)
                self._store(
                    {
                        **identity_data(first.header, found),
                        **settings,
                        CONF_PROFILE: choice,
                    },
                    title_after_exchange(
                        meter.title, meter.identity, found, meter.address, texts
                    ),
                )
                return self.async_create_entry(data={})
            self._found = found
            self._seams = await async_seams_of_exchange(
                coordinator, readout, settings[CONF_BINDINGS]
            )
        seams = seams_text(coordinator, self._seams)
        return self.async_show_form(
            step_id="adopt_seams" if seams else "adopt",
            data_schema=vol.Schema({}),
            errors={"base": "read_failed"} if error else {},
            description_placeholders={
                **self._placeholders,
                "error": error,
                "seams": seams,
            },
        )

    async def _async_read_anyone(self) -> Readout:
        """Read whoever answers at the meter's address: nothing of it is this meter's yet."""
        meter, connection = self._coordinator.meter, self._coordinator.connection
        async with connection.turn(urgent=True) as bus:
            return await bus.read(meter.address, quirks=meter.quirks.without_learnt())

    async def async_step_adopt_seams(
        self, user_input: dict[str, Any] | None = None
    ) -> RepairsFlowResult:
        """Adopt the meter, and take what the exchange adds out of the statistics."""
        return await self.async_step_adopt(user_input)

    async def async_step_keep(
        self, user_input: dict[str, Any] | None = None
    ) -> RepairsFlowResult:
        """Leave all as it is: nothing is published until the right meter answers."""
        return self.async_abort(
            reason="kept", description_placeholders=self._placeholders
        )


class RebindFlow(MeterRepairFlow):
    """Bind records that moved to where they are now, and ask what becomes of those that can't be found."""

    _reading: Reading
    _chosen: str
    _left: frozenset[str] = frozenset()

    async def async_step_init(
        self, user_input: dict[str, Any] | None = None
    ) -> RepairsFlowResult:
        """Read the meter and look where its records are."""
        self._reading = await self._async_read()
        if any(self._moves().values()):
            return await self.async_step_rebind()
        return await self._async_step_rest()

    async def async_step_rebind(
        self, user_input: dict[str, Any] | None = None
    ) -> RepairsFlowResult:
        """Show where each record is now, and bind it there."""
        moves = self._moves()
        if user_input is not None:
            self._rebind({item: place for item, place in moves.items() if place})
            return await self._async_step_rest()
        texts = cached_texts(self.hass)
        rows = [
            (
                binding_name(binding, texts),
                f"{binding.telegram}.{binding.index}",
                f"{place[0]}.{place[1]}" if place else "–",
            )
            for binding in self._missing()
            for place in [moves[binding.id]]
        ]
        return self.async_show_form(
            step_id="rebind",
            data_schema=vol.Schema({}),
            description_placeholders={
                **self._placeholders,
                "bindings": "\n".join(f"| {' | '.join(row)} |" for row in rows),
            },
        )

    async def _async_step_rest(self) -> RepairsFlowResult:
        """Go on to the records that were not found, or end where there are none."""
        if self._missing():
            return await self.async_step_not_found()
        return self.async_create_entry(data={})

    async def async_step_not_found(
        self, user_input: dict[str, Any] | None = None
    ) -> RepairsFlowResult:
        """Name the records that the meter no longer sends, and ask what is to be done."""
        texts = cached_texts(self.hass)
        names = [f"- {binding_name(binding, texts)}" for binding in self._missing()]
        return self.async_show_menu(
            step_id="not_found",
            menu_options=["choose_record", "remove", "leave"],
            description_placeholders={
                **self._placeholders,
                "bindings": "\n".join(names),
            },
        )

    async def async_step_choose_record(
        self, user_input: dict[str, Any] | None = None
    ) -> RepairsFlowResult:
        """Ask of one binding after another which record it is for from now on."""
        if user_input is not None:
            if record := user_input.get(CONF_RECORD):
                self._rebind({self._chosen: place_of(record)})
            else:
                self._left |= {self._chosen}
        texts = cached_texts(self.hass)
        missing = [one for one in self._missing() if one.id not in self._left]
        if not missing:
            return await self.async_step_leave()
        self._chosen = missing[0].id
        options = record_options(
            self._reading.telegrams,
            (),
            texts,
            self._coordinator.meter.medium,
            self._interpret(self._reading.telegrams),
        )
        selector = SelectSelector(
            SelectSelectorConfig(options=options, mode=SelectSelectorMode.DROPDOWN)
        )
        return self.async_show_form(
            step_id="choose_record",
            data_schema=vol.Schema({vol.Optional(CONF_RECORD): selector}),
            description_placeholders={
                **self._placeholders,
                "binding": binding_name(missing[0], texts),
            },
        )

    async def async_step_remove(
        self, user_input: dict[str, Any] | None = None
    ) -> RepairsFlowResult:
        """Remove the bindings of records that are not sent any more, with their entities."""
        missing = {binding.id for binding in self._missing()}
        kept = [
            item
            for item in stored_bindings(self._subentry.data)
            if item["id"] not in missing
        ]
        self._store({CONF_BINDINGS: kept})
        return self.async_create_entry(data={})

    async def async_step_leave(
        self, user_input: dict[str, Any] | None = None
    ) -> RepairsFlowResult:
        """End; what was not mended stays in error."""
        if self._missing():
            return self.async_abort(
                reason="left", description_placeholders=self._placeholders
            )
        return self.async_create_entry(data={})

    def _missing(self) -> list[Binding]:
        """Return the enabled bindings whose record is not where it was."""
        enabled = {binding.id for binding in self._coordinator.enabled_bindings}
        return [
            binding
            for binding in Meter.from_subentry(self._subentry).bindings.values()
            if binding.id in enabled
            and is_missing(
                binding,
                self._reading.telegrams,
                is_complete=self._reading.error is None,
            )
        ]

    def _moves(self) -> dict[str, Place | None]:
        """Return by binding id where its record is now; None where that can't be told."""
        bindings = Meter.from_subentry(self._subentry).bindings.values()
        return {
            binding.id: find_again(binding, bindings, self._reading.telegrams)
            for binding in self._missing()
        }

    def _rebind(self, moves: Mapping[str, Place]) -> None:
        self._store(
            {
                CONF_BINDINGS: [
                    rebound_to(
                        item,
                        self._reading.telegrams,
                        *moves[item["id"]],
                        self._interpret(self._reading.telegrams),
                    )
                    if item["id"] in moves
                    else item
                    for item in stored_bindings(self._subentry.data)
                ]
            }
        )


_FLOWS: Final[Mapping[str, type[MeterRepairFlow]]] = {
    OTHER_METER: AdoptMeterFlow,
    RECORDS_CHANGED: RebindFlow,
    PROFILE_OFFERED: ProfileFlow,
}
