"""Finding meters: by wildcards and by primary address, through collisions, noise and slow ways."""

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from itertools import count
from typing import Any

import pytest

from custom_components.mbus.protocol import (
    CollisionError,
    Found,
    LinkError,
    Master,
    MBusError,
    NoDataError,
    SearchStep,
    SecondaryAddress,
    open_link,
    scan,
    search,
    short_frame,
)
from custom_components.mbus.protocol.line import (
    line as line_module,
    link as link_module,
)
from custom_components.mbus.protocol.master import (
    divide as divide_module,
    listening as listening_module,
    search as search_module,
)
from tests.simulator import (
    Fault,
    FixedMeter,
    FrameMeter,
    GasMeter,
    HeatMeter,
    Quirks,
    SimulatedBus,
    SimulatedMeter,
    WaterMeter,
    is_request_for_data,
)

from .lines import Kind, frame_of, mastered, serve

pytestmark = pytest.mark.usefixtures("socket_enabled")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for simulated meters only, and ask at few primary addresses."""
    monkeypatch.setattr(listening_module, "POWER_UP", 0.0)
    monkeypatch.setattr(search_module, "LAST_PRIMARY", 12)
    monkeypatch.setattr(divide_module, "VERSIONS", range(6))
    monkeypatch.setattr(line_module, "REACTION", 0.0)
    monkeypatch.setattr(link_module, "_NETWORK_LATENCY", 0.05)


async def search_all(
    master: Master, **ways: bool
) -> tuple[dict[str, Found], list[MBusError], list[SearchStep]]:
    """Run a whole search."""
    found: dict[str, Found] = {}
    steps = [step async for step in search(master, **ways)]
    for step in steps:
        if step.found:
            found[step.found.key] = step.found
    assert [step.progress for step in steps] == sorted(step.progress for step in steps)
    assert steps[-1].progress == 1.0
    return found, [step.problem for step in steps if step.problem], steps


def numbers(found: dict[str, Found]) -> list[str]:
    """Give the identifications, in order."""
    return sorted(
        meter.header.identification or "" for meter in found.values() if meter.header
    )


BY_SECONDARY = {"by_secondary": True, "by_primary": False}
BY_PRIMARY = {"by_secondary": False, "by_primary": True}


@pytest.mark.parametrize("kind", ["tcp", "pty"])
async def test_both_ways_find_each_meter_once(kind: Kind) -> None:
    """A meter found by wildcards and by address is one; either address reads it."""
    meters = [HeatMeter(1), WaterMeter(7), FixedMeter(12)]
    async with SimulatedBus(meters) as bus, mastered(bus, kind) as master:
        found, problems, _ = await search_all(master)
        assert {meter.address for meter in found.values()} == {1, 7, 12}
        assert problems == []
        for meter in found.values():
            assert meter.secondary is not None
            readout = await master.read(meter.secondary)
            assert readout.telegrams[0].identity == meter.identity


async def test_secondary_addresses() -> None:
    """The address found selects exactly this meter; it can be written as text."""
    async with SimulatedBus([WaterMeter(2)]) as bus, mastered(bus) as master:
        found, _, _ = await search_all(master, **BY_SECONDARY)
        (meter,) = found.values()
        assert str(meter.secondary) == "000000022D4D0107"
        assert meter.primary == 2
        assert SecondaryAddress.parse("000000022D4D0107") == meter.secondary


async def test_an_empty_bus() -> None:
    """Nothing is found, and nothing is wrong."""
    async with SimulatedBus() as bus, mastered(bus) as master:
        found, problems, _ = await search_all(master, **BY_SECONDARY)
        assert (found, problems) == ({}, [])


async def test_a_scan_asks_at_all_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    """0 to 250, after all at once; a busy machine may ask twice where an answer came late."""
    monkeypatch.setattr(search_module, "LAST_PRIMARY", 250)
    async with SimulatedBus([WaterMeter(3)]) as bus, mastered(bus) as master:
        found = [step.found async for step in scan(master) if step.found]
        assert [meter.address for meter in found] == [3]
        resets = [
            request for request in bus.requests if not is_request_for_data(request)
        ]
        addresses = [254, *range(251)]
        asked = [*dict.fromkeys(resets)]
        assert asked == [short_frame(0x40, address) for address in addresses]


# Collisions


SHARED_PREFIX = ["10000001", "10000002", "10050003", "47114711", "99999999", "99999990"]


@pytest.mark.parametrize("skew", [0, 3, 30])
async def test_acknowledgements_of_several_meters(skew: float) -> None:
    """Merged into one clean E5, garbled, or one after the other: every meter is found."""
    meters = [
        WaterMeter(number, identification=identification)
        for number, identification in enumerate(SHARED_PREFIX, 1)
    ]
    async with SimulatedBus(meters, skew=skew) as bus, mastered(bus) as master:
        found, problems, _ = await search_all(master, **BY_SECONDARY)
        assert numbers(found) == sorted(SHARED_PREFIX)
        assert problems == []


@pytest.mark.parametrize("skew", [0, 3, 30])
async def test_meters_that_share_a_primary_address(skew: float) -> None:
    """They are named, with the cure, and are used by their secondary addresses; so is one at 0."""
    meters = [
        WaterMeter(5, identification="11111111"),
        GasMeter(5, identification="22222222"),
        HeatMeter(0, identification="33333333"),
        HeatMeter(6, identification="44444444"),
    ]
    async with SimulatedBus(meters, skew=skew) as bus, mastered(bus) as master:
        found, problems, _ = await search_all(master)
        assert numbers(found) == ["11111111", "22222222", "33333333", "44444444"]
        addresses = {
            meter.header.identification: meter.address
            for meter in found.values()
            if meter.header
        }
        assert addresses["44444444"] == 6
        for identification in ("11111111", "22222222", "33333333"):
            address = addresses[identification]
            assert isinstance(address, SecondaryAddress)
            assert address.identification == identification
        (problem,) = problems
        assert isinstance(problem, CollisionError)
        assert problem.address == 5
        assert "secondary" in str(problem)


@pytest.mark.parametrize("skew", [0, 3, 30])
async def test_a_collision_in_a_scan(skew: float) -> None:
    """Two meters at one address are told apart from one and from none."""
    meters = [WaterMeter(5, identification="11111111"), GasMeter(5), GasMeter(9)]
    async with SimulatedBus(meters, skew=skew) as bus, mastered(bus) as master:
        found, problems, _ = await search_all(master, **BY_PRIMARY)
        assert {meter.address for meter in found.values()} == {9}
        (problem,) = problems
        assert isinstance(problem, CollisionError)
        assert problem.address == 5


async def test_meters_with_the_same_identification() -> None:
    """They are told apart by the fabrication number."""
    meters = [
        HeatMeter(number, identification="12345678", fabrication_number=fabrication)
        for number, fabrication in enumerate(("50000001", "60000002"), 1)
    ]
    async with SimulatedBus(meters, skew=3) as bus, mastered(bus) as master:
        found, _, _ = await search_all(master, **BY_SECONDARY)
        assert {str(meter.secondary) for meter in found.values()} == {
            "123456782D4D0104/50000001",
            "123456782D4D0104/60000002",
        }
        for meter in found.values():
            assert meter.secondary is not None
            readout = await master.read(meter.secondary)
            assert readout.telegrams[0].identity == meter.identity


@pytest.mark.parametrize("selection", ["ignored", "silent"])
async def test_same_identification_without_enhanced_selection(selection: Any) -> None:
    """Medium and version tell them apart then."""
    quirks = Quirks(enhanced_selection=selection)
    meters: Sequence[SimulatedMeter] = [
        WaterMeter(1, identification="12345678", version=3, quirks=quirks),
        WaterMeter(2, identification="12345678", version=4, quirks=quirks),
        HeatMeter(3, identification="12345678", quirks=quirks),
    ]
    async with SimulatedBus(meters, skew=3) as bus, mastered(bus) as master:
        found, _, _ = await search_all(master, **BY_SECONDARY)
        assert {str(meter.secondary) for meter in found.values()} == {
            "123456782D4D0307",
            "123456782D4D0407",
            "123456782D4D0104",
        }


async def test_meters_that_nothing_tells_apart() -> None:
    """Twins are a problem with a name."""
    meters = [WaterMeter(number, identification="12345678") for number in (1, 2)]
    for meter in meters:
        meter.fabrication_number = "55555555"
        meter.quirks.enhanced_selection = "silent"
    async with SimulatedBus(meters, skew=3) as bus, mastered(bus) as master:
        found, problems, _ = await search_all(master, **BY_SECONDARY)
        assert found == {}
        assert problems
        assert all(isinstance(problem, CollisionError) for problem in problems)
        assert "can't be told apart" in str(problems[0])


async def test_faulty_digits() -> None:
    """A digit beyond 9 is tried where meters must be that weren't found."""
    meters = [
        FrameMeter([frame_of(f"08 01 72 78 56 34 {digits} 24 23 2F 04 01 00 00 00")], n)
        for n, digits in enumerate(("1A", "1B"), 1)
    ]
    async with SimulatedBus(meters, skew=3) as bus, mastered(bus) as master:
        found, _, _ = await search_all(master, **BY_SECONDARY)
        assert numbers(found) == ["1A345678", "1B345678"]


