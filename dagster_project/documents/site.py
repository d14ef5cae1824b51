"""The offline site: README, docs, reference, dbt's own page and the quality pages, built by Sphinx."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from html import escape
from pathlib import Path
from typing import Any

from dagster_project.errors import LeagueError
from dagster_project.releases.folder import QUALITY_FILE
from dagster_project.settings import DBT_PROJECT_DIR, PROJECT_ROOT, WAREHOUSE_NAME, DataFolder

SITE_DIR = PROJECT_ROOT / "build" / "docs"
_DBT_PAGE = "dbt.html"
_FRONT_PAGE = Path(__file__).with_name("front_page.md")
_STYLE_SHEET = Path(__file__).with_name("narrow_tables.css")
# Sphinx treats every warning as an error: a link that leads nowhere ends the build.
_CONFIGURATION = """\
project = "NHS league tables, recomputed"
html_title = project
extensions = ["myst_parser", "dagster_project.documents.narrow_tables"]
myst_heading_anchors = 4
root_doc = "index"
html_theme = "furo"
html_static_path = ["static"]
html_css_files = ["narrow_tables.css"]
html_extra_path = ["extra"]
html_copy_source = False
html_show_copyright = False
html_show_sphinx = False
nitpicky = True


def setup(app):
    # Drawing Mermaid takes a script: here its flowcharts stand as text, the tables beside them say the same.
    from pygments.lexers.special import TextLexer

    app.add_lexer("mermaid", TextLexer)
"""
# dbt's page would load its tracker from here if telemetry were on; and it names a favicon by an unfilled template.
_TRACKER = '"//d1fc8wv8zag5ca.cloudfront.net/2.9.0/sp.js"'
_FAVICON = '<link rel="shortcut icon" href="${require(\'./assets/favicons/favicon.ico\')}"/>'


def build_site(folder: Path, data: DataFolder, *, dbt_page: bool = True) -> dict[str, Any]:
    """Builds the site anew in `folder`, which must be empty, missing or a site built before.

    The quality pages of the current releases of the data folder go with it. Nothing in the pages loads from
    elsewhere. Returns the number of pages and where to begin. Raises LeagueError with Sphinx's own words for
    a broken link, and where Sphinx isn't installed.
    """
    _refuse_foreign(folder)
    with tempfile.TemporaryDirectory() as temporary:
        source = Path(temporary) / "source"
        extra = source / "extra"
        extra.mkdir(parents=True)
        quality = _quality_pages(data, extra / "quality")
        if dbt_page:
            write_dbt_page(extra / _DBT_PAGE)
        _copy_documents(source)
        (source / "index.md").write_text(_index(quality, with_dbt=dbt_page), encoding="utf-8")
        (source / "static").mkdir()
        shutil.copyfile(_STYLE_SHEET, source / "static" / _STYLE_SHEET.name)
        (source / "conf.py").write_text(_CONFIGURATION, encoding="utf-8")
        built = Path(temporary) / "built"
        _run_sphinx(source, built)
        shutil.rmtree(folder, ignore_errors=True)
        folder.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(built, folder)
    return {"pages": len(list(folder.rglob("*.html"))), "index": str(folder / "index.html")}


def _refuse_foreign(folder: Path) -> None:
    if folder.exists() and any(folder.iterdir()) and not (folder / "objects.inv").is_file():
        raise LeagueError(f"{folder}: expected an empty folder or a site built before; found other files.")


def _quality_pages(data: DataFolder, folder: Path) -> list[str]:
    """Copies the quality page of each quarter's current release; returns the quarters."""
    pages = sorted(data.releases.glob(f"*/current/{QUALITY_FILE}"))
    folder.mkdir()
    for page in pages:
        shutil.copyfile(page, folder / f"{page.parts[-3]}.html")
    return [page.parts[-3] for page in pages]


