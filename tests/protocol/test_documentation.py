"""What `docs/protocol.md` shows is so: each example is run, and prints what stands below it."""

import asyncio
from pathlib import Path
import re
import sys

import pytest

from custom_components.mbus import protocol
from custom_components.mbus.protocol import MBusError
from tests.simulator import FrameMeter, SimulatedBus, WaterMeter

TEXT = (Path(__file__).parents[2] / "docs" / "protocol.md").read_text()
EXAMPLES = re.findall(r"```python\n(.*?)```(?:\n\n```text\n(.*?)```)?", TEXT, re.DOTALL)
TELEGRAM = bytes.fromhex(
    "68 1F 1F 68 08 02 72 78 56 34 12 24 40 01 07 55 00 00 00"
    "03 13 15 31 00 DA 02 3B 13 01 8B 60 04 37 18 02 18 16"
)


def title(example: tuple[str, str]) -> str:
    """Name an example by what it imports."""
    return example[0].split("from protocol import ")[1].split("\n")[0]


@pytest.mark.parametrize("example", EXAMPLES, ids=title)
async def test_example(
    example: tuple[str, str],
    socket_enabled: None,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """It runs as it stands, but for the host."""
    code, expected = example
    monkeypatch.setitem(sys.modules, "protocol", protocol)
    monkeypatch.setattr(protocol.line.link, "_NETWORK_LATENCY", 0.05)  # type: ignore[attr-defined]
    monkeypatch.setattr(protocol.master.search, "LAST_PRIMARY", 6)  # type: ignore[attr-defined]
    meters = [FrameMeter([TELEGRAM], 5), WaterMeter(6)]
    async with SimulatedBus(meters, skew=3) as bus:
        port = await bus.serve_tcp()
        code = code.replace(
            'host="192.0.2.7", port=10001', f'host="127.0.0.1", port={port}'
        )
        program = compile(code, "docs/protocol.md", "exec")
        await asyncio.to_thread(exec, program, {"__name__": "__main__"})
    printed = capsys.readouterr().out
    if expected:
        assert printed == expected
    else:
        assert printed


def test_every_example_is_seen() -> None:
    """None is written so that it is overlooked."""
    assert len(EXAMPLES) == TEXT.count("```python") == 7


def test_errors() -> None:
    """The table names every error, itself or by what it is a kind of."""
    table = TEXT.split("| Error |")[1]
    named = {*re.findall(r"^\| `(\w+)`", table, re.MULTILINE)}
    errors = {
        name: kind
        for name in protocol.__all__
        if isinstance(kind := getattr(protocol, name), type)
        and issubclass(kind, MBusError)
    }
    assert named <= errors.keys()
    for kind in errors.values():
        assert kind is MBusError or any(issubclass(kind, errors[one]) for one in named)


def test_names() -> None:
    """What the text names in passing is public, too."""
    named = set(re.findall(r"`([a-z]+_[a-z_]+|[A-Z]\w+)`", TEXT))
    assert {"set_clock", "SecondaryAddress", "Bus"} <= named
    others = {
        "Decimal",
        "None",
        "RuntimeError",
        "ValueError",
        "max_package_length",
    }
    assert named - others <= set(protocol.__all__)
