"""The ledger's sums, proved: what is posted, what members have, and that the two are one.

Nothing here trusts the program that wrote the rows: every figure is summed again by the database.
"""

from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection, text

# Each check is a query for rows that must not exist, and the sentence for the first it finds.
_CHECKS: tuple[tuple[str, str, str], ...] = (
    (
        "what one member hands over another receives",
        "SELECT transaction_id AS id, sum(amount) AS off FROM entries WHERE contra = 'transfer' "
        "GROUP BY transaction_id HAVING sum(amount) <> 0 ORDER BY 1",
        "transaction {id} is off by {off}",
    ),
    (
        "transactions are numbered without a gap, as the log's head says",
        "SELECT h.size, count(t.id) AS found, max(t.id) AS last FROM log_head h "
        "LEFT JOIN transactions t ON 1 = 1 GROUP BY h.size "
        "HAVING count(t.id) <> h.size OR coalesce(max(t.id), 0) <> h.size",
        "the log says {size} transactions; {found} are there and the last is {last}",
    ),
    (
        "every entry belongs to a transaction",
        "SELECT e.account_id, e.seq FROM entries e LEFT JOIN transactions t "
        "ON t.id = e.transaction_id WHERE t.id IS NULL ORDER BY 1, 2",
        "entry {seq} of {account_id} has no transaction",
    ),
    (
        "entries are numbered without a gap",
        "SELECT a.id, a.seq, count(e.seq) AS found FROM accounts a LEFT JOIN entries e "
        "ON e.account_id = a.id GROUP BY a.id, a.seq "
        "HAVING count(e.seq) <> a.seq OR coalesce(max(e.seq), 0) <> a.seq "
        "OR coalesce(min(e.seq), 1) <> 1 ORDER BY 1",
        "{id} says {seq} entries and {found} are there",
    ),
    (
        "running balances add up",
        "SELECT account_id, seq FROM (SELECT account_id, seq, balance - amount - coalesce("
        "lag(balance) OVER (PARTITION BY account_id ORDER BY seq), 0) AS off FROM entries) AS r "
        "WHERE off <> 0 ORDER BY 1, 2",
        "entry {seq} of {account_id} does not follow from the one before",
    ),
    (
        "balances are the sums of their entries",
        "SELECT a.id, a.balance, a.held FROM accounts a LEFT JOIN entries e "
        "ON e.account_id = a.id GROUP BY a.id, a.balance, a.held "
        "HAVING coalesce(sum(e.amount), 0) <> a.balance "
        "OR coalesce(sum(e.held_delta), 0) <> a.held ORDER BY 1",
        "{id} says balance {balance}, held {held}, and its entries do not",
    ),
    (
        "a member's balance is what the lots have left",
        "SELECT a.id, a.balance, coalesce(sum(l.remaining), 0) AS left_over FROM accounts a "
        "LEFT JOIN lots l ON l.account_id = a.id WHERE a.kind = 'member' "
        "GROUP BY a.id, a.balance, a.held HAVING coalesce(sum(l.remaining), 0) <> a.balance "
        "OR coalesce(sum(l.held), 0) <> a.held ORDER BY 1",
        "{id} says {balance} and its lots hold {left_over}",
    ),
    (
        "what is held is what open holds ask for",
        "SELECT a.id, a.held, coalesce(sum(h.amount), 0) AS open FROM accounts a LEFT JOIN holds h "
        "ON h.account_id = a.id AND h.status = 'open' WHERE a.kind = 'member' "
        "GROUP BY a.id, a.held HAVING coalesce(sum(h.amount), 0) <> a.held ORDER BY 1",
        "{id} holds {held} and its open holds are {open}",
    ),
    (
        "nobody is below zero",
        "SELECT id, balance, held FROM accounts WHERE (floor IS NOT NULL AND "
        "balance - held < floor) OR held < 0 OR (kind = 'debt' AND balance > 0) ORDER BY 1",
        "{id} has {balance}, held {held}",
    ),
)


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that must hold, and the first row that breaks it."""

    what: str
    broken: str | None


@dataclass(frozen=True, slots=True)
class Proof:
    """The sums of the whole programme, and whether they hold."""

    transactions: int
    entries: int
    members: int
    issued: int
    redeemed: int
    lapsed: int
    outstanding: int
    held: int
    owed: int
    checks: tuple[Check, ...]

    @property
    def ok(self) -> bool:
        return self.first_broken is None

    @property
    def first_broken(self) -> str | None:
        """The first broken row in words, or none."""
        return next((f"{c.what}: {c.broken}" for c in self.checks if c.broken), None)

    def to_json(self) -> dict[str, Any]:
        return asdict(self) | {"ok": self.ok, "first_broken": self.first_broken}


def prove(connection: Connection) -> Proof:
    """Sum the ledger again; call it in a reading transaction, so that nothing moves meanwhile."""
    own = {"member": (0, 0, 0), "debt": (0, 0, 0)}
    for kind, *figures in connection.execute(
        text("SELECT kind, sum(balance), sum(held), count(*) FROM accounts GROUP BY kind")
    ):
        own[kind] = (int(figures[0]), int(figures[1]), int(figures[2]))
    outstanding, held, members = own["member"]
    owed = -own["debt"][0]
    against = {
        contra: -int(amount)
        for contra, amount in connection.execute(
            text("SELECT contra, sum(amount) FROM entries GROUP BY contra")
        )
    }
    checks = [_check(connection, *check) for check in _CHECKS]
    total = outstanding - owed + sum(against.values())
    checks.append(Check("all accounts sum to zero", f"off by {total}" if total else None))
    return Proof(
        transactions=_count(connection, "transactions"),
        entries=_count(connection, "entries"),
        members=members,
        issued=-against.get("issuance", 0),
        redeemed=against.get("redemption", 0),
        lapsed=against.get("breakage", 0),
        outstanding=outstanding,
        held=held,
        owed=owed,
        checks=tuple(checks),
    )


def _check(connection: Connection, what: str, query: str, sentence: str) -> Check:
    row = connection.execute(text(f"{query} LIMIT 1")).one_or_none()
    return Check(what, None if row is None else sentence.format(**row._mapping))


def _count(connection: Connection, table: str) -> int:
    return int(connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one())
