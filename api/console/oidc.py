"""Signing in with a company's own identity provider, by OpenID Connect.

The code flow with PKCE, state and nonce. What the provider says is believed only when it is signed
with its key, for us, now, and for the request this browser began.
"""

import hmac
import json
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import Any, cast

import httpx2
from authlib.common.security import generate_token
from authlib.common.urls import add_params_to_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, KeySetSerialization

from api.people import Provider
from loyalty.access import Role
from loyalty.errors import LoyaltyError
from loyalty.ports import Clock

SCOPES = "openid email profile"
_ALGORITHMS = ["RS256", "PS256", "ES256", "EdDSA"]
_LEEWAY_SECONDS = 60
WAY_SECONDS = 600
"""How long somebody may take at the provider."""
_KNOWN_SECONDS = 600
_TIMEOUT_SECONDS = 10


class NotVouched(LoyaltyError):
    """The provider did not vouch for this person, or said something we cannot believe."""

    code = "not_vouched"


@dataclass(frozen=True, slots=True)
class Way:
    """What a browser carries to the provider and back, so that only it can come back."""

    state: str
    nonce: str
    verifier: str
    back: str
    until: int

    def sealed(self, secret: str) -> str:
        body = urlsafe_b64encode(json.dumps(asdict(self)).encode()).decode()
        return f"{body}.{_mac(secret, body)}"


def opened(text: str, secret: str, now: float) -> Way:
    """The way this browser began. Raises NotVouched when it is another's, altered, or too old."""
    body, _, mac = text.rpartition(".")
    if not hmac.compare_digest(mac, _mac(secret, body)):
        raise NotVouched("This sign-in was not begun in this browser. Try again.")
    way = Way(**json.loads(urlsafe_b64decode(body)))
    if way.until < now:
        raise NotVouched("The sign-in took too long. Try again.")
    return way


def _mac(secret: str, body: str) -> str:
    return hmac.new(f"way:{secret}".encode(), body.encode(), sha256).hexdigest()


@dataclass(frozen=True, slots=True)
class Vouched:
    """Whom the provider vouches for."""

    email: str
    name: str
    role: Role


