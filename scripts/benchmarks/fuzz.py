"""Damaged telegrams with a repaired length and checksum: nothing but telegrams and our own errors.

And meters of every make on lines that lose answers: never a value under another's number. Seeded, so that each run
does the same. Ends with 1 where another exception, a slow telegram or a wrong value is found.
"""

import argparse
from collections import Counter
from contextlib import suppress
import json
from random import Random
import sys
from time import perf_counter, thread_time
from typing import Any

from custom_components.mbus.protocol import (
    IncompleteTelegramError,
    MBusError,
    Telegram,
    explain,
    parse_telegram,
)
from custom_components.mbus.protocol.application.meaning import meaning_of
from custom_components.mbus.protocol.application.places import KNOWN_PLACES

from .mixes import read_mixes
from .report import print_report
from .telegrams import checked, load_telegrams

SEED = 13757
MUTATIONS = 200_000
MIXES = 500
SLOWEST = 0.005  # s
LARGEST_BODY = 255


def mutate(bodies: list[bytes], random: Random) -> bytes:
    """Damage a telegram in one to four places."""
    body = bytearray(random.choice(bodies))
    for _ in range(random.randint(1, 4)):
        first = random.randrange(3, len(body) + 1)
        last = min(len(body), first + random.randint(1, 8))
        match random.randrange(7):
            case 0 | 1:
                body[first:last] = random.randbytes(last - first)
            case 2 if first < len(body):
                body[first] ^= 1 << random.randrange(8)
            case 3:
                del body[first:last]
            case 4:
                body[first:first] = random.randbytes(random.randint(1, 8))
            case 5:
                other = random.choice(bodies)
                start = random.randrange(len(other))
                body[first:first] = other[start : start + random.randint(1, 40)]
            case 6:
                del body[random.randrange(3, len(body) + 1) :]
    if not random.randrange(8):
        body[2] = random.randrange(0x6E, 0x7B)
    return bytes(body[:LARGEST_BODY])


def read_all(telegram: Telegram) -> None:
    """Ask for everything that a record tells."""
    for record in telegram.records:
        if record.value is None and record.problem is None:
            raise AssertionError(f"record {record.index} has neither value nor problem")
        _ = record.unit, record.quantity, record.modifiers, record.signature
        _ = str(record.problem)
    if b"".join(part for part, _ in explain(telegram)) != telegram.frame:
        raise AssertionError("its parts are not the frame")


def outcome(frame: bytes) -> str:
    """Read a telegram and name what came out."""
    try:
        telegram = parse_telegram(frame)
    except IncompleteTelegramError as err:
        telegram = err.telegram
        name = type(err).__name__
    except MBusError as err:
        return type(err).__name__
    else:
        name = "unread rest" if telegram.trailing_data else "whole telegram"
    read_all(telegram)
    return name


def main() -> int:
    """Run the mutations and print what came out."""
    parser = argparse.ArgumentParser(prog="scripts/bench fuzz", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    parser.add_argument("--mutations", type=int, default=MUTATIONS)
    parser.add_argument("--mixes", type=int, default=MIXES, help="of meters and lines")
    parser.add_argument("--seed", type=int, default=0, help="of the first mix")
    arguments = parser.parse_args()
    figures, failures = fuzz_telegrams(arguments.mutations, as_json=arguments.json)
    more_figures, wrong = fuzz_lines(
        arguments.seed, arguments.mixes, as_json=arguments.json
    )
    if arguments.json:
        print(json.dumps(figures | more_figures))
    for failure in (*failures[:20], *wrong[:20]):
        print(failure, file=sys.stderr)
    return 1 if failures or wrong else 0


def fuzz_telegrams(
    mutations: int, *, as_json: bool
) -> tuple[dict[str, Any], list[str]]:
    """Read so many damaged telegrams, and print what came out; return the figures and what failed."""
    source, frames = load_telegrams()
    bodies = [frame[4:-2] for frame in frames]
    random = Random(SEED)
    outcomes: Counter[str] = Counter()
    failures: list[str] = []
    slowest = 0.0
    began = perf_counter()
    for _ in range(mutations):
        frame = checked(mutate(bodies, random))
        start = thread_time()
        try:
            name = outcome(frame)
        except Exception as err:  # noqa: BLE001
            name = f"unexpected {type(err).__name__}"
            failures.append(f"{err!r}: {frame.hex()}")
        taken = thread_time() - start
        if taken > slowest:
            # What else the machine did in that time doesn't come twice.
            taken = min(taken, *(timed(frame) for _ in range(2)))
            slowest = max(slowest, taken)
            if taken > SLOWEST:
                failures.append(f"{taken * 1000:.1f} ms: {frame.hex()}")
        outcomes[name] += 1

    figures = {
        "mutations": mutations,
        "source": source,
        "outcomes": outcomes,
        "slowest_ms": slowest * 1000,
        "failures": len(failures),
    }
    if not as_json:
        print_report(
            f"{mutations} mutations of {len(bodies)} telegrams of {source} in {perf_counter() - began:.0f} s",
            ("outcome", "count"),
            [
                *outcomes.most_common(),
                ("slowest (ms)", f"{slowest * 1000:.2f}"),
                ("failures", len(failures)),
            ],
            figures,
            as_json=False,
        )
    return figures, failures


def fuzz_lines(
    first: int, mixes: int, *, as_json: bool
) -> tuple[dict[str, Any], list[str]]:
    """Read so many mixes of meters and lines, and print what came out; return the figures and what was wrong."""
    began = perf_counter()
    counts, wrong = read_mixes(first, mixes)
    figures = {
        "mixes": mixes,
        "losses": {str(loss): counted for loss, counted in counts.items()},
        "wrong": wrong,
    }
    if not as_json:
        print_report(
            f"{mixes} mixes of meters and lines in {perf_counter() - began:.0f} s",
            ("answers lost", "readouts", "all values"),
            [
                (
                    f"{loss:.0%}",
                    counted["reads"],
                    f"{counted['whole'] / (counted['reads'] or 1):.1%}",
                )
                for loss, counted in counts.items()
            ]
            + [("wrong", "", len(wrong))],
            figures,
            as_json=False,
        )
    return figures, wrong


def timed(frame: bytes) -> float:
    """Measure a telegram once more, as if its record headers were met for the first time."""
    KNOWN_PLACES.clear()
    meaning_of.cache_clear()
    start = thread_time()
    with suppress(Exception):
        outcome(frame)
    return thread_time() - start


if __name__ == "__main__":
    sys.exit(main())
