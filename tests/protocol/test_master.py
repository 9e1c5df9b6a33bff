"""Readouts: what goes over the line, what is taken for an answer, and when it ends."""

import asyncio
from datetime import timedelta
from itertools import repeat

import pytest

from custom_components.mbus.protocol import (
    ApplicationError,
    DamagedReplyError,
    Discard,
    Exchange,
    ForeignReplyError,
    Identity,
    LinkError,
    MBusError,
    NoDataError,
    NoReplyError,
    OtherMeterError,
    PackageTooLongError,
    Quirks,
    SecondaryAddress,
    UnsupportedError,
    short_frame,
)
from tests.simulator import (
    CodedMeter,
    Fault,
    FixedMeter,
    FrameCount,
    FrameMeter,
    HeatMeter,
    Quirks as Ways,
    SimulatedBus,
    is_request_for_data,
)

from .lines import SOUND, TIMEOUT, Kind, frame_of, mastered, places

pytestmark = pytest.mark.usefixtures("socket_enabled")
both = pytest.mark.parametrize("kind", ["tcp", "pty"])

RESET = short_frame(0x40, 1)
REQUEST_1 = short_frame(0x7B, 1)
REQUEST_0 = short_frame(0x5B, 1)


def coded(
    telegrams: int, *, meter: int = 1, readout: int = 1
) -> list[list[tuple[int, ...]]]:
    """Say what a whole readout of a coded meter holds."""
    return [
        [(meter, telegram, index, readout) for index in range(4)]
        for telegram in range(telegrams)
    ]


HEADER = "78 56 34 12 24 23 2F 04 01 00 00 00"


# What goes over the line


@both
async def test_all_telegrams_are_read(kind: Kind) -> None:
    """A reset, then the frame count bit toggles until no telegram follows."""
    async with SimulatedBus([CodedMeter(1)]) as bus, mastered(bus, kind) as master:
        readout = await master.read(1, quirks=SOUND)
        assert bus.requests == [RESET, REQUEST_1, REQUEST_0, REQUEST_1]
        assert places(readout) == coded(3)
        assert readout.complete
        assert readout.error is None
        assert places(await master.read(1, quirks=SOUND)) == coded(3, readout=2)
        assert bus.requests[4:] == bus.requests[:4]


async def test_reading_stops_at_the_last_telegram_wanted() -> None:
    """Group requests off: nothing more is asked for."""
    async with SimulatedBus([CodedMeter(1)]) as bus, mastered(bus) as master:
        readout = await master.read(1, last_telegram=1, quirks=SOUND)
        assert bus.requests == [RESET, REQUEST_1, REQUEST_0]
        assert places(readout) == coded(2)
        assert not readout.complete
        assert readout.error is None
        assert places(await master.read(1, quirks=SOUND)) == coded(3, readout=2)


async def test_secondary_address() -> None:
    """A selection in place of the reset, and all requests to 253."""
    meter = CodedMeter(7, identification="00000001")
    async with (
        SimulatedBus([meter, CodedMeter(8)]) as bus,
        mastered(bus) as master,
    ):
        address = SecondaryAddress(
            identification="00000001", manufacturer="SIM", version=1, medium=0x0F
        )
        readout = await master.read(address, quirks=SOUND)
        assert bus.requests == [
            bytes.fromhex("68 0B 0B 68 53 FD 52 01 00 00 00 2D 4D 01 0F 2D 16"),
            short_frame(0x7B, 253),
            short_frame(0x5B, 253),
            short_frame(0x7B, 253),
        ]
        assert places(readout) == coded(3)


async def test_enhanced_selection() -> None:
    """Two meters of one address are told apart by their fabrication numbers."""
    meters = [
        HeatMeter(5, identification="12345678", fabrication_number=number)
        for number in ("11111111", "22222222")
    ]
    async with SimulatedBus(meters) as bus, mastered(bus) as master:
        for number in ("11111111", "22222222"):
            readout = await master.read(
                SecondaryAddress(identification="12345678", fabrication_number=number),
                quirks=SOUND,
            )
            identity = readout.telegrams[0].identity
            assert identity is not None
            assert identity.fabrication_number == number


