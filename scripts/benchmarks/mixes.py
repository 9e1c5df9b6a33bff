"""Meters of every make on lines that lose answers: how many readouts give all that was asked for, and what is wrong."""

from collections import Counter
from collections.abc import Mapping

from tests.protocol.numbering import LOSSES, Mix


def read_mixes(
    first: int, count: int
) -> tuple[Mapping[float, Counter[str]], list[str]]:
    """Read so many mixes; return what was counted by the share of answers lost, and what was wrong."""
    counts = {loss: Counter[str]() for loss in LOSSES}
    wrong = list[str]()
    for seed in range(first, first + count):
        mix = Mix(seed)
        try:
            mix.run()
        except Exception as err:  # noqa: BLE001
            wrong.append(f"seed {seed}: {err!r}")
        counts[mix.loss].update(mix.counts)
        wrong += (f"seed {seed}: {one}" for one in mix.wrong)
    return counts, wrong
