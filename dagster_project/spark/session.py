"""The one Spark session of this process: where it runs, where its tables live on, and that it is quiet.

dbt-spark's session method and all of this package find the session that is opened here. By default it is local, with
its catalogue below the data folder (`spark/`); `SPARK_REMOTE` names a Spark Connect server and `LEAGUE_SPARK_MASTER` a
cluster, each of which has a catalogue of its own.
"""

from __future__ import annotations

import json
import logging
import os
import re
import secrets
import shutil
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, TypeVar, cast

from dagster_project.durable import make_folder, write_whole
from dagster_project.errors import LeagueError, Locked, WrongUsage
from dagster_project.interruption import to_the_end
from dagster_project.json_text import parsed_json
from dagster_project.settings import DataFolder

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql.connect.client.retries import RetryPolicy

_Gave = TypeVar("_Gave")
REMOTE_VARIABLE = "SPARK_REMOTE"
MASTER_VARIABLE = "LEAGUE_SPARK_MASTER"
WORKERS_PYTHON_VARIABLE = "PYSPARK_PYTHON"
JAVA_OPTIONS_VARIABLE = "LEAGUE_SPARK_JAVA_OPTIONS"
FORMAT_VARIABLE = "LEAGUE_SPARK_FORMAT"
METHOD_VARIABLE = "LEAGUE_SPARK_METHOD"
_SESSION_METHOD = "session"
DEFAULT_FORMAT = "parquet"
_FORMATS = ("parquet", "delta", "iceberg")
_LOG = "spark.log"
# What Java prints before and beside its log.
_JAVA_LOG = "java.log"
_LOG_SHOWN = 3
_ERROR_SHOWN = 1000
_ADDRESS = "sc://host:15002"
_ANSWER_SECONDS = 20
# Each after four times as long as the one before, from a twentieth of a second to a minute.
_ATTEMPTS = 7
# pyspark leaves it behind, and would look for a server where the next session is to be a local one.
_MODE_VARIABLE = "SPARK_CONNECT_MODE_ENABLED"
_ID_FILE = "folder_id.json"
_FOLDER_ID = re.compile(r"[0-9a-f]{12}")
# A run of a few thousand figures spends more on compiling Java than that would ever save; with records it pays. Plans
# are deep: a thread needs more than the usual stack.
_SHORT_LIVED = "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=256m -XX:+UseSerialGC -Xss16m"
# Many small steps over few rows: what is generated, compiled and planned anew for each costs more than the step.
_INTERPRETED = {
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.constraintPropagation.enabled": "false",
}
# Each prints an error, with all of Java's calls, that is also raised.
_SAYS_WHAT_IS_RAISED = ("SQLQueryContextLogger", "DataFrameQueryContextLogger")
_WORDS_OF_A_LOCKED_CATALOGUE = "Another instance of Derby may have already booted"
# Exact and repeatable wherever it runs; what SQL means is said once more in dbt's profile, for Thrift.
_SETTINGS = {
    "spark.sql.session.timeZone": "UTC",
    # For what this package asks. dbt-spark 1.11 turns it off for each statement of a model, and takes no setting of a
    # profile against that: there a cast that can't be done is empty, and gates look for what is empty.
    "spark.sql.ansi.enabled": "true",
    "spark.sql.execution.arrow.pyspark.enabled": "true",
    "spark.sql.sources.partitionOverwriteMode": "dynamic",
    "spark.sql.sources.partitionColumnTypeInference.enabled": "false",
    "spark.sql.parquet.compression.codec": "zstd",
    # Moments without a zone, as the journal keeps them.
    "spark.sql.timestampType": "TIMESTAMP_NTZ",
}
_QUIET_LOG = """\
rootLogger.level = warn
rootLogger.appenderRef.file.ref = file
appender.file.type = File
appender.file.name = file
appender.file.fileName = {file}
appender.file.append = false
appender.file.layout.type = PatternLayout
appender.file.layout.pattern = %d %p %c: %m%n%ex
"""


