"""Profile files: what they may say, and how their mistakes are told."""

import os
from pathlib import Path

import pytest

from custom_components.mbus.presentation.reasons import mistake_text
from custom_components.mbus.profiles.catalogue import read_catalogue
from custom_components.mbus.profiles.interpretation import ValueRule
from custom_components.mbus.profiles.matching import best_profile
from custom_components.mbus.profiles.mistake import ProfileError
from custom_components.mbus.profiles.reader import read_folder, read_profile
from custom_components.mbus.protocol import Telegram, long_frame, parse_telegram
from tests.integration.wording import ENGLISH

HEAD = "name: A meter\nmatch:\n  - {manufacturer: ABC}\n"


def telegram(
    *records: str, version: int = 1, medium: int = 4, maker: str = "4304"
) -> Telegram:
    """Return a telegram of the maker ABC, or of another one."""
    header = bytes.fromhex(f"78563412 {maker}") + bytes([version, medium, 1, 0, 0, 0])
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
        ("name: [", 1, "this is no YAML: expected the node content"),
        ("name: A meter\n  match: x", 2, "this is no YAML: mapping values"),
        ("- a\n- b\n", 1, "names with values are needed here"),
        ("name: A meter\n", 1, "match: this is missing"),
        ("name: A meter\nmatch: ABC\n", 2, "match: a list is needed here"),
        ("name: A meter\nmatch: []\n", 2, "match: at least one is needed"),
        ("name: ''\nmatch:\n  - {manufacturer: ABC}\n", 1, "name: a text is needed"),
        (
            "name: A meter\nmatch:\n  - {manufacturer: Abc}\n",
            3,
            "match.0.manufacturer: “Abc” is no manufacturer's code, which has three",
        ),
        (
            "name: A meter\nmatch:\n  - manufacturer: ABC\n    versions: [300]\n",
            4,
            "match.0.versions: “300” is not two hex digits",
        ),
        (
            "name: A meter\nmatch:\n  - manufacturer: ABC\n    records: [few]\n",
            4,
            "match.0.records: “few” is not a whole number",
        ),
        (HEAD + "colour: red\n", 4, "colour: there is no such field"),
        (HEAD + "records:\n  - a\n", 5, "records.0: names with values are needed"),
        (HEAD + "records:\n  - {key: a}\n", 5, "records.0: “vif” or “is” is needed"),
        (
            HEAD + "records:\n  - key: a\n    vif: '04'\n    with: [import]\n",
            7,
            "records.0.with: “with” goes with “is” only",
        ),
        (
            HEAD + "records:\n  - {key: a, is: energy}\n  - key: b\n    is: enrgy\n",
            7,
            "records.1.is: “enrgy” is not known",
        ),
        (
            HEAD + "records:\n  - key: a\n    is: energy\n    quantity: warmth\n",
            7,
            "records.0.quantity: “warmth” is not known",
        ),
        (
            HEAD + "records:\n  - key: a\n    is: energy\n    modifiers: [cold]\n",
            7,
            "records.0.modifiers: “cold” is not known",
        ),
        (
            HEAD + "records:\n  - key: a\n    is: energy\n    unit: kWatt\n",
            7,
            "records.0.unit: “kWatt” is not known",
        ),
        (
            HEAD + "records:\n  - key: a\n    is: energy\n    ticked: maybe\n",
            7,
            "records.0.ticked: “maybe” is neither true nor false",
        ),
        (
            HEAD + "records:\n  - key: a\n    vif: 04\n    factor: many\n",
            7,
            "records.0.factor: “many” is not a number",
        ),
        (
            HEAD + "records:\n  - key: a\n    vif: 04\n    factor: 0\n",
            7,
            "records.0.factor: a factor of 0 leaves nothing",
        ),
        (
            HEAD + "records:\n  - key: a\n    vif: zz\n",
            6,
            "records.0.vif: “zz” is no pattern of hex digits",
        ),
        (
            HEAD + "records:\n  - key: A b\n    vif: '04'\n",
            5,
            "records.0.key: “A b” is no key",
        ),
        (
            HEAD + "records:\n  - key: 'a_{n}'\n    for: {n: 3}\n    vif: '04'\n",
            6,
            "records.0.for: “for” takes a list of texts for each name",
        ),
        (
            HEAD
            + "records:\n  - key: 'a_{n}'\n    for: {n: ['1'], m: ['1', '2']}\n    vif: '04'\n",
            6,
            "records.0.for: the lists of “for” have to be of one length",
        ),
        (
            HEAD + "records:\n  - {key: a, vif: '04'}\n  - {key: a, vif: '05'}\n",
            4,
            "records: the key “a” is taken already",
        ),
        (
            HEAD
            + "blocks:\n  - length: 3\n    fields:\n"
            + "      - {key: a, offset: 0, length: 1, coding: hex, quantity: cost}\n"
            * 2,
            6,
            "blocks.0.fields: the key “a” is taken already",
        ),
        (
            HEAD
            + "blocks:\n  - length: 3\n    fields:\n"
            + "      - {key: block, offset: 0, length: 1, coding: hex, quantity: cost}\n",
            6,
            "blocks.0.fields: the key “block” is taken already",
        ),
        (HEAD + "quirks:\n  pause: -1\n", 5, "quirks.pause: “-1” is less than 0"),
        (HEAD + "quirks:\n  pause: long\n", 5, "quirks.pause: “long” is not a number"),
        (
            HEAD + "quirks:\n  initial_frames: '10 40'\n",
            5,
            "quirks.initial_frames: there is no such field",
        ),
        (HEAD + "blocks:\n  - fields: []\n", 5, "blocks.0."),
        (
            HEAD + "blocks:\n  - length: 0\n    fields: []\n",
            5,
            "blocks.0.length: “0” is less than 1",
        ),
        (HEAD + "quirks:\n  pause: nan\n", 5, "quirks.pause: “nan” is less than 0"),
        (
            HEAD + "quirks:\n  first_byte_timeout: 1e9\n",
            5,
            "quirks.first_byte_timeout: “1e9” is more than 60",
        ),
        (HEAD + "quirks:\n  requests: ['']\n", 5, "quirks.requests: a text is needed"),
        (
            HEAD + "quirks:\n  requests: xy\n",
            5,
            "quirks.requests: “xy” is not 1 to 253 bytes in hex digits",
        ),
        (
            HEAD + f"quirks:\n  requests: '{'00' * 254}'\n",
            5,
            f"quirks.requests: “{'00' * 40}…” is not 1 to 253 bytes",
        ),
        (
            HEAD + "shortest_period: 99999999999\n",
            4,
            "shortest_period: “99999999999” is more than 604800",
        ),
        (
            HEAD + "records:\n  - key: a\n    is: [energy]\n",
            6,
            "records.0.is: “['energy']” is not known",
        ),
        (
            HEAD + "records:\n  - key: a\n    is: {energy: 1}\n",
            6,
            "records.0.is: “{'energy': '1'}” is not known",
        ),
        (
            HEAD + "records:\n  - key: a\n    vif: 04\n    factor: 1e999\n",
            7,
            "records.0.factor: “1e999” is not a number",
        ),
        (
            HEAD
            + "blocks:\n  - length: 3\n    fields:\n      - key: a\n        offset: 0\n        length: 1\n"
            "        coding: octal\n        quantity: energy\n",
            10,
            "blocks.0.fields.0.coding: “octal” is not known",
        ),
        (
            HEAD + "records:\n  - {key: a, vif: '04 f'}\n",
            5,
            "records.0.vif: “04 f” is no pattern of hex digits, two for each byte",
        ),
        (
            HEAD + "records:\n  - {key: a, is: energy, with: [exprt]}\n",
            5,
            "records.0.with: “exprt” is not known; did you mean “export”?",
        ),
        (
            HEAD + "records:\n  - {key: a, is: power_factor}\n",
            5,
            "records.0.is: “power_factor” is not known",
        ),
        (
            HEAD + "records:\n  - {key: a, is: energy, tariff: -1}\n",
            5,
            "records.0.tariff: “-1” is less than 0",
        ),
        (
            HEAD + "records:\n  - {key: a, is: energy, data_field: 16}\n",
            5,
            "records.0.data_field: “16” is more than 15",
        ),
        (
            HEAD + "records:\n  - {key: a, is: error_flags, bits: {'-1': leak}}\n",
            5,
            "records.0.bits.-1: “-1” is less than 0",
        ),
        (
            HEAD + "records:\n  - {key: a, vif: '04', unit: m3}\n",
            5,
            "records.0.unit: “m3” is not known; did you mean “m³”?",
        ),
        (
            HEAD + "records:\n  - {key: a, vif: 'ff 21', resolution_of: volume}\n",
            5,
            "records.0.resolution_of: “resolution_of” needs a “unit”",
        ),
        (
            HEAD + "records:\n  - {key: a, for: {}, vif: '04'}\n",
            5,
            "records.0.for: “for” takes a list of texts for each name",
        ),
        (
            HEAD + "records:\n  - {key: 'a{n}', for: {n: []}, vif: '04'}\n",
            5,
            "records.0.for: “for” takes a list of texts for each name",
        ),
        (
            HEAD
            + "blocks:\n  - length: 3\n    fields:\n"
            + "      - {key: a, offset: 2, length: 2, coding: hex, quantity: cost}\n",
            7,
            "blocks.0.fields.0.length: the field ends 4 bytes into a block that has 3",
        ),
        (
            HEAD + "blocks:\n" + "  - length: 3\n    fields:\n"
            "      - {key: a, offset: 0, length: 1, coding: hex, quantity: cost}\n" * 2,
            4,
            "blocks: the key “3” is taken already",
        ),
        (
            HEAD + "records:\n  - {key: a, vif: '04', device_class: enum}\n",
            5,
            "records.0.device_class: “enum” is not known",
        ),
        (HEAD + "records: []\nrecords: []\n", 5, "records: this is said twice"),
        (
            HEAD + "records:\n  - {key: a, vif: '04', key: b}\n",
            5,
            "records.0.key: this is said twice",
        ),
        (HEAD + "? [a]\n: b\n", 1, "names with values are needed here"),
        (
            HEAD + "tried: &t once\nsources: [{title: *t}]\n",
            5,
            "sources.0.title: an alias has no place here",
        ),
        (HEAD + 'tried: "\\ud800"\n', 4, "tried: a text is needed here"),
    ],
)
def test_a_mistake_is_told_with_file_and_line(
    tmp_path: Path, text: str, line: int, reason: str
) -> None:
    """So that whoever writes a file finds it."""
    with pytest.raises(ProfileError) as caught:
        read_profile(write(tmp_path, text))
    assert (caught.value.path.name, caught.value.line) == ("meter.yaml", line)
    assert mistake_text(caught.value, ENGLISH).startswith(reason)


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    """What the system says of it is told."""
    path = tmp_path / "meter.yaml"
    path.write_bytes(b"name: \xff")
    with pytest.raises(ProfileError) as caught:
        read_profile(path)
    assert mistake_text(caught.value, ENGLISH).startswith(
        "the file can't be read: 'utf-8'"
    )


