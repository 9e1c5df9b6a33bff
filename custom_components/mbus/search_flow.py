"""The search of the bus within a flow: progress, what was found, and which of it is to be added.

Shared by the flow of a new connection, which opens the bus for the search alone, and the flow that adds meters to a
running connection, where every exchange waits for its turn so that polling goes on.
"""

import abc
import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, override

from homeassistant.config_entries import (
    ConfigEntry,
    ConfigSubentry,
    ConfigSubentryData,
    ConfigSubentryFlow,
    SubentryFlowContext,
    SubentryFlowResult,
)
from homeassistant.core import callback
from homeassistant.data_entry_flow import FlowContext, FlowHandler, FlowResult
from homeassistant.helpers.selector import (
    SelectOptionDict,
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
)
import voluptuous as vol

from .adding import meter_subentry
from .const import LOGGER
from .meter import Meter
from .protocol import Bus, Found, MBusError

CONF_METERS = "meters"

type Line = Callable[[], AbstractAsyncContextManager[Bus]]
"""Gives the bus for one exchange."""


@dataclass(kw_only=True, slots=True)
class MeterSearch:
    """One search: the meters found, those that are new, and a readout of each of these."""

    known: Collection[Meter]
    found: list[Found] = field(default_factory=list)
    meters: list[ConfigSubentryData] = field(default_factory=list)
    conflicts: list[str] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)
    error: str | None = None

    async def async_run(self, line: Line, changed: Callable[[float], None]) -> None:
        """Search, then read what is new; `changed` hears of every step with the part that is done."""
        raise NotImplementedError


class SearchFlow[ContextT: FlowContext, ResultT: FlowResult[Any, Any], HandlerT](
    FlowHandler[ContextT, ResultT, HandlerT], abc.ABC
):
    """Steps `search` → `found`, `nothing_found` or `search_failed`."""

    @abc.abstractmethod
    def _searched_bus(self) -> AbstractAsyncContextManager[Line]:
        """Give the bus for the time of a search."""

    @abc.abstractmethod
    def _known_meters(self) -> Collection[Meter]:
        """Return the meters that are not to be offered again."""

    @abc.abstractmethod
    def _add_meters(self, meters: Sequence[ConfigSubentryData]) -> ResultT:
        """End the flow with the meters that were ticked."""

    async def async_step_search(self, user_input: dict[str, Any] | None = None) -> ResultT:
        """Search with a ring that shows how far it is, and a text that names what was found."""
        raise NotImplementedError


class SubentrySearchFlow(SearchFlow[SubentryFlowContext, SubentryFlowResult, tuple[str, str]], ConfigSubentryFlow):
    """The search on a running connection: MeterSubentryFlow inherits it, with `search` in the menu of its `user` step."""
