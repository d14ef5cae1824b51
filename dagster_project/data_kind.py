"""Official or fictional: what a data folder holds, said in it once; the other kind is refused.

`data_folder.json` at its root says so from the first file or release on. A folder from before that file goes by
what it holds, which is then written down. `require_kind` is the one check: each way in calls it as soon as it
knows what it would bring in, and so do the archive and the publication, past which nothing gets into the folder.
"""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import Any

from dagster_project.durable import write_whole
from dagster_project.errors import InputRejected, WrongUsage
from dagster_project.json_text import parsed_json
from dagster_project.notices import SAMPLE_NOTICE
from dagster_project.settings import DataFolder

KIND_FILE = "data_folder.json"
_SHOWN = 2


class Kind(StrEnum):
    """What the organisations of a folder's figures are."""

    OFFICIAL = "official"
    FICTIONAL = "fictional"


_HOLDS = {
    Kind.OFFICIAL: "official data",
    Kind.FICTIONAL: "fictional sample data",
}
_SAYS = {
    Kind.OFFICIAL: "The publisher's figures, and releases made of them. Fictional figures have no place here.",
    Kind.FICTIONAL: f"{SAMPLE_NOTICE} Official figures have no place here.",
}


def kind_of(is_sample: bool) -> Kind:
    """The kind of figures that are, or aren't, the sample's."""
    return Kind.FICTIONAL if is_sample else Kind.OFFICIAL


def kind_held(data: DataFolder) -> Kind | None:
    """The kind of the folder; None where it holds nothing yet, or both kinds from before kinds were kept apart.

    Raises InputRejected where `data_folder.json` can't be read.
    """
    said = _said(data)
    if said is not None:
        return said
    held = _found(data)
    return next(iter(held)) if len(held) == 1 else None


def kind_in_words(data: DataFolder) -> str | None:
    """`official`, `fictional`, or `both` for a folder from before; None where it holds nothing."""
    said = _said(data)
    held = [said] if said is not None else list(_found(data))
    return None if not held else str(held[0]) if len(held) == 1 else "both"


def require_kind(data: DataFolder, is_sample: bool, *, write: bool) -> None:
    """Raises WrongUsage, saying what the folder holds and what to do, unless such figures may be in it.

    With `write` (under the writer lock) an empty folder is of this kind from now on.
    """
    wanted, said = kind_of(is_sample), _said(data)
    if said is None:
        held = _found(data)
        if len(held) > 1:
            raise WrongUsage(_both(data, held))
        said = next(iter(held), None)
        if write and said in (None, wanted):
            _write(data, wanted)
    if said is not None and said is not wanted:
        raise WrongUsage(_refusal(data, said, wanted))


def write_down_kind(data: DataFolder) -> None:
    """Writes down what a folder from before holds, if that is of one kind. The caller holds the writer lock."""
    if not (data.root / KIND_FILE).exists():
        held = _found(data)
        if len(held) == 1:
            _write(data, next(iter(held)))


def _said(data: DataFolder) -> Kind | None:
    path = data.root / KIND_FILE
    try:
        return Kind(parsed_json(path.read_bytes())["kind"])
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (ValueError, KeyError, TypeError, OSError) as error:
        raise InputRejected(
            file=str(path),
            expected='{"kind": "official"} or {"kind": "fictional"}',
            found=f"{error}",
            remedy="Write there what the folder holds, or remove the file: it is made anew from what is there.",
        ) from None


def _found(data: DataFolder) -> dict[Kind, list[str]]:
    """By kind, what is there: releases; where there are none, nowcasts and archived files.

    An archive can hold files of the other kind that no release used; they are never read.
    """
    found: dict[Kind, list[str]] = {}
    for is_sample, what in _releases(data) or [*_nowcasts(data), *_archived(data)]:
        found.setdefault(kind_of(is_sample), []).append(what)
    return found


def _releases(data: DataFolder) -> list[tuple[bool, str]]:
    from dagster_project.releases.publish import current_release

    current = [
        (item.is_sample, f"the current release {item.release_id} of {item.quarter}")
        for item in current_release(data)
    ]
    written = [
        (bool(content["is_sample"]), f"release {path.parent.name} of {path.parent.parent.name}")
        for path, content in _contents(data.releases, "*/*/release.json")
    ]
    return current + written


def _nowcasts(data: DataFolder) -> list[tuple[bool, str]]:
    return [
        (bool(content["is_sample"]), f"nowcast {path.parent.name}")
        for path, content in _contents(data.nowcasts, "*/*/nowcast.json")
    ]


def _archived(data: DataFolder) -> list[tuple[bool, str]]:
    from dagster_project.archive.archive import Archive

    sightings = Archive(data.archive).sightings()
    if not sightings:
        return []
    from dagster_project.catalogue.catalogue import reader_names

    # Of a file that no reader reads, nobody knows what is in it.
    readers = reader_names()
    return [
        (seen.is_sample, f"{seen.file_name} in the archive") for seen in sightings if seen.source in readers
    ]


def _contents(folder: Path, pattern: str) -> list[tuple[Path, dict[str, Any]]]:
    """The JSON files that say what they are made of; a damaged one is for those who read it."""
    contents = []
    for path in sorted(folder.glob(pattern)) if folder.is_dir() else ():
        if path.parent.is_symlink():
            continue
        try:
            content = parsed_json(path.read_bytes())
        except (OSError, ValueError):
            continue
        if isinstance(content, dict) and isinstance(content.get("is_sample"), bool):
            contents.append((path, content))
    return contents


def _write(data: DataFolder, kind: Kind) -> None:
    write_whole(data.root / KIND_FILE, json.dumps({"kind": str(kind), "says": _SAYS[kind]}, indent=2) + "\n")


def _refusal(data: DataFolder, said: Kind, wanted: Kind) -> str:
    how = (
        "without LEAGUE_DATA_DIR and --data, `league run QUARTER --sample` uses data-sample"
        if wanted is Kind.FICTIONAL
        else "without LEAGUE_DATA_DIR and --data, official figures go to data"
    )
    return (
        f"{data.root} holds {_HOLDS[said]}; found {_HOLDS[wanted]} to put there. A data folder is official or "
        f"fictional, never both; nothing was changed. Name another folder: `league --data DIR ...`; {how}."
    )


def _both(data: DataFolder, held: dict[Kind, list[str]]) -> str:
    listed = "; ".join(
        f"{kind}: {', '.join(what[:_SHOWN])}{' and more' if len(what) > _SHOWN else ''}"
        for kind, what in sorted(held.items())
    )
    return (
        f"{data.root} holds official and fictional data, from before they were kept apart ({listed}). It can be "
        "read, and nothing is added. Make the figures anew in another folder: `league --data DIR run QUARTER ...`; "
        f'or decide which kind this folder is to be: write {{"kind": "official"}} into {KIND_FILE} in it.'
    )
