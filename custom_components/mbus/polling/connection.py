"""The bus as Home Assistant uses it: which way leads to it, and who may speak when."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from copy import copy
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from homeassistant.const import CONF_HOST, CONF_PORT, CONF_TYPE
from homeassistant.core import callback
from homeassistant.util import dt as dt_util

from ..const import (
    CONF_ATTEMPTS,
    CONF_BACKUP,
    CONF_BAUD_RATE,
    CONF_DATA_BITS,
    CONF_LINE_DELAY_RATIO,
    CONF_MAX_PACKAGE_LENGTH,
    CONF_PARITY,
    CONF_SHUTDOWN_TIMEOUT,
    CONF_STOP_BITS,
    CONF_TIMEOUT,
    CONF_TRACE_LENGTH,
    DEFAULT_OPTIONS,
    LOGGER,
    TYPE_SERIAL,
)
from ..meters.reason import Reason
from ..protocol import (
    Bus,
    Exchange,
    LinkError,
    LinkSettings,
    MBusError,
    SerialSettings,
    TcpSettings,
    Way,
)
from .trace import BusTrace


def link_settings(data: Mapping[str, Any]) -> LinkSettings:
    """Return how to open the link described by an entry's data."""
    if data[CONF_TYPE] == TYPE_SERIAL:
        return SerialSettings(
            port=data[CONF_PORT],
            baud_rate=data[CONF_BAUD_RATE],
            parity=data[CONF_PARITY],
            data_bits=data[CONF_DATA_BITS],
            stop_bits=data[CONF_STOP_BITS],
        )
    return TcpSettings(
        host=data[CONF_HOST], port=data[CONF_PORT], baud_rate=data[CONF_BAUD_RATE]
    )


def all_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of a connection, with the defaults of those that are not set."""
    return DEFAULT_OPTIONS | dict(options)


def create_bus(
    data: Mapping[str, Any],
    options: Mapping[str, Any],
    on_exchange: Callable[[Exchange], None] | None = None,
    on_change: Callable[[], None] | None = None,
) -> Bus:
    """Return the bus, not yet open, that a connection's data and options describe."""
    options = all_options(options)
    backup = options.get(CONF_BACKUP)
    return Bus(
        link_settings(data),
        link_settings(backup) if backup else None,
        timeout=options[CONF_TIMEOUT] / 1000,
        attempts=options[CONF_ATTEMPTS],
        line_delay_ratio=options[CONF_LINE_DELAY_RATIO],
        max_package_length=options[CONF_MAX_PACKAGE_LENGTH],
        on_exchange=on_exchange,
        on_change=on_change,
    )


type Urgency = bool | Callable[[], bool]
"""Whether a person waits; asked for when the line is free, since a person may join what a timer began."""


class Turns:
    """A lock that lets what a person asked for go before what a timer asked for."""

    def __init__(self) -> None:
        """Start with nobody speaking."""
        self._taken = False
        self._waiting: list[tuple[Urgency, asyncio.Future[None]]] = []

    @asynccontextmanager
    async def turn(self, *, urgent: Urgency = False) -> AsyncIterator[None]:
        """Wait for the line to be free and hold it."""
        if self._taken:
            mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append((urgent, mine))
            try:
                await mine
            except asyncio.CancelledError:
                if mine.done() and not mine.cancelled():
                    self._pass_on()
                raise
        self._taken = True
        try:
            yield
        finally:
            self._pass_on()

    def _pass_on(self) -> None:
        # The line stays taken between its holders, so that nobody can slip in.
        waiting = self._waiting = [one for one in self._waiting if not one[1].done()]
        if waiting:
            following = next((one for one in waiting if _is_urgent(one[0])), waiting[0])
            waiting.remove(following)
            following[1].set_result(None)
        else:
            self._taken = False


def _is_urgent(urgency: Urgency) -> bool:
    return urgency() if callable(urgency) else urgency


CLOSED = Reason("closed")
STOPPED_BY_USER = Reason("stopped_by_user")
STOPPED_BY_MEMORY_LIMIT = Reason("stopped_by_memory_limit")


