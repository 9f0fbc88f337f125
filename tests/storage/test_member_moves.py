"""Whole members move: merged, erased, given points, corrected; and the books still balance."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, insert, select

from loyalty.adjustments import Proposal, approve, decline, effect, propose
from loyalty.erasure import Erasure, erase
from loyalty.errors import Invalid, KeyReused, WrongState
from loyalty.events import Line, body_hash
from loyalty.gifting import Gift, give
from loyalty.ledger import NotEnoughPoints
from loyalty.member_details import DetailsChange, change_details
from loyalty.member_moves import GiftRefused, SecondPersonNeeded
from loyalty.merging import Merger, merge
from loyalty.programme import Gifting, Programme
from loyalty.registration import Consent, Registration
from loyalty.till.flow import place, release
from loyalty.till.requests import HoldRelease, HoldRequest
from storage import tables
from storage.database import Database
from storage.store import SqlStore
from tests.conftest import DatabaseMaker
from tests.storage.front_desk import FrontDesk
from tests.storage.rows import NOON, StillClock

SOON, LATER = NOON + timedelta(days=10), NOON + timedelta(days=90)


class Desk(FrontDesk):
    """A front desk where people sort members out."""

    def owes(self, member_id: str, points: int) -> None:
        key = self.has(member_id, points, LATER)
        self.store.run(lambda tx: tx.ledger.burn(f"{key}/spent", member_id, points))
        self.store.run(lambda tx: tx.ledger.reverse(f"{key}/back", key))

    def merges(self, gone: str, into: str, id: str = "u1", **more: Any) -> dict[str, Any]:
        merger = Merger(id=id, reason="same person", **more)
        return self.store.run(lambda tx: merge(tx, gone, into, merger, "ola"))

    def gives(self, sender: str, to: str, points: int, id: str = "g1") -> dict[str, Any]:
        return self.store.run(lambda tx: give(tx, sender, Gift(id=id, to=to, points=points)))

    def erases(self, member_id: str, id: str = "e1") -> dict[str, Any]:
        erasure = Erasure(id=id, reason="asked by the member")
        return self.store.run(lambda tx: erase(tx, member_id, erasure, "ola"))

    def proposes(self, member_id: str, points: int, id: str = "a1") -> dict[str, Any]:
        proposal = Proposal(id=id, points=points, reason="till was down")
        return self.store.run(lambda tx: propose(tx, member_id, proposal, "ola"))

    def approves(self, id: str = "a1", actor: str = "pia") -> dict[str, Any]:
        return self.store.run(lambda tx: approve(tx, id, actor))

    def declines(self, id: str = "a1", actor: str = "pia") -> dict[str, Any]:
        return self.store.run(lambda tx: decline(tx, id, "no receipt", actor))

    def acts(self) -> list[str]:
        return [row.action for row in self._rows(select(tables.audit).order_by(tables.audit.c.id))]


@pytest.fixture
def desk(database: Database) -> Desk:
    clock = StillClock()
    gifting = Gifting(sent_monthly=100, received_monthly=150, wait_days=30)
    desk = Desk(SqlStore(database, clock, Programme(gifting=gifting)), clock)
    for name in ("lee", "old", "kim", "may"):
        desk.joins(name, registered_at=NOON - timedelta(days=60))
    return desk


# --- merging ------------------------------------------------------------------------------------


def test_a_merger_loses_no_point_and_lengthens_no_life(desk: Desk) -> None:
    """Each lot keeps its expiry, pending ones wait as long as before, and debt goes along."""
    desk.has("old", 5, SOON)
    desk.has("old", 7, LATER, available_at=SOON)
    desk.has("lee", 1, SOON)

    answer = desk.merges("old", "lee")

    balance = desk.balance("lee")
    assert (answer["points"], answer["into"]) == (12, "lee")
    assert (balance.posted, balance.available) == (13, 6)
    assert balance.next_expiry == [(SOON, 6), (LATER, 7)]
    assert balance.pending == [(SOON, 7)]
    assert desk.balance("old").posted == 0
    assert desk.acts() == ["member.merge"]
    desk.proved()


def test_debt_is_not_forgiven_by_a_merger(desk: Desk) -> None:
    """Who owes points does not get rid of them by a second card."""
    desk.owes("old", 40)
    desk.has("lee", 100, LATER)

    assert desk.merges("old", "lee")["debt"] == 40
    assert (desk.balance("lee").debt, desk.balance("lee").available) == (0, 60)
    desk.proved()


def test_nobody_pays_twice_for_what_the_other_card_owed(desk: Desk) -> None:
    """The points that pay the debt do not lapse beside it: 100 of 500 go once, in the merger."""
    desk.owes("old", 100)
    desk.has("lee", 500, SOON)
    desk.merges("old", "lee")
    desk.store.run(lambda tx: tx.ledger.burn("order", "lee", 400))

    desk.clock.instant = SOON
    lapsed = desk.store.run(lambda tx: tx.ledger.expire("lee", SOON))

    assert lapsed is None
    assert (desk.balance("lee").posted, desk.balance("lee").debt) == (0, 0)
    desk.proved()


def test_what_no_point_can_pay_is_owed_on(desk: Desk) -> None:
    """Pending points and those held for an order stay; the next that are earned repay the rest."""
    desk.owes("old", 100)
    desk.has("lee", 30, SOON)
    desk.has("lee", 50, LATER, available_at=SOON)
    desk.store.run(lambda tx: tx.ledger.hold("h", "lee", 10, expires_at=SOON))
    desk.merges("old", "lee")

    balance = desk.balance("lee")
    assert (balance.posted, balance.held, balance.debt) == (60, 10, 80)
    desk.has("lee", 100, LATER)
    assert (desk.balance("lee").posted, desk.balance("lee").debt) == (80, 0)
    desk.proved()


def test_the_old_card_buys_for_the_survivor(desk: Desk) -> None:
    """The old id means the survivor, for questions, purchases and what they earn."""
    desk.buys("old", "r1", ("grocery", 50_000))
    desk.buys("lee", "r2", ("grocery", 20_000))
    desk.merges("old", "lee")

    desk.buys("old", "r3", ("grocery", 30_000))

    assert desk.balance("lee").posted == 100
    assert desk.member("old").id == "lee"
    assert (desk.member("lee").purchases, desk.member("lee").spend_minor) == (3, 100_000)
    desk.proved()


def test_goods_of_the_old_card_come_back_to_the_survivors_points(desk: Desk) -> None:
    """A refund after the merger takes its points back: nobody keeps both (rule 1)."""
    desk.buys("old", "r1", ("grocery", 50_000))
    desk.merges("old", "lee")

    desk.returns("r1")

    balance = desk.balance("lee")
    assert (balance.available, balance.posted - balance.debt) == (0, 0)
    assert desk.balance("old").debt == 0
    desk.proved()


def test_the_higher_tier_wins_and_one_persons_data_is_one_row(desk: Desk) -> None:
    """Neither the rank nor the telephone number is lost, and the old row says nothing more."""
    desk.joins("vip", tier="gold", phone="+86 138 0000 0000", tags=("tea",))

    assert desk.merges("vip", "lee")["tier"] == "gold"

    lee = desk.member("lee")
    assert (lee.tier, lee.phone, lee.tags) == ("gold", "+86 138 0000 0000", ("tea",))
    m = tables.members.c
    [row] = desk._rows(select(m.status, m.phone, m.merged_into).where(m.id == "vip"))
    assert tuple(row) == ("merged", None, "lee")


def test_a_bonus_for_joining_is_taken_back_once(desk: Desk) -> None:
    """A person joins once: the second bonus goes, even where it was spent."""
    bonus = desk.has("old", 50, LATER, kind="grant")
    theirs = desk.has("lee", 50, LATER, kind="grant")

    earned = desk.has("old", 30, LATER)
    for key in (theirs, earned):  # what was earned goes back with its goods, and in no other way
        with pytest.raises(Invalid):
            desk.merges("old", "lee", reverse=(key,))
    assert desk.merges("old", "lee", reverse=(bonus,))["reversed_points"] == 50
    assert desk.balance("lee").posted == 80
    desk.proved()


def test_caps_of_both_are_one_cap(desk: Desk) -> None:
    """Two cards do not earn a limit twice."""
    counter = {"rule_id": "sku:tea", "period_key": "2026-03", "wished": 9}
    rows = [{**counter, "member_id": "old", "granted": 4}]
    rows.append({**counter, "member_id": "lee", "granted": 3})
    with desk.store.database.write() as connection:
        connection.execute(insert(tables.earning_counters), rows)

    desk.merges("old", "lee")

    used = desk.store.read(lambda tx: tx.counters.used("lee", [("sku:tea", "2026-03")]))
    assert used == {("sku:tea", "2026-03"): 7}


@pytest.mark.parametrize("ids", [("x", "x:0"), ("x:0", "x")])
def test_no_merger_is_in_the_way_of_another(desk: Desk, ids: tuple[str, str]) -> None:
    """Whatever their ids are: what each moves and takes back is its own."""
    for member in ("old", "kim"):
        desk.has(member, 10, LATER)
    bonuses = [desk.has(member, 50, LATER, kind="grant") for member in ("old", "kim")]

    desk.merges("old", "lee", id=ids[0], reverse=(bonuses[0],))
    desk.merges("kim", "may", id=ids[1], reverse=(bonuses[1],))

    assert [desk.balance(member).posted for member in ("lee", "may")] == [10, 10]
    desk.proved()


def test_a_merger_is_made_once_and_waits_for_holds(desk: Desk) -> None:
    """The same request gets the same answer; what is on hold is settled first."""
    desk.has("old", 10, LATER)
    desk.store.run(lambda tx: tx.ledger.hold("h1", "old", 4, expires_at=SOON))
    with pytest.raises(WrongState, match="on hold"):
        desk.merges("old", "lee")
    desk.store.run(lambda tx: tx.ledger.release("h1", "h1:release"))

    first = desk.merges("old", "lee")

    assert desk.merges("old", "lee") == {**first, "replayed": True}
    with pytest.raises(KeyReused):
        desk.merges("old", "kim")
    with pytest.raises(WrongState):
        desk.merges("old", "kim", id="u2")
    with pytest.raises(Invalid):
        desk.merges("lee", "lee", id="u3")
    assert desk.balance("lee").posted == 10


# --- gifts --------------------------------------------------------------------------------------


def test_a_gift_keeps_its_expiry(desk: Desk) -> None:
    """Passing points round does not keep them alive, and pending ones cannot be passed."""
    desk.has("lee", 30, SOON)
    desk.has("lee", 30, LATER)
    desk.has("lee", 30, LATER, available_at=SOON)

    desk.gives("lee", "kim", 40)

    assert desk.balance("kim").next_expiry == [(SOON, 30), (LATER, 10)]
    with pytest.raises(NotEnoughPoints):
        desk.gives("lee", "kim", 21, id="g2")
    desk.proved()


def _sends(desk: Desk) -> None:
    desk.gives("lee", "may", 60, id="before")
    desk.gives("lee", "kim", 41)


def _receives(desk: Desk) -> None:
    desk.gives("lee", "kim", 90, id="before")
    desk.gives("old", "kim", 61)


def _owes(desk: Desk) -> None:
    desk.owes("old", 20)
    desk.owes("old", 300)
    desk.gives("old", "kim", 1)


def _is_new(desk: Desk) -> None:
    desk.joins("new")
    desk.has("new", 50, LATER)
    desk.gives("new", "kim", 1)


@pytest.mark.parametrize(
    ("rule", "story"),
    [
        ("sent_monthly", _sends),
        ("received_monthly", _receives),
        ("debt", _owes),
        ("new_account", _is_new),
    ],
)
def test_gifts_have_their_limits(desk: Desk, rule: str, story: Callable[[Desk], None]) -> None:
    """So many points a month for either side; nobody in debt or new gives (rule 25)."""
    desk.has("lee", 500, LATER)
    desk.has("old", 200, LATER)

    with pytest.raises(GiftRefused) as refused:
        story(desk)

    assert refused.value.facts["rule"] == rule
    desk.proved()


def test_a_new_month_is_a_new_limit_and_a_repeat_is_no_gift(desk: Desk) -> None:
    """The limit is met exactly; the same request again moves nothing."""
    desk.has("lee", 500, LATER)
    first = desk.gives("lee", "kim", 100)

    assert desk.gives("lee", "kim", 100) == {**first, "replayed": True}
    with pytest.raises(KeyReused):
        desk.gives("lee", "kim", 99)
    assert desk.balance("kim").posted == 100
    desk.clock.instant = NOON + timedelta(days=31)
    desk.gives("lee", "may", 100, id="g2")


def test_two_gifts_at_once_do_not_pass_the_limit(desk: Desk) -> None:
    """Two telephones in one hand give no more than one."""
    desk.has("lee", 500, LATER)

    def gives(n: int) -> bool:
        try:
            desk.gives("lee", "kim", 60, id=f"g{n}")
        except GiftRefused:
            return False
        return True

    with ThreadPoolExecutor(2) as both:
        assert sorted(both.map(gives, range(2))) == [False, True]
    assert desk.balance("kim").posted == 60


# --- erasure ------------------------------------------------------------------------------------


def test_who_leaves_is_forgotten_and_the_books_still_balance(desk: Desk) -> None:
    """No name, address, consent or word of theirs is left; the ledger is untouched (rule 19)."""
    consent = Consent(channel="email", granted=True)
    desk.joins("ann", name="Ann Secret", email="ann@secret.example", consents=(consent,))
    desk.does("ann", "review", attributes={"text": "Ann Secret liked it"})
    of_ann = select(tables.inbox.c.body_hash).where(tables.inbox.c.member_id == "ann")
    hashes = [row.body_hash for row in desk._rows(of_ann)]
    desk.has("ann", 70, LATER)
    messages = tables.messages
    row: dict[str, Any] = {
        "key": "k1:email",
        "member_id": "ann",
        "message": "hello",
        "channel": "email",
    }
    row |= {"purpose": "service", "locale": "en", "variables": {"name": "Ann Secret"}}
    row |= {"status": "queued", "created_at": NOON, "due_at": NOON, "body": "Dear Ann Secret"}
    with desk.store.database.write() as connection:
        connection.execute(insert(messages), row)
        before = connection.execute(select(tables.transactions)).all()

    answer = desk.erases("ann")

    assert answer["forfeited_points"] == 70
    assert desk.member("ann").status == "erased"
    left = ""
    for table in tables.metadata.sorted_tables:
        rows = desk._rows(select(table))
        left += str(rows)
    assert "secret" not in left.lower()
    # Nor what a guess of them could be compared with.
    assert len(hashes) == 2
    assert not [of for of in hashes if of in left]
    assert desk.count(tables.consents, tables.consents.c.member_id == "ann") == 0
    assert [row.status for row in desk._rows(select(messages))] == ["dropped"]
    after = desk._rows(select(tables.transactions).order_by(tables.transactions.c.id))
    assert after[: len(before)] == before
    assert after[-1].kind == "forfeit"
    assert desk.acts()[-1] == "member.erase"
    desk.proved()


SAID_OF_ANN: dict[str, Any] = {
    "name": "Ann Secret",
    "email": "ann@secret.example",
    "phone": "+86 139 8765 4321",
    "card_no": "SECRET-1",
    "birthday": "1991-02-03",
    "time_zone": "Asia/Urumqi",
    "tags": ("secret",),
    "source": "secret-app",
    "invited_by": "may-friend",
    "consents": (Consent(channel="email", granted=True),),
}
TELLING = ("secret", "98765", "1991-02-03", "urumqi")
NAMELESS = {"id", "locale", "tier", "registered_at"}
"""What of a registration says nothing about who it was."""


def test_nothing_that_was_ever_said_of_a_member_outlives_them(desk: Desk) -> None:
    """Whatever can be said of somebody is said of Ann: not let in by a campaign, at the till by
    phone, changed, refused, merged from a second card; no table has a word of it left (rule 19).
    """
    assert SAID_OF_ANN.keys() == Registration.model_fields.keys() - NAMELESS
    asks = [
        '"vip" in member.tags',
        'member.source == "web"',
        '!("email/marketing" in member.consents)',
    ]
    desk.joins("may-friend")
    desk.launch("new_member_bonus", audience=" && ".join(asks))
    desk.joins("ann", **SAID_OF_ANN)
    other = {"phone": "+86 139 8765 4322", "card_no": "SECRET-2", "invited_by": None}
    desk.joins("ann2", **SAID_OF_ANN | other)
    desk.store.run(
        lambda tx: change_details(
            tx, "ann", DetailsChange(email="new@secret.example", tags=("secret too",)), "ola"
        )
    )
    desk.has("ann", 700, LATER)
    bill = HoldRequest(
        source="till", id="b1", phone="139 8765 4321", currency="CNY", points=500,
        lines=(Line(sku="s", category="grocery", net_minor=100_000),),
    )  # fmt: skip
    desk.store.run(lambda tx: place(tx, bill))
    desk.store.run(lambda tx: release(tx, bill.hold_id, HoldRelease()))
    desk.does("ann", "review", attributes={"text": "Ann Secret liked it"})
    desk.merges("ann2", "ann")
    decided = desk._rows(select(tables.decisions.c.reason, tables.decisions.c.inputs))
    assert [row.inputs["failed"] for row in decided if row.reason == "not_in_audience"] == [
        [{"rule": rule, "seen": {}} for rule in asks]
    ] * 2

    desk.erases("ann")

    left = {
        f"{table.name}.{column}: {value}"
        for table in tables.metadata.sorted_tables
        for row in desk._rows(select(table))
        for column, value in row._mapping.items()
        if any(mark in str(value).lower() for mark in TELLING)
    }
    assert left == set()
    assert body_hash(bill) not in str(desk._rows(select(tables.till_holds)))


def test_an_erasure_reads_no_more_than_the_member(new_database: DatabaseMaker) -> None:
    """However many others there are: SQLite says how it goes about each statement."""
    desk = Desk(SqlStore(new_database("sqlite"), StillClock(), Programme()), StillClock())
    desk.joins("lee")
    engine, asked = desk.store.database.engine, list[tuple[str, Any]]()
    event.listen(engine, "before_cursor_execute", lambda *said: asked.append(said[2:4]))

    desk.erases("lee")

    with engine.connect() as connection:
        plans = [
            row[3]
            for statement, values in asked
            if statement.startswith(("SELECT", "WITH")) and "FROM members" in statement
            for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)
        ]
    assert any("ix_members_merged_into" in plan for plan in plans), plans
    assert [plan for plan in plans if plan.startswith("SCAN members")] == []


def test_nothing_new_happens_to_who_was_erased(desk: Desk) -> None:
    """The same request gets its answer; the id buys nothing and joins nobody."""
    first = desk.erases("lee")

    assert desk.erases("lee") == {**first, "replayed": True}
    with pytest.raises(WrongState):
        desk.erases("lee", id="e2")
    with pytest.raises(WrongState):
        desk.buys("lee", "r1", ("grocery", 50_000))
    with pytest.raises(KeyReused):
        desk.joins("lee", registered_at=NOON - timedelta(days=60))


# --- corrections --------------------------------------------------------------------------------


def test_a_correction_needs_a_second_person(desk: Desk) -> None:
    """Nothing moves by one person's word; approved twice it is posted once (rule 15)."""
    desk.proposes("lee", 25)
    assert desk.balance("lee").posted == 0
    with pytest.raises(SecondPersonNeeded):
        desk.approves(actor="ola")

    done = desk.approves()

    assert (done["status"], done["approved_by"]) == ("approved", "pia")
    assert desk.approves() == {**done, "replayed": True}
    assert desk.balance("lee").posted == 25
    assert desk.balance("lee").next_expiry != []
    assert desk.acts() == ["adjustment.propose", "adjustment.approve"]
    desk.proved()


