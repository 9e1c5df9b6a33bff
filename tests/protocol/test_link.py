"""Links: opening, losing, closing, and what they learn of the way."""

import asyncio
import socket

import pytest

from custom_components.mbus.protocol import (
    Link,
    LinkBusyError,
    LinkError,
    LinkFloodedError,
    LinkNotFoundError,
    LinkOpenError,
    LinkRefusedError,
    LinkSettings,
    LinkTimeoutError,
    Master,
    SerialSettings,
    TcpSettings,
    open_link,
    parse_link_url,
    short_frame,
)
from tests.simulator import SimulatedBus, WaterMeter

from .lines import Kind, flood, open_files, serve

pytestmark = pytest.mark.usefixtures("socket_enabled")
both = pytest.mark.parametrize("kind", ["tcp", "pty"])


@both
async def test_bytes_go_and_come(kind: Kind) -> None:
    """What is written reaches the bus, what it answers is read."""
    async with SimulatedBus([WaterMeter(1)]) as bus:
        link = await open_link(await serve(bus, kind))
        link.write(short_frame(0x40, 1))
        assert await link.read(1) == b"\xe5"
        assert await link.read(0.01) == b""
        assert await link.read(0) == b""
        await link.close()
        assert not link.is_open
        assert bus.requests == [short_frame(0x40, 1)]


@both
async def test_nothing_is_left_of_a_closed_link(kind: Kind) -> None:
    """No file descriptor leaks, however often a link is opened."""
    async with SimulatedBus([WaterMeter(1)]) as bus:
        settings = await serve(bus, kind)
        link = await open_link(settings)
        await link.close()
        before = open_files()
        for _ in range(5):
            link = await open_link(settings)
            await link.close()
            await link.close()
        await asyncio.sleep(0)
        assert open_files() <= before


@both
async def test_a_lost_link_says_so(kind: Kind) -> None:
    """Reading, waiting and writing raise LinkError once the other side has gone."""
    async with SimulatedBus([WaterMeter(1)]) as bus:
        settings = await serve(bus, kind)
        link = await open_link(settings)
        reading = asyncio.create_task(link.read(5))
        await asyncio.sleep(0.01)
        await bus.gateways[0].stop()
        with pytest.raises(LinkError, match=str(settings)):
            await reading
        with pytest.raises(LinkError):
            link.write(b"\x00")
        with pytest.raises(LinkError):
            await link.read(0)
        assert not link.is_open
        await link.close()


async def test_what_came_before_the_end_is_still_read() -> None:
    """Bytes that arrived are not lost with the link."""
    async with SimulatedBus([WaterMeter(1)]) as bus:
        link = await open_link(await serve(bus, "tcp"))
        link.write(short_frame(0x40, 1))
        await asyncio.sleep(0.02)
        await bus.gateways[0].stop()
        await asyncio.sleep(0.02)
        assert await link.read(1) == b"\xe5"
        with pytest.raises(LinkError):
            await link.read(1)
        await link.close()


async def test_a_port_is_opened_once() -> None:
    """A second program finds the port in use."""
    async with SimulatedBus() as bus:
        settings = await serve(bus, "pty")
        link = await open_link(settings)
        with pytest.raises(LinkBusyError, match="in use"):
            await open_link(settings)
        await link.close()


@pytest.mark.parametrize(
    ("settings", "error"),
    [
        (SerialSettings(port="/dev/no-such-port"), LinkNotFoundError),
        (SerialSettings(port="nothing://here"), LinkError),
        (SerialSettings(port="/dev/null"), LinkNotFoundError),
        (SerialSettings(port="/dev"), LinkNotFoundError),
        (SerialSettings(port="/dev/null/0"), LinkNotFoundError),
    ],
)
async def test_links_that_cannot_be_opened(
    settings: LinkSettings, error: type[LinkError]
) -> None:
    """Each reason has its error, which names the link."""
    with pytest.raises(error) as caught:
        await open_link(settings)
    assert str(settings) in str(caught.value)


