"""The simulated meters: a handful of each kind, or those that a file of captured frames describes."""

import json
from pathlib import Path

from scripts.demo_home_assistant import DemoError
from tests.simulator import (
    ElectricityMeter,
    FixedMeter,
    FrameMeter,
    GasMeter,
    HeatMeter,
    SimulatedMeter,
    WaterMeter,
)

LAST_ADDRESS = 250


def tcp_meters() -> list[SimulatedMeter]:
    """Return the meters behind the gateway."""
    return [HeatMeter(1), WaterMeter(2), GasMeter(3)]


def serial_meters() -> list[SimulatedMeter]:
    """Return the meters behind the level converter."""
    return [ElectricityMeter(4), FixedMeter(5)]


def frame_meters(path: Path) -> list[SimulatedMeter]:
    """Return a meter for each line of kind "valid", at addresses from 1 on; `hex` is its only telegram."""
    try:
        lines = [json.loads(line) for line in path.read_text().splitlines() if line.strip()]
        given = [bytes.fromhex(line["hex"]) for line in lines if line["kind"] == "valid"]
    except (OSError, ValueError, KeyError) as err:
        raise DemoError(f"{path} can't be read: {err!r}") from err
    if not 0 < len(given) <= LAST_ADDRESS:
        raise DemoError(f"{path} has {len(given)} lines of kind valid; a bus takes 1 to {LAST_ADDRESS} meters")
    return [FrameMeter([frame], address) for address, frame in enumerate(given, 1)]
