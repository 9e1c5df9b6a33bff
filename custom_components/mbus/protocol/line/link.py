"""A way to the bus: bytes over a serial port or a TCP gateway, and how long the way takes."""

import asyncio
from collections import deque
from collections.abc import Callable, Generator
from copy import copy
import errno
import logging
import socket
from typing import TYPE_CHECKING, Any, cast, override

from ..errors import (
    LinkBusyError,
    LinkClosedError,
    LinkEndedError,
    LinkError,
    LinkFloodedError,
    LinkLostError,
    LinkNotFoundError,
    LinkOpenError,
    LinkPermissionError,
    LinkRateError,
    LinkRefusedError,
    LinkTimeoutError,
)
from .settings import LONGEST_WAIT, LinkSettings, SerialSettings, TcpSettings

if TYPE_CHECKING:
    from serialx import BaseSerialTransport

_LOGGER = logging.getLogger(__name__)

OPEN_TIMEOUT = 10.0
CLOSE_TIMEOUT = 2.0
_NEXT_ADDRESS = 0.25
"""Seconds after which another address of a host is tried beside the one before."""

_SERIAL_LATENCY = 0.1
_NETWORK_LATENCY = 0.5
_ENOUGH = 3
"""Answers that a latency is learnt from."""
_UNSTEADY = 20.0
"""Seconds for which a latency isn't learnt anew after an answer was later than that."""
_SERIAL_GAP = 0.05
_NETWORK_GAP = 0.3

LONGEST_UNASKED = 0x10000
"""Bytes since the last request, after which a link is closed: no meter sends so much."""
_PIECE = 0x1000
"""Bytes that are read at once, so that even a flood leaves the event loop to others."""

_NO_PORT = frozenset(
    {errno.ENOENT, errno.ENODEV, errno.ENXIO, errno.ENOTDIR, errno.EISDIR, errno.ENOTTY}
)
"""What the system says where there is no serial port."""

_KEEPALIVE = {
    "SO_KEEPALIVE": (socket.SOL_SOCKET, 1),
    "TCP_KEEPIDLE": (socket.IPPROTO_TCP, 60),
    "TCP_KEEPINTVL": (socket.IPPROTO_TCP, 15),
    "TCP_KEEPCNT": (socket.IPPROTO_TCP, 4),
}


