"""A stranger with a key to the API and our public key checks what we say, by the standard alone."""

import json
import re
from hashlib import sha256
from pathlib import Path

import pytest

from loyalty.sealing.checkpoint import open_checkpoint
from loyalty.sealing.proofs import verify_consistency, verify_inclusion
from loyalty.sealing.signing_keys import SigningKey, VerifierKey
from storage.checkpoints import make_checkpoint
from tests.api.conftest import NOON, Shop

DOCS = Path(__file__).parents[2] / "docs"
KEY = SigningKey("shop.example/log", bytes(range(32)))


def seals(shop: Shop) -> None:
    shop.database.run(lambda found: make_checkpoint(found, KEY.name, KEY, NOON))


@pytest.fixture
def sealed(shop: Shop) -> Shop:
    """Five purchases, a checkpoint, three more, a checkpoint, and one that none covers."""
    shop.joins()
    for n in range(5):
        shop.buys(f"r-{n}")
    seals(shop)
    for n in range(5, 8):
        shop.buys(f"r-{n}")
    seals(shop)
    shop.buys("r-8")
    return shop


def keys_of(shop: Shop) -> list[str]:
    with shop.database.read() as connection:
        found = connection.exec_driver_sql("SELECT key FROM transactions ORDER BY id")
        return [row[0] for row in found]


def test_every_transaction_leads_to_the_signed_root(sealed: Shop) -> None:
    """Its bytes make the leaf, the leaf and the proof make the root, the root is signed."""
    client = sealed.as_("integrator")
    for index, key in enumerate(keys_of(sealed)[:8]):
        proof = client.get("/v1/log/proofs/inclusion", params={"key": key}).json()
        signed = open_checkpoint(proof["checkpoint"], KEY.name, [KEY.verifier])
        leaf = sha256(b"\x00" + proof["sealed"].encode()).digest()

        assert (leaf.hex(), proof["index"]) == (proof["leaf"], index)
        assert (signed.size, signed.root.hex()) == (proof["size"], proof["root"])
        steps = [bytes.fromhex(each) for each in proof["proof"]]
        verify_inclusion(leaf, index, signed.size, steps, signed.root)


def test_the_page_for_strangers_checks_what_it_says(
    sealed: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """docs/proof.md holds a program; it accepts every proof of ours, and no other."""
    program = re.findall(r"```python\n(.*?)```", (DOCS / "proof.md").read_text(), re.DOTALL)[0]
    monkeypatch.chdir(tmp_path)
    client = sealed.as_("integrator")
    for key in keys_of(sealed):
        proof = client.get("/v1/log/proofs/inclusion", params={"key": key}).json()
        (tmp_path / "proof.json").write_text(json.dumps(proof))
        exec(program, {})
        (tmp_path / "proof.json").write_text(json.dumps(proof | {"sealed": proof["sealed"] + "x"}))
        with pytest.raises(AssertionError):
            exec(program, {})


def test_the_example_on_the_page_is_signed_by_its_key() -> None:
    """Whoever tries the example learns that their reader works."""
    page = (DOCS / "proof.md").read_text()
    note = re.findall(r"```\n(shop\.example/points\n.*?)```", page, re.DOTALL)[0]
    key = VerifierKey.decode(re.findall(r"KEY='(.*)'", page)[0])

    assert open_checkpoint(note, key.name, [key]).size == 11


def test_what_no_checkpoint_covers_yet_says_so(sealed: Shop) -> None:
    """The newest purchase leads to the root of now, which is not signed yet."""
    newest = keys_of(sealed)[-1]
    params = {"key": newest}
    proof = sealed.as_("operator").get("/v1/log/proofs/inclusion", params=params).json()
    steps = [bytes.fromhex(each) for each in proof["proof"]]

    assert (proof["checkpoint"], proof["size"]) == (None, 9)
    root = bytes.fromhex(proof["root"])
    verify_inclusion(bytes.fromhex(proof["leaf"]), 8, 9, steps, root)


def test_an_older_checkpoint_is_part_of_the_newest(sealed: Shop) -> None:
    """Whoever kept the first note sees that nothing before it was changed."""
    found = sealed.as_("operator").get("/v1/log/proofs/consistency", params={"from": 5}).json()
    old = open_checkpoint(found["from_checkpoint"], KEY.name, [KEY.verifier])
    new = open_checkpoint(found["to_checkpoint"], KEY.name, [KEY.verifier])
    steps = [bytes.fromhex(each) for each in found["proof"]]

    assert (old.size, new.size) == (5, 8)
    verify_consistency(old.size, old.root, new.size, new.root, steps)


def test_the_latest_checkpoint_is_given_as_json_and_as_it_was_signed(sealed: Shop) -> None:
    """Tools of others read the note alone."""
    client = sealed.as_("marketer")
    shown = client.get("/v1/log/checkpoint").json()
    note = client.get("/v1/log/checkpoint", headers={"accept": "text/plain"})

    assert note.headers["content-type"].startswith("text/plain")
    assert (shown["size"], shown["note"]) == (8, note.text)
    assert open_checkpoint(note.text, KEY.name, [KEY.verifier]).size == 8


def test_what_cannot_be_proved_is_refused(sealed: Shop) -> None:
    """No such transaction, sizes that the log never had, and nobody without a key."""
    client = sealed.as_("operator")
    proofs = "/v1/log/proofs"
    assert client.get(f"{proofs}/inclusion", params={"key": "nowhere"}).status_code == 404
    assert client.get(f"{proofs}/consistency", params={"from": 10}).status_code == 422
    assert client.get(f"{proofs}/consistency", params={"from": 1, "to": 99}).status_code == 422
    assert client.get(f"{proofs}/consistency", params={"from": 6, "to": 5}).status_code == 422
    assert sealed.stranger.get("/v1/log/checkpoint").status_code == 401


def test_a_log_that_was_never_signed_has_no_checkpoint(shop: Shop) -> None:
    """Said plainly, not as an empty note."""
    answer = shop.as_("operator").get("/v1/log/checkpoint")

    assert answer.status_code == 404
    assert answer.json()["code"] == "unknown"
