"""A bus with one way or two to it: opening again, switching over, coming back."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from custom_components.mbus.protocol import (
    Bus,
    Identity,
    Link,
    LinkClosedError,
    LinkError,
    LinkFloodedError,
    LinkSettings,
    LinkTimeoutError,
    MBusError,
    NoReplyError,
    NoWayError,
    OtherMeterError,
    SerialSettings,
    TcpSettings,
    Way,
    open_link,
)
from custom_components.mbus.protocol.line import link as link_module
from custom_components.mbus.protocol.master import (
    bus as bus_module,
    search as search_module,
    ways as ways_module,
)
from tests.simulator import CodedMeter, Fault, SimulatedBus, TcpGateway

from .lines import SOUND, Kind, flood, happens, places, serve

pytestmark = pytest.mark.usefixtures("socket_enabled")

NOWHERE = TcpSettings(host="127.0.0.1", port=1)
TIMEOUT = 0.08


@pytest.fixture(autouse=True)
def quick_back_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """Try again at once, and expect a fast network."""
    monkeypatch.setattr(ways_module, "BACK_OFF", (0.0,))
    monkeypatch.setattr(link_module, "_NETWORK_LATENCY", 0.01)


@asynccontextmanager
async def opened(*ways: LinkSettings, **options: Any) -> AsyncIterator[Bus]:
    """Open a bus by the ways to it."""
    bus = Bus(*ways, **({"timeout": TIMEOUT, "attempts": 2} | options))
    await bus.open()
    try:
        yield bus
    finally:
        await bus.close()


@asynccontextmanager
async def served(*first: LinkSettings) -> AsyncIterator[tuple[Bus, SimulatedBus]]:
    """Open a bus that one gateway leads to, after other ways."""
    async with (
        SimulatedBus([CodedMeter(1)]) as simulated,
        opened(*first, await serve(simulated, "tcp")) as bus,
    ):
        yield bus, simulated


def gateway(simulated: SimulatedBus, number: int) -> TcpGateway:
    """Give a gateway of the simulated bus."""
    found = simulated.gateways[number]
    assert isinstance(found, TcpGateway)
    return found


def way(bus: Bus) -> Way | None:
    """Give the way in use, as it may change at any time."""
    return bus.active


def open_ways(simulated: SimulatedBus) -> list[bool]:
    """Say over which of the gateways someone is connected."""
    return [
        gateway(simulated, n).connections > 0 for n in range(len(simulated.gateways))
    ]


# One way


@pytest.mark.parametrize("kind", ["tcp", "pty"])
async def test_open_read_close(kind: Kind) -> None:
    """All is well."""
    async with SimulatedBus([CodedMeter(1)]) as simulated:
        bus = Bus(await serve(simulated, kind), timeout=TIMEOUT)
        assert way(bus) is None
        async with opened(await serve(simulated, kind)) as bus:
            assert way(bus) is Way.MASTER
            assert bus.error is None
            assert len((await bus.read(1, quirks=SOUND)).telegrams) == 3
            assert bus.statistics.replies == 4
        assert way(bus) is None


async def test_nothing_to_open() -> None:
    """The reason is told, of both ways if there are two."""
    with pytest.raises(LinkError, match=r"127\.0\.0\.1:1"):
        await Bus(NOWHERE).open()
    with pytest.raises(LinkError, match=r"127\.0\.0\.1:1 .*127\.0\.0\.1:2"):
        await Bus(NOWHERE, TcpSettings(host="127.0.0.1", port=2)).open()


async def test_back_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """A link that can't be opened is tried again ever more rarely."""
    monkeypatch.setattr(ways_module, "BACK_OFF", (0.0, 60.0))
    async with served() as (bus, simulated):
        await gateway(simulated, 0).stop()
        for _ in range(2):
            with pytest.raises(LinkError):
                await bus.read(1)
        await gateway(simulated, 0).start()
        with pytest.raises(LinkError, match="refuses"):
            await bus.read(1)
        assert simulated.requests == []
        await bus.open()
        assert len((await bus.read(1)).telegrams) == 3


