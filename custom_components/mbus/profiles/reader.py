"""From the files to profiles: YAML, whose mistakes are told with file and line."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import voluptuous as vol
import yaml

from .mistake import ProfileError
from .profile import Profile
from .schema import profile_from

FAMILIES: Final = Path(__file__).parent / "families"
"""Where the profiles lie that come with the integration."""


def read_profile(path: Path, *, is_own: bool = False) -> Profile:
    """Read one file, whose name is the profile's id. Raises ProfileError."""
    try:
        text = path.read_text(encoding="utf-8")
        root = yaml.compose(text, Loader=yaml.BaseLoader)
        # Each value as it is written: a version 04 is no number, a key `on` is no truth value.
        data = yaml.load(text, Loader=yaml.BaseLoader)
    except (OSError, UnicodeDecodeError) as err:
        raise ProfileError(path, 1, "not_read", error=str(err)) from err
    except RecursionError as err:
        raise ProfileError(path, 1, "too_deep") from err
    except yaml.YAMLError as err:
        mark = getattr(err, "problem_mark", None)
        said = getattr(err, "problem", None) or str(err)
        line = mark.line + 1 if mark else 1
        raise ProfileError(path, line, "no_yaml", error=said) from err
    try:
        return profile_from(data, path.stem, is_own=is_own)
    except vol.Invalid as err:
        first = err.errors[0] if isinstance(err, vol.MultipleInvalid) else err
        raise ProfileError.of_schema(path, _line(root, first.path), first) from err


def read_folder(
    folder: Path, *, is_own: bool = False
) -> tuple[list[Profile], list[ProfileError]]:
    """Read every profile of a folder, which may be missing, and say what is wrong with those that are none."""
    profiles, errors = list[Profile](), list[ProfileError]()
    for path in sorted((*folder.glob("*.yaml"), *folder.glob("*.yml"))):
        try:
            profiles.append(read_profile(path, is_own=is_own))
        except ProfileError as err:
            errors.append(err)
    return profiles, errors


def _line(node: Any, path: Sequence[Any]) -> int:
    """Return the line of what a path leads to, as far as it does."""
    line = node.start_mark.line if node else 0
    for part in path:
        if isinstance(node, yaml.MappingNode):
            found = [pair for pair in node.value if pair[0].value == str(part)]
            if not found:
                break
            line, node = found[0][0].start_mark.line, found[0][1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int):
            node = node.value[part]
            line = node.start_mark.line
        else:
            break
    return int(line) + 1
