"""What is told to meters: what they then hold, what they refuse, and lost acknowledgements."""

import asyncio
from collections.abc import Awaitable, Callable
from copy import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from custom_components.mbus.protocol import (
    CLOCK,
    Address,
    EncodeError,
    Identity,
    LinkError,
    Master,
    NoReplyError,
    OtherMeterError,
    PackageTooLongError,
    Quirks as ReadingQuirks,
    RefusedError,
    SecondaryAddress,
    SerialSettings,
    application_reset,
    find_record,
    long_frame,
    open_link,
    parse_telegram,
    select_for_readout,
    send,
    send_raw,
    set_baud_rate,
    set_clock,
    set_identification,
    set_primary_address,
    short_frame,
    synchronise,
    write_record,
)
from custom_components.mbus.protocol.master import writing as writing_module
from tests.simulator import (
    ElectricityMeter,
    Fault,
    GasMeter,
    HeatMeter,
    Quirks,
    Request,
    SimulatedBus,
    WaterMeter,
    frames,
    is_request_for_data,
)
from tests.simulator.clock import StillLoop

from .lines import TIMEOUT, frame_of, mastered, serve

pytestmark = pytest.mark.usefixtures("socket_enabled")

VOLUME = bytes.fromhex("0C 13")
VALVE = bytes.fromhex("01 FD 1F")
LOCATION = bytes.fromhex("0D FD 10")
NEXT_DUE = bytes.fromhex("42 EC 7E")
BY_SECONDARY = SecondaryAddress(identification="00000001")
both = pytest.mark.parametrize("address", [1, BY_SECONDARY])


def is_user_data(request: bytes) -> bool:
    """Match what tells a meter something."""
    return frames.is_long(request) and request[6] != 0x52


# Records


@both
@pytest.mark.parametrize(
    ("meter", "header", "value", "data"),
    [
        (WaterMeter(1), VOLUME, 1234.567, "67 45 23 01"),
        (GasMeter(1), VALVE, 0, "00"),
        (HeatMeter(1), NEXT_DUE, date(2026, 11, 22), "56 3B"),
    ],
)
async def test_write_a_record(
    address: Address, meter: Any, header: bytes, value: Any, data: str
) -> None:
    """The value is coded as the record's header says, taken and read back."""
    async with SimulatedBus([meter, WaterMeter(2)]) as bus, mastered(bus) as master:
        record = find_record(await write_record(master, address, header, value), header)
        assert meter.memory == {header: bytes.fromhex(data)}
        assert record is not None
        assert record.value == value


async def test_write_a_text() -> None:
    """Of any length."""
    meter = WaterMeter(1)
    async with SimulatedBus([meter]) as bus, mastered(bus) as master:
        record = find_record(await write_record(master, 1, LOCATION, "Attic"), LOCATION)
        assert record is not None
        assert record.value == "Attic"
        assert meter.memory[LOCATION].endswith(b"cittA")


@pytest.mark.parametrize(
    ("header", "value"),
    [(VOLUME, 1e9), (VOLUME, "text"), (VALVE, 300), (NEXT_DUE, date(1900, 1, 1))],
)
async def test_values_that_do_not_fit(header: bytes, value: Any) -> None:
    """They are refused before anything is sent."""
    async with SimulatedBus([WaterMeter(1)]) as bus, mastered(bus) as master:
        with pytest.raises(EncodeError):
            await write_record(master, 1, header, value)
        assert bus.requests == []


@pytest.mark.parametrize("refusal", ["error", "silent", "acknowledged"])
async def test_a_meter_that_refuses(refusal: Any) -> None:
    """Whether it says so, keeps silent or only seems to take it."""
    meter = WaterMeter(1, quirks=Quirks(refusal=refusal))
    meter.protected = True
    async with SimulatedBus([meter]) as bus, mastered(bus) as master:
        with pytest.raises(RefusedError) as caught:
            await write_record(master, 1, LOCATION, "Attic")
        assert meter.memory == {}
        expected = "access denied" if refusal == "error" else "still has 'Cellar'"
        assert expected in str(caught.value)


async def test_no_room_for_more_data() -> None:
    """DFC: nothing is sent."""
    meter = WaterMeter(1, quirks=Quirks(flow_control=True))
    async with SimulatedBus([meter]) as bus, mastered(bus) as master:
        with pytest.raises(RefusedError, match="DFC"):
            await write_record(master, 1, VOLUME, 1)
        assert not any(map(is_user_data, bus.requests))


