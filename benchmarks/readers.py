"""Times each reader on files as downloaded: `python benchmarks/readers.py DIR`.

Prints, per file, the source that its content tells, its size, the processor seconds of the fastest of three
readings, and megabytes per second. DIR is searched at any depth; files that no reader takes are left out.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from dagster_project.extracts.load import load_folder
from dagster_project.extracts.source import source_record


def main() -> None:
    """Reads every file of the folder three times, each with its own reader."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    loaded = load_folder(folder, None)
    sources = dict(zip(loaded.extract["file_name"], loaded.extract["source"], strict=True))
    for path in sorted(folder.rglob("*")):
        source = sources.get(path.name)
        if source is None or not path.is_file():
            continue
        raw = path.read_bytes()
        seconds = min(_timed(source, raw, path.name) for _ in range(3))
        size = len(raw) / 1e6
        print(f"{source:24} {path.name:70} {size:7.2f} MB {seconds:7.3f} s {size / seconds:8.1f} MB/s")


def _timed(source: str, raw: bytes, name: str) -> float:
    started = time.process_time()
    source_record(source).read(raw, file_name=name, extract_id="0" * 64)
    return time.process_time() - started


if __name__ == "__main__":
    main()
