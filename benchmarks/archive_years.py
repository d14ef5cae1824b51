"""Time of reading one quarter from an archive of several years: `python benchmarks/archive_years.py [YEARS]`.

Each month has an RTT file (15 MB, fictional). Reads the last quarter with and without
the record of what each file covers, which is what a first run after a change of the readers must do without.
Prints the files and processor seconds of each, imports left out.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from rtt_reader import generate

from dagster_project.archive.archive import Archive
from dagster_project.extracts.load import load_archived, load_folder

_MEGABYTES = 15
_FIRST_YEAR = 2025
_MONTHS = ("April", "May", "June", "July", "August", "September",
           "October", "November", "December", "January", "February", "March")  # fmt: skip


def main() -> None:
    """Fills an archive in a temporary folder, then reads its last quarter both ways."""
    years = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "in"
        folder.mkdir()
        generate(folder / "rtt.csv", _MEGABYTES)
        june = (folder / "rtt.csv").read_bytes()
        (folder / "rtt.csv").unlink()
        for year in range(_FIRST_YEAR, _FIRST_YEAR + years):
            for number, month in enumerate(_MONTHS):
                period = f"RTT-{month}-{year if number < 9 else year + 1}".encode()
                (folder / f"rtt-{year}-{number:02d}.csv").write_bytes(june.replace(b"RTT-June-2025", period))
        archive = Archive(Path(temporary) / "archive")
        load_folder(folder, archive)
        last = f"{year}-{(year + 1) % 100:02d}-Q4"
        _timed("known", archive, last)
        archive.coverage.unlink()
        _timed("not known", archive, last)


def _timed(name: str, archive: Archive, quarter: str) -> None:
    started = time.process_time()
    loaded = load_archived(archive, [quarter])
    seconds = time.process_time() - started
    print(f"coverage {name:10} {len(loaded.extract):3} files, {seconds:7.2f} s of processor time")


if __name__ == "__main__":
    main()
