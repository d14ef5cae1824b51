"""Find your trust: by name, former name, code, town and postcode, as people type them.

The search runs in the reader's browser over an index made here, so nothing typed leaves the machine. What a word is,
here and in `web/find.js`, is the same: small letters and digits without accents and apostrophes.
"""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from lunr.builder import Builder

from dagster_project.publication import addresses, words
from dagster_project.publication.contents import Contents
from dagster_project.publication.rendering import Produced, page
from dagster_project.shown import in_one_line

Row = Mapping[str, Any]
# What a match in each field counts for: whoever types a code or a present name means it.
_BOOSTS = {"code": 6, "name": 4, "former": 2, "place": 3, "joined": 1}
_APOSTROPHES = re.compile("['\u2018\u2019\u02bc`\u00b4]")
_NO_WORD = re.compile(r"[^a-z0-9]+")
# Written in two ways.
_SAME = {"saint": "st", "saints": "sts"}
_POSTCODE = re.compile(r"([A-Z]{1,2})([0-9][A-Z0-9]?) ?([0-9][A-Z]{2})")


@dataclass(frozen=True)
class Found:
    """An organisation as the search and the list know it; texts are visible signs in one line.

    `former` are its earlier names, `took_over` the names of those that became part of it, `became` what it is part of
    now. Town and postcode are empty where no file names them.
    """

    code: str
    name: str
    table: str
    town: str
    postcode: str
    former: tuple[str, ...]
    took_over: tuple[str, ...]
    became: str

    @property
    def in_list(self) -> tuple[str, str, str]:
        """Where people look for it in a list: without its article."""
        name = self.name.casefold().removeprefix("the ")
        return _letter(name), name, self.code


def of_all(contents: Contents) -> Iterator[Produced]:
    """The search page with its index."""
    known = organisations(contents)
    index = _script(known, contents.notice)
    index_path = addresses.search_index(hashlib.sha256(index).hexdigest()[:10])
    yield Produced(index_path, index)
    by_letter: dict[str, list[Found]] = defaultdict(list)
    for one in sorted(known, key=lambda one: one.in_list):
        by_letter[one.in_list[0]].append(one)
    yield page(
        "find.html.j2",
        addresses.FIND,
        contents,
        by_letter=by_letter,
        index=index_path,
        has_postcodes=any(one.postcode for one in known),
        has_boards=any(one.table == words.table_name("icb") for one in known),
        has_towns=any(one.town for one in known),
        example=next((one for one in known if one.town and one.postcode), None),
    )


def organisations(contents: Contents) -> list[Found]:
    """Everybody that a quarter of the publication knows, by code, as the newest of these quarters says."""
    rows: dict[str, list[Row]] = defaultdict(list)
    absorbed: dict[str, dict[str, str]] = defaultdict(dict)
    for content in contents.quarters:
        for row in content.rows("organisation"):
            rows[row["organisation_code"]].append(row)
            if row.get("successor_code"):
                name = in_one_line(row["organisation_name"])
                absorbed[row["successor_code"]][row["organisation_code"]] = name
    return [_found(code, rows, absorbed.get(code, {})) for code in sorted(rows)]


def _found(code: str, rows: Mapping[str, Sequence[Row]], absorbed: Mapping[str, str]) -> Found:
    mine = rows[code]
    newest = mine[-1]
    name = in_one_line(newest["organisation_name"])
    earlier = {in_one_line(row["organisation_name"]): None for row in mine}
    successor = newest.get("successor_code") or ""
    became = in_one_line(rows[successor][-1]["organisation_name"]) if successor in rows else successor
    return Found(
        code=code,
        name=name,
        table=words.table_name(newest["table_name"]),
        town=_last(mine, "town").title().replace("'S", "'s"),
        postcode=_last(mine, "postcode").upper(),
        former=tuple(one for one in earlier if plain_words(one) != plain_words(name)),
        took_over=tuple(absorbed[one] for one in sorted(absorbed)),
        became=became,
    )


def _last(rows: Sequence[Row], column: str) -> str:
    """What the newest quarter says that says anything."""
    return next((in_one_line(row[column]) for row in reversed(rows) if row.get(column)), "")


def _letter(name: str) -> str:
    first = (plain_words(name) or ["#"])[0][0]
    return first.upper() if first.isalpha() else "#"


def plain_words(text: str) -> list[str]:
    """The words of a text as they are searched: `King\u2019s Lynn & Saint-Denys` gives kings, lynn, and, st, denys."""
    letters = unicodedata.normalize("NFKD", text.lower().replace("&", " and "))
    letters = "".join(sign for sign in letters if not unicodedata.combining(sign))
    found = _NO_WORD.sub(" ", _APOSTROPHES.sub("", letters)).split()
    return [_SAME.get(word, word) for word in found]


def _script(known: Sequence[Found], notice: str) -> bytes:
    """A script that sets `leagueSearch`: the index of lunr and what to show of each organisation.

    A script, because a page on a disk may not fetch a file.
    """
    shown = {
        one.code: {
            "name": one.name,
            "link": addresses.link(addresses.FIND, addresses.organisation_in_all(one.code)),
            "table": one.table,
            "town": one.town,
            "postcode": one.postcode,
            "former": one.former,
            "tookOver": one.took_over,
            "became": one.became,
        }
        for one in known
    }
    content = {"notice": notice, "index": _index(known), "organisations": shown}
    return f"window.leagueSearch = {json.dumps(content, separators=(',', ':'))};\n".encode()


def _index(known: Sequence[Found]) -> dict[str, Any]:
    """The index without stemmer and stop words: they are made for prose, and change names."""
    builder = Builder()
    builder.ref("ref")
    for field, boost in _BOOSTS.items():
        builder.field(field, boost)
    for one in known:
        former = (*one.former, *one.took_over)
        texts = {
            "code": [one.code.lower()],
            "name": plain_words(one.name),
            "former": [word for text in former for word in plain_words(text)],
            "place": [*plain_words(one.town), *_postcode_words(one.postcode)],
            "joined": [word for text in (one.name, one.town, *former) for word in _joined(text)],
        }
        builder.add({"ref": one.code} | {field: " ".join(found) for field, found in texts.items()})
    return dict(builder.build().serialize())


def _joined(text: str) -> list[str]:
    """Neighbouring words as one, and all that hyphens join, for whoever leaves out the hyphens or the space."""
    pairs = [before + after for before, after in pairwise(plain_words(text))]
    joined = ["".join(plain_words(part)) for part in text.split() if part.count("-") > 1]
    return pairs + joined


def _postcode_words(postcode: str) -> list[str]:
    parts = _POSTCODE.fullmatch(postcode)
    if parts is None:
        return []
    district = f"{parts[1]}{parts[2]}".lower()
    return [district, f"{district}{parts[3]}".lower()]
