"""The protocol package as a library: what it needs, what it offers, and what it refuses."""

import asyncio
from collections.abc import Callable, Iterator
import copy
from datetime import UTC, datetime
import inspect
import math
from pathlib import Path
import pickle
import subprocess
import sys
from typing import Any, TypeAliasType, get_args, get_origin, get_type_hints

import pytest

from custom_components.mbus import protocol
from custom_components.mbus.protocol import (
    CLOCK,
    ApplicationError,
    Bus,
    CollisionError,
    EncodeError,
    FrameError,
    Identity,
    LinkBusyError,
    Master,
    MBusError,
    NoReplyError,
    NoWayError,
    OtherMeterError,
    Quirks,
    SecondaryAddress,
    SerialSettings,
    TcpSettings,
    UnsupportedError,
    open_link,
    select_for_readout,
    set_clock,
    set_primary_address,
    write_record,
)
from tests.simulator import CodedMeter, HeatMeter, SimulatedBus, WaterMeter

from .lines import SOUND, mastered, places, serve

PACKAGE = Path(protocol.__file__).parent


# What it needs


def test_decoding_needs_no_serial_library() -> None:
    """The package is imported, and a telegram read, without it."""
    code = (
        "import sys\n"
        "sys.modules['serialx'] = None\n"
        f"sys.path.append({str(PACKAGE.parent)!r})\n"
        "import protocol\n"
        "data = bytes.fromhex('78563412 2423 2F 04 01 00 0000 0113 05')\n"
        "frame = protocol.long_frame(0x08, 1, 0x72, data)\n"
        "assert protocol.parse_telegram(frame).records[0].value == 0.005\n"
    )
    subprocess.run([sys.executable, "-P", "-c", code], check=True)


# What it offers


def test_all_names_are_there() -> None:
    """Each once, and every public name among them."""
    assert len(protocol.__all__) == len(set(protocol.__all__))
    public = {
        name
        for name, value in vars(protocol).items()
        if not name.startswith("_") and not isinstance(value, type(sys))
    }
    assert public == set(protocol.__all__)
    assert (PACKAGE / "py.typed").exists()


def _types_in(annotation: Any) -> Iterator[Any]:
    """Yield the types that an annotation names."""
    if isinstance(annotation, list | tuple):
        for one in annotation:
            yield from _types_in(one)
    elif isinstance(annotation, TypeAliasType) or not get_args(annotation):
        yield annotation
    else:
        yield from _types_in(get_origin(annotation))
        yield from _types_in(get_args(annotation))


def _signatures() -> Iterator[tuple[str, Any]]:
    """Yield what is public and has annotations, by name."""
    for name in protocol.__all__:
        value = getattr(protocol, name)
        if isinstance(value, type):
            yield name, value
            for member, function in vars(value).items():
                function = getattr(function, "fget", function)
                function = getattr(function, "__func__", function)
                if inspect.isfunction(function) and not member.startswith("_"):
                    yield f"{name}.{member}", function
        elif inspect.isfunction(value):
            yield name, value


@pytest.mark.parametrize(("name", "value"), _signatures())
def test_what_is_named_is_there(name: str, value: Any) -> None:
    """A signature names no type of the package that can't be imported from it."""
    public = {id(getattr(protocol, name)) for name in protocol.__all__}
    for annotation in get_type_hints(value).values():
        for one in _types_in(annotation):
            module = getattr(one, "__module__", None) or ""
            assert not module.startswith(protocol.__name__) or id(one) in public


ADDRESS = SecondaryAddress(identification="12345678")
IDENTITY = Identity(identification="00000001", manufacturer="SIM")


