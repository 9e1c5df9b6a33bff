"""Why there is no value or no answer, in the language of Home Assistant."""

from .texts import Texts, option_key


def problem_text(problem: str, texts: Texts) -> str:
    """Return why a record has no value; what has no text is said as the protocol says it."""
    key = option_key("problem", getattr(problem, "key", problem))
    return texts.get(key, problem)
