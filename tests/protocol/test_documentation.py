"""The examples of docs/protocol.md are run, and give what is printed below them."""

import ast
from collections.abc import Coroutine
from pathlib import Path
import re
import sys
from typing import cast

import pytest

from custom_components.mbus import protocol
from custom_components.mbus.protocol.line import link as link_module
from tests.simulator import HeatMeter, SimulatedBus, WaterMeter

PAGE = Path(__file__).parents[2] / "docs" / "protocol.md"
EXAMPLE = re.compile(r"```python\n(.*?)```\n\n```text\n(.*?)```", re.DOTALL)


@pytest.mark.parametrize(("source", "printed"), EXAMPLE.findall(PAGE.read_text()))
async def test_example(
    source: str,
    printed: str,
    socket_enabled: None,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """As it stands there, on a simulated bus."""
    monkeypatch.setitem(sys.modules, "protocol", protocol)
    monkeypatch.setattr(link_module, "_NETWORK_LATENCY", 0.01)
    async with SimulatedBus([HeatMeter(1), WaterMeter(2)], skew=3) as bus:
        port = await bus.serve_tcp()
        source = re.sub(r"192\.168\.1\.\d+", "127.0.0.1", source)
        source = source.replace("port=10001", f"port={port}, baud_rate=38400")
        flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
        code = compile(source, PAGE.name, "exec", flags=flags)
        running = eval(code, {})  # noqa: S307 - a page of this project.
        if running is not None:
            await cast(Coroutine[object, object, None], running)
    assert capsys.readouterr().out == printed


def test_every_example_is_run() -> None:
    """No block of code is without what it prints."""
    assert PAGE.read_text().count("```python") == len(EXAMPLE.findall(PAGE.read_text()))


def test_every_error_is_named() -> None:
    """The names in the table are those of the package."""
    names = re.findall(r"`(\w+Error)`", PAGE.read_text())
    assert names
    for name in names:
        assert name == "ValueError" or hasattr(protocol, name)