@pytest.mark.parametrize("kind", ["tcp", "pty"])
async def test_a_link_that_breaks_comes_back(kind: Kind, tmp_path: Any) -> None:
    """The readout under way is made once more over the new link."""
    options = {"link": tmp_path / "port"} if kind == "pty" else {}
    async with SimulatedBus([CodedMeter(1)]) as simulated:
        settings = await serve(simulated, kind, **options)
        async with opened(settings, attempts=3) as bus:
            for step in range(4):
                start = len(simulated.requests) + step

                def is_this(_: bytes, start: int = start) -> bool:
                    return len(simulated.requests) == start

                simulated.faults.once(Fault.GATEWAY_RESET, matches=is_this)
                readout = await bus.read(1)
                assert len(readout.telegrams) == 3
                assert readout.error is None
            assert way(bus) is Way.MASTER
            assert bus.error is None


async def test_idle_gateway_closes() -> None:
    """A gateway that closes an idle connection is simply opened again."""
    async with SimulatedBus([CodedMeter(1)]) as simulated:
        lost = asyncio.Event()
        async with opened(await serve(simulated, "tcp"), on_change=lost.set) as bus:
            for _ in range(3):
                assert len((await bus.read(1)).telegrams) == 3
                lost.clear()
                gateway(simulated, 0).hang_up()
                await lost.wait()
                assert way(bus) is None


async def test_a_gateway_that_forgot_the_connection() -> None:
    """When every meter is silent over the network, the connection is made anew."""
    async with served() as (bus, simulated):
        gateway(simulated, 0).dead = True
        for _ in range(2):
            with pytest.raises(NoReplyError):
                await bus.read(1, attempts=1)
        gateway(simulated, 0).dead = False
        assert way(bus) is None
        assert len((await bus.read(1)).telegrams) == 3


async def test_only_one_client() -> None:
    """A connection is given up before the next is made."""
    async with SimulatedBus([CodedMeter(1)]) as simulated:
        settings = await serve(simulated, "tcp", second_client="refuse")
        async with opened(settings) as bus:
            await bus.open()
            assert len((await bus.read(1)).telegrams) == 3
            assert gateway(simulated, 0).connections == 1


# Two ways


@asynccontextmanager
async def doubled(
    meters: list[CodedMeter] | None = None, **options: Any
) -> AsyncIterator[tuple[Bus, SimulatedBus]]:
    """Open a bus that two gateways lead to."""
    async with SimulatedBus(meters or [CodedMeter(1), CodedMeter(2)]) as simulated:
        ways = [await serve(simulated, "tcp"), await serve(simulated, "tcp")]
        async with opened(*ways, **options) as bus:
            yield bus, simulated


async def test_the_master_link_can_not_be_opened() -> None:
    """The backup serves, and says why."""
    async with served(NOWHERE) as (bus, _):
        assert way(bus) is Way.BACKUP
        assert "127.0.0.1:1" in str(bus.error)
        assert len((await bus.read(1)).telegrams) == 3


async def test_the_master_link_breaks_and_returns() -> None:
    """Over to the backup within the readout, and back by itself; never both at once."""
    seen: list[tuple[Way | None, bool]] = []
    async with doubled() as (bus, simulated):
        bus.on_change = lambda: seen.append((bus.active, bus.error is None))
        assert (await bus.read(1)).complete
        assert open_ways(simulated) == [True, False]
        await gateway(simulated, 0).stop()
        assert (await bus.read(1)).complete
        assert way(bus) is Way.BACKUP
        assert seen[-1] == (Way.BACKUP, False)
        assert open_ways(simulated) == [False, True]
        assert (await bus.read(2)).complete
        assert way(bus) is Way.BACKUP
        await gateway(simulated, 0).start()
        assert (await bus.read(1)).complete
        assert way(bus) is Way.MASTER
        assert seen[-1] == (Way.MASTER, True)
        await asyncio.sleep(0.01)
        assert open_ways(simulated) == [True, False]


