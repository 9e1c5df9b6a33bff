"""How many telegrams a second are decoded, beside two other decoders in the same process.

Every value is read. Value bytes, access number and checksum change with every telegram.
"""

import argparse
from collections.abc import Callable
from contextlib import suppress
from random import Random
from statistics import median
from time import perf_counter

import meterbus  # type: ignore[import-untyped]
import pymbusparser

from custom_components.mbus.protocol import parse_telegram
from custom_components.mbus.protocol.application.meaning import meaning_of

from .report import print_report
from .telegrams import Variable, load_telegrams

OURS = "this project"
ROUNDS = 5
REPETITIONS = 20
SEED = 13757


def decode_ours(frame: bytes) -> None:
    """Read a telegram and its values."""
    for record in parse_telegram(frame).records:
        record.value  # noqa: B018


def decode_pymeterbus(frame: bytes) -> None:
    """Read a telegram and its values; some raise."""
    with suppress(Exception):
        for record in meterbus.load(frame).records:
            record.value  # noqa: B018


def decode_pymbusparser(frame: bytes) -> None:
    """Read a telegram, values and all; some raise."""
    with suppress(Exception):
        pymbusparser.parse(frame)


DECODERS: dict[str, Callable[[bytes], None]] = {
    OURS: decode_ours,
    "pymbusparser": decode_pymbusparser,
    "pyMeterBus": decode_pymeterbus,
}


def measure(decode: Callable[[bytes], None], frames: list[bytes]) -> float:
    """Give the frames a second."""
    start = perf_counter()
    for frame in frames:
        decode(frame)
    return len(frames) / (perf_counter() - start)


def decode_cold(frame: bytes) -> None:
    """Read a telegram as if its record headers were met for the first time."""
    meaning_of.cache_clear()
    decode_ours(frame)


def main() -> None:
    """Run the rounds and print what came out."""
    parser = argparse.ArgumentParser(prog="scripts/bench decode", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    as_json = parser.parse_args().json

    source, frames = load_telegrams()
    telegrams = [Variable.of(frame) for frame in frames]
    random = Random(SEED)
    speeds: dict[str, list[float]] = {name: [] for name in DECODERS}
    for _ in range(ROUNDS):
        varied = [
            telegram.vary(random) for _ in range(REPETITIONS) for telegram in telegrams
        ]
        for name, decode in DECODERS.items():
            speeds[name].append(measure(decode, varied))
    cold = [measure(decode_cold, frames) for _ in range(ROUNDS)]

    figures = {name: median(speed) for name, speed in speeds.items()}
    ratios = {name: figures[OURS] / figures[name] for name in DECODERS if name != OURS}
    print_report(
        f"{len(frames)} telegrams of {source}, changed {REPETITIONS} times a round, medians of {ROUNDS} rounds",
        ("decoder", "frames/s", "ours is faster by"),
        [
            (OURS, f"{figures[OURS]:,.0f}", ""),
            (f"{OURS}, first decode", f"{median(cold):,.0f}", ""),
            *(
                (name, f"{figures[name]:,.0f}", f"{ratio:.1f} x")
                for name, ratio in ratios.items()
            ),
        ],
        {
            "telegrams": len(frames),
            "source": source,
            "frames_per_second": figures,
            "first_decode_frames_per_second": median(cold),
            "ratios": ratios,
        },
        as_json=as_json,
    )


if __name__ == "__main__":
    main()