def spark_folder(data: DataFolder) -> Path:
    """Where a local session keeps its catalogue, its tables and its log."""
    return data.spark


def table_format() -> str:
    """The format of tables in the lake: LEAGUE_SPARK_FORMAT, else Parquet; raises WrongUsage for another word."""
    given = os.environ.get(FORMAT_VARIABLE, DEFAULT_FORMAT).strip().lower() or DEFAULT_FORMAT
    if given not in _FORMATS:
        raise WrongUsage(f"{FORMAT_VARIABLE} is one of {', '.join(_FORMATS)}, not {given!r}.")
    return given


def rows_on_spark(session: SparkSession, table: pa.Table) -> DataFrame:
    """Rows of Arrow on Spark, with the types that they have also where there are none."""
    from pyspark.sql.pandas.types import from_arrow_schema

    # What pandas or DuckDB say of their own types beside them doesn't belong there.
    plain = table.replace_schema_metadata(None)
    return session.createDataFrame(plain, from_arrow_schema(plain.schema))


def is_local() -> bool:
    """Whether the session's catalogue is the data folder's own."""
    return not (os.environ.get(REMOTE_VARIABLE) or os.environ.get(MASTER_VARIABLE))


def folder_id(data: DataFolder) -> str:
    """Tells this data folder from every other that shares a catalogue: drawn once, kept in `spark/`.

    Where the folder lies is kept with it: a copy, which lies elsewhere, draws its own.
    """
    file, place = spark_folder(data) / _ID_FILE, str(data.root.resolve())
    with suppress(OSError, ValueError):
        kept = parsed_json(file.read_bytes())
        if (
            isinstance(kept, dict)
            and kept.get("place") == place
            and _FOLDER_ID.fullmatch(str(kept.get("id")))
        ):
            return str(kept["id"])
    drawn = secrets.token_hex(6)
    make_folder(file.parent)
    write_whole(file, json.dumps({"id": drawn, "place": place}))
    return drawn


@contextmanager
def spark_session(
    data: DataFolder, *, threads: int = 2, folder: Path | None = None
) -> Iterator[SparkSession]:
    """The session for as long as the context is open; a local one ends with all of its processes.

    What Spark writes here (a local catalogue and its tables, what it puts off, logs) goes to `folder`, else below the
    data folder.

    Raises WrongUsage where the extra `spark` or Java is missing or a server can't be reached, Locked where another
    process has the local catalogue open.
    """
    _require_extra()
    _refuse_thrift()
    ours = dict.fromkeys((WORKERS_PYTHON_VARIABLE, "PYSPARK_DRIVER_PYTHON"), sys.executable)
    if os.environ.get(MASTER_VARIABLE):
        # Where Python is on a cluster's workers, only who runs it can say.
        ours[WORKERS_PYTHON_VARIABLE] = os.environ.get(WORKERS_PYTHON_VARIABLE) or sys.executable
    # dbt's macros take it as it stands.
    ours[FORMAT_VARIABLE] = table_format()
    before = {name: os.environ.get(name) for name in ours}
    os.environ.update(ours)
    handlers = _handlers()
    session = None
    try:
        session = (
            _connected()
            if os.environ.get(REMOTE_VARIABLE)
            else _started(folder or spark_folder(data), threads)
        )
        _hand_signals_to(handlers, session)
        with _said_while_java_lives():
            yield session
    finally:
        _hand_signals_to(handlers)
        with to_the_end():
            if session is not None:
                _end(session)
            for name, value in before.items():
                if value is None:
                    os.environ.pop(name, None)
                else:
                    os.environ[name] = value


@contextmanager
def _said_while_java_lives() -> Iterator[None]:
    """Raises Spark's own errors as LeagueError: what they say is in Java, which is gone once the session has ended."""
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException

    kinds: list[type[Exception]] = [PySparkException, Py4JError]
    if os.environ.get(REMOTE_VARIABLE):
        from grpc import RpcError  # type: ignore[import-untyped]

        kinds.append(RpcError)
    said = None
    try:
        yield
    except tuple(kinds) as error:
        # What a lost connection has to say is apart from how it looks.
        details = getattr(error, "details", None)
        text = f"{details()} (the server is lost)" if callable(details) else str(error)
        said = " ".join(text.split("JVM stacktrace")[0].split())
    if said is not None:
        raise LeagueError(f"Spark failed, and nothing was published: {said[:_ERROR_SHOWN]}") from None