async def test_the_master_link_is_silent() -> None:
    """After as many silent readouts as attempts, the backup is asked and stays if it has answers."""
    async with doubled() as (bus, simulated):
        gateway(simulated, 0).dead = True
        with pytest.raises(NoReplyError):
            await bus.read(1)
        assert way(bus) is Way.MASTER
        assert (await bus.read(2)).complete
        assert way(bus) is Way.BACKUP
        assert "no meter answers" in str(bus.error)
        # As long as the master link is silent, each readout that tries it goes on over the backup.
        assert (await bus.read(1)).complete
        assert way(bus) is Way.BACKUP
        gateway(simulated, 0).dead = False
        assert (await bus.read(1)).complete
        assert way(bus) is Way.MASTER
        assert bus.error is None


async def test_the_whole_bus_is_silent() -> None:
    """A backup without answers is no better: the master link stays in use."""
    async with doubled() as (bus, simulated):
        simulated.meters.clear()
        for _ in range(3):
            with pytest.raises(NoReplyError):
                await bus.read(1)
            assert way(bus) is Way.MASTER
        assert open_ways(simulated) == [True, False]


async def test_one_silent_meter_switches_nothing() -> None:
    """Others answer between."""
    async with doubled() as (bus, simulated):
        for _ in range(3):
            with pytest.raises(NoReplyError):
                await bus.read(9)
            assert (await bus.read(1)).complete
        assert way(bus) is Way.MASTER
        assert all(r.gateway is simulated.gateways[0] for r in simulated.requests)


async def test_both_ways_break() -> None:
    """The error is that of the master link; both are tried again."""
    async with doubled() as (bus, simulated):
        for number in (0, 1):
            await gateway(simulated, number).stop()
        with pytest.raises(LinkError):
            await bus.read(1)
        assert way(bus) is None
        assert bus.error is not None
        await gateway(simulated, 1).start()
        assert (await bus.read(1)).complete
        assert way(bus) is Way.BACKUP


async def test_the_backup_leads_to_another_bus() -> None:
    """The same addresses there are other meters: not one value is taken from them."""
    here, there = CodedMeter(1), CodedMeter(1, identification="00000077")
    identity = Identity(identification="00000001", manufacturer="SIM")
    async with SimulatedBus([here]) as right, SimulatedBus([there]) as wrong:
        ways = [await serve(right, "tcp"), await serve(wrong, "tcp")]
        async with opened(*ways) as bus:
            gateway(right, 0).dead = True
            for _ in range(3):
                with pytest.raises(MBusError):
                    await bus.read(1, identity=identity)
                assert way(bus) is Way.MASTER
            await gateway(right, 0).stop()
            with pytest.raises(OtherMeterError):
                await bus.read(1, identity=identity)
            assert way(bus) is Way.BACKUP
            gateway(right, 0).dead = False
            await gateway(right, 0).start()
            readout = await bus.read(1, identity=identity)
            assert places(readout)[0][0][0] == 1
            assert way(bus) is Way.MASTER


async def test_cancelled_while_switching() -> None:
    """The way in use before is in use afterwards."""
    async with doubled() as (bus, simulated):
        gateway(simulated, 0).dead = gateway(simulated, 1).dead = True
        with pytest.raises(NoReplyError):
            await bus.read(1)
        reading = asyncio.create_task(bus.read(1))
        await asyncio.sleep(0.05 + 2 * TIMEOUT)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        gateway(simulated, 0).dead = False
        assert (await bus.read(1)).complete
        assert way(bus) is Way.MASTER


async def test_a_change_is_told_when_the_link_is_lost() -> None:
    """Even if nobody reads just then."""
    async with doubled() as (bus, simulated):
        told = asyncio.Event()
        bus.on_change = told.set
        await gateway(simulated, 0).stop()
        async with asyncio.timeout(1):
            await told.wait()
        assert way(bus) is None


