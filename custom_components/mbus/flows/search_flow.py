"""The search of the bus within a flow: progress, what was found, and which of it is to be added.

Shared by the flow of a new connection, which opens the bus for the search alone, and the flow that adds meters to a
running connection, where every exchange waits for its turn so that polling goes on.
"""

import abc
import asyncio
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from functools import partial
from types import MappingProxyType
from typing import Any, Final, override

from homeassistant.config_entries import (
    ConfigSubentry,
    ConfigSubentryData,
    SubentryFlowContext,
    SubentryFlowResult,
)
from homeassistant.const import CONF_ADDRESS
from homeassistant.core import callback
from homeassistant.data_entry_flow import (
    AbortFlow,
    FlowContext,
    FlowHandler,
    FlowResult,
)
from homeassistant.helpers.selector import SelectOptionDict
from homeassistant.util.hass_dict import HassKey
import voluptuous as vol

from ..const import CONF_BAUD_RATE, DOMAIN, LOGGER, SUBENTRY_METER
from ..meters.meter import Meter, readable
from ..presentation.texts import async_get_texts
from ..profiles.catalogue import async_get_catalogue
from ..protocol import MBusError
from .fields import ticks
from .link_form import way
from .meter_search import MeterSearch, Turns
from .progress import async_progress_done
from .subentry_flow import MBusSubentryFlow

CONF_METERS: Final = "meters"


_KEPT: HassKey[dict[str, MeterSearch]] = HassKey(f"{DOMAIN}_searches")
"""The last search of each bus, by the way to it: what it found and was not added is offered again."""

_RATES: Final = (2400, 300, 9600, 600, 1200, 4800, 19200, 38400)
"""The usual rates, the likelier ones first."""


