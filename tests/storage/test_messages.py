"""The line of messages on both databases: once in line, one sender each, judged again each time."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event, func, insert, select, update

from loyalty.erasure import Erasure, erase
from loyalty.errors import Unknown, WrongState
from loyalty.messages import NewMessage, Outgoing, Queued, Settlement
from loyalty.programme import CHANNELS, Contact, Programme
from storage.database import Database
from storage.message_line import LEASE, SqlMessageLine
from storage.message_store import SqlMessageStore
from storage.messages import SqlMessages
from storage.queries.messages import inbox_of
from storage.sending import settle
from storage.store import SqlStore
from storage.tables import campaigns, consents, contact_verdicts, members, messages

DatabaseMaker = Callable[[str], Database]
NOON = datetime(2027, 3, 10, 4, 0, tzinfo=UTC)  # 12:00 in Shanghai
NIGHT = datetime(2027, 3, 10, 15, 0, tzinfo=UTC)  # 23:00 in Shanghai
MORNING = datetime(2027, 3, 11, 1, 15, tzinfo=UTC)  # 9:15 in Shanghai


class Desk:
    """One shop's messages: put in line, claimed and settled at an instant the test names."""

    def __init__(self, database: Database, **contact: Any) -> None:
        self.database = database
        self.programme = Programme(contact=Contact(**contact))

    def member(self, id: str, **changes: Any) -> None:
        row = {
            "id": id, "status": "active", "registered_at": NOON, "email": f"{id}@example.com",
            "locale": "en", "tier": "ordinary", "tags": [], "body_hash": "", "answer": {},
        } | changes  # fmt: skip
        with self.database.write() as connection:
            connection.execute(insert(members), row)

    def consent(self, id: str, channel: str, granted: bool = True) -> None:
        row = {
            "member_id": id, "channel": channel, "purpose": "marketing",
            "granted": granted, "at": NOON,
        }  # fmt: skip
        with self.database.write() as connection:
            connection.execute(insert(consents), row)

    def campaign(self, id: str, state: str) -> None:
        row = {
            "id": id, "name": id, "template": "t", "state": state, "version": 1,
            "created_at": NOON, "position": {},
        }  # fmt: skip
        with self.database.write() as connection:
            connection.execute(insert(campaigns), row)

    def queue(self, key: str, at: datetime = NOON, **changes: Any) -> Queued:
        with self.database.write() as connection:
            return SqlMessages(connection, self.programme, at).queue_many([new(key, **changes)])[0]

    def claim(self, at: datetime = NOON, limit: int = 100) -> list[Outgoing]:
        """One look at every channel's line."""
        claimed: list[Outgoing] = []
        for channel in CHANNELS:
            with self.database.write() as connection:
                line = SqlMessageLine(connection, self.programme, at)
                claimed += line.claim(channel, limit)
        return claimed

    def due(self, at: datetime = NOON) -> bool:
        """What a sender asks first: only a yes is worth a write."""
        with self.database.read() as connection:
            return SqlMessageLine(connection, self.programme, at).due("inbox")

    def settle(self, settlement: Settlement, at: datetime = NOON) -> bool:
        with self.database.write() as connection:
            return settle(connection, settlement, at)

    def row(self, key: str) -> Any:
        with self.database.read() as connection:
            return connection.execute(select(messages).where(messages.c.key == key)).one()

    def verdicts(self, key: str) -> list[tuple[str, str]]:
        query = (
            select(contact_verdicts.c.verdict, contact_verdicts.c.reason)
            .where(contact_verdicts.c.message_key == key)
            .order_by(contact_verdicts.c.id)
        )
        with self.database.read() as connection:
            return [(row.verdict, row.reason) for row in connection.execute(query)]


def new(key: str, **changes: Any) -> NewMessage:
    """A marketing message to Lee's in-app inbox, unless the test says otherwise."""
    fields: dict[str, Any] = {
        "key": key, "member_id": "lee", "message": "welcome", "channel": "inbox",
        "purpose": "marketing", "locale": "en", "variables": {"points.available": 500},
    }  # fmt: skip
    return NewMessage(**fields | changes)


