"""Searches on lines and of meters as people have them, at 2400 baud."""

from collections.abc import Sequence
import random
from typing import Any, override

import pytest

from custom_components.mbus.protocol import (
    ChangingNoiseError,
    CollisionError,
    DamagedTelegramsError,
    DistortedEchoError,
    LateRepliesError,
    NobodyAnswersError,
    NoisyLineError,
    OverdueRepliesError,
    SecondaryAddress,
    TwinsError,
)
from tests.simulator import (
    Babble,
    Deafness,
    Fault,
    Faults,
    Quirks,
    SimulatedMeter,
    WaterMeter,
)

from .lines import Kind
from .searches import searched

pytestmark = pytest.mark.usefixtures("socket_enabled")

BY_SECONDARY = {"by_primary": False}
BY_PRIMARY = {"by_secondary": False}
WAYS = [{}, BY_SECONDARY, BY_PRIMARY]
KINDS: list[Kind] = ["tcp", "pty"]
NUMBERS = ("12345678", "47110815", "12345999")


def three(**quirks: Any) -> list[WaterMeter]:
    """Three meters, of which two share five digits."""
    return [
        WaterMeter(address, identification=number, quirks=Quirks(**quirks))
        for address, number in zip((3, 7, 8), NUMBERS, strict=True)
    ]


# Slow meters


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("ways", WAYS)
@pytest.mark.parametrize(
    "delays", [(0.35, 0.35, 0.35), (0.7, 1.3, 2.0), (1.1, 1.1, 1.1), (0.03, 0.05, 2.0)]
)
def test_slow_meters(delays: Sequence[float], ways: dict[str, Any], kind: Kind) -> None:
    """Whatever answers within the timeout is found; that it is late is told, and nothing else."""
    meters = three()
    for meter, delay in zip(meters, delays, strict=True):
        meter.quirks.response_delay = delay
    result = searched(meters, kind, ways=ways)
    assert result.numbers == sorted(NUMBERS)
    for problem in result.problems:
        assert isinstance(problem, LateRepliesError)
    allowed = {"tcp": 0.7, "pty": 0.3}
    assert len(result.problems) == (max(delays) > allowed[kind])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("baud_rate", [2400, 38400])
def test_a_slow_meter_among_others(baud_rate: int, kind: Kind) -> None:
    """Its answer is sound where those of the others have collided before."""
    meters = three()
    meters[0].quirks.response_delay = 1.2
    result = searched(meters, kind, ways=BY_SECONDARY, baud_rate=baud_rate, skew=3)
    assert result.numbers == sorted(NUMBERS)
    (problem,) = result.problems
    assert isinstance(problem, LateRepliesError)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("ways", WAYS)
@pytest.mark.parametrize("delay", [3.2, 4.0, 6.5])
def test_answers_after_the_timeout(
    delay: float, ways: dict[str, Any], kind: Kind
) -> None:
    """They are nobody else's, and it is told how late they are."""
    result = searched(three(response_delay=delay), kind, ways=ways)
    assert set(result.numbers) <= set(NUMBERS)
    (problem,) = result.problems
    assert isinstance(problem, OverdueRepliesError)
    assert problem.delay == delay


# Unclean lines


def distorted(request: bytes) -> bytes:
    """Give an echo with some bits turned."""
    return bytes(byte ^ 0x20 * (place % 3 == 1) for place, byte in enumerate(request))


@pytest.mark.parametrize("kind", KINDS)
def test_a_distorted_echo_without_meters(kind: Kind) -> None:
    """It is told what it is, once, and not taken for meters."""
    result = searched([], kind, echo=distorted)
    assert result.found == {}
    (problem,) = result.problems
    assert isinstance(problem, DistortedEchoError)
    # Each primary address twice, and what it took to learn it.
    assert len(result.requests) < 2 * 251 + 60