# Lines and meters that are not as they should be


async def test_noise_where_no_meter_answers() -> None:
    """A converter's noise is no collision; it is told once."""
    meters = [WaterMeter(5), GasMeter(9)]
    async with (
        SimulatedBus(meters, converter_noise=b"\xfd\xfe\xfc\x00", skew=3) as bus,
        mastered(bus) as master,
    ):
        found, problems, _ = await search_all(master)
        assert {meter.address for meter in found.values()} == {5, 9}
        (problem,) = problems
        assert not isinstance(problem, CollisionError)
        assert "converter" in str(problem)


async def test_a_lost_request_on_a_shared_branch() -> None:
    """Where at least two meters are, they are asked for until two are found."""
    meters = [
        WaterMeter(number, identification=identification)
        for number, identification in enumerate(("11111111", "22222222"), 1)
    ]
    async with SimulatedBus(meters, skew=3) as bus, mastered(bus) as master:
        selections = count()
        bus.faults.once(Fault.REQUEST_LOST, matches=lambda _: next(selections) == 3)
        found, _, _ = await search_all(master, **BY_SECONDARY)
        assert numbers(found) == ["11111111", "22222222"]


async def test_only_the_other_control_field() -> None:
    """Meters that take only 73 are found with it."""
    meters = [WaterMeter(n, quirks=Quirks(send_user_data=(0x73,))) for n in (1, 2)]
    async with SimulatedBus(meters, skew=3) as bus, mastered(bus) as master:
        found, _, _ = await search_all(master, **BY_SECONDARY)
        assert len(found) == 2