def test_a_file_nested_without_end(tmp_path: Path) -> None:
    """It is a mistake like any other."""
    with pytest.raises(ProfileError, match="too_deep"):
        read_profile(write(tmp_path, "[" * 100_000))


@pytest.mark.parametrize(
    "line",
    [
        f"vif: '{'84ff81' * 20}g'",
        f"vif: '{'(00)' * 9}'",
        "is: energy\n    factor: 1e99999999",
        "is: energy\n    no_value: 1e-99999999",
    ],
)
def test_a_file_that_would_take_for_ever(tmp_path: Path, line: str) -> None:
    """It is refused at once."""
    with pytest.raises(ProfileError):
        read_profile(write(tmp_path, f"{HEAD}records:\n  - key: a\n    {line}\n"))


@pytest.mark.parametrize("factor", [f"0.{'3' * 60}", f"1.{'3' * 59}e-29", "1/3"])
def test_a_long_factor_is_refused_or_can_be_stored(tmp_path: Path, factor: str) -> None:
    """No binding is made that can't be read after a restart."""
    try:
        profile = read_profile(
            write(
                tmp_path,
                f"{HEAD}records:\n  - {{key: a, vif: '04', factor: {factor}}}\n",
            )
        )
    except ProfileError:
        return
    rule = profile.entries[0].rule
    assert ValueRule.from_dict(rule.as_dict()) == rule


