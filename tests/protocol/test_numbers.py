"""Which number a telegram has: rounds, rings, repetitions, and meters that are never reset."""

from collections.abc import Sequence
from itertools import chain, repeat
from typing import Any, override

import pytest

from custom_components.mbus.protocol import (
    EndlessError,
    NoReplyError,
    Quirks,
    Readout,
    SecondaryAddress,
    search,
    short_frame,
)
from custom_components.mbus.protocol.master import (
    listening as listening_module,
    search as search_module,
)
from tests.simulator import (
    CodedMeter,
    Fault,
    FrameMeter,
    Quirks as Ways,
    SimulatedBus,
    frames,
)

from .lines import SOUND, frame_of, mastered, places

pytestmark = pytest.mark.usefixtures("socket_enabled")

NEVER = Quirks(reset="never")
FORMS = {"A": "04 13", "B": "04 06", "H": "04 2B"}


class CountingMeter(FrameMeter):
    """Serves telegrams of given forms, whose value says which it is, with a moving access number."""

    def __init__(self, forms: Sequence[str], **ways: Any) -> None:
        """Set up a meter at address 1 that sends a telegram of each form, by its letter."""
        self.forms = forms
        given = [
            frame_of(
                f"08 01 72 78 56 34 12 24 23 2F 04 00 00 00 00"
                f" {FORMS.get(form, form)} {number:02X} 00 00 00"
            )
            for number, form in enumerate(forms)
        ]
        super().__init__(given, 1, quirks=Ways(**ways))

    @override
    def telegram_frame(self, telegram: bytes, *, more: bool) -> bytes:
        body = bytearray(frames.body_of(super().telegram_frame(telegram, more=more)))
        body[11] = self.access_number
        return frames.enclose(bytes(body) + (b"\x1f" if more else b""))


def numbers(readout: Readout) -> list[int]:
    """Say which telegrams of a counting meter came."""
    return [telegram.records[0].raw[0] for telegram in readout.telegrams]


# Meters that mark their end


@pytest.mark.parametrize("forms", ["ABAB", "AA", "HAAAAAA", "A" * 31, "ABABA"])
async def test_forms_that_recur(forms: str) -> None:
    """A meter that marks its end is read to it, twice where it might have been a mistake."""
    async with (
        SimulatedBus([CountingMeter(forms)]) as bus,
        mastered(bus) as master,
    ):
        for _ in range(3):
            readout = await master.read(1)
            assert numbers(readout) == list(range(len(forms)))
            assert readout.complete
            assert readout.ring is None
        requests = len(bus.requests)
        await master.read(1)
        assert len(bus.requests) - requests == 1 + len(forms)


@pytest.mark.parametrize("forms", ["A", "AA", "AB", "HAA"])
@pytest.mark.parametrize("known", [False, True])
async def test_a_mark_that_is_missed_once(forms: str, known: bool) -> None:
    """Telegrams of the next round have no place in this one, nor after a failure in it."""
    async with (
        SimulatedBus([CountingMeter(forms)]) as bus,
        mastered(bus) as master,
    ):
        if known:
            await master.read(1)
        last = len(bus.requests) + len(forms)
        bus.faults.once(Fault.ENDLESS, matches=lambda _: len(bus.requests) == last)
        readout = await master.read(1)
        assert numbers(readout) == list(range(len(forms)))
        assert readout.complete
        last = len(bus.requests) + len(forms)
        bus.faults.once(Fault.ENDLESS, matches=lambda _: len(bus.requests) == last)
        bus.faults.once(
            *[Fault.DROP] * 3, matches=lambda _: len(bus.requests) > last + 1
        )
        readout = await master.read(1)
        assert numbers(readout) == list(range(len(forms)))


async def test_only_the_telegrams_wanted() -> None:
    """A mark that is missed gives the last telegram wanted no other's number."""
    async with SimulatedBus([CountingMeter("AB")]) as bus, mastered(bus) as master:
        bus.faults.once(Fault.ENDLESS, matches=lambda _: len(bus.requests) == 2)
        assert numbers(await master.read(1, last_telegram=2)) == [0, 1]


# Meters that don't


