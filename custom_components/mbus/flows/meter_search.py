"""A search of the bus for meters that are not configured yet, and a readout of each of them."""

from collections.abc import Callable, Collection
from contextlib import AbstractAsyncContextManager, aclosing
from dataclasses import dataclass, field

from homeassistant.config_entries import ConfigSubentryData

from ..meters.meter import Meter, meter_unique_id
from ..presentation.reasons import reason_text
from ..presentation.texts import Texts, option_key
from ..presentation.titles import meter_title
from ..profiles.catalogue import Catalogue
from ..protocol import Bus, Found, LinkError, MBusError, Quirks, Readout, hears_any
from .adding import meter_subentry
from .family_reading import async_read_as_family

type Turns = Callable[[], AbstractAsyncContextManager[Bus]]
"""Gives the bus for one exchange."""

_SEARCH_SHARE = 0.8
"""The part of the progress that is the search; the rest is reading what was found."""


@dataclass(kw_only=True, slots=True)
class MeterSearch:
    """One search: which meters answered, those of them that are new, and what is to be explained.

    `found` are all that answered, by what tells them apart, and `readouts` what was read of those that are new, and
    with which quirks. What was found stays, however the search ends.
    """

    known: Collection[Meter]
    texts: Texts
    catalogue: Catalogue
    by_secondary: bool = True
    by_primary: bool = True
    slowly: bool = False
    baud_rate: int | None = None
    found: dict[str, Found] = field(default_factory=dict)
    readouts: dict[str, tuple[Readout, Quirks]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    error: Exception | None = None

    @property
    def names(self) -> list[str]:
        """Name what was found so far."""
        added = self.texts.get(option_key("search", "added"), "")
        return [
            f"{found.address} · {self._title(found)}"
            + (f" ({added})" if self._is_known(found) else "")
            for found in self.found.values()
        ]

    @property
    def meters(self) -> dict[str, ConfigSubentryData]:
        """Return the subentries of the new meters by unique id, in the order of their addresses."""
        return {
            meter_unique_id(found.address): self._subentry(found)
            for found in sorted(
                self._new, key=lambda found: str(found.address).zfill(16)
            )
        }

    @property
    def new_count(self) -> int:
        """Return how many of the meters that answered can be added."""
        return len({meter_unique_id(found.address) for found in self._new})

    @property
    def _new(self) -> list[Found]:
        return [found for found in self.found.values() if not self._is_known(found)]

    @property
    def error_text(self) -> str:
        """Say why the search came to an end before it was through."""
        if isinstance(self.error, MBusError):
            return reason_text(self.error, self.texts)
        return str(self.error)

    @property
    def known_count(self) -> int:
        """Return how many of the meters that answered are configured already."""
        return sum(map(self._is_known, self.found.values()))

    async def async_run(
        self, turns: Turns, progressed: Callable[[float], None]
    ) -> None:
        """Search, then read what is new, and give the line away after each exchange.

        `progressed` hears of every step with the part that is done, from 0 to 1. Raises LinkError.
        """
        await self._async_search(turns, progressed)
        new = self._new
        for number, found in enumerate(new):
            progressed(_SEARCH_SHARE + (1 - _SEARCH_SHARE) * number / len(new))
            await self._async_read(turns, found)

    async def async_hears_any(self, turns: Turns) -> bool:
        """Say whether there is anything to be found, which takes a moment where all is silent."""
        async with turns() as bus:
            if not await hears_any(await bus.master()):
                return False
        quick = MeterSearch(known=(), texts=self.texts, catalogue=self.catalogue)
        await quick._async_search(turns, lambda _: None, first_only=True)
        return bool(quick.found or quick.problems)

    async def _async_search(
        self,
        turns: Turns,
        progressed: Callable[[float], None],
        *,
        first_only: bool = False,
    ) -> None:
        async with turns() as bus:
            steps = bus.search(
                by_secondary=self.by_secondary,
                by_primary=self.by_primary,
                slowly=self.slowly,
            )
        async with aclosing(steps):
            while True:
                async with turns():
                    if (step := await anext(steps, None)) is None:
                        return
                if step.found is not None:
                    self.found[step.found.key] = step.found
                if step.problem is not None:
                    self._tell(step.problem)
                progressed(step.progress * _SEARCH_SHARE)
                if first_only and (self.found or self.problems):
                    return

    def _tell(self, problem: MBusError) -> None:
        self.problems.append(reason_text(problem, self.texts))

    def _title(self, found: Found) -> str:
        return meter_title(found.header, found.address, self.texts)

    def _is_known(self, found: Found) -> bool:
        return any(
            meter.address in (found.primary, found.secondary)
            or (
                meter.identity is not None
                and found.identity is not None
                and meter.identity.matches(found.identity)
            )
            for meter in self.known
        )

    async def _async_read(self, turns: Turns, found: Found) -> None:
        """Read what the search didn't read of a meter: further telegrams, or which of them is the first."""
        readout, quirks = self._heard(found)
        is_whole = not (found.telegram.more_records_follow or quirks.reset == "never")
        try:
            async with turns() as bus:
                if not is_whole:
                    readout = await bus.read(
                        found.address, identity=found.identity, quirks=quirks
                    )
                self.readouts[found.key] = await async_read_as_family(
                    bus, found.address, readout, quirks, self.catalogue
                )
        except LinkError:
            raise
        except MBusError as err:
            self._tell(err)

    def _subentry(self, found: Found) -> ConfigSubentryData:
        """Return the meter with its sensible records bound."""
        readout, quirks = self.readouts.get(found.key) or self._heard(found)
        return meter_subentry(
            found.address,
            readout,
            self._title(found),
            self.catalogue,
            quirks.learnt_from(readout),
        )

    def _heard(self, found: Found) -> tuple[Readout, Quirks]:
        """Return what the search read of a meter, and with which quirks."""
        heard = Readout(telegrams=(found.telegram,), complete=True)
        return heard, found.quirks
