"""What the README names exists, under that name."""

from collections.abc import Iterator
import json
from pathlib import Path
import re
from typing import Any

from homeassistant.util.yaml import load_yaml_dict

from custom_components.mbus.meters.binding import BindingState

ROOT = Path(__file__).parent.parent
INTEGRATION = ROOT / "custom_components" / "mbus"
README = (ROOT / "README.md").read_text()
TEXTS = json.loads((INTEGRATION / "translations" / "en.json").read_text())


def _strings(texts: dict[str, Any]) -> Iterator[str]:
    for text in texts.values():
        if isinstance(text, dict):
            yield from _strings(text)
        else:
            yield text


def test_settings_are_called_what_the_readme_calls_them() -> None:
    """Every emphasised name of the table of settings is that of a field, a menu option or an entity."""
    table = README.split("<!-- settings")[1].split("<!-- end of settings -->")[0]
    table = table.split("-->")[1].replace("**", "")
    names = set(re.findall(r"\*([^*]+)\*", table))
    assert len(names) > 30
    assert names - set(_strings(TEXTS)) == set()


def test_actions_are_those_of_the_readme() -> None:
    """The table of actions has every action and no other."""
    actions = load_yaml_dict(str(INTEGRATION / "services.yaml"))
    documented = set(re.findall(r"`mbus\.(\w+)`", README))
    assert documented == {name for name in actions if not name.startswith(".")}


def test_binding_states_are_those_of_the_readme() -> None:
    """The table of what can be wrong has every state, the worst first."""
    texts = TEXTS["entity"]["sensor"]["binding_state"]["state"]
    table = README.split("| Binding state | Means")[1].split("\n\n")[0]
    rows = [line.split("|")[1].strip() for line in table.splitlines()[2:]]
    assert rows == [texts[state] for state in BindingState if state != BindingState.OK]
