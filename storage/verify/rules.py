"""What the database itself can be asked for: rows that must not exist."""

from storage.verify.broken import RowBroken
from storage.verify.source import Source

_KEYS = (
    "SELECT min(id) AS id, key, count(*) AS times FROM transactions GROUP BY key "
    "HAVING count(*) > 1 ORDER BY 1 LIMIT 1",
    "its key {key!r} is there {times} times",
)
_REVERSALS = (
    (
        "SELECT id, kind FROM transactions WHERE (kind = 'reverse' AND reverses IS NULL) "
        "OR (kind <> 'reverse' AND reverses IS NOT NULL) ORDER BY 1 LIMIT 1",
        "a reversal names what it takes back, and nothing else does",
    ),
    (
        "SELECT r.id, r.reverses FROM transactions r LEFT JOIN transactions o ON o.id = r.reverses "
        "WHERE r.reverses IS NOT NULL AND (o.id IS NULL OR o.id >= r.id) ORDER BY 1 LIMIT 1",
        "there is no earlier transaction {reverses} that it could take back",
    ),
    (
        "SELECT o.id, o.points, sum(r.points) AS back FROM transactions r JOIN transactions o "
        "ON o.id = r.reverses GROUP BY o.id, o.points HAVING sum(r.points) > o.points "
        "ORDER BY 1 LIMIT 1",
        "it moved {points} points and {back} were taken back",
    ),
)


def check_keys(source: Source) -> None:
    """Each key stands once, whatever constraints a copy has lost."""
    _none_of(source, *_KEYS)


def check_reversals(source: Source) -> None:
    """No more is taken back than was moved."""
    for query, sentence in _REVERSALS:
        _none_of(source, query, sentence)


def _none_of(source: Source, query: str, sentence: str) -> None:
    row = source.one(query)
    if row is not None:
        raise RowBroken("transactions", row[0], sentence.format(**row._mapping))
