"""Explains an organisation's figures in a released quarter: finds what is asked for, as people type it, and grows
its tree.

What is computed isn't here (recomputation), nor how it is worded and shown (story).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from dagster_project.archive.archive import Archive
from dagster_project.errors import InputMissing, WrongUsage
from dagster_project.explanation.recomputation.judged import Judged
from dagster_project.explanation.recomputation.measured import Organisation
from dagster_project.explanation.recomputation.recomputation import Recomputation
from dagster_project.explanation.recomputation.release_tables import find_release
from dagster_project.explanation.story.metric_branch import metric_step
from dagster_project.explanation.story.organisation_branch import organisation_step
from dagster_project.explanation.story.sources import Sources
from dagster_project.explanation.story.tree import Explanation, Step
from dagster_project.extracts.readers.text import folded
from dagster_project.quarters import Quarter
from dagster_project.releases.tombstone import read_tombstone
from dagster_project.settings import DataFolder

Tell = Callable[[str], None]
# Words that every other organisation's name has, or that people leave out.
_IDLE = frozenset({"nhs", "foundation", "trust", "ft", "the", "fictional", "of", "and", "for", "in", "to"})
_APOSTROPHES = re.compile(r"['\u2018\u2019\u02bc`]")
_WORD = re.compile(r"[^\W_]+")
_SCORE_ID = re.compile(r"OF1([0-9]{3})")
_LISTED = 12
_CLOSE = 0.6
_SAME_WORD = {"saint": "st", "saints": "st"}


def explain(
    data: DataFolder,
    organisation: str,
    quarter: Quarter,
    metric: str | None = None,
    *,
    release_id: str | None = None,
    tell: Tell = lambda _: None,
) -> Explanation:
    """The derivation of an organisation's rank, or of one metric's score, recomputed from the raw bytes.

    `organisation` and `metric` are as people type them. `tell` hears of what takes longer than a moment.
    Raises WrongUsage for a name that fits none or several, InputMissing for a quarter, release or metric
    that isn't there and for a raw file that is gone, InputRejected for one that is damaged.
    """
    release = find_release(data, quarter, release_id)
    known = {
        Known(row["organisation_code"], row["organisation_name"] or "", row["table_name"]): row
        for row in release.rows("organisation")
    }
    found = find_organisation(organisation, list(known), str(quarter))
    recomputation = Recomputation(release, Archive(data.archive), tell)
    judged = Judged(recomputation, only=found.code)
    asked = (found.where, found.code)
    return Explanation(
        organisation_code=found.code,
        organisation_name=found.name,
        table_name=found.where,
        quarter=str(quarter),
        release_id=release.release_id,
        is_current=release.is_current,
        is_sample=bool(release.release_file["is_sample"]),
        framework=recomputation.rules.framework,
        notice=release.release_file["notice"],
        root=_root(judged, asked, metric),
        withdrawn=read_tombstone(data, quarter, release.release_id),
    )


def _root(judged: Judged, organisation: Organisation, metric: str | None) -> Step:
    sources = Sources(judged.recomputation)
    if metric is not None:
        return metric_step(
            judged, sources, organisation, _metric_id(judged.recomputation, organisation, metric)
        )
    standing = judged.standings.standing(organisation)
    if standing is None:
        return Step(
            "League-table rank", "none", "OF5000.rank", judgements=tuple(judged.league_table(organisation))
        )
    return organisation_step(judged, sources, standing)


def _metric_id(recomputation: Recomputation, organisation: Organisation, typed: str) -> str:
    rules = recomputation.rules
    metrics = [Known(metric_id, rule["metric_name"]) for metric_id, rule in rules.metrics.items()]
    found = find_metric(typed, metrics, rules.framework)
    there = recomputation.metrics_of(organisation)
    if found.code not in there:
        listed = "\n".join(f"  {one}" for one in metrics if one.code in there)
        raise InputMissing(
            f"{organisation[1]} has neither value nor score of {found.code} ({found.name}) in "
            f"{rules.quarter}. It has:\n{listed}"
        )
    return found.code


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
