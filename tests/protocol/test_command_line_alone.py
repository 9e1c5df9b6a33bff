"""The command line without a bus: `decode`, what can't be typed, and what the command needs."""

import asyncio
from collections.abc import Sequence
import os
from pathlib import Path
import re
import signal

import pytest

from .command import (
    ALL,
    INTERRUPTED,
    MBUS,
    NOBODY_LISTENS,
    NOTHING,
    PART,
    WRONG_ARGUMENTS,
    run,
    start,
)
from .telegrams import HEADER, frame

TELEGRAM = frame(0x72, HEADER + bytes.fromhex("0C 13 05 00 00 00"))


# Decoding


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
        (bytes.fromhex("10 08 01 09 16"), NOTHING, "a short frame holds no telegram"),
        (frame(0xB7, b"\x01"), NOTHING, "CI B7 is not decoded"),
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


async def test_decode_a_trace(tmp_path: Path) -> None:
    """What was sent is explained beside what came, also as an editor of another system keeps it."""
    sent = ("10 40 01 41 16", "10 5B 01 5C 16")
    lines = [sent[0], "E5", sent[1], TELEGRAM.hex(" ").upper()]
    file = tmp_path / "trace.txt"
    file.write_bytes("\r\n".join(lines).encode("utf-8-sig"))
    outcome = await run("decode", "--json", str(file))
    assert (outcome.code, outcome.json["error"]) == (ALL, None)
    assert [one["raw"] for one in outcome.json["telegrams"]] == lines
    meanings = [
        one["explanation"][1]["meaning"] for one in outcome.json["telegrams"][::2]
    ]
    assert meanings == [
        "C: reset of the link (SND_NKE)",
        "C: request for data (REQ_UD2)",
    ]


async def test_texts_of_a_meter_do_not_command_the_terminal() -> None:
    """Control characters are shown, not sent."""
    text = b"\x1b[2Jtest"[::-1]
    data = bytes.fromhex("0D FD 11") + bytes((len(text),)) + text
    outcome = await run("decode", frame(0x72, HEADER + data).hex())
    assert "\\x1b[2Jtest" in outcome.out
    assert "\x1b" not in outcome.out


# How it ends


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


async def test_nobody_speaks() -> None:
    """A closed standard input is no hexadecimal digits."""
    command = f"{MBUS} decode - <&-"
    process = await asyncio.create_subprocess_shell(
        command, stderr=asyncio.subprocess.PIPE
    )
    _, err = await process.communicate()
    assert process.returncode == WRONG_ARGUMENTS
    assert err == b"the standard input can't be read: Bad file descriptor\n"


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
        (["read", "tcp://[::1", "1"], WRONG_ARGUMENTS, "tcp://[::1: Invalid"),
        (["read", "tcp://here:x", "1"], WRONG_ARGUMENTS, "tcp://here:x: Port"),
        (["read", "TCP://here", "1"], WRONG_ARGUMENTS, "lacks a host or a port"),
        (["select", "LINK", "1", "0C"], WRONG_ARGUMENTS, "not the header of a record"),
        (["reset", "LINK", "1", "1234"], WRONG_ARGUMENTS, "not a pair of hex digits"),
        (["set-address", "LINK", "1", "251"], WRONG_ARGUMENTS, "end at 250"),
        (["set-address", "LINK", "1", "12345678"], WRONG_ARGUMENTS, "no primary"),
        (["set-baud-rate", "LINK", "1", "1000"], WRONG_ARGUMENTS, "'38400'"),
        (["send", "LINK", "xx"], WRONG_ARGUMENTS, "xx is not pairs of hex digits"),
        (["send", "LINK", ""], WRONG_ARGUMENTS, "HEX: there are no bytes"),
        (["profile", "--frame", "E5"], WRONG_ARGUMENTS, "--frame needs a FILE"),
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