@pytest.mark.parametrize(
    "ways",
    [
        Ways(send_user_data=(0x73,)),
        Ways(selected_as=bytes.fromhex("01 00 00 00 2D 4D FF 01")),
    ],
)
async def test_ways_of_selection(ways: Ways) -> None:
    """Repetitions try the other C field and the identification alone; what works comes first."""
    meter = CodedMeter(1, telegram_count=1, quirks=ways)
    address = SecondaryAddress(
        identification="00000001", manufacturer="SIM", version=1, medium=0x0F
    )
    async with SimulatedBus([meter]) as bus, mastered(bus) as master:
        assert places(await master.read(address, quirks=SOUND)) == coded(1)
        await asyncio.sleep(2 * TIMEOUT)
        await master.read(address, quirks=SOUND)
        bus.requests.clear()
        await master.read(address, quirks=SOUND)
        await master.read(address, quirks=SOUND)
        assert len(bus.requests) == 4


# Repetitions


@both
@pytest.mark.parametrize("fault", [Fault.DROP, Fault.REQUEST_LOST, Fault.CORRUPT])
async def test_the_same_request_again(kind: Kind, fault: Fault) -> None:
    """An answer that is lost or damaged is asked for again, with the same frame count bit."""
    async with SimulatedBus([CodedMeter(1)]) as bus, mastered(bus, kind) as master:
        bus.faults.once(fault, matches=lambda request: request == REQUEST_0)
        readout = await master.read(1, quirks=SOUND)
        assert bus.requests == [RESET, REQUEST_1, REQUEST_0, REQUEST_0, REQUEST_1]
        assert places(readout) == coded(3)
        assert readout.complete


async def test_the_first_telegram_again() -> None:
    """Before the first telegram is asked for again the meter is reset: it may not heed the FCB."""
    meter = CodedMeter(1, quirks=Ways(frame_count=FrameCount.ADVANCES))
    async with SimulatedBus([meter]) as bus, mastered(bus) as master:
        bus.faults.once(Fault.DROP, matches=is_request_for_data)
        assert places(await master.read(1, quirks=SOUND)) == coded(3, readout=2)


async def test_a_telegram_that_was_skipped() -> None:
    """A meter that goes on without being told is read from the start again."""
    meter = CodedMeter(1, quirks=Ways(frame_count=FrameCount.ADVANCES))
    async with SimulatedBus([meter]) as bus, mastered(bus) as master:
        bus.faults.once(Fault.DROP, matches=lambda request: request == REQUEST_0)
        assert places(await master.read(1, quirks=SOUND)) == coded(3, readout=3)


async def test_a_meter_that_repeats_its_telegram() -> None:
    """The first telegram is all that such a meter gives."""
    meter = CodedMeter(1, quirks=Ways(frame_count=FrameCount.REPEATS))
    async with SimulatedBus([meter]) as bus, mastered(bus) as master:
        readout = await master.read(1, quirks=SOUND)
        assert places(readout) == coded(1)
        assert readout.complete


# What is no answer


async def silent(attempts: int, *, fault: Fault = Fault.DROP) -> tuple[int, MBusError]:
    """Give the number of requests, and the error, where every answer has a fault."""
    async with SimulatedBus([CodedMeter(1)]) as bus, mastered(bus) as master:
        bus.faults.chances[fault] = 1.0
        with pytest.raises(MBusError) as caught:
            await master.read(1, attempts=attempts, quirks=SOUND)
        return len(bus.requests), caught.value


@pytest.mark.parametrize("attempts", [1, 3])
async def test_silence(attempts: int) -> None:
    """A silent meter costs its attempts, and is named."""
    requests, error = await silent(attempts)
    assert requests == attempts
    assert isinstance(error, NoReplyError)
    assert error.address == 1
    assert not isinstance(error, NoDataError)


