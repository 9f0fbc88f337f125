"""Keys are made once, shown once, and end for good."""

import pytest

from loyalty.access import fingerprint
from loyalty.errors import Invalid, Unknown
from storage.database import Database
from storage.keys import SqlKeys
from tests.storage.rows import StillClock


@pytest.fixture
def keys(database: Database, clock: StillClock) -> SqlKeys:
    return SqlKeys(database, clock)


def test_a_key_is_found_by_its_token_alone(keys: SqlKeys) -> None:
    """Two keys never share a token, and a token that is nearly right finds nothing."""
    till, made = keys.create("Till 12", "integrator", actor="admin")
    other, _ = keys.create("Till 13", "integrator", actor="admin")

    assert keys.find(fingerprint(till)) == made
    assert till != other
    assert keys.find(fingerprint(till[:-1])) is None


def test_a_revoked_key_is_listed_and_never_found(keys: SqlKeys) -> None:
    """Who had access stays on record; revoking again changes nothing."""
    token, made = keys.create("Till 12", "integrator", actor="admin")

    ended = keys.revoke(made.id, actor="admin")
    again = keys.revoke(made.id, actor="admin")

    assert keys.find(fingerprint(token)) is None
    assert ended == again
    assert [(key.name, key.revoked_at is not None) for key in keys.list()] == [("Till 12", True)]


def test_only_known_roles_and_keys(keys: SqlKeys) -> None:
    """A misspelt role is refused with those there are; so is an id that names no key."""
    with pytest.raises(Invalid) as refused:
        keys.create("Till 12", "owner", actor="admin")  # type: ignore[arg-type]
    with pytest.raises(Unknown):
        keys.revoke("key-none", actor="admin")

    assert "integrator" in refused.value.problems[0]["allowed"]
    assert keys.list() == []