def test_a_correction_downwards_takes_only_what_is_there(desk: Desk) -> None:
    """A refused posting leaves the proposal open for later."""
    desk.has("lee", 10, LATER)
    desk.proposes("lee", -30)
    with pytest.raises(NotEnoughPoints):
        desk.approves()
    desk.has("lee", 20, LATER)

    desk.approves()

    assert desk.balance("lee").posted == 0
    with pytest.raises(KeyReused):
        desk.proposes("lee", -31)
    assert desk.proposes("lee", -30)["status"] == "approved"


def test_a_declined_correction_posts_nothing(desk: Desk) -> None:
    """Another person turns it down with a reason; after that nobody can approve it."""
    desk.proposes("lee", 25)
    with pytest.raises(SecondPersonNeeded):
        desk.declines(actor="ola")

    done = desk.declines()

    assert (done["status"], done["declined_by"]) == ("declined", "pia")
    assert done["decline_reason"] == "no receipt"
    assert desk.declines(actor="max") == {**done, "replayed": True}
    with pytest.raises(WrongState):
        desk.approves()
    assert desk.balance("lee").posted == 0
    assert desk.acts() == ["adjustment.propose", "adjustment.decline"]


def test_what_was_posted_cannot_be_declined_any_more(desk: Desk) -> None:
    """A posted entry is undone by another correction only."""
    desk.proposes("lee", 25)
    desk.approves()

    with pytest.raises(WrongState):
        desk.declines()
    assert desk.balance("lee").posted == 25


