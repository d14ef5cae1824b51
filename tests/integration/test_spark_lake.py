"""The lake on Spark with hand-made tables: the commit, its readers, repeats, withdrawals; extract rows from Parquet."""

from __future__ import annotations

import re
import shutil
import signal
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from league_command import league, start_league
from shared_folders import SAMPLE_QUARTERS
from spark_command import require_java

from dagster_project.errors import CommitUnknown, InputMissing, InputRejected, LeagueError, WrongUsage
from dagster_project.quarters import Quarter
from dagster_project.releases.publish import CurrentRelease
from dagster_project.releases.tables import RELEASED_TABLES
from dagster_project.settings import DataFolder
from dagster_project.spark.lake import Lake
from dagster_project.spark.landing import rows_at
from dagster_project.spark.session import spark_folder, spark_session

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

Q1, Q2 = Quarter(2025, 1), Quarter(2025, 2)
FIRST, SECOND = "a" * 16, "b" * 16


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    """A session with a catalogue of its own."""
    require_java()
    with spark_session(DataFolder(tmp_path_factory.mktemp("spark"))) as opened:
        yield opened


@pytest.fixture
def lake(session: SparkSession, request: pytest.FixtureRequest) -> Lake:
    """A lake of two tables in a database of this test's."""
    return Lake(session, f"lake_of_{abs(hash(request.node.name)) % 10**6}", tables=_two_tables())


def _two_tables() -> Any:
    return tuple(table for table in RELEASED_TABLES if table.name in ("organisation", "movement_total"))


def built(
    session: SparkSession, release_id: str, *quarters: Quarter, name: str = "Alder"
) -> dict[str, DataFrame]:
    """What a candidate has of quarters: an organisation, and what moved since the release before and since another."""
    organisations = [
        {
            "quarter": str(quarter),
            "release_id": release_id,
            "organisation_code": "RA1",
            "organisation_name": name,
        }
        for quarter in quarters
    ]
    moved = [
        {
            "quarter": str(quarter),
            "release_id": release_id,
            "organisation_code": "RA1",
            "release_id_before": before,
        }
        for quarter in quarters
        for before in ("", "c" * 16)
    ]
    frames = {"organisation": organisations, "movement_total": moved}
    return {name: session.createDataFrame(pa.Table.from_pylist(rows)) for name, rows in frames.items()}


def release_of(quarter: Quarter, release_id: str, *, is_sample: bool = True) -> CurrentRelease:
    return CurrentRelease(quarter, release_id, "2025-26", is_sample, "final", 1, ("acute",))


def put(lake: Lake, session: SparkSession, release_id: str, *quarters: Quarter, name: str = "Alder") -> None:
    lake.write(
        dict.fromkeys(quarters, (release_id, None)),
        built(session, release_id, *quarters, name=name),
        threads=2,
    )
    lake.publish([release_of(quarter, release_id) for quarter in quarters])


def readers_see(lake: Lake, session: SparkSession) -> set[tuple[str, str]]:
    rows = session.table(f"{lake.database}.organisation").select("quarter", "release_id").collect()
    return {(row[0], row[1]) for row in rows}


def test_written_rows_are_seen_once_they_are_current_and_those_replaced_no_more(
    session: SparkSession, lake: Lake
) -> None:
    lake.write({Q1: (FIRST, None)}, built(session, FIRST, Q1), threads=2)
    assert readers_see(lake, session) == set()
    lake.publish([release_of(Q1, FIRST)])
    assert readers_see(lake, session) == {(str(Q1), FIRST)}
    moved = session.table(f"{lake.database}.movement_total").toArrow()["release_id_before"].to_pylist()
    assert moved == [""]

    put(lake, session, SECOND, Q1, Q2)
    assert readers_see(lake, session) == {(str(Q1), SECOND), (str(Q2), SECOND)}
    events = session.table(f"{lake.database}.release_event").orderBy("event_number").collect()
    assert [(row["quarter"], row["release_id"], row["how"]) for row in events] == [
        (str(Q1), FIRST, "run"),
        (str(Q1), SECOND, "run"),
        (str(Q2), SECOND, "run"),
    ]
    assert session.table(f"{lake.rows}.organisation").count() == 3