@pytest.fixture
def desk(database: Database) -> Desk:
    """A shop with the default contact rules and one member, Lee."""
    desk = Desk(database)
    desk.member("lee")
    return desk


def sent(outgoing: Outgoing, body: str = "Hello") -> Settlement:
    return Settlement(outgoing.key, outgoing.attempt, "sent", subject="Hi", body=body)


# --- in line, once ------------------------------------------------------------------------------


def test_a_message_is_put_in_line_once_however_often_it_is_asked(desk: Desk) -> None:
    """The same effect played twice queues one message and one verdict."""
    first = desk.queue("m1")
    again = desk.queue("m1", at=NIGHT, variables={"points.available": 9})

    assert first == again
    assert first.status == "queued"
    assert desk.row("m1").variables == {"points.available": 500}
    assert desk.verdicts("m1") == [("send", "allowed")]


@pytest.mark.parametrize(
    ("changes", "at", "status", "reason"),
    [
        ({}, NOON, "queued", "allowed"),
        ({}, NIGHT, "deferred", "quiet_hours"),
        ({"purpose": "service"}, NIGHT, "queued", "allowed"),
        ({"channel": "email"}, NOON, "dropped", "no_consent"),
        ({"channel": "email", "purpose": "service"}, NOON, "queued", "allowed"),
        (
            {"channel": "email", "purpose": "service", "member_id": "mia"},
            NOON,
            "dropped",
            "no_address",
        ),
        ({"member_id": "sam"}, NOON, "dropped", "stop_listed"),
        ({"member_id": "gone"}, NOON, "dropped", "stop_listed"),
        ({"member_id": "nobody"}, NOON, "dropped", "stop_listed"),
        ({"expires_at": NOON}, NOON, "dropped", "expired"),
        ({"member_id": "ann"}, NOON, "deferred", "quiet_hours"),
        ({"member_id": "odd"}, NOON, "queued", "allowed"),
    ],
)
def test_the_gate_rules_at_once_on_what_the_rows_say(
    desk: Desk, changes: dict[str, Any], at: datetime, status: str, reason: str
) -> None:
    """Address, stop list, consent and zone are read where they are written."""
    desk.member("mia", email=None)
    desk.member("sam", stop_listed=True)
    desk.member("gone", status="closed")
    desk.member("ann", time_zone="America/New_York")
    desk.member("odd", time_zone="Mars/Olympus")

    queued = desk.queue("m1", at=at, **changes)

    assert (queued.status, queued.verdict.reason) == (status, reason)
    assert desk.row("m1").status == status
    assert desk.row("m1").due_at == (queued.verdict.until or at)
    assert desk.verdicts("m1") == [(queued.verdict.verdict, reason)]


def test_consent_given_opens_the_channel(desk: Desk) -> None:
    desk.consent("lee", "email")

    assert desk.queue("m1", channel="email").status == "queued"
    assert desk.queue("m2", channel="webhook").status == "dropped"


def test_a_page_of_a_broadcast_sees_its_own_messages(desk: Desk) -> None:
    """Five messages to one member in one page: three go, two wait a week."""
    with desk.database.write() as connection:
        line = SqlMessages(connection, desk.programme, NOON)
        answers = line.queue_many([new(f"m{n}") for n in range(5)] + [new("m0")])

    assert [a.status for a in answers] == ["queued"] * 3 + ["deferred"] * 2 + ["queued"]
    assert answers[4].verdict.until == NOON + timedelta(days=3)  # the message's own end is sooner


# --- one sender each ----------------------------------------------------------------------------


def test_a_claimed_message_is_nobody_elses(desk: Desk) -> None:
    desk.queue("m1")

    [mine] = desk.claim()

    assert (mine.key, mine.attempt, mine.address) == ("m1", 1, "lee")
    assert mine.variables == {"points.available": 500}
    assert desk.claim() == []
    assert desk.row("m1").status == "sending"