def _require_extra() -> None:
    if find_spec("pyspark") is None or find_spec("dbt.adapters.spark") is None:
        raise WrongUsage(
            "--target spark needs packages that aren't installed: pip install 'nhs-league-tables[spark]'."
        )
    # pandas is newer than pyspark knows; of pandas only frames from Arrow are used here.
    warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas", FutureWarning)
    from pyspark.logger import PySparkLogger

    for name in _SAYS_WHAT_IS_RAISED:
        PySparkLogger.getLogger(name).setLevel(logging.CRITICAL + 1)
    logging.getLogger().addFilter(_is_not_of_py4j)


def _is_not_of_py4j(record: logging.LogRecord) -> bool:
    """py4j prints what interrupts it, by the logger of everybody, and raises it too."""
    return Path(record.pathname).parent.name != "py4j"


def _refuse_thrift() -> None:
    """Raises WrongUsage where dbt would build elsewhere than rows are landed and released."""
    method = os.environ.get(METHOD_VARIABLE, "").strip() or _SESSION_METHOD
    if method != _SESSION_METHOD:
        raise WrongUsage(
            f"{METHOD_VARIABLE} is {method!r}: dbt would build on another server than the session that lands rows, "
            f"draws, judges and commits. Unset it, and name a Spark Connect server in {REMOTE_VARIABLE} or a cluster "
            f"in {MASTER_VARIABLE}."
        )


def _connected() -> SparkSession:
    """A session of a Spark Connect server, which has catalogue and settings of its own."""
    from grpc import RpcError
    from pyspark.errors import PySparkException
    from pyspark.sql import SparkSession

    remote = os.environ[REMOTE_VARIABLE]
    # dbt-spark asks for Hive with every statement, which is the server's to have or not.
    warnings.filterwarnings("ignore", "Failed to set spark.sql.catalogImplementation", UserWarning)
    # Which is raised as well.
    warnings.filterwarnings("ignore", r"\[RETRIES_EXCEEDED\]", UserWarning)
    _refuse_no_answer(remote)
    try:
        session = SparkSession.builder.remote(remote).getOrCreate()
        cast(Any, session).client.set_retry_policies([_patience()])
        for name, value in _SETTINGS.items():
            session.conf.set(name, value)
    except (PySparkException, RpcError) as error:
        raise _unanswered(remote, "takes a session and its settings", type(error).__name__) from None
    return session


def _refuse_no_answer(remote: str) -> None:
    """Raises WrongUsage where the address is none or nobody answers there; pyspark would ask for ten minutes."""
    from grpc import FutureTimeoutError, channel_ready_future
    from pyspark.errors import PySparkException
    from pyspark.sql.connect.client import DefaultChannelBuilder

    try:
        channel = DefaultChannelBuilder(remote).toChannel()
    except (PySparkException, ValueError):
        raise _unanswered(remote, f"is named as in {_ADDRESS}", "another form") from None
    with channel:
        try:
            channel_ready_future(channel).result(timeout=_ANSWER_SECONDS)
        except FutureTimeoutError:
            raise _unanswered(remote, "answers", "none") from None


def _unanswered(remote: str, expected: str, found: str) -> WrongUsage:
    # Behind the place a token may stand, or another secret; before it a password.
    shown = re.sub(r"[;?].*", ";...", re.sub(r"//[^/]*@", "//...@", remote))
    return WrongUsage(
        f"{REMOTE_VARIABLE} is {shown}: expected a Spark Connect server that {expected}; found {found}. Start the "
        "server, correct the address, or unset it for Spark on this machine."
    )