async def test_without_secondary_addressing() -> None:
    """Such a meter is found at its primary address."""
    meters = [WaterMeter(1, quirks=Quirks(secondary_addressing=False)), GasMeter(2)]
    async with SimulatedBus(meters) as bus, mastered(bus) as master:
        found, _, _ = await search_all(master)
        by_address = {meter.address: meter for meter in found.values()}
        assert by_address.keys() == {1, 2}
        assert by_address[1].secondary is None
        assert by_address[2].secondary is not None


async def test_a_slow_meter_is_read() -> None:
    """Whoever acknowledged in time may take longer for the data."""
    async with (
        SimulatedBus([WaterMeter(1)]) as bus,
        mastered(bus, timeout=0.5) as master,
    ):
        bus.faults.late_delay = 0.3
        bus.faults.once(Fault.LATE, matches=is_request_for_data)
        found, _, _ = await search_all(master, **BY_SECONDARY)
        assert len(found) == 1


async def test_a_meter_without_data() -> None:
    """It is named."""
    async with SimulatedBus([WaterMeter(1)]) as bus, mastered(bus) as master:
        bus.faults.chances[Fault.ACK_INSTEAD] = 1.0
        found, problems, _ = await search_all(master, **BY_SECONDARY)
        assert found == {}
        assert [type(problem) for problem in problems] == [NoDataError]


