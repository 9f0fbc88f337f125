"""Signed notes and their keys: the ones that Go's tools write, and nothing that looks like them."""

from base64 import b64decode, b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty.sealing.note import (
    MOST_BYTES,
    NoteMalformed,
    NotSigned,
    SignatureWrong,
    add_signature,
    open_note,
    sign_note,
)
from loyalty.sealing.signing_keys import (
    KeyMalformed,
    SigningKey,
    VerifierKey,
    generate_signing_key,
)

# The example in the documentation of Go's note package, and a second signer of the same text.
SECRET = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
PETER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
ENOCH = "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop"
TEXT = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
)
BY_PETER = (
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngo"
    "tpRZb6KE6RyyBwJnAM=\n"
)
BY_ENOCH = (
    "— EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox"
    "33WWd1RvMc+QQ=\n"
)

peter = VerifierKey.decode(PETER)
enoch = VerifierKey.decode(ENOCH)
shop = SigningKey("shop.example/points", bytes(range(32)))
witness = SigningKey("witness.example", bytes(range(1, 33)))

names = st.text(
    st.characters(exclude_characters="+", exclude_categories=("Z", "C")), min_size=1, max_size=30
)
texts = st.text(st.characters(exclude_categories=("Cs", "Cc")) | st.just("\n")).map(
    lambda text: text + "\n"
)


def test_a_key_made_by_gos_tools_signs_as_they_do() -> None:
    """The same key and text give the same note, byte for byte."""
    key = SigningKey.decode(SECRET)

    assert sign_note(TEXT, [key]) == f"{TEXT}\n{BY_PETER}"
    assert key.verifier == peter
    assert (key.encode(), peter.encode(), enoch.encode()) == (SECRET, PETER, ENOCH)


def test_a_note_says_who_of_those_we_know_has_signed() -> None:
    """Several may sign one text; a signature by a stranger is passed over."""
    note = f"{TEXT}\n{BY_PETER}{BY_ENOCH}"

    assert open_note(note, [peter, enoch]).by == (peter, enoch)
    assert open_note(note, [enoch]).by == (enoch,)
    assert open_note(note, [enoch]).text == TEXT


def test_somebody_else_adds_a_signature() -> None:
    """A witness signs what the shop signed, and the shop's signature stays."""
    note = add_signature(sign_note("checked\n", [shop]), witness)

    assert open_note(note, [shop.verifier, witness.verifier]).by == (
        shop.verifier,
        witness.verifier,
    )
    assert note == sign_note("checked\n", [shop, witness])


def test_a_text_may_hold_empty_lines_and_a_whole_note() -> None:
    """Only what stands under the last empty line is signatures."""
    for text in ("\n", "a\n\n", "a\n\nb\n", f"{TEXT}\n{BY_PETER}"):
        signed = open_note(sign_note(text, [shop]), [shop.verifier, peter])

        assert (signed.text, signed.by) == (text, (shop.verifier,))


def test_a_note_that_nobody_known_signed_says_nothing() -> None:
    """A right signature by a key we do not know is none, also under a name that we know."""
    note = sign_note("pay\n", [SigningKey(shop.name, bytes(32))])

    for known in ([], [witness.verifier], [shop.verifier]):
        with pytest.raises(NotSigned):
            open_note(note, known)


def test_one_wrong_signature_of_a_known_key_spoils_the_note() -> None:
    """Under another text, or beside a right one, it is refused and not passed over."""
    note = sign_note("100 points\n", [shop, witness])

    with pytest.raises(SignatureWrong):
        open_note(note.replace("100", "900"), [shop.verifier])
    line = f"— {shop.name} {b64encode(shop.verifier.key_hash + bytes(64)).decode()}\n"
    with pytest.raises(SignatureWrong):
        open_note(note + line, [shop.verifier])


