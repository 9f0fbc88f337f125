"""The product's own proof after a run: figures of a ledger that is not sound are worth nothing."""

from sqlalchemy import text

from storage.proof import Proof, prove
from storage.store import SqlStore


def require_sound(store: SqlStore) -> Proof:
    """Conserved, never below zero, every sum right; or the benchmark ends with what is broken."""
    with store.database.read() as connection:
        if store.database.dialect == "postgresql":
            # The proof asks for the first broken row; where there is none, the plan for a first row
            # looks through all moves once for each lot. Plans without nested loops read them once.
            connection.execute(text("SET LOCAL enable_nestloop = off"))
        proof = prove(connection)
    if not proof.ok:
        raise SystemExit(f"the ledger is not sound: {proof.first_broken}")
    return proof
