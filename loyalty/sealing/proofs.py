"""Checks a proof about the ledger's log with nothing but hashes, as RFC 9162 says step by step.

Whoever was given a receipt can do this without asking us. Every failure raises ProofBroken, so
that a proof nobody looked at cannot pass.
"""

from collections.abc import Sequence

from loyalty.sealing.broken import SealBroken
from loyalty.sealing.merkle import EMPTY_ROOT, HASH, node_hash


class ProofBroken(SealBroken):
    """The proof does not lead to the root it was given for."""


def verify_inclusion(
    leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes
) -> None:
    """Check that the entry of hash `leaf` stands at `index` in the log of `size` and `root`.

    Source: RFC 9162, 2.1.3.2
    """
    if not 0 <= index < size:
        raise ProofBroken(f"A log of {size} has no entry {index}.")
    _must_be_hashes(leaf, root, *proof)
    node, last, found = index, size - 1, leaf
    for step in proof:
        if last == 0:
            raise ProofBroken("The proof is longer than the tree is high.")
        if node & 1 or node == last:
            found = node_hash(step, found)
            node, last = _up_to_a_right_child(node, last)
        else:
            found = node_hash(found, step)
        node, last = node >> 1, last >> 1
    if last:
        raise ProofBroken("The proof is shorter than the tree is high.")
    if found != root:
        raise ProofBroken(f"The proof does not lead from entry {index} to the root.")


def verify_consistency(
    old_size: int, old_root: bytes, size: int, root: bytes, proof: Sequence[bytes]
) -> None:
    """Check that the log of `size` and `root` holds all of the older one, unchanged and in place.

    Source: RFC 9162, 2.1.4.2
    """
    if not 0 <= old_size <= size:
        raise ProofBroken(f"A log of {old_size} cannot come before one of {size}.")
    _must_be_hashes(old_root, root, *proof)
    if old_size in (0, size):
        if proof or old_root != (root if old_size else EMPTY_ROOT):
            raise ProofBroken("Two logs of the same size have different roots.")
        return
    whole = old_size & (old_size - 1) == 0
    old, new = _both_roots(old_size - 1, size - 1, [old_root, *proof] if whole else proof)
    if old != old_root:
        raise ProofBroken(f"The proof does not lead to the root at size {old_size}.")
    if new != root:
        raise ProofBroken(f"The proof does not lead to the root at size {size}.")


def _both_roots(node: int, last: int, proof: Sequence[bytes]) -> tuple[bytes, bytes]:
    """The old root and the new one that a path leads to, from the old log's last entry up."""
    if not proof:
        raise ProofBroken("The proof is empty.")
    while node & 1:
        node, last = node >> 1, last >> 1
    old = new = proof[0]
    for step in proof[1:]:
        if last == 0:
            raise ProofBroken("The proof is longer than the tree is high.")
        if node & 1 or node == last:
            old, new = node_hash(step, old), node_hash(step, new)
            node, last = _up_to_a_right_child(node, last)
        else:
            new = node_hash(new, step)
        node, last = node >> 1, last >> 1
    if last:
        raise ProofBroken("The proof is shorter than the tree is high.")
    return old, new


def _up_to_a_right_child(node: int, last: int) -> tuple[int, int]:
    """Where the last node of a row has no brother, it stands for its parent, row after row."""
    while node and not node & 1:
        node, last = node >> 1, last >> 1
    return node, last


def _must_be_hashes(*hashes: bytes) -> None:
    if any(len(each) != HASH for each in hashes):
        raise ProofBroken(f"A hash has {HASH} bytes.")