async def test_damage() -> None:
    """Whatever is never sound is damaged."""
    requests, error = await silent(3, fault=Fault.CORRUPT)
    assert requests == 3
    assert isinstance(error, DamagedReplyError)


async def test_answers_from_another_address() -> None:
    """A slave that answers as another one is not believed."""
    meter = CodedMeter(1, quirks=Ways(answers_from=9))
    async with SimulatedBus([meter]) as bus, mastered(bus) as master:
        with pytest.raises(ForeignReplyError, match="other addresses"):
            await master.read(1, quirks=SOUND)
        assert master.statistics.discarded[Discard.FOREIGN] == 3


async def test_acknowledgement_without_data() -> None:
    """A meter may have nothing to say."""
    async with SimulatedBus([CodedMeter(1)]) as bus, mastered(bus) as master:
        bus.faults.chances[Fault.ACK_INSTEAD] = 1.0
        with pytest.raises(NoDataError):
            await master.read(1, quirks=SOUND)


async def test_another_meter_at_the_address() -> None:
    """The identity decides, not version and medium; both meters are named."""
    expected = Identity(identification="00000002", manufacturer="SIM")
    async with SimulatedBus([CodedMeter(1)]) as bus, mastered(bus) as master:
        with pytest.raises(OtherMeterError, match="00000001") as caught:
            await master.read(1, identity=expected, quirks=SOUND)
        assert caught.value.expected == expected
        assert caught.value.found.identification == "00000001"
        found = Identity(identification="00000001", manufacturer="SIM")
        assert places(await master.read(1, identity=found, quirks=SOUND))[0][0][:3] == (
            1,
            0,
            0,
        )


async def test_selection_without_identification_in_the_reply() -> None:
    """At 253 a reply has to say who sent it; at a primary address it needn't."""
    frame = frame_of("08 01 78 04 13 01 00 00 00")
    meter = FrameMeter([frame], 1, identification="00000001")
    async with SimulatedBus([meter]) as bus, mastered(bus) as master:
        with pytest.raises(ForeignReplyError, match="doesn't say"):
            await master.read(SecondaryAddress(identification="00000001"), quirks=SOUND)
        readout = await master.read(1, quirks=SOUND)
        assert readout.telegrams[0].records[0].value == 0.001


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ("08 01 70 01", ApplicationError),
        ("08 01 B7 00", UnsupportedError),
    ],
)
async def test_answers_that_are_no_telegram(body: str, error: type[MBusError]) -> None:
    """An error of the meter's and an unknown CI end the readout at once."""
    async with (
        SimulatedBus([FrameMeter([frame_of(body)], 1)]) as bus,
        mastered(bus) as master,
    ):
        with pytest.raises(error):
            await master.read(1, quirks=SOUND)
        assert len(bus.requests) == 2


async def test_busy_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    """A meter that is too busy is asked again after a pause."""
    monkeypatch.setattr(
        "custom_components.mbus.protocol.master.session.BUSY_PAUSE", 0.01
    )
    meter = CodedMeter(1)
    meter.application_errors = iter([8, 8])
    async with SimulatedBus([meter]) as bus, mastered(bus) as master:
        assert places(await master.read(1, quirks=SOUND)) == coded(3)
        meter.application_errors = repeat(8)
        with pytest.raises(ApplicationError) as caught:
            await master.read(1, quirks=SOUND)
        assert caught.value.code == 8


async def test_a_reply_longer_than_allowed() -> None:
    """The error names the setting."""
    async with (
        SimulatedBus([CodedMeter(1)]) as bus,
        mastered(bus, max_package_length=40) as master,
    ):
        with pytest.raises(PackageTooLongError, match=r"max\. package length"):
            await master.read(1, quirks=SOUND)
        assert len(bus.requests) == 2


