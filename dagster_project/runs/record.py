"""What a run leaves in `runs/<run id>/`: its outcome as JSON, the quality page, rows set aside, revisions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from dagster_project.errors import ExitCode, LeagueError
from dagster_project.settings import DataFolder
from dagster_project.shown import json_text

OUTCOME_FILE = "outcome.json"
QUALITY_PAGE = "quality.html"


class RunRecord:
    """The folder of one run; `outcome.json` is rewritten as the run goes on, so that a failure keeps it."""

    def __init__(self, data: DataFolder, run_id: str) -> None:
        self.run_id = run_id
        self.folder = data.runs / run_id
        self.content: dict[str, Any] = {"run_id": run_id, "exit_code": None}

    def note(self, **facts: Any) -> None:
        """Adds facts to the outcome and writes it."""
        self.content.update(facts)
        self.folder.mkdir(parents=True, exist_ok=True)
        text = json_text(self.content, indent=2, sort_keys=True)
        (self.folder / OUTCOME_FILE).write_text(text + "\n", encoding="utf-8")

    def failed(self, error: BaseException) -> None:
        """Keeps why the run ended; the first reason stays."""
        if self.content["exit_code"] is None:
            code = error.exit_code if isinstance(error, LeagueError) else ExitCode.OUR_FAULT
            message = str(error) if isinstance(error, LeagueError) else f"{type(error).__name__}: {error}"
            self.note(exit_code=int(code), message=message)

    def keep(self, name: str, content: bytes) -> Path:
        """Writes a file of the run."""
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / name
        path.write_bytes(content)
        return path


def read_outcome(data: DataFolder, run_id: str) -> dict[str, Any]:
    """The outcome of a run; empty if it left none."""
    path = data.runs / run_id / OUTCOME_FILE
    if not path.is_file():
        return {}
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content
