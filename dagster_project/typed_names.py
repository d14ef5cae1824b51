"""Organisations and metrics as people type them: one way to find what is meant, for every verb that takes a name.

Nothing is opened here: whoever asks gives what is known.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dagster_project.errors import WrongUsage
from dagster_project.extracts.readers.text import folded

# Words that every other organisation's name has, or that people leave out.
_IDLE = frozenset({"nhs", "foundation", "trust", "ft", "the", "fictional", "of", "and", "for", "in", "to"})
_APOSTROPHES = re.compile(r"['\u2018\u2019\u02bc`]")
_WORD = re.compile(r"[^\W_]+")
_SCORE_ID = re.compile(r"OF1([0-9]{3})")
_LISTED = 12
_CLOSE = 0.6
_SAME_WORD = {"saint": "st", "saints": "st"}
# League tables, and whom they rank.
TABLES = {
    "acute": "acute trusts",
    "non_acute": "non-acute trusts",
    "ambulance": "ambulance trusts",
    "icb": "integrated care boards",
}


@dataclass(frozen=True)
class Known:
    """Something that can be asked for: its code or id, its name, and what tells it from others (its table)."""

    code: str
    name: str
    where: str = ""

    def __str__(self) -> str:
        return f"{self.code}  {self.name}" + (f" ({self.where})" if self.where else "")


def find_organisation(typed: str, organisations: Sequence[Known], quarter: str) -> Known:
    """The organisation that is meant; WrongUsage lists the several or the closest ones."""
    what = f"an organisation of {quarter}", "organisations"
    return _find(typed, organisations, what, "a code such as RP6 or part of a name")


def find_table(typed: str) -> str | None:
    """The league table that is meant, by its name or by those whom it ranks; None where it is none."""
    plain = "_".join(folded(typed).casefold().replace("-", " ").replace("_", " ").split())
    for name, ranked in TABLES.items():
        whom = "_".join(ranked.replace("-", " ").split())
        if plain in (name, f"{name}s", whom, whom.removesuffix("s")):
            return name
    return None


def is_said_by(typed: str, name: str) -> bool:
    """Whether typed and name have the same telling words in the same order."""
    return bool(words_of(typed)) and words_of(typed) == words_of(name)


def begins_with(typed: str, name: str) -> bool:
    """Whether the name's first words begin as the words typed do; never where nothing telling is typed."""
    asked = words_of(typed)
    return bool(asked) and _follows(asked, words_of(name)[: len(asked)])


def fits_words(typed: str, name: str) -> bool:
    """Whether every word typed begins a word of the name; never where nothing telling is typed."""
    asked = words_of(typed)
    return bool(asked) and _has_all(asked, words_of(name))


def find_metric(typed: str, metrics: Sequence[Known], framework: str) -> Known:
    """The metric that is meant, also by the id of its score (OF1010 for OF0010); WrongUsage as above."""
    as_value = _SCORE_ID.sub(r"OF0\1", typed.strip().upper())
    by_id = next((metric for metric in metrics if metric.code == as_value), None)
    if by_id is not None:
        return by_id
    what = f"a metric of the framework {framework}", "metrics"
    return _find(typed, metrics, what, "an id such as OF0010 or part of a name")


def words_of(text: str) -> list[str]:
    """A name's telling words: lower case, without punctuation, `&` or words like NHS and Trust."""
    plain = _APOSTROPHES.sub("", folded(text)).casefold().replace("&", " and ")
    found = (_SAME_WORD.get(word, word) for word in _WORD.findall(plain))
    return [word for word in found if word not in _IDLE]


def _find(typed: str, known: Sequence[Known], what: tuple[str, str], how: str) -> Known:
    code = folded(typed).upper()
    by_code = [one for one in known if one.code == code]
    if len(by_code) == 1:
        return by_code[0]
    asked = words_of(typed)
    named = {one: words_of(one.name) for one in known}
    found = by_code or [one for one, words in named.items() if words == asked]
    found = found or [one for one, words in named.items() if asked and _follows(asked, words)]
    found = found or [one for one, words in named.items() if asked and _has_all(asked, words)]
    if len(found) == 1:
        return found[0]
    if found:
        raise WrongUsage(f"{typed!r} fits {len(found)} {what[1]}; write the one you mean:\n" + _listed(found))
    closest = _closest(code, asked, named)
    hint = "The closest are:\n" + _listed(closest) if closest else f"Write {how}."
    raise WrongUsage(f"{typed!r} isn't {what[0]}. {hint}")


def _follows(asked: Sequence[str], words: Sequence[str]) -> bool:
    """Whether the words begin like those asked for, side by side and in their order."""
    spans = range(len(words) - len(asked) + 1)
    return any(all(words[at + i].startswith(word) for i, word in enumerate(asked)) for at in spans)


def _has_all(asked: Sequence[str], words: Sequence[str]) -> bool:
    return all(any(word.startswith(one) for word in words) for one in asked)


def _listed(found: Sequence[Known]) -> str:
    lines = [f"  {one}" for one in found[:_LISTED]]
    if len(found) > _LISTED:
        lines.append(f"  ... and {len(found) - _LISTED} more")
    return "\n".join(lines)


def _closest(code: str, asked: Sequence[str], named: Mapping[Known, Sequence[str]]) -> list[Known]:
    """Codes that differ in one character, else names with words like those typed."""
    near_codes = [
        one
        for one in named
        if len(one.code) == len(code) and sum(a != b for a, b in zip(one.code, code, strict=True)) == 1
    ]
    if near_codes:
        return near_codes
    from difflib import SequenceMatcher

    def likeness(words: Sequence[str]) -> float:
        best = (
            max((SequenceMatcher(None, one, word).ratio() for word in words), default=0.0) for one in asked
        )
        return sum(best) / len(asked)

    rated = {one: likeness(words) for one, words in named.items()} if asked else {}
    good = sorted((one for one, rate in rated.items() if rate > _CLOSE), key=lambda one: -rated[one])
    top = [one for one in good if rated[one] >= rated[good[0]] - 0.1]
    return top[:_LISTED]