async def test_a_telegram_cut_in_the_middle() -> None:
    """What is whole of it is kept, with the problem."""
    frame = frame_of(f"08 01 72 {HEADER} 04 13 01 00 00 00 04 06 01")
    async with SimulatedBus([FrameMeter([frame], 1)]) as bus, mastered(bus) as master:
        readout = await master.read(1, quirks=SOUND)
        assert [record.value for record in readout.telegrams[0].records] == [0.001]
        assert readout.telegrams[0].problem


async def test_telegrams_read_before_an_error_are_kept() -> None:
    """What is whole of a partly failed readout, with the error."""
    async with SimulatedBus([CodedMeter(1)]) as bus, mastered(bus) as master:
        bus.faults.once(*[Fault.DROP] * 3, matches=lambda request: request == REQUEST_0)
        readout = await master.read(1, quirks=SOUND)
        assert places(readout) == coded(1)
        assert isinstance(readout.error, NoReplyError)
        assert not readout.complete
        assert places(await master.read(1, quirks=SOUND)) == coded(3, readout=2)


async def test_telegrams_of_one_readout_are_of_one_meter() -> None:
    """A telegram with another identification between is left out."""
    async with (
        SimulatedBus([CodedMeter(1), CodedMeter(2)]) as bus,
        mastered(bus) as master,
    ):
        bus.faults.once(
            Fault.FOREIGN_METER, matches=lambda request: request == REQUEST_0
        )
        assert places(await master.read(1, quirks=SOUND)) == coded(3)
        assert master.statistics.discarded[Discard.OTHER_METER] == 1


# What else is on the line


@both
@pytest.mark.parametrize("fault", [Fault.ECHO, Fault.SPLIT, Fault.NOISE_AFTER])
async def test_a_line_that_is_always_so(kind: Kind, fault: Fault) -> None:
    """Echo, pieces of single bytes and noise at the end cost no repetition."""
    async with SimulatedBus([CodedMeter(1)]) as bus, mastered(bus, kind) as master:
        bus.faults.chances[fault] = 1.0
        assert places(await master.read(1, quirks=SOUND)) == coded(3)
        assert len(bus.requests) == 4


async def test_noise_before_every_answer() -> None:
    """A frame is found behind noise; so is an acknowledgement if nothing follows."""

    async with SimulatedBus([CodedMeter(1)]) as bus, mastered(bus) as master:
        bus.faults.noise = lambda: b"\x00\xff"  # type: ignore[method-assign]
        bus.faults.chances[Fault.NOISE_BEFORE] = 1.0
        assert places(await master.read(1, quirks=SOUND)) == coded(3)
        assert len(bus.requests) == 4


async def test_exchanges_are_told() -> None:
    """The trace gets each request with all that came."""
    told: list[Exchange] = []
    async with (
        SimulatedBus([CodedMeter(1, telegram_count=1)]) as bus,
        mastered(bus, on_exchange=told.append) as master,
    ):
        await master.read(1, quirks=SOUND)
        with pytest.raises(NoReplyError):
            await master.read(2, attempts=1, quirks=SOUND)
        assert [exchange.request for exchange in told] == bus.requests
        assert [exchange.reply for exchange in told] == [
            request.reply for request in bus.requests
        ]
        assert [exchange.outcome for exchange in told] == [
            "answered",
            "answered",
            "nothing",
        ]
        assert [exchange.is_answered for exchange in told] == [True, True, False]
        assert all(exchange.duration > 0 for exchange in told)
        assert master.statistics.requests == 3
        assert master.statistics.replies == 2


async def test_an_exchange_is_told_in_part() -> None:
    """Of a reply that goes on for ever the trace gets the beginning."""
    told: list[Exchange] = []
    async with (
        SimulatedBus([CodedMeter(1)]) as bus,
        mastered(bus, on_exchange=told.append) as master,
    ):
        bus.faults.noise = lambda: bytes(3000)  # type: ignore[method-assign]
        bus.faults.once(Fault.NOISE_BEFORE)
        await master.reset(1)
        assert told[0].reply == bytes(1024)
        assert told[0].discarded == (Discard.NOISE,)
        assert told[0].outcome == "answered, and noise"


