"""Settings: read strictly, said plainly, documented as they are."""

import socket
from pathlib import Path

import pytest

from bootstrap.outside import channels, mail_server
from bootstrap.programme_file import read_programme
from bootstrap.seal_key import signing_key
from bootstrap.services import services
from bootstrap.setting_places import listening_at, measured_at
from bootstrap.settings import (
    SettingsError,
    read_settings,
    unknown_variables,
)
from bootstrap.settings_table import markdown
from bootstrap.temporal import free_port
from bootstrap.wiring import Parts

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import os

    for name in [name for name in os.environ if name.startswith("MILEPOST_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def problems_of(monkeypatch: pytest.MonkeyPatch, **variables: str) -> list[str]:
    for name, value in variables.items():
        monkeypatch.setenv(f"MILEPOST_{name.upper()}", value)
    with pytest.raises(SettingsError) as refused:
        read_settings()
    return refused.value.problems


def test_nothing_set_is_the_embedded_default() -> None:
    """Without any setting, data goes to a SQLite file in one folder, and nothing is sent out."""
    settings = read_settings()

    assert settings.database == "sqlite:///.milepost/milepost.db"
    assert settings.smtp_url is None
    assert settings.codec() == {}


def test_a_stray_env_file_is_not_read(tmp_path: Path) -> None:
    """A `.env` of some other program in the folder changes nothing."""
    (tmp_path / ".env").write_text("MILEPOST_LISTEN_PORT=1\n")

    assert read_settings().listen_port == 8000


def test_a_named_file_is_read_and_the_environment_goes_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One file may hold what all processes share; the environment still has the last word."""
    (tmp_path / "shared").write_text("MILEPOST_LISTEN_PORT=9000\nMILEPOST_LOG_LEVEL=debug\n")
    monkeypatch.setenv("MILEPOST_SETTINGS_FILE", "shared")
    monkeypatch.setenv("MILEPOST_LOG_LEVEL", "error")

    settings = read_settings()

    assert settings.listen_port == 9000
    assert settings.log_level == "error"


def test_a_misspelt_name_in_the_file_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever writes LISTEN_PROT learns it at start, not in production."""
    (tmp_path / "shared").write_text("MILEPOST_LISTEN_PROT=9000\n")

    found = problems_of(monkeypatch, settings_file="shared")

    assert found == ["MILEPOST_LISTEN_PROT is no setting. Did you mean MILEPOST_LISTEN_PORT?"]


def test_a_misspelt_variable_is_pointed_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the environment it is only said: orchestrators put variables of their own beside ours."""
    monkeypatch.setenv("MILEPOST_DATABSE_URL", "sqlite:///x.db")

    assert unknown_variables() == [
        "MILEPOST_DATABSE_URL is no setting. Did you mean MILEPOST_DATABASE_URL?"
    ]


def test_secrets_come_from_files_and_are_never_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A password mounted as a file reaches the database and stays out of everything printed."""
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    (secrets / "MILEPOST_DATABASE_PASSWORD").write_text("hush-7\n")
    monkeypatch.setenv("MILEPOST_SECRETS_DIR", str(secrets))
    monkeypatch.setenv("MILEPOST_DATABASE_URL", "postgresql://milepost@db/milepost")

    settings = read_settings()

    assert settings.database == "postgresql+psycopg://milepost:hush-7@db/milepost"
    assert "hush-7" not in repr(settings)


def test_a_wrong_value_names_the_setting_and_what_is_allowed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Every wrong setting is said at once, each with its name."""
    found = problems_of(
        monkeypatch, listen_port="99999", log_level="loud", database_url="mysql://db/x"
    )

    assert [line.partition(":")[0] for line in found] == [
        "MILEPOST_DATABASE_URL",
        "MILEPOST_LISTEN_PORT",
        "MILEPOST_LOG_LEVEL",
    ]
    assert "65535" in found[1]
    assert "'debug', 'info', 'warning' or 'error'" in found[2]


@pytest.mark.parametrize("url", ["postgresql//u@h/x", "foo", "postgresql://u:hush-7@h:many/x"])
def test_what_is_no_address_of_a_database_is_said_so(
    monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    """A slip in the address is shown how it should look, and the password is not."""
    [said] = problems_of(monkeypatch, database_url=url)

    assert said.startswith("MILEPOST_DATABASE_URL: is not an address: write sqlite:///")
    assert "hush-7" not in said


@pytest.mark.parametrize("name", ["webhook_url", "webhook_proxy", "seal_webhook_url", "public_url"])
@pytest.mark.parametrize(
    "url",
    ["ftp://shop/x", "http://", "http://u:hush-7@shop:99999/", "http://[::1/x", "http://a b/"],
)
def test_what_is_no_address_on_the_web_is_said_so(
    monkeypatch: pytest.MonkeyPatch, name: str, url: str
) -> None:
    """At the start, not when the first message is sent there; and without its password."""
    [said] = problems_of(monkeypatch, **{name: url})

    assert said == f"MILEPOST_{name.upper()}: is not an address: write https://host:port/path"


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        (
            {"webhook_url": "https://shop/hook"},
            "MILEPOST_WEBHOOK_URL and MILEPOST_WEBHOOK_SECRET",
        ),
        (
            {"temporal_tls_cert": "c.pem"},
            "MILEPOST_TEMPORAL_TLS_CERT and MILEPOST_TEMPORAL_TLS_KEY",
        ),
        ({"codec_keys": "2026:beef"}, "MILEPOST_CODEC_KEYS: key '2026' must be written id:hex"),
        ({"codec_keys": "beef"}, "MILEPOST_CODEC_KEYS: a key must be written id:hex"),
        ({"oidc_roles": "chief=x"}, "MILEPOST_OIDC_ROLES: write role=value"),
        ({"settings_file": "gone"}, "MILEPOST_SETTINGS_FILE: there is no file 'gone'"),
        ({"secrets_dir": "gone"}, "MILEPOST_SECRETS_DIR: there is no folder 'gone'"),
    ],
)
def test_what_does_not_fit_together_is_refused(
    variables: dict[str, str], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half a pair, a key that is none, a file that is not there: refused at start."""
    (found,) = problems_of(monkeypatch, **variables)

    assert said in found


def test_another_process_gets_the_same_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """What `milepost up` starts reads exactly what it was started with, secrets included."""
    monkeypatch.setenv("MILEPOST_CODEC_KEYS", "2026:" + "ab" * 32)
    monkeypatch.setenv("MILEPOST_DATA_DIR", "here")
    before = read_settings()

    for name, value in before.environment(listen_port=7777).items():
        monkeypatch.setenv(name, value)
    after = read_settings()

    assert after.codec() == before.codec()
    assert after.data_dir == Path("here").absolute()
    assert after.listen_port == 7777


def test_the_documentation_lists_every_setting() -> None:
    """docs/operations.md holds the table that `milepost settings --markdown` prints."""
    written = (ROOT / "docs" / "operations.md").read_text()

    assert markdown() in written, "write it anew: milepost settings --markdown"


@pytest.mark.parametrize(
    ("public_url", "said"),
    [
        (None, ["marketing by e-mail has no link to unsubscribe: there is no MILEPOST_PUBLIC_URL"]),
        ("https://points.shop.example", []),
    ],
)
def test_mail_that_nobody_can_refuse_is_said_when_the_relay_starts(
    caplog: pytest.LogCaptureFixture, public_url: str | None, said: list[str]
) -> None:
    channels(read_settings(smtp_url="smtp://mail.shop.example", public_url=public_url))

    assert [record.getMessage() for record in caplog.records] == said


def test_an_address_in_any_letters_fits_into_mail() -> None:
    """Headers of mail are ASCII; a shop's name need not be."""
    given = read_settings(smtp_url="smtp://mail.example", public_url="https://积分.example/会员")

    found = mail_server(given).unsubscribe_at

    assert found == "https://xn--kbrv68g.example/%E4%BC%9A%E5%91%98/unsubscribe/"


# --- places on this machine -----------------------------------------------------------------------


@pytest.mark.parametrize("wrong", [b"\xff\xfe=1\n", "LISTEN_PORT=1".encode("utf-16")])
def test_a_settings_file_of_another_encoding_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wrong: bytes
) -> None:
    """Editors save what they like; the line says what to do."""
    (tmp_path / "shared").write_bytes(wrong)

    found = problems_of(monkeypatch, settings_file="shared")

    assert found == ["MILEPOST_SETTINGS_FILE: cannot be read: save it as UTF-8 text"]


def read_all(parts: Parts) -> None:
    """What processes read of the places that settings name."""
    _ = parts.programme, parts.database, parts.settings.templates
    parts.clock.now()
    signing_key(parts.settings)


@pytest.mark.parametrize(
    ("setting", "value", "said"),
    [
        ("data_dir", "file", "the folder file cannot be made: it is a file"),
        ("data_dir", "file/inner", "the folder file/inner cannot be made: Not a directory"),
        ("programme_file", "folder", "folder cannot be read: Is a directory"),
        ("programme_file", "picture", "picture is not UTF-8 text"),
        ("clock_file", "file", "file must hold seconds (+3600) or an instant (2026-03-01T00:00Z)"),
        ("clock_file", "picture", "picture is not UTF-8 text"),
        ("seal_key_file", "gone", "gone cannot be read: No such file or directory"),
        ("seal_key_file", "picture", "picture is not UTF-8 text"),
        ("template_dirs", "folder:gone:file", "there is no folder gone, file"),
    ],
)
def test_a_place_that_cannot_be_used_is_named_by_its_setting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, setting: str, value: str, said: str
) -> None:
    """One line with the setting and the reason, wherever the file was to be read."""
    (tmp_path / "file").write_text("neither this nor that\n")
    (tmp_path / "picture").write_bytes(b"\x89PNG")
    (tmp_path / "folder").mkdir()
    monkeypatch.setenv(f"MILEPOST_{setting.upper()}", value)

    with pytest.raises(SettingsError) as refused:
        read_all(Parts(read_settings()))

    assert refused.value.problems == [f"MILEPOST_{setting.upper()}: {said}"]


