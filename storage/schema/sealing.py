"""Checkpoints: what the ledger's log was at one time, signed."""

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
