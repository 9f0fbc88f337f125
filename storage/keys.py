"""API keys in the database: made once, shown once, recognised by their hash."""

import secrets
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy import Connection, Row, insert, select, update

from loyalty.access import ROLES, ApiKey, Role, fingerprint, write_token
from loyalty.errors import Invalid, Unknown
from storage.database import Database
from storage.tables import api_keys, audit

SECRET_BYTES = 32
PREFIX_BYTES = 4


class _Clock(Protocol):
    def now(self) -> datetime: ...


class SqlKeys:
    """Makes, lists, finds and revokes keys; each change leaves an audit row."""

    def __init__(self, database: Database, clock: _Clock) -> None:
        self._database = database
        self._clock = clock

    def create(self, name: str, role: Role, *, actor: str) -> tuple[str, ApiKey]:
        """Make a key; the token is returned here and never again."""
        if role not in ROLES:
            problem = {"field": "role", "code": "unknown_role", "allowed": list(ROLES)}
            raise Invalid(f"There is no role {role!r}.", [problem])
        prefix = secrets.token_hex(PREFIX_BYTES)
        token = write_token(prefix, secrets.token_urlsafe(SECRET_BYTES))
        key = ApiKey(f"key-{prefix}", name, role, prefix, self._clock.now())

        def work(connection: Connection) -> None:
            connection.execute(
                insert(api_keys).values(
                    id=key.id,
                    name=name,
                    role=role,
                    prefix=prefix,
                    hash=fingerprint(token),
                    created_at=key.created_at,
                )
            )
            self._audit(connection, actor, "key.create", key.id, {"role": role})

        self._database.run(work)
        return token, key

    def list(self) -> list[ApiKey]:
        """Every key ever made, newest first, revoked ones included."""
        query = select(api_keys).order_by(api_keys.c.created_at.desc(), api_keys.c.id)
        with self._database.read() as connection:
            return [_key(row) for row in connection.execute(query)]

    def find(self, hash: str) -> ApiKey | None:
        """The live key with this fingerprint."""
        query = select(api_keys).where(api_keys.c.hash == hash, api_keys.c.revoked_at.is_(None))
        with self._database.read() as connection:
            row = connection.execute(query).first()
        return _key(row) if row else None

    def revoke(self, id: str, *, actor: str) -> ApiKey:
        """End a key for good; revoking it again changes nothing."""

        def work(connection: Connection) -> ApiKey:
            row = connection.execute(select(api_keys).where(api_keys.c.id == id)).first()
            if row is None:
                raise Unknown("key", id)
            if row.revoked_at is None:
                now = self._clock.now()
                connection.execute(
                    update(api_keys).where(api_keys.c.id == id).values(revoked_at=now)
                )
                self._audit(connection, actor, "key.revoke", id, {"role": row.role})
            return _key(connection.execute(select(api_keys).where(api_keys.c.id == id)).one())

        return self._database.run(work)

    def _audit(
        self, connection: Connection, actor: str, action: str, id: str, detail: dict[str, Any]
    ) -> None:
        row = {"at": self._clock.now(), "actor": actor, "action": action, "target": id}
        connection.execute(insert(audit).values(**row, detail=detail))


def _key(row: Row[Any]) -> ApiKey:
    return ApiKey(row.id, row.name, row.role, row.prefix, row.created_at, row.revoked_at)