@pytest.mark.parametrize("field", ["worker_metrics_port", "relay_metrics_port", "listen_port"])
def test_a_port_that_is_taken_is_named_by_its_setting(
    monkeypatch: pytest.MonkeyPatch, field: str
) -> None:
    """A second worker on one machine needs a port of its own, and is told so."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        monkeypatch.setenv(f"MILEPOST_{field.upper()}", str(port))
        with pytest.raises(SettingsError) as refused:
            open_port(field)

    why = f"127.0.0.1:{port} cannot be used (Address already in use): set another"
    assert refused.value.problems == [f"MILEPOST_{field.upper()}: {why}"]


@pytest.mark.parametrize(
    ("field", "host"), [("relay_metrics_port", "metrics_host"), ("listen_port", "listen_host")]
)
def test_a_host_that_is_none_is_named_by_its_setting(
    monkeypatch: pytest.MonkeyPatch, field: str, host: str
) -> None:
    monkeypatch.setenv(f"MILEPOST_{field.upper()}", "9")
    monkeypatch.setenv(f"MILEPOST_{host.upper()}", "no host")

    with pytest.raises(SettingsError, match=f"^MILEPOST_{host.upper()}: no host:9 cannot be used"):
        open_port(field)


def test_metrics_may_be_served_at_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """The worker's own library takes digits only."""
    monkeypatch.setenv("MILEPOST_METRICS_HOST", "localhost")
    monkeypatch.setenv("MILEPOST_WORKER_METRICS_PORT", str(free_port()))

    found = measured_at("worker_metrics_port", read_settings())

    assert found is not None
    assert found[0] in ("127.0.0.1", "::1")