@pytest.mark.parametrize(
    ("forms", "ring"),
    [("A", 1), ("AB", 2), ("ABAB", 2), ("HAAAAAA", 7), ("H" + "A" * 30, 31)],
)
async def test_a_ring(forms: str, ring: int) -> None:
    """The smallest number at which the forms recur is learnt, and readouts that know it stop there."""
    meter = CountingMeter(forms, endless=True)
    async with SimulatedBus([meter]) as bus, mastered(bus) as master:
        readout = await master.read(1, quirks=SOUND)
        assert numbers(readout) == list(range(ring))
        assert readout.complete
        assert readout.ring == ring
        assert len(bus.requests) == 1 + 64
        quirks = Quirks.from_dict(SOUND.learnt_from(readout).as_dict())
        for _ in range(2):
            bus.requests.clear()
            readout = await master.read(1, quirks=quirks)
            assert numbers(readout) == list(range(ring))
            assert readout.complete
            assert readout.ring == ring
            assert len(bus.requests) == 1 + ring


async def test_a_ring_that_is_none() -> None:
    """A meter that marks its end after all is read to it, and what was learnt goes."""
    async with SimulatedBus([CountingMeter("AB")]) as bus, mastered(bus) as master:
        readout = await master.read(1, quirks=Quirks(ring=7))
        assert numbers(readout) == [0, 1]
        assert readout.complete
        assert readout.ring is None


async def test_a_meter_that_never_ends() -> None:
    """Without a ring the readout is incomplete, for a reason of its own."""
    # Each of another storage number.
    forms = [f"84 {0x80 | n & 0x0F:02X} {n >> 4:02X} 13" for n in range(70)]
    meter = CountingMeter(forms, endless=True)
    async with SimulatedBus([meter]) as bus, mastered(bus) as master:
        readout = await master.read(1)
        assert numbers(readout) == list(range(64))
        assert not readout.complete
        assert isinstance(readout.error, EndlessError)
        assert readout.error.telegrams == 64
        assert "never marks its end" in str(readout.error)
        readout = await master.read(1, quirks=Quirks(ignore_more_records=True))
        assert numbers(readout) == [0]
        assert readout.complete


async def test_a_ring_that_is_never_reset() -> None:
    """Its first telegram can't be told: settings that say so are refused, and none is numbered."""
    with pytest.raises(ValueError, match="ring"):
        Quirks(reset="never", ring=2)
    meter = CountingMeter("AB", endless=True, answers_reset=False)
    async with SimulatedBus([meter]) as bus, mastered(bus) as master:
        with pytest.raises(EndlessError):
            await master.read(1, quirks=NEVER)


# Meters that are never reset


@pytest.mark.parametrize("forms", ["AAAA", "AAAAA", "HAAAAA", "ABAB"])
async def test_never_reset_with_telegrams_of_one_form(forms: str) -> None:
    """Each readout has each telegram at its place, also after others used the line."""
    meter = CountingMeter(forms, answers_reset=False)
    async with SimulatedBus([meter]) as bus, mastered(bus) as master:
        for _ in range(4):
            assert numbers(await master.read(1, quirks=NEVER)) == [*range(len(forms))]
        await master.read(SecondaryAddress(identification="12345678"), last_telegram=1)
        assert numbers(await master.read(1, quirks=NEVER)) == [*range(len(forms))]


