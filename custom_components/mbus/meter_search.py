"""A search of the bus for meters that are not configured yet, and a readout of each of them."""

from collections.abc import Callable, Collection
from contextlib import AbstractAsyncContextManager, aclosing
from dataclasses import dataclass, field

from homeassistant.config_entries import ConfigSubentryData

from .meter import Meter
from .protocol import Bus, Found

type Line = Callable[[], AbstractAsyncContextManager[Bus]]
"""Gives the bus for one exchange."""

_SEARCH_SHARE = 0.8
"""The part of the progress that is the search; the rest is reading what was found."""


@dataclass(kw_only=True, slots=True)
class MeterSearch:
    """One search: the meters that answered, the subentries of the new ones by unique id, and what is to be explained."""

    known: Collection[Meter]
    found: list[Found] = field(default_factory=list)
    meters: dict[str, ConfigSubentryData] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    error: Exception | None = None

    async def async_run(self, line: Line, progressed: Callable[[float], None]) -> None:
        """Search, then read what is new, giving the line away after each exchange.

        `progressed` hears of every step with the part that is done, from 0 to 1. Raises LinkError.
        """
        async with line() as bus:
            search = bus.search()
        async with aclosing(search):
            while True:
                async with line():
                    if (step := await anext(search, None)) is None:
                        break
                if step.found:
                    self.found.append(step.found)
                progressed(step.progress * _SEARCH_SHARE)
        new = [found for found in self.found if not self._is_known(found)]
        for number, found in enumerate(new):
            progressed(_SEARCH_SHARE + (1 - _SEARCH_SHARE) * number / len(new))
            await self._async_read(line, found)
