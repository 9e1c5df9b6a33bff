"""A bus that one way or two lead to: read by that which has answers."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
import logging
from typing import Self

from ..address import Address
from ..application.header import Identity
from ..errors import LinkError, LinkSilentError, MBusError
from ..line.line import Exchange, Statistics
from ..line.link import OPEN_TIMEOUT
from ..line.settings import LinkSettings
from .errors import NoReplyError
from .found import SearchStep
from .master import Master, check_settings
from .readout import Quirks, Readout
from .search import search
from .ways import Delay, Way, Ways

_LOGGER = logging.getLogger(__name__)

FIRST_OPEN_TIMEOUT = 2.0
"""Seconds for each way at set-up, which others may wait for."""


class Bus:
    """A bus with one way or two to it, of which one at a time is open.

    The backup is used while the master can't be opened, breaks, or lets `attempts` readouts in a
    row end in silence that the backup doesn't; the next readouts try the master again, ever more
    rarely. Tasks take turns, as with a master. `on_change` is called when `active` or `error` is
    another. Once closed, a bus stays closed.
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
        self.ways = {Way.MASTER: settings}
        if backup is not None:
            self.ways[Way.BACKUP] = backup
        self.statistics = Statistics()
        self.on_change = on_change
        self._attempts = attempts
        master_arguments = {
            "timeout": timeout,
            "attempts": attempts,
            "line_delay_ratio": line_delay_ratio,
            "max_package_length": max_package_length,
            "on_exchange": on_exchange,
            "statistics": self.statistics,
        }
        self._ways = Ways(self.ways, master_arguments, self._tell)
        self._lock = asyncio.Lock()
        self._silent = self._searches = 0
        self._switching = Delay()

    async def __aenter__(self) -> Self:
        """Open a way to the bus, as `open` does."""
        await self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close it."""
        await self.close()

    @property
    def active(self) -> Way | None:
        """The way in use, None while there is none."""
        return self._ways.active

    @property
    def error(self) -> LinkError | None:
        """Why the master link, or both, are not in use; None while all is well."""
        return self._ways.error

    @property
    def retry_at(self) -> float:
        """Time of the event loop before which no link is opened again: requests fail at once."""
        return self._ways.reopening.until

    async def open(self, *, timeout: float = FIRST_OPEN_TIMEOUT) -> None:
        """Open the master link or, if that fails, the backup, each within `timeout` seconds.

        Raises LinkError when both fail; nothing is left open then.
        """
        try:
            async with self._lock:
                self._ways.reopening.succeeded()
                await self._master(timeout)
        except BaseException:
            await self._ways.drop()
            raise

    async def close(self) -> None:
        """Close whatever is open, for good: a request under way ends with LinkError, as do later ones."""
        await self._ways.close()

    async def master(self) -> Master:
        """Return a master on an open link, opening one if need be. Raises LinkError."""
        async with self._lock:
            return await self._master()

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

        async with self._lock:
            return await self._read_by_some_way(read)

    async def search(
        self,
        *,
        by_secondary: bool = True,
        by_primary: bool = True,
        slowly: bool = False,
    ) -> AsyncGenerator[SearchStep]:
        """Find the meters as `search` does, by the way in use, which silence doesn't change meanwhile."""
        master = await self.master()
        steps = search(
            master, by_secondary=by_secondary, by_primary=by_primary, slowly=slowly
        )
        self._searches += 1
        try:
            async with aclosing(steps):
                async for step in steps:
                    yield step
        finally:
            self._searches -= 1

    async def _master(self, timeout: float = OPEN_TIMEOUT) -> Master:
        was_active = self.active
        master = await self._ways.master(timeout)
        if was_active is None and self.active is Way.BACKUP:
            self._switching.failed()
        return master

    async def _read_by_some_way(
        self, read: Callable[[Master], Awaitable[Readout]]
    ) -> Readout:
        may_switch = self._switching.is_over and not self._searches
        if self._ways.way is Way.BACKUP and may_switch:
            readout = await self._try_way(Way.MASTER, read)
            if readout is not None:
                return readout
        try:
            readout = await self._read_again_if_lost(read)
        except NoReplyError:
            self._silent += 1
            if self._silent >= self._attempts and not self._searches:
                other = await self._try_other_way(read)
                if other is not None:
                    return other
            raise
        self._silent = 0
        self._ways.reopening.succeeded()
        return readout

    async def _read_again_if_lost(
        self, read: Callable[[Master], Awaitable[Readout]]
    ) -> Readout:
        for _ in range(1, self._attempts):
            master = await self._master()
            try:
                return await read(master)
            except LinkError as err:
                _LOGGER.debug("Reading again: %s", err)
        return await read(await self._master())

    async def _try_other_way(
        self, read: Callable[[Master], Awaitable[Readout]]
    ) -> Readout | None:
        """Make the readout by another way after silence; None if there is no better one."""
        if self._ways.way is Way.BACKUP or not self._switching.is_over:
            return None
        if Way.BACKUP in self.ways:
            return await self._try_way(Way.BACKUP, read)
        if self.ways[Way.MASTER].over_network:
            # The gateway may have forgotten the connection, which shows as silence of all meters.
            self._switching.failed()
            await self._ways.drop()
        return None

    async def _try_way(
        self, way: Way, read: Callable[[Master], Awaitable[Readout]]
    ) -> Readout | None:
        """Make the readout by the other way; go back to the one in use if that has no answer."""
        before = self._ways.way
        try:
            readout = await read(await self._ways.use(way))
        except MBusError as err:
            _LOGGER.debug("No answer over the %s link: %s", way, err)
            self._switching.failed()
            await self._ways.go_back(before)
            return None
        except asyncio.CancelledError:
            await self._ways.go_back(before)
            raise
        self._silent = 0
        if way is Way.MASTER:
            self._switching.succeeded()
            self._ways.note(None)
        else:
            self._switching.failed()
            self._ways.note(LinkSilentError(link=str(self.ways[Way.MASTER])))
        return readout

    def _tell(self) -> None:
        if self.on_change is not None:
            self.on_change()