@pytest.mark.parametrize("by_secondary", [False, True])
async def test_never_reset_after_a_search(
    by_secondary: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The search's requests are the meter's, too."""
    monkeypatch.setattr(search_module, "LAST_PRIMARY", 1)
    monkeypatch.setattr(listening_module, "POWER_UP", 0.0)
    async with (
        SimulatedBus([CountingMeter("AAAA")]) as bus,
        mastered(bus) as master,
    ):
        await master.read(1, quirks=NEVER)
        steps = search(master, by_secondary=by_secondary, by_primary=not by_secondary)
        assert any([step.found async for step in steps])
        assert numbers(await master.read(1, quirks=NEVER)) == [0, 1, 2, 3]


async def test_never_reset_and_a_failure_on_the_way_to_the_end() -> None:
    """Telegrams that were not counted from the first are not given, whole as they are."""
    meter = CountingMeter("HAB", answers_reset=False)
    async with SimulatedBus([meter]) as bus, mastered(bus) as master:
        bus.faults.once(*[Fault.DROP] * 3, matches=lambda _: len(bus.requests) >= 1)
        with pytest.raises(NoReplyError):
            await master.read(1, quirks=NEVER)
        assert numbers(await master.read(1, quirks=NEVER)) == [0, 1, 2]


# Meters that repeat what they sent last


class ForgetfulMeter(CodedMeter):
    """Keeps its FCB over a selection or reset: asked with the same, it sends its last telegram again."""

    @override
    def restart_link(self) -> None:
        self._position = 0

    @override
    def _select(self, command: frames.Command) -> bytes | None:
        self.selected = self._matches(command.data)
        if not self.selected:
            return None
        self._position = 0
        return frames.ACK


@pytest.mark.parametrize("telegrams", [1, 2, 3])
@pytest.mark.parametrize("by_secondary", [False, True])
async def test_a_repetition_is_no_reading(telegrams: int, by_secondary: bool) -> None:
    """Each readout is a new one and whole, whatever telegram the meter sent last."""
    address = SecondaryAddress(identification="00000001") if by_secondary else 1
    meters = [ForgetfulMeter(1, telegram_count=telegrams), CodedMeter(2)]
    async with SimulatedBus(meters) as bus, mastered(bus) as master:
        made = 0
        for _ in range(6):
            readout = await master.read(address)
            found = places(readout)
            assert readout.complete
            assert [one[0][:3] for one in found] == [
                (1, n, 0) for n in range(telegrams)
            ]
            assert {place[3] for one in found for place in one} == {meters[0].readouts}
            assert meters[0].readouts > made
            made = meters[0].readouts
            await master.read(
                2 if not by_secondary else SecondaryAddress(identification="00000002")
            )
        before = len(bus.requests)
        await master.read(address)
        assert len(bus.requests) - before <= telegrams + 2


async def test_only_the_first_telegram_of_several() -> None:
    """The same first telegram again, where the access number stands still, is the reading."""
    given = [
        frame_of(
            f"08 01 72 78 56 34 12 24 23 2F 04 07 00 00 00 {form} 01 00 00 00{more}"
        )
        for form, more in (("04 13", " 1F"), ("04 06", ""))
    ]
    async with SimulatedBus([FrameMeter(given, 1)]) as bus, mastered(bus) as master:
        for _ in range(4):
            readout = await master.read(1, last_telegram=0)
            assert [one.frame for one in readout.telegrams] == given[:1]
        bus.requests.clear()
        await master.read(1, last_telegram=0)
        assert len(bus.requests) == 2


@pytest.mark.parametrize("access_numbers", [[7], [7, 8]])
async def test_an_access_number_that_stands_still(access_numbers: list[int]) -> None:
    """A meter that sends the same again and again is read all the same, by primary address and not."""
    given = [
        frame_of(f"08 01 72 78 56 34 12 24 23 2F 04 {n:02X} 00 00 00 04 13 01 00 00 00")
        for n in access_numbers
    ]

    class Meter(FrameMeter):
        sent = chain(given, repeat(given[-1]))

        @override
        def readout(self) -> list[bytes]:
            return [next(self.sent)]

    async with SimulatedBus([Meter(given, 1)]) as bus, mastered(bus) as master:
        for address in (1, SecondaryAddress(identification="12345678")) * 3:
            readout = await master.read(address)
            assert len(readout.telegrams) == 1
            assert readout.complete


async def test_another_meter_at_the_address_is_no_repeater() -> None:
    """What was learnt of a meter is forgotten when another one has its place."""
    old = ForgetfulMeter(1, telegram_count=2)
    new = CodedMeter(1, identification="00000009", telegram_count=3)
    async with SimulatedBus([old]) as bus, mastered(bus) as master:
        for _ in range(3):
            await master.read(1)
        bus.meters[:] = [new]
        for _ in range(2):
            readout = await master.read(1)
            assert [one[0][:2] for one in places(readout)] == [(9, 0), (9, 1), (9, 2)]
        await master.read(1)
        await master.read(1)
        sent = [short_frame(control, 1) for control in (0x40, 0x7B, 0x5B, 0x7B)]
        assert bus.requests[-4:] == sent


async def test_an_access_number_that_moves_between_readouts() -> None:
    """A meter that is not reset is counted anew, and costs no repetitions."""
    meter = CodedMeter(1, quirks=Ways(answers_reset=False))
    async with SimulatedBus([meter]) as bus, mastered(bus) as master:
        for _ in range(3):
            await master.read(1, quirks=NEVER)
            meter.access_number += 5
        bus.requests.clear()
        readout = await master.read(1, quirks=NEVER)
        assert [one[0][:2] for one in places(readout)] == [(1, 0), (1, 1), (1, 2)]
        assert len(bus.requests) == 1 + 3 + 3
