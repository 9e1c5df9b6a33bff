"""What can happen in a life, by name."""

from collections.abc import Awaitable, Callable
from random import Random

from .life import Life

type Action = Callable[[Life, Random], Awaitable[None]]

ACTIONS: dict[str, tuple[Action, int]] = {}
"""What happens, and how often beside the others."""


def action(weight: int) -> Callable[[Action], Action]:
    """Add to what can happen."""

    def add(function: Action) -> Action:
        ACTIONS[function.__name__] = function, weight
        return function

    return add
