"""A bus and the ways to it: opens links, opens them again, and goes over the backup meanwhile."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from enum import StrEnum
import logging
from typing import Any, Self

from ..address import Address
from ..application.header import Identity
from ..errors import LinkError, MBusError
from ..line.line import Exchange, Statistics
from ..line.link import LinkSettings, open_link
from .errors import NoReplyError
from .found import SearchStep
from .master import Master, check_settings
from .readout import Quirks, Readout
from .search import search

_LOGGER = logging.getLogger(__name__)

BACK_OFF = (1.0, 2.0, 5.0, 10.0, 30.0, 60.0)
"""Seconds before a way that failed is tried again, by how often it failed."""


class Way(StrEnum):
    """Which link leads to the bus."""

    MASTER = "master"
    BACKUP = "backup"


class _Delay:
    """When a thing that failed may be tried again."""

    def __init__(self) -> None:
        self._failures = 0
        self._until = 0.0

    @property
    def is_over(self) -> bool:
        return asyncio.get_running_loop().time() >= self._until

    def failed(self) -> None:
        delay = BACK_OFF[min(self._failures, len(BACK_OFF) - 1)]
        self._failures += 1
        self._until = asyncio.get_running_loop().time() + delay

    def succeeded(self) -> None:
        self._failures, self._until = 0, 0.0


class Bus:
    """A bus with one way or two to it, of which one at a time is open.

    The backup is used while the master can't be opened, breaks, or lets `attempts` readouts in a
    row end in silence that the backup doesn't; the next readouts try the master again, ever more
    rarely. As with Master, the caller sees to it that one transaction is under way at a time.
    `on_change` is called when `active` or `error` is another.
    """

    def __init__(
        self,
        settings: LinkSettings,
        backup: LinkSettings | None = None,
        *,
        timeout: float = 3.0,
        attempts: int = 3,
        line_delay_ratio: float = 1.0,
        max_package_length: int = 250,
        on_exchange: Callable[[Exchange], None] | None = None,
        on_change: Callable[[], None] | None = None,
    ) -> None:
        """Know the ways; nothing is opened yet. The other parameters are those of Master."""
        check_settings(timeout, attempts, line_delay_ratio, max_package_length)
        self.ways: dict[Way, LinkSettings] = {Way.MASTER: settings}
        if backup is not None:
            self.ways[Way.BACKUP] = backup
        self.statistics = Statistics()
        self.on_change = on_change
        self._attempts = attempts
        self._master_arguments: dict[str, Any] = {
            "timeout": timeout,
            "attempts": attempts,
            "line_delay_ratio": line_delay_ratio,
            "max_package_length": max_package_length,
            "on_exchange": on_exchange,
            "statistics": self.statistics,
        }
        self._master: Master | None = None
        self._way: Way | None = None
        self._error: LinkError | None = None
        self._silent = 0
        self._reopening = _Delay()
        self._switching = _Delay()

    @property
    def active(self) -> Way | None:
        """The way in use, None while there is none."""
        return (
            self._way
            if self._master is not None and self._master.link.is_open
            else None
        )

    @property
    def error(self) -> LinkError | None:
        """Why the master link, or both, are not in use; None while all is well."""
        return self._error

    async def __aenter__(self) -> Self:
        """Open a way to the bus, as `open` does."""
        await self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close it."""
        await self.close()

    async def open(self) -> None:
        """Open the master link or, if that fails, the backup. Raises LinkError when both fail."""
        self._reopening.succeeded()
        await self.master()

    async def close(self) -> None:
        """Close whatever is open."""
        self._way = None
        if self._master is not None:
            await self._master.link.close()

    async def master(self) -> Master:
        """Return a master on an open link, opening one if need be. Raises LinkError."""
        if self._master is not None and self.active is not None:
            return self._master
        if not self._reopening.is_over:
            raise LinkError(str(self._error)) from self._error
        errors: list[LinkError] = []
        for way in self.ways:
            try:
                master = await self._use(way)
            except LinkError as err:
                errors.append(err)
            else:
                self._reopening.succeeded()
                if way is Way.BACKUP:
                    self._switching.failed()
                self._note(errors[0] if errors else None)
                return master
        self._reopening.failed()
        self._note(errors[0])
        raise LinkError("; ".join(map(str, errors))) if len(errors) > 1 else errors[0]

    async def read(
        self,
        address: Address,
        *,
        identity: Identity | None = None,
        last_telegram: int | None = None,
        attempts: int | None = None,
        quirks: Quirks | None = None,
    ) -> Readout:
        """Read a meter as Master.read does, by the way that has answers.

        When the link breaks on the way, it is opened again and the readout made once more.
        """

        async def read(master: Master) -> Readout:
            readout = await master.read(
                address,
                identity=identity,
                last_telegram=last_telegram,
                attempts=attempts,
                quirks=quirks,
            )
            if isinstance(readout.error, LinkError):
                raise readout.error
            return readout

        if self._way is Way.BACKUP and self._switching.is_over:
            readout = await self._try_way(Way.MASTER, read)
            if readout is not None:
                return readout
        try:
            readout = await self._read_again_if_lost(read)
        except NoReplyError:
            self._silent += 1
            if self._silent >= self._attempts:
                readout = await self._try_other_way(read)
                if readout is not None:
                    return readout
            raise
        self._silent = 0
        return readout

    async def search(
        self, *, by_secondary: bool = True, by_primary: bool = True
    ) -> AsyncGenerator[SearchStep]:
        """Find the meters as `search` does, by the way in use."""
        master = await self.master()
        steps = search(master, by_secondary=by_secondary, by_primary=by_primary)
        async with aclosing(steps):
            async for step in steps:
                yield step

    async def _read_again_if_lost(
        self, read: Callable[[Master], Awaitable[Readout]]
    ) -> Readout:
        for _ in range(1, self._attempts):
            master = await self.master()
            try:
                return await read(master)
            except LinkError as err:
                _LOGGER.debug("Reading again: %s", err)
        return await read(await self.master())

    async def _try_other_way(
        self, read: Callable[[Master], Awaitable[Readout]]
    ) -> Readout | None:
        """Make the readout by another way after silence; None if there is no better one."""
        if self._way is Way.BACKUP or not self._switching.is_over:
            return None
        if Way.BACKUP in self.ways:
            return await self._try_way(Way.BACKUP, read)
        if self.ways[Way.MASTER].over_network:
            # The gateway may have forgotten the connection, which shows as silence of all meters.
            self._switching.failed()
            await self.close()
        return None

    async def _try_way(
        self, way: Way, read: Callable[[Master], Awaitable[Readout]]
    ) -> Readout | None:
        """Make the readout by the other way; go back to the one in use if that has no answer."""
        before = self._way
        try:
            readout = await read(await self._use(way))
        except MBusError as err:
            _LOGGER.debug("No answer over the %s link: %s", way, err)
            self._switching.failed()
            await self._go_back(before)
            return None
        except asyncio.CancelledError:
            await self._go_back(before)
            raise
        self._silent = 0
        if way is Way.MASTER:
            self._switching.succeeded()
            self._note(None)
        else:
            self._switching.failed()
            self._note(LinkError(f"no meter answers over {self.ways[Way.MASTER]}"))
        return readout

    async def _go_back(self, way: Way | None) -> None:
        await self.close()
        self._way = way
        if way is not None:
            try:
                await self._use(way)
            except LinkError as err:
                self._note(err)

    async def _use(self, way: Way) -> Master:
        """Open a way after closing the other: never are both open."""
        await self.close()
        link = await open_link(self.ways[way])
        if self._master is None:
            self._master = Master(link, **self._master_arguments)
        else:
            self._master.link = link
        self._way = way
        link.on_lost = self._tell
        return self._master

    def _note(self, error: LinkError | None) -> None:
        self._error = error
        self._tell()

    def _tell(self) -> None:
        if self.on_change is not None:
            self.on_change()