class SearchFlow[ContextT: FlowContext, ResultT: FlowResult[Any, Any], HandlerT](
    FlowHandler[ContextT, ResultT, HandlerT], abc.ABC
):
    """Steps `search` → `found` or `nothing_found` or `search_failed`."""

    _search: MeterSearch
    _rates: tuple[int, ...] = ()
    _searching: asyncio.Task[None] | None = None
    _percentage = 0
    _shown = 0

    @abc.abstractmethod
    def _searched_bus(self) -> AbstractAsyncContextManager[Turns]:
        """Give the bus for the time of a search, at the search's rate."""

    @property
    @abc.abstractmethod
    def _known_meters(self) -> Collection[Meter]:
        """Return the meters that are not to be offered again."""

    @property
    @abc.abstractmethod
    def _link_data(self) -> Mapping[str, Any]:
        """Return how the bus is reached."""

    @property
    @abc.abstractmethod
    def _options_without_meters(self) -> list[str]:
        """Return what the menu offers beside another search when a search gave nothing new."""

    @abc.abstractmethod
    def _add_meters(self, meters: Sequence[ConfigSubentryData]) -> ResultT:
        """End the flow with the meters that were ticked."""

    async def async_step_search(
        self, user_input: dict[str, Any] | None = None
    ) -> ResultT:
        """Search behind a ring that shows how far it is and a text that names what was found."""
        if self._searching is None:
            return await self._async_start_search()
        if not self._searching.done():
            return self._show_progress(self._searching)
        self._searching = None
        if self._search.error:
            next_step = "search_failed"
        elif self._search.new_count:
            next_step = "found"
        else:
            next_step = "nothing_new" if self._search.known_count else "nothing_found"
        return async_progress_done(self, next_step)

    async def async_step_search_slowly(
        self, user_input: dict[str, Any] | None = None
    ) -> ResultT:
        """Search once more, and wait at each primary address for as long as a meter may take."""
        return await self._async_start_search(slowly=True)

    async def async_step_search_rates(
        self, user_input: dict[str, Any] | None = None
    ) -> ResultT:
        """Listen for meters at all usual rates, and search at the one where some answer."""
        return await self._async_start_search(_RATES)

    async def _async_start_search(
        self, rates: tuple[int, ...] = (), *, slowly: bool = False
    ) -> ResultT:
        self._percentage = self._shown = 0
        # The frontend goes on showing how far a search before was.
        self.async_update_progress(0.0)
        self._rates = rates
        kept = self.hass.data.setdefault(_KEPT, {})
        before = kept.get(way(self._link_data))
        baud_rate = self._link_data[CONF_BAUD_RATE]
        self._search = MeterSearch(
            known=self._known_meters,
            texts=await async_get_texts(self.hass),
            baud_rate=self._search.baud_rate if slowly else baud_rate,
            slowly=slowly,
            catalogue=await async_get_catalogue(self.hass),
        )
        if before is not None and before.baud_rate == self._search.baud_rate:
            # Not added yet; a search that is not let come to its end loses none of it.
            self._search.found = dict(before.found)
        kept[way(self._link_data)] = self._search
        self._searching = self.hass.async_create_background_task(
            self._async_search(), "M-Bus search for a dialog"
        )
        return self._show_progress(self._searching)

    @callback
    def _show_meters_menu(self, step_id: str, options: list[str]) -> ResultT:
        """Ask how to get to meters: to those that the last search found and that were not added, too."""
        kept = self.hass.data.get(_KEPT, {}).get(way(self._link_data))
        if kept is not None:
            kept.known = self._known_meters
            self._search = kept
        count = kept.new_count if kept else 0
        return self.async_show_menu(
            step_id=step_id,
            menu_options=["found", *options] if count else options,
            description_placeholders={"count": str(count)},
        )

    @callback
    def _show_progress(self, searching: asyncio.Task[None]) -> ResultT:
        return self.async_show_progress(
            step_id="search",
            progress_action="search",
            progress_task=searching,
            description_placeholders={
                "rate": str(self._search.baud_rate),
                "found": "\n".join(self._search.names) or "–",
            },
        )

    async def _async_search(self) -> None:
        try:
            for rate in self._rates:
                self._search.baud_rate = rate
                self.async_notify_flow_changed()
                async with self._searched_bus() as turns:
                    if await self._search.async_hears_any(turns):
                        break
            async with self._searched_bus() as turns:
                await self._search.async_run(turns, self._show_part)
        except MBusError as err:
            self._search.error = err
        except Exception as err:
            LOGGER.exception("Unexpected error while searching the bus")
            self._search.error = err

    @callback
    def _show_part(self, part: float) -> None:
        """Move the ring, and renew the text where there is more to tell."""
        if (percentage := int(part * 100)) != self._percentage:
            self._percentage = percentage
            self.async_update_progress(part)
        if len(self._search.names) != self._shown:
            self._shown = len(self._search.names)
            self.async_notify_flow_changed()

    async def async_step_found(
        self, user_input: dict[str, Any] | None = None
    ) -> ResultT:
        """Offer what is new, all of it ticked; what is wrong on the bus is explained below."""
        meters = self._search.meters
        if user_input is not None:
            return self._add_meters([meters[key] for key in user_input[CONF_METERS]])
        options = [
            SelectOptionDict(
                value=key, label=f"{meter['data'][CONF_ADDRESS]} · {meter['title']}"
            )
            for key, meter in meters.items()
        ]
        return self.async_show_form(
            step_id="found",
            data_schema=vol.Schema(
                {vol.Required(CONF_METERS, default=list(meters)): ticks(options)}
            ),
            description_placeholders={"problems": _listed(self._search.problems)},
        )

    async def async_step_nothing_found(
        self, user_input: dict[str, Any] | None = None
    ) -> ResultT:
        """Say that nothing answered, and offer other ways to go on."""
        return self._show_search_menu("nothing_found")

    async def async_step_nothing_new(
        self, user_input: dict[str, Any] | None = None
    ) -> ResultT:
        """Say that all that answered is configured."""
        return self._show_search_menu("nothing_new")

    async def async_step_search_failed(
        self, user_input: dict[str, Any] | None = None
    ) -> ResultT:
        """Say why the search came to an end before it was through."""
        return self._show_search_menu("search_failed")

    @callback
    def _show_search_menu(self, step_id: str) -> ResultT:
        count = self._search.new_count
        options = ["search", "search_slowly", *self._options_without_meters]
        return self.async_show_menu(
            step_id=step_id,
            menu_options=["found", *options] if count else options,
            description_placeholders={
                "count": str(count or self._search.known_count),
                "problems": _listed(self._search.problems),
                "error": self._search.error_text,
            },
        )


class SubentrySearchFlow(
    SearchFlow[SubentryFlowContext, SubentryFlowResult, tuple[str, str]],
    MBusSubentryFlow,
):
    """The search on a running connection: MeterSubentryFlow inherits it, with `search` in the menu of its `user` step.

    Meters at another baud rate than the connection's can't be read by it, so there is no search for them.
    """

    @override
    @asynccontextmanager
    async def _searched_bus(self) -> AsyncIterator[Turns]:
        entry = self._entry
        yield partial(entry.runtime_data.connection.turn, urgent=True)

    @property
    @override
    def _known_meters(self) -> Collection[Meter]:
        return [*readable(self._entry.get_subentries_of_type(SUBENTRY_METER))]

    @property
    @override
    def _link_data(self) -> Mapping[str, Any]:
        return self._entry.data

    @property
    @override
    def _options_without_meters(self) -> list[str]:
        return ["address"]

    @callback
    @override
    def _add_meters(self, meters: Sequence[ConfigSubentryData]) -> SubentryFlowResult:
        entry = self._entry
        added = 0
        for meter in meters:
            subentry = ConfigSubentry(
                subentry_type=meter["subentry_type"],
                unique_id=meter["unique_id"],
                title=meter["title"],
                data=MappingProxyType(dict(meter["data"])),
            )
            # Someone else may have added it while the list was shown.
            with suppress(AbortFlow):
                self.hass.config_entries.async_add_subentry(entry, subentry)
                added += 1
        return self.async_abort(
            reason="meters_added", description_placeholders={"count": str(added)}
        )


def _listed(lines: Collection[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)
