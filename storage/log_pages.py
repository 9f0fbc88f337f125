"""The log as a tree over stored leaves, with the roots of its whole pages kept.

A page is as many leaves as are read at once (`loyalty/sealing/merkle.py`). Once it is full it never
changes, so its root is kept when the log is sealed, and a proof reads two pages instead of all. The
kept roots are trusted by nobody: whoever checks a proof checks them with it.
"""

from collections.abc import Sequence

from sqlalchemy import Connection, select

from loyalty.sealing import merkle
from loyalty.sealing.merkle import Tree
from storage.tables import log_pages, transactions

_LEAVES = select(transactions.c.leaf).order_by(transactions.c.id)
_PAGES = select(log_pages.c.page, log_pages.c.root).order_by(log_pages.c.page)


def leaves(connection: Connection, start: int, end: int) -> Sequence[bytes]:
    """Leaf hashes from index `start` up to, not including, `end`."""
    mine = _LEAVES.where(transactions.c.id > start, transactions.c.id <= end)
    return [bytes(leaf) for leaf in connection.execute(mine).scalars()]


def log_tree(connection: Connection) -> Tree:
    """The tree for one question, read as far as it is needed."""
    tree = Tree(lambda start, end: leaves(connection, start, end))
    learn_pages(connection, tree)
    return tree


def learn_pages(connection: Connection, tree: Tree) -> None:
    """Tell a tree of the pages that were kept since it last asked."""
    for page, root in connection.execute(_PAGES.where(log_pages.c.page >= tree.pages)):
        tree.learn(page, bytes(root))


def keep_pages(connection: Connection, tree: Tree, size: int) -> None:
    """Keep the roots of all pages that are full at `size`."""
    full = range(tree.pages, size // merkle.PAGE)
    rows = [{"page": page, "root": tree.page(page)} for page in full]
    if rows:
        connection.execute(log_pages.insert(), rows)