@dataclass(eq=False, kw_only=True)
class ConnectionStoppedError(MBusError):
    """The connection is stopped: nothing is asked on its bus."""

    reason: Reason
    _text = "the connection is stopped"


class Connection:
    """One bus and its queue: everything that speaks on it goes through `turn`.

    `stopped` says why nothing is asked, None while it runs. `outage` is what the first transaction met that could not
    reach the bus, None when the last one did. `last_error` is that of the last transaction that failed, `failures` how
    many did.
    """

    def __init__(
        self,
        title: str,
        data: Mapping[str, Any],
        options: Mapping[str, Any],
        *,
        stopped: Reason | None,
        on_change: Callable[[], None],
    ) -> None:
        """Prepare the bus; nothing is opened yet. `on_change` is called when another way is in use, or none."""
        self._title = title
        options = all_options(options)
        self._shutdown_timeout = options[CONF_SHUTDOWN_TIMEOUT] / 1000
        self._turns = Turns()
        length = options[CONF_TRACE_LENGTH]
        self.trace = BusTrace(length)
        self._on_change = on_change
        self.bus = create_bus(
            data,
            options,
            on_exchange=self.trace.add if length else None,
            on_change=self._note_way,
        )
        self.stopped = stopped
        self.outage: LinkError | None = None
        self.last_error: MBusError | None = None
        self.last_error_time: datetime | None = None
        self.failures = 0
        self._on_backup = False

    def _note_way(self) -> None:
        """Say once that the backup connection took over, and once that the master is in use again."""
        way, was_on_backup = self.bus.active, self._on_backup
        if way is not None:
            self._on_backup = way is Way.BACKUP
        if self._on_backup and not was_on_backup:
            self._keep_error(self.bus.error)
            LOGGER.warning(
                "%s takes over from %s: %s",
                self.bus.ways[Way.BACKUP],
                self.bus.ways[Way.MASTER],
                self.last_error,
            )
        elif was_on_backup and not self._on_backup:
            LOGGER.info("%s is in use again", self.bus.ways[Way.MASTER])
        self._on_change()

    @callback
    def async_set_stopped(self, reason: Reason | None) -> None:
        """Let nothing be asked any more, for a reason, or without one again; what is closed stays so."""
        if self.stopped is not CLOSED:
            self.stopped = reason

    async def async_open(self) -> None:
        """Open the link. Raises LinkError when no way leads to the bus."""
        await self.bus.open()

    async def async_close(self) -> None:
        """Close the link, after the transaction on the wire or the shutdown timeout, whichever is first."""
        self.async_set_stopped(CLOSED)
        with suppress(TimeoutError):
            async with (
                asyncio.timeout(self._shutdown_timeout),
                self._turns.turn(urgent=True),
            ):
                pass
        await self.bus.close()

    @asynccontextmanager
    async def turn(self, *, urgent: Urgency = False) -> AsyncIterator[Bus]:
        """Hold the line; `urgent` (a person waits) goes before the timers.

        Raises ConnectionStoppedError while the connection is stopped.
        """
        async with self._turns.turn(urgent=urgent):
            if self.stopped:
                raise ConnectionStoppedError(reason=self.stopped)
            requests = self.bus.statistics.requests
            try:
                yield self.bus
            except MBusError as err:
                self._keep_error(err)
                self.failures += 1
                if isinstance(err, LinkError):
                    self._note_outage(err)
                elif self.bus.statistics.requests > requests:
                    self._note_outage(None)
                raise
            if self.bus.statistics.requests > requests:
                self._note_outage(None)

    def _keep_error(self, error: MBusError | None) -> None:
        self.last_error = copy(error)  # Without where it was raised.
        self.last_error_time = dt_util.utcnow()

    def _note_outage(self, error: LinkError | None) -> None:
        """Say once that the bus can't be reached, and once that it is back."""
        if self.stopped or (self.outage is None) == (error is None):
            return
        self.outage = error
        if error:
            LOGGER.error("%s: no connection to the bus: %s", self._title, error)
        else:
            LOGGER.info("%s: the connection to the bus is back", self._title)