@given(texts, st.data())
def test_any_text_comes_back_and_any_change_is_noticed(text: str, draw: st.DataObject) -> None:
    """Empty lines, dashes and every script may stand in the text; no bit of it can be changed."""
    note = sign_note(text, [shop])
    assert open_note(note, [shop.verifier]).text == text

    raw = bytearray(note.encode())
    bit = draw.draw(st.integers(0, len(raw) * 8 - 1))
    raw[bit // 8] ^= 1 << bit % 8
    changed = raw.decode(errors="surrogateescape")
    with pytest.raises((NoteMalformed, SignatureWrong, NotSigned)):
        open_note(changed, [shop.verifier])


@pytest.mark.parametrize(
    "note",
    [
        TEXT,
        TEXT + "\n",
        f"{TEXT}\n{BY_PETER}"[:-1],
        f"{TEXT}{BY_PETER}",
        f"\x01{TEXT}\n{BY_PETER}",
        f"\t{TEXT}\n{BY_PETER}",
        f"\udcff{TEXT}\n{BY_PETER}",
        f"{TEXT}\r\n\r\n{BY_PETER}",
        f"{TEXT}\n{BY_PETER}Unexpected line.\n",
        f"{TEXT}\n{BY_PETER}\n",
        f"{TEXT}\n— Bad Name x08go/ZJkuBS9UG/SffcvIAQ\n",
        f"{TEXT}\n— a+b x08go/ZJkuBS9UG/SffcvIAQ\n",
        f"{TEXT}\n- PeterNeumann x08go/ZJkuBS9UG/SffcvIAQ\n",
        f"{TEXT}\n— PeterNeumann x08goA==\n",
        f"{TEXT}\n— PeterNeumann x08go/ZJ kuBS\n",
        f"{TEXT}\n— PeterNeumann x08go/ZJk-_S\n",
        f"{TEXT}\n— PeterNeumann x08go/ZJkuBS9UG/SffcvIAR=\n",
        f"{TEXT}\n— PeterNeumann \n",
        f"{TEXT}\n" + BY_PETER * 101,
        f"{TEXT * 10_300}\n{BY_PETER}",
    ],
)
def test_what_only_looks_like_a_note_is_refused(note: str) -> None:
    """One way to write a note: whatever else it is, it is not opened."""
    assert len(TEXT) * 10_300 > MOST_BYTES
    with pytest.raises(NoteMalformed):
        open_note(note, [peter])


@pytest.mark.parametrize("text", ["", "no newline", "a\tb\n", "a\r\n", "\udcff\n"])
def test_a_text_that_cannot_be_read_again_is_not_signed(text: str) -> None:
    """What goes out signed can be opened by everybody."""
    with pytest.raises(NoteMalformed):
        sign_note(text, [shop])


def test_two_known_keys_that_cannot_be_told_apart_are_refused() -> None:
    """Four bytes of hash can be made to meet; the same key twice is no harm."""
    twins = [VerifierKey("shop.example", n.to_bytes(32, "big")) for n in (10466, 75495)]
    note = f"{TEXT}\n{BY_PETER}"

    assert twins[0].key_hash == twins[1].key_hash
    assert open_note(note, [peter, peter, twins[0]]).by == (peter,)
    with pytest.raises(KeyMalformed):
        open_note(note, [peter, *twins])


# --- keys --------------------------------------------------------------------------------------


@given(names, st.binary(min_size=32, max_size=32))
def test_a_key_survives_being_written_down(name: str, seed: bytes) -> None:
    """The text of a key is the key, under any name that may stand in a note."""
    key = SigningKey(name, seed)

    assert SigningKey.decode(key.encode()) == key
    assert VerifierKey.decode(key.verifier.encode()) == key.verifier
    assert open_note(sign_note("a\n", [key]), [key.verifier]).by == (key.verifier,)


def test_every_new_key_is_another() -> None:
    """A log's key is drawn once from the system, and can be kept as text."""
    first, second = generate_signing_key("a.example"), generate_signing_key("a.example")

    assert first != second
    assert SigningKey.decode(first.encode()) == first


def test_a_secret_is_not_shown_by_accident() -> None:
    """Printing a key into a log or an error does not give it away."""
    secret = b64encode(shop.seed).decode()[:10]

    assert shop.name in repr(shop)
    assert secret not in repr(shop)
    assert repr(shop.seed) not in repr(shop)


@pytest.mark.parametrize(("whole", "kind"), [(SECRET, SigningKey), (PETER, VerifierKey)])
def test_no_part_and_no_change_of_a_key_is_a_key(
    whole: str, kind: type[SigningKey] | type[VerifierKey]
) -> None:
    """A key that was cut off or mistyped anywhere is refused when it is read."""
    parts = {whole[i:j] for i in range(len(whole)) for j in range(i, len(whole) + 1)} - {whole}
    typos = {whole[:i] + chr(ord(c) + 1) + whole[i + 1 :] for i, c in enumerate(whole)}

    for text in parts | typos:
        with pytest.raises(KeyMalformed):
            kind.decode(text)


@pytest.mark.parametrize(
    "text",
    [
        "PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==",
        "PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "PeterNeumann+C74F20A3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        SECRET,
    ],
)
def test_keys_of_another_kind_or_length_are_refused(text: str) -> None:
    """A right hash over the wrong bytes is still no key, and a secret one is no public one."""
    with pytest.raises(KeyMalformed):
        VerifierKey.decode(text)


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\u00a0b", "a\u3000b", "a\nb", "\ud800"])
def test_a_name_that_cannot_stand_in_a_note_is_no_keys_name(name: str) -> None:
    """Found when the key is made, not when the first note cannot be read."""
    with pytest.raises(KeyMalformed):
        SigningKey(name, bytes(32))


def test_the_hash_of_a_key_is_the_one_the_standard_names() -> None:
    """First four bytes of SHA-256 over name, newline, kind and key, as in every signature line."""
    line = BY_PETER.split(" ")[2]

    assert b64decode(line)[:4] == peter.key_hash == bytes.fromhex("c74f20a3")
