"""What all tests of the protocol share: a clock that stands still while anybody works."""

from asyncio import AbstractEventLoop, SelectorEventLoop
from collections.abc import Callable, Mapping

import pytest

from .clock import StillLoop

OTHER_PROCESSES = {
    "test_command_line",
    "test_command_line_alone",
    "test_documentation",
    "test_remote_port",
}
"""Modules in which somebody outside of the loop answers, by a clock of his own."""


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], AbstractEventLoop]]:
    """Let no machine be too slow for a test."""
    if item.path.stem in OTHER_PROCESSES:
        return {"real": SelectorEventLoop}
    return {"still": StillLoop}
