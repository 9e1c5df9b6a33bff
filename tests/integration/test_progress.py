"""Progress screens."""

import asyncio

import pytest

from custom_components.mbus.flows import progress
from custom_components.mbus.flows.progress import async_noticeable


async def _work(error: Exception | None = None) -> str:
    if error:
        raise error
    return "done"


async def test_quick_work_does_not_end_the_screen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The frontend would miss an end that comes before it listens."""
    monkeypatch.setattr(progress, "LEAST_TIME", 3600)

    shown = asyncio.create_task(async_noticeable(_work()))
    await asyncio.sleep(0.01)

    assert not shown.done()
    shown.cancel()
    with pytest.raises(asyncio.CancelledError):
        await shown


async def test_what_comes_out_is_what_the_work_makes() -> None:
    """Result and error are passed on."""
    assert await async_noticeable(_work()) == "done"
    with pytest.raises(ValueError, match="no"):
        await async_noticeable(_work(ValueError("no")))