async def test_a_late_acknowledgement_of_another_meter() -> None:
    """After silence, an E5 may be that of the meter asked before: it alone resets nobody."""
    meters = [CodedMeter(1), CodedMeter(2, telegram_count=3)]
    async with SimulatedBus(meters) as bus, mastered(bus) as master:
        await master.read(2, last_telegram=0, quirks=SOUND)
        bus.faults.once(Fault.LATE)
        with pytest.raises(NoReplyError):
            await master.read(1, attempts=1, quirks=SOUND)
        bus.faults.once(Fault.REQUEST_LOST)
        assert places(await master.read(2, quirks=SOUND)) == coded(
            3, meter=2, readout=2
        )


async def test_a_late_telegram_of_the_same_meter() -> None:
    """A telegram that comes again in the next readout is not that readout's."""
    meter = CodedMeter(1, telegram_count=1)
    async with SimulatedBus([meter]) as bus, mastered(bus) as master:
        bus.faults.late_delay = 0.12
        bus.faults.once(Fault.LATE, matches=is_request_for_data)
        assert places(await master.read(1, quirks=SOUND)) == coded(1, readout=2)
        assert places(await master.read(1, quirks=SOUND)) == coded(1, readout=3)


async def test_cancelled_in_the_middle() -> None:
    """The answer that nobody waits for any more is not the next one's."""
    meters = [CodedMeter(1), CodedMeter(2)]
    async with (
        SimulatedBus(meters, response_delay=0.03) as bus,
        mastered(bus) as master,
    ):
        for delay in (0.01, 0.04, 0.05, 0.08):
            reading = asyncio.create_task(master.read(1, quirks=SOUND))
            await asyncio.sleep(delay)
            reading.cancel()
            with pytest.raises(asyncio.CancelledError):
                await reading
            readout = await master.read(2, quirks=SOUND)
            assert {place[0] for telegram in places(readout) for place in telegram} == {
                2
            }
            assert readout.complete


# Quirks


async def test_never_reset() -> None:
    """Such a meter is read to its end once to know where it is, then cycle by cycle."""
    meter = CodedMeter(1, quirks=Ways(answers_reset=False))
    quirks = Quirks(reset="never")
    async with SimulatedBus([meter]) as bus, mastered(bus) as master:
        bus.requests.clear()
        assert places(await master.read(1, quirks=quirks)) == coded(3, readout=2)
        assert len(bus.requests) == 6
        readout = await master.read(1, quirks=quirks, last_telegram=0)
        assert places(readout) == coded(3, readout=3)
        assert len(bus.requests) == 9
        assert RESET not in bus.requests


async def test_never_reset_after_a_failure() -> None:
    """Where it is has to be found out anew."""
    meter = CodedMeter(1, quirks=Ways(answers_reset=False))
    quirks = Quirks(reset="never")
    async with SimulatedBus([meter]) as bus, mastered(bus) as master:
        await master.read(1, quirks=quirks)
        bus.faults.once(*[Fault.DROP] * 3, matches=is_request_for_data)
        with pytest.raises(NoReplyError):
            await master.read(1, quirks=quirks)
        readout = await master.read(1, quirks=quirks)
        assert [[place[:3] for place in t] for t in places(readout)] == [
            [place[:3] for place in t] for t in coded(3)
        ]


async def test_never_reset_and_a_telegram_skipped() -> None:
    """What comes after a repetition may be any telegram: it is counted from the end again."""
    ways = Ways(answers_reset=False, frame_count=FrameCount.ADVANCES)
    meter = CodedMeter(1, quirks=ways)
    quirks = Quirks(reset="never")
    async with SimulatedBus([meter]) as bus, mastered(bus) as master:
        await master.read(1, quirks=quirks)
        bus.faults.once(Fault.DROP)
        readout = await master.read(1, quirks=quirks)
        assert [[place[:3] for place in telegram] for telegram in places(readout)] == [
            [place[:3] for place in telegram] for telegram in coded(3)
        ]