class Link(asyncio.Protocol):
    """An open way to the bus. `open_link` makes one.

    Whoever uses it sees to it that one transaction is on the bus at a time.
    """

    def __init__(
        self,
        settings: LinkSettings,
        on_lost: Callable[[LinkError], None] | None = None,
    ) -> None:
        """Prepare what `open_link` connects."""
        self.settings = settings
        self._on_lost = on_lost
        self.baud_rate = settings.baud_rate
        self.gap = _NETWORK_GAP if settings.over_network else _SERIAL_GAP
        """Longest pause (s) that the way itself puts between bytes of one frame."""
        self.latency_unlearnt = (
            _NETWORK_LATENCY if settings.over_network else _SERIAL_LATENCY
        )
        self._loop = asyncio.get_running_loop()
        self.opened_at = self.last_byte_at = self.last_request_at = self._loop.time()
        self._delays: deque[float] = deque(maxlen=8)
        self._unsteady_for, self._unsteady_until = _UNSTEADY, 0.0
        self._received = bytearray()
        self._unasked = 0
        self._waiter: asyncio.Future[None] | None = None
        self._transport: asyncio.Transport | None = None
        self._closed = self._loop.create_future()
        self.error: LinkError | None = None
        """Why the link ended."""

    @property
    def is_open(self) -> bool:
        """Bytes can be written and read."""
        return self._transport is not None and self.error is None

    @property
    def latency(self) -> float:
        """Time (s) by which answers come later than the standard says.

        The longest of the last few, so rather too long than too short.
        """
        longest = max(self._delays, default=0.0)
        is_known = self.is_learnt and self._loop.time() >= self._unsteady_until
        return max(longest, 0.003 if is_known else self.latency_unlearnt)

    @property
    def is_learnt(self) -> bool:
        """Whether enough answers told of the latency."""
        return len(self._delays) >= _ENOUGH

    def learn_latency(self, delay: float) -> None:
        """Take note of how much later than the earliest possible moment an answer came."""
        self._delays.append(min(delay, 4 * self.latency_unlearnt))

    def unlearn_latency(self) -> None:
        """Forget what was learnt, as an answer came later than that; for longer each time."""
        self._delays.clear()
        self._unsteady_until = self._loop.time() + self._unsteady_for
        self._unsteady_for *= 2

    def write(self, data: bytes) -> None:
        """Send bytes without a gap. Raises LinkError when the link is lost."""
        self._raise_if_lost()
        assert self._transport is not None
        self._unasked = 0
        self.last_request_at = self._loop.time()
        try:
            self._transport.write(data)
        except Exception as err:  # noqa: BLE001 - each serial library has errors of its own.
            self._lost(err)
        self._raise_if_lost()

    async def read(self, timeout: float) -> bytes:
        """Return what arrived, waiting for it up to `timeout` seconds; nothing if nothing came.

        Raises LinkError when the link is lost.
        """
        if self._received or timeout <= 0:
            await asyncio.sleep(0)
        if not self._received and timeout > 0:
            if self.error is None:
                self._waiter = self._loop.create_future()
                timer = self._loop.call_later(timeout, self._wake)
                try:
                    await self._waiter
                finally:
                    timer.cancel()
                    self._waiter = None
        if not self._received:
            self._raise_if_lost()
        data = bytes(self._received[:_PIECE])
        del self._received[:_PIECE]
        return data

    @property
    def has_baud_rate(self) -> bool:
        """The rate on the bus is set from here, not by a gateway."""
        settings = self.settings
        return isinstance(settings, SerialSettings) and not settings.port.startswith(
            ("socket:", "tcp:")
        )

    async def set_baud_rate(self, baud_rate: int) -> None:
        """Change the speed of the serial port. Raises LinkError."""
        self._raise_if_lost()
        transport = cast("BaseSerialTransport", self._transport)
        try:
            await transport.reconfigure_port(baudrate=baud_rate)
        except Exception as err:
            raise LinkRateError(
                link=str(self.settings), baud_rate=baud_rate, reason=_reason(err)
            ) from err
        self.baud_rate = baud_rate

    async def close(self) -> None:
        """Close the link; returns when nothing of it is left."""
        if self._transport is None:
            return
        self.error = self.error or LinkClosedError(link=str(self.settings))
        self._wake()
        self._transport.close()
        _, pending = await asyncio.wait([self._closed], timeout=CLOSE_TIMEOUT)
        if pending:
            self._transport.abort()
            await self._closed

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take over the transport (called by asyncio)."""
        self._transport = cast(asyncio.Transport, transport)
        connection = transport.get_extra_info("socket")
        if isinstance(self.settings, TcpSettings) and connection is not None:
            for name, (level, value) in _KEEPALIVE.items():
                if hasattr(socket, name):
                    connection.setsockopt(level, getattr(socket, name), value)

    @override
    def data_received(self, data: bytes) -> None:
        """Keep what arrived (called by asyncio)."""
        if self.error is not None:
            return
        self._received += data
        self._unasked += len(data)
        self.last_byte_at = self._loop.time()
        if self._unasked > LONGEST_UNASKED and self._transport is not None:
            self._received.clear()
            self._end(LinkFloodedError(link=str(self.settings), limit=LONGEST_UNASKED))
            self._transport.abort()
        self._wake()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        """Note why the link ended (called by asyncio)."""
        self._lost(exc)
        if not self._closed.done():
            self._closed.set_result(None)

    def _lost(self, exc: Exception | None) -> None:
        link = str(self.settings)
        if exc is None:
            self._end(LinkEndedError(link=link))
            return
        error = LinkLostError(link=link, reason=_reason(exc))
        error.__cause__ = exc
        self._end(error)

    def _end(self, error: LinkError) -> None:
        if self.error is None:
            self.error = error
            if self._on_lost is not None:
                self._on_lost(error)
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _raise_if_lost(self) -> None:
        if self.error is not None:
            # Each who is told gets his own: an exception collects where it was raised.
            raise copy(self.error) from self.error.__cause__


def open_link(
    settings: LinkSettings,
    *,
    timeout: float = OPEN_TIMEOUT,
    on_lost: Callable[[LinkError], None] | None = None,
) -> Opening:
    """Open the serial port or connect to the gateway, within `timeout` seconds.

    To be awaited for the link, or used in `async with`, which closes it. `on_lost` is called with the
    reason when the link ends without having been closed. Raises LinkBusyError when
    another program has the port, LinkNotFoundError when there is no such port or host, LinkError for
    anything else; each says which link and why. Raises ValueError for a timeout that can't be.
    """
    if not 0 < timeout < LONGEST_WAIT:
        raise ValueError(f"timeout is more than 0 s and below a day, not {timeout}")
    return Opening(settings, timeout, on_lost)


class Opening:
    """A link that is about to be opened."""

    def __init__(
        self,
        settings: LinkSettings,
        timeout: float,
        on_lost: Callable[[LinkError], None] | None,
    ) -> None:
        """Know the way; nothing is opened yet."""
        self._settings = settings
        self._timeout = timeout
        self._on_lost = on_lost
        self._link: Link | None = None

    def __await__(self) -> Generator[Any, None, Link]:
        """Open the link."""
        return self._open().__await__()

    async def __aenter__(self) -> Link:
        """Open the link."""
        self._link = await self
        return self._link

    async def __aexit__(self, *_: object) -> None:
        """Close it."""
        if self._link is not None:
            await self._link.close()

    async def _open(self) -> Link:
        settings = self._settings
        link = Link(settings, self._on_lost)
        try:
            async with asyncio.timeout(self._timeout):
                await _connect(link)
        except TimeoutError as err:
            await link.close()
            raise LinkTimeoutError(link=str(settings), timeout=self._timeout) from err
        except Exception as err:
            # Each handler of a serial URL has errors of its own.
            await link.close()
            raise _open_error(settings, err) from err
        except BaseException:
            await link.close()
            raise
        _LOGGER.debug("Opened %s", settings)
        return link


async def _connect(link: Link) -> None:
    loop, settings = asyncio.get_running_loop(), link.settings
    if isinstance(settings, TcpSettings):
        # Of several addresses, one that is silent must not use up the time of the others.
        await loop.create_connection(  # type: ignore[call-overload]
            lambda: link,
            settings.host,
            settings.port,
            happy_eyeballs_delay=_NEXT_ADDRESS,
            all_errors=True,
        )
        return
    # Only here, so that decoding needs no serial library.
    import serialx

    await serialx.create_serial_connection(
        loop,
        lambda: link,
        settings.port,
        baudrate=settings.baud_rate,
        parity=serialx.Parity(settings.parity),
        stopbits=serialx.StopBits(settings.stop_bits),
        byte_size=settings.data_bits,
    )


def _open_error(settings: LinkSettings, err: Exception) -> LinkError:
    link = str(settings)
    match err:
        case ExceptionGroup(exceptions=errors):
            # Of a host with several addresses: who refuses is there, the others may not be.
            known = [_open_error(settings, error) for error in errors]
            return next(
                (one for one in known if isinstance(one, LinkRefusedError)), known[-1]
            )
        case OSError(errno=errno.EBUSY):
            return LinkBusyError(link=link)
        case socket.gaierror():
            return LinkNotFoundError(link=link, kind="host")
        case OSError(errno=number) if number in _NO_PORT:
            return LinkNotFoundError(link=link, kind="port")
        case ConnectionRefusedError():
            return LinkRefusedError(link=link)
        case PermissionError():
            return LinkPermissionError(link=link)
    return LinkOpenError(link=link, reason=_reason(err))


def _reason(err: Exception) -> str:
    said = err.strerror if isinstance(err, OSError) else None
    return said or str(err) or type(err).__name__
