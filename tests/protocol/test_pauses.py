"""The pause before each request, by the clock of the line."""

import asyncio
from typing import Any

import pytest

from custom_components.mbus.protocol import (
    Master,
    SerialSettings,
    TcpSettings,
    open_link,
)
from tests.simulator import Fault, Faults, SimulatedBus, WaterMeter
from tests.simulator.clock import StillLoop

from .lines import Kind

pytestmark = pytest.mark.usefixtures("socket_enabled")

BAUD_RATE = 2400
CHARACTER = 11 / BAUD_RATE
KINDS: list[Kind] = ["tcp", "pty"]


class Reads:
    """Readouts one after the other, and what was idle before each request after the first."""

    def __init__(self, kind: Kind, addresses: list[int], **line: Any) -> None:
        """Read the meters in turn."""
        self._kind, self._addresses, self._line = kind, addresses, line
        self.requests: list[bytes] = []
        self.pauses: list[int] = []
        self.lost = 0
        with asyncio.Runner(loop_factory=StillLoop, debug=False) as runner:
            runner.run(self._run())

    async def _run(self) -> None:
        meters = [WaterMeter(address) for address in sorted(set(self._addresses))]
        async with SimulatedBus(meters, baud_rate=BAUD_RATE, **self._line) as bus:
            settings: TcpSettings | SerialSettings
            if self._kind == "tcp":
                settings = TcpSettings(host="127.0.0.1", port=await bus.serve_tcp())
            else:
                settings = SerialSettings(port=await bus.serve_pty())
            async with open_link(settings) as link:
                master = Master(link)
                for address in self._addresses:
                    assert (await master.read(address)).complete
        end = bus.requests[0].time
        for request in bus.requests:
            self.pauses.append(round((request.time - end) * BAUD_RATE))
            delay = 0.02 if request.reply else 0.0
            end = request.time + (len(request) + len(request.reply)) * CHARACTER + delay
            self.lost += Fault.REQUEST_LOST in request.faults
            self.requests.append(bytes(request))


@pytest.mark.parametrize("kind", KINDS)
def test_a_meter_that_answered_is_asked_soon(kind: Kind) -> None:
    """11 bit times after its own sound reply, 33 after another meter's."""
    reads = Reads(kind, [1, 1, 2])
    resets = [request[1] == 0x40 and request[2] == 2 for request in reads.requests]
    other = resets.index(True)
    assert 33 <= reads.pauses[other] <= 35
    for pause in reads.pauses[1:other] + reads.pauses[other + 1 :]:
        assert 11 <= pause <= 13


@pytest.mark.parametrize("kind", KINDS)
def test_noise_makes_it_longer(kind: Kind) -> None:
    """33 bit times after anything that was no part of the reply."""
    reads = Reads(kind, [1, 1], reply_noise=b"\x00")
    assert min(reads.pauses[1:]) >= 33


@pytest.mark.parametrize("kind", KINDS)
def test_a_line_on_which_early_requests_are_lost(kind: Kind) -> None:
    """After a few of them no request is early any more."""
    reads = Reads(kind, [1] * 30, recovery=20)
    assert 1 <= reads.lost <= 5
    assert min(reads.pauses[-40:]) >= 33


def test_a_line_on_which_any_request_may_be_lost() -> None:
    """Waiting longer would not help, and isn't done for good."""
    faults = Faults({Fault.REQUEST_LOST: 0.1}, seed=5)
    reads = Reads("tcp", [1] * 150, faults=faults)
    assert reads.lost > 10
    assert 11 <= min(reads.pauses[-60:]) <= 13