async def test_search_over_the_way_in_use(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bus is searched as a master searches it."""
    monkeypatch.setattr(search_module, "LAST_PRIMARY", 2)
    async with served() as (bus, _):
        found = {
            step.found.key: step.found.address
            async for step in bus.search()
            if step.found
        }
        assert list(found.values()) == [1]


async def test_a_way_that_is_silent_and_then_gone() -> None:
    """The error of the way in use is told when it can't be opened again."""
    async with doubled() as (bus, simulated):
        gateway(simulated, 0).dead = gateway(simulated, 1).dead = True
        with pytest.raises(NoReplyError):
            await bus.read(1)

        async def stop() -> None:
            while open_ways(simulated) != [False, True]:
                await asyncio.sleep(0.005)
            await gateway(simulated, 0).stop()

        stopping = asyncio.create_task(stop())
        with pytest.raises(NoReplyError):
            await bus.read(1)
        await stopping
        assert way(bus) is None
        assert bus.error is not None
        gateway(simulated, 1).dead = False
        assert (await bus.read(1)).complete
        assert way(bus) is Way.BACKUP


# Closed, idle and flooded


async def test_closed_stays_closed() -> None:
    """A readout under way ends with the link, which nobody opens again."""
    async with SimulatedBus([CodedMeter(1)]) as simulated:
        bus = Bus(await serve(simulated, "tcp"), timeout=5, attempts=3)
        await bus.open()
        reading = asyncio.create_task(bus.read(9))
        await happens(lambda: simulated.requests, reading)
        await bus.close()
        async with asyncio.timeout(2):
            with pytest.raises(LinkError):
                await reading
        for ask in (bus.master, bus.open, lambda: bus.read(1)):
            with pytest.raises(LinkClosedError):
                await ask()
        assert gateway(simulated, 0).connections == 0
        assert len(simulated.requests) == 1


async def test_closed_while_opening(monkeypatch: pytest.MonkeyPatch) -> None:
    """A link that is open only then is closed at once."""
    opened: list[Link] = []
    going_on = asyncio.Event()

    async def open_slowly(settings: LinkSettings, **options: Any) -> Link:
        opened.append(await open_link(settings, **options))
        await going_on.wait()
        return opened[-1]

    monkeypatch.setattr(ways_module, "open_link", open_slowly)
    async with SimulatedBus([CodedMeter(1)]) as simulated:
        bus = Bus(await serve(simulated, "tcp"))
        opening = asyncio.create_task(bus.open())
        await happens(lambda: opened, opening)
        await bus.close()
        going_on.set()
        with pytest.raises(LinkClosedError):
            await opening
        assert not opened[0].is_open


async def test_nothing_is_left_open_by_a_failed_opening() -> None:
    """Even if it is the caller's own function that fails."""

    def fail() -> None:
        raise ZeroDivisionError

    async with SimulatedBus([CodedMeter(1)]) as simulated:
        bus = Bus(await serve(simulated, "tcp"), on_change=fail)
        with pytest.raises(ZeroDivisionError):
            await bus.open()
        assert bus.active is None


async def test_a_gateway_that_accepts_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each way is tried for the time given, then the backup serves."""

    async def hang(*_: object, **__: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr("serialx.create_serial_connection", hang)
    async with SimulatedBus([CodedMeter(1)]) as simulated:
        settings = await serve(simulated, "tcp")
        bus = Bus(SerialSettings(port="socket://192.0.2.1:1"), settings)
        await bus.open(timeout=2)
        assert way(bus) is Way.BACKUP
        assert isinstance(bus.error, LinkTimeoutError)
        await bus.close()
        bus = Bus(*[SerialSettings(port="socket://192.0.2.1:1")] * 2)
        with pytest.raises(NoWayError) as caught:
            await bus.open(timeout=0.01)
        assert [type(error) for error in caught.value.errors] == [LinkTimeoutError] * 2
        assert bus_module.FIRST_OPEN_TIMEOUT == 2.0


async def test_a_link_that_was_idle_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """A gateway that has forgotten it since costs no silence: it is opened anew before a readout."""
    async with served() as (bus, _):
        link = (await bus.master()).link
        assert (await bus.read(1)).complete
        assert (await bus.master()).link is link
        monkeypatch.setattr(ways_module, "LONGEST_IDLE", 0.0)
        assert (await bus.read(1)).complete
        assert (await bus.master()).link is not link
        assert not link.is_open


async def test_a_serial_port_may_be_idle(monkeypatch: pytest.MonkeyPatch) -> None:
    """It forgets nothing."""
    monkeypatch.setattr(ways_module, "LONGEST_IDLE", 0.0)
    async with (
        SimulatedBus([CodedMeter(1)]) as simulated,
        opened(await serve(simulated, "pty")) as bus,
    ):
        link = (await bus.master()).link
        assert (await bus.read(1)).complete
        assert (await bus.master()).link is link


async def test_a_flooded_link(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is opened again, but not before some time, which is told."""
    async with served() as (bus, simulated):
        monkeypatch.setattr(ways_module, "BACK_OFF", (60.0,))
        changed = asyncio.Event()
        bus.on_change = changed.set
        flooding = asyncio.create_task(flood(simulated))
        async with asyncio.timeout(10):
            await changed.wait()
        flooding.cancel()
        assert way(bus) is None
        assert isinstance(bus.error, LinkFloodedError)
        wait = bus.retry_at - asyncio.get_running_loop().time()
        assert 50 < wait <= 60
        with pytest.raises(LinkFloodedError):
            await bus.read(1)
        await bus.open()
        assert (await bus.read(1)).complete


async def test_when_a_way_may_be_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ever later, until a readout has worked."""
    monkeypatch.setattr(ways_module, "BACK_OFF", (0.0, 60.0))
    bus = Bus(NOWHERE)
    assert bus.retry_at == 0
    for least in (0, 50):
        with pytest.raises(LinkError):
            await bus.read(1)
        assert bus.retry_at - asyncio.get_running_loop().time() >= least - 1


async def test_two_readers_share_a_bus() -> None:
    """They take turns, and open but one link."""
    async with SimulatedBus([CodedMeter(1), CodedMeter(2)]) as simulated:
        bus = Bus(await serve(simulated, "tcp", second_client="refuse"))
        async with asyncio.timeout(10):
            one, two = await asyncio.gather(bus.read(1), bus.read(2))
        assert places(one)[0][0][0] == 1
        assert places(two)[0][0][0] == 2
        assert gateway(simulated, 0).connections == 1
        await bus.close()


@pytest.mark.parametrize("has_backup", [False, True])
async def test_silent_meters_read_during_a_search(has_backup: bool) -> None:
    """Their silence ends no search: the way to the bus stays the same until it is over."""
    meters = [CodedMeter(1, identification="10000000")]
    async with SimulatedBus(meters) as bus:
        ways = [await serve(bus, "tcp") for _ in range(1 + has_backup)]
        async with opened(*ways) as opened_bus:
            found = []
            async for step in opened_bus.search(by_primary=False):
                if step.found:
                    found.append(step.found)
                with pytest.raises(NoReplyError):
                    await opened_bus.read(2, attempts=1)
            assert [one.primary for one in found] == [1]
            assert opened_bus.active is Way.MASTER
            assert bus.gateways[0].connections == 1


async def test_a_link_that_is_lost_between_the_steps_of_a_search() -> None:
    """The search ends with it, though a readout opens it again: of the new one nothing is known."""
    meters = [CodedMeter(n, identification=f"{n}0000000") for n in (1, 2)]
    async with (
        SimulatedBus(meters, skew=3) as bus,
        opened(await serve(bus, "tcp")) as opened_bus,
    ):
        steps = opened_bus.search(by_primary=False)
        await anext(steps)
        [gateway] = bus.gateways
        assert isinstance(gateway, TcpGateway)
        gateway.disconnect()
        assert (await opened_bus.read(1)).complete
        with pytest.raises(LinkError):
            async for _ in steps:
                pass