def _patience() -> RetryPolicy:
    """How long a server that doesn't answer is asked again: two minutes, and once that was in vain no more.

    pyspark asks for ten minutes, and does so anew for all that is tidied up behind a run that has failed.
    """
    from pyspark.sql.connect.client.retries import DefaultPolicy, RetryPolicyState

    class Patience(DefaultPolicy):  # type: ignore[misc]
        lost = False

        def can_retry(self, e: BaseException) -> bool:
            return not self.lost and super().can_retry(e)

        def to_state(self) -> RetryPolicyState:
            return Attempts(self)

    class Attempts(RetryPolicyState):  # type: ignore[misc]
        def next_attempt(self, exception: BaseException | None = None) -> int | None:
            wait: int | None = super().next_attempt(exception)
            if wait is None:
                policy.lost = True
            return wait

    policy = Patience(max_retries=_ATTEMPTS)
    return policy


def _started(folder: Path, threads: int) -> SparkSession:
    """A session whose driver is a Java process of this one's, local or on a cluster."""
    from pyspark.errors import PySparkException
    from pyspark.sql import SparkSession

    _require_java()
    make_folder(folder)
    master = os.environ.get(MASTER_VARIABLE)
    settings = _SETTINGS | _quiet(folder) | ({} if master else _local(folder, threads))
    builder = SparkSession.builder.appName("league").master(master or f"local[{threads}]")
    for name, value in settings.items():
        builder = builder.config(name, value)

    def opened() -> SparkSession:
        session = builder.enableHiveSupport().getOrCreate()
        # The catalogue is opened with the first question.
        session.sql("show databases").collect()
        return session

    try:
        _start_java(settings | {"spark.master": master or f"local[{threads}]"}, folder / _JAVA_LOG)
        return _apart(opened)
    except (PySparkException, OSError) as error:
        said = _not_started(error, folder)
        _end_java()
        raise said from None
    except BaseException:
        _end_java()
        raise


def _apart(work: Callable[[], _Gave]) -> _Gave:
    """Does it in another thread: in the main one pyspark takes the signals over, with a handler that knows nothing of
    ours, and this one can be interrupted meanwhile.
    """
    given: Future[_Gave] = Future()

    def do() -> None:
        try:
            given.set_result(work())
        except BaseException as error:
            given.set_exception(error)

    threading.Thread(target=do, name="spark", daemon=True).start()
    return given.result()


def _handlers() -> dict[int, Any]:
    return {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}


def _hand_signals_to(handlers: Mapping[int, Any], session: SparkSession | None = None) -> None:
    """Puts handlers in place; with a session, what Spark is doing is ended first, as dbt waits for it otherwise."""

    def ending(number: int, frame: FrameType | None) -> None:
        # In a thread with a line of its own to Java: this one may be waiting for an answer.
        assert session is not None
        threading.Thread(target=session.interruptAll, daemon=True).start()
        handler = handlers[number]
        if callable(handler):
            handler(number, frame)

    with suppress(ValueError):
        for number, handler in handlers.items():
            signal.signal(number, ending if session is not None and callable(handler) else handler)


def _start_java(settings: Mapping[str, str], log: Path) -> None:
    """Starts the Java process that this one speaks with; what it prints goes to the log.

    A signal is answered once it is there: pyspark would forget one that has only begun, and nobody would end it.
    """
    from pyspark import SparkConf, SparkContext
    from pyspark.java_gateway import launch_gateway

    waiting: list[int] = []
    before = _handlers()
    _hand_signals_to(dict.fromkeys(before, lambda number, _: waiting.append(number)))
    try:
        launch, context, conf = (
            cast(Any, launch_gateway),
            cast(Any, SparkContext),
            SparkConf(loadDefaults=False),
        )
        with log.open("wb") as said:
            spoken_into = {"stdout": said, "stderr": said}
            gateway = launch(conf.setAll(list(settings.items())), popen_kwargs=spoken_into)
        context._ensure_initialized(gateway=gateway)
    finally:
        _hand_signals_to(before)
    for number in waiting[:1]:
        signal.raise_signal(number)


