"""dbt in this process: parsing the project once, running parts of it on a warehouse file.

dbt is imported where it is used: it costs two seconds. Its parser would start anew for every warehouse
path, so the project is parsed under a fixed name, kept by the hash of its files, and runs are given the
parsed manifest. The web server, its daemon and a run may all parse at once: each does so in a folder of
its own, and a rename makes the first one everybody's. What one data folder's run has parsed is kept in the
checkout's `build` too, so that the next new data folder takes it from there; where that can't be written, and
of an installed package, each data folder parses for itself.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

from dagster_project.durable import flush, make_folder, write_whole
from dagster_project.errors import LeagueError
from dagster_project.files import sha256_of_file
from dagster_project.interruption import end_if_asked, is_interruption
from dagster_project.machine import require_memory
from dagster_project.methodology.rule_set import RuleSet, write_rules
from dagster_project.progress import announce
from dagster_project.settings import DBT_PROJECT_DIR, IS_INSTALLED, PROJECT_ROOT, WAREHOUSE_NAME, DataFolder

_MADE_BY_DBT = ("target", "logs", "dbt_packages", ".user.yml")
_RULES = Path("seeds", "methodology")
_CONFIGURATION = ("dbt_project.yml", "profiles.yml")
_OWN_PROJECT = "dbt"
_MANIFEST = "manifest.json"
_SUMS = "sums.json"
EPHEMERAL = "__dbt__cte__"
_PARSED = "partial_parse.msgpack"
_PARSED_KEPT = 4
# dbt-adapters and dbt-common hold macros and node classes, which are in what is parsed.
_PARSED_BY = ("dbt-core", "dbt-adapters", "dbt-common")
DUCKDB = "duckdb"
SPARK = "spark"
SHARED = PROJECT_ROOT / "build" / "dbt"


@dataclass(frozen=True)
class DbtProject:
    """A dbt project folder, the folder that parsed manifests are kept in, and one shared by several such folders.

    `own_seeds` is a folder like the project's that has other rows in its seeds, from which dbt loads them. What is
    parsed of the project doesn't hold the rows, so that other rules need no parsing of their own. `target` is the
    engine, one of dbt's profile; with a `schema_prefix` every schema that is read or built has it before its name.
    """

    project_dir: Path
    target_dir: Path
    shared_dir: Path | None = None
    own_seeds: Path | None = None
    target: str = DUCKDB
    schema_prefix: str = ""

    @property
    def rules_dir(self) -> Path:
        """The seeds of the methodology."""
        return (self.own_seeds or self.project_dir) / _RULES

    @cached_property
    def parsed(self) -> Any:
        """dbt's manifest object, from what an earlier process parsed if the project's files are the same."""
        return self._read_parsed()

    @cached_property
    def manifest(self) -> Mapping[str, Any]:
        """The manifest as JSON values, as dagster-dbt reads it."""
        content: Mapping[str, Any] = json.loads((self.parsed_folder / _MANIFEST).read_bytes())
        return content

    def build(self, command: str, select: Sequence[str], warehouse: Path, *, threads: int) -> list[str]:
        """Runs `dbt seed` or `dbt run` for a selection; returns the unique ids that were built, in order.

        What dbt writes of a run goes beside the warehouse; of its JSON only the results of the nodes, as the
        manifest is there since the parsing and takes a second to write. Raises LeagueError with dbt's own words
        for each node that failed.
        """
        quietly = ["--log-level", "none", "--log-level-file", "none", "--no-write-json"]
        # Nothing that is built asks for a relation of another schema: a statement for each of them otherwise.
        own = ["--cache-selected-only"]
        arguments = [
            command,
            *quietly,
            *own,
            "--select",
            *select,
            *self._folders(),
            "--threads",
            str(threads),
        ]
        results = results_of_last_build(warehouse)
        with _dbt_environment(results.parent, warehouse):
            try:
                result = _invoke(arguments, self.parsed)
            finally:
                self._close_connections()
        end_if_asked()
        if result.result is not None:
            result.result.write(str(results))
        _forget_what_was_compiled(self.parsed)
        if result.exception is not None:
            raise LeagueError(f"dbt {command} failed: {result.exception}") from result.exception
        failed = [node for node in result.result if str(node.status) not in ("success", "pass")]
        if failed:
            said = "\n".join(f"  - {node.node.name}: {node.message}" for node in failed)
            raise LeagueError(f"dbt {command} failed; nothing was published:\n{said}")
        return [node.node.unique_id for node in result.result]

    def compiled_models(self) -> dict[str, str]:
        """Every model's SQL as dbt compiles it, by unique id; nothing is built and nothing is kept.

        An ephemeral model is a table `EPHEMERAL` + its name to those that read it, as before dbt writes its SQL
        into theirs: some models would have seventy thousand characters otherwise.
        """
        own = Path(tempfile.mkdtemp(prefix="compiling-", dir=self.parsed_folder.parent))
        selected = ["--select", "resource_type:model", "--indirect-selection", "empty"]
        arguments = ["compile", "--log-level", "none", "--no-write-json", *selected, *self._folders()]
        try:
            with _dbt_environment(own, own / f"{WAREHOUSE_NAME}.duckdb"):
                # dbt writes what it compiles into the manifest, so that a later build must not get the same one.
                manifest = self._read_parsed()
                result = _invoke([*arguments, "--threads", "1"], manifest)
        finally:
            self._close_connections()
            shutil.rmtree(own, ignore_errors=True)
        if not result.success:
            raise LeagueError(f"dbt can't compile {self.project_dir}: {result.exception}")
        return {
            unique_id: str(node._pre_injected_sql or node.compiled_code)
            for unique_id, node in manifest.nodes.items()
            if node.resource_type == "model" and node.compiled
        }

    def _read_parsed(self) -> Any:
        from dbt.contracts.graph.manifest import Manifest
        from dbt.contracts.graph.nodes import SeedNode

        manifest = Manifest.from_msgpack((self.parsed_folder / _PARSED).read_bytes())
        if self.own_seeds is not None:
            for node in manifest.nodes.values():
                if isinstance(node, SeedNode):
                    node.root_path = str(self.own_seeds)
        if self.schema_prefix:
            placed: tuple[Any, ...] = (*manifest.nodes.values(), *manifest.sources.values())
            for node in placed:
                if node.relation_name is not None:
                    node.relation_name = node.relation_name.replace(
                        node.schema, self.schema_prefix + node.schema, 1
                    )
                node.schema = self.schema_prefix + node.schema
        return manifest

    @cached_property
    def parsed_folder(self) -> Path:
        """The folder of what is known of the project as it stands: its parsed manifest, and what is told from it.

        Its name changes with the project's files. One that a cut or a bad disk damaged is parsed again.
        """
        folder = self.target_dir / self.fingerprint()
        if folder.is_dir():
            if _is_sound(folder):
                return folder
            announce(f"{folder} isn't as dbt left it: parsing the project again")
            shutil.rmtree(folder, ignore_errors=True)
        make_folder(self.target_dir)
        shared = self.shared_folder
        if shared is not None and _is_sound(shared):
            # A sum tells whether somebody removed or changed it meanwhile.
            with suppress(OSError):
                _copy_parsed(shared, folder)
        if not (folder.is_dir() and _is_sound(folder)):
            shutil.rmtree(folder, ignore_errors=True)
            self._parse_into(folder)
        if shared is not None and not _is_sound(shared):
            # A checkout that can't be written costs each data folder a parsing of its own, nothing else.
            with suppress(OSError):
                make_folder(shared.parent)
                shutil.rmtree(shared, ignore_errors=True)
                _copy_parsed(folder, shared)
                _forget_older(shared)
        _forget_older(folder)
        return folder

    @cached_property
    def shared_folder(self) -> Path | None:
        """Where other data folders find what is known of the project as it stands; None if nothing is shared."""
        return None if self.shared_dir is None else self.shared_dir / self.fingerprint()

    def _parse_into(self, folder: Path) -> None:
        own = Path(tempfile.mkdtemp(prefix="parsing-", dir=self.target_dir))
        with _dbt_environment(own, Path(f"{WAREHOUSE_NAME}.duckdb")):
            result = _invoke(["parse", "--log-level", "none", *replace(self, own_seeds=None)._folders()])
        if not result.success:
            shutil.rmtree(own, ignore_errors=True)
            raise LeagueError(f"dbt can't parse {self.project_dir}: {result.exception}")
        write_whole(own / _SUMS, json.dumps(_sums(own)))
        _put_in_place(own, folder)

    def fingerprint(self) -> str:
        """Changes whenever a file of the project, dbt itself or the place of the project changes."""
        versions = " ".join(version(package) for package in (*_PARSED_BY, f"dbt-{self.target}"))
        digest = hashlib.sha256(f"{versions} {self.project_dir}".encode())
        for path in sorted(self.project_dir.rglob("*")):
            relative = path.relative_to(self.project_dir)
            if relative.parts[0] not in _MADE_BY_DBT and path.is_file():
                digest.update(
                    f"{relative.as_posix()} {hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode()
                )
        return digest.hexdigest()[:16]

    def fingerprint_of_seeds(self) -> str:
        """Changes whenever `fingerprint` does, or a row of the rules that are loaded."""
        if self.own_seeds is None:
            return self.fingerprint()
        hashes = [f"{path.name} {sha256_of_file(path)}" for path in sorted(self.rules_dir.glob("*.csv"))]
        return hashlib.sha256("\n".join([self.fingerprint(), *hashes]).encode()).hexdigest()[:16]

    def _folders(self) -> list[str]:
        """Where dbt works. Handed a parsed manifest, it reads only its configuration and the seeds' rows there."""
        folder = str(self.own_seeds or self.project_dir)
        return ["--project-dir", folder, "--profiles-dir", folder, "--target", self.target]

    def _close_connections(self) -> None:
        """dbt-duckdb keeps the file open for the process; a candidate must be closed before it is published."""
        if self.target == DUCKDB:
            from dbt.adapters.duckdb.connections import DuckDBConnectionManager

            DuckDBConnectionManager.close_all_connections()  # type: ignore[no-untyped-call]


