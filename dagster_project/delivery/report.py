"""What a delivery says of what it did, whatever the kind of its target."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Tell = Callable[[str], None]


@dataclass(frozen=True)
class QuarterReport:
    """What became of a quarter: `delivered`, `kept` or `withdrawn`.

    `release_id` is the release that is there now (the one that was taken away, of `withdrawn`), `replaces` the one that
    was there before. `rows` and `tables` count what was read back and found equal to the release, table by table, by
    number of rows and hash; `sha256` is that of the release's `release.json`.
    """

    quarter: str
    outcome: str
    release_id: str
    replaces: str | None
    rows: int
    tables: int
    sha256: str | None


@dataclass(frozen=True)
class Report:
    """What a delivery did. `target` holds no credentials; `changes` says, in sentences, what changed of the target's
    tables beyond their rows, such as an added column.
    """

    target: str
    is_sample: bool
    notice: str
    quarters: tuple[QuarterReport, ...]
    changes: tuple[str, ...] = ()
    dry_run: bool = False

    def of(self, outcome: str) -> tuple[QuarterReport, ...]:
        """The quarters with this outcome."""
        return tuple(one for one in self.quarters if one.outcome == outcome)

    @property
    def rows_verified(self) -> int:
        """Rows read back and found as released."""
        return 0 if self.dry_run else sum(one.rows for one in self.quarters)

    @property
    def hashes_verified(self) -> int:
        """Tables of quarters whose content, read back, has the hash of the released one."""
        return 0 if self.dry_run else sum(one.tables for one in self.quarters)

    def as_answer(self) -> dict[str, Any]:
        """Plain values, as `--json` prints them."""
        return {
            "target": self.target,
            "is_sample": self.is_sample,
            "notice": self.notice,
            "dry_run": self.dry_run,
            **{
                outcome: [_plain(one) for one in self.of(outcome)]
                for outcome in ("delivered", "kept", "withdrawn")
            },
            "rows_verified": self.rows_verified,
            "hashes_verified": self.hashes_verified,
            "changes": list(self.changes),
            "exit_code": 0,
        }


def _plain(one: QuarterReport) -> dict[str, Any]:
    return {name: value for name, value in vars(one).items() if name != "outcome"}
