"""Verbs that prove a release: verify it here, or bundle it for another machine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dagster_project import presentation
from dagster_project.commands.answers import Json, ReleasedQuarter, Rules, existing_folder, finish, reporting
from dagster_project.commands.help_panels import CHECK
from dagster_project.errors import WrongUsage
from dagster_project.quarters import Quarter
from dagster_project.settings import DataFolder

app = typer.Typer()

Release = Annotated[
    str | None,
    typer.Option("--release", help="A release's id or its start; without it, the current release."),
]


@app.command(rich_help_panel=CHECK)
def verify(
    quarter: Annotated[
        str | None, typer.Argument(help="A released quarter such as 2025-26-Q1; not needed with --bundle.")
    ] = None,
    release: Release = None,
    bundle: Annotated[
        Path | None, typer.Option("--bundle", help="Verify this bundle; no data folder is needed.")
    ] = None,
    with_its_code: Annotated[
        bool,
        typer.Option(
            "--with-its-code", help="With --bundle: run the code in it, where it isn't the one here."
        ),
    ] = False,
    sha256: Annotated[
        str | None,
        typer.Option(
            "--sha256",
            help="With --bundle: the sha256 that `league bundle` printed, from whoever made it; compared first.",
        ),
    ] = None,
    rules: Rules = None,
    no_rebuild: Annotated[
        bool, typer.Option("--no-rebuild", help="Check hashes only; don't make the release again.")
    ] = False,
    whole_archive: Annotated[
        bool, typer.Option("--whole-archive", help="Check every archived file, not only those it used.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Check a release against its hashes and code, make it again from the archive and compare every byte."""
    with reporting(as_json):
        from dagster_project.verification.presentation import show_verification

        asked = Quarter.from_argument(quarter) if quarter is not None else None
        with presentation.at_work():
            if bundle is not None:
                from dagster_project.verification.verify_bundle import verify_bundle

                if rules is not None or whole_archive:
                    raise WrongUsage(
                        "A bundle has its own rules and files: leave out --rules, --whole-archive."
                    )
                result = verify_bundle(
                    bundle,
                    quarter=asked,
                    release_id=release,
                    rebuild=not no_rebuild,
                    with_its_code=with_its_code,
                    sha256=sha256,
                )
            else:
                from dagster_project.releases.folder import whole_release_id
                from dagster_project.verification.verify import verify_release

                if asked is None or with_its_code:
                    raise WrongUsage("Name a quarter such as 2025-26-Q1; --with-its-code goes with --bundle.")
                data = DataFolder.from_environment()
                result = verify_release(
                    data,
                    asked,
                    release_id=release and whole_release_id(data, release, "--release", asked),
                    rules_dir=existing_folder(rules),
                    rebuild=not no_rebuild,
                    whole_archive=whole_archive,
                )
        finish(result, as_json, lambda: show_verification(result))


@app.command(rich_help_panel=CHECK)
def bundle(
    quarter: ReleasedQuarter,
    release: Release = None,
    output: Annotated[
        Path | None, typer.Option("--output", help="Where to; by default here, named for the release.")
    ] = None,
    rules: Rules = None,
    as_json: Json = False,
) -> None:
    """Put all that a release was made of and came to into one file that verifies elsewhere (RO-Crate)."""
    with reporting(as_json):
        from dagster_project.releases.folder import whole_release_id
        from dagster_project.verification.bundle import write_bundle
        from dagster_project.verification.presentation import show_bundle

        with presentation.at_work():
            data, asked = DataFolder.from_environment(), Quarter.from_argument(quarter)
            result = write_bundle(
                data,
                asked,
                release_id=release and whole_release_id(data, release, "--release", asked),
                output=output,
                rules_dir=existing_folder(rules),
            )
        finish(result, as_json, lambda: show_bundle(result))
