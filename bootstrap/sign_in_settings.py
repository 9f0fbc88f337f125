"""How people sign in to the console: passwords, an identity provider, and which roles it gives."""

from typing import Self

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings

from bootstrap.web_address import WebAddress
from loyalty.access import ROLES, Role


class SignInSettings(BaseSettings):
    """A part of the settings."""

    public_url: WebAddress | None = Field(
        None,
        description="Where people reach the console, and members the page to unsubscribe, for "
        "links. With https, cookies go over https only, whatever the proxy says. Unset: as people "
        "reached it, and e-mail goes out without such a link.",
    )
    local_accounts: bool = Field(
        True, description="`false` switches passwords and links off: all come by OpenID Connect."
    )
    oidc_issuer: WebAddress | None = Field(None, description="The OpenID Connect provider's name.")
    oidc_client_id: str | None = Field(None, description="Our name at the provider.")
    oidc_client_secret: SecretStr | None = Field(None, description="Our secret at the provider.")
    oidc_role_claim: str = Field(
        "roles", description="The claim with a person's groups or roles; dots go deeper."
    )
    oidc_roles: str = Field(
        "",
        description="`role=value` pairs, separated by commas, best first: "
        "`admin=milepost-admins,marketer=marketing`. Whoever has none is refused.",
    )

    @model_validator(mode="after")
    def _somebody_can_sign_in(self) -> Self:
        if self.oidc_issuer and not (self.oidc_client_id and self.oidc_client_secret):
            raise ValueError("oidc_issuer needs oidc_client_id and oidc_client_secret")
        if not self.local_accounts and not self.oidc_issuer:
            raise ValueError("without local_accounts nobody can sign in: set oidc_issuer")
        self.role_values()
        return self

    def role_values(self) -> tuple[tuple[str, Role], ...]:
        """Which value of the provider's claim gives which role, best first."""
        found = []
        for pair in filter(None, (each.strip() for each in self.oidc_roles.split(","))):
            role, _, value = pair.partition("=")
            known = next((each for each in ROLES if each == role.strip()), None)
            if known is None or not value.strip():
                raise ValueError(f"oidc_roles: write role=value, with a role of {', '.join(ROLES)}")
            found.append((value.strip(), known))
        return tuple(found)