def open_port(field: str) -> None:
    settings = read_settings()
    listening_at(settings) if field == "listen_port" else measured_at(field, settings)


# --- the programme's own rules ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("zone: Mars/Olympus", "zone: "),
        ("earning: {rules: [{id: x, points: 1, when: {condition: a.b}}]}", "There is no 'a"),
        ("earning: {rules: [{id: weekend, points: 1}]}", "has two rules 'weekend'"),
        ("earning: {rules: [{id: x, points: 1, when: {event: survye}}]}",
         "programme.yaml: rule 'x', when.event: There is no event type 'survye'. "
         "Did you mean survey?"),
        ("earning: {weekend_bonus: 1}", "earning.weekend_bonus is not known. Did you mean"),
        ("contact: {frequency_cap: 0}", "contact.frequency_cap: Input should be greater"),
        ("currency: yuan", "currency: String should match pattern"),
        ("- a list", "must be a list of `field: value` lines"),
        ("zone: [unclosed", "programme.yaml:1: "),
    ],
)  # fmt: skip
def test_a_wrong_rule_is_named_with_its_place(text: str, said: str, tmp_path: Path) -> None:
    """A mistake in the programme's file is said with file, field and what is allowed."""
    file = tmp_path / "programme.yaml"
    file.write_text(text)

    with pytest.raises(SettingsError) as refused:
        read_programme(file)

    assert said in str(refused.value)
    assert str(file) in str(refused.value)
    assert "(is {" not in str(refused.value)


def test_a_programme_of_ones_own(tmp_path: Path) -> None:
    """Zone, currency and rates come from the file; what it does not say stays as it was."""
    file = tmp_path / "programme.yaml"
    file.write_text("zone: Europe/Berlin\ncurrency: EUR\nearning: {base_minor: 100}\n")

    programme = read_programme(file)

    assert programme.zone == "Europe/Berlin"
    assert programme.earning.base_minor == 100
    assert programme.earning.base_points == 1


@pytest.mark.parametrize(
    ("address", "origin"),
    [
        ("http://127.0.0.1:8233", "http://127.0.0.1:8233"),
        ("https://Temporal.example.com/ui/", "https://temporal.example.com"),
    ],
)
def test_the_web_uis_origin_is_its_address_without_a_path(address: str, origin: str) -> None:
    """The setting may be copied from the browser's address line; browsers send the origin alone."""
    parts = Parts(read_settings(temporal_ui_url=address))

    assert services(parts).codec_origins == (origin,)


def test_the_data_folder_is_its_owners_alone(tmp_path: Path) -> None:
    """It holds names, addresses and the audit trail: no other account of the machine reads it."""
    parts = Parts(read_settings())
    parts.database.dispose()

    assert (tmp_path / ".milepost").stat().st_mode & 0o077 == 0
