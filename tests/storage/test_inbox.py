"""Recorded events: found again by their own id, counted inside exact windows."""

from datetime import datetime, timedelta

from loyalty.ports import Transaction
from storage.store import SqlStore
from tests.storage.rows import NOON, event

TICK = timedelta(microseconds=1)


def test_an_event_is_found_again_with_its_first_answer(store: SqlStore) -> None:
    """A till that sends a receipt again can be given the answer it got the first time."""

    def record(tx: Transaction) -> int:
        seq = tx.inbox.add(event("r1", store="s1", channel="pos", answer={"not": "kept"}))
        tx.inbox.answer(seq, {"points": 119, "replayed": False})
        return seq

    seq = store.run(record)

    found = store.read(lambda tx: tx.inbox.find("till", "r1"))
    assert found == store.read(lambda tx: tx.inbox.get(seq))
    assert found == event(
        "r1", seq=seq, store="s1", channel="pos", answer={"points": 119, "replayed": False}
    )
    assert store.read(lambda tx: tx.inbox.find("app", "r1")) is None


def test_sequence_numbers_follow_the_order_of_recording(store: SqlStore) -> None:
    """Later records have higher numbers, whenever their events happened."""

    def record(tx: Transaction) -> list[int]:
        late = event("r2", occurred_at=NOON - timedelta(days=3))
        return [tx.inbox.add(event("r1")), tx.inbox.add(late)]

    first, second = store.run(record)

    assert first < second


def test_a_purchase_knows_its_refunds(store: SqlStore) -> None:
    """Refunds are found from their purchase, which carries what was given back in all."""

    def record(tx: Transaction) -> int:
        seq = tx.inbox.add(event("r1"))
        for number in (1, 2):
            tx.inbox.add(event(f"b{number}", type="refund", refunds_seq=seq, amount_minor=None))
            tx.inbox.refunded(seq, 500 * number)
        return seq

    seq = store.run(record)

    refunds = store.read(lambda tx: tx.inbox.refunds_of(seq))
    assert [refund.event_id for refund in refunds] == ["b1", "b2"]
    purchase = store.read(lambda tx: tx.inbox.get(seq))
    assert purchase is not None
    assert purchase.refunded_minor == 1000


def test_a_window_leaves_out_both_of_its_edges(store: SqlStore) -> None:
    """Acts at the very start or end of a wait do not count; a microsecond inside they do."""
    start, end = NOON, NOON + timedelta(days=1)
    instants = [start - TICK, start, start + TICK, end - TICK, end, end + TICK]

    def record(tx: Transaction) -> None:
        for number, instant in enumerate(instants):
            tx.inbox.add(event(f"r{number}", occurred_at=instant))

    store.run(record)

    assert _between(store, start, end) == ["r2", "r3"]
    assert _between(store, start - TICK, end + TICK) == ["r1", "r2", "r3", "r4"]


def test_equal_instants_come_in_the_order_of_recording(store: SqlStore) -> None:
    """Two receipts of the same instant keep their order; an earlier one recorded last is first."""

    def record(tx: Transaction) -> None:
        for id, shift in (("z", 5), ("a", 5), ("m", 5), ("early", 4)):
            tx.inbox.add(event(id, occurred_at=NOON + timedelta(seconds=shift)))

    store.run(record)

    assert _between(store, NOON, NOON + timedelta(hours=1)) == ["early", "z", "a", "m"]


def test_a_window_sees_one_members_events_of_the_types_asked_for(store: SqlStore) -> None:
    """Other members' acts and other kinds of acts do not count."""
    inside = NOON + TICK

    def record(tx: Transaction) -> None:
        tx.inbox.add(event("mine", occurred_at=inside))
        tx.inbox.add(event("photo", type="review", occurred_at=inside))
        tx.inbox.add(event("visit", type="visit", occurred_at=inside))
        tx.inbox.add(event("theirs", member_id="han", occurred_at=inside))

    store.run(record)

    later = NOON + timedelta(hours=1)
    assert _between(store, NOON, later) == ["mine"]
    assert _between(store, NOON, later, ("purchase", "review")) == ["mine", "photo"]
    assert _between(store, NOON, later, ()) == []


def test_a_wall_clock_elsewhere_names_the_same_instant(store: SqlStore) -> None:
    """An event written in Shanghai's time is counted by when it happened in the world."""
    shanghai = datetime.fromisoformat("2026-03-02T20:00:00.000001+08:00")
    store.run(lambda tx: tx.inbox.add(event("r1", occurred_at=shanghai)))

    assert _between(store, NOON, NOON + 2 * TICK) == ["r1"]
    assert _between(store, NOON + TICK, NOON + timedelta(days=1)) == []


def _between(
    store: SqlStore, after: datetime, before: datetime, types: tuple[str, ...] = ("purchase",)
) -> list[str]:
    found = store.read(lambda tx: tx.inbox.between("lee", types, after, before))
    return [one.event_id for one in found]
