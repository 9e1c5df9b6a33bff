"""`scripts/mbus profile`: a telegram with and without a profile."""

from pathlib import Path
import subprocess

from custom_components.mbus.profiles.reader import FAMILIES

from .families import FAMILIES as TELEGRAMS
from .test_families import telegrams_of

MBUS = Path(__file__).parents[2] / "scripts" / "mbus"


def run(*arguments: str | Path) -> tuple[int, str, str]:
    """Return exit code, output and complaints."""
    done = subprocess.run(
        [MBUS, "profile", *arguments],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return done.returncode, done.stdout, done.stderr


def test_a_telegram_with_and_without() -> None:
    """An arrow is before what changes, and what it was stands below."""
    [telegram] = telegrams_of(TELEGRAMS["hydrocal_m4"])
    code, output, complaint = run(
        FAMILIES / "hydrocal_m4.yaml", "--frame", telegram.frame.hex()
    )
    assert (code, complaint) == (0, "")
    assert output.splitlines()[1:5] == [
        "  0.0 · Energy · 0.106 kWh",
        "  0.1 · Energy, cooling · 0.139 kWh",
        "→ 0.2 · Volume, cooling · 0.043 m³",
        "    was 0.2 · Volume, tariff 1 · 0.043 m³",
    ]


def test_what_is_wrong_is_said(tmp_path: Path) -> None:
    """A mistake of the file, a profile for another meter, and bytes that are no telegram, each in its exit code."""
    bad = tmp_path / "bad.yaml"
    bad.write_text("name: x\nmatch: []\n")
    code, _, complaint = run(bad)
    assert code == 1
    assert complaint.startswith("bad.yaml, line 2: ")
    [telegram] = telegrams_of(TELEGRAMS["hydrocal_m4"])
    other = FAMILIES / "hydrus.yaml"
    code, _, complaint = run(other, "--frame", telegram.frame.hex())
    assert code == 3
    assert complaint.startswith(
        "the profile is not for this meter, which is BMT, version 1A, medium 0D, records "
    )
    code, _, complaint = run(other, "--frame", "1040014116")
    assert code == 2
    assert "no telegram" in complaint


OWN = """
name: Own
match:
  - {manufacturer: BMT}
shortest_period: 3600
quirks: {requests: [b1], pause: 2}
kept:
  - {storage: 8, size: 12, months: 1}
records:
  - {key: counted, is: volume, tariff: 1, modifiers: cooling}
  - {key: never, vif: "ff 99"}
blocks:
  - length: 3
    fields:
      - {key: nowhere, offset: 0, length: 1, coding: unsigned, quantity: power}
"""


def test_what_fits_nothing_is_said(tmp_path: Path) -> None:
    """A pattern that no record has, and a block that isn't sent; and what the file says of more than records."""
    own = tmp_path / "own.yaml"
    own.write_text(OWN)
    [telegram] = telegrams_of(TELEGRAMS["hydrocal_m4"])
    code, output, complaint = run(own, "--frame", telegram.frame.hex())
    assert (code, complaint) == (0, "")
    lines = output.splitlines()
    assert lines[:5] == [
        "Own: 2 patterns of records",
        "  read every 3600 s at most",
        "  pause: 2.0",
        "  requests: ['b1']",
        "  kept from storage 8 on: 12, 1 months apart",
    ]
    assert lines[-1] == "Fits nothing here: never, nowhere"
