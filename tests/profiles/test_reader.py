"""Profile files: what they may say, and how their mistakes are told."""

from pathlib import Path

import pytest

from custom_components.mbus.profiles.matching import best_profile
from custom_components.mbus.profiles.reader import (
    ProfileError,
    read_folder,
    read_profile,
)
from custom_components.mbus.protocol import Telegram, long_frame, parse_telegram

HEAD = "name: A meter\nmatch:\n  - {manufacturer: ABC}\n"


def telegram(*records: str, version: int = 1, medium: int = 4) -> Telegram:
    """Return a telegram of the maker ABC."""
    header = bytes.fromhex("78563412 4304") + bytes([version, medium, 1, 0, 0, 0])
    return parse_telegram(
        long_frame(8, 1, 0x72, header + bytes.fromhex("".join(records)))
    )


def write(folder: Path, text: str, name: str = "meter.yaml") -> Path:
    """Write a file and return where it is."""
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("name: [", 1, "expected"),
        ("name: A meter\n  match: x", 2, "mapping"),
        ("- a\n- b\n", 1, "mapping"),
        ("name: A meter\n", 1, "match"),
        ("name: A meter\nmatch:\n  - {manufacturer: Abc}\n", 3, "three letters"),
        (
            "name: A meter\nmatch:\n  - manufacturer: ABC\n    versions: [300]\n",
            4,
            "two hex digits",
        ),
        (HEAD + "colour: red\n", 4, "colour"),
        (HEAD + "records:\n  - {key: a}\n", 5, "`vif` or `is`"),
        (
            HEAD + "records:\n  - {key: a, is: energy}\n  - key: b\n    is: enrgy\n",
            7,
            "unknown quantity 'enrgy'",
        ),
        (
            HEAD + "records:\n  - key: a\n    is: energy\n    quantity: warmth\n",
            7,
            "unknown quantity 'warmth'",
        ),
        (
            HEAD + "records:\n  - key: a\n    is: energy\n    modifiers: [cold]\n",
            7,
            "unknown modifier 'cold'",
        ),
        (
            HEAD + "records:\n  - key: a\n    is: energy\n    unit: kWatt\n",
            7,
            "unknown unit 'kWatt'",
        ),
        (
            HEAD + "records:\n  - key: a\n    vif: 04\n    factor: many\n",
            7,
            "not a number",
        ),
        (HEAD + "records:\n  - key: a\n    vif: 04\n    factor: 0\n", 7, "factor is 0"),
        (HEAD + "records:\n  - key: a\n    vif: zz\n", 6, "pattern of hex digits"),
        (HEAD + "records:\n  - key: A b\n    vif: '04'\n", 5, "a-z, 0-9"),
        (
            HEAD + "records:\n  - key: 'a_{n}'\n    for: {n: 3}\n    vif: '04'\n",
            6,
            "a list for each name",
        ),
        (
            HEAD + "records:\n  - {key: a, vif: '04'}\n  - {key: a, vif: '05'}\n",
            4,
            "two records have the key a",
        ),
        (HEAD + "quirks:\n  pause: -1\n", 5, "at least 0"),
        (HEAD + "quirks:\n  pause: nan\n", 5, "at least 0"),
        (HEAD + "quirks:\n  first_byte_timeout: 1e9\n", 5, "at most 60"),
        (HEAD + "quirks:\n  requests: ['']\n", 5, "a text is needed"),
        (HEAD + f"quirks:\n  requests: '{'00' * 254}'\n", 4, "1 to 253 bytes"),
        (HEAD + "shortest_period: 99999999999\n", 4, "at most 604800"),
        (HEAD + "records:\n  - key: a\n    is: [energy]\n", 6, "unknown quantity"),
        (HEAD + "records:\n  - key: a\n    is: {energy: 1}\n", 6, "unknown quantity"),
        (
            HEAD + "records:\n  - key: a\n    vif: 04\n    factor: 1e999\n",
            7,
            "no factor of a measured value",
        ),
        (HEAD + "quirks:\n  initial_frames: '10 40'\n", 5, "initial_frames"),
        (HEAD + "blocks:\n  - fields: []\n", 5, "at least 1"),
        (
            HEAD
            + "blocks:\n  - length: 3\n    fields:\n      - key: a\n        offset: 0\n        length: 1\n"
            "        coding: octal\n        quantity: energy\n",
            10,
            "unknown coding 'octal'",
        ),
    ],
)
def test_a_mistake_is_told_with_file_and_line(
    tmp_path: Path, text: str, line: int, reason: str
) -> None:
    """So that whoever writes a file finds it."""
    with pytest.raises(ProfileError) as caught:
        read_profile(write(tmp_path, text))
    assert str(caught.value).startswith(f"meter.yaml, line {line}: ")
    assert reason in str(caught.value)


