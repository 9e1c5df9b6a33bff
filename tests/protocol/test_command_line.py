"""The command line beside the simulated bus."""

import asyncio
from collections.abc import AsyncIterator
import json
import signal

import pytest

from tests.simulator import (
    CodedMeter,
    Fault,
    Faults,
    FixedMeter,
    FrameMeter,
    HeatMeter,
    SimulatedBus,
    WaterMeter,
)

from .command import ALL, INTERRUPTED, NOTHING, PART, run, start
from .telegrams import HEADER, frame

pytestmark = pytest.mark.usefixtures("socket_enabled")

QUICK = ("--baud-rate", "38400", "--timeout", "0.3")
"""The simulated meters answer at once, so that little need be waited for those that don't."""
WHOLE_BUS = ("--baud-rate", "38400", "--line-delay-ratio", "0.1")

REQUEST_FOR_SECOND = bytes.fromhex("10 5B 01 5C 16")


async def link_to(bus: SimulatedBus, kind: str = "tcp") -> str:
    """Give what is typed for a way to a bus."""
    if kind == "pty":
        return await bus.serve_pty()
    return f"tcp://127.0.0.1:{await bus.serve_tcp()}"


# One meter


@pytest.mark.parametrize("kind", ["tcp", "pty"])
async def test_read(kind: str) -> None:
    """A table of all records; as JSON all telegrams with their bytes, and what was on the line."""
    async with SimulatedBus([HeatMeter(1, identification="12345678")]) as bus:
        link = await link_to(bus, kind)
        text = await run("read", link, "1", *QUICK)
        assert text.code == ALL
        assert text.err == ""
        title, columns, *rows = text.out.splitlines()
        assert title.startswith("SIM 12345678 heat")
        assert columns.split()[:3] == ["telegram", "index", "quantity"]
        assert len(rows) == 52
        bus.requests.clear()
        outcome = await run("--json", "read", link, "12345678", *QUICK)
        assert outcome.code == ALL
        assert (outcome.json["complete"], outcome.json["error"]) == (True, None)
        telegrams = outcome.json["telegrams"]
        assert [len(telegram["records"]) for telegram in telegrams] == [12, 14, 26]
        assert telegrams[0]["header"]["manufacturer"] == "SIM"
        assert telegrams[0]["more_records_follow"] is True
        exchanges = outcome.json["exchanges"]
        assert [bytes.fromhex(exchange["request"]) for exchange in exchanges] == [
            *bus.requests
        ]
        assert [exchange["reply"] for exchange in exchanges][-3:] == [
            telegram["raw"] for telegram in telegrams
        ]


async def test_read_a_part() -> None:
    """What was read before an error is shown, and the exit code says that it isn't all."""
    faults = Faults()
    faults.once(Fault.DROP, matches=lambda request: request == REQUEST_FOR_SECOND)
    async with SimulatedBus([CodedMeter(1)], faults=faults) as bus:
        link = await link_to(bus)
        outcome = await run("read", link, "1", "--json", "--attempts", "1", *QUICK)
    assert outcome.code == PART
    assert outcome.json["complete"] is False
    assert outcome.json["error"] == "no reply from 1 in 1 attempts"
    assert outcome.err == "no reply from 1 in 1 attempts\n"
    assert len(outcome.json["telegrams"]) == 1


async def test_read_what_is_encrypted() -> None:
    """Not all well, though all came."""
    data = HEADER[:10] + b"\x10\x05" + bytes(range(16))
    async with SimulatedBus([FrameMeter([frame(0x72, data)], 1)]) as bus:
        outcome = await run("read", await link_to(bus), "1", "--json", *QUICK)
    assert outcome.code == PART
    assert outcome.json["complete"] is False
    assert "encrypted (mode 5)" in outcome.json["error"]
    assert outcome.json["telegrams"][0]["header"]["identification"] == "12345678"