@both
@pytest.mark.parametrize("lost", [1, 3])
async def test_a_lost_acknowledgement(address: Address, lost: int) -> None:
    """Once or always: what the meter holds afterwards decides."""
    meter = WaterMeter(1)
    async with SimulatedBus([meter]) as bus, mastered(bus) as master:
        bus.faults.once(*[Fault.DROP] * lost, matches=is_user_data)
        record = find_record(
            await write_record(master, address, VOLUME, 1234.567), VOLUME
        )
        assert record is not None
        assert record.value == 1234.567


async def test_lost_requests() -> None:
    """When the meter never heard it, the write has failed."""
    async with SimulatedBus([WaterMeter(1)]) as bus, mastered(bus) as master:
        bus.faults.once(*[Fault.REQUEST_LOST] * 3, matches=is_user_data)
        with pytest.raises(RefusedError, match="still has"):
            await write_record(master, 1, LOCATION, "Attic")


async def test_nothing_tells_of_a_lost_write() -> None:
    """A record that the meter sends no longer disproves nothing, and proves nothing."""
    meter = WaterMeter(1)

    def is_write(request: bytes) -> bool:
        if is_user_data(request):
            meter._readout_selection = [VOLUME]
        return is_user_data(request)

    async with SimulatedBus([meter]) as bus, mastered(bus) as master:
        bus.faults.once(*[Fault.REQUEST_LOST] * 3, matches=is_write)
        with pytest.raises(NoReplyError):
            await write_record(master, 1, LOCATION, "Attic")
        assert meter.memory == {}


async def test_only_the_other_control_field() -> None:
    """Some meters take SND_UD with one C field only."""
    meter = WaterMeter(1, quirks=Quirks(send_user_data=(0x73,)))
    async with SimulatedBus([meter]) as bus, mastered(bus) as master:
        await write_record(master, 1, VOLUME, 1)
        assert VOLUME in meter.memory


@pytest.mark.parametrize(
    ("command", "arguments"),
    [
        (write_record, (VOLUME, 1)),
        (set_clock, (datetime(2026, 1, 1),)),
        (set_primary_address, (5,)),
        (set_identification, ("87654321",)),
        (application_reset, ()),
        (select_for_readout, ([VOLUME],)),
    ],
)
async def test_another_meter_at_the_address(
    command: Callable[..., Awaitable[object]], arguments: tuple[Any, ...]
) -> None:
    """It is told nothing that lasts."""
    meter = WaterMeter(1)
    identity = Identity(identification="99999999", manufacturer="SIM")
    async with SimulatedBus([meter]) as bus, mastered(bus) as master:
        with pytest.raises(OtherMeterError):
            await command(master, 1, *arguments, identity=identity)
        assert command is select_for_readout or not any(map(is_user_data, bus.requests))
        assert meter.memory == {}


