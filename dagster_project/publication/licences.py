"""Under which licence the files of a publication stand, in the words of those who read licences by machine."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Licence:
    """`name` is the SPDX identifier, `path` where the text is."""

    name: str
    title: str
    path: str


_OPEN_GOVERNMENT = Licence(
    "OGL-UK-3.0",
    "Open Government Licence v3.0",
    "https://www.nationalarchives.gov.uk/doc/open-government-licence/version/3/",
)
_MIT = Licence("MIT", "MIT", "https://spdx.org/licenses/MIT")


def licence_of(*, is_sample: bool) -> Licence:
    """The sample is ours; recomputed figures stay under the licence of what they are made of."""
    return _MIT if is_sample else _OPEN_GOVERNMENT