@pytest.mark.parametrize("kind", KINDS)
def test_a_sound_echo_costs_no_time(kind: Kind) -> None:
    """It is no answer, and the latency is learnt through it."""
    without = searched(three(), kind, ways=BY_SECONDARY)
    with_echo = searched(three(), kind, ways=BY_SECONDARY, echo=bytes)
    assert with_echo.numbers == without.numbers == sorted(NUMBERS)
    assert with_echo.problems == []
    assert with_echo.seconds < 1.05 * without.seconds


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("count", [1, 3])
def test_requests_that_come_too_early_on_a_line_with_echo(
    count: int, kind: Kind
) -> None:
    """An echo alone says that a request was lost, as silence does."""
    meters = three()[:count]
    result = searched(meters, kind, ways=BY_SECONDARY, echo=bytes, recovery=15, skew=3)
    assert result.numbers == sorted(NUMBERS[:count])
    assert result.problems == []


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("ways", WAYS)
def test_a_module_that_never_stops(ways: dict[str, Any], kind: Kind) -> None:
    """A line that is never idle ends the search soon, with one short text."""
    babble = Babble(character=b"\xff", every=11 / 2400)
    result = searched([], kind, ways=ways, way={"babble": babble})
    assert result.found == {}
    (problem,) = result.problems
    assert isinstance(problem, ChangingNoiseError)
    assert len(str(problem)) < 300
    assert len(result.requests) < 20


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("ways", WAYS)
@pytest.mark.parametrize("noise", [b"\x00", b"\xff"])
def test_noise_before_each_reply(
    noise: bytes, ways: dict[str, Any], kind: Kind
) -> None:
    """Noise before an acknowledgement, then a sound telegram: that is one meter."""
    result = searched(three(), kind, ways=ways, reply_noise=noise)
    assert result.numbers == sorted(NUMBERS)
    assert result.problems == []


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("ways", WAYS)
def test_a_constant_reply_of_nobody(ways: dict[str, Any], kind: Kind) -> None:
    """It is this line's silence: the search goes on and finds all."""
    result = searched(
        three(), kind, ways=ways, converter_noise=b"\xfd\xfe\xfc\x00", skew=3
    )
    assert result.numbers == sorted(NUMBERS)
    (problem,) = result.problems
    assert isinstance(problem, NoisyLineError)
    assert "FD FE FC 00" in str(problem)


class UncleanTests(Faults):
    """Puts noise before one of the replies that nobody gives, and nothing else."""

    @override
    def draw(self, request: bytes) -> set[Fault]:
        return {Fault.NOISE_BEFORE} if request[:3] == b"\x10\x5b\xfc" else set()


@pytest.mark.parametrize("kind", KINDS)
def test_a_constant_reply_of_nobody_and_chance(kind: Kind) -> None:
    """One reply that differs from the others proves no changing noise."""
    result = searched(
        three(), kind, ways=BY_SECONDARY, converter_noise=b"\x00", faults=UncleanTests()
    )
    assert result.numbers == sorted(NUMBERS)
    assert [type(problem) for problem in result.problems] == [NoisyLineError]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("ways", WAYS)
def test_a_character_now_and_then(ways: dict[str, Any], kind: Kind) -> None:
    """It is no late answer, and whatever it falls into is found."""
    babble = Babble(character=b"\xff", every=5)
    result = searched(three(), kind, ways=ways, way={"babble": babble})
    assert result.numbers == sorted(NUMBERS)
    assert not any(isinstance(problem, TwinsError) for problem in result.problems)
    assert result.seconds < 900


@pytest.mark.parametrize("kind", KINDS)
def test_noise_that_is_never_the_same(kind: Kind) -> None:
    """It ends the splitting with one problem; the meters are found at their primary addresses."""
    draw = random.Random(3)
    result = searched(three(), kind, echo=lambda _: draw.randbytes(draw.randint(1, 6)))
    assert {found.address for found in result.found.values()} == {3, 7, 8}
    (problem,) = result.problems
    assert isinstance(problem, ChangingNoiseError)
    assert len(result.requests) < 700


