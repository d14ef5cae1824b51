"""A Spark Connect server of a test's own: pyspark's program, tables in an empty folder, a port nobody has."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from spark_command import require_java

_CLASS = "org.apache.spark.sql.connect.service.SparkConnectServer"
_PATIENCE_SECONDS = 600
# A server that lives as long as a test, over a few thousand rows (as `dagster_project/spark/session.py` says).
_JAVA = "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=256m -XX:+UseSerialGC -Xss16m"
_SETTINGS = {
    "spark.driver.memory": "2g",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    "spark.connect.grpc.binding.address": "127.0.0.1",
    "spark.ui.enabled": "false",
    "spark.sql.shuffle.partitions": "2",
    "spark.default.parallelism": "2",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.constraintPropagation.enabled": "false",
}


@contextmanager
def running_connect_server(folder: Path) -> Iterator[str]:
    """The address of a server that runs until the context ends; its tables and log are in `folder`.

    Its catalogue is in its memory, which spares much of a run's time, and ends with it. Its Python has the locked
    packages, but not this project's.
    """
    require_java()
    spark = find_spec("pyspark")
    assert spark is not None
    assert spark.origin is not None
    home, port, log = Path(spark.origin).parent, _free_port(), folder / "server.log"
    (folder / "temporary").mkdir(parents=True, exist_ok=True)
    settings = _SETTINGS | {
        "spark.connect.grpc.binding.port": str(port),
        "spark.sql.warehouse.dir": (folder / "warehouse").as_uri(),
        "spark.driver.extraJavaOptions": f"{_JAVA} -Djava.io.tmpdir={folder / 'temporary'}",
    }
    confs = [part for name, value in settings.items() for part in ("--conf", f"{name}={value}")]
    with log.open("wb") as said:
        server = subprocess.Popen(
            [
                str(home / "bin" / "spark-submit"),
                "--master",
                "local[2]",
                *confs,
                "--class",
                _CLASS,
                "spark-internal",
            ],
            stdout=said,
            stderr=said,
            cwd=folder,
            env=os.environ
            | {
                "SPARK_HOME": str(home),
                "SPARK_CONNECT_MODE": "0",
                "PYSPARK_PYTHON": str(_python_without_us(folder)),
            },
        )
    try:
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while not _answers(port):
            assert server.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.2)
        yield f"sc://127.0.0.1:{port}"
    finally:
        # The shell scripts that start it become it.
        server.send_signal(signal.SIGTERM)
        try:
            server.wait(60)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _python_without_us(folder: Path) -> Path:
    """A Python for the server's workers that finds another package under our name, which can't be imported."""
    other, program = folder / "python" / "dagster_project", folder / "python" / "python"
    other.mkdir(parents=True, exist_ok=True)
    (other / "__init__.py").write_text("raise ImportError('workers of a cluster have no such package')\n")
    program.write_text(f'#!/bin/sh\nPYTHONPATH="{other.parent}:$PYTHONPATH" exec "{sys.executable}" "$@"\n')
    program.chmod(0o755)
    return program


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