def test_a_reader_during_commits_sees_one_release_in_all_quarters_and_tables(
    session: SparkSession, lake: Lake
) -> None:
    put(lake, session, FIRST, Q1, Q2)
    lake.write(
        {Q1: (SECOND, None), Q2: (SECOND, None)}, built(session, SECOND, Q1, Q2, name="Birch"), threads=2
    )
    asked = (
        f"select release_id, quarter from {lake.database}.organisation "
        f"union all select release_id, quarter from {lake.database}.movement_total"
    )
    reader, seen, ended = session.newSession(), [], threading.Event()

    def read() -> None:
        while not ended.is_set():
            rows = reader.sql(asked).collect()
            seen.append((len(rows), {row[0] for row in rows}))

    thread = threading.Thread(target=read)
    thread.start()
    try:
        for _ in range(3):
            before = len(seen)
            lake.publish([release_of(quarter, SECOND) for quarter in (Q1, Q2)])
            lake.publish([release_of(quarter, FIRST) for quarter in (Q1, Q2)])
            while len(seen) == before and thread.is_alive():
                ended.wait(0.05)
    finally:
        ended.set()
        thread.join()
    assert len(seen) >= 3
    assert [read for read in seen if read not in ((4, {FIRST}), (4, {SECOND}))] == []


class LosesAnswers:
    """A session that does what it is told to commit and whose answer then gets lost, for good where it says so."""

    def __init__(self, session: SparkSession, *, for_good: bool) -> None:
        self._session, self._for_good, self._lost = session, for_good, False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._session, name)

    def sql(self, statement: str) -> Any:
        if self._lost and self._for_good:
            raise ConnectionError("nobody answers")
        answer = self._session.sql(statement)
        if statement.startswith("alter view"):
            self._lost = True
            raise ConnectionError("the answer got lost")
        return answer


def test_a_commit_whose_answer_gets_lost_is_asked_for_and_never_denied(
    session: SparkSession, lake: Lake
) -> None:
    lake.prepare()
    lossy: Any = LosesAnswers(session, for_good=False)
    current = Lake(lossy, lake.database, tables=_two_tables())
    assert current.publish([release_of(Q1, FIRST)]) == [release_of(Q1, FIRST)]
    lossy = LosesAnswers(session, for_good=True)
    lost = Lake(lossy, lake.database, tables=_two_tables())
    with pytest.raises(CommitUnknown, match="it isn't known whether that is so now"):
        lost.withdraw(FIRST, reason="A trial")
    assert lake.current() == []


def test_the_same_release_is_compared_and_never_rewritten(session: SparkSession, lake: Lake) -> None:
    put(lake, session, FIRST, Q1)
    files = session.table(f"{lake.rows}.organisation").inputFiles()
    put(lake, session, FIRST, Q1)
    assert session.table(f"{lake.rows}.organisation").inputFiles() == files
    assert len(lake.journal()) == 1

    with pytest.raises(
        LeagueError, match=f"organisation, release {FIRST}: expected what the same inputs gave"
    ):
        lake.write({Q1: (FIRST, None)}, built(session, FIRST, Q1, name="Beech"), threads=2)
    assert readers_see(lake, session) == {(str(Q1), FIRST)}


def test_a_withdrawn_release_is_gone_for_readers_with_or_without_an_earlier_one_in_its_place(
    session: SparkSession, lake: Lake
) -> None:
    put(lake, session, FIRST, Q1)
    put(lake, session, SECOND, Q1)
    with pytest.raises(WrongUsage, match="--reason"):
        lake.withdraw(SECOND, reason=" ")
    answer = lake.withdraw(SECOND, reason="A figure was revised", roll_back_to=FIRST, by="Somebody")
    assert (answer["was"], answer["current_release_id"], answer["by"]) == ("current", FIRST, "Somebody")
    assert readers_see(lake, session) == {(str(Q1), FIRST)}
    with pytest.raises(WrongUsage, match="was withdrawn"):
        lake.publish([release_of(Q1, SECOND)])
    with pytest.raises(WrongUsage, match="already"):
        lake.withdraw(SECOND, reason="Again")

    assert lake.withdraw(FIRST, reason="All of it was wrong")["current_release_id"] is None
    assert readers_see(lake, session) == set()
    assert session.table(f"{lake.rows}.organisation").count() == 2


