"""Templates of one's own: every version that was ever saved."""

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, bindparam, func, select

from loyalty.template_version import TemplateLine, TemplateVersion
from storage import tables
from storage.rows import InsertOnce, Shape

_table = tables.template_versions
_shape = Shape(TemplateVersion, _table)
_line = Shape(TemplateLine, _table)
_MINE = select(*_shape.columns).where(_table.c.name == bindparam("name"))
_GET = _MINE.where(_table.c.version == bindparam("version"))
_LATEST = _MINE.order_by(_table.c.version.desc()).limit(1)
_LINES = select(*_line.columns).order_by(_table.c.name, _table.c.version.desc())
_OF = _LINES.where(_table.c.name == bindparam("name"))
_COUNT = select(func.count()).select_from(_table)
_NEWEST = select(_table.c.name, func.max(_table.c.version)).group_by(_table.c.name)
_ADD = InsertOnce(_table)


class SqlTemplateVersions:
    """The TemplateVersions port on one transaction's connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, name: str, version: int) -> TemplateVersion | None:
        row = self._connection.execute(_GET, {"name": name, "version": version}).first()
        return TemplateVersion(*row) if row else None

    def latest(self, name: str) -> TemplateVersion | None:
        row = self._connection.execute(_LATEST, {"name": name}).first()
        return TemplateVersion(*row) if row else None

    def of(self, name: str) -> Sequence[TemplateLine]:
        return [TemplateLine(*row) for row in self._connection.execute(_OF, {"name": name})]

    def listed(self) -> Sequence[TemplateLine]:
        return [TemplateLine(*row) for row in self._connection.execute(_LINES)]

    def count(self) -> int:
        return self._connection.execute(_COUNT).scalar_one()

    def newest(self) -> Mapping[str, int]:
        return {name: version for name, version in self._connection.execute(_NEWEST)}

    def add(self, version: TemplateVersion) -> bool:
        return _ADD(self._connection, _shape.values(version))
