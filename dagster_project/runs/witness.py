"""Who watches a quarterly run: told of its start, its stages and its end, never able to change how it ends."""

from __future__ import annotations

from typing import Protocol, TypeVar

Run = TypeVar("Run", contravariant=True)


class Witness(Protocol[Run]):
    """Each call is made in the run's process, in order; a stage that starts ends, with an error or without."""

    def run_started(self, run: Run) -> None: ...

    def stage_started(self, run: Run, stage: str, says: str) -> None: ...

    def stage_ended(self, run: Run, stage: str, error: BaseException | None) -> None: ...

    def run_ended(self, run: Run) -> None:
        """The candidate is still there; how the run ended is in its record."""


class NoWitness:
    """Sees nothing: for runs that leave no trace."""

    def run_started(self, run: object) -> None: ...

    def stage_started(self, run: object, stage: str, says: str) -> None: ...

    def stage_ended(self, run: object, stage: str, error: BaseException | None) -> None: ...

    def run_ended(self, run: object) -> None: ...
