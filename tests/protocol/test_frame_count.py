"""Meters that a reset or selection doesn't bring to their first telegram, and masters that know nothing of them."""

import asyncio
from dataclasses import dataclass, replace
from typing import override

from hypothesis import given, settings, strategies as st
import pytest

from custom_components.mbus.protocol import (
    Address,
    Bus,
    MBusError,
    Quirks,
    Readout,
    SecondaryAddress,
)
from tests.simulator import (
    AfterReset,
    CodedMeter,
    Fault,
    Faults,
    Quirks as Ways,
    SimulatedBus,
    is_request_for_data,
)
from tests.simulator.clock import StillLoop

from .lines import TIMEOUT, mastered, places, serve

pytestmark = pytest.mark.usefixtures("socket_enabled")

SELECTION = SecondaryAddress(identification="00000001")


class FrozenMeter(CodedMeter):
    """Its values are the same in every readout."""

    @override
    def readout(self) -> list[bytes]:
        self.readouts = 0
        return super().readout()


@dataclass(frozen=True)
class Life:
    """A meter, and what happens to it: readouts, up to a telegram or to the end, lost answers and new masters."""

    telegrams: int
    of_one_form: bool
    after_reset: AfterReset
    access_number_stands: bool
    values_stand: bool
    by_secondary: bool
    begins_at: int
    """Requests of another master, before the first one of ours."""
    steps: list[str]

    async def live(self) -> None:
        """See that no value is another's or an old one, and that each readout is whole."""
        meter = (FrozenMeter if self.values_stand else CodedMeter)(
            1,
            telegram_count=self.telegrams,
            of_one_form=self.of_one_form,
            quirks=Ways(
                after_reset=self.after_reset,
                access_number_stands=self.access_number_stands,
            ),
        )
        address = SELECTION if self.by_secondary else 1
        self._ask_before(meter)
        quirks = Quirks()
        is_disturbed = False
        async with SimulatedBus([meter]) as simulated:
            tcp = await serve(simulated, "tcp")
            bus = Bus(tcp, timeout=0.2)
            for step in self.steps:
                if step == "restart":
                    await bus.close()
                    bus = Bus(tcp, timeout=0.2)
                elif step == "forget":
                    await bus.close()
                    bus, quirks = Bus(tcp, timeout=0.2), Quirks()
                elif step == "lose":
                    simulated.faults.clear()
                    simulated.faults.once(Fault.DROP, matches=is_request_for_data)
                    is_disturbed = True
                elif step.startswith("die after"):
                    simulated.faults.once(
                        *_dies_after(int(step[-1])), matches=is_request_for_data
                    )
                    await self._read(bus, address, meter, None, quirks, whole=False)
                    simulated.faults.clear()
                else:
                    last = int(step) if step != "all" else None
                    # Where the access number stands, what comes after a lost answer may be any telegram.
                    whole = not (is_disturbed and self.access_number_stands)
                    quirks = await self._read(
                        bus, address, meter, last, quirks, whole=whole
                    )
                    is_disturbed = False
            await bus.close()

    def _ask_before(self, meter: CodedMeter) -> None:
        for number in range(self.begins_at):
            if self.by_secondary and not number:
                meter.receive(bytes.fromhex("680B0B6853FD52FFFFFFFFFFFFFFFF9A16"))
            request = bytes(
                (0x10, 0x5B if number % 2 else 0x7B, 253 if self.by_secondary else 1)
            )
            meter.receive(request + bytes((sum(request[1:]) & 0xFF, 0x16)))

    async def _read(
        self,
        bus: Bus,
        address: Address,
        meter: CodedMeter,
        last: int | None,
        quirks: Quirks,
        *,
        whole: bool = True,
    ) -> Quirks:
        made = meter.readouts
        try:
            readout = await bus.read(address, last_telegram=last, quirks=quirks)
        except MBusError:
            assert not whole
            return quirks
        self._check(readout, meter, made, last if last is not None else 9, whole)
        return replace(quirks, keeps_frame_count=readout.keeps_frame_count)

    def _check(
        self, readout: Readout, meter: CodedMeter, made: int, last: int, whole: bool
    ) -> None:
        found = places(readout)
        assert [[place[:3] for place in one] for one in found] == [
            [(1, telegram, index) for index in range(4)]
            for telegram in range(len(found))
        ]
        wanted = min(last + 1, self.telegrams)
        assert len(found) >= wanted or not whole
        rounds = {place[3] for one in found for place in one}
        assert len(rounds) <= 1, "telegrams of several readouts in one"
        if self.values_stand:
            made = 0
        assert not rounds or made < rounds.pop() <= meter.readouts, "an old one"


