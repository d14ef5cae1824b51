"""Serving a publication: its headers, and to whom it answers."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from dagster_project.errors import InputMissing
from dagster_project.publication.folder import RECORD
from dagster_project.publication.serving import ASKED_AGAIN, HEADERS, KEPT, OF_DATA, application
from dagster_project.settings import PROJECT_ROOT

GUIDE = PROJECT_ROOT / "docs" / "publishing.md"


@pytest.fixture
def client(tmp_path: Path) -> TestClient:
    for path in ("index.html", "compare/index.html", "assets/site-0.css", "data/latest.json", RECORD):
        file = tmp_path / "publication" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("<p>here</p>", encoding="utf-8")
    (tmp_path / "secret.txt").write_text("not to be served", encoding="utf-8")
    return TestClient(application(tmp_path / "publication"), base_url="http://127.0.0.1:8000")


def test_pages_are_served_with_the_headers_that_the_guide_asks_for(client: TestClient) -> None:
    for path in ("/", "/compare/", "/assets/site-0.css", "/data/latest.json"):
        answer = client.get(path)
        assert answer.status_code == 200
        assert {name: answer.headers[name] for name in HEADERS} == HEADERS
    guide = GUIDE.read_text(encoding="utf-8")
    for name, value in {**HEADERS, **OF_DATA}.items():
        assert name in guide
        assert value in guide
    assert KEPT in guide
    assert ASKED_AGAIN in guide


def test_only_shared_files_are_kept_and_only_data_are_for_scripts_of_other_sites(client: TestClient) -> None:
    assert client.get("/assets/site-0.css").headers["cache-control"] == KEPT
    for path in ("/", "/data/latest.json"):
        assert client.get(path).headers["cache-control"] == ASKED_AGAIN
    assert client.get("/data/latest.json").headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-origin" not in client.get("/").headers


def test_it_answers_to_this_machines_names_only(client: TestClient) -> None:
    assert client.get("/", headers={"host": "localhost:8000"}).status_code == 200
    assert client.get("/", headers={"host": "league.example"}).status_code == 400


def test_nothing_outside_the_folder_is_served(client: TestClient) -> None:
    for path in ("/../secret.txt", "/%2e%2e/secret.txt", "/compare/..%2f..%2fsecret.txt"):
        assert client.get(path).status_code == 404
    assert client.post("/").status_code == 405


def test_a_folder_without_a_publication_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputMissing, match=re.escape(f"{tmp_path}: expected a publication")):
        application(tmp_path)