@pytest.mark.parametrize("kind", KINDS)
def test_whatever_is_sent_is_acknowledged(kind: Kind) -> None:
    """E5 where nobody may be is told once, and the meters are found."""
    result = searched(three(), kind, converter_noise=b"\xe5")
    assert result.numbers == sorted(NUMBERS)
    (problem,) = result.problems
    assert isinstance(problem, NobodyAnswersError)


@pytest.mark.parametrize("kind", KINDS)
def test_damaged_telegrams_of_all_meters(kind: Kind) -> None:
    """Requests have an end where meters answer but never soundly."""
    faults = Faults({Fault.CORRUPT: 1.0})
    result = searched(three(), kind, ways=BY_SECONDARY, faults=faults)
    assert result.found == {}
    assert len(result.requests) < 1500


class DamagedTelegrams(Faults):
    """Damages each telegram, and nothing else."""

    @override
    def damage(self, reply: bytes, faults: set[Fault]) -> tuple[bytes, set[Fault]]:
        if len(reply) == 1:
            return super().damage(reply, faults)
        damaged = bytearray(reply)
        damaged[20] ^= self.random.randrange(1, 256)
        return bytes(damaged), {Fault.CORRUPT}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("selection", ["supported", "ignored", "silent"])
def test_meters_whose_telegrams_are_damaged(selection: Any, kind: Kind) -> None:
    """What acknowledges like one is told as one whose telegrams are damaged; it is not parted for ever."""
    meters = three(enhanced_selection=selection)
    result = searched(meters, kind, ways=BY_SECONDARY, faults=DamagedTelegrams())
    assert result.found == {}
    told = [
        problem.address.identification
        for problem in result.problems
        if isinstance(problem, DamagedTelegramsError)
        and isinstance(problem.address, SecondaryAddress)
    ]
    assert sorted(told) == sorted(NUMBERS)
    assert len(result.problems) == len(NUMBERS)
    assert len(result.requests) < 30 + 200 * len(NUMBERS)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(4))
def test_some_noise(seed: int, kind: Kind) -> None:
    """What is heard by chance costs requests and no meter."""
    chances = dict.fromkeys((Fault.NOISE_BEFORE, Fault.CORRUPT), 0.05)
    result = searched(three(), kind, faults=Faults(chances, seed=seed))
    assert {found.address for found in result.found.values()} == {3, 7, 8}
    assert len(result.requests) < 1200


# Late answers


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("ways", [BY_SECONDARY, BY_PRIMARY])
@pytest.mark.parametrize("seed", range(3))
def test_some_late_answers(seed: int, ways: dict[str, Any], kind: Kind) -> None:
    """An answer that falls into the time of the next address costs no meter and makes no conflict."""
    draw = random.Random(seed)
    meters = [
        WaterMeter(address, identification=f"{draw.randrange(10**8):08d}")
        for address in range(1, 31)
    ]

    def jitter() -> float:
        return draw.uniform(0.02, 0.3) if draw.random() < 0.03 else 0.0

    result = searched(meters, kind, ways=ways, way={"jitter": jitter}, skew=3)
    assert {found.primary for found in result.found.values()} == set(range(1, 31))
    assert result.problems == []


# Deaf beginnings


@pytest.mark.parametrize("holds", [False, True])
@pytest.mark.parametrize("ways", WAYS)
def test_a_gateway_that_is_deaf_at_first(ways: dict[str, Any], holds: bool) -> None:
    """What it missed is asked again, and what it held back sets no wait."""
    result = searched(
        three(), ways=ways, way={"deaf": Deafness(seconds=5, holds=holds)}
    )
    assert result.numbers == sorted(NUMBERS)
    assert result.problems == []
    assert result.seconds < 200


def test_answers_that_a_gateway_held_back_with_their_requests() -> None:
    """They prove nothing of the requests that they come after."""
    meters = [
        WaterMeter(
            address,
            identification=number,
            quirks=Quirks(response_delay=delay, send_user_data=(0x53,)),
        )
        for address, number, delay in ((5, NUMBERS[0], 1.0), (71, NUMBERS[1], 0.8))
    ]
    way = {"latency": 0.18, "deaf": Deafness(seconds=5, holds=True)}
    result = searched(meters, ways=BY_SECONDARY, way=way, echo=bytes)
    assert result.numbers == sorted(NUMBERS[:2])