def _dies_after(answers: int) -> list[Fault]:
    """Let so many answers pass, in small pieces, and none after them."""
    return [*[Fault.SPLIT] * answers, *[Fault.DROP] * 30]


lives = st.builds(
    Life,
    telegrams=st.integers(1, 4),
    of_one_form=st.booleans(),
    after_reset=st.sampled_from(AfterReset),
    access_number_stands=st.booleans(),
    values_stand=st.booleans(),
    by_secondary=st.booleans(),
    begins_at=st.integers(0, 5),
    steps=st.lists(
        st.sampled_from(
            [
                "restart",
                "forget",
                "lose",
                *(f"die after {answers}" for answers in range(7)),
                *["all"] * 4,
                *"012" * 2,
            ]
        ),
        max_size=12,
    ),
)


@settings(max_examples=250, deadline=None)
@given(lives)
def test_any_life(life: Life) -> None:
    """Whatever a meter does after a reset, no telegram has the number of another."""
    with asyncio.Runner(loop_factory=StillLoop, debug=False) as runner:
        runner.run(life.live())


@pytest.mark.parametrize("telegrams", [1, 2, 3])
@pytest.mark.parametrize("of_one_form", [False, True])
@pytest.mark.parametrize("by_secondary", [False, True])
async def test_what_a_sound_meter_costs(
    telegrams: int, of_one_form: bool, by_secondary: bool
) -> None:
    """It is asked once more in its life; a master that knows that it is sound asks for each telegram once."""
    meter = CodedMeter(1, telegram_count=telegrams, of_one_form=of_one_form)
    address = SELECTION if by_secondary else 1
    async with SimulatedBus([meter]) as bus:
        async with mastered(bus) as master:
            readout = await master.read(address)
            again = of_one_form and telegrams > 1  # The end may have been missed.
            assert len(bus.requests) == 2 + (1 + telegrams) * (2 if again else 1)
            assert readout.keeps_frame_count is False
        async with mastered(bus) as master:
            known = Quirks(keeps_frame_count=False)
            for _ in range(3):
                readout = await master.read(address, quirks=known)
                assert readout.keeps_frame_count is False
            bus.requests.clear()
            await master.read(address, quirks=known)
            assert len(bus.requests) == 1 + telegrams


@pytest.mark.parametrize("answers", range(1, 7))
@pytest.mark.parametrize("begins_at", [1, 2, 3])
@pytest.mark.parametrize("by_secondary", [False, True])
def test_a_line_that_dies_in_a_first_readout(
    answers: int, begins_at: int, by_secondary: bool
) -> None:
    """While it is found out where the meter begins, no telegram has a number yet: none is given."""
    life = Life(
        telegrams=4,
        of_one_form=True,
        after_reset=AfterReset.GOES_ON,
        access_number_stands=False,
        values_stand=False,
        by_secondary=by_secondary,
        begins_at=begins_at,
        steps=[f"die after {answers}", "all"],
    )
    with asyncio.Runner(loop_factory=StillLoop, debug=False) as runner:
        runner.run(life.live())


async def test_an_answer_that_was_lost_comes_while_the_meter_has_gone_on_at_its_other_address() -> (
    None
):
    """What answers first may be an older telegram than what the meter sends next: it ends no round."""
    meter = CodedMeter(1, telegram_count=2, quirks=Ways(after_reset=AfterReset.GOES_ON))
    quirks = Quirks(keeps_frame_count=True)
    async with SimulatedBus([meter]) as bus, mastered(bus) as master:
        bus.faults.once(
            *[Fault.SPLIT, *[Fault.DROP] * 3],  # The last one was sent, and not heard.
            *[Fault.SPLIT, *[Fault.REQUEST_LOST] * 3],  # The last one is next.
            matches=is_request_for_data,
        )
        for address in (1, SELECTION):
            with pytest.raises(MBusError):
                await master.read(address, quirks=quirks)
        readout = await master.read(1, quirks=quirks)
        assert _telegrams(readout) == [0, 1]


