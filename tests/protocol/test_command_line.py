"""The command line, as it is typed: `scripts/mbus` in a process of its own, beside the simulated bus."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
import json
import os
from pathlib import Path
import re
import signal
from typing import Any

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

from .telegrams import HEADER, frame

pytestmark = pytest.mark.usefixtures("socket_enabled")

MBUS = Path(__file__).parents[2] / "scripts" / "mbus"

ALL, NOTHING, WRONG_ARGUMENTS, PART = 0, 1, 2, 3
INTERRUPTED, NOBODY_LISTENS = 130, 141

QUICK = ("--baud-rate", "38400", "--timeout", "0.3")
"""The simulated meters answer at once, so that little need be waited for those that don't."""
WHOLE_BUS = (*QUICK, "--line-delay-ratio", "0.1")

REQUEST_FOR_SECOND = bytes.fromhex("10 5B 01 5C 16")
TELEGRAM = frame(0x72, HEADER + bytes.fromhex("0C 13 05 00 00 00"))


@dataclass(frozen=True)
class Outcome:
    """What a command has printed, and its exit code."""

    code: int | None
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The output as JSON."""
        return json.loads(self.out)


async def start(*arguments: str, **options: Any) -> asyncio.subprocess.Process:
    """Start a command."""
    streams = dict.fromkeys(("stdin", "stdout", "stderr"), asyncio.subprocess.PIPE)
    return await asyncio.create_subprocess_exec(
        MBUS, *arguments, **{**streams, **options}
    )


async def run(*arguments: str, stdin: bytes = b"") -> Outcome:
    """Run a command to its end."""
    process = await start(*arguments)
    out, err = await process.communicate(stdin)
    return Outcome(process.returncode, out.decode(), err.decode())


async def link_to(bus: SimulatedBus, kind: str = "tcp") -> str:
    """Give what is typed for a way to a bus."""
    if kind == "pty":
        return await bus.serve_pty()
    return f"tcp://127.0.0.1:{await bus.serve_tcp()}"


# Without a bus


async def test_decode() -> None:
    """All bytes in their order, each with its meaning, however they are given."""
    given = await run("decode", TELEGRAM.hex())
    assert given.code == ALL
    assert given.err == ""
    lines = [line.split("  ", 1) for line in given.out.splitlines()]
    assert bytes.fromhex("".join(part for part, _ in lines)) == TELEGRAM
    texts = {part: text.strip() for part, text in lines}
    assert texts["24 23"] == "manufacturer HYD"
    assert texts["13"] == "VIF: volume, in m³"
    assert texts["05 00 00 00"] == "0.005 m³"
    spaced = TELEGRAM.hex(" ").upper()
    assert await run("decode", *spaced.split()) == given
    assert await run("decode", "-", stdin=f"{spaced}\n".encode()) == given


async def test_decode_json(tmp_path: Path) -> None:
    """Of several telegrams, what is read and what is said of each byte."""
    file = tmp_path / "telegrams.hex"
    file.write_text(f"{TELEGRAM.hex()}\n{TELEGRAM.hex(' ')}\n")
    outcome = await run("decode", "--json", str(file))
    assert outcome.code == ALL
    assert outcome.json["complete"] is True
    assert outcome.json["error"] is None
    first, second = outcome.json["telegrams"]
    assert first == second
    assert bytes.fromhex(first["raw"]) == TELEGRAM
    assert first["header"]["identification"] == "12345678"
    assert first["header"]["manufacturer"] == "HYD"
    (record,) = first["records"]
    assert (record["value"], record["unit"]) == (0.005, "m³")
    assert (record["header"], record["raw"]) == ("0C 13", "05 00 00 00")
    parts = "".join(part["raw"] for part in first["explanation"])
    assert bytes.fromhex(parts) == TELEGRAM


@pytest.mark.parametrize(
    ("data", "code", "error"),
    [
        (TELEGRAM[:-2] + b"\x00\x16", NOTHING, "checksum"),
        (frame(0x70, b"\x08"), NOTHING, "too busy for a readout"),
        (bytes.fromhex("10 5B 01 5C 16"), NOTHING, "a short frame holds no telegram"),
        (frame(0x72, HEADER + bytes.fromhex("0C 13 05")), PART, "record 0 is cut"),
        (frame(0x72, HEADER + bytes.fromhex("3F")), PART, "reserved DIF 3F"),
        (TELEGRAM + b"\x68\x03", PART, "2 bytes instead of 4"),
        (b"", NOTHING, "there are no bytes"),
    ],
)
async def test_decode_what_cannot_be_read(data: bytes, code: int, error: str) -> None:
    """Said, and told from success; no byte is left out."""
    outcome = await run("decode", "--json", "-", stdin=data.hex().encode())
    assert outcome.code == code
    assert error in outcome.err
    assert error in outcome.json["error"]
    assert outcome.json["complete"] is False
    told = [part for one in outcome.json["telegrams"] for part in one["explanation"]]
    assert bytes.fromhex("".join(part["raw"] for part in told)) == data


async def test_texts_of_a_meter_do_not_command_the_terminal() -> None:
    """Control characters are shown, not sent."""
    text = b"\x1b[2Jtest"[::-1]
    data = bytes.fromhex("0D FD 11") + bytes((len(text),)) + text
    outcome = await run("decode", frame(0x72, HEADER + data).hex())
    assert "\\x1b[2Jtest" in outcome.out
    assert "\x1b" not in outcome.out


# One meter


@pytest.mark.parametrize("kind", ["tcp", "pty"])
async def test_read(kind: str) -> None:
    """A table of all records; as JSON both telegrams with their bytes, and what was on the line."""
    async with SimulatedBus([HeatMeter(1, identification="12345678")]) as bus:
        link = await link_to(bus, kind)
        text = await run("read", link, "1", *QUICK)
        assert text.code == ALL
        assert text.err == ""
        title, columns, *rows = text.out.splitlines()
        assert title.startswith("SIM 12345678 heat")
        assert columns.split()[:3] == ["telegram", "index", "quantity"]
        assert len(rows) == 26
        bus.requests.clear()
        outcome = await run("--json", "read", link, "12345678", *QUICK)
        assert outcome.code == ALL
        assert (outcome.json["complete"], outcome.json["error"]) == (True, None)
        telegrams = outcome.json["telegrams"]
        assert [len(telegram["records"]) for telegram in telegrams] == [12, 14]
        assert telegrams[0]["header"]["manufacturer"] == "SIM"
        assert telegrams[0]["more_records_follow"] is True
        exchanges = outcome.json["exchanges"]
        assert [bytes.fromhex(exchange["request"]) for exchange in exchanges] == [
            *bus.requests
        ]
        assert [exchange["reply"] for exchange in exchanges][-2:] == [
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
        assert len(outcome.json["telegrams"]) == 2
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
    four.meters.append(WaterMeter(4, identification="50000005"))
    outcome = await run("scan", await link_to(four), *WHOLE_BUS)
    assert outcome.code == PART
    columns, *rows = outcome.out.splitlines()
    assert columns.split()[:2] == ["address", "primary"]
    assert [row.split()[0] for row in rows] == ["1", "2", "3"]
    assert "several meters answer at 4" in outcome.err


async def test_nothing_found() -> None:
    """Said in words, and why."""
    faults = Faults()
    faults.once(Fault.GATEWAY_DOWN)
    async with SimulatedBus([WaterMeter(0)], faults=faults) as bus:
        outcome = await run("scan", await link_to(bus), *WHOLE_BUS)
    assert (outcome.code, outcome.out) == (NOTHING, "nothing found\n")
    assert "was lost" in outcome.err


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


async def test_ctrl_c_while_bytes_are_awaited(tmp_path: Path) -> None:
    """Ends it."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    process = await start("decode", str(pipe))
    writing = await asyncio.to_thread(os.open, pipe, os.O_WRONLY)
    process.send_signal(signal.SIGINT)
    _, err = await process.communicate()
    os.close(writing)
    assert (process.returncode, err) == (INTERRUPTED, b"")


