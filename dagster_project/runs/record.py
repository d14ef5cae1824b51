"""What a run leaves in `runs/<run id>/`: its outcome as JSON, the quality page, rows set aside, revisions."""

from __future__ import annotations

import json
import traceback
from pathlib import Path
from typing import Any

from dagster_project.durable import write_whole
from dagster_project.errors import CommitUnknown, ExitCode, LeagueError
from dagster_project.interruption import SENTENCE, is_interruption, was_asked
from dagster_project.json_text import parsed_json
from dagster_project.machine import machine_fault
from dagster_project.settings import DataFolder
from dagster_project.shown import json_text

OUTCOME_FILE = "outcome.json"
QUALITY_PAGE = "quality.html"
DETAILS = "failure.txt"


class RunRecord:
    """The folder of one run; `outcome.json` is rewritten as the run goes on, so that a failure keeps it."""

    def __init__(self, data: DataFolder, run_id: str) -> None:
        self.run_id = run_id
        self.folder = data.runs / run_id
        self.content: dict[str, Any] = {"run_id": run_id, "exit_code": None}

    @classmethod
    def again(cls, data: DataFolder, run_id: str) -> RunRecord:
        """The record of a run as it stands on the disk."""
        record = cls(data, run_id)
        record.content.update(read_outcome(data, run_id))
        return record

    def note(self, **facts: Any) -> None:
        """Adds facts to the outcome and writes it."""
        self.content.update(facts)
        text = json_text(self.content, indent=2, sort_keys=True)
        write_whole(self.folder / OUTCOME_FILE, text + "\n")

    def failed(self, error: BaseException) -> None:
        """Keeps why the run ended; the first reason stays."""
        if self.content["exit_code"] is not None:
            return
        expected = error if isinstance(error, LeagueError) else None
        expected = machine_fault(error) or expected
        if is_interruption(error) or was_asked():
            self.note(exit_code=int(ExitCode.INTERRUPTED), message=SENTENCE)
        elif expected is not None:
            if isinstance(expected, CommitUnknown):
                self.content["is_commit_known"] = False
            self.note(exit_code=int(expected.exit_code), message=str(expected))
        else:
            self.unexpected(f"{type(error).__name__}: {error}", "".join(traceback.format_exception(error)))

    def unexpected(self, what: str, details: str) -> None:
        """Keeps a fault of ours in a sentence, and what is needed to find it in a file beside the outcome."""
        path = self.keep(DETAILS, details.encode(errors="backslashreplace"))
        said = " ".join(what.split())
        self.note(
            exit_code=int(ExitCode.OUR_FAULT),
            message=f"{said} That is a fault of ours: please report it, with {path}.",
        )

    def keep(self, name: str, content: bytes) -> Path:
        """Writes a file of the run."""
        path = self.folder / name
        write_whole(path, content)
        return path


def mend_outcomes(data: DataFolder) -> list[str]:
    """Writes a damaged outcome anew as one that isn't known, and keeps its bytes beside it; the ids of such runs.

    Needs the writer's lock: whoever holds it is the only run alive.
    """
    mended = []
    for path in sorted(data.runs.glob(f"*/{OUTCOME_FILE}")):
        run_id = path.parent.name
        outcome = read_outcome(data, run_id)
        if outcome.pop("damaged", False):
            write_whole(path.with_name(f"{OUTCOME_FILE}.torn"), path.read_bytes())
            write_whole(path, json.dumps(outcome, indent=2, ensure_ascii=False, sort_keys=True) + "\n")
            mended.append(run_id)
    return mended


def read_outcome(data: DataFolder, run_id: str) -> dict[str, Any]:
    """The outcome of a run; empty if it left none. Of one that is damaged only that, as its message."""
    path = data.runs / run_id / OUTCOME_FILE
    try:
        content = parsed_json(path.read_bytes())
        if isinstance(content, dict):
            return content
        why = "it is no JSON object"
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        why = str(error)
    return {
        "run_id": run_id,
        "exit_code": None,
        "damaged": True,
        "message": f"{OUTCOME_FILE} is damaged, so that how this run ended isn't known ({path}: {why}). Releases "
        "don't depend on it: `league history` says what was published.",
    }