async def test_an_unknown_host(monkeypatch: pytest.MonkeyPatch) -> None:
    """The name can't be resolved."""

    async def resolve(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", resolve)
    with pytest.raises(LinkNotFoundError, match="no host"):
        await open_link(TcpSettings(host="nowhere.invalid", port=10001))


async def test_a_closed_port_refuses() -> None:
    """Nobody listens."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    with pytest.raises(LinkError, match="refuses"):
        await open_link(TcpSettings(host="127.0.0.1", port=port))


def resolve_to(monkeypatch: pytest.MonkeyPatch, *places: tuple[str, int]) -> None:
    """Let any name have these addresses."""

    async def resolve(*_: object, **__: object) -> list[tuple[object, ...]]:
        return [
            (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", place)
            for place in places
        ]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", resolve)


async def test_a_host_of_several_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    """It refuses if it does at all of them, and is reached by any."""
    async with SimulatedBus([WaterMeter(1)]) as bus:
        port = await bus.serve_tcp()
        with (
            socket.socket() as unused,
            socket.socket() as other,
            socket.socket() as full,
        ):
            for one in (unused, other, full):
                one.bind(("127.0.0.1", 0))
            resolve_to(monkeypatch, unused.getsockname(), other.getsockname())
            with pytest.raises(LinkRefusedError, match="gateway:7 refuses"):
                await open_link(TcpSettings(host="gateway", port=7))

            # Nobody takes who is queued there: the next one has no answer.
            full.listen(0)
            with socket.create_connection(full.getsockname()):
                resolve_to(monkeypatch, full.getsockname(), ("127.0.0.1", port))
                settings = TcpSettings(host="gateway", port=7)
                async with open_link(settings, timeout=5) as link:
                    assert (await Master(link, timeout=0.3).read(1)).complete


async def test_a_serial_url() -> None:
    """A socket by way of the serial library is a serial port over the network."""
    async with SimulatedBus([WaterMeter(1)]) as bus:
        port = await bus.serve_tcp()
        settings = parse_link_url(f"socket://127.0.0.1:{port}")
        assert isinstance(settings, SerialSettings)
        assert settings.over_network
        link = await open_link(settings)
        link.write(short_frame(0x40, 1))
        assert await link.read(1) == b"\xe5"
        assert not link.has_baud_rate
        await link.close()


@pytest.mark.parametrize(
    ("url", "settings"),
    [
        ("tcp://host:10001", TcpSettings(host="host", port=10001)),
        ("tcp://[::1]:502", TcpSettings(host="::1", port=502)),
        ("/dev/ttyUSB0", SerialSettings(port="/dev/ttyUSB0")),
        ("rfc2217://host:1", SerialSettings(port="rfc2217://host:1")),
    ],
)
def test_link_urls(url: str, settings: LinkSettings) -> None:
    """A device or a URL names a link."""
    assert parse_link_url(url) == settings


@pytest.mark.parametrize("url", ["tcp://host", "tcp://:1", "tcp://host:none"])
def test_bad_link_urls(url: str) -> None:
    """What lacks something is refused."""
    with pytest.raises(ValueError, match=r"host|port|Port"):
        parse_link_url(url)


async def test_baud_rate_of_a_serial_port() -> None:
    """The rate of an open port changes."""
    async with SimulatedBus() as bus:
        link = await open_link(await serve(bus, "pty"))
        await link.set_baud_rate(9600)
        assert link.baud_rate == 9600
        assert bus.gateways[0].baud_rate == 9600
        await link.close()


async def test_latency_is_learnt_from_several_answers() -> None:
    """A few fast answers lower it, one slow answer raises it; after a late one it stays high for a while."""
    link = Link(TcpSettings(host="host", port=1))
    unlearnt = link.latency
    assert unlearnt == 0.5
    link.learn_latency(0.01)
    link.learn_latency(0.02)
    assert link.latency == unlearnt
    link.learn_latency(0.01)
    assert link.latency == 0.02
    link.learn_latency(0.8)
    assert link.latency == 0.8
    link.unlearn_latency()
    assert link.latency == unlearnt
    for _ in range(3):
        link.learn_latency(0)
    assert link.latency == unlearnt


async def test_latency_of_a_serial_port() -> None:
    """It starts at less than a network's."""
    assert Link(SerialSettings(port="/dev/ttyUSB0")).latency == 0.1


@both
async def test_a_link_for_which_nobody_asked(kind: Kind) -> None:
    """What comes without a request is kept up to a limit; then the link is closed, and says so."""
    async with SimulatedBus([WaterMeter(1)]) as bus:
        lost = asyncio.get_running_loop().create_future()
        link = await open_link(await serve(bus, kind), on_lost=lost.set_result)
        link.write(short_frame(0x40, 1))
        assert await link.read(1) == b"\xe5"
        flooding = asyncio.create_task(flood(bus))
        assert isinstance(await lost, LinkFloodedError)
        flooding.cancel()
        with pytest.raises(LinkFloodedError, match="without being asked"):
            await link.read(1)
        with pytest.raises(LinkFloodedError):
            link.write(b"\x00")
        await link.close()
        assert not link.is_open


class Refusal(Exception):
    """An error that only a serial URL's handler knows."""


async def test_any_error_of_a_serial_url(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a handler raises is told as a link that can't be opened."""

    async def connect(*_: object, **__: object) -> None:
        raise Refusal("the device is not ready")

    monkeypatch.setattr("serialx.create_serial_connection", connect)
    with pytest.raises(LinkOpenError, match="esphome-hass://x can't be opened: the d"):
        await open_link(SerialSettings(port="esphome-hass://x"))


async def test_an_opening_that_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """A way that accepts nothing is given up in time, and nothing of it is left."""

    async def connect(*_: object, **__: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr("serialx.create_serial_connection", connect)
    with pytest.raises(LinkTimeoutError) as caught:
        await open_link(SerialSettings(port="/dev/ttyUSB0"), timeout=0.01)
    assert caught.value.timeout == 0.01
