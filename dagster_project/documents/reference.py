"""The folder docs/reference as a whole: what belongs in it, writing it, and saying where it has drifted."""

from __future__ import annotations

from pathlib import Path

from dagster_project.documents.data_dictionary import data_dictionary
from dagster_project.documents.gate_book import gate_book
from dagster_project.documents.lineage_page import lineage_documents
from dagster_project.documents.markdown import heading, page, table
from dagster_project.documents.rule_book import assumptions, rule_book
from dagster_project.documents.sources import DocumentSources
from dagster_project.durable import write_whole
from dagster_project.errors import LeagueError
from dagster_project.methodology.rule_set import read_rules
from dagster_project.settings import PROJECT_ROOT, DataFolder
from dagster_project.warehouse.dbt_project import checkout_project

REFERENCE_DIR = PROJECT_ROOT / "docs" / "reference"
REMEDY = "Run `make docs-reference` (or `league docs reference`) and commit docs/reference/."
_GENERATED = (
    "Made from dbt's YAML, the seeds and the suites by `make docs-reference`. Don't edit: a test compares."
)


def bundled_sources(data: DataFolder) -> DocumentSources:
    """The checkout's own dbt project and rules; what dbt parsed is kept in the data folder, as runs keep it."""
    return DocumentSources(checkout_project(data).manifest, read_rules())


def reference_documents(sources: DocumentSources) -> dict[str, str]:
    """Path below docs/reference -> text. The same sources give the same text, on any machine and day."""
    books = {
        f"rule-book-{framework}.md": rule_book(sources, framework) for framework in sources.rules.frameworks
    }
    documents = {
        "data-dictionary.md": data_dictionary(sources),
        **books,
        "assumptions.md": assumptions(sources),
        "gates.md": gate_book(sources),
        **lineage_documents(sources),
    }
    documents["README.md"] = _contents(list(books))
    return dict(sorted(documents.items()))


def write_reference(documents: dict[str, str], folder: Path = REFERENCE_DIR) -> list[str]:
    """Makes the folder hold these documents and no others; returns the paths that changed."""
    changed = drift(documents, folder)
    for path in changed:
        target = folder / path
        if path in documents:
            write_whole(target, documents[path])
        else:
            target.unlink()
    return changed


def drift(documents: dict[str, str], folder: Path = REFERENCE_DIR) -> list[str]:
    """Paths that are missing, differ or don't belong: empty where the folder is what the sources give."""
    found = {
        path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8")
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    return sorted(path for path in documents.keys() | found.keys() if documents.get(path) != found.get(path))


def refuse_drift(documents: dict[str, str], folder: Path = REFERENCE_DIR) -> None:
    """Raises LeagueError, naming what drifted and what to do."""
    changed = drift(documents, folder)
    if changed:
        raise LeagueError(
            f"docs/reference isn't what dbt, seeds and suites give: {', '.join(changed)}. {REMEDY}"
        )


def _contents(books: list[str]) -> str:
    rows = [
        (
            "[data dictionary](data-dictionary.md)",
            "every released table and mart: grain, columns, units, tests",
        ),
        *(
            (
                f"[rule book {Path(book).stem.removeprefix('rule-book-')}]({book})",
                "every rule in words, with its state and source",
            )
            for book in books
        ),
        ("[assumptions](assumptions.md)", "every rule that isn't stated or verified, and what is unknown"),
        ("[gates](gates.md)", "every expectation of every gate in words"),
        (
            "[lineage](lineage.md)",
            "which table reads which, from the publishers' files to each mart, by stage",
        ),
        (
            "[what each mart is made from](lineage-marts.md)",
            "a flowchart of each mart, back to the landed rows",
        ),
    ]
    return page(heading(1, "Reference"), _GENERATED, table(("document", "what is in it"), rows))
