"""What a file's name says of its issue: a re-issue, an upload under a name in use, a final."""

from __future__ import annotations

import re
from pathlib import PurePath

# A browser's " (1)" says nothing; the publisher's own "-1" or "-1-1" is an upload under a name in use.
_BROWSER_COPY = re.compile(r"\s*\([0-9]+\)$")
_PERSONS_COPY = re.compile(r"^copy of\s+|\s+-\s+copy$|\s+copy(?:\s+[0-9]+)?$", re.IGNORECASE)
_REISSUE = re.compile(
    r"(?:^|[-_. ])(?:v(?P<version>[0-9]{1,2})|revised(?:[-_. ]?(?P<revision>[0-9]{1,2}))?)(?:[-_. ].*)?$",
    re.IGNORECASE,
)
_REISSUE_IN_WORDS = re.compile(
    r"(?<![a-z0-9])(?:v(?P<version>[0-9]{1,2})|revised(?:[-_. ]?(?P<revision>[0-9]{1,2})(?![0-9]))?)(?![a-z0-9])",
    re.IGNORECASE,
)
_FINAL_IN_WORDS = re.compile(r"(?<![a-z])final(?![a-z])", re.IGNORECASE)
_UPLOADS = re.compile(r"(?:-[1-9])+$")
_FINAL = re.compile(r"(?:^|[-_. ])final(?:[-_. ]|$)", re.IGNORECASE)


def reissue_number(said: str, *, name: bool = True) -> int:
    """0 for a first issue, 2 for `-v2`, `-revised` or `revised-1`, 3 for `-v3` or `-revised-2`.

    `said` is a file's name, or the words of a link.
    """
    match = _REISSUE.search(_stem(said)) if name else _REISSUE_IN_WORDS.search(said)
    if match is None:
        return 0
    if match["version"] is not None:
        # "v1" is what later became the first issue.
        return int(match["version"]) if int(match["version"]) > 1 else 0
    return max(int(match["revision"] or 1), 1) + 1


def uploads(file_name: str) -> int:
    """How often a first issue was uploaded anew under a name in use: 2 for `-1-1`."""
    match = _UPLOADS.search(_stem(file_name)) if reissue_number(file_name) == 0 else None
    return match[0].count("-") if match else 0


def upload_in_family(file_name: str) -> tuple[str, tuple[int, ...]]:
    """A name without what a site hangs on one in use, and that: `june-1-1.csv` is the upload (1, 1) of `june`.

    Uploads of one name are in the order of their numbers. Other letters at a name's end say nothing.
    """
    stem = _stem(file_name).casefold()
    match = _UPLOADS.search(stem)
    if match is None:
        return stem, ()
    return stem[: match.start()], tuple(map(int, match[0].split("-")[1:]))


def is_final(said: str, *, name: bool = True) -> bool:
    """Whether the publisher calls the file final; `said` is its name, or the words of a link."""
    return (
        _FINAL.search(PurePath(said).stem) is not None if name else _FINAL_IN_WORDS.search(said) is not None
    )


def without_copy_mark(file_name: str) -> str:
    """The name without what a browser or a desktop adds to a second copy: " (1)", "Copy of ", " - Copy"."""
    path = PurePath(file_name)
    stem = _PERSONS_COPY.sub("", _BROWSER_COPY.sub("", path.stem)).strip()
    return f"{stem}{path.suffix}" if stem else file_name


def _stem(file_name: str) -> str:
    return _BROWSER_COPY.sub("", PurePath(file_name).stem)