@pytest.mark.parametrize(
    "error",
    [
        MBusError("text"),
        FrameError("no_bytes"),
        EncodeError("no_number", value="x"),
        LinkBusyError(link="/dev/ttyUSB0"),
        NoWayError(link="a", errors=(LinkBusyError(link="a"), LinkBusyError(link="b"))),
        NoReplyError(address=5, attempts=3),
        CollisionError(address=ADDRESS),
        OtherMeterError(address=ADDRESS, expected=None, found=IDENTITY),
        ApplicationError("too_busy", 8),
        UnsupportedError(0xB7, b"\x00"),
    ],
)
@pytest.mark.parametrize(
    "duplicate",
    [copy.copy, copy.deepcopy, lambda error: pickle.loads(pickle.dumps(error))],
)
def test_errors_can_be_copied(
    error: MBusError, duplicate: Callable[[Any], Any]
) -> None:
    """With all that they tell."""
    other = duplicate(error)
    assert type(other) is type(error)
    assert str(other) == str(error)
    assert repr(other) == repr(error)


async def test_a_link_for_a_while(socket_enabled: None) -> None:
    """`async with` closes what it opened, also when something fails in between."""
    async with SimulatedBus([WaterMeter(1)]) as bus:
        settings = await serve(bus, "tcp")
        async with open_link(settings) as link:
            assert (await Master(link).read(1)).complete
        assert not link.is_open
        with pytest.raises(ZeroDivisionError):
            async with open_link(settings) as link:
                raise ZeroDivisionError
        assert not link.is_open


async def test_a_bus_for_a_while(socket_enabled: None) -> None:
    """So does a bus."""
    async with SimulatedBus([WaterMeter(1)]) as simulated:
        async with Bus(await serve(simulated, "tcp")) as bus:
            assert (await bus.read(1)).complete
        assert bus.active is None


async def test_tasks_take_turns(socket_enabled: None) -> None:
    """Two tasks with one master both get their readouts, whole, in the order in which they asked."""
    meters = [CodedMeter(1), CodedMeter(2)]
    async with SimulatedBus(meters) as bus, mastered(bus) as master:
        async with asyncio.timeout(10):
            readouts = await asyncio.gather(
                *(master.read(n, quirks=SOUND) for n in (1, 2, 1, 2))
            )
        assert [
            {place[0] for telegram in places(readout) for place in telegram}
            for readout in readouts
        ] == [{1}, {2}, {1}, {2}]
        asked = [request[2] for request in bus.requests]
        assert asked == [1] * 4 + [2] * 4 + [1] * 4 + [2] * 4


async def test_a_command_is_not_interrupted(socket_enabled: None) -> None:
    """What belongs together goes over the line together."""
    meters = [WaterMeter(1), WaterMeter(2)]
    async with SimulatedBus(meters) as bus, mastered(bus) as master:
        async with asyncio.timeout(10):
            await asyncio.gather(
                write_record(master, 1, bytes.fromhex("0C 13"), 1), master.read(2)
            )
        asked = [request[5 if request[0] == 0x68 else 2] for request in bus.requests]
        assert asked == sorted(asked)


async def test_who_holds_the_line_is_told_to_use_it(socket_enabled: None) -> None:
    """It does not wait for itself for ever, and others have their turn afterwards."""
    async with SimulatedBus([WaterMeter(1)]) as bus, mastered(bus) as master:
        async with asyncio.timeout(10), master.hold():
            others = asyncio.create_task(master.read(1))
            with pytest.raises(RuntimeError, match="session"):
                await master.read(1)
            assert bus.requests == []
        assert (await others).complete
        assert (await master.read(1)).complete


# What it refuses