def test_aliases_of_aliases(tmp_path: Path) -> None:
    """What they stand for is never written out."""
    levels = "".join(
        f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 20)}]\n" for n in range(1, 20)
    )
    with pytest.raises(ProfileError, match="alias"):
        read_profile(write(tmp_path, f"l0: &l0 x\n{levels}"))


def test_a_file_too_large(tmp_path: Path) -> None:
    """It is not read to its end."""
    path = write(tmp_path, HEAD + f"tried: {'x' * 300_000}\n")
    with pytest.raises(ProfileError) as caught:
        read_profile(path)
    assert mistake_text(caught.value, ENGLISH) == "the file has more than 256 kB"


def test_what_is_no_file(tmp_path: Path) -> None:
    """Reading a pipe never ends; a link that leads nowhere, or to itself, is told."""
    os.mkfifo(tmp_path / "pipe.yaml")
    (tmp_path / "nowhere.yaml").symlink_to(tmp_path / "nothing")
    (tmp_path / "ring.yaml").symlink_to(tmp_path / "ring.yaml")
    write(tmp_path, HEAD, "good.txt")
    (tmp_path / "link.yaml").symlink_to(tmp_path / "good.txt")
    profiles, errors = read_folder(tmp_path)
    assert [profile.id for profile in profiles] == ["link"]
    assert {error.path.name: mistake_text(error, ENGLISH) for error in errors} == (
        dict.fromkeys(
            ("nowhere.yaml", "pipe.yaml", "ring.yaml"),
            "this is no file that can be read",
        )
    )