@pytest.mark.parametrize(
    ("command", "arguments"),
    [
        (write_record, (VOLUME, 1)),
        (set_clock, (datetime(2026, 1, 1),)),
        (set_primary_address, (5,)),
        (set_identification, ("87654321",)),
        (application_reset, ()),
        (select_for_readout, ([VOLUME],)),
    ],
)
async def test_a_meter_that_is_never_reset(
    command: Callable[..., Awaitable[object]],
    arguments: tuple[Any, ...],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is read before and after as its quirks say, or it would seem to be silent."""
    monkeypatch.setattr(writing_module, "_CLOCK_PAUSE", 0.0)
    meter = WaterMeter(1, quirks=Quirks(answers_reset=False))
    quirks = ReadingQuirks(reset="never")
    async with SimulatedBus([meter]) as bus, mastered(bus) as master:
        await command(master, 1, *arguments, quirks=quirks)
        assert any(map(is_user_data, bus.requests))


async def test_a_record_that_is_not_sent() -> None:
    """What the meter doesn't send can't be compared."""
    async with SimulatedBus([WaterMeter(1)]) as bus, mastered(bus) as master:
        header = bytes.fromhex("02 FD 3A")
        with pytest.raises(RefusedError, match="access denied"):
            await write_record(master, 1, header, 5)
        bus.faults.once(*[Fault.REQUEST_LOST] * 3, matches=is_user_data)
        with pytest.raises(NoReplyError):
            await write_record(master, 1, header, 5)


async def test_more_data_than_allowed() -> None:
    """The error names the setting."""
    async with (
        SimulatedBus([WaterMeter(1)]) as bus,
        mastered(bus, max_package_length=100) as master,
    ):
        headers = [bytes.fromhex("0C 13")] * 50
        frame = frame_of("53 01 51" + 50 * "0C 13")
        for told in (
            send(master, 1, 0x51, bytes(100)),
            select_for_readout(master, 1, headers),
            send_raw(master, frame),
        ):
            with pytest.raises(PackageTooLongError, match=r"max\. package length"):
                await told
        quirks = ReadingQuirks(requests=(b"\x51" + bytes(100),))
        readout = await master.read(1, quirks=quirks)
        assert isinstance(readout.error, PackageTooLongError)
        assert max(map(len, bus.requests)) == 5


# Addresses


@both
@pytest.mark.parametrize("fault", [None, Fault.DROP, Fault.REQUEST_LOST])
async def test_set_primary_address(address: Address, fault: Fault | None) -> None:
    """The meter answers at the new address, also if the acknowledgement or the request is lost."""
    meter = WaterMeter(1)
    async with SimulatedBus([meter]) as bus, mastered(bus) as master:
        if fault:
            bus.faults.once(fault, matches=is_user_data)
        await set_primary_address(master, address, 8)
        assert meter.address == 8
        assert (await master.read(8)).complete


async def test_set_primary_address_that_is_taken() -> None:
    """Nothing is changed."""
    meters = [WaterMeter(1), GasMeter(8)]
    async with SimulatedBus(meters) as bus, mastered(bus) as master:
        with pytest.raises(RefusedError, match="answers at 8 already"):
            await set_primary_address(master, 1, 8)
        assert meters[0].address == 1
        with pytest.raises(ValueError, match="0 to 250"):
            await set_primary_address(master, 1, 251)


async def test_set_primary_address_refused() -> None:
    """A protected meter stays where it is."""
    meter = WaterMeter(1, quirks=Quirks(refusal="acknowledged"))
    meter.protected = True
    async with SimulatedBus([meter]) as bus, mastered(bus) as master:
        with pytest.raises(RefusedError, match="keeps its address"):
            await set_primary_address(master, 1, 8)


@both
@pytest.mark.parametrize("lost", [0, 3])
async def test_set_identification(address: Address, lost: int) -> None:
    """The header shows it, and a selection finds it."""
    meter = WaterMeter(1)
    async with SimulatedBus([meter]) as bus, mastered(bus) as master:
        bus.faults.once(*[Fault.DROP] * lost, matches=is_user_data)
        await set_identification(master, address, "87654321")
        assert meter.identification == "87654321"


async def test_set_identification_refused() -> None:
    """It keeps its own; what is none is not sent."""
    meter = WaterMeter(1, quirks=Quirks(refusal="acknowledged"))
    meter.protected = True
    async with SimulatedBus([meter]) as bus, mastered(bus) as master:
        with pytest.raises(RefusedError, match="keeps its identification"):
            await set_identification(master, 1, "87654321")
        with pytest.raises(EncodeError):
            await set_identification(master, 1, "8765432X")


# Baud rate


@both
async def test_set_baud_rate(address: Address) -> None:
    """Meter and link go on at the new rate."""
    meter = WaterMeter(1, baud_rate=38400)
    async with SimulatedBus([meter]) as bus, mastered(bus, "pty") as master:
        await set_baud_rate(master, address, 9600)
        assert meter.baud_rate == 9600
        assert master.link.baud_rate == 9600
        assert (await master.read(1)).complete


async def test_set_baud_rate_of_a_meter_that_follows_any() -> None:
    """A meter that finds the rate by itself answers at the new one."""
    async with SimulatedBus([WaterMeter(1)]) as bus, mastered(bus, "pty") as master:
        await set_baud_rate(master, 1, 2400)
        assert master.link.baud_rate == 2400


async def test_set_baud_rate_from_one_without_a_code() -> None:
    """It is no rate that a meter can be told, but the link goes back to it."""
    async with SimulatedBus([WaterMeter(1, baud_rate=57600)]) as bus:
        settings = await serve(bus, "pty")
        assert isinstance(settings, SerialSettings)
        async with open_link(replace(settings, baud_rate=57600)) as link:
            master = Master(link, timeout=TIMEOUT)
            bus.faults.once(*[Fault.REQUEST_LOST] * 3, matches=is_user_data)
            with pytest.raises(RefusedError, match="stays at 57600 baud"):
                await set_baud_rate(master, 1, 9600)
            assert link.baud_rate == 57600


async def test_set_baud_rate_unheard() -> None:
    """A meter that never heard of it is found at the old rate."""
    meter = WaterMeter(1, baud_rate=38400)
    async with SimulatedBus([meter]) as bus, mastered(bus, "pty") as master:
        bus.faults.once(*[Fault.REQUEST_LOST] * 3, matches=is_user_data)
        with pytest.raises(RefusedError, match="stays at 38400 baud"):
            await set_baud_rate(master, 1, 9600)
        assert master.link.baud_rate == 38400
        assert (await master.read(1)).complete


async def test_set_baud_rate_without_an_answer_at_the_new_one() -> None:
    """A meter that can't be heard at the new rate is told the old one."""
    meter = WaterMeter(1, baud_rate=38400)
    async with SimulatedBus([meter]) as bus, mastered(bus, "pty") as master:

        def at_new_rate(_: bytes) -> bool:
            return meter.baud_rate == 9600

        bus.faults.once(*[Fault.DROP] * 3, matches=at_new_rate)
        with pytest.raises(RefusedError, match="stays at 38400 baud"):
            await set_baud_rate(master, 1, 9600)
        assert meter.baud_rate == 38400
        assert (await master.read(1)).complete


async def test_set_baud_rate_of_a_meter_that_is_lost() -> None:
    """The error says that it comes back."""
    meter = WaterMeter(1, baud_rate=38400)
    async with SimulatedBus([meter]) as bus, mastered(bus, "pty") as master:

        def after_the_command(_: bytes) -> bool:
            return any(map(is_user_data, bus.requests))

        bus.faults.once(*[Fault.REQUEST_LOST] * 20, matches=after_the_command)
        with pytest.raises(RefusedError, match="return to the old rate"):
            await set_baud_rate(master, 1, 9600)
        assert master.link.baud_rate == 38400


async def test_set_baud_rate_behind_a_gateway() -> None:
    """Its own rate can't be changed, so nothing is sent; nor for a rate without a code."""
    async with SimulatedBus([WaterMeter(1)]) as bus, mastered(bus) as master:
        with pytest.raises(LinkError, match="can't be changed"):
            await set_baud_rate(master, 1, 9600)
        with pytest.raises(ValueError, match=r"not in"):
            await set_baud_rate(master, 1, 115200)
        assert bus.requests == []


# Application, readout list, clock


async def test_application_reset() -> None:
    """A sub-code chooses an application, none the default."""
    meter = HeatMeter(1)
    async with SimulatedBus([meter]) as bus, mastered(bus) as master:
        whole = len((await master.read(1)).telegrams[0].records)
        await application_reset(master, 1, 0x50)
        assert meter.application == 0x50
        assert len((await master.read(1)).telegrams[0].records) < whole
        await application_reset(master, 1)
        assert meter.application == 0
        assert len((await master.read(1)).telegrams[0].records) == whole


@both
async def test_select_for_readout(address: Address) -> None:
    """Only these records come, until an application reset."""
    async with SimulatedBus([HeatMeter(1)]) as bus, mastered(bus) as master:
        wanted = [bytes.fromhex("04 06"), bytes.fromhex("02 59")]
        readout = await select_for_readout(master, address, wanted)
        headers = [r.header for t in readout.telegrams for r in t.records]
        assert headers == wanted
        await application_reset(master, address)
        readout = await master.read(address)
        assert len(readout.telegrams[0].records) > 2


@both
@pytest.mark.parametrize("with_seconds", [False, True])
@pytest.mark.parametrize("summer_time", [False, True])
async def test_set_clock(
    address: Address,
    with_seconds: bool,
    summer_time: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As type F and as type I, with the bit for summer time; read back afterwards."""
    monkeypatch.setattr(writing_module, "_CLOCK_PAUSE", 0.0)
    meter = HeatMeter(1)
    moment = datetime(2026, 11, 22, 14, 35, 20)
    async with SimulatedBus([meter]) as bus, mastered(bus) as master:
        readout = await set_clock(
            master, address, moment, with_seconds=with_seconds, summer_time=summer_time
        )
        shown = find_record(readout, bytes.fromhex("04 6D"))
        assert shown is not None
        assert isinstance(shown.value, datetime)
        assert abs(shown.value - moment) < timedelta(minutes=1)
        assert abs(meter.now() - moment) < timedelta(minutes=1)
        assert meter.summer_time is summer_time
        sent = next(filter(is_user_data, bus.requests))
        if not summer_time:
            expected = (
                "06 6D 14 23 0E 56 3B 00" if with_seconds else "04 6D 23 0E 56 3B"
            )
            assert sent[7:-2] == bytes.fromhex(expected)


@pytest.mark.parametrize("second", [0, 20, 45, 59])
@pytest.mark.parametrize(("with_seconds", "step"), [(False, 60), (True, 1)])
def test_set_clock_late(second: int, with_seconds: bool, step: int) -> None:
    """The time is that at which the telegram goes out, once more, too, rounded to what it can say."""
    moment = datetime(2026, 11, 22, 14, 35, second)
    header = bytes.fromhex("06 6D" if with_seconds else "04 6D")

    async def set_it() -> tuple[float, list[Request]]:
        async with (
            SimulatedBus([HeatMeter(1)]) as bus,
            mastered(bus, timeout=7.0) as master,
        ):
            bus.faults.once(Fault.DROP, matches=is_request_for_data)
            bus.faults.once(*[Fault.REQUEST_LOST] * 2, matches=is_user_data)
            called_at = asyncio.get_running_loop().time()
            await set_clock(master, 1, moment, with_seconds=with_seconds)
            return called_at, [*filter(is_user_data, bus.requests)]

    with asyncio.Runner(loop_factory=StillLoop) as runner:
        called_at, sent = runner.run(set_it())

    assert len(sent) == 3
    for request in sent:
        passed = request.time - called_at
        assert passed >= 7
        [record] = parse_telegram(long_frame(0x08, 1, 0x78, request[7:-2])).records
        assert record.header == header
        assert isinstance(record.value, datetime)
        off = record.value - moment - timedelta(seconds=passed)
        assert abs(off) <= timedelta(seconds=step / 2 + 0.1)


async def test_set_clock_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the meter shows afterwards is told."""
    monkeypatch.setattr(writing_module, "_CLOCK_PAUSE", 0.0)
    meter = HeatMeter(1, quirks=Quirks(refusal="acknowledged"))
    meter.protected = True
    async with SimulatedBus([meter]) as bus, mastered(bus) as master:
        with pytest.raises(RefusedError, match="the clock of 1 shows"):
            await set_clock(master, 1, datetime(2000, 1, 1))


async def test_set_clock_of_a_meter_that_does_not_send_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It can't be checked."""
    monkeypatch.setattr(writing_module, "_CLOCK_PAUSE", 0.0)
    meter = GasMeter(1)
    async with SimulatedBus([meter]) as bus, mastered(bus) as master:
        moment = datetime(2026, 11, 22, 14, 35)
        readout = await set_clock(master, 1, moment)
        assert not any(find_record(readout, header) for header in CLOCK)
        assert abs(meter.now() - moment) < timedelta(minutes=1)


@pytest.mark.parametrize("classic", [False, True])
async def test_synchronise(classic: bool) -> None:
    """All meters freeze their values, and none answers."""
    meters = [WaterMeter(1), HeatMeter(2)]
    async with SimulatedBus(meters) as bus, mastered(bus) as master:
        await synchronise(master, classic=classic)
        code = 0x54 if classic else 0x5C
        assert bus.requests == [long_frame(0x53, 255, code)]
        assert all(meter.memory for meter in meters)
        assert (await master.read(1)).complete


# Raw frames


async def test_send_raw() -> None:
    """All that comes is given back; silence is nothing."""
    async with SimulatedBus([ElectricityMeter(1)]) as bus, mastered(bus) as master:
        assert await send_raw(master, short_frame(0x40, 1)) == b"\xe5"
        answer = await send_raw(master, short_frame(0x7B, 1))
        assert parse_telegram(answer).records
        assert await send_raw(master, short_frame(0x40, 9)) == b""
        bus.faults.chances[Fault.ECHO] = 1.0
        answer = await send_raw(master, short_frame(0x40, 1))
        assert answer == short_frame(0x40, 1) + b"\xe5"


async def test_an_answer_with_data() -> None:
    """Some meters answer a command with values."""
    async with SimulatedBus([ElectricityMeter(1)]) as bus, mastered(bus) as master:
        frame = await send(master, 1, 0xB1)
        assert frame is not None
        assert parse_telegram(bytes(frame)).records


async def test_a_command_that_is_unknown() -> None:
    """The meter's error is told."""
    async with SimulatedBus([WaterMeter(1)]) as bus, mastered(bus) as master:
        with pytest.raises(RefusedError, match="CI field"):
            await send(master, 1, 0x5F)
