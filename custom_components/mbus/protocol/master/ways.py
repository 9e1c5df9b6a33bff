"""The ways to a bus: opens links, opens them again after a while, and never two at once."""

import asyncio
from collections.abc import Callable
from copy import copy
from enum import StrEnum
from typing import Any

from ..errors import LinkClosedError, LinkError, LinkFloodedError, NoWayError
from ..line.link import OPEN_TIMEOUT, open_link
from ..line.settings import LinkSettings
from .master import Master

BACK_OFF = (1.0, 2.0, 5.0, 10.0, 30.0, 60.0)
"""Seconds before a way that failed is tried again, by how often it failed."""
LONGEST_IDLE = 600.0
"""Seconds after which a gateway may have forgotten a connection that nothing was sent over."""


class Way(StrEnum):
    """Which link leads to the bus."""

    MASTER = "master"
    BACKUP = "backup"


class Delay:
    """When a thing that failed may be tried again."""

    def __init__(self) -> None:
        """Begin without a failure; `until` is the event loop's time."""
        self._failures = 0
        self.until = 0.0

    @property
    def is_over(self) -> bool:
        """Whether it may be tried."""
        return asyncio.get_running_loop().time() >= self.until

    def failed(self) -> None:
        """Wait longer than the time before."""
        delay = BACK_OFF[min(self._failures, len(BACK_OFF) - 1)]
        self._failures += 1
        self.until = asyncio.get_running_loop().time() + delay

    def succeeded(self) -> None:
        """Wait for nothing, and not for long after the next failure."""
        self._failures, self.until = 0, 0.0


class Ways:
    """The ways to one bus, of which one at a time is open."""

    def __init__(
        self,
        settings: dict[Way, LinkSettings],
        master_arguments: dict[str, Any],
        tell: Callable[[], None],
    ) -> None:
        """Open nothing yet. `tell` is called when `active` or `error` may be another."""
        self.settings = settings
        self.way: Way | None = None
        self.error: LinkError | None = None
        self.reopening = Delay()
        self._master: Master | None = None
        self._master_arguments = master_arguments
        self._tell = tell
        self._is_closed = False

    @property
    def active(self) -> Way | None:
        """The way in use, None while there is none."""
        return self.way if self._master and self._master.link.is_open else None

    async def master(self, timeout: float = OPEN_TIMEOUT) -> Master:
        """Return a master on an open link, opening one if need be."""
        if self._master is not None and self.active is not None:
            if not self._may_be_forgotten(self._master):
                return self._master
        if self.error is not None and not self.reopening.is_over:
            raise copy(self.error) from self.error
        errors: list[LinkError] = []
        for way in self.settings:
            try:
                master = await self.use(way, timeout)
            except LinkError as err:
                errors.append(err)
            else:
                self.note(errors[0] if errors else None)
                return master
        self.reopening.failed()
        self.note(errors[0])
        if len(errors) == 1:
            raise errors[0]
        raise NoWayError(link=errors[0].link, errors=tuple(errors)) from errors[0]

    async def use(self, way: Way, timeout: float = OPEN_TIMEOUT) -> Master:
        """Open a way after closing the other: never are both open."""
        await self.drop()
        self._raise_if_closed()
        link = await open_link(self.settings[way], timeout=timeout, on_lost=self._lost)
        try:
            self._raise_if_closed()
        except LinkError:
            await link.close()
            raise
        if self._master is None:
            self._master = Master(link, **self._master_arguments)
        else:
            self._master.link = link
        self.way = way
        return self._master

    async def drop(self) -> None:
        """Close the link that is open; another one may be opened."""
        self.way = None
        if self._master is not None:
            await self._master.link.close()

    async def go_back(self, way: Way | None) -> None:
        """Open again what was in use before, if anything was."""
        if way is None:
            await self.drop()
            return
        try:
            await self.use(way)
        except LinkError as err:
            self.note(err)

    async def close(self) -> None:
        """Close the link that is open, for good."""
        self._is_closed = True
        await self.drop()

    def _raise_if_closed(self) -> None:
        if self._is_closed:
            raise LinkClosedError(link=str(self.settings[Way.MASTER]))

    def note(self, error: LinkError | None) -> None:
        """Take note of why not all is well, or that it is."""
        self.error = error
        self._tell()

    def _lost(self, error: LinkError) -> None:
        if isinstance(error, LinkFloodedError):
            # It can be opened at once, and would be flooded as soon.
            self.reopening.failed()
            self.error = error
        self._tell()

    @staticmethod
    def _may_be_forgotten(master: Master) -> bool:
        link = master.link
        last = max(link.last_request_at, link.last_byte_at)
        idle = asyncio.get_running_loop().time() - last
        return link.settings.over_network and idle > LONGEST_IDLE
