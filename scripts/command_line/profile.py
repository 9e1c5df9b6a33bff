"""Trying a meter profile: what it makes of telegrams, and which families there are."""

from argparse import Namespace
from collections.abc import Iterator, Sequence
import json
from pathlib import Path

from custom_components.mbus.const import DOMAIN
from custom_components.mbus.flows.record_choice import record_options
from custom_components.mbus.presentation.reasons import mistake_text
from custom_components.mbus.presentation.texts import Texts
from custom_components.mbus.profiles.catalogue import Catalogue, read_catalogue
from custom_components.mbus.profiles.matching import block_fields
from custom_components.mbus.profiles.mistake import ProfileError
from custom_components.mbus.profiles.profile import Match, Profile
from custom_components.mbus.profiles.reader import read_profile
from custom_components.mbus.protocol import FrameError, Quirks, Telegram, parse_telegram

from .arguments import UsageError
from .output import ExitCode, Result, show

_TRANSLATIONS = Path("custom_components/mbus/translations/en.json")
_ROOT = Path(__file__).parents[2]


def show_profile(options: Namespace) -> ExitCode:
    """Show records with and without a profile, or list the families. Raises UsageError for what is no telegram."""
    if options.file is None:
        lines = families()
        return show(
            Result(complete=True, content={"families": lines}, lines=lines),
            as_json=options.json,
        )
    try:
        telegrams = [parse_telegram(frame) for frame in options.frame]
    except FrameError as err:
        raise UsageError(
            f"scripts/mbus profile: --frame is no telegram: {err}"
        ) from err
    try:
        profile = read_profile(Path(options.file), is_own=True)
    except ProfileError as err:
        said = f"{err.path.name}, line {err.line}: {mistake_text(err, _texts())}"
        return show(
            Result(complete=False, error=said, is_empty=True, content={}, lines=[]),
            as_json=options.json,
        )
    is_for_it = not telegrams or profile.precision_for(telegrams) is not None
    lines = [
        f"{profile.name}: {len(profile.entries)} patterns of records",
        *_reading(profile),
    ]
    records = []
    for without, with_it in _compared(profile, telegrams):
        records.append({"without": without, "with": with_it})
        changed = without != with_it
        lines.append(f"{'→' if changed else ' '} {with_it}")
        if changed and without:
            lines.append(f"    was {without}")
    unused = _unused(profile, telegrams)
    if telegrams and unused:
        lines.append(f"Fits nothing here: {', '.join(unused)}")
    return show(
        Result(
            complete=is_for_it,
            error=None if is_for_it else _mismatch(telegrams),
            content={"profile": profile.id, "records": records, "unused": unused},
            lines=lines,
        ),
        as_json=options.json,
    )


def _reading(profile: Profile) -> Iterator[str]:
    """Say what the profile changes beside the records."""
    if profile.shortest_period:
        yield f"  read every {profile.shortest_period} s at most"
    for name, value in profile.quirks.as_dict().items():
        if value != getattr(Quirks(), name) and value != []:
            yield f"  {name}: {value}"
    for kept in profile.kept:
        yield f"  kept from storage {kept.storage} on: {kept.size or 'all'}, {kept.months} months apart"


def _unused(profile: Profile, telegrams: Sequence[Telegram]) -> list[str]:
    """Return the keys of what is in none of the telegrams."""
    found = {meaning.entry for _, _, meaning in profile.interpret(telegrams)}
    found |= {key for _, key in block_fields(profile, telegrams)}
    keys = [entry.key for entry in profile.entries]
    keys += [field.key for field in profile.block_fields]
    return [key for key in dict.fromkeys(keys) if key not in found]


def _mismatch(telegrams: Sequence[Telegram]) -> str:
    """Say what the meter is that the profile is not for."""
    header, sent = telegrams[0].header, sum(len(one.records) for one in telegrams)
    if header is None:
        return "the profile is not for this meter, which sends no header"
    version, medium = (
        "–" if number is None else f"{number:02X}"
        for number in (header.version, header.medium)
    )
    return f"the profile is not for this meter, which is {header.manufacturer}, version {version}, medium {medium}, records {sent}: see match"


def _compared(
    profile: Profile, telegrams: Sequence[Telegram]
) -> Iterator[tuple[str, str]]:
    """Give what the list of records shows without the profile and with it."""
    header = telegrams[0].header if telegrams else None
    medium, texts = header.medium if header else None, _texts()
    catalogue = Catalogue(profiles=(profile,))

    def options(choice: str) -> dict[str, str]:
        return {
            option["value"]: option["label"]
            for option in record_options(
                telegrams,
                (),
                texts,
                medium,
                catalogue.interpret(telegrams, choice),
                catalogue.block_fields(telegrams, choice),
            )
        }

    without = options("")
    for key, label in options(profile.id).items():
        yield without.get(key, ""), label


def families() -> list[str]:
    """Return the families that have a profile, as docs/meters.md lists them."""
    lines = ["| family | sent in the header | tried with |", "|---|---|---|"]
    for profile in sorted(read_catalogue().profiles, key=lambda one: one.name.lower()):
        header = "; ".join(map(_match, profile.matches))
        tried = profile.tried or "a telegram made after the document"
        lines.append(f"| {profile.name} | {header} | {tried} |")
    return lines


def _match(match: Match) -> str:
    versions = ", ".join(f"{version:02X}" for version in sorted(match.versions or ()))
    return f"{match.manufacturer} {versions}".strip()


def _texts() -> Texts:
    """Return the texts in English, by the keys that Home Assistant gives them."""
    data = json.loads((_ROOT / _TRANSLATIONS).read_text(encoding="utf-8"))

    def flat(node: object, key: str) -> Iterator[tuple[str, str]]:
        if isinstance(node, dict):
            for name, inner in node.items():
                yield from flat(inner, f"{key}.{name}")
        else:
            yield key, str(node)

    return {
        key: text
        for category in ("entity", "selector")
        for key, text in flat(data[category], f"component.{DOMAIN}.{category}")
    }