# Meters silent on a reset


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("ways", [{}, BY_PRIMARY])
def test_meters_that_ignore_a_reset(ways: dict[str, Any], kind: Kind) -> None:
    """They are found by what they do answer, and it is known how to read them."""
    result = searched(three(answers_reset=False), kind, ways=ways)
    assert {found.address for found in result.found.values()} == {3, 7, 8}
    assert {found.quirks.reset for found in result.found.values()} == {"never"}


@pytest.mark.parametrize("kind", KINDS)
def test_a_lost_reset(kind: Kind) -> None:
    """One lost request loses no meter, and makes it no other."""
    faults = Faults()
    faults.once(
        Fault.REQUEST_LOST, matches=lambda request: request[:3] == b"\x10\x40\x07"
    )
    result = searched(three(), kind, ways=BY_PRIMARY, faults=faults)
    assert {found.address for found in result.found.values()} == {3, 7, 8}
    assert {found.quirks.reset for found in result.found.values()} == {
        "before_each_read"
    }


# Phantoms and twins


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(6))
def test_no_number_that_nobody_has(seed: int, kind: Kind) -> None:
    """Meters that answer at once make sound telegrams of numbers that no meter has."""
    draw = random.Random(seed)
    numbers = [f"{draw.randrange(10**8):08d}" for _ in range(20)]
    meters: list[SimulatedMeter] = [
        WaterMeter(address, identification=number)
        for address, number in enumerate(numbers, 1)
    ]
    result = searched(meters, kind, ways=BY_SECONDARY)
    assert result.numbers == sorted(numbers)
    assert result.problems == []


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "numbers",
    [
        ["30411195", "30411197"],
        ["48639940", "48639944"],
        ["63924662", "63924663", "63924666"],
        ["02059940", "02059941", "02059942", "02059945", "02059946"],
    ],
)
def test_none_hides_behind_another(numbers: list[str], kind: Kind) -> None:
    """Of meters bought together, of which all read the same, one telegram may drown the others without a trace."""
    meters = [WaterMeter(identification=number) for number in numbers]
    result = searched(meters, kind, ways=BY_SECONDARY)
    assert result.numbers == numbers


@pytest.mark.parametrize("kind", KINDS)
def test_a_twin_of_an_unknown_manufacturer(kind: Kind) -> None:
    """Where one of two is found and the other isn't, that is told."""
    meters = [
        WaterMeter(identification="12345678", manufacturer=name)
        for name in ("SIM", "ABC")
    ] + [WaterMeter(identification="87654321")]
    result = searched(meters, kind, ways=BY_SECONDARY, skew=3)
    assert result.numbers == ["12345678", "87654321"]
    assert [type(problem) for problem in result.problems] == [
        CollisionError,
        TwinsError,
    ]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("skew", [3, 30])
@pytest.mark.parametrize("selection", ["ignored", "silent"])
def test_twins(selection: Any, skew: int, kind: Kind) -> None:
    """They are told once, with the cure, and found at their primary addresses."""
    meters = [
        WaterMeter(
            address,
            identification="12345678",
            quirks=Quirks(enhanced_selection=selection),
        )
        for address in (1, 2)
    ]
    result = searched(meters, kind, ways=BY_SECONDARY, skew=skew)
    assert result.found == {}
    (problem,) = result.problems
    assert isinstance(problem, TwinsError)
    assert isinstance(problem.address, SecondaryAddress)
    assert problem.address.identification == "12345678"
    assert "mbus.set_primary_address" in str(problem)
    assert len(result.requests) < 450

    result = searched(meters, kind, skew=skew)
    assert {found.address for found in result.found.values()} == {1, 2}
    assert len(result.problems) == 1
