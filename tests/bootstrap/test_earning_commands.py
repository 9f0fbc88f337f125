"""`milepost earning`: a file of rules checked, switched on and shown."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from bootstrap.cli import app

RULES = (
    "base: {minor: 500}\nrules:\n  - id: weekend\n    when: {weekdays: [sat]}\n    bonus_bp: 5000\n"
)


@pytest.fixture(autouse=True)
def _own_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MILEPOST_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("COLUMNS", "140")


def milepost(*words: str, ends: int = 0) -> str:
    done = CliRunner().invoke(app, list(words))
    assert done.exit_code == ends, done.output
    return done.output


@pytest.mark.parametrize("command", ["check", "activate", "show"])
def test_help_teaches_each_command(command: str) -> None:
    shown = milepost("earning", command, "--help")
    assert f"milepost earning {command}" in shown.partition("Example")[2]


def test_a_file_is_checked_activated_and_shown(tmp_path: Path) -> None:
    """With the most it could give, before it counts."""
    milepost("migrate")
    file = tmp_path / "rules.yaml"
    file.write_text(RULES)

    said = "Highest stack: 5 times the base (card), 100 points for 100.00 CNY, 1%"
    assert said in milepost("earning", "check", str(file))
    made = milepost("earning", "activate", str(file), "--from", "2099-01-01")
    assert "Version 2 is made; it counts from 2099-01-01 00:00 CST." in made
    assert "was there already" in milepost(
        "earning", "activate", str(file), "--from", "2099-01-01T00:00"
    )
    mend = tmp_path / "mend.yaml"
    mend.write_text("base: {minor: 900}\n")
    assert "version takes over, without this change" in milepost(
        "earning", "activate", str(mend), ends=1
    )
    listed = milepost("earning", "show").splitlines()
    assert ["yes" in line for line in listed[1:3]] == [True, False]
    assert "bonus_bp: 5000" in milepost("earning", "show", "2")
    assert "There is no version" in milepost("earning", "show", "7", ends=1)
    assert "Version 3 is made" in milepost("earning", "activate", str(mend), "--until-version", "2")


def test_a_broken_file_ends_with_1_and_says_why(tmp_path: Path) -> None:
    """File, line, field, and what was probably meant."""
    file = tmp_path / "rules.yaml"
    file.write_text(RULES.replace("weekdays", "weekday"))

    said = milepost("earning", "check", str(file), ends=1)

    assert f"{file}:4: step 'weekend', when.weekday: There is no field 'weekday'." in said
    assert "Did you mean weekdays?" in said
    assert "does not exist" in milepost("earning", "check", str(tmp_path / "none"), ends=2)


def test_a_moment_that_is_none_is_refused(tmp_path: Path) -> None:
    milepost("migrate")
    file = tmp_path / "rules.yaml"
    file.write_text(RULES)

    assert "is not a date" in milepost(
        "earning", "activate", str(file), "--from", "tomorrow", ends=1
    )
