"""What changes a release's id, and what must not."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from dagster_project.errors import InputMissing, LeagueError
from dagster_project.quarters import Quarter
from dagster_project.releases.identity import (
    ReleaseIdentity,
    hash_code,
    hash_rules,
    identify,
    locked_versions,
)
from dagster_project.settings import PROJECT_ROOT

FILES = {
    "dagster_project/cli.py": "print('é')\n",
    "dagster_project/publication/page.html": "<p>\n</p>\n",
    "dbt/dbt_project.yml": "name: x\n",
    "dbt/models/target/a.sql": "select 1\n",
    "dbt/seeds/methodology/metric.csv": "metric_id\nOF0001\n",
    "expectations/metrics/suite.yml": "a: 1\n",
}


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    root = tmp_path / "here"
    for path, text in FILES.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(text.encode())
    return root


def _identify(root: Path) -> ReleaseIdentity:
    return identify(
        Quarter(2025, 1),
        framework="2025-26",
        is_sample=False,
        extracts={"b" * 64: "two.csv", "a" * 64: "one.csv"},
        previous_release_id=None,
        rules_dir=root / "dbt" / "seeds" / "methodology",
        project_root=root,
    )


def test_the_id_is_16_hex_digits_of_all_components(checkout: Path) -> None:
    identity = _identify(checkout)
    assert len(identity.release_id) == 16
    assert int(identity.release_id, 16) >= 0
    assert list(identity.code) == sorted(FILES)
    assert list(identity.rules) == ["metric.csv"]
    assert set(identity.versions) == {"duckdb", "dbt-core", "dbt-duckdb", "great-expectations"}
    assert json.loads(json.dumps(identity.components)) == identity.components


def test_folder_line_ends_age_and_leftovers_do_not_change_the_id(checkout: Path, tmp_path: Path) -> None:
    there = shutil.copytree(checkout, tmp_path / "somewhere" / "else")
    for path in FILES:
        content = (there / path).read_bytes()
        (there / path).write_bytes(content.replace(b"\n", b"\r\n"))
        os.utime(there / path, (1, 1))
    for path in (
        "dagster_project/__pycache__/cli.cpython-311.pyc",
        "dagster_project/.mypy_cache/x.json",
        "dbt/target/manifest.json",
        "dbt/logs/dbt.log",
        "dbt/dbt_packages/x/y.sql",
        "dbt/.user.yml",
        "dbt/.DS_Store",
        "dbt/models/a.sql~",
        "README.md",
        "data/warehouse/x.duckdb",
    ):
        (there / path).parent.mkdir(parents=True, exist_ok=True)
        (there / path).write_text("left behind")
    assert _identify(there) == _identify(checkout)
    assert _identify(there).release_id == _identify(checkout).release_id


def test_time_zone_locale_and_hash_seed_do_not_change_the_id(checkout: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from dagster_project.releases.identity import *; "
        "from dagster_project.quarters import Quarter; root = Path(sys.argv[1]); "
        "print(identify(Quarter(2025, 1), framework='2025-26', is_sample=False, "
        "extracts={'a' * 64: 'one.csv', 'b' * 64: 'two.csv'}, previous_release_id=None, "
        "rules_dir=root / 'dbt/seeds/methodology', project_root=root).release_id)"
    )
    there = {"TZ": "Pacific/Auckland", "LC_ALL": "C", "PYTHONHASHSEED": "7"}
    printed = subprocess.run(
        [sys.executable, "-c", script, str(checkout)],
        cwd=PROJECT_ROOT,
        env=there,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert printed.strip() == _identify(checkout).release_id


@pytest.mark.parametrize("path", sorted(FILES))
def test_a_change_in_any_source_file_changes_the_id(checkout: Path, path: str) -> None:
    before = _identify(checkout).release_id
    with (checkout / path).open("a") as file:
        file.write("# changed\n")
    assert _identify(checkout).release_id != before


def test_a_file_that_moves_changes_the_id(checkout: Path) -> None:
    before = _identify(checkout).release_id
    (checkout / "dbt/models/target/a.sql").rename(checkout / "dbt/models/target/b.sql")
    assert _identify(checkout).release_id != before


def test_every_component_changes_the_id(checkout: Path) -> None:
    identity = _identify(checkout)
    others = [
        replace(identity, quarter=Quarter(2025, 2)),
        replace(identity, framework="2026-27-illustrative"),
        replace(identity, is_sample=True),
        replace(identity, previous_release_id="0" * 16),
        replace(identity, extracts={"a" * 64: "one.csv"}),
        replace(identity, extracts={"a" * 64: "one.csv", "b" * 64: "renamed.csv"}),
        replace(identity, rules={"metric.csv": "0"}),
        replace(identity, code={**identity.code, "dbt/new.sql": "0"}),
        replace(identity, versions={**identity.versions, "duckdb": "1.6.0"}),
    ]
    assert len({other.release_id for other in (identity, *others)}) == len(others) + 1


def test_rules_given_by_the_user_are_the_checkouts_own_if_their_content_is(
    checkout: Path, tmp_path: Path
) -> None:
    own = checkout / "dbt" / "seeds" / "methodology"
    given = shutil.copytree(own, tmp_path / "my-rules")
    (own / "_methodology.yml").write_text("seeds: []\n")
    assert hash_rules(given) == hash_rules(own)
    (given / "metric.csv").write_text("metric_id\nOF0002\n")
    assert hash_rules(given) != hash_rules(own)


def test_an_empty_folder_of_rules_or_code_is_refused(checkout: Path, tmp_path: Path) -> None:
    with pytest.raises(InputMissing, match="expected the rules' CSV files"):
        hash_rules(tmp_path / "nothing")
    shutil.rmtree(checkout / "expectations")
    with pytest.raises(LeagueError, match="expectations: expected the project's code"):
        hash_code(checkout)


def test_the_versions_are_those_installed() -> None:
    import duckdb

    assert locked_versions()["duckdb"] == duckdb.__version__
