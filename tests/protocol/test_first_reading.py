"""Meters of which nothing is known yet, and what is sent to them first."""

import pytest

from custom_components.mbus.protocol import (
    Bus,
    LateReplyError,
    NoDataError,
    NoReplyError,
    Quirks as Needs,
    SecondaryAddress,
    read_new,
    short_frame,
)
from tests.simulator import Fault, Faults, Quirks, SimulatedBus, WaterMeter

from .lines import Kind, mastered, serve

pytestmark = pytest.mark.usefixtures("socket_enabled")

TIMEOUT = 0.1


async def first_reset(bus: SimulatedBus, address: int = 1) -> str:
    """Read a meter as if for the first time, and say what it needs."""
    async with Bus(await serve(bus, "tcp"), timeout=TIMEOUT, attempts=2) as way:
        readout, quirks = await read_new(way, address)
    assert readout.complete
    assert len(readout.telegrams) == 1
    return quirks.reset


async def test_a_meter_silent_on_a_reset() -> None:
    """The last attempt goes without one, and that is kept."""
    meter = WaterMeter(1, quirks=Quirks(answers_reset=False))
    async with SimulatedBus([meter]) as bus:
        assert await first_reset(bus) == "never"


async def test_lost_resets() -> None:
    """A meter that missed the resets is one like any other."""
    faults = Faults()
    faults.once(
        *[Fault.REQUEST_LOST] * 2, matches=lambda sent: sent == short_frame(0x40, 1)
    )
    async with SimulatedBus([WaterMeter(1)], faults=faults) as bus:
        assert await first_reset(bus) == "before_each_read"


async def test_nobody() -> None:
    """Silence stays silence."""
    async with SimulatedBus([WaterMeter(2)]) as bus:
        with pytest.raises(NoReplyError):
            await first_reset(bus)


async def test_no_data() -> None:
    """Acknowledging without data is no silence."""
    faults = Faults({Fault.ACK_INSTEAD: 1.0})
    async with SimulatedBus([WaterMeter(1)], faults=faults) as bus:
        with pytest.raises(NoDataError):
            await first_reset(bus)


@pytest.mark.parametrize("late", [1.5, 1.9])
async def test_answers_later_than_the_timeout(late: float) -> None:
    """That is what is said, and not that the meter has no data."""
    meter = WaterMeter(1, quirks=Quirks(response_delay=late * 0.4))
    async with (
        SimulatedBus([meter]) as bus,
        Bus(await serve(bus, "pty"), timeout=0.4, attempts=3) as way,
    ):
        with pytest.raises(LateReplyError):
            await read_new(way, 1)


@pytest.mark.parametrize("kind", ["tcp", "pty"])
@pytest.mark.parametrize(
    "request_",
    [
        short_frame(0x40, 255),
        short_frame(0x40, 253),
        bytes.fromhex("68 03 03 68 53 FF 50 A2 16"),
    ],
)
async def test_initial_requests_that_nobody_answers(
    request_: bytes, kind: Kind
) -> None:
    """They are sent once, before the meter is asked, and not waited for."""
    needs = Needs(initial_frames=(request_,))
    meter = WaterMeter(1, identification="12345678")
    async with (
        SimulatedBus([meter]) as bus,
        mastered(bus, kind, timeout=2.0) as master,
    ):
        started = master.line.time
        for address in (1, SecondaryAddress(identification="12345678")):
            readout = await master.read(address, quirks=needs)
            assert readout.complete
        assert sum(sent == request_ for sent in bus.requests) == 2
        assert master.line.time - started < 1.5
