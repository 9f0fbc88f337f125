"""Every setting of every process: from the environment, from secret files, and nowhere else.

`MILEPOST_SETTINGS_FILE` may name a file with the same names (`MILEPOST_DATABASE_URL=...`), and
`MILEPOST_SECRETS_DIR` a folder of files named likewise, as orchestrators mount them. A `.env` that
happens to lie around is never read.
"""

import os
import re
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import SettingsConfigDict

from bootstrap.sign_in_settings import SignInSettings
from bootstrap.temporal_settings import TemporalSettings
from bootstrap.web_address import WebAddress
from loyalty.near_miss import did_you_mean
from storage.database import database_url

PREFIX = "MILEPOST_"
# Where the other two sources are; they are read before the settings, so they are none themselves.
FILE_VARIABLE = f"{PREFIX}SETTINGS_FILE"
SECRETS_VARIABLE = f"{PREFIX}SECRETS_DIR"
STATE_FILE = "up.json"
"""In the data folder while `milepost up` runs: where everything is, and its process numbers."""

Port = Annotated[int, Field(ge=0, le=65_535)]


class SettingsError(Exception):
    """The settings cannot be used; `problems` says each in one line."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def _supported(url: str | None) -> str | None:
    if url is not None:
        database_url(url)
    return url


class Settings(SignInSettings, TemporalSettings):
    """All of it; the descriptions are the table in the documentation."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_file=None, extra="forbid", frozen=True, env_ignore_empty=True
    )

    # --- data ---
    data_dir: Path = Field(Path(".milepost"), description="Where the embedded default keeps data.")
    database_url: Annotated[str | None, AfterValidator(_supported)] = Field(
        None,
        description="`postgresql://user@host/name` or `sqlite:///path`. "
        "Unset: `milepost.db` in the data folder.",
    )
    database_password: SecretStr | None = Field(
        None, description="Put into the database address, so that the address itself is no secret."
    )
    database_connections: int = Field(
        16, ge=1, le=200, description="Connections each process keeps; as many again at most."
    )
    programme_file: Path | None = Field(
        None, description="YAML file of the programme's own rules. Unset: the defaults."
    )
    template_dirs: str = Field(
        "",
        description="Folders with templates of your own, separated by `:`. Read besides the ones "
        "that come with Milepost, and again whenever a file changes.",
    )
    clock_file: Path | None = Field(
        None, description="A clock that may be moved, for drills and demonstrations. Unset: time."
    )

    # --- the API ---
    listen_host: str = Field("127.0.0.1", description="Address the API listens on.")
    listen_port: Port = Field(8000, description="Port the API listens on; 0 takes a free one.")
    forwarded_allow_ips: str = Field(
        "127.0.0.1",
        description="Proxies whose `X-Forwarded-*` headers are believed. One that is not named is "
        "taken for everybody's address: all share its tries to sign in.",
    )

    # --- channels ---
    smtp_url: SecretStr | None = Field(
        None,
        description="`smtp://user:password@host:587` (STARTTLS), `smtps://` (TLS) or "
        "`smtp+plain://`. Unset: no e-mail.",
    )
    mail_from: str = Field("milepost@localhost", description="Sender of e-mail.")
    webhook_url: WebAddress | None = Field(
        None,
        description="Where messages of the webhook channel are posted.",
    )
    webhook_secret: SecretStr | None = Field(
        None, description="Signs webhooks (Standard Webhooks: `whsec_` and base64)."
    )
    webhook_proxy: WebAddress | None = Field(None, description="Proxy on the way to the webhook.")

    # --- sealing the ledger's log ---
    seal_key: SecretStr | None = Field(None, description="From `milepost ledger key --new`.")
    seal_key_file: Path | None = Field(
        None, description="File with it. Unset: `seal.key` in the data folder, if embedded."
    )
    seal_old_keys: str = Field(
        "",
        description="Public keys of before, separated by spaces: `milepost ledger verify` knows "
        "them too.",
    )
    seal_origin: str = Field(
        "milepost", pattern=r"^[^\s+]+$", description="The log's name in checkpoints and its key."
    )
    seal_file: Path | None = Field(
        None, description="Checkpoints are appended here. Unset: to `checkpoints.jsonl` there."
    )
    seal_webhook_url: WebAddress | None = Field(
        None, description="Where each checkpoint is posted as JSON."
    )

    # --- watching ---
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="The least important that is still logged."
    )
    log_format: Literal["json", "console"] = Field("json", description="`console` is for reading.")
    worker_metrics_port: Port | None = Field(None, description="Port of the worker's metrics.")
    relay_metrics_port: Port | None = Field(None, description="Port of the relay's metrics.")
    metrics_host: str = Field("127.0.0.1", description="Address those ports listen on.")

    # --- embedded ---
    ui_port: Port = Field(8233, description="Temporal's web UI under `milepost up`; 0: a free one.")
    temporal_cli: str | None = Field(
        None,
        description="A `temporal` program of your own. Unset: the one of the extra `embedded`.",
    )
    time_skipping: bool = Field(
        False, description="Lets demonstrations elapse waits on the embedded Temporal server."
    )
    embedded: bool = Field(
        False, description="Set by `milepost up` for what it starts; they end when it does."
    )

    @model_validator(mode="after")
    def _together(self) -> Self:
        if bool(self.webhook_url) != bool(self.webhook_secret):
            raise ValueError("webhook_url and webhook_secret belong together: set both")
        return self

    @property
    def embedded_database(self) -> Path:
        """The file of the embedded default, in use while no other address is given."""
        return self.data_dir / "milepost.db"

    @property
    def database(self) -> str:
        """The database's address, complete."""
        if self.database_url is None:
            return f"sqlite:///{self.embedded_database}"
        url = database_url(self.database_url)
        if self.database_password is not None:
            url = url.set(password=self.database_password.get_secret_value())
        return url.render_as_string(hide_password=False)

    @property
    def templates(self) -> tuple[Path, ...]:
        """Where templates are looked for: those beside the program first, then one's own."""
        own = [Path(each) for each in self.template_dirs.split(os.pathsep) if each]
        missing = [str(each) for each in own if not each.is_dir()]
        if missing:
            problem = f"{variable('template_dirs')}: there is no folder {', '.join(missing)}"
            raise SettingsError([problem])
        return (Path(__file__).parent.parent / "campaign_templates", *own)

    def environment(self, **changes: Any) -> dict[str, str]:
        """The environment that gives another process these settings, with `changes`."""
        values = {**self.model_dump(exclude_defaults=True), **changes}
        kept = {k: v for k, v in os.environ.items() if not k.startswith(PREFIX)}
        return kept | {f"{PREFIX}{k.upper()}": _text(v) for k, v in values.items() if v is not None}


