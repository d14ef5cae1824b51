"""Time and peak memory of reading an RTT-shaped CSV: our reader against DuckDB's bare read_csv count.

    python benchmarks/rtt_reader.py [MEGABYTES]      (200 by default)

The CSV is generated in a temporary folder, in the real layout with fictional providers. Each way of reading
runs in a process of its own, and its peak is the process's, Python and its libraries included.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

_WEEKS = [f"Gt {week:02d} To {week + 1:02d} Weeks SUM 1" for week in range(104)] + ["Gt 104 Weeks SUM 1"]
_HEADER = [
    "Period",
    "Provider Parent Org Code",
    "Provider Parent Name",
    "Provider Org Code",
    "Provider Org Name",
    "Commissioner Parent Org Code",
    "Commissioner Parent Name",
    "Commissioner Org Code",
    "Commissioner Org Name",
    "RTT Part Type",
    "RTT Part Description",
    "Treatment Function Code",
    "Treatment Function Name",
    *_WEEKS,
    "Total",
    "Patients with unknown clock start date",
    "Total All",
]
_PARTS = ("Part_1A", "Part_1B", "Part_2", "Part_2A", "Part_3")
_FUNCTIONS = 23
READINGS = {
    "Python alone": "pass",
    "our reader's imports": "import dagster_project.extracts.readers.rtt_waiting_times",
    "duckdb count": "import duckdb; duckdb.sql(f\"select count(*) from read_csv('{path}')\").fetchall()",
    "duckdb count, all_varchar": (
        "import duckdb; duckdb.sql(f\"select count(*) from read_csv('{path}', all_varchar = true)\").fetchall()"
    ),
    "our reader": (
        "from dagster_project.extracts.readers.rtt_waiting_times import read_rtt_waiting_times as read; "
        "found = read(pathlib.Path(path), file_name='rtt.csv', extract_id='0' * 64); "
        "rows = len(found.statistic_row)"
    ),
}
_MEASURED = """
import json, pathlib, resource, sys, time
path, rows = sys.argv[1], 0
started = time.perf_counter()
{reading}
seconds = time.perf_counter() - started
print(json.dumps([seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, rows]))
"""


def generate(path: Path, megabytes: int) -> None:
    """Writes about that many MB: every provider by commissioner, part and treatment function."""
    rng = random.Random(18)
    # A pool of band columns, so that writing isn't what takes the time.
    bands = [
        ",".join(str(rng.randrange(400) if rng.random() < 0.3 else 0) for _ in _WEEKS) for _ in range(500)
    ]
    size, pair = 0, 0
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(",".join(_HEADER) + "\r\n")
        while size < megabytes * 1024**2:
            provider, commissioner = f"Z{pair // 40 % 8 + 1}{pair // 320 % 10}", f"{pair % 40:02d}Q"
            who = (
                f'RTT-June-2025,ZQ1,"NHS FICTIONAL BOARD, NORTH",{provider},FICTIONAL NHS TRUST {provider},'
                f'ZQ1,"NHS FICTIONAL BOARD, NORTH",{commissioner}{pair // 3200},SUB BOARD'
            )
            for part in _PARTS:
                lines = [
                    f"{who},{part},Pathways,C_{function if function < _FUNCTIONS else 999},Service,"
                    f"{rng.choice(bands)},,0,1000\r\n"
                    for function in range(_FUNCTIONS + 1)
                ]
                size += sum(map(len, lines))
                file.writelines(lines)
            pair += 1


def measured(reading: str, path: Path) -> tuple[float, float, int]:
    """Seconds, peak MB and rows of one way of reading, in a process of its own."""
    code = _MEASURED.format(reading=READINGS[reading])
    ran = subprocess.run(
        [sys.executable, "-c", code, str(path)],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[1],
    )
    seconds, peak, rows = json.loads(ran.stdout.splitlines()[-1])
    return seconds, peak, rows


def main() -> None:
    megabytes = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    with tempfile.TemporaryDirectory(prefix="league-benchmark-") as folder:
        path = Path(folder) / "rtt.csv"
        started = time.perf_counter()
        generate(path, megabytes)
        print(f"{path.stat().st_size / 1024**2:.0f} MB generated in {time.perf_counter() - started:.1f} s")
        for reading in READINGS:
            seconds, peak, rows = measured(reading, path)
            print(f"{reading:28} {seconds:6.2f} s  {peak:6.0f} MB peak  {rows or ''}")
        packed = Path(folder) / "rtt.zip"
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.write(path, "rtt.csv")
        seconds, peak, rows = measured("our reader", packed)
        print(f"{'our reader, from the ZIP':28} {seconds:6.2f} s  {peak:6.0f} MB peak  {rows}")


if __name__ == "__main__":
    main()
