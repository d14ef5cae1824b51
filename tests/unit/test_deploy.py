"""What `deploy/` holds: settings that Dagster takes, units and services that start what there is, and no secret."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from required import missing

from dagster_project.cli import app
from dagster_project.dagster_home import LONGEST_FETCH, NO_TELEMETRY, SETTINGS_FILE, dagster_home
from dagster_project.run_history import CODE_LOCATION, DEFINITIONS
from dagster_project.settings import PROJECT_ROOT, DataFolder

DEPLOY = PROJECT_ROOT / "deploy"
SERVICES = ("code", "daemon", "web")
UNITS = sorted((DEPLOY / "systemd").glob("*.*"))
SYSTEMD = shutil.which("systemd-analyze")


def variables() -> dict[str, str]:
    lines = (DEPLOY / "league.env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def started_by_unit(name: str) -> str:
    (said,) = re.findall(
        r"^ExecStart=(.*)$", (DEPLOY / "systemd" / f"league-{name}.service").read_text(), re.M
    )
    return str(said)


def compose() -> dict[str, Any]:
    return dict(yaml.safe_load((DEPLOY / "compose.yaml").read_text()))


def test_an_operators_production_settings_stay_as_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DAGSTER_HOME", *NO_TELEMETRY, *LONGEST_FETCH):
        monkeypatch.setenv(name, "")
    data = DataFolder(tmp_path)
    data.dagster_home.mkdir()
    shutil.copy(DEPLOY / SETTINGS_FILE, data.dagster_home)
    before = (DEPLOY / SETTINGS_FILE).read_bytes()
    dagster_home(data)
    assert (data.dagster_home / SETTINGS_FILE).read_bytes() == before


def test_settings_queue_the_writers_watch_their_processes_and_hold_no_password() -> None:
    said = yaml.safe_load((DEPLOY / SETTINGS_FILE).read_text())
    assert said["storage"] == {"postgres": {"postgres_url": {"env": "LEAGUE_DAGSTER_DB"}}}
    assert said["concurrency"]["pools"] == {"granularity": "run", "default_limit": 1}
    assert said["run_launcher"]["module"] == "dagster_project.run_launcher"
    assert said["run_retries"]["retry_on_asset_or_op_failure"] is False
    assert said["telemetry"] == {"enabled": False}


def test_the_variables_are_those_of_the_command_and_none_is_a_secret() -> None:
    named = variables()
    assert named.items() >= {**NO_TELEMETRY, **LONGEST_FETCH}.items()
    assert named["DAGSTER_HOME"] == str(DataFolder(Path(named["LEAGUE_DATA_DIR"])).dagster_home)
    assert named["LEAGUE_DAGSTER_DB"].startswith("postgresql+psycopg2://")
    for text in (file.read_text() for file in sorted(DEPLOY.rglob("*")) if file.is_file()):
        assert not re.search(r"://[^/@\s]+:[^/@\s]+@", text), "an address with a password"
        assert not re.search(r"^\s*[A-Z_]*PASSWORD[:=]\s*\S", text, re.M)


def test_units_and_containers_start_the_same_programs_and_those_are_there() -> None:
    services = compose()["services"]
    for name in SERVICES:
        unit = started_by_unit(name).replace("/opt/league/venv/bin/", "").replace("/opt/league/", "")
        container = " ".join(services[name]["command"])
        assert unit.replace("127.0.0.1", "0.0.0.0") == container
    assert f"-m {DEFINITIONS} --location-name {CODE_LOCATION}" in started_by_unit("code")
    (location,) = yaml.safe_load((DEPLOY / "workspace.yaml").read_text())["load_from"]
    assert location["grpc_server"]["location_name"] == CODE_LOCATION
    assert f"--socket {location['grpc_server']['socket']}" in started_by_unit("code")
    assert "league health" in " ".join(services["daemon"]["healthcheck"]["test"])
    assert "health" in {command.name or command.callback.__name__ for command in _verbs()}  # type: ignore[union-attr]


def _verbs() -> list[Any]:
    return [
        command for group in app.registered_groups for command in group.typer_instance.registered_commands
    ]  # type: ignore[union-attr]


def test_containers_run_without_rights_wait_for_each_other_and_take_secrets_from_files() -> None:
    content = compose()
    for name in SERVICES:
        service = content["services"][name]
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["restart"] == "unless-stopped"
        assert service["healthcheck"]["test"][0] == "CMD"
        assert {volume.split(":")[0] for volume in service["volumes"]} <= content["volumes"].keys()
        assert set(service["secrets"]) <= content["secrets"].keys()
        assert all(
            content["services"][other]["healthcheck"] and wait == {"condition": "service_healthy"}
            for other, wait in service["depends_on"].items()
        )
    assert content["services"]["web"]["ports"] == ["127.0.0.1:3000:3000"]
    recipe = (DEPLOY / "Containerfile").read_text()
    assert re.search(r"^USER league$", recipe, re.M)
    bases = re.findall(r"^FROM (\S+)", recipe, re.M)
    assert re.fullmatch(r"python:\d+\.\d+-slim-\w+", bases[0])
    assert len(set(bases)) == 1
    assert (DEPLOY / "entrypoint.sh").stat().st_mode & 0o111
    # Where the documentation's lakes lie.
    assert "lake:/srv/lake" in content["services"]["code"]["volumes"]
    assert "/srv/lake" in recipe
    assert re.search(
        r"^ReadWritePaths=.* -/srv/lake$", (DEPLOY / "systemd" / "league-code.service").read_text(), re.M
    )


def test_a_container_starts_with_its_secrets_from_files_and_the_settings_of_production(
    tmp_path: Path,
) -> None:
    (tmp_path / "secret").write_text("it's a $secret\n")
    home = tmp_path / "dagster"
    asked = [str(DEPLOY / "entrypoint.sh"), "printenv", "PGPASSWORD"]
    environment = os.environ | {"PGPASSWORD_FILE": str(tmp_path / "secret"), "DAGSTER_HOME": str(home)}
    ended = subprocess.run(asked, env=environment, capture_output=True, text=True, check=True)
    assert (ended.stdout, ended.stderr) == ("it's a $secret\n", "")
    assert (home / SETTINGS_FILE).read_bytes() == (DEPLOY / SETTINGS_FILE).read_bytes()
    (home / SETTINGS_FILE).write_text("telemetry: {enabled: false}\n")
    subprocess.run(asked, env=environment, capture_output=True, check=True)
    assert (home / SETTINGS_FILE).read_text() == "telemetry: {enabled: false}\n"
    assert [path.name for path in home.iterdir()] == [SETTINGS_FILE]


def test_no_secret_comes_into_an_image_or_into_git() -> None:
    ignored = (PROJECT_ROOT / ".dockerignore").read_text().splitlines()
    unknown = (PROJECT_ROOT / ".gitignore").read_text().splitlines()
    assert not (PROJECT_ROOT / ".containerignore").exists(), (
        "podman would read it instead, and Docker wouldn't"
    )
    secrets = compose()["secrets"]
    assert secrets
    for secret in secrets.values():
        folder = os.path.relpath((DEPLOY / secret["file"]).parent, PROJECT_ROOT)
        assert folder in ignored
        assert f"/{folder}/" in unknown
    image = (DEPLOY / "Containerfile").read_text().rpartition("\nFROM ")[2]
    copied = re.findall(r"^COPY (?!--from)(.*) \S+$", image, re.M)
    assert copied
    assert all((PROJECT_ROOT / file).is_file() for line in copied for file in line.split())


def test_both_set_ups_install_the_wheel_which_brings_the_pages_shared_files() -> None:
    recipe = (DEPLOY / "Containerfile").read_text()
    documented = (PROJECT_ROOT / "docs" / "deployment.md").read_text()
    for text in (recipe, documented):
        assert re.search(r"pip install --require-hashes -r \S*requirements-production\.lock$", text, re.M)
        assert re.search(r"pip install .*--no-deps \S*/\*\.whl", text)
        assert "--editable" not in text
    assert "python -m build --wheel --no-isolation" in recipe
    assert "make -C /opt/league wheel" in documented


def test_no_service_starts_in_a_checkout_whose_code_would_go_before_the_wheels() -> None:
    assert UNITS
    for unit in UNITS:
        if unit.suffix == ".service":
            assert "\nWorkingDirectory=/var/lib/league\n" in unit.read_text()


def test_the_command_for_root_runs_as_the_services_do() -> None:
    command = DEPLOY / "league-as-service"
    assert command.stat().st_mode & 0o111
    said = command.read_text()
    unit = (DEPLOY / "systemd" / "league-code.service").read_text()
    for kind in ("EnvironmentFile", "WorkingDirectory", "UMask"):
        asked = re.findall(rf"^{kind}=(\S+)$", unit, re.M)
        assert asked
        assert re.findall(rf"--property={kind}=(\S+)", said) == asked
    assert "--uid=league --gid=league" in said
    assert "\nUser=league\nGroup=league\n" in unit


def test_systemd_takes_the_units_and_finds_them_closed(tmp_path: Path) -> None:
    if SYSTEMD is None:
        missing("systemd", "no systemd-analyze: apt-get install systemd")
    for unit in UNITS:
        # What they start isn't where an installation has it.
        text = re.sub(
            r"^(Exec\w+=)/opt/league/venv/bin/\w[\w-]*", r"\1/bin/true", unit.read_text(), flags=re.M
        )
        (tmp_path / unit.name).write_text(text)
    units = sorted(map(str, tmp_path.iterdir()))
    verified = subprocess.run(
        [str(SYSTEMD), "verify", "--man=no", *units], capture_output=True, text=True, check=False
    )
    assert (verified.returncode, verified.stderr) == (0, "")
    for unit in units:
        if unit.endswith(".service"):
            closed = subprocess.run(
                [str(SYSTEMD), "security", "--offline=true", "--threshold=20", unit],
                capture_output=True,
                text=True,
                check=False,
            )
            assert closed.returncode == 0, closed.stdout