def _text(value: Any) -> str:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, Path):
        return str(value.absolute())  # whoever reads it may stand elsewhere
    return str(value).lower() if isinstance(value, bool) else str(value)


def read_settings(**given: Any) -> Settings:
    """Read them once; `given` (from the command line) goes before everything else.

    Raises SettingsError with every problem, never quoting a value: it may be a secret.
    """
    file, secrets = os.environ.get(FILE_VARIABLE), os.environ.get(SECRETS_VARIABLE)
    if file and not Path(file).is_file():
        raise SettingsError([f"{FILE_VARIABLE}: there is no file {file!r}"])
    if secrets and not Path(secrets).is_dir():
        raise SettingsError([f"{SECRETS_VARIABLE}: there is no folder {secrets!r}"])
    try:
        return Settings(_env_file=file, _secrets_dir=secrets, **given)
    except ValidationError as error:
        raise SettingsError([_problem(each) for each in error.errors()]) from None
    except (OSError, UnicodeDecodeError) as error:
        places = {FILE_VARIABLE: file, SECRETS_VARIABLE: secrets}
        where = " or ".join(name for name, place in places.items() if place)
        why = error.strerror if isinstance(error, OSError) else "save it as UTF-8 text"
        raise SettingsError([f"{where}: cannot be read: {why}"]) from None


def unknown_variables() -> list[str]:
    """Variables of our prefix that mean nothing, each with what was probably meant.

    Not an error: orchestrators put variables of their own making next to ours.
    """
    known = {*map(variable, Settings.model_fields), FILE_VARIABLE, SECRETS_VARIABLE}
    strange = sorted(name for name in os.environ if name.startswith(PREFIX) and name not in known)
    return [f"{name} is no setting.{did_you_mean(name, known)}" for name in strange]


def variable(field: str) -> str:
    return f"{PREFIX}{field.upper()}"


def _problem(found: Any) -> str:
    says = str(found["msg"]).removeprefix("Value error, ")
    if not found["loc"]:  # of several, which it names
        names = rf"\b({'|'.join(Settings.model_fields)})\b"
        return re.sub(names, lambda name: variable(name[0]), says)
    field = str(found["loc"][0]).lower().removeprefix(PREFIX.lower())
    if found["type"] == "extra_forbidden":
        known = map(variable, Settings.model_fields)
        return f"{variable(field)} is no setting.{did_you_mean(variable(field), known)}"
    return f"{variable(field)}: {says}"
