"""The master of a bus: one task at a time speaks with the meters over an open link."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from ..address import Address, SecondaryAddress
from ..application.header import Identity
from ..line.line import Exchange, Line, Statistics
from ..line.link import Link
from ..line.settings import LONGEST_WAIT
from .reader import read
from .readout import Quirks, Readout
from .session import Session

_LONGEST_PACKAGE = 253


class Master:
    """Speaks with the meters on a bus. Tasks take turns: whoever came first is served first.

    `timeout` is in seconds until the first byte of an answer, `attempts` the number of times that
    a request is sent, `line_delay_ratio` multiplies every wait that depends on the line, and
    `max_package_length` is in bytes from CI on. `on_exchange` is told of each request and what came.
    """

    def __init__(
        self,
        link: Link,
        *,
        timeout: float = 3.0,
        attempts: int = 3,
        line_delay_ratio: float = 1.0,
        max_package_length: int = 250,
        on_exchange: Callable[[Exchange], None] | None = None,
        statistics: Statistics | None = None,
    ) -> None:
        """Use an open link; `statistics` go on counting where another master left them.

        Raises ValueError for arguments that can't be.
        """
        check_settings(timeout, attempts, line_delay_ratio, max_package_length)
        line = Line(
            link,
            line_delay_ratio=line_delay_ratio,
            on_exchange=on_exchange,
            statistics=statistics,
        )
        self._session = Session(
            line,
            timeout=timeout * line_delay_ratio,
            attempts=attempts,
            max_package_length=max_package_length,
        )
        self._lock = asyncio.Lock()
        self._holder: asyncio.Task[Any] | None = None

    @asynccontextmanager
    async def hold(self) -> AsyncIterator[Session]:
        """Hold the line for requests that belong together; wait for whoever holds it.

        Raises RuntimeError in a task that holds it already, and would wait for itself for ever.
        """
        task = asyncio.current_task()
        if self._holder is not None and self._holder is task:
            raise RuntimeError("this task holds the line: let it ask by its session")
        async with self._lock:
            self._holder = task
            try:
                yield self._session
            finally:
                self._holder = None

    @property
    def link(self) -> Link:
        """The link in use; another one is a new way to the same bus."""
        return self.line.link

    @link.setter
    def link(self, link: Link) -> None:
        self._session.use(link)

    @property
    def line(self) -> Line:
        """The link as a line with waits."""
        return self._session.line

    @property
    def statistics(self) -> Statistics:
        """What happened on the line so far."""
        return self.line.statistics

    async def reset(
        self, address: int, *, attempts: int | None = None, wait: float | None = None
    ) -> None:
        """Reset the link layer of a meter (SND_NKE): its next telegram is the first.

        Raises ValueError for no address, NoReplyError, DamagedReplyError, LinkError.
        """
        async with self.hold() as session:
            await session.reset(address, attempts=attempts, wait=wait)

    async def select(
        self,
        address: SecondaryAddress,
        *,
        attempts: int | None = None,
        wait: float | None = None,
    ) -> None:
        """Select a meter by its secondary address; it then answers at 253, with its first telegram.

        Some meters take only one C field of SND_UD, and some compare another version or medium
        than they report: repetitions try these ways, and what worked is tried first next time.
        Raises NoReplyError, DamagedReplyError, LinkError.
        """
        async with self.hold() as session:
            await session.select(address, attempts=attempts, wait=wait)

    async def read(
        self,
        address: Address,
        *,
        identity: Identity | None = None,
        last_telegram: int | None = None,
        attempts: int | None = None,
        quirks: Quirks | None = None,
    ) -> Readout:
        """Read the telegrams of a meter, up to and including number `last_telegram`.

        Answers of a meter with another `identity`, or that doesn't match a secondary address, are
        left out. What was read before an error is returned with it; when nothing was, it is raised:
        NoReplyError, DamagedReplyError, ForeignReplyError, OtherMeterError, FrameError and its
        kinds, PackageTooLongError, LinkError. Raises ValueError for no address.
        """
        async with self.hold() as session:
            return await read(
                session,
                address,
                identity=identity,
                last_telegram=last_telegram,
                attempts=attempts,
                quirks=quirks,
            )


def check_settings(
    timeout: float, attempts: int, line_delay_ratio: float, max_package_length: int
) -> None:
    """Raise ValueError for settings of a master that can't be."""
    if not 0 < timeout < LONGEST_WAIT:
        raise ValueError(f"timeout is more than 0 s and below a day, not {timeout}")
    if attempts < 1:
        raise ValueError(f"attempts are 1 at least, not {attempts}")
    if not 0 < line_delay_ratio < LONGEST_WAIT:
        raise ValueError(
            f"line_delay_ratio is more than 0, and finite, not {line_delay_ratio}"
        )
    if not 1 <= max_package_length <= _LONGEST_PACKAGE:
        raise ValueError(
            f"max_package_length is within 1 to {_LONGEST_PACKAGE}, not {max_package_length}"
        )