class OidcClient:
    """Talks to the provider; what it publishes about itself is remembered for ten minutes."""

    def __init__(self, provider: Provider, clock: Clock) -> None:
        self.provider = provider
        self._clock = clock  # another process may see the browser come back
        self._known: tuple[float, dict[str, Any], KeySet] | None = None

    async def begin(self, redirect_uri: str, back: str) -> tuple[str, str]:
        """Where to send the browser, and what it must carry in a cookie."""
        metadata, _ = await self._published()
        until = int(self._clock.now().timestamp()) + WAY_SECONDS
        way = Way(generate_token(32), generate_token(32), generate_token(64), back, until)
        asked = {
            "response_type": "code",
            "client_id": self.provider.client_id,
            "redirect_uri": redirect_uri,
            "scope": SCOPES,
            "state": way.state,
            "nonce": way.nonce,
            "code_challenge": create_s256_code_challenge(way.verifier),
            "code_challenge_method": "S256",
        }
        to = add_params_to_uri(metadata["authorization_endpoint"], list(asked.items()))
        return to, way.sealed(self.provider.client_secret)

    async def finish(
        self, redirect_uri: str, carried: str, answer: Mapping[str, str]
    ) -> tuple[Vouched, str]:
        """Who came back, and where to. Raises NotVouched."""
        way = opened(carried, self.provider.client_secret, self._clock.now().timestamp())
        if not hmac.compare_digest(answer.get("state", ""), way.state):
            raise NotVouched("This sign-in was not begun in this browser. Try again.")
        if "code" not in answer:
            raise NotVouched("The identity provider did not let you in.")
        metadata, keys = await self._published()
        tokens = await self._tokens(metadata, redirect_uri, answer["code"], way.verifier)
        claims = self._claims(str(tokens.get("id_token", "")), keys, way.nonce)
        role = self._role(claims)
        if (role is None or not claims.get("email")) and "userinfo_endpoint" in metadata:
            more = await self._userinfo(metadata, str(tokens.get("access_token", "")))
            if more.get("sub") == claims["sub"]:
                claims = {**more, **claims}
                role = self._role(claims)
        return self._vouched(claims, role), way.back

    def _vouched(self, claims: Mapping[str, Any], role: Role | None) -> Vouched:
        email = str(claims.get("email") or "")
        # Some providers send a text here; those that say nothing confirm all their addresses.
        confirmed = str(claims.get("email_verified", True)).lower() == "true"
        if not email or not confirmed:
            raise NotVouched("The identity provider gave no confirmed e-mail address.")
        if role is None:
            raise NotVouched(
                f"{email} has no role here. Ask whoever runs the identity provider for one.",
                email=email,
            )
        name = str(claims.get("name") or claims.get("preferred_username") or email)
        return Vouched(email, name[:80], role)

    def _role(self, claims: Mapping[str, Any]) -> Role | None:
        """The best role the claim gives; the claim may lie deeper: `realm_access.roles`."""
        found: Any = claims
        for part in self.provider.role_claim.split("."):
            found = found.get(part) if isinstance(found, Mapping) else None
        held = {found} if isinstance(found, str) else set(map(str, found or ()))
        return next((role for value, role in self.provider.roles if value in held), None)

    def _claims(self, token: str, keys: KeySet, nonce: str) -> dict[str, Any]:
        rules = jwt.JWTClaimsRegistry(
            leeway=_LEEWAY_SECONDS,
            iss={"essential": True, "value": self.provider.issuer},
            aud={"essential": True, "value": self.provider.client_id},
            exp={"essential": True},
            sub={"essential": True},
            nonce={"essential": True, "value": nonce},
        )
        try:
            claims = jwt.decode(token, keys, algorithms=_ALGORITHMS).claims
            rules.validate(claims)
        except (JoseError, ValueError) as error:
            raise NotVouched(
                f"What the identity provider said cannot be believed ({type(error).__name__})."
            ) from None
        if claims.get("azp", self.provider.client_id) != self.provider.client_id:
            raise NotVouched("What the identity provider said is for another application.")
        return dict(claims)

    async def _tokens(
        self, metadata: Mapping[str, Any], redirect_uri: str, code: str, verifier: str
    ) -> dict[str, Any]:
        given = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": verifier,
        }
        who = (self.provider.client_id, self.provider.client_secret)
        return await self._ask("POST", metadata["token_endpoint"], data=given, auth=who)

    async def _userinfo(self, metadata: Mapping[str, Any], token: str) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {token}"}
        return await self._ask("GET", metadata["userinfo_endpoint"], headers=headers)

    async def _published(self) -> tuple[dict[str, Any], KeySet]:
        if self._known is None or self._known[0] < time.monotonic():
            issuer = self.provider.issuer
            at = f"{issuer.rstrip('/')}/.well-known/openid-configuration"
            metadata = await self._ask("GET", at)
            if metadata.get("issuer") != issuer:
                raise NotVouched("The identity provider has another name than the settings say.")
            published = await self._ask("GET", metadata["jwks_uri"])
            keys = KeySet.import_key_set(cast(KeySetSerialization, published))
            self._known = (time.monotonic() + _KNOWN_SECONDS, metadata, keys)
        return self._known[1], self._known[2]

    async def _ask(self, method: str, url: str, **given: Any) -> dict[str, Any]:
        try:
            async with httpx2.AsyncClient(timeout=_TIMEOUT_SECONDS) as client:
                answer = await client.request(method, url, **given)
                answer.raise_for_status()
                found = answer.json()
        except (httpx2.HTTPError, ValueError) as error:
            raise NotVouched(
                f"The identity provider does not answer as it should ({type(error).__name__})."
            ) from None
        if not isinstance(found, dict):
            raise NotVouched("The identity provider does not answer as it should.")
        return found
