"""Whatever the line does that the standard and the field allow: what is found is there, and what is there is found."""

import random
from typing import Any

import pytest

from tests.simulator import (
    Fault,
    Faults,
    FixedMeter,
    GasMeter,
    HeatMeter,
    Quirks,
    SimulatedMeter,
    WaterMeter,
)

from .searches import searched

pytestmark = pytest.mark.usefixtures("socket_enabled")

SEEDS = 40
BIT = 1 / 2400
KINDS = (WaterMeter, HeatMeter, GasMeter, FixedMeter)


def drawn_meters(draw: random.Random) -> list[SimulatedMeter]:
    """Draw meters of which each has an address, secondary or primary, of its own."""
    count = draw.choice((0, 1, 2, 3, 8, 15))
    stem = f"{draw.randrange(10**8):08d}"
    meters: list[SimulatedMeter] = []
    numbers: set[str] = set()
    while len(meters) < count:
        shared = draw.randrange(8)
        number = stem[:shared] + f"{draw.randrange(10**8):08d}"[shared:]
        if number in numbers:
            continue
        numbers.add(number)
        alone = {
            address for address in range(1, 251) if address % 7 == len(meters) % 7
        } - {meter.address for meter in meters}
        by_secondary = draw.random() < 0.8
        address = (
            draw.choice((0, 5, draw.choice(sorted(alone))))
            if by_secondary
            else draw.choice(sorted(alone - {5}))
        )
        quirks = Quirks(
            secondary_addressing=by_secondary,
            # One that is silent on a reset and shares its address is found by selection.
            answers_reset=draw.random() < 0.85,
            response_delay=draw.uniform(11 * BIT, 330 * BIT + 0.05),
        )
        meters.append(draw.choice(KINDS)(address, identification=number, quirks=quirks))
    return meters


def drawn_line(draw: random.Random) -> dict[str, Any]:
    """Draw what is wrong with a line."""
    return draw.choice(
        (
            {},
            {"reply_noise": draw.choice((b"\x00", b"\xff", b"\xf0\xfe"))},
            {"converter_noise": draw.choice((b"\xfd\xfe\xfc\x00", b"\x00"))},
            {"echo": bytes},
            {
                "faults": Faults(
                    {Fault.SPLIT: 0.2, Fault.NOISE_BEFORE: 0.02},
                    seed=draw.randrange(99),
                )
            },
        )
    )


@pytest.mark.parametrize("seed", range(SEEDS))
def test_found_and_present(seed: int) -> None:
    """Each meter once, nobody else, and no more requests than that takes."""
    draw = random.Random(seed)
    meters = drawn_meters(draw)
    line = drawn_line(draw)
    result = searched(meters, way={"latency": draw.choice((0.0, 0.0, 0.2))}, **line)
    assert result.numbers == sorted(meter.identification for meter in meters)
    for found in result.found.values():
        (meter,) = (
            meter
            for meter in meters
            if found.header and meter.identification == found.header.identification
        )
        assert found.primary in (None, meter.address)
        if isinstance(found.address, int):
            assert found.address == meter.address
            others = [other for other in meters if other.address == meter.address]
            assert others == [meter]
            silent = not meter.quirks.answers_reset
            assert (found.quirks.reset == "never") == silent
    assert len(result.requests) < 700 + 150 * len(meters)