def test_two_senders_at_once_never_take_the_same_message(desk: Desk) -> None:
    """Four relays at work on three hundred messages: every message is claimed exactly once."""
    for m in range(30):
        desk.member(f"member{m}")
    with desk.database.write() as connection:
        page = [new(f"m{n}", member_id=f"member{n % 30}", purpose="service") for n in range(300)]
        SqlMessages(connection, desk.programme, NOON).queue_many(page)

    def relay(_: int) -> list[str]:
        claimed: list[str] = []
        for _ in range(60):
            claimed += [one.key for one in desk.claim(limit=10)]
        return claimed

    with ThreadPoolExecutor(4) as relays:
        claimed = [key for keys in relays.map(relay, range(4)) for key in keys]

    assert sorted(claimed) == sorted(f"m{n}" for n in range(300))


def test_the_cap_holds_though_two_senders_look_at_once(desk: Desk) -> None:
    """Ten messages to one member, claimed one by one from four threads: three go out."""
    for n in range(10):
        desk.queue(f"m{n}", at=NOON - timedelta(days=8) + timedelta(minutes=n), purpose="service")
    with desk.database.write() as connection:
        connection.execute(
            update(messages).values(
                purpose="marketing", status="queued", expires_at=NOON + timedelta(days=1)
            )
        )

    with ThreadPoolExecutor(4) as relays:
        claimed = list(relays.map(lambda _: desk.claim(limit=1), range(40)))

    assert sum(map(len, claimed)) == 3


def test_no_other_sender_weighs_a_member_while_one_does(new_database: DatabaseMaker) -> None:
    """A relay that finds the member under judgement elsewhere leaves their messages for later."""
    desk = Desk(new_database("postgres"))
    desk.member("lee")
    desk.member("mia")
    desk.queue("m1")
    desk.queue("m2")
    desk.queue("m3", member_id="mia")

    with desk.database.write() as connection:
        [first] = SqlMessageLine(connection, desk.programme, NOON).claim("inbox", 1)
        meanwhile = desk.claim()

    assert first.key == "m1"
    assert [one.key for one in meanwhile] == ["m3"]
    assert [one.key for one in desk.claim()] == ["m2"]


def test_a_daily_budget_is_not_overspent_by_senders_at_once(database: Database) -> None:
    """Twenty service e-mails, a budget of five a day, four relays: five today, five tomorrow."""
    desk = Desk(database, daily_budget={"email": 5})
    for m in range(20):
        desk.member(f"member{m}")
        desk.queue(f"m{m}", channel="email", purpose="service", member_id=f"member{m}")

    def day(at: datetime) -> int:
        with ThreadPoolExecutor(4) as relays:
            return sum(len(c) for c in relays.map(lambda _: desk.claim(at, 1), range(40)))

    assert day(NOON) == 5
    midnight = desk.row("m19").due_at
    assert midnight == datetime(2027, 3, 10, 16, 0, tzinfo=UTC)
    assert day(midnight) == 5
    assert desk.verdicts("m19")[-1] == ("defer", "message_budget")


def test_who_waits_longest_goes_first(desk: Desk) -> None:
    """A message tried again in vain stands behind those that have not been tried at all."""
    desk.queue("m1")
    [first] = desk.claim()
    retry = NOON + timedelta(minutes=2)
    desk.settle(Settlement("m1", first.attempt, "deferred", due_at=retry, error="451"))
    desk.queue("m2", at=NOON + timedelta(minutes=1))
    desk.queue("m3", at=NOON + timedelta(minutes=3))

    later = NOON + timedelta(minutes=5)
    assert [one.key for _ in range(3) for one in desk.claim(later, 1)] == ["m2", "m1", "m3"]


# --- judged again -------------------------------------------------------------------------------


