"""The sample's fictional organisations: codes, names, subtypes, regions, and what changes about them."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import count

from dagster_project.quarters import Quarter

REGIONS = (
    "East of England",
    "London",
    "Midlands",
    "North East and Yorkshire",
    "North West",
    "South East",
    "South West",
)
FICTIONAL = " (fictional)"
MERGER_QUARTER = Quarter(2026, 1)
SUBTYPE_CHANGE_QUARTER = Quarter(2025, 3)

# subtype, trusts of it, and how its names end
_ACUTE = (
    ("Acute - Teaching", 49, "University Hospitals"),
    ("Acute - Large", 23, "Hospitals"),
    ("Acute - Medium", 20, "General Hospitals"),
    ("Acute - Small", 19, "District Hospital"),
    ("Acute - Specialist", 16, "Specialist Hospital"),
    ("Acute - Multi-Service", 7, "Integrated Care"),
)
_NON_ACUTE = (
    ("Mental Health and Learning Disability", 44, "Partnership"),
    ("Community", 14, "Community Health"),
    ("Care Trust", 3, "Health and Care"),
)
_AMBULANCES = 10
_ICBS = 36
_ONSETS = (
    "Quar", "Til", "Mar", "Brae", "Wyn", "Ost", "Hol", "Pel", "Dra", "Fen", "Cor", "Lus", "Vel", "Gar",
    "Nor", "Sel", "Thor", "Ash", "Bel", "Cran", "Dun", "Ever", "Fal", "Gris", "Hask", "Ing", "Jor",
    "Kel", "Lim", "Mor", "Nev", "Orl", "Pran", "Rud", "Skel", "Tarn", "Ulv", "Var", "Wex", "Yar",
)  # fmt: skip
_ENDINGS = (
    "ravell", "omere", "inthwy", "ackland", "uskeld", "ellowby", "andreth", "iscombe", "orrick",
    "umberley", "avissey", "ottlewyn", "erradale", "ilverdon", "unstowe", "entigal", "ossender",
    "ablinge", "iddermoor", "ullabeck",
)  # fmt: skip
_LANDSCAPES = ("", "", "", " Vale", " Coast", " Fells", " Weald", " Sound")
_PREFIXES = ("Old", "Upper", "Nether", "Great", "Little", "High", "Far", "New")
_THREE = "0123456789ABCDEFGHJKLMNPRSTUVWXYZ"


@dataclass(frozen=True)
class Organisation:
    """One fictional organisation and the roles it plays in the sample.

    `subtype_later` replaces `subtype` from SUBTYPE_CHANGE_QUARTER; `merges_into` is the code of the
    successor from MERGER_QUARTER; `place_in_subtype` counts the organisations of its subtype from 0.
    """

    code: str
    name: str
    table: str
    subtype: str
    region: str
    place_in_subtype: int
    subtype_later: str | None = None
    merges_into: str | None = None

    @property
    def town(self) -> str:
        """The invented place that the name begins with."""
        name = self.name.removeprefix("NHS ")
        for ending in sorted((ending for *_, ending in (*_ACUTE, *_NON_ACUTE)), key=len, reverse=True):
            name = name.split(f" {ending} ")[0]
        first = name.split(" Ambulance Service ")[0].split(" Integrated Care Board")[0]
        return first.split(",")[0].split(" and ")[0]

    def subtype_in(self, quarter: Quarter) -> str:
        later = self.subtype_later if quarter >= SUBTYPE_CHANGE_QUARTER else None
        return later or self.subtype

    def exists_in(self, quarter: Quarter) -> bool:
        return self.merges_into is None or quarter < MERGER_QUARTER


def sample_organisations(scale: int) -> list[Organisation]:
    """`scale` times 134 acute, 61 non-acute and 10 ambulance trusts and 36 ICBs.

    A larger sample begins with the organisations of a smaller one: codes and names don't depend on `scale`.
    """
    codes, successor_codes, icb_codes = _trust_codes(), _successor_codes(), _icb_codes()
    places = _places()
    organisations: list[Organisation] = []
    for copy in range(scale):
        chance = random.Random(f"organisations/{copy}")
        for subtype, trusts_of_it, ending in _ACUTE:
            for place in range(trusts_of_it):
                kind = "NHS Trust" if chance.getrandbits(2) == 0 else "NHS Foundation Trust"
                changes = subtype == "Acute - Small" and place == 0
                organisations.append(
                    Organisation(
                        next(codes),
                        f"{_name(places, chance)} {ending} {kind}{FICTIONAL}",
                        "acute",
                        subtype,
                        _region(chance),
                        place,
                        subtype_later="Acute - Medium" if changes else None,
                    )
                )
        organisations.extend(_non_acute(codes, next(successor_codes), places, chance))
        for place in range(_AMBULANCES):
            name = f"{next(places)} Ambulance Service NHS Trust{FICTIONAL}"
            region = REGIONS[place % len(REGIONS)]
            organisations.append(Organisation(next(codes), name, "ambulance", "Ambulance", region, place))
        for place in range(_ICBS):
            name = f"NHS {_name(places, chance, joined=True)} Integrated Care Board{FICTIONAL}"
            region = REGIONS[place % len(REGIONS)]
            organisations.append(Organisation(next(icb_codes), name, "icb", "", region, place))
    return organisations


def _non_acute(
    codes: Iterator[str], successor: str, places: Iterator[str], chance: random.Random
) -> list[Organisation]:
    """One copy's non-acute trusts: the first has the code `successor`, the second merges into it."""
    trusts: list[Organisation] = []
    for subtype, trusts_of_it, ending in _NON_ACUTE:
        for place in range(trusts_of_it):
            kind = "NHS Trust" if chance.getrandbits(1) == 0 else "NHS Foundation Trust"
            first_of_all = not trusts
            trusts.append(
                Organisation(
                    successor if first_of_all else next(codes),
                    f"{_name(places, chance)} {ending} {kind}{FICTIONAL}",
                    "non_acute",
                    subtype,
                    _region(chance),
                    place,
                    merges_into=successor if len(trusts) == 1 else None,
                )
            )
    return trusts