async def test_a_meter_that_answers_with_an_error() -> None:
    """So is one that refuses."""
    frame = bytes.fromhex("68 04 04 68 08 01 70 01 7A 16")
    async with SimulatedBus([FrameMeter([frame], 1)]) as bus, mastered(bus) as master:
        found, problems, _ = await search_all(master, **BY_PRIMARY)
        assert found == {}
        assert len(problems) == 1


@pytest.mark.parametrize(
    ("addresses", "ways"), [([5], BY_SECONDARY), ([2, 3, 7], BY_PRIMARY)]
)
async def test_a_gateway_slower_than_learnt(
    addresses: list[int], ways: dict[str, bool]
) -> None:
    """A late answer is noticed, and belongs to the address before."""
    meters = [WaterMeter(address) for address in addresses]
    async with SimulatedBus(meters) as bus, mastered(bus) as master:
        # A little more than the response time.
        bus.gateways[0].latency = 0.016
        found, problems, _ = await search_all(master, **ways)
        assert {meter.address for meter in found.values()} == set(addresses)
        assert problems == []


async def test_a_slow_gateway(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its latency is allowed for until it is known."""
    monkeypatch.setattr(link_module, "_NETWORK_LATENCY", 0.1)
    meters = [WaterMeter(n, identification=f"{n}0000000") for n in (1, 2)]
    async with SimulatedBus(meters, skew=3) as bus:
        settings = await serve(bus, "tcp", latency=0.08)
        link = await open_link(settings)
        found, _, _ = await search_all(Master(link), **BY_SECONDARY)
        assert len(found) == 2
        await link.close()


async def test_a_serial_converter_powers_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first request waits for the meters to wake."""
    monkeypatch.setattr(listening_module, "POWER_UP", 0.3)
    async with SimulatedBus([WaterMeter(1)]) as bus, mastered(bus, "pty") as master:
        await search_all(master, **BY_SECONDARY)
        assert bus.requests[0].time - master.link.opened_at >= 0.29


async def test_stopped_in_the_middle() -> None:
    """The line is free at once, and the next readout is right."""
    meters = [WaterMeter(1), GasMeter(2)]
    async with SimulatedBus(meters, skew=3) as bus, mastered(bus) as master:
        async with aclosing(search(master)) as steps:
            async for step in steps:
                if step.found:
                    break
        requests = len(bus.requests)
        await asyncio.sleep(0.1)
        assert len(bus.requests) == requests
        assert (await master.read(2)).complete


async def test_others_read_between_the_steps() -> None:
    """A search leaves the line to readouts, and goes on."""
    meters = [HeatMeter(n, identification=f"{n}0000000") for n in (1, 2, 3)]
    async with SimulatedBus(meters, skew=3) as bus, mastered(bus) as master:
        found = set()
        address = SecondaryAddress(identification="30000000")
        async for step in search(master, **BY_SECONDARY):
            assert (await master.read(address)).complete
            assert (await master.read(1)).complete
            if step.found:
                found.add(step.found.address)
        assert found == {1, 2, 3}


async def test_a_link_that_breaks() -> None:
    """The search ends with it."""
    async with SimulatedBus([WaterMeter(1)]) as bus, mastered(bus) as master:
        bus.faults.once(Fault.GATEWAY_RESET, matches=is_request_for_data)
        with pytest.raises(LinkError):
            await search_all(master)