async def test_ignore_more_records() -> None:
    """1F is not heeded."""
    async with SimulatedBus([CodedMeter(1)]) as bus, mastered(bus) as master:
        readout = await master.read(
            1, quirks=Quirks(keeps_frame_count=False, ignore_more_records=True)
        )
        assert places(readout) == coded(1)
        assert readout.complete


async def test_a_slow_meter() -> None:
    """A meter may take longer than the others."""
    meter = CodedMeter(1, quirks=Ways(response_delay=0.3))
    async with SimulatedBus([meter]) as bus, mastered(bus) as master:
        quirks = Quirks(keeps_frame_count=False, first_byte_timeout=1.0)
        assert places(await master.read(1, quirks=quirks)) == coded(3)
        assert len(bus.requests) == 4


async def test_pause_between_readouts() -> None:
    """A meter may need rest."""
    meter = CodedMeter(1, quirks=Ways(pause=timedelta(seconds=0.3)))
    quirks = Quirks(keeps_frame_count=False, pause=0.35)
    async with SimulatedBus([meter]) as bus, mastered(bus) as master:
        await master.read(1, quirks=quirks)
        assert places(await master.read(1, quirks=quirks)) == coded(3, readout=2)
        assert len(bus.requests) == 8


async def test_application_reset_first() -> None:
    """A sub-code chooses what the meter sends."""
    async with SimulatedBus([HeatMeter(1)]) as bus, mastered(bus) as master:
        whole = await master.read(1, quirks=SOUND)
        short = await master.read(
            1, quirks=Quirks(keeps_frame_count=False, application_reset=0x50)
        )
        assert bus.requests[4:6] == [
            RESET,
            bytes.fromhex("68 04 04 68 53 01 50 50 F4 16"),
        ]
        assert len(short.telegrams[0].records) < len(whole.telegrams[0].records)


async def test_initial_frames() -> None:
    """An answer with data to a raw frame is a telegram of the readout."""
    async with SimulatedBus([HeatMeter(1)]) as bus, mastered(bus) as master:
        frame = bytes.fromhex("68 03 03 68 53 01 B1 05 16")
        readout = await master.read(
            1, quirks=Quirks(keeps_frame_count=False, initial_frames=(frame,))
        )
        assert bus.requests[:3] == [RESET, frame, REQUEST_1]
        assert len(readout.telegrams) == 4


def test_quirks_as_json() -> None:
    """What is stored gives the same quirks again."""
    quirks = Quirks(reset="never", pause=1.5, initial_frames=(b"\x10\x40", RESET))
    assert quirks.as_dict()["initial_frames"] == ["1040", RESET.hex()]
    assert Quirks.from_dict(quirks.as_dict()) == quirks
    assert Quirks.from_dict({}) == Quirks()
    assert Quirks.from_dict({"unknown": 1, "pause": 2.0}) == Quirks(pause=2.0)


async def test_fixed_structure() -> None:
    """Old meters are read in the same way."""
    async with SimulatedBus([FixedMeter(4)]) as bus, mastered(bus) as master:
        readout = await master.read(4, quirks=SOUND)
        assert len(readout.telegrams[0].records) == 2
        readout = await master.read(
            SecondaryAddress(identification="00000004"), quirks=SOUND
        )
        assert len(readout.telegrams[0].records) == 2


async def test_link_lost_in_the_middle() -> None:
    """Telegrams read before are kept."""
    async with SimulatedBus([CodedMeter(1)]) as bus, mastered(bus) as master:
        bus.faults.once(
            Fault.GATEWAY_RESET, matches=lambda request: request == REQUEST_0
        )
        readout = await master.read(1, quirks=SOUND)
        assert places(readout) == coded(1)
        assert isinstance(readout.error, LinkError)
        with pytest.raises(LinkError):
            await master.read(1, quirks=SOUND)