async def test_nobody_listens() -> None:
    """Who reads the output may go away."""
    reading, writing = os.pipe()
    os.close(reading)
    process = await start("decode", TELEGRAM.hex(), stdout=writing)
    os.close(writing)
    _, err = await process.communicate()
    assert (process.returncode, err) == (NOBODY_LISTENS, b"")


async def test_no_room_for_the_output() -> None:
    """Said, without a traceback."""
    full = os.open("/dev/full", os.O_WRONLY)
    process = await start("decode", TELEGRAM.hex(), stdout=full)
    os.close(full)
    _, err = await process.communicate()
    assert process.returncode == NOTHING
    assert err == b"can't write: No space left on device\n"


# What can't be


@pytest.mark.parametrize(
    ("arguments", "code", "error"),
    [
        ([], WRONG_ARGUMENTS, "COMMAND"),
        (["dance"], WRONG_ARGUMENTS, "invalid choice: 'dance'"),
        (["decode"], WRONG_ARGUMENTS, "HEX|FILE|-"),
        (["decode", "68 1"], WRONG_ARGUMENTS, "neither a file nor pairs of hex"),
        (["decode", "no.hex"], WRONG_ARGUMENTS, "no.hex is neither a file nor"),
        (["decode", "/"], WRONG_ARGUMENTS, "/ can't be read: Is a directory"),
        (["decode", str(MBUS)], WRONG_ARGUMENTS, "is not pairs of hex digits"),
        (["read", "LINK"], WRONG_ARGUMENTS, "required: ADDRESS"),
        (["read", "LINK", "300"], WRONG_ARGUMENTS, "primary addresses end at 250"),
        (["read", "LINK", "x"], WRONG_ARGUMENTS, "neither 8 nor 16 hex digits"),
        (["read", "LINK", "1", "--baud-rate", "0"], WRONG_ARGUMENTS, "baud_rate"),
        (["read", "LINK", "1", "--baud-rate", "fast"], WRONG_ARGUMENTS, "--baud-rate"),
        (["read", "LINK", "1", "--attempts", "-1"], WRONG_ARGUMENTS, "attempts"),
        (["read", "LINK", "1", "--timeout", "0"], WRONG_ARGUMENTS, "timeout"),
        (["read", "LINK", "1", "--timeout", "nan"], WRONG_ARGUMENTS, "--timeout"),
        (["read", "tcp://here", "1"], WRONG_ARGUMENTS, "lacks a host or a port"),
        (["read", "tcp://here:70000", "1"], WRONG_ARGUMENTS, "Port out of range"),
        (["select", "LINK", "1", "0C"], WRONG_ARGUMENTS, "not the header of a record"),
        (["reset", "LINK", "1", "1234"], WRONG_ARGUMENTS, "not a pair of hex digits"),
        (["set-address", "LINK", "1", "251"], WRONG_ARGUMENTS, "end at 250"),
        (["set-address", "LINK", "1", "12345678"], WRONG_ARGUMENTS, "no primary"),
        (["set-baud-rate", "LINK", "1", "1000"], WRONG_ARGUMENTS, "'38400'"),
        (["send", "LINK", "xx"], WRONG_ARGUMENTS, "xx is not pairs of hex digits"),
        (["read", "/dev/none", "1"], NOTHING, "there is no port /dev/none"),
        (["scan", "/dev/none"], NOTHING, "there is no port /dev/none"),
        (["read", "tcp://127.0.0.1:1", "1"], NOTHING, "127.0.0.1:1 refuses"),
    ],
)
async def test_one_line(arguments: Sequence[str], code: int, error: str) -> None:
    """What is wrong is said in one line."""
    outcome = await run(*arguments)
    assert outcome.code == code
    (line,) = outcome.err.splitlines()
    assert error in line


# What it needs


@pytest.mark.parametrize(
    ("arguments", "needed"),
    [(("decode", TELEGRAM.hex()), set()), (("read", "/dev/none", "1"), {"serialx"})],
)
async def test_without_home_assistant(
    arguments: Sequence[str], needed: set[str]
) -> None:
    """Neither Home Assistant nor the integration is imported, and no serial library to decode."""
    process = await start(*arguments, env={**os.environ, "PYTHONVERBOSE": "1"})
    _, err = await process.communicate()
    imported = set(re.findall("^import '([^']+)'", err.decode(), re.MULTILINE))
    assert "protocol.application.explain" in imported
    packages = {name.split(".")[0] for name in imported}
    assert packages & {"homeassistant", "custom_components", "serialx"} == needed
