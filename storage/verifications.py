"""How the ledger's verifications ended: the last row of each kind is what people go by."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select

from storage.proof import Proof
from storage.queries.pages import View, first
from storage.tables import set_aside, verifications
from storage.verify.run import Report

KEPT = 100
"""Verifications of a kind that are kept: a few months of nightly ones."""
LIST = "ledger_mismatches"


def note_proof(connection: Connection, proof: Proof, at: datetime, seconds: float) -> None:
    """Keep how summing the ledger again ended."""
    found = [{"check": each.what, "what": each.broken} for each in proof.checks if each.broken]
    _note(connection, "sums", proof.ok, proof.transactions, at, seconds, found)


def note_report(connection: Connection, report: Report, at: datetime, seconds: float) -> None:
    """Keep how computing the log again ended."""
    found = [
        {"check": each.check, "what": each.broken.sentence()}
        for each in report.findings
        if each.broken
    ]
    _note(connection, "log", report.ok, report.transactions, at, seconds, found)


def last_verification(connection: Connection, kind: str) -> View | None:
    v = verifications.c
    query = select(verifications).where(v.kind == kind).order_by(v.id.desc()).limit(1)
    return first(connection, query)


def findings(connection: Connection) -> list[View]:
    """What the last verification of each kind found, as rows of a repair list."""
    found: list[View] = []
    for kind in ("sums", "log"):
        last = last_verification(connection, kind)
        for number, each in enumerate(last["findings"] if last else ()):
            assert last is not None
            row = {"target": f"{kind}-{last['id']}-{number}", "at": last["at"], "kind": kind}
            nobody = {"member_id": None, "campaign_id": None}
            found.append({**row, **nobody, "detail": f"{each['check']}: {each['what']}"})
    s = set_aside.c
    query = select(s.target).where(s.list == LIST, s.target.in_([row["target"] for row in found]))
    aside = set(connection.execute(query).scalars()) if found else set()
    return [row for row in found if row["target"] not in aside]


def _note(
    connection: Connection,
    kind: str,
    ok: bool,
    transactions: int,
    at: datetime,
    seconds: float,
    found: Sequence[Mapping[str, str | None]],
) -> None:
    row = {"kind": kind, "ok": ok, "transactions": transactions, "at": at, "seconds": seconds}
    connection.execute(insert(verifications), {**row, "findings": list(found)})
    v = verifications.c
    oldest = select(v.id).where(v.kind == kind).order_by(v.id.desc()).offset(KEPT)
    connection.execute(delete(verifications).where(v.id.in_(oldest)))
