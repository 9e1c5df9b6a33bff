"""The whole way at once: captured frames of real meters on a bus, read by a real Home Assistant."""

from decimal import Decimal
import json
from math import isclose
from pathlib import Path
import subprocess
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
CORPUS = ROOT.parent / "shared" / "corpus" / "telegrams.jsonl"

# Units that Home Assistant shows, by the unit that a frame is expected to be in.
# What an alternating current does not turn into heat has the standard's codes of what it does, until a profile tells.
APPARENT = {"Wh": ("varh", "VAh"), "W": ("var", "VA")}

FACTORS: dict[str, dict[str | None, Decimal | int]] = {
    "1": {None: 1},
    "Wh": {"Wh": 1, "kWh": 1_000, "MWh": 1_000_000},
    "J": {"J": 1, "kJ": 1_000, "MJ": 1_000_000, "GJ": 1_000_000_000},
    "m3": {"m³": 1, "L": Decimal("0.001")},
    "W": {"W": 1, "kW": 1_000, "MW": 1_000_000},
    "m3/h": {"m³/h": 1, "L/h": Decimal("0.001")},
    "C": {"°C": 1},
    "K": {"K": 1},
    "s": {"s": 1, "min": 60, "h": 3_600, "d": 86_400},
    "V": {"V": 1, "mV": Decimal("0.001")},
    "A": {"A": 1, "mA": Decimal("0.001")},
    "varh": {"varh": 1, "kvarh": 1_000},
    "var": {"var": 1, "kvar": 1_000},
    "VA": {"VA": 1, "kVA": 1_000},
    "VAh": {"VAh": 1, "kVAh": 1_000},
}


@pytest.mark.skipif(
    not CORPUS.exists(), reason="the captured telegrams are not beside the project"
)
def test_every_record_of_captured_frames_becomes_its_sensor() -> None:
    """Numbers show what the standard makes of them, what is invalid shows why, and both name the right record."""
    demo = subprocess.run(
        [
            ROOT / "scripts" / "demo",
            "--once",
            "--json",
            "--port",
            "0",
            "--frames",
            CORPUS,
        ],
        check=False,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert demo.returncode == 0, demo.stderr
    table = {
        (row["address"], row["telegram"], row["index"]): row
        for row in json.loads(demo.stdout)
    }

    lines = [json.loads(line) for line in CORPUS.read_text().splitlines()]
    valid = [line for line in lines if line["kind"] == "valid"]
    compared = 0
    wrong = []
    for address, line in enumerate(valid, 1):
        for record in (line["expected"] or {"records": []})["records"]:
            if not record["plain"] or record["kind"] not in {"number", "invalid"}:
                continue
            compared += 1
            row = table.get((address, 0, record["index"]))
            if row is None or not _agrees(row, record):
                wrong.append((line["id"], record, row))
    assert wrong == []
    assert compared > 0


def _agrees(row: dict[str, Any], record: dict[str, Any]) -> bool:
    if record["kind"] == "invalid":
        return row["value"] is None and bool(row["problem"])
    if row["value"] is None:
        # What some families send during an error is no measured value (an average that isn't full yet).
        return record["function"] == "error" and "during an error" in row["problem"]
    shown, expected = Decimal(row["value"]), Decimal(record["value"])
    if record["unit"] == "text":  # a unit spelt out in the frame
        return shown == expected
    units = (
        record["unit"],
        *(APPARENT.get(record["unit"], ()) if row["profile"] else ()),
    )
    factors = [
        FACTORS[unit][row["unit"]] for unit in units if row["unit"] in FACTORS[unit]
    ]
    if not factors:
        return False
    # Of a real number, no more digits are shown than its 32 bits hold; seconds shown as hours may end in thirds.
    is_real = int(record["header"][:2], 16) & 0x0F == 5
    return isclose(shown * factors[0], expected, rel_tol=2**-24 if is_real else 1e-12)
