"""Whose telegram it is: two devices in one housing, other firmware, exchanged meters."""

from dataclasses import replace

import pytest

from custom_components.mbus.protocol import (
    Identity,
    MBusError,
    NoReplyError,
    OtherMeterError,
    SecondaryAddress,
    write_record,
)
from tests.simulator import CodedMeter, Fault, Quirks as Ways, SimulatedBus, WaterMeter

from .lines import mastered, places

pytestmark = pytest.mark.usefixtures("socket_enabled")

HEAT = SecondaryAddress(
    identification="12345678", manufacturer="SIM", version=1, medium=0x04
)
COOLING = replace(HEAT, medium=0x0A)
IDENTITY = Identity(
    identification="12345678", manufacturer="SIM", version=1, medium=0x04
)


def halves() -> list[CodedMeter]:
    """Give two devices in one housing, told apart by their medium only."""
    return [
        CodedMeter(
            number, identification="12345678", medium=medium, record_count=number
        )
        for number, medium in ((1, 0x04), (2, 0x0A))
    ]


@pytest.mark.parametrize("identity", [None, IDENTITY, replace(IDENTITY, medium=None)])
async def test_the_other_half_of_one_housing(identity: Identity | None) -> None:
    """While one half is silent, the other's values are not taken for its own; then it is read as before."""
    heat, cooling = halves()
    async with SimulatedBus([heat, cooling]) as bus, mastered(bus) as master:
        bus.meters.remove(heat)
        for _ in range(2):
            with pytest.raises(OtherMeterError) as caught:
                await master.read(HEAT, identity=identity)
            assert caught.value.found.medium == 0x0A
            assert "cooling" in str(caught.value)
        bus.meters.append(heat)
        for address, records in ((HEAT, 1), (COOLING, 2)) * 2:
            readout = await master.read(address)
            assert [len(telegram.records) for telegram in readout.telegrams] == [
                records
            ] * 3


@pytest.mark.parametrize("attempts", [2, 3])
@pytest.mark.parametrize("silences", [1, 2, 3])
async def test_both_halves_of_one_housing_after_a_silence(
    attempts: int, silences: int
) -> None:
    """A way that selects both is no way: each is read as soon as there is power again."""
    meters = halves()
    async with (
        SimulatedBus(meters) as bus,
        mastered(bus, attempts=attempts) as master,
    ):
        bus.meters = []
        for _ in range(silences):
            for address in (HEAT, COOLING):
                with pytest.raises(NoReplyError):
                    await master.read(address)
        bus.meters = [*meters]
        for address, records in ((HEAT, 1), (COOLING, 2)):
            readout = await master.read(address)
            assert [len(telegram.records) for telegram in readout.telegrams] == [
                records
            ] * 3


async def test_a_way_of_selecting_that_selected_several() -> None:
    """It is forgotten: the next readout asks with the whole address."""
    heat, cooling = halves()
    async with SimulatedBus([heat], skew=3) as bus, mastered(bus) as master:
        # Whole selections get lost, so that one with wildcards is what works.
        bus.faults.once(
            *[Fault.REQUEST_LOST] * 2, matches=lambda request: request[6:7] == b"\x52"
        )
        assert (await master.read(HEAT)).complete
        bus.meters.append(cooling)
        with pytest.raises(MBusError):
            await master.read(HEAT, attempts=1)
        readout = await master.read(HEAT)
        assert [len(telegram.records) for telegram in readout.telegrams] == [1] * 3


async def test_another_version_in_the_header_than_is_compared() -> None:
    """A meter selected by its whole address is believed, whatever else its header says."""
    compared = HEAT.selection
    meter = CodedMeter(1, identification="12345678", quirks=Ways(selected_as=compared))
    async with SimulatedBus([meter]) as bus, mastered(bus) as master:
        assert places(await master.read(HEAT, identity=IDENTITY))


@pytest.mark.parametrize("expected", [{"version": 2}, {"medium": 0x07}])
async def test_a_number_alone_with_the_header_as_it_was_added(
    expected: dict[str, int],
) -> None:
    """An address that leaves version and medium out is that of the meter as it was added."""
    address = SecondaryAddress(identification="12345678")
    meter = CodedMeter(1, identification="12345678", version=1, medium=0x04)
    async with SimulatedBus([meter]) as bus, mastered(bus) as master:
        readout = await master.read(address)
        added = readout.telegrams[0].identity
        assert added is not None
        assert added.as_dict() == IDENTITY.as_dict()
        assert (await master.read(address, identity=added)).complete
        other = Identity.from_dict(added.as_dict() | expected)
        with pytest.raises(OtherMeterError) as caught:
            await master.read(address, identity=other)
        assert caught.value.found.as_dict() == added.as_dict()
        with pytest.raises(OtherMeterError):
            await write_record(master, address, b"\x0c\x13", 1, identity=other)
        # At a primary address neither counts.
        assert (await master.read(1, identity=other)).complete


async def test_a_selection_lost_by_others() -> None:
    """What is sent to a meter by its secondary address is sent to it, whoever was selected since."""
    meters = [WaterMeter(1), WaterMeter(2)]
    first, second = (
        SecondaryAddress(identification=f"0000000{number}") for number in (1, 2)
    )
    async with SimulatedBus(meters) as bus, mastered(bus) as master:
        await master.read(first)
        await master.read(second)
        async with master.hold() as session:
            await session.send_user_data(
                first, 0x51, bytes.fromhex("0C 13 01 00 00 00")
            )
        assert meters[0].memory
        assert not meters[1].memory
        with pytest.raises(NoReplyError):
            await master.read(SecondaryAddress(identification="00000009"), attempts=1)
