"""The ways in to a bus: a TCP port and a pseudo terminal, with the manners of real ones."""

from abc import ABC, abstractmethod
import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
import fcntl
import os
from pathlib import Path
import select
import struct
import termios
import tty
from typing import TYPE_CHECKING, Any, Literal, Protocol, override

from .frames import RequestReader

if TYPE_CHECKING:
    from .bus import SimulatedBus

CHARACTER_BITS = 11
# A frame begun and not gone on with for so long is given up.
LONGEST_GAP = 0.2

SPEEDS = {
    getattr(termios, f"B{baud_rate}"): baud_rate
    for baud_rate in (300, 600, 1200, 2400, 4800, 9600, 19200, 38400)
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Burst:
    """Bytes without a gap, that start some seconds after the end of the request."""

    delay: float
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """All that a gateway has to pass on for one request."""

    bursts: tuple[Burst, ...] = ()
    split: bool = False
    reset: bool = False
    down_time: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Deafness:
    """What a gateway does with bytes of a client in its first seconds: forgets or holds them."""

    seconds: float
    holds: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Packets:
    """How a gateway packs what it passes on: so many bytes, then a pause of so many seconds."""

    size: int
    pause: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Babble:
    """A character that comes by itself, again and again after so many seconds."""

    character: bytes
    every: float


class Client(Protocol):
    """Who asked."""

    def write(self, data: bytes) -> None:
        """Take bytes from the bus, or drop them if gone."""

    def abort(self) -> None:
        """Break the connection."""


class Gateway(ABC):
    """Passes bytes between a client and the bus, at the pace of the line.

    `latency` is added to every answer, in seconds, and so is what `jitter` says of each. What it
    passes on comes in `packets`, if it has some, and it may `babble`. A `dead` gateway takes requests
    and passes nothing on.
    """

    def __init__(
        self,
        bus: SimulatedBus,
        *,
        latency: float = 0.0,
        jitter: Callable[[], float] = lambda: 0.0,
        packets: Packets | None = None,
        babble: Babble | None = None,
    ) -> None:
        """Set up a way in to `bus`; nothing is open yet."""
        self.bus = bus
        self.latency = latency
        self.jitter = jitter
        self.packets = packets
        self.babble = babble
        self._in_order = asyncio.Lock()
        self.dead = False
        self.connections = 0
        self._line_free = 0.0
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def baud_rate(self) -> int | None:
        """The rate of the line behind this gateway."""
        return self.bus.baud_rate

    @property
    def character_time(self) -> float:
        """Seconds that a byte takes on the line, 0 if the bus is as fast as it can be."""
        if self.bus.baud_rate is None or self.baud_rate is None:
            return 0.0
        return CHARACTER_BITS / self.baud_rate

    @abstractmethod
    async def stop(self) -> None:
        """Break all connections and take no new ones."""

    @abstractmethod
    async def go_down(self, seconds: float) -> None:
        """Be away for some time."""

    async def close(self) -> None:
        """Stop for good; an exception in what was being sent is raised here."""
        for task in self._tasks:
            task.cancel()
        results = await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.stop()
        for result in results:
            if isinstance(result, Exception):
                raise result

    def received(self, data: bytes, reader: RequestReader, client: Client) -> None:
        """Put bytes of a client on the bus, and let it have the answers."""
        if self.dead:
            return
        now = asyncio.get_running_loop().time()
        if now - self._line_free > LONGEST_GAP:
            reader.forget()
        start = max(now, self._line_free)
        self._line_free = start + len(data) * self.character_time
        for frame in reader.feed(data):
            answer = self.bus.exchange(frame, self, start)
            self._send(answer, client)

    def _send(self, answer: Answer, client: Client) -> None:
        if answer.down_time is not None:
            self._start(self.go_down(answer.down_time))
            return
        slow = self.character_time or self.latency or self.packets
        at_once = not (slow or answer.split)
        if at_once and all(burst.delay <= 0 for burst in answer.bursts):
            for burst in answer.bursts:
                client.write(burst.data)
            if answer.reset:
                client.abort()
        else:
            since = self._line_free + self.latency + self.jitter()
            self._start(self._play(answer, client, since))

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        # A failed one is kept for `close` to raise.
        if task.cancelled() or not task.exception():
            self._tasks.discard(task)

    async def _play(self, answer: Answer, client: Client, since: float) -> None:
        for burst in answer.bursts:
            start = since + burst.delay
            if self.packets is None:
                await self._stream(burst.data, start, client, split=answer.split)
            else:
                async with self._in_order:
                    await self._pack(burst.data, start, client, self.packets)
        if answer.reset:
            client.abort()

    async def _pack(
        self, data: bytes, start: float, client: Client, packets: Packets
    ) -> None:
        """Write bytes packet by packet."""
        for begin in range(0, len(data), packets.size):
            if begin:
                await asyncio.sleep(packets.pause)
            packet = data[begin : begin + packets.size]
            await self._stream(
                packet, start + begin * self.character_time, client, split=False
            )

    async def _stream(
        self, data: bytes, start: float, client: Client, *, split: bool
    ) -> None:
        """Write bytes as their last bits leave the line; what is overdue goes in one piece."""
        character_time = self.character_time
        loop = asyncio.get_running_loop()
        sent = 0
        while sent < len(data):
            await asyncio.sleep(start + (sent + 1) * character_time - loop.time())
            if split:
                due = sent + 1
            elif character_time:
                due = max(sent + 1, int((loop.time() - start) / character_time))
            else:
                due = len(data)
            client.write(data[sent:due])
            sent = min(due, len(data))


class TcpGateway(Gateway):
    """A transparent TCP gateway.

    `second_client`: what happens to one that connects while another is there.
    """

    def __init__(
        self,
        bus: SimulatedBus,
        *,
        second_client: Literal["serve", "refuse", "hang", "steal"] = "serve",
        deaf: Deafness | None = None,
        **pace: Any,
    ) -> None:
        """Set up a gateway; `start` opens it."""
        super().__init__(bus, **pace)
        self.second_client = second_client
        self.deaf = deaf
        self.host = "127.0.0.1"
        self.port = 0
        self._clients: list[_TcpClient] = []
        self._server: asyncio.Server | None = None
        self._starting = asyncio.Lock()

    @property
    def is_listening(self) -> bool:
        """Whether a client can connect."""
        return self._server is not None

    async def start(self, host: str | None = None, port: int | None = None) -> int:
        """Listen, without arguments where it did before, if it doesn't yet; return the port."""
        async with self._starting:
            if self._server is None:
                self.host = self.host if host is None else host
                self._server = await asyncio.get_running_loop().create_server(
                    lambda: _TcpClient(self),
                    self.host,
                    self.port if port is None else port,
                )
                self.port = self._server.sockets[0].getsockname()[1]
        return self.port

    @override
    async def stop(self) -> None:
        server, self._server = self._server, None
        if server is None:
            return
        server.close()
        self.disconnect()
        await server.wait_closed()

    @override
    async def go_down(self, seconds: float) -> None:
        await self.stop()
        await asyncio.sleep(seconds)
        await self.start()

    def disconnect(self) -> None:
        """Break all connections; new ones are welcome."""
        for client in list(self._clients):
            client.abort()

    def hang_up(self) -> None:
        """Close all connections, as after some time in which they were idle."""
        for client in list(self._clients):
            client.close()

    def joined(self, client: _TcpClient) -> None:
        """Take note of a new client, and treat it as `second_client` says."""
        self.connections += 1
        if self._clients:
            match self.second_client:
                case "refuse":
                    client.abort()
                case "hang":
                    client.ignored = True
                case "steal":
                    self.disconnect()
        self._clients.append(client)

    def left(self, client: _TcpClient) -> None:
        """Take note that a client has gone."""
        self.connections -= 1
        self._clients.remove(client)


class _TcpClient(asyncio.Protocol):
    _transport: asyncio.Transport

    def __init__(self, gateway: TcpGateway) -> None:
        self.ignored = False
        self._gateway = gateway
        self._reader = RequestReader()
        self._loop = asyncio.get_running_loop()
        self._joined_at = self._loop.time()

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._gateway.joined(self)
        self._babble()

    @override
    def data_received(self, data: bytes) -> None:
        if self.ignored:
            return
        deaf = self._gateway.deaf
        if deaf is not None and self._loop.time() < self._joined_at + deaf.seconds:
            if deaf.holds:
                self._loop.call_at(self._joined_at + deaf.seconds, self._pass_on, data)
            return
        self._pass_on(data)

    def _pass_on(self, data: bytes) -> None:
        self._gateway.received(data, self._reader, self)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._gateway.left(self)

    def write(self, data: bytes) -> None:
        """Send bytes, unless the client has gone."""
        if not self._transport.is_closing():
            self._transport.write(data)

    def abort(self) -> None:
        """Break the connection at once."""
        self._transport.abort()

    def close(self) -> None:
        """Close the connection, after what is still to be sent."""
        self._transport.close()

    def _babble(self) -> None:
        babble = self._gateway.babble
        if babble is not None and not self._transport.is_closing():
            self.write(babble.character)
            self._loop.call_later(babble.every, self._babble)


class PtyGateway(Gateway):
    """A serial level converter: one end of a pseudo terminal.

    The rate of the line is the one that the client has set. With a `link` the terminal is found
    at that path, also after `hang_up` and another `start`; without, each has a path of its own.
    """

    def __init__(
        self, bus: SimulatedBus, *, link: str | Path | None = None, **pace: Any
    ) -> None:
        """Set up a converter; `start` plugs it in."""
        super().__init__(bus, **pace)
        self.path = ""
        self._link = None if link is None else Path(link)
        self._controller: int | None = None
        self._events: select.epoll | None = None
        self._reader = RequestReader()

    @property
    def is_listening(self) -> bool:
        """Whether it is plugged in."""
        return self._controller is not None

    async def start(self) -> str:
        """Make the terminal, if there is none yet, and return the path to open."""
        if self._controller is not None:
            return self.path
        self._controller, terminal = os.openpty()
        tty.setraw(terminal)
        self.path = os.ttyname(terminal)
        os.close(terminal)
        os.set_blocking(self._controller, False)
        # Packet mode: what is read says also when the client flushes, as it does on opening.
        fcntl.ioctl(self._controller, termios.TIOCPKT, struct.pack("i", 1))
        # Edge-triggered: while nobody has the terminal open, a hang-up is reported once only.
        self._events = select.epoll()
        self._events.register(self._controller, select.EPOLLIN | select.EPOLLET)
        asyncio.get_running_loop().add_reader(self._events.fileno(), self._ready)
        if self._link is not None:
            self._link.unlink(missing_ok=True)
            self._link.symlink_to(self.path)
            self.path = str(self._link)
        self._babble()
        return self.path

    @property
    @override
    def baud_rate(self) -> int | None:
        if self._controller is None:
            return None
        return SPEEDS.get(termios.tcgetattr(self._controller)[5])

    @override
    async def stop(self) -> None:
        self.hang_up()

    @override
    async def go_down(self, seconds: float) -> None:
        self.hang_up()
        await asyncio.sleep(seconds)
        await self.start()

    def hang_up(self) -> None:
        """Pull the plug: who has the terminal open gets a hang-up, and the link goes."""
        if self._controller is None or self._events is None:
            return
        asyncio.get_running_loop().remove_reader(self._events.fileno())
        self._events.close()
        os.close(self._controller)
        self._controller = self._events = None
        if self._link is not None:
            self._link.unlink(missing_ok=True)

    def write(self, data: bytes) -> None:
        """Send bytes, unless nobody has the terminal open."""
        if self._controller is not None:
            with suppress(BlockingIOError):
                os.write(self._controller, data)

    def _babble(self) -> None:
        if self.babble is not None and self._controller is not None:
            self.write(self.babble.character)
            asyncio.get_running_loop().call_later(self.babble.every, self._babble)

    def abort(self) -> None:
        """Pull the plug and put it in again."""
        self._start(self.go_down(0))

    disconnect = abort

    def _ready(self) -> None:
        assert self._events is not None and self._controller is not None
        self._events.poll(0)
        self._leave_a_mark()
        while self._controller is not None:
            try:
                data = os.read(self._controller, 4096)
            except BlockingIOError:
                return
            except OSError:
                # EIO: nobody has the terminal open.
                self._reader.forget()
                return
            if data[0] == termios.TIOCPKT_DATA:
                self.received(data[1:], self._reader, self)

    def _leave_a_mark(self) -> None:
        """Change a setting that every client changes back.

        A terminal of this kind can't hold parity: it clears the flag. Where nothing else is to
        change, setting the same parity again then is an error (EINVAL) to the C library.
        """
        assert self._controller is not None
        settings = termios.tcgetattr(self._controller)
        if not settings[3] & termios.ECHONL:
            settings[3] |= termios.ECHONL
            termios.tcsetattr(self._controller, termios.TCSANOW, settings)