def _require_java() -> None:
    home = os.environ.get("JAVA_HOME")
    java = Path(home, "bin", "java") if home else None
    if (java is not None and os.access(java, os.X_OK)) or (java is None and shutil.which("java")):
        return
    where = f"JAVA_HOME is {home}, which has no bin/java" if home else "there is no java on the PATH"
    raise WrongUsage(
        f"Spark needs Java 17 or later, and {where}. Install it (Debian: openjdk-17-jre-headless), name its folder in "
        f"JAVA_HOME, or name a Spark Connect server in {REMOTE_VARIABLE}."
    )


def _local(folder: Path, threads: int) -> dict[str, str]:
    """Where a local session keeps its tables, and what it spares for a few thousand rows."""
    metastore = folder / "metastore"
    return {
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        # A machine that is busy with other work isn't one whose executor is lost.
        "spark.executor.heartbeatInterval": "60s",
        "spark.network.timeout": "600s",
        "spark.driver.memory": os.environ.get("LEAGUE_SPARK_MEMORY", "2g"),
        **({} if JAVA_OPTIONS_VARIABLE in os.environ else _INTERPRETED),
        "spark.sql.shuffle.partitions": str(threads),
        "spark.default.parallelism": str(threads),
        "spark.sql.warehouse.dir": (folder / "warehouse").as_uri(),
        "spark.hadoop.javax.jdo.option.ConnectionURL": f"jdbc:derby:;databaseName={metastore};create=true",
        "spark.hadoop.datanucleus.schema.autoCreateAll": "true",
        "spark.hadoop.hive.metastore.schema.verification": "false",
    }


def _quiet(folder: Path) -> dict[str, str]:
    """No bar, no page, and the log in a file: what the command prints may be read by a program."""
    settings = folder / "log4j2.properties"
    write_whole(settings, _QUIET_LOG.format(file=folder / _LOG))
    java = (
        os.environ.get(JAVA_OPTIONS_VARIABLE, _SHORT_LIVED),
        f"-Dlog4j2.configurationFile={settings.as_uri()}",
        f"-Dderby.stream.error.file={folder / 'derby.log'}",
        f"-Dderby.system.home={folder}",
        f"-Djava.io.tmpdir={_temporary(folder)}",
    )
    return {
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.driver.extraJavaOptions": " ".join(java),
    }


def _temporary(folder: Path) -> Path:
    make_folder(folder / "temporary")
    return folder / "temporary"


def _not_started(error: BaseException, folder: Path) -> Exception:
    """Why, in a sentence: from the logs where they say so."""
    logs = [
        path.read_text("utf-8", "replace") for name in (_JAVA_LOG, _LOG) if (path := folder / name).exists()
    ]
    said = "\n".join(logs)
    if _WORDS_OF_A_LOCKED_CATALOGUE in f"{said} {error}":
        return Locked(
            f"{folder / 'metastore'}: expected no other process to have Spark's catalogue open; found one. Wait until "
            f"it ends; where several must read at once, run a Spark Connect server and name it in {REMOTE_VARIABLE}."
        )
    lines = [line.strip() for line in said.splitlines() if "rror" in line or "xception" in line]
    return WrongUsage(
        f"Spark didn't start: {'; '.join(lines[:_LOG_SHOWN])[:400] or type(error).__name__}. It needs Java 17 or "
        f"later; {folder / _LOG} says more."
    )


def _end(session: SparkSession) -> None:
    with suppress(Exception):
        session.stop()
    if os.environ.get(REMOTE_VARIABLE):
        os.environ.pop(_MODE_VARIABLE, None)
    else:
        _end_java()


def _end_java() -> None:
    """Ends the Java process of this one's, so that it holds no file open, and the next session starts anew."""
    from pyspark import SparkContext

    context: Any = SparkContext
    gateway = context._gateway
    if gateway is None:
        return
    process = getattr(gateway, "proc", None)
    with suppress(Exception):
        gateway.shutdown()
    context._gateway, context._jvm = None, None
    if process is not None:
        with suppress(OSError):
            process.stdin.close()
        try:
            process.wait(timeout=15)
        except Exception:
            process.kill()