def test_a_file_nested_without_end(tmp_path: Path) -> None:
    """It is a mistake like any other."""
    with pytest.raises(ProfileError, match="nested too deep"):
        read_profile(write(tmp_path, "[" * 100_000))


def test_a_bad_file_costs_no_other(tmp_path: Path) -> None:
    """The folder gives what is good and says what is not; one that isn't there is empty."""
    write(tmp_path, HEAD, "good.yaml")
    write(tmp_path, HEAD, "short.yml")
    write(tmp_path, HEAD, "notes.txt")
    write(tmp_path, "name: x", "bad.yaml")
    (tmp_path / "folder.yaml").mkdir()
    (tmp_path / "bytes.yaml").write_bytes(b"name: \xff")
    profiles, errors = read_folder(tmp_path, is_own=True)
    assert [profile.id for profile in profiles] == ["good", "short"]
    assert [error.path.name for error in errors] == [
        "bad.yaml",
        "bytes.yaml",
        "folder.yaml",
    ]
    assert read_folder(tmp_path / "nothing") == ([], [])


def test_numbers_of_a_file_are_as_written(tmp_path: Path) -> None:
    """A version 04 or 0E and a VIF 10 are hex digits, with quotes and without."""
    text = "name: A meter\nmatch:\n  - {manufacturer: ABC, versions: [04, 0E, 1e3]}\n"
    with pytest.raises(ProfileError, match="'1e3' is not two hex digits"):
        read_profile(write(tmp_path, text))
    profile = read_profile(write(tmp_path, text.replace(", 1e3", ", 10")))
    assert profile.matches[0].versions == frozenset({0x04, 0x0E, 0x10})


def test_the_most_exact_profile_is_taken(tmp_path: Path) -> None:
    """By version, medium, number of records and model text; a user's own goes before all of ours."""
    head = "name: A meter\nmatch:\n  - {manufacturer: ABC"
    for name, more in (
        ("maker", ""),
        ("version", ", versions: [01]"),
        ("medium", ", versions: [01], media: ['04']"),
        ("records", ", versions: [01], media: ['04'], records: [2]"),
        ("model", ", versions: [01], media: ['04'], records: [2], model: XY3"),
    ):
        write(tmp_path, f"{head}{more}}}\n", f"{name}.yaml")
    profiles, _ = read_folder(tmp_path)

    def best(*records: str, version: int = 1, medium: int = 4) -> str | None:
        telegrams = [telegram(*records, version=version, medium=medium)]
        found = best_profile(profiles, telegrams)
        return found.id if found else None

    model = "0dfd0c 03335958"
    assert best("0406 00000000", version=2) == "maker"
    assert best("0406 00000000", medium=7) == "version"
    assert best("0406 00000000") == "medium"
    assert best("0406 00000000", "0413 00000000") == "records"
    assert best("0406 00000000", model) == "model"
    own, _ = read_folder(tmp_path, is_own=True)
    mixed = [*own[:1], *profiles]
    assert own[0].id == "maker"
    assert best_profile(mixed, [telegram(model)]) is own[0]
    other = long_frame(8, 1, 0x72, bytes.fromhex("78563412 2d2c 01 04 01 00 0000"))
    assert best_profile(profiles, [parse_telegram(other)]) is None
    assert best_profile(profiles, []) is None
