"""Checkpoints, what the ledger's log was at one time, signed; and the roots of its full pages."""

from sqlalchemy import BigInteger, Column, LargeBinary, Table, Text

from storage.schema.core import Instant, metadata

checkpoints = Table(
    "checkpoints",
    metadata,
    Column("size", BigInteger, primary_key=True, autoincrement=False),  # transactions in the log
    Column("root", LargeBinary, nullable=False),
    Column("note", Text, nullable=False),  # a C2SP checkpoint
    Column("at", Instant, nullable=False),
    Column("pushed", Instant),  # none = not everywhere yet where it is to be kept
)

log_pages = Table(
    "log_pages",
    metadata,
    # From 0; of 4,096 leaves each.
    Column("page", BigInteger, primary_key=True, autoincrement=False),
    Column("root", LargeBinary, nullable=False),
)