def _trust_codes() -> Iterator[str]:
    """Unused codes in a fixed, mixed order: three characters while they last, then five."""
    three = [f"Z{second}{third}" for second in _THREE for third in _THREE]
    random.Random("trust codes").shuffle(three)
    yield from three
    # a letter in second place, so that no code looks like a real five-character one (A1B2C)
    letters = [each for each in _THREE if each.isalpha()]
    yield from (f"Z{second}{third}{fourth}Z" for second in letters for third in _THREE for fourth in _THREE)


def _successor_codes() -> Iterator[str]:
    """Five characters each, for the trusts that others merge into."""
    yield from (f"ZV{third}{fourth}X" for fourth in _THREE for third in reversed(_THREE))


def _icb_codes() -> Iterator[str]:
    yield from (f"ZQ{third}" for third in _THREE)
    yield from (f"ZQ{third}{fourth}{fifth}" for fifth in _THREE for fourth in _THREE for third in _THREE)


def _places() -> Iterator[str]:
    """Invented place names, each once, in a fixed order."""
    for number in count():
        prefix = f"{_PREFIXES[number % len(_PREFIXES)]} " if number else ""
        ordinal = f" {number}" if number >= len(_PREFIXES) else ""
        yield from (f"{prefix}{place}{ordinal}" for place in _mixed_places())


@cache
def _mixed_places() -> tuple[str, ...]:
    places = [onset + ending for onset in _ONSETS for ending in _ENDINGS]
    random.Random("places").shuffle(places)
    return tuple(place + _LANDSCAPES[number % len(_LANDSCAPES)] for number, place in enumerate(places))


def _name(places: Iterator[str], chance: random.Random, *, joined: bool = False) -> str:
    """One place, two joined, or three with a comma between the first two."""
    draw = chance.getrandbits(4)
    if draw == 0 or (joined and draw < 5):
        return f"{next(places)}, {next(places)} and {next(places)}"
    if draw == 1 or joined:
        return f"{next(places)} and {next(places)}"
    return next(places)


def _region(chance: random.Random) -> str:
    return REGIONS[chance.getrandbits(24) % len(REGIONS)]