@pytest.mark.parametrize(
    ("make", "named"),
    [
        (lambda: SerialSettings(port=""), "port"),
        (lambda: SerialSettings(port="a", baud_rate=0), "baud_rate"),
        (lambda: SerialSettings(port="a", parity="X"), "parity"),  # type: ignore[arg-type]
        (lambda: SerialSettings(port="a", data_bits=9), "data_bits"),
        (lambda: SerialSettings(port="a", stop_bits=0), "stop_bits"),
        (lambda: TcpSettings(host="", port=1), "host"),
        (lambda: TcpSettings(host="a", port=70000), "port"),
        (lambda: TcpSettings(host="a", port=1, baud_rate=-1), "baud_rate"),
        (lambda: TcpSettings(host="a", port=1, baud_rate=math.nan), "baud_rate"),  # type: ignore[arg-type]
        (lambda: open_link(TcpSettings(host="a", port=1), timeout=0), "timeout"),
        (lambda: open_link(TcpSettings(host="a", port=1), timeout=math.nan), "timeout"),
        (lambda: Quirks(pause=-1), "pause"),
        (lambda: Quirks(pause=math.inf), "pause"),
        (lambda: Quirks(pause=math.nan), "pause"),
        (lambda: Quirks(first_byte_timeout=0), "first_byte_timeout"),
        (lambda: Quirks(first_byte_timeout=math.inf), "first_byte_timeout"),
        (lambda: SecondaryAddress(identification="123"), "identification"),
        (lambda: SecondaryAddress(fabrication_number="1"), "fabrication_number"),
        (lambda: SecondaryAddress(version=255), "version"),
        (lambda: SecondaryAddress(medium=-1), "medium"),
        (lambda: protocol.short_frame(0x40, 256), "address"),
        (lambda: protocol.long_frame(-1, 1, 0x72), "control"),
        (lambda: protocol.long_frame(8, 1, 256), "control_information"),
        (lambda: Quirks(application_reset=256), "application_reset"),
    ],
)
def test_settings_that_cannot_be(make: Callable[[], object], named: str) -> None:
    """The error names them."""
    with pytest.raises(ValueError, match=named):
        make()


@pytest.mark.parametrize(
    "arguments",
    [
        {"timeout": 0},
        {"attempts": 0},
        {"line_delay_ratio": -1},
        {"max_package_length": 0},
    ],
)
async def test_masters_that_cannot_be(
    arguments: dict[str, int], socket_enabled: None
) -> None:
    """Neither alone nor in a bus."""
    (named,) = arguments
    with pytest.raises(ValueError, match=named):
        Bus(TcpSettings(host="a", port=1), **arguments)  # type: ignore[arg-type]
    async with SimulatedBus() as bus, open_link(await serve(bus, "tcp")) as link:
        with pytest.raises(ValueError, match=named):
            Master(link, **arguments)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("ask", "named"),
    [
        (lambda master: master.read(300), "address 300"),
        (lambda master: master.read(-1), "address -1"),
        (lambda master: master.read(1, attempts=-1), "attempts"),
        (lambda master: master.read(1, last_telegram=-1), "last_telegram"),
        (lambda master: master.reset(255), "address 255"),
        (lambda master: master.reset(1, wait=-1), "wait"),
        (lambda master: master.select(ADDRESS, wait=math.inf), "wait"),
        (lambda master: protocol.send(master, 300, 0x51), "address 300"),
        (lambda master: protocol.send_raw(master, b""), "data"),
        (lambda master: set_primary_address(master, 1, 251), "new_address"),
        (lambda master: protocol.set_baud_rate(master, 1, 7), "baud_rate"),
        (lambda master: protocol.application_reset(master, 1, 256), "sub_code"),
        (lambda master: protocol.set_identification(master, 1, "123"), "8 digits"),
        (lambda master: select_for_readout(master, 300, [b"\x0c\x13"]), "address 300"),
        (lambda master: select_for_readout(master, 1, []), "headers"),
        (lambda master: select_for_readout(master, 1, [b""]), "header"),
        (
            lambda master: select_for_readout(master, 1, [b"\x0f"]),
            "0F is not the header",
        ),
        (lambda master: set_clock(master, 1, datetime.now(UTC)), "date and time"),
        (
            lambda master: write_record(master, 1, CLOCK[0], datetime.now(UTC)),
            "date and time",
        ),
    ],
)
async def test_requests_that_cannot_be(
    ask: Callable[[Master], Any], named: str, socket_enabled: None
) -> None:
    """The error names the argument, and nothing was sent."""
    async with SimulatedBus([HeatMeter(1)]) as bus, mastered(bus) as master:
        with pytest.raises(ValueError, match=named):
            await ask(master)
        assert bus.requests == []
