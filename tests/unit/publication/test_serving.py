"""Serving a publication: its headers, and to whom it answers."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from dagster_project.errors import InputMissing
from dagster_project.publication.folder import RECORD
from dagster_project.publication.serving import ASKED_AGAIN, COMPRESSED, HEADERS, KEPT, OF_DATA, application
from dagster_project.settings import PROJECT_ROOT

DATA = "data/v1/2025-26-Q1/lineage.csv.gz"
GUIDE = PROJECT_ROOT / "docs" / "publishing.md"


@pytest.fixture
def client(tmp_path: Path) -> TestClient:
    for path in ("index.html", "compare/index.html", "assets/site-0.css", "data/latest.json", DATA, RECORD):
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


def test_a_compressed_file_is_served_as_it_is_and_for_scripts_of_other_sites(client: TestClient) -> None:
    answer = client.get(f"/{DATA}")
    assert answer.headers.get_list("content-type") == [COMPRESSED["Content-Type"]]
    assert "content-encoding" not in answer.headers
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.content == b"<p>here</p>"
    # The same in the guide, where its location is the first that fits.
    guide = GUIDE.read_text(encoding="utf-8")
    blocks = re.findall(r"location (.*?) \{\n(.*?)\n    \}", guide, re.DOTALL)
    (block,) = (
        block
        for where, block in blocks
        if where.startswith("~ ") and re.search(where.removeprefix("~ "), f"/{DATA}")
    )
    for said in (COMPRESSED["Content-Type"], "Access-Control-Allow-Origin"):
        assert said in block


@pytest.mark.parametrize("path", ["/nowhere.html", "/assets/site-1.css", "/data/v1/nowhere.csv.gz"])
def test_the_answer_that_there_is_no_such_file_has_the_headers_and_is_not_kept(
    client: TestClient, path: str
) -> None:
    answer = client.get(path)
    assert answer.status_code == 404
    assert {name: answer.headers[name] for name in HEADERS} == HEADERS
    assert answer.headers["cache-control"] == ASKED_AGAIN
    assert answer.headers["content-type"].startswith("text/plain")


def test_it_answers_to_this_machines_names_only(client: TestClient) -> None:
    assert client.get("/", headers={"host": "localhost:8000"}).status_code == 200
    refused = client.get("/", headers={"host": "league.example"})
    assert refused.status_code == 400
    assert refused.headers["x-content-type-options"] == "nosniff"


def test_nothing_outside_the_folder_is_served(client: TestClient) -> None:
    for path in ("/../secret.txt", "/%2e%2e/secret.txt", "/compare/..%2f..%2fsecret.txt"):
        assert client.get(path).status_code == 404
    assert client.post("/").status_code == 405


def test_a_folder_without_a_publication_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputMissing, match=re.escape(f"{tmp_path}: expected a publication")):
        application(tmp_path)
