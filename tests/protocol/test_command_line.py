"""The command line over the protocol package."""

import asyncio
import json
import subprocess
import sys

import pytest

from scripts.mbus_main import main
from tests.simulator import HeatMeter, SimulatedBus, WaterMeter

pytestmark = pytest.mark.usefixtures("socket_enabled")


async def run(*arguments: str) -> int:
    """Run a command beside the simulated bus."""
    return await asyncio.to_thread(main, arguments)


@pytest.mark.parametrize("kind", ["tcp", "pty"])
async def test_read(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A table of all records, or JSON."""
    async with SimulatedBus([HeatMeter(1, identification="12345678")]) as bus:
        link = (
            f"tcp://127.0.0.1:{await bus.serve_tcp()}"
            if kind == "tcp"
            else await bus.serve_pty()
        )
        assert await run(link, "read", "1") == 0
        output = capsys.readouterr().out
        assert "SIM 12345678 heat" in output
        assert "flow_temperature" in output
        assert await run(link, "--json", "read", "12345678") == 0
        rows = json.loads(capsys.readouterr().out)
        assert {row["telegram"] for row in rows} == {0, 1}
        assert rows[1]["quantity"] == "energy"
        assert rows[1]["unit"] == "Wh"


async def test_send(capsys: pytest.CaptureFixture[str]) -> None:
    """Raw bytes there and back."""
    async with SimulatedBus([WaterMeter(1)]) as bus:
        link = f"tcp://127.0.0.1:{await bus.serve_tcp()}"
        assert await run(link, "send", "10 40 01 41 16") == 0
        assert capsys.readouterr().out == "E5\n"
        assert await run(link, "--json", "send", "1040014116") == 0
        assert json.loads(capsys.readouterr().out) == {"answer": "E5"}


@pytest.mark.parametrize("command", ["scan", "search"])
async def test_find(
    command: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A row for each meter."""
    monkeypatch.setattr("protocol.master.search.LAST_PRIMARY", 3)
    monkeypatch.setattr("protocol.line.link._NETWORK_LATENCY", 0.05)
    async with SimulatedBus([WaterMeter(1), HeatMeter(2)], skew=3) as bus:
        link = f"tcp://127.0.0.1:{await bus.serve_tcp()}"
        assert await run(link, "--baud-rate", "38400", "--json", command) == 0
        rows = json.loads(capsys.readouterr().out)
        assert [row["address"] for row in rows] == ["1", "2"]
        assert [row["identification"] for row in rows] == ["00000001", "00000002"]


async def test_nothing_found(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Said in words."""
    monkeypatch.setattr("protocol.master.search.LAST_PRIMARY", 0)
    monkeypatch.setattr("protocol.line.link._NETWORK_LATENCY", 0.05)
    async with SimulatedBus() as bus:
        link = f"tcp://127.0.0.1:{await bus.serve_tcp()}"
        assert await run(link, "scan") == 0
        assert capsys.readouterr().out == "nothing found\n"


async def test_errors(capsys: pytest.CaptureFixture[str]) -> None:
    """Told in plain words."""
    async with SimulatedBus() as bus:
        link = f"tcp://127.0.0.1:{await bus.serve_tcp()}"
        assert await run(link, "--timeout", "0.1", "--attempts", "1", "read", "5") == 1
        assert "no reply from 5" in capsys.readouterr().err
    assert await run("tcp://127.0.0.1:1", "read", "5") == 1
    assert "127.0.0.1:1 refuses" in capsys.readouterr().err
    assert await run("tcp://nothing", "read", "5") == 1
    assert "lacks a host or a port" in capsys.readouterr().err


def test_without_home_assistant() -> None:
    """Neither Home Assistant nor the integration is loaded."""
    code = (
        "import sys, runpy; sys.argv = ['mbus', '--help']\n"
        "try: runpy.run_path('scripts/mbus_main.py', run_name='__main__')\n"
        "except SystemExit: pass\n"
        "assert 'protocol.master' in sys.modules\n"
        "assert 'homeassistant' not in sys.modules and 'custom_components' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-P", "-c", code], check=True, capture_output=True)
