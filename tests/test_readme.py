"""What the documents name exists, under that name."""

from collections.abc import Iterator
import json
from pathlib import Path
import re
from typing import Any

from homeassistant.util.yaml import load_yaml_dict
import pytest

from custom_components.mbus.meters.binding import BindingState
from custom_components.mbus.profiles import schema as schemas
from custom_components.mbus.profiles.codings import CODINGS
from custom_components.mbus.profiles.reader import read_profile
from custom_components.mbus.profiles.vocabulary import (
    KNOWN_MODIFIERS,
    KNOWN_QUANTITIES,
    KNOWN_UNITS,
    MONTHS_AGO,
)
from scripts.command_line.profile import families

ROOT = Path(__file__).parent.parent
INTEGRATION = ROOT / "custom_components" / "mbus"
DOCS = ROOT / "docs"
DOCUMENTS = (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *DOCS.glob("*.md"))
TEXTS = json.loads((INTEGRATION / "translations" / "en.json").read_text())


def _strings(texts: dict[str, Any]) -> Iterator[str]:
    for text in texts.values():
        if isinstance(text, dict):
            yield from _strings(text)
        else:
            yield text


def test_settings_are_called_what_the_document_calls_them() -> None:
    """Every emphasised name of the table of settings is that of a field, a menu option or an entity."""
    text = (DOCS / "settings.md").read_text()
    table = text.split("<!-- settings")[1].split("<!-- end of settings -->")[0]
    table = table.split("-->")[1].replace("**", "")
    names = set(re.findall(r"\*([^*]+)\*", table))
    assert len(names) > 30
    assert names - set(_strings(TEXTS)) == set()


def test_actions_are_those_of_the_document() -> None:
    """The table of actions has every action and no other."""
    actions = load_yaml_dict(str(INTEGRATION / "services.yaml"))
    text = (DOCS / "actions.md").read_text()
    documented = set(re.findall(r"`mbus\.(\w+)`", text))
    assert documented == actions.keys()


def test_binding_states_are_those_of_the_document() -> None:
    """The table of what can be wrong has every state, the worst first."""
    texts = TEXTS["entity"]["sensor"]["binding_state"]["state"]
    text = (DOCS / "troubleshooting.md").read_text()
    table = text.split("| Binding state | Means")[1].split("\n\n")[0]
    rows = [line.split("|")[1].strip() for line in table.splitlines()[2:]]
    assert rows == [texts[state] for state in BindingState if state != BindingState.OK]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(document: Path) -> None:
    """Every file that a document links to or shows is there."""
    text = document.read_text()
    links = re.findall(r"\]\(([^)#]+)\)|(?:src|srcset)=\"([^\"]+)\"", text)
    for link in map("".join, links):
        assert "://" in link or (document.parent / link).exists(), link


def test_families_are_those_that_have_a_profile() -> None:
    """The list is what the files say."""
    text = (DOCS / "meters.md").read_text()
    listed = text.split("<!-- families: made by scripts/mbus profile -->\n")[1]
    assert listed.split("<!-- end of families -->")[0].splitlines() == families()


def test_the_document_knows_every_key_of_a_profile() -> None:
    """Whoever reads it alone can use all of them, and none that there isn't."""
    text = (ROOT / "docs" / "profiles.md").read_text()
    keys = {
        str(key)
        for schema in (
            schemas._PROFILE,
            schemas._QUIRKS,
            schemas._MATCH,
            schemas._ENTRY,
            schemas._FIELD,
        )
        for key in schema.schema
    }
    documented = set(re.findall(r"`([a-z_]+)`", text))
    assert keys - documented == set()
    assert set(schemas.CERTAINTIES) | CODINGS.keys() <= documented


def test_the_document_has_every_word_of_a_profile() -> None:
    """Whoever has the document alone finds what may be said, and nothing else."""
    text = (ROOT / "docs" / "profiles.md").read_text()
    listed = text.split("<!-- words -->")[1].split("<!-- end of words -->")[0]
    months = {"months_ago_3", "months_ago_60"}
    for paragraph, known in zip(
        listed.strip().split("\n\n"),
        (
            KNOWN_QUANTITIES,
            KNOWN_MODIFIERS - MONTHS_AGO | months,
            KNOWN_UNITS,
        ),
        strict=True,
    ):
        assert {*re.findall("`([^`]+)`", paragraph)} == known


def test_the_example_of_the_document_is_a_profile(tmp_path: Path) -> None:
    """What somebody begins with is read without a mistake."""
    text = (ROOT / "docs" / "profiles.md").read_text()
    example, *parts = re.findall(r"```yaml\n(.*?)```", text, flags=re.DOTALL)
    path = tmp_path / "example.yaml"
    path.write_text(example + parts[0] + parts[1])
    profile = read_profile(path)
    assert [entry.key for entry in profile.entries] == [
        "export", "frequency", "voltage_l1", "voltage_l2", "voltage_l3",
    ]  # fmt: skip
    assert [field.key for field in profile.block_fields] == ["pulses_1"]
