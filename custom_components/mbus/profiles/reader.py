"""From the files to profiles: YAML, whose mistakes are told with file and line."""

from collections.abc import Collection, Sequence
from pathlib import Path
import re
from typing import Any, Final

import voluptuous as vol
import yaml

from .mistake import Mistake, ProfileError
from .profile import Profile
from .schema import profile_from

FAMILIES: Final = Path(__file__).parent / "families"
"""Where the profiles lie that come with the integration."""

_LARGEST: Final = 256 * 1024
"""Bytes of a file; the largest of ours has 7 kB."""
_HALF: Final = re.compile("[\ud800-\udfff]")
"""Half a character, which can't be stored."""


def read_profile(path: Path, *, is_own: bool = False) -> Profile:
    """Read one file, whose name is the profile's id. Raises ProfileError."""
    try:
        root = yaml.compose(_content(path), Loader=yaml.BaseLoader)
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
        return profile_from(_data(root, [], set()), path.stem, is_own=is_own)
    except vol.Invalid as err:
        first = err.errors[0] if isinstance(err, vol.MultipleInvalid) else err
        raise ProfileError.of_schema(path, _line(root, first.path), first) from err


def read_folder(
    folder: Path, *, is_own: bool = False, taken: Collection[str] = ()
) -> tuple[list[Profile], list[ProfileError]]:
    """Read every profile of a folder, which may be missing, and say what is wrong with those that are none.

    `taken` are the names that no file may have.
    """
    profiles, errors, names = list[Profile](), list[ProfileError](), {*taken}
    for path in sorted((*folder.glob("*.yaml"), *folder.glob("*.yml"))):
        if path.name.startswith("."):
            continue  # Editors and other systems keep their own things so.
        try:
            _check_name(path, names)
            profiles.append(read_profile(path, is_own=is_own))
        except ProfileError as err:
            errors.append(err)
        names.add(path.stem)
    return profiles, errors


def _check_name(path: Path, taken: Collection[str]) -> None:
    """Raise ProfileError for a file whose name can't be a profile's id."""
    if not path.name.isprintable():
        raise ProfileError(Path(ascii(path.name)), 1, "name_not_read")
    if path.stem in taken:
        raise ProfileError(path, 1, "name_taken", value=path.stem)


def _content(path: Path) -> str:
    """Return what a file holds. Raises OSError, UnicodeDecodeError or ProfileError."""
    if not path.is_file():
        raise ProfileError(path, 1, "no_file")  # Some things can be read without end.
    with path.open("rb") as file:
        content = file.read(_LARGEST + 1)
    if len(content) > _LARGEST:
        raise ProfileError(path, 1, "file_too_large", most=str(_LARGEST // 1024))
    return content.decode("utf-8")


def _data(node: Any, path: list[Any], seen: set[int]) -> Any:
    """Return each value as it is written: a version 04 is no number, a key `on` is no truth value.

    Raises Mistake also for a node that was `seen`: few aliases can stand for more than fits into memory.
    """
    if node is None:
        return None
    if id(node) in seen:
        raise Mistake("alias", path)
    seen.add(id(node))
    if isinstance(node, yaml.SequenceNode):
        return [
            _data(item, [*path, place], seen) for place, item in enumerate(node.value)
        ]
    if isinstance(node, yaml.MappingNode):
        data = dict[str, Any]()
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise Mistake("mapping_needed", path)
            if key.value in data:
                raise Mistake("same_field", [*path, key.value])
            data[key.value] = _data(value, [*path, key.value], seen)
        return data
    if _HALF.search(node.value):
        raise Mistake("text_needed", path)
    return node.value


def _line(node: Any, path: Sequence[Any]) -> int:
    """Return the line of what a path leads to, as far as it does."""
    line = node.start_mark.line if node else 0
    for part in path:
        if isinstance(node, yaml.MappingNode):
            found = [pair for pair in node.value if pair[0].value == str(part)]
            if not found:
                break
            line, node = found[-1][0].start_mark.line, found[-1][1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int):
            node = node.value[part]
            line = node.start_mark.line
        else:
            break
    return int(line) + 1
