"""Damaged telegrams with a repaired length and checksum: nothing but telegrams and our own errors.

Seeded, so that each run does the same. Ends with 1 where another exception or a slow telegram is found.
"""

import argparse
from collections import Counter
from contextlib import suppress
from random import Random
import sys
from time import perf_counter, thread_time

from custom_components.mbus.protocol import (
    IncompleteTelegramError,
    MBusError,
    Telegram,
    explain,
    parse_telegram,
)
from custom_components.mbus.protocol.application.meaning import meaning_of
from custom_components.mbus.protocol.application.places import KNOWN_PLACES

from .report import print_report
from .telegrams import checked, load_telegrams

SEED = 13757
MUTATIONS = 200_000
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
    arguments = parser.parse_args()

    source, frames = load_telegrams()
    bodies = [frame[4:-2] for frame in frames]
    random = Random(SEED)
    outcomes: Counter[str] = Counter()
    failures: list[str] = []
    slowest = 0.0
    began = perf_counter()
    for _ in range(arguments.mutations):
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

    print_report(
        f"{arguments.mutations} mutations of {len(bodies)} telegrams of {source} in {perf_counter() - began:.0f} s",
        ("outcome", "count"),
        [
            *outcomes.most_common(),
            ("slowest (ms)", f"{slowest * 1000:.2f}"),
            ("failures", len(failures)),
        ],
        {
            "mutations": arguments.mutations,
            "source": source,
            "outcomes": outcomes,
            "slowest_ms": slowest * 1000,
            "failures": len(failures),
        },
        as_json=arguments.json,
    )
    for failure in failures[:20]:
        print(failure, file=sys.stderr)
    return 1 if failures else 0


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
