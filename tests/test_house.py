"""The house rules: what the documents promise about the repository itself."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
LAYERS: list[str] = PROJECT["tool"]["importlinter"]["root_packages"]


def _tracked() -> list[Path]:
    """Every file of the repository that a clone would have."""
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("only a git checkout knows which files are its own")
    listed = subprocess.run(
        ["git", "-c", f"safe.directory={ROOT}", "ls-files", "-z"],
        cwd=ROOT,
        capture_output=True,
        check=True,
        text=True,
    )
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""


def _lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    linter = Path(sys.executable).with_name("lint-imports")
    return subprocess.run(
        [linter, "--no-cache", "--config", "pyproject.toml"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder), "COLUMNS": "200"},
        capture_output=True,
        check=False,
        text=True,
    )


def test_the_import_contracts_hold() -> None:
    """The layers, the pure closure and the independence of workflows are as documented."""
    result = _lint_imports(ROOT)

    assert result.returncode == 0, result.stdout
    assert "0 broken" in result.stdout


def test_a_workflow_that_reaches_the_database_is_refused(tmp_path: Path) -> None:
    """The pure closure counts indirect imports: a domain module in between hides nothing."""
    for name in LAYERS:
        shutil.copytree(ROOT / name, tmp_path / name)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / "loyalty" / "shortcut.py").write_text("import sqlalchemy\n")
    (tmp_path / "workflows" / "hasty.py").write_text("import loyalty.shortcut\n")

    result = _lint_imports(tmp_path)

    assert result.returncode != 0
    assert "workflows is not allowed to import sqlalchemy" in result.stdout
    assert "workflows.hasty -> loyalty.shortcut" in result.stdout


def test_every_make_command_that_a_document_names_exists() -> None:
    """A reader who types what a document says gets what it says."""
    targets = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    documents = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), ROOT / ".ci" / "run"]
    named = {
        (document.name, target)
        for document in documents
        for target in re.findall(r"(?:`|^|step )make ([a-z-]+)", _text(document), re.MULTILINE)
    }

    assert {target for _, target in named} >= {"demo", "test", "check"}
    assert [(name, target) for name, target in sorted(named) if target not in targets] == []


def test_make_alone_prints_every_command() -> None:
    """The list shown is the whole list: no command is a secret."""
    makefile = (ROOT / "Makefile").read_text()
    phony = set(" ".join(re.findall(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)).split())
    shown = subprocess.run(["make"], cwd=ROOT, capture_output=True, check=True, text=True)

    assert phony == set(re.findall(r"^  make (\S+) +\S", shown.stdout, re.MULTILINE))


def test_no_file_names_a_machine_it_was_written_on() -> None:
    """Paths of somebody's computer and addresses of package servers stay out of the repository."""
    folder = r"(?<![\w.<~-])/(?:" + "|".join(["work", "tm" + "p", "home", "root"]) + r")(?![\w-])"
    server = "|".join(re.escape(a + b) for a, b in (
        ("pypi", ".org"), ("python", "hosted.org"), ("npm", "js.org"), ("npm", "js.com"),
        ("deb.", "debian.org"), ("crates", ".io"),
    ))  # fmt: skip
    telling = re.compile(f"{folder}|{server}")
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:80]}"
        for path in _tracked()
        if path.suffix != ".lock" and path != Path(__file__)
        for number, line in enumerate(_text(path).splitlines(), 1)
        if telling.search(line)
    ]

    assert found == []


def test_the_changelog_has_a_place_for_what_comes_next() -> None:
    """Whoever upgrades reads first what is not released yet; an empty section is no news."""
    changelog = (ROOT / "CHANGELOG.md").read_text()
    unreleased = re.search(r"^## Unreleased\n(.*?)(?=^## |\Z)", changelog, re.MULTILINE | re.DOTALL)

    assert unreleased is not None
    assert re.search(r"^- \S", unreleased.group(1), re.MULTILINE)


def test_decisions_are_numbered_without_gaps_and_say_why() -> None:
    """A decision can be cited by number, and each has its reasons and what was not chosen."""
    pages = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    numbers = [int(page.name[:4]) for page in pages]

    assert numbers == list(range(1, len(pages) + 1))
    assert numbers
    for page in pages:
        text = page.read_text()
        headings = re.findall(r"^## (.+)$", text, re.MULTILINE)
        assert headings == ["Context", "Decision", "Consequences", "Alternatives"], page.name
        assert text.startswith(f"# {page.name[:4]}: "), page.name


def test_every_rule_that_is_cited_is_on_the_page_of_rules_with_its_tests() -> None:
    """Whoever reads "rule 14" or "feature 30" can look it up, and sees what holds us to it."""
    page = (ROOT / "docs" / "rules.md").read_text()
    rules, _, features = page.partition("## Features")
    code = [path.read_text() for path in _tracked() if path.suffix == ".py"]

    for word, told in (("rule", rules), ("feature", features)):
        known = set(re.findall(r"^\| (\d+) \|", told, re.MULTILINE))
        assert {each for text in code for each in _cited(word, text)} <= known, word

    named = re.findall(r"\[(test_\w+)\]\(\.\./(tests/[\w/]+\.py)\)", rules)
    gone = [test for test, path in named if f"def {test}(" not in (ROOT / path).read_text()]
    assert len(named) > 40
    assert gone == []


def _cited(word: str, text: str) -> set[str]:
    """The numbers behind "rule 7", "rules 1, 6 and 9"; of "features 15 to 21" both ends."""
    numbers = set()
    for found in re.findall(
        rf"\b{word}s? (\d+(?:(?:, | and |, and | to )\d+)*)", text, re.IGNORECASE
    ):
        numbers |= set(re.findall(r"\d+", found))
    return numbers


def test_links_between_documents_lead_somewhere() -> None:
    """No document sends its reader to a page that is not there."""
    documents = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]
    broken = [
        f"{document.relative_to(ROOT)}: {target}"
        for document in documents
        for target in re.findall(r"\]\(([^)#\s]+)", document.read_text())
        if "://" not in target and not (document.parent / target).exists()
    ]

    assert broken == []


def test_packages_run_nothing_when_they_are_imported() -> None:
    """Every package's own file is empty, so an import has no effects and no order."""
    loud = [
        path.relative_to(ROOT).as_posix()
        for name in LAYERS
        for path in (ROOT / name).rglob("__init__.py")
        if path.read_text().strip()
    ]

    assert loud == []


def test_everything_that_runs_is_shipped() -> None:
    """The wheel has every package and the templates, where an installed program looks for them."""
    shipped = set(PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"])

    assert shipped == {*LAYERS, "campaign_templates"}
    assert set(PROJECT["tool"]["mypy"]["packages"]) == {*LAYERS, "tests", "benchmarks"}