def test_a_release_is_withdrawn_by_the_start_of_its_id_and_what_was_built_on_it_is_named(lake: Lake) -> None:
    lake.prepare()
    q3, third = Quarter(2025, 3), "ba" * 8
    releases = [release_of(Q1, FIRST), release_of(Q2, SECOND), release_of(q3, third)]
    lake.publish(releases, previous={Q1: None, Q2: FIRST, q3: SECOND})
    with pytest.raises(WrongUsage, match="'b' is the start of 2 releases"):
        lake.withdraw("b", reason="Why")
    answer = lake.withdraw("a", reason="A figure was revised")
    assert answer["release_id"] == FIRST
    assert answer["built_on_it"] == [
        {"quarter": str(Q2), "release_id": SECOND},
        {"quarter": str(q3), "release_id": third},
    ]


def test_official_and_fictional_releases_are_never_in_one_database(session: SparkSession, lake: Lake) -> None:
    put(lake, session, FIRST, Q1)
    with pytest.raises(WrongUsage, match="holds fictional releases"):
        lake.publish([release_of(Q2, SECOND, is_sample=False)])
    assert [release.release_id for release in lake.current()] == [FIRST]


def test_a_lake_whose_folder_was_moved_is_refused_before_anything_is_written(
    session: SparkSession, lake: Lake, tmp_path: Path
) -> None:
    lake.prepare()
    warehouse = Path(str(session.conf.get("spark.sql.warehouse.dir")).removeprefix("file:"))
    lake.refuse_moved(DataFolder(warehouse.parents[1]))
    with pytest.raises(WrongUsage, match="was moved or copied"):
        lake.refuse_moved(DataFolder(tmp_path))


@pytest.fixture(scope="module")
def landed(tmp_path_factory: pytest.TempPathFactory, small_extracts: Path) -> Path:
    """The rows of a small quarter, as `league land` writes them."""
    folder = tmp_path_factory.mktemp("landed") / "rows"
    ended = league(
        *(
            "land",
            SAMPLE_QUARTERS[0],
            "--extracts",
            small_extracts / SAMPLE_QUARTERS[0],
            "--to",
            folder,
            "--json",
        ),
        data=DataFolder(tmp_path_factory.mktemp("nothing")),
    )
    assert ended.code == 0, ended.err
    assert ended.answer["rows"]["extract_row.parquet"] > 0
    return folder


def test_rows_that_were_landed_are_taken_as_they_are(session: SparkSession, landed: Path) -> None:
    rows = rows_at(session, str(landed), [Q1])
    written = pq.read_table(landed / "extract_row.parquet")
    assert rows.tables["extract_row"].count() == written.num_rows
    assert rows.covered.is_sample
    assert rows.covered.for_quarters([Q1]).quarters() == [str(Q1)]
    with pytest.raises(InputMissing, match=f"No data file covers {Quarter(2030, 1)}"):
        rows_at(session, str(landed), [Quarter(2030, 1)])

    session.sql("create database if not exists landed_rows")
    for name in (*rows.tables, "row_hash"):
        session.read.parquet(str(landed / f"{name}.parquet")).write.saveAsTable(f"landed_rows.{name}")
    assert rows_at(session, "landed_rows", [Q1]).tables["extract_row"].count() == written.num_rows


