"""What Home Assistant's hassfest checks of a custom integration, as far as it can be checked without it."""

from collections.abc import Iterator, Mapping
import json
from pathlib import Path
import re
from typing import Any

from homeassistant.util.yaml import load_yaml_dict
import pytest

INTEGRATION = Path(__file__).parent.parent / "custom_components" / "mbus"
MANIFEST = json.loads((INTEGRATION / "manifest.json").read_text())
TEXTS = json.loads((INTEGRATION / "translations" / "en.json").read_text())
ICONS = json.loads((INTEGRATION / "icons.json").read_text())
ACTIONS = load_yaml_dict(str(INTEGRATION / "services.yaml"))

SCALE = {
    "bronze": """action-setup appropriate-polling brands common-modules config-flow config-flow-test-coverage
        dependency-transparency docs-actions docs-conditions docs-high-level-description docs-installation-instructions
        docs-removal-instructions docs-triggers entity-event-setup entity-unique-id has-entity-name runtime-data
        test-before-configure test-before-setup unique-config-entry""",
    "silver": """action-exceptions config-entry-unloading docs-configuration-parameters docs-installation-parameters
        entity-unavailable integration-owner log-when-unavailable parallel-updates reauthentication-flow
        test-coverage""",
    "gold": """devices diagnostics discovery discovery-update-info docs-data-update docs-examples
        docs-known-limitations docs-supported-devices docs-supported-functions docs-troubleshooting docs-use-cases
        dynamic-devices entity-category entity-device-class entity-disabled-by-default entity-translations
        exception-translations icon-translations reconfiguration-flow repair-issues stale-devices""",
    "platinum": "async-dependency inject-websession strict-typing",
}


def texts(branch: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, str]]:
    """Give every text with its path."""
    for key, value in branch.items():
        where = f"{path}.{key}"
        if isinstance(value, str):
            yield where, value
        else:
            yield from texts(value, where)


@pytest.mark.parametrize(("path", "text"), texts(TEXTS))
def test_text(path: str, text: str) -> None:
    """No HTML, no address, no blank at an end, and placeholders that are names and not in single quotes."""
    assert not re.search(r"</?[a-z]+[^>]*>", text)
    assert "://" not in text.replace("socket://host:port", "")
    assert text == text.strip()
    assert not re.search(r"'\{\w*\}'", text)
    placeholders = re.findall(r"\{([^}]*)\}", text)
    assert all(name.isidentifier() for name in placeholders)
    for key in path.split(".")[1:]:
        assert re.fullmatch(r"[a-z0-9]+([-_][a-z0-9]+)*", key) or key == "_"
    if ".state." in path:
        assert not placeholders


def forms(branch: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    """Give every step and section that has fields."""
    for key, value in branch.items():
        if isinstance(value, dict):
            if isinstance(value.get("data"), dict):
                yield f"{path}.{key}", value
            yield from forms(value, f"{path}.{key}")


@pytest.mark.parametrize(("path", "form"), forms(TEXTS))
def test_form(path: str, form: Mapping[str, Any]) -> None:
    """Every field is described, and nothing that isn't one."""
    assert form["data"].keys() == form["data_description"].keys()


def test_flows_and_issues() -> None:
    """A subentry says what it is and how it is begun; an issue has either a description or a way to mend it."""
    for subentry in TEXTS["config_subentries"].values():
        assert subentry["entry_type"]
        assert subentry["initiate_flow"]["user"]
    for issue in TEXTS["issues"].values():
        assert issue["title"]
        assert ("description" in issue) != ("fix_flow" in issue)


def test_actions() -> None:
    """Each has a name, a description and an icon, and so has each of its fields but the icon; nothing else is there."""
    described = ACTIONS.keys()
    assert TEXTS["services"].keys() == described
    assert ICONS["services"].keys() == described
    for name in described:
        action = TEXTS["services"][name]
        assert action["name"]
        assert action["description"]
        fields = (ACTIONS[name] or {}).get("fields", {})
        assert action.get("fields", {}).keys() == fields.keys()
        assert all(
            field["name"] and field["description"]
            for field in action.get("fields", {}).values()
        )


def test_icons() -> None:
    """No state repeats the icon that its entity has anyway."""
    assert not [
        (key, state)
        for entities in ICONS["entity"].values()
        for key, icons in entities.items()
        for state, icon in icons.get("state", {}).items()
        if icon == icons.get("default")
    ]


def test_manifest() -> None:
    """Its keys are in order and all there."""
    keys = list(MANIFEST)
    assert keys == ["domain", "name", *sorted(keys[2:])]
    assert {"codeowners", "documentation", "issue_tracker", "version"} <= set(keys)
    _, _, page = MANIFEST["documentation"].partition("/blob/main/")
    assert (INTEGRATION.parents[1] / page).is_file()
    assert re.fullmatch(r"\d+\.\d+\.\d+", MANIFEST["version"])


def test_quality_scale() -> None:
    """Every rule is done, or says why not; nothing but what needs a public home is to do."""
    rules = load_yaml_dict(str(INTEGRATION / "quality_scale.yaml"))["rules"]
    assert rules.keys() == set(" ".join(SCALE.values()).split())
    for rule, said in rules.items():
        if said == "done":
            continue
        assert said["status"] in ("exempt", "todo")
        assert said["comment"]
        assert (said["status"] == "todo") == (rule == "integration-owner")
