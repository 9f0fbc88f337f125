"""The ledger as one would first write it: mapped classes, one session and commit per posting.

The same guarantees for one posting (key once, no overdraft, lots by expiry, entries with a running
balance) on four small tables, from as many threads as the pool has connections.
"""

import threading
import time
from datetime import datetime
from random import Random

from sqlalchemy import BigInteger, String, create_engine, select, text
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from benchmarks.ledger_door import EXPIRIES, THREADS
from benchmarks.ledger_rows import FUNDED, member_id
from storage.database import database_url
from storage.schema.core import Instant


class Base(DeclarativeBase):
    pass


class Account(Base):
    __tablename__ = "account"
    id: Mapped[str] = mapped_column(String(128), primary_key=True)
    balance: Mapped[int] = mapped_column(BigInteger)
    seq: Mapped[int] = mapped_column(BigInteger)


class Posting(Base):
    __tablename__ = "posting"
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    key: Mapped[str] = mapped_column(String(255), unique=True)
    kind: Mapped[str] = mapped_column(String(32))
    points: Mapped[int] = mapped_column(BigInteger)


class Entry(Base):
    __tablename__ = "entry"
    account_id: Mapped[str] = mapped_column(String(128), primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    posting_id: Mapped[int] = mapped_column(BigInteger)
    amount: Mapped[int] = mapped_column(BigInteger)
    balance: Mapped[int] = mapped_column(BigInteger)


class Lot(Base):
    __tablename__ = "lot"
    account_id: Mapped[str] = mapped_column(String(128), primary_key=True)
    expires_at: Mapped[datetime] = mapped_column(Instant, primary_key=True)
    remaining: Mapped[int] = mapped_column(BigInteger)


class Naive:
    """The contender on a database of its own."""

    def __init__(self, url: str, members: int) -> None:
        self._members = members
        self._engine = create_engine(database_url(url), pool_size=THREADS, hide_parameters=True)
        Base.metadata.create_all(self._engine)
        with self._engine.begin() as connection:
            numbers = f"FROM generate_series(1, {members}) AS n"
            for kind, balance in (("member", FUNDED), ("issuance", -FUNDED), ("redemption", 0)):
                connection.execute(
                    text(f"INSERT INTO account SELECT '{kind}:b' || n, {balance}, 0 {numbers}")
                )
            connection.execute(
                text(f"INSERT INTO lot SELECT 'member:b' || n, :at, {FUNDED} {numbers}"),
                {"at": EXPIRIES[0]},
            )
        self._run = 0

    def run(self, seconds: float) -> tuple[int, float]:
        """Post from all threads; returns how many postings and in how many seconds."""
        self._run += 1
        counts = [0] * THREADS
        began = time.perf_counter()

        def post(number: int) -> None:
            random = Random(self._run * THREADS + number)
            while time.perf_counter() < began + seconds:
                key = f"bench:{self._run}:{number}:{counts[number]:020}"
                member = member_id(random.randint(1, self._members))
                points = random.randint(1, 100)
                self._post(key, member, points if random.random() < 0.6 else -points)
                counts[number] += 1

        threads = [threading.Thread(target=post, args=(n,)) for n in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return sum(counts), time.perf_counter() - began

    def _post(self, key: str, member: str, points: int) -> None:
        other = f"issuance:{member}" if points > 0 else f"redemption:{member}"
        with Session(self._engine) as session:
            ids = [f"member:{member}", other]
            rows = session.scalars(
                select(Account).where(Account.id.in_(ids)).order_by(Account.id).with_for_update()
            )
            accounts = {account.id: account for account in rows}
            if session.scalar(select(Posting).where(Posting.key == key)):
                return
            if accounts[ids[0]].balance + points < 0:
                return
            posting = Posting(key=key, kind="earn" if points > 0 else "burn", points=abs(points))
            session.add(posting)
            session.flush()
            for id, amount in ((ids[0], points), (other, -points)):
                account = accounts[id]
                account.balance += amount
                account.seq += 1
                session.add(
                    Entry(
                        account_id=id,
                        seq=account.seq,
                        posting_id=posting.id,
                        amount=amount,
                        balance=account.balance,
                    )
                )
            self._move_lots(session, ids[0], points)
            session.commit()

    def _move_lots(self, session: Session, account: str, points: int) -> None:
        if points > 0:
            at = EXPIRIES[points % len(EXPIRIES)]
            lot = session.get(Lot, (account, at))
            if lot is None:
                session.add(Lot(account_id=account, expires_at=at, remaining=points))
            else:
                lot.remaining += points
            return
        query = select(Lot).where(Lot.account_id == account, Lot.remaining > 0)
        for lot in session.scalars(query.order_by(Lot.expires_at)):
            part = min(lot.remaining, -points)
            lot.remaining -= part
            points += part
            if points == 0:
                return

    def close(self) -> None:
        self._engine.dispose()
