"""The log's tree: the same roots and proofs as the standard's, and no other proof passes."""

from collections.abc import Callable, Sequence
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty.errors import Invalid
from loyalty.sealing import merkle
from loyalty.sealing.merkle import EMPTY_ROOT, Frontier, LeavesMissing, Tree, leaf_hash
from loyalty.sealing.proofs import ProofBroken, verify_consistency, verify_inclusion

# The eight entries, roots and proofs that Certificate Transparency's own tests use.
ENTRIES = [
    bytes.fromhex(entry)
    for entry in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
A = "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7"
B = "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e"
C = "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"
D = "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"
E = "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0"
F = "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a"

entries = st.lists(st.binary(max_size=40), min_size=1, max_size=70)


def log_of(leaves: Sequence[bytes]) -> Tree:
    return Tree(lambda start, end: leaves[start:end])


def frontier_of(leaves: Sequence[bytes]) -> Frontier:
    frontier = Frontier()
    frontier.extend(leaves)
    return frontier


EXAMPLE = log_of([leaf_hash(entry) for entry in ENTRIES])


@pytest.fixture(autouse=True)
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages of four leaves, so that trees of a few dozen have many."""
    monkeypatch.setattr(merkle, "PAGE", 4)


def test_the_root_is_the_standards_at_every_size() -> None:
    """Whoever knows the standard computes the same root from the same entries."""
    frontier = Frontier()
    roots = [frontier.root()]
    for entry in ENTRIES:
        frontier.append(leaf_hash(entry))
        roots.append(frontier.root())

    assert [root.hex() for root in roots] == ROOTS
    assert [EXAMPLE.root(size).hex() for size in range(9)] == ROOTS
    assert ROOTS[0] == EMPTY_ROOT.hex()


@pytest.mark.parametrize(
    ("index", "size", "proof"),
    [
        (0, 1, []),
        (0, 8, [A, B, C]),
        (5, 8, [D, E, ROOTS[4]]),
        (2, 3, [ROOTS[2]]),
        (1, 5, [ROOTS[1], B, D]),
    ],
)
def test_an_entrys_proof_is_the_standards(index: int, size: int, proof: list[str]) -> None:
    """A program by somebody else accepts our proof that an entry is in the log."""
    given_out = EXAMPLE.inclusion_proof(index, size)

    assert [each.hex() for each in given_out] == proof
    root = bytes.fromhex(ROOTS[size])
    verify_inclusion(leaf_hash(ENTRIES[index]), index, size, given_out, root)


@pytest.mark.parametrize(
    ("old", "size", "proof"),
    [
        (1, 1, []),
        (1, 8, [A, B, C]),
        (6, 8, [F, E, ROOTS[4]]),
        (2, 5, [B, D]),
    ],
)
def test_the_proof_that_nothing_was_rewritten_is_the_standards(
    old: int, size: int, proof: list[str]
) -> None:
    """A program by somebody else accepts our proof that the log was only added to."""
    given_out = EXAMPLE.consistency_proof(old, size)

    assert [each.hex() for each in given_out] == proof
    roots = [bytes.fromhex(root) for root in ROOTS]
    verify_consistency(old, roots[old], size, roots[size], given_out)


# --- any log -----------------------------------------------------------------------------------


def mth(d: Sequence[bytes]) -> bytes:
    """MTH(D[n]), the Merkle Tree Hash of a list of entries: RFC 6962, 2.1, word for word."""
    n = len(d)
    if n == 0:
        return sha256(b"").digest()
    if n == 1:
        return sha256(b"\x00" + d[0]).digest()
    k = split(n)
    return sha256(b"\x01" + mth(d[:k]) + mth(d[k:])).digest()


def path(m: int, d: Sequence[bytes]) -> list[bytes]:
    """PATH(m, D[n]), the audit path of the entry with index m: RFC 6962, 2.1.1, word for word."""
    n = len(d)
    if n == 1:
        return []
    k = split(n)
    if m < k:
        return [*path(m, d[:k]), mth(d[k:])]
    return [*path(m - k, d[k:]), mth(d[:k])]


def subproof(m: int, d: Sequence[bytes], b: bool) -> list[bytes]:
    """SUBPROOF(m, D[n], b); PROOF(m, D[n]) is that with b true: RFC 6962, 2.1.2, word for word."""
    n = len(d)
    if m == n:
        return [] if b else [mth(d)]
    k = split(n)
    if m <= k:
        return [*subproof(m, d[:k], b), mth(d[k:])]
    return [*subproof(m - k, d[k:], False), mth(d[:k])]


def split(n: int) -> int:
    """The largest power of two smaller than n."""
    k = 1
    while k * 2 < n:
        k *= 2
    return k


def test_the_definitions_are_the_standards_own() -> None:
    """What the log is held to below is itself held to the vectors above."""
    assert [mth(ENTRIES[:size]).hex() for size in range(9)] == ROOTS
    assert [each.hex() for each in path(5, ENTRIES)] == [D, E, ROOTS[4]]
    assert [each.hex() for each in subproof(6, ENTRIES, True)] == [F, E, ROOTS[4]]


@given(entries)
def test_any_log_has_the_roots_and_proofs_that_the_standard_defines(data: list[bytes]) -> None:
    """A program written from the standard alone computes every root and every entry's proof."""
    leaves = [leaf_hash(entry) for entry in data]
    tree = log_of(leaves)

    for size in range(1, len(data) + 1):
        assert tree.root(size) == frontier_of(leaves[:size]).root() == mth(data[:size])
    for index in range(len(data)):
        assert tree.inclusion_proof(index, len(data)) == path(index, data)


@given(entries, st.data())
def test_any_older_log_is_proved_as_the_standard_defines(
    data: list[bytes], draw: st.DataObject
) -> None:
    """The proof holds the hashes that the standard's definition names, and it passes."""
    leaves = [leaf_hash(entry) for entry in data]
    old = draw.draw(st.integers(1, len(data)))
    tree = log_of(leaves)
    proof = tree.consistency_proof(old, len(data))

    assert proof == subproof(old, data, True)
    verify_consistency(old, tree.root(old), len(data), tree.root(len(data)), proof)


@given(entries, st.integers(0, 70))
def test_a_kept_frontier_goes_on_where_it_stopped(data: list[bytes], cut: int) -> None:
    """A batch that starts from what the last one left behind seals as if there had been one."""
    leaves = [leaf_hash(entry) for entry in data]
    resumed = Frontier.from_bytes(frontier_of(leaves[:cut]).to_bytes())
    resumed.extend(leaves[cut:])

    assert resumed.size == len(leaves)
    assert resumed.root() == mth(data)
    assert resumed.to_bytes() == frontier_of(leaves).to_bytes()


# --- what does not pass ------------------------------------------------------------------------


@given(entries, st.data())
def test_no_changed_proof_of_an_entry_passes(data: list[bytes], draw: st.DataObject) -> None:
    """Change, drop, add or swap a hash, the place, the entry or the root: it is noticed."""
    leaves = [leaf_hash(entry) for entry in data]
    size = len(leaves)
    index = draw.draw(st.integers(0, size - 1))
    tree = log_of(leaves)
    proof, root = tree.inclusion_proof(index, size), tree.root(size)

    verify_inclusion(leaves[index], index, size, proof, root)
    for changed in one_changed(proof, draw):
        with pytest.raises(ProofBroken):
            verify_inclusion(leaves[index], index, size, changed, root)
    for leaf, place, head in (
        (flipped(leaves[index], draw), index, root),
        (leaves[index], index, flipped(root, draw)),
        (leaves[index], size, root),
        (leaves[index], -1, root),
    ):
        with pytest.raises(ProofBroken):
            verify_inclusion(leaf, place, size, proof, head)


@given(entries, st.data())
def test_no_changed_proof_between_two_logs_passes(data: list[bytes], draw: st.DataObject) -> None:
    """Change, drop, add or swap a hash, or either root: it is noticed."""
    leaves = [leaf_hash(entry) for entry in data]
    size = len(leaves)
    old = draw.draw(st.integers(1, size))
    tree = log_of(leaves)
    proof, before, after = tree.consistency_proof(old, size), tree.root(old), tree.root(size)

    for changed in one_changed(proof, draw):
        with pytest.raises(ProofBroken):
            verify_consistency(old, before, size, after, changed)
    for old_root, root in ((flipped(before, draw), after), (before, flipped(after, draw))):
        with pytest.raises(ProofBroken):
            verify_consistency(old, old_root, size, root, proof)


@given(entries, st.data())
def test_a_rewritten_past_has_no_proof(data: list[bytes], draw: st.DataObject) -> None:
    """Change an entry under a root that was given out, and no proof leads from it any more."""
    leaves = [leaf_hash(entry) for entry in data]
    old = draw.draw(st.integers(1, len(leaves)))
    place = draw.draw(st.integers(0, old - 1))
    given_out = log_of(leaves).root(old)
    rewritten = log_of([*leaves[:place], leaf_hash(b"other" + data[place]), *leaves[place + 1 :]])

    with pytest.raises(ProofBroken):
        verify_consistency(
            old,
            given_out,
            len(leaves),
            rewritten.root(len(leaves)),
            rewritten.consistency_proof(old, len(leaves)),
        )


def test_every_log_comes_after_an_empty_one_but_not_before_a_larger() -> None:
    """The edges: nothing to prove from an empty log, and no way back."""
    root = EXAMPLE.root(8)

    verify_consistency(0, EMPTY_ROOT, 8, root, EXAMPLE.consistency_proof(0, 8))
    verify_consistency(0, EMPTY_ROOT, 0, EMPTY_ROOT, [])
    for old_size, old_root, size in (
        (0, root, 8),
        (8, EMPTY_ROOT, 8),
        (9, root, 8),
        (2, root, 1),
        (-1, root, 8),
    ):
        with pytest.raises(ProofBroken):
            verify_consistency(old_size, old_root, size, root, [])
    with pytest.raises(ProofBroken):
        verify_consistency(3, EXAMPLE.root(3), 4, EXAMPLE.root(4), [])


def test_a_proof_says_how_high_the_log_is() -> None:
    """A proof for the last of eight does not pass for the last of four, nor the other way."""
    eighth, fourth = leaf_hash(ENTRIES[7]), leaf_hash(ENTRIES[3])
    of_eight, of_four = EXAMPLE.inclusion_proof(7, 8), EXAMPLE.inclusion_proof(3, 4)
    grown_to_eight, grown_to_four = EXAMPLE.consistency_proof(7, 8), EXAMPLE.consistency_proof(3, 4)
    root = EXAMPLE.root

    verify_inclusion(eighth, 7, 8, of_eight, root(8))
    verify_inclusion(fourth, 3, 4, of_four, root(4))
    lies: tuple[Callable[[], object], ...] = (
        lambda: verify_inclusion(eighth, 3, 4, of_eight, root(8)),
        lambda: verify_inclusion(fourth, 7, 8, of_four, root(4)),
        lambda: verify_consistency(3, root(7), 4, root(8), grown_to_eight),
        lambda: verify_consistency(7, root(3), 8, root(4), grown_to_four),
    )
    for lie in lies:
        with pytest.raises(ProofBroken):
            lie()


def test_two_hashes_run_together_do_not_pass_for_one() -> None:
    """Where a hash ends is part of the proof: an entry of nothing is not in the log."""
    left, right = (leaf_hash(entry) for entry in ENTRIES[:2])

    with pytest.raises(ProofBroken):
        verify_inclusion(b"", 0, 2, [left + right], EXAMPLE.root(2))


def test_a_proof_outside_the_log_is_refused_by_field() -> None:
    """Asking for an entry that is not there yet says so."""
    asked: tuple[Callable[[], object], ...] = (
        lambda: EXAMPLE.inclusion_proof(8, 8),
        lambda: EXAMPLE.inclusion_proof(-1, 8),
        lambda: EXAMPLE.consistency_proof(8, 7),
    )
    for ask in asked:
        with pytest.raises(Invalid) as refused:
            ask()
        assert refused.value.problems[0]["code"] == "out_of_range"


@pytest.mark.parametrize(
    "leaves", [[], [bytes(32)] * 4, [bytes(32)] * 6, [bytes(32)] * 4 + [bytes(31)]]
)
def test_a_log_with_rows_missing_gives_no_root(leaves: list[bytes]) -> None:
    """A tail that was cut off, or a row too many, is never hashed as if it were the whole."""
    tree = Tree(lambda start, end: leaves[start:] if end >= 5 else leaves[start:end])

    with pytest.raises(LeavesMissing):
        tree.root(5)


@pytest.mark.parametrize("kept", [b"", bytes(7), bytes(40), b"\0\0\0\0\0\0\0\x03" + bytes(32)])
def test_a_frontier_that_was_cut_is_not_taken_up(kept: bytes) -> None:
    """A head whose size and hashes do not fit cannot go on growing."""
    with pytest.raises(LeavesMissing):
        Frontier.from_bytes(kept)


def test_several_proofs_read_the_log_once() -> None:
    """A report on many entries reads each page of the log a single time, plus the pages split."""
    leaves = [leaf_hash(bytes([i])) for i in range(64)]
    read: list[tuple[int, int]] = []

    def counted(start: int, end: int) -> Sequence[bytes]:
        read.append((start, end))
        return leaves[start:end]

    tree = Tree(counted)
    tree.root(64)
    assert len(read) == 64 // merkle.PAGE
    for index in range(64):
        tree.inclusion_proof(index, 64)

    assert len(read) == len(set(read))
    assert all(end - start < merkle.PAGE for start, end in read[64 // merkle.PAGE :])


def test_pages_that_were_kept_are_not_read_again() -> None:
    """With the roots of full pages learnt, a proof reads its own page and the unfinished one."""
    leaves = [leaf_hash(bytes([i])) for i in range(63)]
    whole = log_of(leaves)
    read: list[tuple[int, int]] = []

    def counted(start: int, end: int) -> Sequence[bytes]:
        read.append((start, end))
        return leaves[start:end]

    tree = Tree(counted)
    for page in range(63 // merkle.PAGE):
        tree.learn(page, whole.page(page))

    assert tree.root(63) == whole.root(63)
    assert tree.inclusion_proof(17, 63) == whole.inclusion_proof(17, 63)
    assert {start // merkle.PAGE for start, _ in read} == {17 // merkle.PAGE, 62 // merkle.PAGE}
    with pytest.raises(LeavesMissing):
        tree.learn(20, whole.page(0))


def one_changed(proof: list[bytes], draw: st.DataObject) -> list[list[bytes]]:
    """The proof with one hash changed, dropped or added anywhere, or two neighbours swapped."""
    spare = draw.draw(st.binary(min_size=32, max_size=32))
    changed = [[*proof[:i], spare, *proof[i:]] for i in range(len(proof) + 1)]
    for i, each in enumerate(proof):
        changed.append([*proof[:i], flipped(each, draw), *proof[i + 1 :]])
        changed.append([*proof[:i], *proof[i + 1 :]])
        changed.append([*proof[:i], each[:-1], *proof[i + 1 :]])
    changed += [
        [*proof[:i], proof[i + 1], proof[i], *proof[i + 2 :]]
        for i in range(len(proof) - 1)
        if proof[i] != proof[i + 1]
    ]
    return changed


def flipped(hash: bytes, draw: st.DataObject) -> bytes:
    """The hash with one bit the other way."""
    bit = draw.draw(st.integers(0, len(hash) * 8 - 1))
    return (int.from_bytes(hash, "big") ^ 1 << bit).to_bytes(len(hash), "big")