@pytest.mark.parametrize("points", [25, 60, -10, -41])
@pytest.mark.parametrize("owed", [0, 40])
def test_the_effect_that_is_shown_is_what_happens(desk: Desk, owed: int, points: int) -> None:
    """Who checks a correction sees before what the member can spend after it."""
    desk.has("lee", 40, LATER)
    if owed:
        desk.owes("lee", owed)
    shown = effect(desk.balance("lee"), points)
    desk.proposes("lee", points)

    if not shown.enough:
        with pytest.raises(NotEnoughPoints):
            desk.approves()
        return
    desk.approves()

    found = desk.balance("lee")
    assert (found.available, found.debt) == (shown.available_after, shown.debt_after)


def test_a_correction_of_a_merged_card_goes_to_who_lives_on(desk: Desk) -> None:
    """Proposed for the old card, approved after the merger: the survivor can spend the points."""
    desk.proposes("old", 500)
    desk.merges("old", "lee")

    done = desk.approves()

    assert (desk.balance("lee").available, desk.balance("old").posted) == (500, 0)
    assert done["member_id"] == "lee"
    assert desk.proposes("old", 500)["replayed"]
    desk.proved()


def test_a_correction_after_a_merger_takes_from_who_lives_on(desk: Desk) -> None:
    """Downwards too: the points went along, and so does what is taken of them."""
    desk.has("old", 40, LATER)
    desk.proposes("old", -30)
    desk.merges("old", "lee")

    desk.approves()

    assert desk.balance("lee").available == 10
    desk.proved()


def test_a_settled_correction_stays_where_it_was_posted(desk: Desk) -> None:
    """Only what is still open goes along; what became of the rest is a record of the old card."""
    desk.proposes("old", 25)
    done = desk.approves()
    desk.merges("old", "lee")

    assert desk.approves() == {**done, "replayed": True}
    assert done["member_id"] == "old"


def test_who_was_erased_gets_no_points_by_a_correction(desk: Desk) -> None:
    """Nobody could ever spend them: nothing is posted or proposed, and an open one is declined."""
    desk.proposes("lee", 500)
    desk.erases("lee")

    with pytest.raises(WrongState):
        desk.approves()
    with pytest.raises(WrongState):
        desk.proposes("lee", 500, id="a2")
    assert desk.balance("lee").posted == 0
    assert desk.declines()["status"] == "declined"
    desk.proved()


def test_two_people_approving_at_once_post_once(desk: Desk) -> None:
    """Both get the same answer."""
    desk.proposes("lee", 25)

    with ThreadPoolExecutor(2) as both:
        answers = list(both.map(lambda who: desk.approves(actor=who), ("pia", "max")))

    assert desk.balance("lee").posted == 25
    assert len({answer["approved_by"] for answer in answers}) == 1