def test_a_message_held_overnight_is_judged_again_in_the_morning(desk: Desk) -> None:
    """Consent taken back during the night is respected at nine."""
    desk.consent("lee", "email")
    desk.queue("kept", at=NIGHT)
    desk.queue("withdrawn", at=NIGHT, channel="email")
    with desk.database.write() as connection:
        connection.execute(update(consents).values(granted=False))

    assert desk.claim(NIGHT + timedelta(hours=1)) == []
    assert [one.key for one in desk.claim(MORNING)] == ["kept"]
    assert desk.verdicts("kept") == [("defer", "quiet_hours"), ("send", "allowed")]
    assert desk.verdicts("withdrawn") == [("defer", "quiet_hours"), ("drop", "no_consent")]


def test_a_verdict_that_did_not_change_is_not_written_again(desk: Desk) -> None:
    desk.queue("m1")
    [first] = desk.claim()
    desk.settle(Settlement("m1", first.attempt, "deferred", due_at=NOON, error="451"))
    [second] = desk.claim()

    assert second.attempt == 2
    assert desk.verdicts("m1") == [("send", "allowed")]


def test_a_message_too_old_to_be_of_use_is_dropped(desk: Desk) -> None:
    desk.queue("m1", expires_at=NOON + timedelta(hours=1))

    assert desk.claim(NOON + timedelta(hours=1)) == []
    assert desk.row("m1").status == "dropped"
    assert desk.verdicts("m1") == [("send", "allowed"), ("drop", "expired")]


def test_stopping_a_campaign_stops_its_messages_and_pausing_holds_them(desk: Desk) -> None:
    """What waited for the morning does not go out once the marketer has stopped the campaign."""
    desk.campaign("stopped", "stopped")
    desk.campaign("paused", "paused")
    desk.queue("m1", campaign_id="stopped", version=1)
    desk.queue("m2", campaign_id="paused", version=1)
    desk.queue("m3", campaign_id="paused", version=1, purpose="service")

    assert [one.key for one in desk.claim()] == ["m3"]
    assert desk.verdicts("m1")[-1] == ("drop", "campaign_stopped")
    assert desk.row("m2").status == "queued"
    assert not desk.due()

    with desk.database.write() as connection:
        connection.execute(update(campaigns).values(state="launched"))
    assert desk.due()
    assert [one.key for one in desk.claim()] == ["m2"]


# --- settled ------------------------------------------------------------------------------------


def test_in_app_delivery_is_the_row_itself(desk: Desk) -> None:
    """Until the row is settled there is nothing in the inbox; then it is there, and read once."""
    desk.queue("m1")
    [one] = desk.claim()
    assert _inbox(desk) == []

    assert desk.settle(sent(one))

    [message] = _inbox(desk)
    assert (message["key"], message["subject"], message["body"]) == ("m1", "Hi", "Hello")
    assert message["read_at"] is None
    _read(desk, "lee", "m1", NOON)
    _read(desk, "lee", "m1", NIGHT)
    assert _inbox(desk)[0]["read_at"] == NOON
    with pytest.raises(Unknown):
        _read(desk, "mia", "m1", NOON)


def _inbox(desk: Desk) -> list[Any]:
    with desk.database.read() as connection:
        return inbox_of(connection, "lee")


def _read(desk: Desk, member: str, key: str, at: datetime) -> None:
    with desk.database.write() as connection:
        SqlMessages(connection, desk.programme, at).read(member, key)


def test_a_sender_that_was_overtaken_changes_nothing(desk: Desk) -> None:
    """An attempt thought dead that speaks after the next one began is not heard."""
    desk.queue("m1")
    [slow] = desk.claim()
    later = NOON + LEASE
    [fast] = desk.claim(later)

    assert desk.settle(sent(slow, "slow"), later) is False
    assert desk.settle(sent(fast, "fast"), later) is True
    assert desk.row("m1").body == "fast"


@pytest.mark.parametrize(
    ("channel", "status"), [("inbox", "sending"), ("webhook", "sending"), ("email", "unknown")]
)
def test_after_a_crash_between_claim_and_mark(desk: Desk, channel: str, status: str) -> None:
    """In-app and webhook are sent again by the next relay; an e-mail waits for a person."""
    desk.queue("m1", channel=channel, purpose="service")
    desk.claim()

    assert desk.claim(NOON + LEASE - timedelta(seconds=1)) == []
    again = desk.claim(NOON + LEASE)

    assert desk.row("m1").status == status
    assert [(one.key, one.attempt) for one in again] == ([("m1", 2)] if status == "sending" else [])


