"""Work behind the progress screen of a dialog."""

import asyncio
from collections.abc import Awaitable

LEAST_TIME = 1.0
"""Seconds that a progress screen stays.

The frontend begins to listen for its end when it shows it, and never asks whether that is past: of work that ends
before, the dialog would show the progress for ever.
"""


async def async_noticeable[T](work: Awaitable[T]) -> T:
    """Return or raise what the work does, but not before the frontend listens for it."""
    result, _ = await asyncio.gather(
        work, asyncio.sleep(LEAST_TIME), return_exceptions=True
    )
    if isinstance(result, BaseException):
        raise result
    return result
