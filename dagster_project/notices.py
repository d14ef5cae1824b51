"""What every answer says of its figures: whose they are, and how they are to be read. Nothing else belongs here."""

from __future__ import annotations

LICENCE = "Contains public sector information licensed under the Open Government Licence v3.0."
OFFICIAL_NOTICE = f"Unofficial recomputation. {LICENCE}"
SAMPLE_NOTICE = "Fictional sample data: every organisation is invented."
NOT_A_VERDICT = "Lower scores are better. A rank is not a verdict."


def notice_of(*, is_sample: bool) -> str:
    """The sentence that goes with figures of that kind."""
    return SAMPLE_NOTICE if is_sample else OFFICIAL_NOTICE