async def test_nobody_answers() -> None:
    """Nothing, and why; as JSON with what was tried."""
    async with SimulatedBus() as bus:
        link = await link_to(bus)
        outcome = await run("read", link, "5", "--json", "--attempts", "2", *QUICK)
        assert outcome.code == NOTHING
        assert outcome.err == "no reply from 5 in 2 attempts\n"
        assert outcome.json == {
            "complete": False,
            "error": "no reply from 5 in 2 attempts",
            "telegrams": [],
            "exchanges": [
                {"request": "10 40 05 45 16", "reply": "", "outcome": "nothing"}
            ]
            * 2,
        }


async def test_select_and_reset() -> None:
    """The records that were asked for, until all are sent again."""
    async with SimulatedBus([HeatMeter(1)]) as bus:
        link = await link_to(bus)
        outcome = await run("select", link, "1", "0406", "04 2D", "--json", *QUICK)
        assert outcome.code == ALL
        records = outcome.json["telegrams"][0]["records"]
        assert [record["quantity"] for record in records] == ["energy", "power"]
        outcome = await run("reset", link, "1", *QUICK)
        assert (outcome.code, outcome.err) == (ALL, "")
        assert outcome.out.endswith("was reset\n")
        outcome = await run("read", link, "1", "--json", *QUICK)
        assert len(outcome.json["telegrams"]) == 3
        outcome = await run("reset", link, "1", "50", "--json", *QUICK)
        assert outcome.code == ALL
        assert outcome.json["exchanges"][-1]["request"].startswith(
            "68 04 04 68 53 01 50 50"
        )


async def test_set_address() -> None:
    """Where it was told to, with the telegram that proves it; never to where another one is."""
    meters = [WaterMeter(1), WaterMeter(2)]
    async with SimulatedBus(meters) as bus:
        link = await link_to(bus)
        outcome = await run("set-address", link, "1", "2", "--json", *QUICK)
        assert outcome.code == NOTHING
        assert outcome.json["error"] == "a meter answers at 2 already"
        assert (meters[0].address, meters[1].address) == (1, 2)
        outcome = await run("set-address", link, "1", "7", "--json", *QUICK)
        assert outcome.code == ALL
        assert (outcome.json["complete"], outcome.json["error"]) == (True, None)
        (telegram,) = outcome.json["telegrams"]
        assert telegram["address"] == 7
        assert telegram["header"]["identification"] == "00000001"
        assert meters[0].address == 7
        outcome = await run("set-address", link, "7", "8", *QUICK)
        assert outcome.out == "SIM 00000001 water answers at 8\n"


async def test_set_baud_rate() -> None:
    """Over a serial port; a gateway's rate can't be changed from here."""
    async with SimulatedBus([WaterMeter(1)]) as bus:
        port = await link_to(bus, "pty")
        outcome = await run("set-baud-rate", port, "1", "9600")
        assert (outcome.code, outcome.err) == (ALL, "")
        assert outcome.out == "SIM 00000001 water speaks at 9600 baud\n"
        assert (await run("read", port, "1", "--baud-rate", "9600")).code == ALL
        outcome = await run("set-baud-rate", await link_to(bus), "1", "2400", "--json")
        assert outcome.code == NOTHING
        assert "can't be changed from here" in outcome.json["error"]


async def test_send() -> None:
    """Raw bytes there and back."""
    async with SimulatedBus([FixedMeter(1)]) as bus:
        link = await link_to(bus)
        outcome = await run("send", link, *["10", "40", "01", "41", "16"], *QUICK)
        assert (outcome.code, outcome.out) == (ALL, "E5\n")
        outcome = await run("send", link, "107B017C16", "--json", *QUICK)
        assert outcome.code == ALL
        (telegram,) = outcome.json["telegrams"]
        assert telegram["raw"] == outcome.json["raw"]
        assert telegram["header"]["is_fixed"] is True
        outcome = await run("send", link, "1040054516", "--json", *QUICK)
        assert (outcome.code, outcome.json["raw"]) == (NOTHING, "")