def test_names_of_files(tmp_path: Path) -> None:
    """A name that another file has, or that means something else, is told; what others keep in hidden files is theirs."""
    for name in (
        "meter.yaml",
        "meter.yml",
        "none.yaml",
        "automatic.yaml",
        "zähler.yaml",
    ):
        write(tmp_path, HEAD, name)
    (tmp_path / "._meter.yaml").write_bytes(b"\0\5\x16\7")
    (tmp_path / ".#meter.yaml").symlink_to("me@here:1")
    (Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.yaml"))).write_text(HEAD)
    catalogue = read_catalogue(tmp_path)
    assert [one.id for one in catalogue.profiles if one.is_own] == ["meter", "zähler"]
    assert {
        error.path.name: mistake_text(error, ENGLISH) for error in catalogue.errors
    } == {
        "automatic.yaml": "the name “automatic” is taken; give the file another one",
        "meter.yml": "the name “meter” is taken; give the file another one",
        "none.yaml": "the name “none” is taken; give the file another one",
        "'\\udcff.yaml'": "the file's name has characters that can't be shown",
    }


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


def test_a_file_of_ones_own_in_place_of_ours(tmp_path: Path) -> None:
    """One of the same name is the only one of that name; a bad one leaves ours."""
    telegrams = [telegram("0413 00000000", version=0x70, medium=7, maker="a511")]
    write(tmp_path, HEAD, "hydrus.yaml")
    own = read_catalogue(tmp_path)
    assert [one.name for one in own.profiles if one.id == "hydrus"] == ["A meter"]
    assert own.profile_for(telegrams) is None
    write(tmp_path, "name: x", "hydrus.yaml")
    profile = read_catalogue(tmp_path).profile_for(telegrams)
    assert profile is not None
    assert profile.name == "Diehl Hydrus"


def test_numbers_of_a_file_are_as_written(tmp_path: Path) -> None:
    """A version 04 or 0E and a VIF 10 are hex digits, with quotes and without."""
    text = "name: A meter\nmatch:\n  - {manufacturer: ABC, versions: [04, 0E, 1e3]}\n"
    with pytest.raises(ProfileError) as caught:
        read_profile(write(tmp_path, text))
    assert caught.value.facts == {"value": "1e3"}
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
