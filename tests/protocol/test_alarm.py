"""A meter that announces an alarm (ACD) is asked for it."""

from typing import override

import pytest

from custom_components.mbus.protocol import (
    Address,
    LinkError,
    Master,
    Quirks,
    Readout,
    SecondaryAddress,
    long_frame,
)
from tests.simulator import Fault, Faults, SimulatedBus, WaterMeter

from .lines import Kind
from .still import run_still

pytestmark = pytest.mark.usefixtures("socket_enabled")

KINDS: list[Kind] = ["tcp", "pty"]
ADDRESSES: list[Address] = [
    1,
    SecondaryAddress(
        identification="00000001", manufacturer="SIM", version=1, medium=7
    ),
]


class Alarmed(WaterMeter):
    """A meter that answers to a request for its alarm in a way of its own."""

    answer: bytes | None = None

    @override
    def receive(self, request: bytes, baud_rate: int | None = None) -> bytes | None:
        reply = super().receive(request, baud_rate)
        is_asked = request[1] & 0x0F == 0x0A and reply is not None
        return self.answer if is_asked else reply


def alarm_requests(bus: SimulatedBus) -> list[bytes]:
    """Return the requests for class 1 data."""
    return [request for request in bus.requests if request[1] & 0x0F == 0x0A]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("address", ADDRESSES)
def test_an_alarm_is_asked_for_once(address: Address, kind: Kind) -> None:
    """After each readout in which it was announced, and only then."""
    meter = WaterMeter(1)

    async def work(master: Master, bus: SimulatedBus) -> None:
        for alarm, asked in ((None, 0), (0x24, 1), (0x05, 2), (None, 2)):
            meter.alarm = alarm
            readout = await master.read(address)
            assert readout.complete
            told = readout.alarm.alarm if readout.alarm else None
            assert told == alarm
            assert len(alarm_requests(bus)) == asked

    run_still([meter], work, kind)


@pytest.mark.parametrize(
    "answer",
    [
        None,
        b"\xe5",
        long_frame(0x08, 2, 0x71, b"\x04"),
        long_frame(0x08, 1, 0x71, b"\x00"),
        long_frame(0x08, 1, 0x71),
        long_frame(0x08, 1, 0x72, bytes(12)),
        b"\x68\x04\x04\x68\x08\x01\x71\x04\x00\x16",
        b"\x00\xff",
    ],
)
def test_no_alarm(answer: bytes | None) -> None:
    """Silence, E5, no bit set, another meter's or a damaged one: none, and the readout stays whole."""
    meter = Alarmed(1)
    meter.alarm, meter.answer = 0x04, answer

    async def work(master: Master, _: SimulatedBus) -> list[Readout]:
        return [await master.read(1) for _ in range(3)]

    for readout in run_still([meter], work):
        assert readout.complete
        assert readout.alarm is None
        assert len(readout.telegrams) == 1


def test_a_meter_that_is_never_reset_is_not_asked() -> None:
    """It may take the FCB of this request for that of the next one for data."""
    meter = WaterMeter(1)
    meter.alarm = 0x04

    async def work(master: Master, bus: SimulatedBus) -> int:
        readout = await master.read(1, quirks=Quirks(reset="never"))
        assert readout.complete
        return len(alarm_requests(bus))

    assert run_still([meter], work) == 0


def test_a_link_that_breaks_meanwhile_costs_no_reading() -> None:
    """What was read before is returned."""
    meter = WaterMeter(1)
    meter.alarm = 0x04

    async def work(master: Master, bus: SimulatedBus) -> None:
        bus.faults = Breaking()
        readout = await master.read(1)
        assert readout.complete
        with pytest.raises(LinkError):
            await master.read(1)

    class Breaking(Faults):
        @override
        def draw(self, request: bytes) -> set[Fault]:
            is_asked = request[1] & 0x0F == 0x0A
            return {Fault.GATEWAY_DOWN} if is_asked else set()

    run_still([meter], work)
