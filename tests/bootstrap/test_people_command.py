"""`milepost people`: links are printed, passwords never."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from bootstrap.cli import app


def test_people_are_let_in_and_shut_out_from_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The link goes to the address people know; the list tells who may come in."""
    monkeypatch.setenv("MILEPOST_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("MILEPOST_PUBLIC_URL", "https://points.shop.example/")
    monkeypatch.setenv("COLUMNS", "140")

    def milepost(*words: str) -> tuple[int, str]:
        result = CliRunner().invoke(app, list(words))
        return result.exit_code, result.output

    assert milepost("migrate")[0] == 0
    add = ("people", "add", "--role", "admin", "--email", "Ada@x.com", "--name", "Ada Wong")
    first = milepost(*add)[1].splitlines()[0]
    assert first.startswith("https://points.shop.example/console/link/")
    again = milepost("people", "reset", "ada@x.com")[1].splitlines()[0]
    assert again.startswith("https://points.shop.example/console/link/")
    assert again != first
    assert "ada@x.com" in milepost("people", "list")[1]
    code, said = milepost("people", "disable", "ada@x.com")
    assert (code, "is the only admin" in said) == (1, True)
    assert milepost("people", "reset", "eve@x.com")[0] == 1
    assert milepost(*add)[0] == 1

    monkeypatch.setenv("MILEPOST_LOCAL_ACCOUNTS", "false")
    for name, value in (
        ("ISSUER", "https://login.x.com"),
        ("CLIENT_ID", "m"),
        ("CLIENT_SECRET", "s"),
    ):
        monkeypatch.setenv(f"MILEPOST_OIDC_{name}", value)
    for words in (("people", "reset", "ada@x.com"), (*add[:5], "bo@x.com", *add[6:])):
        code, said = milepost(*words)
        assert (code, "/console/link/" in said) == (1, False)
        assert "links are switched off" in said