def test_an_unknown_outcome_may_turn_out_well(desk: Desk) -> None:
    """A slow e-mail taken for interrupted is noted as sent when its sender says so."""
    desk.queue("m1", channel="email", purpose="service")
    [slow] = desk.claim()
    desk.claim(NOON + LEASE)
    assert desk.row("m1").status == "unknown"

    assert desk.settle(sent(slow), NOON + LEASE)
    assert desk.row("m1").status == "sent"


def test_an_operator_may_send_an_unknown_message_again(desk: Desk) -> None:
    desk.queue("m1", channel="email", purpose="service")
    [one] = desk.claim()
    desk.settle(Settlement("m1", one.attempt, "unknown", error="lost after DATA"))
    late = NOON + timedelta(days=30)
    assert desk.claim(late) == []

    _resend(desk, "m1", late)

    assert [o.attempt for o in desk.claim(late)] == [2]
    with pytest.raises(WrongState):
        _resend(desk, "m1", late)
    with pytest.raises(Unknown):
        _resend(desk, "m2", late)


def _resend(desk: Desk, key: str, at: datetime) -> None:
    with desk.database.write() as connection:
        SqlMessageLine(connection, desk.programme, at).resend(key)


# --- the port -----------------------------------------------------------------------------------


class StoppedClock:
    def now(self) -> datetime:
        return NOON


@pytest.fixture
def store(desk: Desk) -> SqlMessageStore:
    return SqlMessageStore(desk.database, desk.programme, StoppedClock())


def test_delivery_claims_and_settles_through_its_port(desk: Desk, store: SqlMessageStore) -> None:
    desk.queue("m1")
    desk.queue("m2", at=NIGHT)

    claimed = store.claim("inbox", 10)
    store.settle([sent(one) for one in claimed])

    assert [one.key for one in claimed] == ["m1"]
    assert desk.row("m1").status == "sent"
    assert store.claim("inbox", 10) == []
    with pytest.raises(Unknown):
        store.texts("spring", 1)


@pytest.mark.parametrize(
    ("status", "late"), [("sent", False), ("sent", True), ("deferred", False), ("failed", False)]
)
def test_nothing_is_noted_of_who_was_erased_meanwhile(
    desk: Desk, store: SqlMessageStore, status: Any, late: bool
) -> None:
    """However an attempt ends, and how late it says so: neither name nor text comes back."""
    desk.queue("m1", channel="email", purpose="service", variables={"member.first_name": "Lee"})
    [one] = store.claim("email", 10)
    if late:
        desk.claim(NOON + LEASE)  # taken for interrupted
    office = SqlStore(desk.database, StoppedClock(), desk.programme)
    erasure = Erasure(id="e1", reason="asked by the member")
    office.run(lambda tx: erase(tx, "lee", erasure, "ola"))

    store.settle([replace(sent(one, "Dear Lee"), status=status, error="no Lee here", due_at=NOON)])

    row = desk.row("m1")
    assert (row.status, row.subject, row.body, row.last_error) == ("dropped", None, None, None)
    assert row.variables == {}
    assert store.claim("email", 10) == []


def test_one_message_costs_a_handful_of_statements(desk: Desk) -> None:
    """A page of a hundred messages takes as many statements as one."""
    counted: list[str] = []
    event.listen(desk.database.engine, "before_cursor_execute", lambda *a: counted.append(a[2]))
    for page in (1, 100):
        counted.clear()
        with desk.database.write() as connection:
            line = SqlMessages(connection, desk.programme, NOON)
            line.queue_many([new(f"p{page}-{n}", purpose="service") for n in range(page)])
        statements = [s for s in counted if not s.startswith("BEGIN")]
        assert len(statements) <= 4, statements

    with desk.database.read() as connection:
        assert connection.execute(select(func.count()).select_from(messages)).scalar_one() == 101