async def test_a_meter_that_was_asked_under_another_name_meanwhile() -> None:
    """All secondary addresses of a meter have one FCB: what one was answered with says nothing of another."""
    meter = CodedMeter(1, telegram_count=3, quirks=Ways(after_reset=AfterReset.GOES_ON))
    other = replace(SELECTION, manufacturer="SIM")
    async with SimulatedBus([meter]) as bus, mastered(bus) as master:
        bus.faults.once(*_dies_after(1)[:4], matches=is_request_for_data)
        with pytest.raises(MBusError):
            await master.read(SELECTION)
        assert _telegrams(await master.read(other)) == [0, 1, 2]
        assert _telegrams(await master.read(SELECTION)) == [0, 1, 2]


def _telegrams(readout: Readout) -> list[int]:
    """Say which telegrams of the meter's own were given numbers, in their order."""
    return [found[0][1] for found in places(readout)]


@pytest.mark.parametrize("of_one_form", [False, True])
@pytest.mark.parametrize(("is_known", "answers"), [(True, 2), (None, 3)])
async def test_no_data_in_the_place_of_a_telegram(
    is_known: bool | None, answers: int, of_one_form: bool
) -> None:
    """It ends no round of telegrams from whose end on the next are counted."""
    meter = CodedMeter(
        1, of_one_form=of_one_form, quirks=Ways(after_reset=AfterReset.GOES_ON)
    )
    async with SimulatedBus([meter]) as bus, mastered(bus) as master:
        bus.faults.once(
            *[Fault.SPLIT] * answers,
            *[Fault.ACK_INSTEAD] * 3,
            matches=is_request_for_data,
        )
        readout = await master.read(1, quirks=Quirks(keeps_frame_count=is_known))
        assert _telegrams(readout) == [0, 1, 2]


def test_a_late_answer_to_a_request_at_the_other_address() -> None:
    """It isn't taken for an answer to a request at this one."""
    meter = CodedMeter(1, telegram_count=2, quirks=Ways(after_reset=AfterReset.GOES_ON))
    quirks = Quirks(keeps_frame_count=True)
    faults = Faults(late_delay=TIMEOUT * 1.3)
    faults.once(
        *[Fault.SPLIT, Fault.DROP],
        *[Fault.SPLIT, Fault.LATE] * 2,
        matches=is_request_for_data,
    )

    async def read() -> Readout:
        async with SimulatedBus([meter], faults=faults) as bus, mastered(bus) as master:
            for address in (1, SELECTION):
                with pytest.raises(MBusError):
                    await master.read(address, attempts=1, quirks=quirks)
            return await master.read(1, quirks=quirks)

    with asyncio.Runner(loop_factory=StillLoop, debug=False) as runner:
        assert _telegrams(runner.run(read())) == [0, 1]


async def test_what_stays_the_same_and_is_asked_at_the_other_address() -> None:
    """The last telegram of several is not taken for the only one."""
    meter = CodedMeter(
        1,
        telegram_count=3,
        of_one_form=True,
        quirks=Ways(after_reset=AfterReset.GOES_ON, access_number_stands=True),
    )
    quirks = Quirks(keeps_frame_count=True)
    async with SimulatedBus([meter]) as bus:
        async with mastered(bus) as master:
            await master.read(SELECTION, quirks=quirks)
            bus.faults.once(
                *[Fault.SPLIT] * 2,
                *[Fault.REQUEST_LOST] * 3,  # The last one is next.
                matches=is_request_for_data,
            )
            with pytest.raises(MBusError):
                await master.read(1, quirks=quirks)
        async with mastered(bus) as master:
            readout = await master.read(SELECTION)
            assert _telegrams(readout) == [0, 1, 2]


async def test_one_telegram_that_is_asked_under_two_names() -> None:
    """Each readout is a new one, though nothing but the FCB tells it from the one before."""
    meter = CodedMeter(
        1,
        telegram_count=1,
        quirks=Ways(after_reset=AfterReset.GOES_ON, access_number_stands=True),
    )
    async with SimulatedBus([meter]) as bus, mastered(bus) as master:
        for address in [SELECTION, replace(SELECTION, manufacturer="SIM")] * 3:
            made = meter.readouts
            (telegram,) = places(await master.read(address))
            assert telegram[0][3] > made