# The whole bus


@pytest.fixture
async def four() -> AsyncIterator[SimulatedBus]:
    """Serve four meters."""
    meters = [
        WaterMeter(1, identification="10000001"),
        HeatMeter(2, identification="20000002"),
        WaterMeter(3, identification="30000003"),
        WaterMeter(4, identification="40000004"),
    ]
    async with SimulatedBus(meters, skew=3) as bus:
        yield bus


@pytest.mark.parametrize("command", ["scan", "search"])
async def test_find(command: str, four: SimulatedBus) -> None:
    """As JSON, each meter with its addresses, its header and its telegram."""
    outcome = await run(command, await link_to(four), "--json", *WHOLE_BUS)
    assert (outcome.code, outcome.err) == (ALL, "")
    assert (outcome.json["complete"], outcome.json["error"]) == (True, None)
    meters = outcome.json["meters"]
    assert [meter["address"] for meter in meters] == ["1", "2", "3", "4"]
    secondary = "100000012D4D0107" if command == "search" else None
    assert meters[0]["secondary"] == secondary
    assert meters[1]["header"]["identification"] == "20000002"
    assert bytes.fromhex(meters[1]["raw"])[:1] == b"\x68"


async def test_find_with_a_problem(four: SimulatedBus) -> None:
    """A row for each meter, and why they may not be all."""
    # At the first address, where the link isn't known to be fast yet and everything is waited for.
    four.meters += [WaterMeter(0, identification=f"{n}0000000") for n in (5, 6)]
    outcome = await run("scan", await link_to(four), *WHOLE_BUS)
    assert outcome.code == PART
    columns, *rows = outcome.out.splitlines()
    assert columns.split()[:2] == ["address", "primary"]
    assert [row.split()[0] for row in rows] == ["1", "2", "3", "4"]
    assert "several meters answer at 0" in outcome.err


async def test_nothing_found() -> None:
    """Said in words, and why."""
    faults = Faults()
    faults.once(Fault.GATEWAY_DOWN)
    async with SimulatedBus([WaterMeter(0)], faults=faults) as bus:
        outcome = await run("scan", await link_to(bus), *WHOLE_BUS)
    assert (outcome.code, outcome.out) == (NOTHING, "nothing found\n")
    assert "was closed by the other side" in outcome.err


@pytest.mark.parametrize("kind", ["tcp", "pty"])
async def test_ctrl_c_while_a_meter_is_silent(kind: str) -> None:
    """It ends at once, and tells what was asked."""
    async with SimulatedBus([WaterMeter(1)]) as bus:
        link = await link_to(bus, kind)
        process = await start("read", link, "9", "--json", "--timeout", "3600")
        while not bus.requests:
            await asyncio.sleep(0.01)
            assert process.returncode is None
        process.send_signal(signal.SIGINT)
        out, err = await process.communicate()
    assert (process.returncode, err) == (INTERRUPTED, b"interrupted\n")
    result = json.loads(out)
    assert (result["complete"], result["error"]) == (False, "interrupted")
    assert [exchange["request"] for exchange in result["exchanges"]] == [
        "10 40 09 49 16"
    ]


async def test_ctrl_c(four: SimulatedBus) -> None:
    """What was found before is told, without a traceback."""
    link = await link_to(four)
    process = await start("scan", link, "--json", "--verbose", *WHOLE_BUS)
    assert process.stderr
    async for line in process.stderr:
        if line.startswith(b"10 40 05"):
            break
    process.send_signal(signal.SIGINT)
    out, err = await process.communicate()
    assert process.returncode == INTERRUPTED
    assert b"Traceback" not in err
    result = json.loads(out)
    assert (result["complete"], result["error"]) == (False, "interrupted")
    assert [meter["address"] for meter in result["meters"]] == ["1", "2", "3", "4"]