def _sums(folder: Path) -> dict[str, str]:
    """The sha256 of what is read of a parsed project."""
    return {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in (_PARSED, _MANIFEST)}


def _is_sound(folder: Path) -> bool:
    try:
        return bool(json.loads((folder / _SUMS).read_bytes()) == _sums(folder))
    except (OSError, ValueError):
        return False


def _copy_parsed(source: Path, folder: Path) -> None:
    """Puts a copy of a parsed project at `folder`, whole; raises OSError where it can't."""
    own = Path(tempfile.mkdtemp(prefix="parsing-", dir=folder.parent))
    try:
        for name in (_PARSED, _MANIFEST, _SUMS):
            shutil.copyfile(source / name, own / name)
    except OSError:
        shutil.rmtree(own, ignore_errors=True)
        raise
    _put_in_place(own, folder)


def _put_in_place(own: Path, folder: Path) -> None:
    """Gives a finished folder its name, unless another process was first."""
    try:
        own.rename(folder)
        flush(folder.parent)
    except OSError:
        shutil.rmtree(own, ignore_errors=True)


def _forget_older(folder: Path) -> None:
    """Keeps the last few parsed manifests beside `folder`: a process that has just found one may be reading it."""
    kept = sorted(folder.parent.iterdir(), key=_changed_at, reverse=True)
    for older in kept[_PARSED_KEPT:]:
        if older != folder:
            shutil.rmtree(older, ignore_errors=True)


