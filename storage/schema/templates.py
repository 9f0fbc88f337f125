"""Templates that marketers write in the browser; rows are only ever added."""

from sqlalchemy import Column, Integer, String, Table, Text

from storage.schema.core import Instant, Json, key, metadata

template_versions = Table(
    "template_versions",
    metadata,
    key("name", 48, primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("files", Json, nullable=False),  # text by relative name
    Column("created_at", Instant, nullable=False),
    Column("created_by", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
    Column("note", Text, nullable=False),
)
