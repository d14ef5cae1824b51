"""Verbs about documents: the generated reference and the offline site."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dagster_project import presentation
from dagster_project.commands.answers import Json, finish, reporting
from dagster_project.errors import WrongUsage
from dagster_project.settings import CONTRACT_FILE, IS_INSTALLED

app = typer.Typer(help="Documents made from dbt, the seeds and the suites.", no_args_is_help=True)


def _require_checkout() -> None:
    if IS_INSTALLED:
        raise WrongUsage(
            "The documents are made in a checkout of the project; the installed package doesn't bring them. The "
            "rules and columns that stand in them are in every publication too (`league publish`)."
        )


@app.command("reference")
def reference(
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; end with 1 if something has drifted.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Write docs/reference: data dictionary, rule books, assumptions, gates, lineage."""
    with reporting(as_json):
        _require_checkout()
        from dagster_project.documents.reference import (
            bundled_sources,
            reference_documents,
            refuse_drift,
            write_reference,
        )
        from dagster_project.settings import DataFolder

        with presentation.at_work("reading the models, the rules and the suites"):
            documents = reference_documents(bundled_sources(DataFolder.from_environment()))
        if check:
            refuse_drift(documents)
        changed = [] if check else write_reference(documents)
        result = {"documents": len(documents), "changed": changed}
        said = f"{len(documents)} documents in docs/reference, {len(changed)} changed"
        finish(result, as_json, lambda: print("\n".join([said, *(f"  {path}" for path in changed)])))


@app.command("contract")
def contract(
    check: Annotated[
        bool,
        typer.Option(
            "--check", help="Write nothing; end with 1 if it has drifted, or a change isn't allowed."
        ),
    ] = False,
    as_json: Json = False,
) -> None:
    """Write the contract with consumers, if its changelog declares every change and none breaks it."""
    with reporting(as_json):
        _require_checkout()
        from dagster_project.contract.contract import refuse_contract_drift, write_contract
        from dagster_project.documents.reference import bundled_sources
        from dagster_project.settings import DataFolder

        with presentation.at_work("reading the models"):
            sources = bundled_sources(DataFolder.from_environment())
        if check:
            refuse_contract_drift(sources)
        changed = [] if check else write_contract(sources)
        result = {
            "contract": f"contract/{CONTRACT_FILE.name}",
            "changed": [
                {"kind": change.kind, "name": change.name, "words": change.words} for change in changed
            ],
        }
        said = f"the contract stands in contract/{CONTRACT_FILE.name}, {len(changed)} changes"
        lines = [said, *(f"  {change.kind} {change.name}" for change in changed)]
        finish(result, as_json, lambda: print("\n".join(lines)))


@app.command("site")
def site(
    folder: Annotated[
        Path | None, typer.Argument(help="Where to; by default build/docs of the checkout.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Build every document, dbt's own and the quality pages as static pages that work offline."""
    with reporting(as_json):
        _require_checkout()
        from dagster_project.documents.site import SITE_DIR, build_site
        from dagster_project.settings import DataFolder

        with presentation.at_work("building the pages"):
            result = build_site(folder or SITE_DIR, DataFolder.from_environment())
        said = f"{result['pages']} pages: open {result['index']}"
        finish(result, as_json, lambda: print(said))
