"""The ledger's log as one hash: append to it, and prove what it holds, by RFC 9162 (and 6962).

Hashes are SHA-256, 32 bytes. A leaf is hashed behind a byte 0x00, two nodes behind 0x01, so that
no leaf can pass for a node. A tree's `size` is its number of leaves; the first leaf has index 0.
"""

from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256

from loyalty.errors import invalid_field
from loyalty.sealing.broken import SealBroken

HASH = 32
"""Bytes of a SHA-256."""

EMPTY_ROOT = sha256(b"").digest()
"""The root of a tree without leaves (2.1.1)."""

PAGE = 4096
"""Leaves read at once: 128 kB. A power of two, so that every page but the last is a subtree."""

Leaves = Callable[[int, int], Sequence[bytes]]
"""Reads leaf hashes from `start` up to, not including, `end`, in order."""


class LeavesMissing(SealBroken):
    """The store has not the leaves that the tree's size promises, or one of them is no hash."""


def leaf_hash(data: bytes) -> bytes:
    """The hash of one entry of the log."""
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash that stands above two others."""
    return sha256(b"\x01" + left + right).digest()


class Frontier:
    """The right edge of a growing tree: all that is needed to append, in at most 64 hashes.

    Holds the root of each full subtree, the largest first: one for every 1 in the binary `size`.
    """

    __slots__ = ("_peaks", "size")

    def __init__(self) -> None:
        self.size = 0
        self._peaks: list[bytes] = []

    def append(self, leaf: bytes) -> None:
        """Add one leaf hash: it closes as many subtrees as `size` has 1s at its end."""
        peaks, size = self._peaks, self.size
        self.size = size + 1
        while size & 1:
            leaf = sha256(b"\x01" + peaks.pop() + leaf).digest()
            size >>= 1
        peaks.append(leaf)

    def extend(self, leaves: Iterable[bytes]) -> None:
        """Add leaf hashes in order."""
        for leaf in leaves:
            self.append(leaf)

    def root(self) -> bytes:
        """The hash of the whole tree (2.1.1)."""
        if not self._peaks:
            return EMPTY_ROOT
        root = self._peaks[-1]
        for peak in self._peaks[-2::-1]:
            root = node_hash(peak, root)
        return root

    def to_bytes(self) -> bytes:
        """To be kept: the size in eight bytes, big end first, then the hashes, largest first."""
        return self.size.to_bytes(8, "big") + b"".join(self._peaks)

    @classmethod
    def from_bytes(cls, kept: bytes) -> "Frontier":
        """What `to_bytes` gave. Raises LeavesMissing if size and hashes do not fit together."""
        size = int.from_bytes(kept[:8], "big")
        if len(kept) != 8 + HASH * size.bit_count():
            raise LeavesMissing(f"{len(kept)} bytes are not the right edge of a tree.")
        frontier = cls()
        frontier.size = size
        frontier._peaks = [bytes(kept[i : i + HASH]) for i in range(8, len(kept), HASH)]
        return frontier


class Tree:
    """Proofs from stored leaf hashes, read page by page.

    Keeps the root of every page it has read, so that several proofs over the same log read it once:
    make one for each question or report, while leaves are only added.
    """

    def __init__(self, leaves: Leaves) -> None:
        self._leaves = leaves
        self._known: dict[tuple[int, int], bytes] = {}
        self.pages = 0
        """So many full pages, from the first on, were learnt: their leaves need not be read."""

    def learn(self, page: int, root: bytes) -> None:
        """Take over the root of a full page, the next after those learnt before."""
        if page != self.pages or len(root) != HASH:
            raise LeavesMissing(f"What is kept of page {self.pages} of the log is not its root.")
        self._known[page * PAGE, (page + 1) * PAGE] = root
        self.pages += 1

    def page(self, number: int) -> bytes:
        """The root of a full page."""
        return self._range(number * PAGE, (number + 1) * PAGE)

    def root(self, size: int) -> bytes:
        """The root over the first `size` leaves."""
        return self._range(0, size) if size else EMPTY_ROOT

    def inclusion_proof(self, index: int, size: int) -> list[bytes]:
        """What proves that leaf `index` is in the tree of `size`, lowest hash first (2.1.3.1)."""
        if not 0 <= index < size:
            raise invalid_field("index", "out_of_range", f"must be from 0 to below {size}")
        start, end, proof = 0, size, []
        while end - start > 1:
            middle = start + _largest_power_below(end - start)
            if index < middle:
                proof.append(self._range(middle, end))
                end = middle
            else:
                proof.append(self._range(start, middle))
                start = middle
        return proof[::-1]

    def consistency_proof(self, old_size: int, size: int) -> list[bytes]:
        """What proves that the tree of `size` only adds to that of `old_size` (2.1.4.1).

        Empty if the sizes are equal, or the old tree was empty: then there is nothing to prove.
        """
        if not 0 <= old_size <= size:
            raise invalid_field("old_size", "out_of_range", f"must be from 0 to {size}")
        if old_size in (0, size):
            return []
        start, end, proof = 0, size, []
        while end > old_size:
            middle = start + _largest_power_below(end - start)
            if old_size <= middle:
                proof.append(self._range(middle, end))
                end = middle
            else:
                proof.append(self._range(start, middle))
                start = middle
        # Whoever checks knows the old root already, so it is left out when it is a whole subtree.
        return ([self._range(start, end)] if start else []) + proof[::-1]

    def _range(self, start: int, end: int) -> bytes:
        """The root over leaves `start` to `end`, which the recursion keeps on subtree bounds."""
        known = self._known.get((start, end))
        if known is None:
            if end - start <= PAGE:
                known = self._page(start, end)
            else:
                middle = start + _largest_power_below(end - start)
                known = node_hash(self._range(start, middle), self._range(middle, end))
            self._known[start, end] = known
        return known

    def _page(self, start: int, end: int) -> bytes:
        leaves = self._leaves(start, end)
        if len(leaves) != end - start or any(len(leaf) != HASH for leaf in leaves):
            raise LeavesMissing(f"Leaves {start} to {end - 1} are not all there.")
        page = Frontier()
        page.extend(leaves)
        return page.root()


def _largest_power_below(size: int) -> int:
    """The largest power of two smaller than `size`: where RFC 9162 splits a tree."""
    return 1 << ((size - 1).bit_length() - 1)