def _copy_documents(source: Path) -> None:
    """The documents in the places that their links to each other expect."""
    for file in (*_root_pages(), PROJECT_ROOT / "LICENSE"):
        shutil.copyfile(file, source / file.name)
    shutil.copytree(PROJECT_ROOT / "docs", source / "docs")


def _root_pages() -> list[Path]:
    return sorted(PROJECT_ROOT.glob("*.md"), key=lambda file: (file.name != "README.md", file.name))


def _index(quarters: Iterable[str], *, with_dbt: bool) -> str:
    """The first page: each kind of reader led to theirs, then the pages that aren't Sphinx's, linked as they lie."""
    links = (
        [f'<li><a href="{_DBT_PAGE}">dbt: every model and test, with its SQL</a></li>'] if with_dbt else []
    )
    links += [
        f'<li><a href="quality/{escape(quarter)}.html">{escape(quarter)}: what each gate found</a></li>'
        for quarter in quarters
    ]
    beside = "## Beside these\n\n<ul>\n" + "\n".join(links) + "\n</ul>\n\n" if links else ""
    # README's title is the project's name, which this page has already.
    pages = [file.stem for file in _root_pages() if file.stem != "README"]
    contents = _toctree("Documents", "Read me first <README>", *pages, "docs/*") + _toctree(
        "Reference", "docs/reference/*"
    )
    return f"{_FRONT_PAGE.read_text(encoding='utf-8')}\n{beside}{contents}"


def _toctree(caption: str, *patterns: str) -> str:
    listed = "\n".join(patterns)
    return f"```{{toctree}}\n:caption: {caption}\n:glob:\n:hidden:\n:maxdepth: 1\n\n{listed}\n```\n\n"


def _run_sphinx(source: Path, built: Path) -> None:
    try:
        from sphinx.cmd.build import build_main
    except ImportError as error:
        raise LeagueError("Sphinx isn't installed: it comes with the extra `dev` (`make docs`).") from error
    log = source / "warnings.txt"
    doctrees = source / "doctrees"
    options = ["-W", "--keep-going", "-q", "-N", "-b", "html", "-d", str(doctrees), "-w", str(log)]
    if build_main([*options, str(source), str(built)]) != 0:
        said = log.read_text(encoding="utf-8").replace(f"{source}/", "")
        raise LeagueError(f"The documents don't build: mend what Sphinx names and try again.\n{said}")


def write_dbt_page(file: Path) -> None:
    """Writes the page: every model, seed, source and test with SQL and descriptions.

    It is compiled against an empty warehouse, so it needs no data. Raises LeagueError with dbt's own words.
    """
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder)
        arguments = ["docs", "generate", "--static", "--empty-catalog", "--quiet"]
        folders = ["--project-dir", str(DBT_PROJECT_DIR), "--profiles-dir", str(DBT_PROJECT_DIR)]
        ended = subprocess.run(
            [sys.executable, "-c", "from dbt.cli.main import cli; cli()", *arguments, *folders],
            env=os.environ
            | {
                "LEAGUE_WAREHOUSE": str(target / f"{WAREHOUSE_NAME}.duckdb"),
                "DBT_TARGET_PATH": str(target),
                "DBT_LOG_PATH": str(target / "logs"),
                "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
                "DBT_USE_COLORS": "false",
            },
            capture_output=True,
            text=True,
            check=False,
        )
        if ended.returncode != 0:
            raise LeagueError(f"dbt can't document {DBT_PROJECT_DIR}:\n{ended.stdout}{ended.stderr}")
        page = (target / "static_index.html").read_text(encoding="utf-8")
    file.write_text(_offline(page).replace(folder, "target"), encoding="utf-8")


def _offline(page: str) -> str:
    """The page without what it could load; raises LeagueError where a new dbt loads it in another way."""
    for text in (_TRACKER, _FAVICON):
        if text not in page:
            raise LeagueError(
                f"dbt's page no longer holds {text}: look at what this version of dbt loads from elsewhere, "
                "and change documents/site.py."
            )
    return page.replace(_TRACKER, '""').replace(_FAVICON, "")
