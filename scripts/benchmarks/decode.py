"""How many telegrams a second are decoded, beside two other decoders in the same process.

Of every record value, unit and quantity are read. Value bytes, access number and checksum change with every telegram.
The first decode is that of a telegram of which nothing was met before.
"""

import argparse
from collections.abc import Callable
from contextlib import suppress
from random import Random
from time import thread_time

import meterbus  # type: ignore[import-untyped]
import pymbusparser

from custom_components.mbus.protocol import parse_telegram
from custom_components.mbus.protocol.application.meaning import meaning_of
from custom_components.mbus.protocol.application.places import KNOWN_PLACES

from .report import print_report
from .telegrams import Variable, load_telegrams

OURS = "this project"
FIRST = f"{OURS}, first decode"
ROUNDS = 30
REPETITIONS = 5
SEED = 13757


def decode_ours(frame: bytes) -> None:
    """Read a telegram and its records."""
    for record in parse_telegram(frame).records:
        _ = record.value, record.unit, record.quantity


def decode_first(frame: bytes) -> None:
    """Read a telegram as if it were the first of its meter."""
    KNOWN_PLACES.clear()
    meaning_of.cache_clear()
    decode_ours(frame)


def decode_pymbusparser(frame: bytes) -> None:
    """Read a telegram and its records; some raise."""
    with suppress(Exception):
        for record in pymbusparser.parse(frame)["records"]:
            _ = record["value"], record.get("unit"), record["quantities"]


def decode_pymeterbus(frame: bytes) -> None:
    """Read a telegram and its records; some raise. Quantity and unit are one."""
    with suppress(Exception):
        for record in meterbus.load(frame).records:
            _ = record.value, record.unit


DECODERS: dict[str, Callable[[bytes], None]] = {
    OURS: decode_ours,
    FIRST: decode_first,
    "pymbusparser": decode_pymbusparser,
    "pyMeterBus": decode_pymeterbus,
}
OTHERS = ("pymbusparser", "pyMeterBus")


def measure(decode: Callable[[bytes], None], frames: list[bytes]) -> float:
    """Give the seconds that this thread worked."""
    start = thread_time()
    for frame in frames:
        decode(frame)
    return thread_time() - start


def main() -> None:
    """Run the rounds and print what came out."""
    parser = argparse.ArgumentParser(prog="scripts/bench decode", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    as_json = parser.parse_args().json

    source, frames = load_telegrams()
    telegrams = [Variable.of(frame) for frame in frames]
    random = Random(SEED)
    times: dict[str, list[float]] = {name: [] for name in DECODERS}
    for names in ((OURS, *OTHERS), (FIRST,)):
        for _ in range(ROUNDS):
            varied = [
                telegram.vary(random)
                for _ in range(REPETITIONS)
                for telegram in telegrams
            ]
            for name in names:
                times[name].append(measure(DECODERS[name], varied))

    figures = {
        name: REPETITIONS * len(frames) / min(taken) for name, taken in times.items()
    }
    ratios = {
        name: {other: figures[name] / figures[other] for other in OTHERS}
        for name in (OURS, FIRST)
    }
    print_report(
        f"{len(frames)} telegrams of {source}, changed in each of {ROUNDS} rounds, the best of each",
        ("decoder", "frames/s", *(f"x {other}" for other in OTHERS)),
        [
            (
                name,
                f"{figure:,.0f}",
                *(
                    f"{ratios[name][other]:.2f}" if name in ratios else ""
                    for other in OTHERS
                ),
            )
            for name, figure in figures.items()
        ],
        {
            "telegrams": len(frames),
            "source": source,
            "frames_per_second": figures,
            "ratios": ratios,
        },
        as_json=as_json,
    )


if __name__ == "__main__":
    main()
