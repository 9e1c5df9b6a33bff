"""What a meter sends only on a request of its own, and the application that it is in."""

import pytest

from custom_components.mbus.protocol import (
    NoDataError,
    NoReplyError,
    Quirks,
    SecondaryAddress,
    Telegram,
    long_frame,
    short_frame,
)
from tests.simulator import Fault, HeatMeter, SimulatedBus, SimulatedMeter

from .lines import mastered

pytestmark = pytest.mark.usefixtures("socket_enabled")

RESET = short_frame(0x40, 1)
OWN = [RESET, short_frame(0x7B, 1), short_frame(0x5B, 1), short_frame(0x7B, 1)]
"""What a heat meter's own three telegrams take, once it is known what a reset does to it."""
REQUEST = long_frame(0x53, 1, 0xB1)
ASKING = Quirks(requests=(b"\xb1",))


def quantities(telegram: Telegram) -> list[str]:
    """Name what a telegram holds."""
    return [record.quantity for record in telegram.records]


INSTANTANEOUS = [
    "power", "volume_flow", "flow_temperature", "return_temperature", "temperature_difference",
]  # fmt: skip


async def test_answers_follow_the_own_telegrams() -> None:
    """No telegram of the meter's own has another number than without the request."""
    async with SimulatedBus([HeatMeter(1)]) as bus, mastered(bus) as master:
        plain = await master.read(1)
        bus.requests.clear()
        readout = await master.read(1, quirks=ASKING)
        assert bus.requests == [*OWN, REQUEST]
        assert readout.complete
        assert [*map(quantities, readout.telegrams)] == [
            *map(quantities, plain.telegrams),
            INSTANTANEOUS,
        ]
        assert [*map(quantities, (await master.read(1)).telegrams)] == [
            *map(quantities, plain.telegrams)
        ]


async def test_by_secondary_address() -> None:
    """The request goes to the selected meter."""
    meters = [HeatMeter(7, identification="00000001"), HeatMeter(8)]
    async with SimulatedBus(meters) as bus, mastered(bus) as master:
        address = SecondaryAddress(identification="00000001")
        readout = await master.read(address, quirks=ASKING)
        assert bus.requests[-1] == long_frame(0x53, 253, 0xB1)
        assert quantities(readout.telegrams[-1]) == INSTANTANEOUS
        assert readout.telegrams[-1].header is not None
        assert readout.telegrams[-1].header.identification == "00000001"


@pytest.mark.parametrize(
    ("last", "requests"), [(0, OWN[:2]), (2, OWN), (3, [*OWN, REQUEST])]
)
async def test_only_what_is_wanted(last: int, requests: list[bytes]) -> None:
    """Where nothing of the answer is bound, the request isn't sent."""
    async with SimulatedBus([HeatMeter(1)]) as bus, mastered(bus) as master:
        await master.read(1)
        bus.requests.clear()
        await master.read(1, last_telegram=last, quirks=ASKING)
        assert bus.requests == requests


async def test_silence_costs_only_the_answer() -> None:
    """The own telegrams are there; the error says what is missing."""
    async with SimulatedBus([HeatMeter(1)]) as bus, mastered(bus) as master:
        bus.faults.once(
            *[Fault.REQUEST_LOST] * 2, matches=lambda request: request[6:7] == b"\xb1"
        )
        readout = await master.read(1, quirks=ASKING, attempts=2)
        assert len(readout.telegrams) == 3
        assert not readout.complete
        assert type(readout.error) is NoReplyError


async def test_acknowledgement_is_no_answer() -> None:
    """A meter that only acknowledges has nothing to say."""

    class Acknowledging(SimulatedMeter):
        def telegrams(self) -> list[bytes]:
            return [bytes.fromhex("0C 13 01 00 00 00")]

    async with SimulatedBus([Acknowledging(1)]) as bus, mastered(bus) as master:
        readout = await master.read(1, quirks=Quirks(requests=(b"\x54",)))
        assert len(readout.telegrams) == 1
        assert type(readout.error) is NoDataError


async def test_back_to_the_usual_application() -> None:
    """CI 50 without a sub-code, before the telegrams: the meter sends again what it did before."""
    async with SimulatedBus([HeatMeter(1)]) as bus, mastered(bus) as master:
        plain = await master.read(1)
        await master.read(1, quirks=Quirks(application_reset=0x50))
        await master.read(1, quirks=Quirks(application_reset=0x50))
        bus.requests.clear()
        readout = await master.read(1, quirks=Quirks(usual_application=True))
        assert bus.requests == [RESET, long_frame(0x53, 1, 0x50), *OWN[1:]]
        assert [*map(quantities, readout.telegrams)] == [
            *map(quantities, plain.telegrams)
        ]


@pytest.mark.parametrize(
    "quirks",
    [{"application_reset": 0, "usual_application": True}, {"requests": (b"",)}],
)
def test_what_can_not_be(quirks: dict[str, object]) -> None:
    """A sub-code and none, or a request of nothing."""
    with pytest.raises(ValueError, match=r"application|request"):
        Quirks(**quirks)  # type: ignore[arg-type]


def test_requests_as_json() -> None:
    """What is stored gives the same quirks again."""
    quirks = Quirks(requests=(b"\xb1", b"\x51\x00"), usual_application=True)
    assert quirks.as_dict()["requests"] == ["b1", "5100"]
    assert Quirks.from_dict(quirks.as_dict()) == quirks


def test_what_was_learnt_goes_first() -> None:
    """What the meter itself showed holds, and the rest is that of its like."""
    family = Quirks(pause=1.0, requests=(b"\xb1",))
    assert family.with_learnt(Quirks()) == family
    assert family.with_learnt(Quirks(reset="never", pause=2.0)) == Quirks(
        reset="never", pause=2.0, requests=(b"\xb1",)
    )
    never = Quirks(reset="never", pause=1.0)
    assert never.with_learnt(Quirks(ring=3)) == Quirks(pause=1.0, ring=3)
