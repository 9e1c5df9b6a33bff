"""Long loops in short steps: hundreds of meters at once would hold up everything else in Home Assistant."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import Final

LONGEST: Final = 0.01  # s


async def sliced[T](items: Iterable[T]) -> AsyncIterator[T]:
    """Give the items, and everybody else a turn whenever their work has taken its time.

    A turn for each item costs more than the work for a small one.
    """
    loop = asyncio.get_running_loop()
    begun = loop.time()
    for item in items:
        yield item
        if loop.time() - begun > LONGEST:
            await asyncio.sleep(0)
            begun = loop.time()
