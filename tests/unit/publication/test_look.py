"""The style sheet: small, nothing from elsewhere, and words that stand out from their ground in every scheme."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dagster_project.publication import frontend

LOOK = (Path(frontend.__file__).with_name("web") / "_look.scss").read_text(encoding="utf-8")
SCHEMES = ("light", "dark", "light, more contrast", "dark, more contrast")
# Text and the ground it stands on.
TEXTS = [
    *[("--text", ground) for ground in ("--page", "--surface", "--surface-strong", "--footer")],
    *[("--text-quiet", ground) for ground in ("--page", "--surface", "--surface-strong")],
    *[
        (name, ground)
        for name in ("--link", "--link-visited", "--link-hover")
        for ground in ("--page", "--surface")
    ],
    ("--link", "--footer"),
    ("--on-focus", "--focus"),
    ("--error", "--page"),
    ("--on-brand", "--brand"),
    ("--on-brand", "--brand-strong"),
    ("#ffffff", "--header"),
    ("--on-fictional", "--fictional"),
    ("--on-embargoed", "--embargoed"),
    *[(f"--on-segment-{number}", f"--segment-{number}") for number in range(1, 6)],
]
# Lines of controls, and signs in pictures.
LINES = [("--line-strong", "--page"), ("--line-strong", "--surface"), ("--mark", "--page")]


def colours(scheme: str) -> dict[str, str]:
    """The custom properties of a scheme: each block over those that hold before it."""
    blocks = re.findall(
        r"^(?:@media ([^{]+) \{\n  )?:root \{(.*?)\n(?:  )?\}", LOOK, re.DOTALL | re.MULTILINE
    )
    found: dict[str, str] = {}
    for query, body in blocks:
        is_dark, is_more = "color-scheme: dark" in query, "contrast: more" in query
        if (
            (not is_dark or "dark" in scheme)
            and (not is_more or "contrast" in scheme)
            and "print" not in query
        ):
            found |= dict(re.findall(r"(--[a-z0-9-]+): (#[0-9a-f]{6});", body))
    return found


def luminance(colour: str) -> float:
    """Relative luminance (WCAG 2.2)."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_contrast_is_measured_as_the_guidelines_do() -> None:
    assert contrast("#ffffff", "#000000") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_words_and_lines_stand_out_from_their_ground(scheme: str) -> None:
    known = colours(scheme)
    faint = {
        (name, ground): round(found, 2)
        for least, pairs in ((4.5, TEXTS), (3.0, LINES))
        for name, ground in pairs
        if (found := contrast(known.get(name, name), known[ground])) < least
    }
    assert faint == {}


def test_schemes_differ() -> None:
    assert len({tuple(sorted(colours(scheme).items())) for scheme in SCHEMES}) == len(SCHEMES)


def test_neighbouring_segments_differ_in_lightness_too() -> None:
    for scheme in ("light", "dark"):
        known = colours(scheme)
        for better, worse in ((1, 2), (3, 4)):
            assert contrast(known[f"--segment-{better}"], known[f"--segment-{worse}"]) > 3


def test_the_style_sheet_is_small_and_loads_nothing() -> None:
    made = frontend.assets()["site.css"]
    assert len(made) < 120_000
    assert [one for one in re.findall(rb"url\(\s*[\"']?(.{12})", made) if not one.startswith(b"data:")] == []
    assert b"@import" not in made
    assert b"@font-face" not in made
    assert b"Frutiger" not in made
