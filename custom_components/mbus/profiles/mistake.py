"""What is wrong in a profile file: a key of the translations and the facts that belong into its text."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, Self

import voluptuous as vol

_LONGEST_FACT: Final = 80

_OF_SHAPE: Final[tuple[tuple[type[vol.Invalid], str], ...]] = (
    (vol.RequiredFieldInvalid, "missing"),
    (vol.DictInvalid, "mapping_needed"),
    (vol.SequenceTypeInvalid, "list_needed"),
    (vol.TypeInvalid, "mapping_needed"),
    (vol.Invalid, "unknown_field"),
)
"""What the schema itself finds; the first row that matches counts."""


class Mistake(vol.Invalid):  # type: ignore[misc]
    """A value of the file that can't be: a key of the translations' `profile_mistake`, and the facts it names."""

    def __init__(
        self, key: str, path: Sequence[Any] | None = None, **facts: Any
    ) -> None:
        """Keep the parts; `path` leads to the value where the schema doesn't say it."""
        super().__init__(key, path)
        self.key = key
        self.facts = {
            name: text
            if len(text := str(fact)) <= _LONGEST_FACT
            else f"{text[:_LONGEST_FACT]}…"
            for name, fact in facts.items()
        }


class ProfileError(Exception):
    """A file that holds no profile: where in it what is wrong, as a key of the translations' `profile_mistake` and facts.

    `place` leads to the value by the names of the fields.
    """

    def __init__(
        self, path: Path, line: int, key: str, place: str = "", **facts: str
    ) -> None:
        """Keep the parts."""
        super().__init__(f"{path.name}, line {line}: {place} {key} {facts}")
        self.path, self.line, self.place = path, line, place
        self.key, self.facts = key, facts

    @classmethod
    def of_schema(cls, path: Path, line: int, error: vol.Invalid) -> Self:
        """Return what the schema found first."""
        place = ".".join(str(getattr(part, "schema", part)) for part in error.path)
        if isinstance(error, Mistake):
            return cls(path, line, error.key, place, **error.facts)
        key = next(key for kind, key in _OF_SHAPE if isinstance(error, kind))
        return cls(path, line, key, place)
