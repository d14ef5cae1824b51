"""What `league docs` says where the package is installed without the documents."""

from __future__ import annotations

import pytest
from league_command import league

from dagster_project.commands import docs
from dagster_project.settings import DataFolder


@pytest.mark.parametrize("verb", ["reference", "contract", "site"])
def test_documents_are_made_in_a_checkout_only(
    verb: str, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(docs, "IS_INSTALLED", True)
    ended = league("docs", verb, data=DataFolder(tmp_path_factory.mktemp("data")))
    assert ended.code == 2
    assert "made in a checkout" in ended.err
