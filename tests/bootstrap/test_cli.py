"""The command line, on a real database file: what operators and marketers do by hand."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from api.reads import ActSearch
from bootstrap.cli import app
from bootstrap.settings import read_settings
from bootstrap.wiring import Parts
from loyalty.access import fingerprint
from loyalty.admission import compiled
from loyalty.registration import Registration, register

Milepost = Callable[..., Result]


@pytest.fixture
def milepost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Milepost:
    """Runs `milepost` with the given words, on a migrated database of this test's own."""
    monkeypatch.setenv("MILEPOST_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("MILEPOST_TEMPORAL_ADDRESS", "127.0.0.1:1")  # nobody there
    monkeypatch.setenv("COLUMNS", "140")
    runner = CliRunner()

    def run(*words: str) -> Result:
        return runner.invoke(app, list(words))

    assert run("migrate").exit_code == 0
    return run


@pytest.fixture
def parts(milepost: Milepost) -> Parts:
    return Parts(read_settings())


def test_help_teaches_each_command(milepost: Milepost) -> None:
    """Every command explains itself with an example that can be typed as it stands."""
    commands = (
        "up", "server", "worker", "relay", "migrate", "migration", "settings", "prove", "outbox",
        "explain", "run", "runs", "retry", "skip", "cancel", "demo", "keys create", "keys list",
        "keys revoke", "campaigns list", "campaigns launch", "campaigns pause",
        "campaigns resume", "campaigns stop", "templates list", "templates check",
    )  # fmt: skip

    for command in commands:
        shown = milepost(*command.split(), "--help")
        assert shown.exit_code == 0
        assert f"milepost {command}" in shown.output.partition("Example")[2], command


def test_a_look_from_another_folder_says_where_it_looked(
    milepost: Milepost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is made there: an empty programme would be found in order by every look at it."""
    elsewhere = tmp_path / "elsewhere"
    monkeypatch.setenv("MILEPOST_DATA_DIR", str(elsewhere))

    for command in ("runs", "prove", "outbox"):
        looked = milepost(command)
        assert looked.exit_code == 1
        assert str(elsewhere) in looked.output
        assert "MILEPOST_DATA_DIR" in looked.output
    assert not elsewhere.exists()


def test_a_name_that_nobody_has_is_no_all_clear(milepost: Milepost) -> None:
    """A mistyped campaign is said, and not answered with "no run is like that"."""
    for option in ("--campaign", "--member"):
        looked = milepost("runs", option, "nope")
        assert looked.exit_code == 1
        assert "'nope'" in looked.output
    assert milepost("runs", "--stuck").exit_code == 0


def test_a_key_is_shown_once_and_can_be_ended(milepost: Milepost, parts: Parts) -> None:
    """A new key works as printed, is listed without its secret, and can be revoked."""
    made = milepost("keys", "create", "--role", "integrator", "--name", "till-1")
    token = made.output.splitlines()[0]
    key = parts.keys.find(fingerprint(token))
    assert key is not None
    assert key.role == "integrator"

    listed = milepost("keys", "list").output
    assert key.id in listed
    assert token not in listed

    assert milepost("keys", "revoke", key.id).exit_code == 0
    assert parts.keys.find(fingerprint(token)) is None


def test_an_unknown_role_is_refused_with_those_there_are(milepost: Milepost) -> None:
    """A role that does not exist is refused in plain words, without a traceback."""
    refused = milepost("keys", "create", "--role", "king", "--name", "lee")

    assert refused.exit_code == 1
    assert "There is no role 'king'." in refused.output


def test_a_campaign_from_the_shell(milepost: Milepost, parts: Parts) -> None:
    """Launch from a template with figures of one's own, hold it, go on, stop it, with reasons."""
    launched = milepost(
        "campaigns", "launch", "new_member_bonus",
        "--id", "welcome", "--set", "welcome_points=300", "--budget", "5000",
    )  # fmt: skip
    assert launched.output == "welcome is launched.\n"
    assert re.search(
        r"welcome +new_member_bonus +launched +0 +0 +5,000", milepost("campaigns", "list").output
    )

    assert milepost("campaigns", "pause", "welcome", "--reason", "wrong text").exit_code == 0
    assert milepost("campaigns", "resume", "welcome", "--reason", "mended").exit_code == 0
    assert milepost("campaigns", "stop", "welcome", "--reason", "over").exit_code == 0
    again = milepost("campaigns", "resume", "welcome", "--reason", "please")

    assert again.exit_code == 1
    assert "only a campaign that is paused can be" in again.output
    reasons = [line["reason"] for line in parts.reads.acts(ActSearch(target="welcome"))]
    assert reasons[:3] == ["over", "mended", "wrong text"]


def test_a_launch_that_needs_two_says_that_it_waits(
    milepost: Milepost, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Where one person asks and another approves, nobody takes the request for a launch."""
    (tmp_path / "programme.yaml").write_text("launch: {second_person: true}\n")
    monkeypatch.setenv("MILEPOST_PROGRAMME_FILE", str(tmp_path / "programme.yaml"))

    asked = milepost("campaigns", "launch", "new_member_bonus", "--id", "welcome")

    assert "welcome is draft until another person approves it" in asked.output


def test_a_state_that_no_run_can_be_in_is_refused(milepost: Milepost) -> None:
    """A slip of the pen is no empty result."""
    refused = milepost("runs", "--state", "wating")

    assert refused.exit_code == 2
    assert "waiting" in refused.output
    assert milepost("runs", "--state", "waiting").exit_code == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ("campaigns", "launch", "new_member_bonus", "--id", "My Shop"),
            "  --id: must be small letters",
        ),
        (("campaigns", "launch", "new_member_bonus", "--holdout", "80"), "  --holdout: must be 50"),
        (("members", "merge", "a", "b", "--reason", "same", "--id", "ä ö"), "  --id: must be "),
        (
            ("campaigns", "launch", "new_member_bonus", "--audience", "foo bar"),
            "  audience: The condition cannot be read from 'bar' on.\n",
        ),
        (
            ("people", "add", "--email", "mei@example.com", "--name", "Mei", "--role", "king"),
            "role is no role.\n  one of: integrator, marketer, operator, admin\n",
        ),
    ],
)
def test_what_was_written_wrong_is_said_once_by_its_option(
    milepost: Milepost, words: tuple[str, ...], said: str
) -> None:
    """In plain words on standard error, with nothing on standard output for a script to take."""
    refused = milepost(*words)

    assert refused.exit_code == 1
    assert said in refused.stderr
    assert refused.stdout == ""


@pytest.mark.parametrize(
    "words",
    [
        ("campaigns", "pause", "welcome", "--reason", " "),
        ("retry", "j/welcome/lee/once", "--reason", ""),
        ("members", "erase", "lee", "--id", "e-1", "--reason", ""),
        ("keys", "create", "--role", "admin", "--name", ""),
        ("explain", "lee", "welcome", "--locale", "fr"),
        ("templates", "check", "no-such-folder"),
    ],
)
def test_an_empty_reason_or_a_choice_that_is_none_is_wrong_usage(
    milepost: Milepost, parts: Parts, words: tuple[str, ...]
) -> None:
    """The audit trail gets no act without a why, and nobody is answered in another language."""
    milepost("campaigns", "launch", "new_member_bonus", "--id", "welcome")
    acts = len(parts.reads.acts(ActSearch()))

    refused = milepost(*words)

    assert refused.exit_code == 2
    assert refused.stdout == ""
    assert len(parts.reads.acts(ActSearch())) == acts


def test_no_key_is_made_where_there_is_no_ledger(
    milepost: Milepost, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Called in the wrong folder it hands out no key that checks nothing."""
    assert milepost("ledger", "key").output.startswith("milepost+")
    monkeypatch.setenv("MILEPOST_DATA_DIR", str(tmp_path / "elsewhere"))

    refused = milepost("ledger", "key")

    assert refused.exit_code == 1
    assert "MILEPOST_SEAL_KEY" in refused.stderr
    assert not (tmp_path / "elsewhere").exists()


def test_a_value_out_of_bounds_is_named(milepost: Milepost) -> None:
    """A figure the template does not allow is refused with the field and its bounds."""
    refused = milepost("campaigns", "launch", "new_member_bonus", "--set", "welcome_points=-5")

    assert refused.exit_code == 1
    assert "welcome_points" in refused.output


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("sku", "00123"),
        ("title_en", "Yes"),
        ("title_zh", "[杯]"),
        ("title_en", "@home: 50% off!"),
        ("audience", '"vip" in member.tags'),
    ],
)
def test_a_value_is_taken_as_it_is_written(
    milepost: Milepost, parts: Parts, name: str, written: str
) -> None:
    """An item number keeps its zeros, and a text may begin with whatever it likes."""
    words = (f"{name}={written}", "opens_at=2027-03-08T10:00+08:00", "closes_at=2027-03-10T22:00Z")
    sets = [word for each in words for word in ("--set", each)]
    launched = milepost("campaigns", "launch", "limited_time_exchange", "--id", "cup", *sets)

    assert launched.output == "cup is launched.\n"
    version = parts.store.read(lambda tx: tx.campaigns.version("cup", 1))
    assert compiled(version).values[name] == written


def test_explaining_a_member_nobody_has_decided_about(milepost: Milepost, parts: Parts) -> None:
    """Before anything happened, it says what would happen, and writes nothing."""
    parts.store.run(lambda tx: register(tx, Registration(id="lee")))
    milepost("campaigns", "launch", "new_member_bonus", "--id", "welcome")

    en = milepost("explain", "lee", "welcome").output
    zh = milepost("explain", "lee", "welcome", "--locale", "zh").output

    assert "Nothing has been decided yet." in en
    assert "尚未作出决定" in zh
    assert not parts.reads.decisions_of("lee", "welcome")


def test_a_member_who_entered_is_explained_and_shown(milepost: Milepost, parts: Parts) -> None:
    """Entry is said in one sentence; the run is shown even while Temporal is away."""
    milepost("campaigns", "launch", "new_member_bonus", "--id", "welcome")
    parts.store.run(lambda tx: register(tx, Registration(id="lee")))

    assert "Entered the campaign" in milepost("explain", "lee", "welcome").output
    (run_id,) = re.findall(r"j/welcome/lee/\S+", milepost("runs", "--member", "lee").output)
    shown = milepost("run", run_id)
    assert shown.exit_code == 0
    assert "Entered the campaign" in shown.output
    assert "Temporal does not answer" in shown.output

    assert milepost("cancel", run_id, "--reason", "entered by mistake").exit_code == 0
    assert "cancelled the run: entered by mistake" in milepost("run", run_id).output


def test_what_does_not_exist_is_said_plainly(milepost: Milepost) -> None:
    """Unknown members, campaigns, runs and templates are named, not traced."""
    for words, said in (
        (("explain", "lee", "welcome"), "There is no campaign 'welcome'."),
        (("run", "j/welcome/lee/once"), "There is no run 'j/welcome/lee/once'."),
        (("campaigns", "launch", "nothing"), "There is no template 'nothing'."),
        (("retry", "j/x/y/z", "--reason", "r"), "There is no run 'j/x/y/z'."),
    ):
        refused = milepost(*words)
        assert refused.exit_code == 1
        assert said in refused.output


def test_the_ledger_is_proved(milepost: Milepost, parts: Parts) -> None:
    """The sums hold on a fresh database; a tampered balance ends the command with 1."""
    assert milepost("prove").exit_code == 0
    parts.store.run(lambda tx: register(tx, Registration(id="lee")))
    parts.store.run(lambda tx: tx.ledger.earn("k", "lee", 50))
    assert milepost("prove").exit_code == 0

    with parts.database.write() as connection:
        connection.exec_driver_sql("UPDATE accounts SET balance = 51 WHERE id = 'member:lee'")
    broken = milepost("prove")

    assert broken.exit_code == 1
    assert "member:lee" in broken.output


def test_templates_are_listed_in_both_languages(milepost: Milepost) -> None:
    """All four templates with their figures, in English and in Chinese."""
    en, zh = (milepost("templates", "list", "--locale", each).output for each in ("en", "zh"))

    for name in (
        "new_member_bonus",
        "monthly_task_pack",
        "dormant_wake_up",
        "limited_time_exchange",
    ):
        assert name in en
        assert name in zh
    assert "welcome_points" in en
    assert "积分" in zh


def test_a_broken_template_is_said_by_file_and_line(milepost: Milepost, tmp_path: Path) -> None:
    """A marketer's mistake in a text is found before launch, with the line to go to."""
    source = Path(__file__).parents[2] / "campaign_templates" / "new_member_bonus"
    copy = tmp_path / "new_member_bonus"
    shutil.copytree(source, copy)
    text = copy / "messages" / "welcome.en.j2"
    text.write_text("Subject: Hello\n\nHello,\n{{ member.frist_name }}\n")

    broken = milepost("templates", "check", str(copy))

    assert broken.exit_code == 1
    assert "messages/welcome.en.j2:4:" in broken.output
    assert "Did you mean member.first_name?" in broken.output
    assert milepost("templates", "check", str(source)).exit_code == 0


def test_texts_are_checked_also_where_the_journey_is_broken(
    milepost: Milepost, tmp_path: Path
) -> None:
    """All is said at once, but nothing of names that the journey would have given."""
    source = Path(__file__).parents[2] / "campaign_templates" / "new_member_bonus"
    copy = tmp_path / "new_member_bonus"
    shutil.copytree(source, copy)
    file = copy / "campaign.yaml"
    file.write_text(file.read_text().replace("journey:", "journeys:"))
    text = copy / "messages" / "welcome.en.j2"
    text.write_text("Subject: Hi {% if %}\n\n{{ member.frist_name }}, {{ step.points | points }}\n")

    lines = milepost("templates", "check", str(copy)).output.splitlines()

    text_name = "messages/welcome.en.j2"
    said = [line.partition("new_member_bonus/")[2] for line in lines]
    assert [each.split(":")[0] for each in said] == ["campaign.yaml", text_name, text_name]
    assert [each.split(":")[1] for each in said[1:]] == ["1", "3"]


def test_ids_stay_whole_in_a_narrow_terminal(
    milepost: Milepost, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An id is there to be copied: no table breaks it, and a file gets one line for each row."""
    campaign = "welcome-to-the-shop-by-the-river-in-2026-autumn"
    milepost("campaigns", "launch", "new_member_bonus", "--id", campaign)
    monkeypatch.setenv("COLUMNS", "80")

    (row,) = [
        line for line in milepost("campaigns", "list").output.splitlines() if campaign in line
    ]
    assert re.search(r"new_member_bonus +launched +0 +0 +1,000,000$", row)

    monkeypatch.setenv("FORCE_COLOR", "1")  # as in a terminal
    shown = re.sub(r"\x1b\[[0-9;]*m", "", milepost("campaigns", "list").output).splitlines()
    assert shown[:3] == [campaign, "  template new_member_bonus", "  state launched"]


def test_settings_can_be_copied_as_they_stand(
    milepost: Milepost, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each name is whole, with its value as the environment would give it."""
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("MILEPOST_SMTP_URL", "smtp://user:secret@mail:587")

    lines = milepost("settings").output.splitlines()

    assert "MILEPOST_DATABASE_CONNECTIONS=16" in lines
    assert "MILEPOST_TEMPORAL_TLS=false" in lines
    assert "MILEPOST_SMTP_URL=(set)" in lines


@pytest.mark.parametrize(
    ("setting", "address", "shown"),
    [
        ("DATABASE_URL", "postgresql://mia:hush-7@db/x", "postgresql://mia:***@db/x"),
        (
            "DATABASE_URL",
            "postgresql://mia@db/x?password=hush-7",
            "postgresql://mia@db/x?password=***",
        ),
        ("DATABASE_URL", "postgresql://mia@db/x", "postgresql://mia@db/x"),
        ("WEBHOOK_PROXY", "http://mia:hush@hush-7@px:3128", "http://mia:***@px:3128"),
        ("OIDC_ISSUER", "https://:hush-7@sso/", "https://:***@sso/"),
    ],
)
def test_a_password_in_an_address_is_not_shown(
    milepost: Milepost, monkeypatch: pytest.MonkeyPatch, setting: str, address: str, shown: str
) -> None:
    """What is shown is pasted into tickets."""
    monkeypatch.setenv(f"MILEPOST_{setting}", address)
    monkeypatch.setenv("MILEPOST_OIDC_CLIENT_ID", "shop")
    monkeypatch.setenv("MILEPOST_OIDC_CLIENT_SECRET", "hush-7")

    output = milepost("settings").output

    assert f"MILEPOST_{setting}={shown}" in output.splitlines()
    assert "hush" not in output


def test_a_terminal_without_chinese_letters_is_shown_what_it_has(milepost: Milepost) -> None:
    """A question mark for each letter it lacks, and no traceback."""
    command = [sys.executable, "-m", "bootstrap.cli", "templates", "list", "--locale", "zh"]
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}

    done = subprocess.run(command, env=environment, capture_output=True, timeout=60, text=True)

    assert done.returncode == 0, done.stderr
    assert "??" in done.stdout


def test_a_file_that_cannot_be_used_is_said_without_a_traceback(
    milepost: Milepost, tmp_path: Path
) -> None:
    """No room, no rights, a folder in its place: the file and the reason."""
    (tmp_path / "data" / "up.lock").mkdir()

    refused = milepost("up")

    assert refused.exit_code == 1
    assert refused.output.endswith("up.lock: Is a directory.\n")


def test_an_empty_list_says_what_comes_first(milepost: Milepost) -> None:
    """A heading without rows would leave a newcomer where they were."""
    assert "milepost keys create" in milepost("keys", "list").output
    assert "milepost people add" in milepost("people", "list").output


def test_what_the_relay_gave_up_on_comes_back(milepost: Milepost, parts: Parts) -> None:
    """A row that was given up on is listed with its reason, and can be put back in line."""
    parts.store.run(lambda tx: tx.outbox.add("nudge_journey", "j/a/b/c", {"reason": "test"}))
    with parts.database.write() as connection:
        connection.exec_driver_sql(
            "UPDATE outbox SET dead_at = created_at, last_error = 'INVALID_ARGUMENT'"
        )

    assert "INVALID_ARGUMENT" in milepost("outbox").output
    revived = milepost("outbox", "--revive").output

    assert "1 rows are back in line." in revived
    assert "given up on: 0" in revived


def test_wrong_settings_end_with_two(milepost: Milepost, monkeypatch: pytest.MonkeyPatch) -> None:
    """Scripts can tell wrong settings from a refusal; people read which setting it is."""
    monkeypatch.setenv("MILEPOST_LISTEN_PORT", "many")

    refused = milepost("settings")

    assert refused.exit_code == 2
    assert "MILEPOST_LISTEN_PORT" in refused.output


def test_a_database_without_tables_says_what_to_do(
    milepost: Milepost, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """On a database that was never migrated, every command names the one that helps."""
    monkeypatch.setenv("MILEPOST_DATABASE_URL", f"sqlite:///{tmp_path / 'empty.db'}")

    refused = milepost("keys", "list")

    assert refused.exit_code == 1
    assert "milepost migrate" in refused.output


def test_the_database_of_another_release_is_left_alone(milepost: Milepost, parts: Parts) -> None:
    """A newer one has been there: neither a look nor a migration is made, and both say why."""
    with parts.database.write() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")

    for command in ("runs", "migrate"):
        refused = milepost(command)
        assert refused.exit_code == 1
        assert "at 9999, which only another release of Milepost knows" in refused.output


def test_a_database_that_is_none_is_said_with_the_reason(
    milepost: Milepost, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """At night nobody guesses what an OperationalError is."""
    (tmp_path / "broken.db").write_text("not a database, though long enough to be looked into" * 9)
    monkeypatch.setenv("MILEPOST_DATABASE_URL", f"sqlite:///{tmp_path / 'broken.db'}")

    for command in ("runs", "migrate"):
        refused = milepost(command)
        assert refused.exit_code == 1
        assert refused.stderr.endswith("it should: file is not a database.\n")
