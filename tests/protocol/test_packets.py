"""Gateways that pause within a reply."""

import pytest

from custom_components.mbus.protocol import (
    InterruptedReplyError,
    Master,
    MBusError,
    Readout,
)
from tests.simulator import Packets, SimulatedBus, WaterMeter

from .lines import Kind
from .searches import searched
from .still import run_still

pytestmark = pytest.mark.usefixtures("socket_enabled")

KINDS: list[Kind] = ["tcp", "pty"]


def read_twice(
    kind: Kind, packets: Packets, **settings: float
) -> tuple[list[Readout | MBusError], int]:
    """Read a meter and once more; say how many requests the second time took."""

    async def work(
        master: Master, bus: SimulatedBus
    ) -> tuple[list[Readout | MBusError], int]:
        results: list[Readout | MBusError] = []
        before = 0
        for _ in range(2):
            before = len(bus.requests)
            try:
                results.append(await master.read(1))
            except MBusError as err:
                results.append(err)
        return results, len(bus.requests) - before

    return run_still(
        [WaterMeter(1)], work, kind, way={"packets": packets}, settings=settings
    )


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("pause", [0.02, 0.2, 0.35, 0.7, 1.2])
def test_pauses_are_learnt(kind: Kind, pause: float) -> None:
    """A frame that goes on after it was given up makes the next ones be waited for."""
    (first, second), requests = read_twice(kind, Packets(size=14, pause=pause))
    assert isinstance(first, Readout)
    assert first.complete
    assert isinstance(second, Readout)
    assert requests == 2


@pytest.mark.parametrize("kind", KINDS)
def test_longer_pauses_are_named(kind: Kind) -> None:
    """What is longer than anybody waits for is told as a pause, not as damage; the setting helps."""
    packets = Packets(size=40, pause=1.8)
    results, _ = read_twice(kind, packets)
    assert all(isinstance(result, InterruptedReplyError) for result in results)
    (_, second), _ = read_twice(kind, packets, line_delay_ratio=1.5)
    assert isinstance(second, Readout)


@pytest.mark.parametrize("kind", KINDS)
def test_a_search_through_pauses(kind: Kind) -> None:
    """It finds the meters, and makes no conflict of a cut reply."""
    meters = [
        WaterMeter(address, identification=number)
        for address, number in ((3, "12345678"), (7, "47110815"), (8, "12345999"))
    ]
    result = searched(meters, kind, way={"packets": Packets(size=14, pause=0.35)})
    assert result.numbers == ["12345678", "12345999", "47110815"]
    assert result.problems == []
