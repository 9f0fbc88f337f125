"""The link in a member's e-mails, on both databases: whose it is, what it does, when it ends."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import func, select

from loyalty.erasure import Erasure, erase
from loyalty.merging import Merger, merge
from loyalty.ports import Transaction
from loyalty.programme import Programme
from loyalty.registration import Consent
from loyalty.wishes import Subscription, consent, subscription, unsubscribe
from storage import tables
from storage.database import Database
from storage.store import SqlStore
from storage.unsubscribe_links import tokens_of
from tests.storage.front_desk import FrontDesk
from tests.storage.rows import StillClock

YES = Consent(channel="email", granted=True)


class Desk(FrontDesk):
    """A shop whose members have had an e-mail."""

    def link(self, member_id: str) -> str:
        """The link that an e-mail to this member carries."""
        with self.store.database.write() as connection:
            return tokens_of(connection, [member_id])[member_id]

    def follows(self, token: str) -> Subscription | None:
        return self.store.read(lambda tx: subscription(tx, token))

    def unsubscribes(self, token: str) -> Subscription | None:
        return self.store.run(lambda tx: unsubscribe(tx, token))

    def said(self, member_id: str) -> list[tuple[str, str, bool, str]]:
        c = tables.consents.c
        query = select(c.channel, c.purpose, c.granted, c.source)
        return [tuple(row) for row in self._rows(query.where(c.member_id == member_id))]

    def acts(self) -> list[tuple[str, str, str]]:
        a = tables.audit.c
        rows = self._rows(select(a.actor, a.action, a.target).order_by(a.id))
        return [tuple(row) for row in rows]


@pytest.fixture
def desk(database: Database) -> Desk:
    clock = StillClock()
    desk = Desk(SqlStore(database, clock, Programme()), clock)
    desk.joins("lee", locale="zh", consents=(YES,))
    desk.joins("ann")
    return desk


def test_every_e_mail_to_a_member_carries_the_same_link_that_tells_nothing(desk: Desk) -> None:
    lee, ann = desk.link("lee"), desk.link("ann")

    assert lee == desk.link("lee")
    assert lee != ann
    assert (len(lee), "lee" in lee) == (32, False)
    assert desk.follows(lee) == Subscription("lee", "zh", refused=False)
    assert desk.follows(lee[:-1]) is None


def test_a_refusal_by_link_is_a_consent_taken_back_and_stands_in_the_audit(desk: Desk) -> None:
    """As if the member had called; pressing again changes nothing and adds no line."""
    token = desk.link("lee")
    assert desk.said("lee") == [("email", "marketing", True, "registration")]

    for _ in range(3):
        assert desk.unsubscribes(token) == Subscription("lee", "zh", refused=True)

    assert desk.said("lee") == [("email", "marketing", False, "unsubscribe")]
    assert desk.acts() == [("unsubscribe", "member.consents", "lee")]


def test_who_agrees_again_may_refuse_again(desk: Desk) -> None:
    token = desk.link("lee")
    desk.unsubscribes(token)
    desk.store.run(lambda tx: consent(tx, "lee", [YES], "key-1"))
    assert desk.said("lee") == [("email", "marketing", True, "request")]
    assert desk.follows(token) == Subscription("lee", "zh", refused=False)

    desk.unsubscribes(token)

    assert desk.said("lee") == [("email", "marketing", False, "unsubscribe")]


def test_an_old_cards_link_leads_to_who_lives_on(desk: Desk) -> None:
    """E-mails from before the merger are still in the mailbox."""
    old, own = desk.link("ann"), desk.link("lee")
    merger = Merger(id="m1", reason="one person")
    desk.store.run(lambda tx: merge(tx, "ann", "lee", merger, "op"))

    assert desk.unsubscribes(old) == Subscription("lee", "zh", refused=True)

    assert desk.follows(own) == Subscription("lee", "zh", refused=True)
    assert desk.said("lee") == [("email", "marketing", False, "unsubscribe")]


def test_links_end_with_the_member(desk: Desk) -> None:
    """That of a card that was merged before, too: nothing is left that leads to the person."""
    tokens = [desk.link("ann"), desk.link("lee")]

    def leave(tx: Transaction) -> None:
        merge(tx, "ann", "lee", Merger(id="m1", reason="one person"), "op")
        erase(tx, "lee", Erasure(id="e1", reason="asked for it"), "op")

    desk.store.run(leave)

    assert [desk.follows(token) for token in tokens] == [None, None]
    assert [desk.unsubscribes(token) for token in tokens] == [None, None]
    assert desk.said("lee") == []
    assert desk._rows(select(func.count()).select_from(tables.unsubscribe_links))[0][0] == 0


def test_of_two_who_press_at_once_one_is_noted(desk: Desk) -> None:
    """The mail program and the reader, in the same second."""
    token = desk.link("lee")
    with ThreadPoolExecutor(8) as pool:
        done = list(pool.map(desk.unsubscribes, [token] * 8))

    assert done == [Subscription("lee", "zh", refused=True)] * 8
    assert desk.acts() == [("unsubscribe", "member.consents", "lee")]