@pytest.mark.parametrize(
    ("column", "change", "found"),
    [
        (
            "value",
            lambda table: table.drop_columns(["value"]),
            "expected decimal(18,6); found no such column",
        ),
        (
            "value",
            lambda table: table.set_column(
                table.schema.get_field_index("value"), "value", table["value"].cast(pa.float64())
            ),
            "expected decimal(18,6); found double",
        ),
        (
            "organisation_code",
            lambda table: table.set_column(
                table.schema.get_field_index("organisation_code"),
                "organisation_code",
                pa.array([None] * table.num_rows, pa.string()),
            ),
            "expected a value in every row; found",
        ),
    ],
    ids=["missing", "double", "empty"],
)
def test_extract_rows_with_another_column_are_refused(
    session: SparkSession, landed: Path, tmp_path: Path, column: str, change: Any, found: str
) -> None:
    shutil.copytree(landed, tmp_path / "rows")
    file = tmp_path / "rows" / "extract_row.parquet"
    pq.write_table(change(pq.read_table(file)), file)
    with pytest.raises(InputRejected) as refused:
        rows_at(session, str(tmp_path / "rows"), [Q1])
    assert f"extract_row.parquet, column {column}: {found}" in str(refused.value)


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda table: pa.concat_tables([table, table.slice(0, 1)]), r"found [\d,]+ rows\."),
        (
            lambda table: table.set_column(
                table.schema.get_field_index("value_text"),
                table.schema.field("value_text"),
                pa.array([table["value_text"][0].as_py() + "1", *table["value_text"].to_pylist()[1:]]),
            ),
            r"found [\d,]+ rows, of which some are others",
        ),
    ],
    ids=["doubled", "edited"],
)
def test_extract_rows_that_were_changed_since_they_were_landed_are_refused(
    session: SparkSession, landed: Path, tmp_path: Path, change: Any, found: str
) -> None:
    shutil.copytree(landed, tmp_path / "rows")
    file = tmp_path / "rows" / "extract_row.parquet"
    pq.write_table(change(pq.read_table(file)), file)
    with pytest.raises(InputRejected) as refused:
        rows_at(session, str(tmp_path / "rows"), [Q1])
    assert re.search(
        rf"extract_row\.parquet: expected the [\d,]+ rows .* as they were landed; {found}", str(refused.value)
    )


def test_a_folder_without_extract_rows_says_what_is_looked_for(session: SparkSession, tmp_path: Path) -> None:
    with pytest.raises(InputMissing, match=r"extract.parquet: expected extract rows there"):
        rows_at(session, str(tmp_path), [Q1])


def test_rows_are_landed_into_a_new_folder_only(landed: Path, small_extracts: Path, tmp_path: Path) -> None:
    ended = league(
        *("land", SAMPLE_QUARTERS[0], "--extracts", small_extracts / SAMPLE_QUARTERS[0], "--to", landed),
        data=DataFolder(tmp_path),
    )
    assert ended.code == 2
    assert "already holds extract.parquet" in ended.err


def test_a_machine_without_java_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    ended = league(
        *("run", SAMPLE_QUARTERS[0], "--sample", "--target", "spark"), data=DataFolder(tmp_path / "data")
    )
    assert ended.code == 2
    assert "Spark needs Java 17 or later, and there is no java on the PATH" in " ".join(ended.err.split())


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--hold", "--sample"], "--hold waits for an approval"),
        (["--sample", "--extract-rows", "rows"], "leave out --sample"),
    ],
)
def test_what_only_duckdb_does_is_refused_before_spark_is_started(
    tmp_path: Path, options: list[str], says: str
) -> None:
    data = DataFolder(tmp_path)
    ended = league("run", SAMPLE_QUARTERS[0], "--target", "spark", *options, data=data)
    assert ended.code == 2
    assert says in " ".join(ended.err.split())
    assert not spark_folder(data).exists()


def test_rows_to_take_go_with_spark_alone(tmp_path: Path) -> None:
    ended = league("run", SAMPLE_QUARTERS[0], "--extract-rows", "rows", data=DataFolder(tmp_path))
    assert (ended.code, "--extract-rows goes with --target spark" in ended.err) == (2, True)


def test_an_interrupted_run_ends_its_java_process_and_leaves_nothing(landed: Path, tmp_path: Path) -> None:
    require_java()
    data = DataFolder(tmp_path / "data")
    run = start_league(
        *("run", SAMPLE_QUARTERS[0], "--extract-rows", landed, "--target", "spark"),
        data=data,
        JDK_JAVA_OPTIONS="-Dderby.system.durability=test",
    )
    assert run.stderr is not None
    for line in run.stderr:
        if "Loading the rules of scoring" in line:
            break
    assert java_processes(data) != []
    run.send_signal(signal.SIGINT)
    out, err = run.communicate(timeout=600)
    assert (run.returncode, out) == (130, "")
    assert "Interrupted. Nothing is half done" in err
    assert "Traceback" not in err
    assert java_processes(data) == []
    assert [path.name for path in (spark_folder(data) / "warehouse").glob("run_*")] == []


def java_processes(data: DataFolder) -> list[str]:
    """Those that were told of the data folder when they began."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            command = path.read_bytes().decode(errors="replace").split("\0")
            if Path(command[0]).name == "java" and str(data.root) in " ".join(command):
                found.append(path.parent.name)
    return found
