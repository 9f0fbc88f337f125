"""Checkpoints: what a log was, in the words that other programs read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty.sealing.checkpoint import (
    Checkpoint,
    CheckpointMalformed,
    OtherLog,
    open_checkpoint,
    sign_checkpoint,
)
from loyalty.sealing.merkle import EMPTY_ROOT
from loyalty.sealing.note import NotSigned, SignatureWrong, add_signature, sign_note
from loyalty.sealing.signing_keys import SigningKey

# The example of the specification.
EXAMPLE = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
ROOT = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I="
ORIGIN = "shop.example/points"

shop = SigningKey(ORIGIN, bytes(range(32)))
witness = SigningKey("witness.example", bytes(range(1, 33)))
lines = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1)
checkpoints = st.builds(
    Checkpoint,
    origin=lines,
    size=st.integers(0, 2**63 - 1),
    root=st.binary(min_size=32, max_size=32),
    extensions=st.lists(lines, max_size=3).map(tuple),
)


def test_the_specifications_example_is_read_and_written() -> None:
    """The text that other programs hand out is understood, and comes out the same."""
    checkpoint = Checkpoint.parse(EXAMPLE)

    assert (checkpoint.origin, checkpoint.size) == ("example.com/behind-the-sofa", 20852163)
    assert checkpoint.root.hex().startswith("0ac5186a91863e8e")
    assert checkpoint.text() == EXAMPLE


def test_a_log_begins_empty() -> None:
    """The first checkpoint of all has size 0 and the root of nothing."""
    text = f"{ORIGIN}\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n"

    assert Checkpoint(ORIGIN, 0, EMPTY_ROOT).text() == text


@given(checkpoints)
def test_any_checkpoint_survives_being_signed_and_opened(checkpoint: Checkpoint) -> None:
    """What was sealed is what is read, with the lines of somebody else's own if there are any."""
    note = sign_checkpoint(checkpoint, [shop, witness])

    assert open_checkpoint(note, checkpoint.origin, [shop.verifier]) == checkpoint
    assert open_checkpoint(note, checkpoint.origin, [witness.verifier]) == checkpoint
    assert Checkpoint.parse(checkpoint.text()) == checkpoint


@given(st.text(st.sampled_from("ab\n0123456789=+/ "), max_size=80) | st.text())
def test_a_text_is_read_only_if_it_would_be_written_so(text: str) -> None:
    """There is one way to write a checkpoint: two texts never mean the same."""
    try:
        checkpoint = Checkpoint.parse(text)
    except CheckpointMalformed:
        return
    assert checkpoint.text() == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        f"{ORIGIN}\n",
        f"{ORIGIN}\n1\n",
        f"{ORIGIN}\n1\n{ROOT}",
        f"{ORIGIN}\n1\n{ROOT}x",
        f"\n1\n{ROOT}\n",
        f"{ORIGIN}\n\n{ROOT}\n",
        f"{ORIGIN}\n01\n{ROOT}\n",
        f"{ORIGIN}\n+1\n{ROOT}\n",
        f"{ORIGIN}\n-1\n{ROOT}\n",
        f"{ORIGIN}\n1 \n{ROOT}\n",
        f"{ORIGIN}\n1.0\n{ROOT}\n",
        f"{ORIGIN}\n1_0\n{ROOT}\n",
        f"{ORIGIN}\n1١\n{ROOT}\n",
        f"{ORIGIN}\n{10**19}\n{ROOT}\n",
        f"{ORIGIN}\n1\n{ROOT[:-1]}\n",
        f"{ORIGIN}\n1\n{ROOT[:-2]}J=\n",
        f"{ORIGIN}\n1\n{ROOT[4:]}\n",
        f"{ORIGIN}\n1\n {ROOT}\n",
        f"{ORIGIN}\r\n1\r\n{ROOT}\r\n",
        f"{ORIGIN}\n1\n{ROOT}\n\n",
        f"{ORIGIN}\n1\n{ROOT}\n\nmore\n",
    ],
)
def test_what_only_looks_like_a_checkpoint_is_refused(text: str) -> None:
    """A size or root written in any other way is not guessed at."""
    with pytest.raises(CheckpointMalformed):
        Checkpoint.parse(text)


@pytest.mark.parametrize(
    ("origin", "size", "root", "extensions"),
    [
        ("", 1, bytes(32), ()),
        ("evil\n999", 1, bytes(32), ()),
        (ORIGIN, -1, bytes(32), ()),
        (ORIGIN, 10**19, bytes(32), ()),
        (ORIGIN, 1, bytes(31), ()),
        (ORIGIN, 1, bytes(32), ("",)),
        (ORIGIN, 1, bytes(32), ("a\nb",)),
    ],
)
def test_a_checkpoint_that_would_read_as_another_is_not_made(
    origin: str, size: int, root: bytes, extensions: tuple[str, ...]
) -> None:
    """A newline in a name would smuggle in a size of its own."""
    with pytest.raises(CheckpointMalformed):
        Checkpoint(origin, size, root, extensions)


def test_a_checkpoint_of_another_log_does_not_pass_for_ours() -> None:
    """One key may sign for several logs; a test log's checkpoint proves nothing about ours."""
    note = sign_checkpoint(Checkpoint("test.example/points", 3, bytes(32)), [shop])

    with pytest.raises(OtherLog):
        open_checkpoint(note, ORIGIN, [shop.verifier])


def test_a_witness_signs_beside_the_log() -> None:
    """Somebody who cannot be told what to sign confirms what the log said."""
    checkpoint = Checkpoint(ORIGIN, 3, bytes(32))
    note = add_signature(sign_checkpoint(checkpoint, [shop]), witness)

    assert open_checkpoint(note, ORIGIN, [witness.verifier]) == checkpoint


def test_a_changed_or_unsigned_checkpoint_is_refused() -> None:
    """A size that was lowered after signing, to hide a cut tail, is noticed."""
    note = sign_checkpoint(Checkpoint(ORIGIN, 31, bytes(32)), [shop])

    with pytest.raises(SignatureWrong):
        open_checkpoint(note.replace("\n31\n", "\n30\n"), ORIGIN, [shop.verifier])
    with pytest.raises(NotSigned):
        open_checkpoint(note, ORIGIN, [witness.verifier])


def test_a_signed_text_that_is_no_checkpoint_is_refused() -> None:
    """The right key under the wrong kind of text."""
    with pytest.raises(CheckpointMalformed):
        open_checkpoint(sign_note("hello\n", [shop]), ORIGIN, [shop.verifier])