def _changed_at(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def results_of_last_build(warehouse: Path) -> Path:
    """Where the results of the last `DbtProject.build` on a warehouse are: dbt's own run_results.json."""
    return warehouse.parent / "dbt_target" / "run_results.json"


def checkout_project(data: DataFolder) -> DbtProject:
    """The project's own dbt project, its parsed manifests in the data folder; a checkout's are shared with others."""
    return DbtProject(DBT_PROJECT_DIR, data.root / "dbt", None if IS_INSTALLED else SHARED)


def parse_alone(data: DataFolder) -> Path:
    """Parses the checkout's project for a data folder without what the checkout shares; returns where it is kept.

    No hash covers what is shared. Whoever can write there would change what is run.
    """
    return replace(checkout_project(data), shared_dir=None).parsed_folder


def project_with_rules(rules: RuleSet, folder: Path, data: DataFolder) -> DbtProject:
    """The dbt project of the checkout with these rules in place of its own, written below `folder`."""
    own = folder / _OWN_PROJECT
    shutil.copytree(DBT_PROJECT_DIR / "seeds", own / "seeds")
    for name in _CONFIGURATION:
        shutil.copyfile(DBT_PROJECT_DIR / name, own / name)
    write_rules(rules, own / _RULES)
    return replace(checkout_project(data), own_seeds=own)


def project_in(folder: Path, data: DataFolder) -> DbtProject | None:
    """The project whose rules `project_with_rules` wrote below a folder, if it did."""
    own = folder / _OWN_PROJECT
    return replace(checkout_project(data), own_seeds=own) if own.is_dir() else None


def _invoke(arguments: list[str], manifest: Any = None) -> Any:
    require_memory()
    from dbt.cli.main import dbtRunner

    result = dbtRunner(manifest=manifest).invoke(arguments)
    # dbt keeps every exception as a result: whoever interrupts the work means all of it.
    if result.exception is not None and is_interruption(result.exception):
        raise result.exception
    return result


def _forget_what_was_compiled(manifest: Any) -> None:
    """Leaves the manifest as it was parsed.

    dbt keeps in it what it compiles, and builds a model a second time without the ephemeral models it reads.
    """
    from dbt.contracts.graph.nodes import CompiledNode

    for node in manifest.nodes.values():
        # A seed says that it is compiled too, and holds no SQL to forget.
        if isinstance(node, CompiledNode) and node.compiled:
            node.compiled, node.compiled_code, node.compiled_path = False, None, None
            node.extra_ctes_injected, node.extra_ctes, node._pre_injected_sql = False, [], None


@contextmanager
def _dbt_environment(target_dir: Path, warehouse: Path) -> Iterator[None]:
    """What the profile and dbt itself read from the environment, for the time of one invocation."""
    wanted = {
        "LEAGUE_WAREHOUSE": str(warehouse),
        "DBT_TARGET_PATH": str(target_dir),
        "DBT_LOG_PATH": str(target_dir / "logs"),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "DBT_USE_COLORS": "false",
    }
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
