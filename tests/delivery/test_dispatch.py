"""From the line to the member, on both databases, with real servers: each message once."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select
from sqlalchemy.exc import OperationalError

from bootstrap.processes import send_messages
from delivery.channels import Letter, Permanent, Temporary
from delivery.dispatch import FIRST_WAIT, Dispatcher
from delivery.smtp import SmtpChannel
from delivery.webhook import WebhookChannel
from loyalty import campaigns as campaign_acts
from loyalty.erasure import Erasure, erase
from loyalty.member_details import DetailsChange, change_details
from loyalty.messages import NewMessage, Settlement
from loyalty.ports import Transaction
from loyalty.programme import CHANNELS, Channel, Contact, Programme
from loyalty.registration import Consent
from loyalty.wishes import consent, stop_list, unsubscribe
from storage.database import Database
from storage.message_line import LEASE, SqlMessageLine
from storage.message_store import SqlMessageStore
from storage.messages import SqlMessages
from storage.store import SqlStore
from storage.tables import campaign_versions, campaigns, consents, members, messages
from tests.delivery.servers import Postbox, Receiver

NOON = datetime(2027, 3, 10, 4, 0, tzinfo=UTC)  # 12:00 in Shanghai
TEXTS = {
    "welcome": {
        "en": {"subject": "Welcome", "text": "{{ points.available }} points"},
        "zh": {"subject": "欢迎", "text": "{{ points.available }} 积分"},
    },
    "broken": {"en": {"subject": "Hi", "text": "{{ nobody.knows }}"}},
}


class HandClock:
    def __init__(self) -> None:
        self.at = NOON

    def now(self) -> datetime:
        return self.at


class DyingStore(SqlMessageStore):
    """A process that dies after the channel took the message and before that was noted."""

    def settle(self, settlements: Sequence[Settlement]) -> None:
        raise KeyError("killed")


class Shop:
    """Lee's shop: a campaign with texts, a line of messages, a relay that sends them."""

    def __init__(self, database: Database, channels: dict[Channel, Any]) -> None:
        self.database = database
        self.programme = Programme()
        self.clock = HandClock()
        self.channels = channels
        with database.write() as connection:
            connection.execute(
                insert(members),
                {
                    "id": "lee", "status": "active", "registered_at": NOON, "tags": [],
                    "email": "lee@example.com", "locale": "zh", "body_hash": "", "answer": {},
                },
            )  # fmt: skip
            connection.execute(
                insert(campaigns),
                {
                    "id": "spring", "name": "Spring", "template": "t", "state": "launched",
                    "version": 1, "created_at": NOON, "position": {},
                },
            )  # fmt: skip
            connection.execute(
                insert(campaign_versions),
                {
                    "campaign_id": "spring", "version": 1, "template": "t", "body": {},
                    "plan": {}, "plan_hash": "", "messages": TEXTS, "created_at": NOON,
                    "created_by": "mia",
                },
            )  # fmt: skip

    def relay(self, store: type[SqlMessageStore] = SqlMessageStore) -> Dispatcher:
        port = store(self.database, self.programme, self.clock)
        return Dispatcher(port, self.programme, self.clock, self.channels)

    async def send(self, store: type[SqlMessageStore] = SqlMessageStore) -> int:
        """One look at every channel's line; how many messages were claimed."""
        relay, stop = self.relay(store), asyncio.Event()
        return sum([await relay.run_once(channel, stop) for channel in CHANNELS])

    def queue(self, key: str, channel: Channel, **changes: Any) -> None:
        fields: dict[str, Any] = {
            "key": key, "member_id": "lee", "message": "welcome", "channel": channel,
            "purpose": "service", "locale": "zh", "variables": {"points.available": 1500},
            "campaign_id": "spring", "version": 1,
        }  # fmt: skip
        with self.database.write() as connection:
            line = SqlMessages(connection, self.programme, self.clock.at)
            line.queue_many([NewMessage(**fields | changes)])

    def agrees(self, channel: Channel = "email") -> None:
        said = {"member_id": "lee", "channel": channel, "purpose": "marketing"}
        with self.database.write() as connection:
            connection.execute(insert(consents), {**said, "granted": True, "at": NOON})

    def does(self, act: Callable[[Transaction], Any]) -> None:
        SqlStore(self.database, self.clock, self.programme).run(act)

    def resend(self, key: str) -> None:
        with self.database.write() as connection:
            SqlMessageLine(connection, self.programme, self.clock.at).resend(key)

    def row(self, key: str) -> Any:
        with self.database.read() as connection:
            return connection.execute(select(messages).where(messages.c.key == key)).one()


@pytest.fixture
def shop(database: Database, smtp: SmtpChannel, webhook: WebhookChannel) -> Shop:
    return Shop(database, {"email": smtp, "webhook": webhook})


async def test_each_channel_delivers_in_the_members_language(
    shop: Shop, postbox: Postbox, receiver: Receiver
) -> None:
    for channel in ("inbox", "email", "webhook"):
        shop.queue(f"m:{channel}", channel)

    assert await shop.send() == 3
    assert await shop.send() == 0

    assert postbox.taken[0]["Subject"] == "欢迎"
    assert "1,500 积分" in receiver.got[0][1].decode()
    rows = [shop.row(f"m:{channel}") for channel in ("inbox", "email", "webhook")]
    assert {(r.status, r.subject, r.body, r.sent_at) for r in rows} == {
        ("sent", "欢迎", "1,500 积分", NOON)
    }


async def test_who_follows_the_link_in_an_e_mail_gets_no_more_of_them(
    shop: Shop, postbox: Postbox
) -> None:
    """Marketing that is waiting already is dropped; what the member is owed still comes."""
    shop.agrees()
    for key in ("m1", "m2"):
        shop.queue(key, "email", purpose="marketing")
    assert await shop.send() == 2
    first, second = [mail["List-Unsubscribe"] for mail in postbox.taken]
    assert first == second
    shop.queue("m3", "email", purpose="marketing")
    shop.queue("m4", "email")

    token = first.rpartition("/")[2].removesuffix(">")
    shop.does(lambda tx: unsubscribe(tx, token))
    await shop.send()

    assert [shop.row(f"m{n}").status for n in range(1, 5)] == ["sent", "sent", "dropped", "sent"]
    assert shop.row("m3").held_back_by == "no_consent"
    owed = postbox.taken[2]
    assert "List-Unsubscribe" not in owed
    assert token not in owed.get_content()
    assert token not in shop.row("m1").body  # for the member's eyes alone


@pytest.mark.parametrize(
    ("locale", "subject"), [("zh", "欢迎"), ("zh-TW", "欢迎"), ("en", "Welcome"), ("fr", "Welcome")]
)
async def test_a_language_without_a_text_gets_the_programmes_first(
    shop: Shop, locale: str, subject: str
) -> None:
    shop.queue("m1", "inbox", locale=locale)

    await shop.send()

    assert shop.row("m1").subject == subject


async def test_a_crash_after_an_in_app_message_shows_it_once(shop: Shop) -> None:
    """Nothing is seen until the row is settled, so doing it again is doing it once."""
    shop.queue("m1", "inbox")
    with pytest.raises(KeyError):
        await shop.send(DyingStore)
    assert shop.row("m1").status == "sending"

    shop.clock.at += LEASE
    await shop.send()

    assert shop.row("m1").status == "sent"


async def test_a_crash_after_a_webhook_repeats_its_id(shop: Shop, receiver: Receiver) -> None:
    """The receiver gets the message again under the id it has seen, and drops it."""
    shop.queue("m1", "webhook")
    with pytest.raises(ExceptionGroup):
        await shop.send(DyingStore)

    shop.clock.at += LEASE
    await shop.send()

    assert [headers["webhook-id"] for headers, _ in receiver.got] == ["m1", "m1"]
    assert shop.row("m1").status == "sent"


async def test_a_crash_after_an_e_mail_is_unknown_until_a_person_decides(
    shop: Shop, postbox: Postbox
) -> None:
    """Never a second mail by itself; asked for by an operator, it has the same Message-ID."""
    shop.queue("m1", "email")
    with pytest.raises(ExceptionGroup):
        await shop.send(DyingStore)

    for _ in range(5):
        shop.clock.at += LEASE
        await shop.send()
    assert shop.row("m1").status == "unknown"
    assert len(postbox.taken) == 1

    shop.resend("m1")
    await shop.send()
    first, second = postbox.taken
    assert first["Message-ID"] == second["Message-ID"]
    assert shop.row("m1").status == "sent"


async def test_a_refused_message_fails_and_harms_no_other(shop: Shop, receiver: Receiver) -> None:
    """A broken text, a channel that is not set up and a refusal fail alone, and say why."""
    receiver.status = 410
    shop.queue("m1", "inbox", message="broken")
    shop.queue("m2", "webhook")
    shop.queue("m3", "inbox", version=7)
    shop.queue("m4", "inbox", message="none")
    shop.queue("m5", "inbox")

    await shop.send()
    shop.channels.clear()
    shop.queue("m6", "webhook")
    await shop.send()

    assert [shop.row(f"m{n}").status for n in range(1, 7)] == [
        "failed", "failed", "failed", "failed", "sent", "failed",
    ]  # fmt: skip
    assert "nobody" in shop.row("m1").last_error
    assert "410" in shop.row("m2").last_error
    assert "not set up" in shop.row("m6").last_error


async def test_a_receiver_that_is_away_is_tried_ever_later_until_the_message_is_old(
    shop: Shop, receiver: Receiver
) -> None:
    """2, 4, 8 seconds ... ten minutes; in an hour, when the message has ended, it has failed."""
    receiver.status = 503
    shop.queue("m1", "webhook", expires_at=NOON + timedelta(hours=1))
    waits = []
    while (row := shop.row("m1")).status != "failed":
        shop.clock.at = row.due_at
        await shop.send()
        waits.append((shop.row("m1").due_at - shop.clock.at).total_seconds())

    assert waits[:5] == [2, 4, 8, 16, 32]
    assert max(waits) == 600
    assert "gave up" in shop.row("m1").last_error
    assert 10 < len(receiver.got) < 20


async def test_a_receivers_wish_to_wait_is_kept(shop: Shop, receiver: Receiver) -> None:
    receiver.status, receiver.headers = 429, {"retry-after": "90"}
    shop.queue("m1", "webhook")

    await shop.send()

    assert shop.row("m1").due_at == NOON + timedelta(seconds=90)
    assert shop.row("m1").status == "deferred"


class Flood:
    """A channel that counts how many letters are on their way at once."""

    at_once = 10

    def __init__(self) -> None:
        self.now = self.most = 0

    async def send(self, letter: Letter) -> None:
        self.now += 1
        self.most = max(self.most, self.now)
        await asyncio.sleep(0.01)
        self.now -= 1
        if letter.key.endswith("3"):
            raise Temporary("later")
        if letter.key.endswith("7"):
            raise Permanent("never")

    async def close(self) -> None: ...


async def test_few_letters_are_on_their_way_at_a_time(shop: Shop) -> None:
    flood = Flood()
    shop.channels["webhook"] = flood
    for n in range(100):
        shop.queue(f"m{n}", "webhook")

    assert await shop.send() == 100

    assert 1 < flood.most <= 10
    statuses = [shop.row(f"m{n}").status for n in range(100)]
    assert [statuses.count(s) for s in ("sent", "deferred", "failed")] == [80, 10, 10]


async def test_what_slow_channels_leave_unsent_goes_back_in_line(
    shop: Shop, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A claim is never held for longer than the line believes in it."""
    monkeypatch.setattr("delivery.dispatch.PATIENCE_SECONDS", -1)
    shop.queue("m1", "webhook")
    await shop.send()
    assert (shop.row("m1").status, receiver.got) == ("deferred", [])

    monkeypatch.undo()
    await shop.send()
    assert shop.row("m1").status == "sent"


class Slow:
    """A channel that takes one letter at a time; things happen while it takes the first."""

    at_once = 1

    def __init__(self, meanwhile: Callable[[], None]) -> None:
        self.meanwhile = meanwhile
        self.taken: list[Letter] = []

    async def send(self, letter: Letter) -> None:
        self.taken.append(letter)
        if len(self.taken) == 1:
            await asyncio.to_thread(self.meanwhile)

    async def close(self) -> None: ...


def _says_no(channel: Channel) -> Callable[[Transaction], Any]:
    no = Consent(channel=channel, purpose="marketing", granted=False)
    return lambda tx: consent(tx, "lee", [no], "lee")


def _pauses(tx: Transaction) -> None:
    campaign_acts.pause(tx, "spring", "a wrong price", "mia")


@pytest.mark.parametrize(
    ("channel", "act", "status", "rule"),
    [
        ("email", _says_no("email"), "dropped", "no_consent"),
        ("webhook", _says_no("webhook"), "dropped", "no_consent"),
        ("email", _says_no("webhook"), "sent", None),
        ("email", lambda tx: stop_list(tx, "lee", True, "ola", "asked"), "dropped", "stop_listed"),
        ("email", lambda tx: erase(tx, "lee", Erasure(id="e1", reason="asked"), "ola"), "dropped",
         None),
        ("email", _pauses, "deferred", None),
        ("email", lambda tx: campaign_acts.stop(tx, "spring", "a wrong price", "mia"), "dropped",
         "campaign_stopped"),
    ],
    ids=["no to e-mail", "no to webhooks", "no to another", "stop list", "erased", "paused",
         "stopped"],
)  # fmt: skip
async def test_a_no_reaches_also_what_was_taken_out_of_the_line_to_be_sent(
    shop: Shop,
    channel: Channel,
    act: Callable[[Transaction], Any],
    status: str,
    rule: str | None,
) -> None:
    """Two letters are claimed together; what happens while the first is on its way holds for the
    second, in the same words as if it had still waited in line.
    """
    slow = Slow(lambda: shop.does(act))
    shop.channels[channel] = slow
    shop.agrees(channel)
    for key in ("m1", "m2"):
        shop.queue(key, channel, purpose="marketing")

    assert await shop.send() == 2
    await shop.send()

    assert [letter.key for letter in slow.taken] == (["m1", "m2"] if status == "sent" else ["m1"])
    assert (shop.row("m2").status, shop.row("m2").held_back_by) == (status, rule)


async def test_what_was_taken_out_of_the_line_goes_to_the_new_address(shop: Shop) -> None:
    new = DetailsChange(email="lee.wang@example.com")
    slow = Slow(lambda: shop.does(lambda tx: change_details(tx, "lee", new, "lee")))
    shop.channels["email"] = slow
    for key in ("m1", "m2"):
        shop.queue(key, "email")

    await shop.send()
    await shop.send()

    assert [letter.address for letter in slow.taken] == ["lee@example.com", "lee.wang@example.com"]


async def test_a_batch_that_reaches_into_the_night_stops_there(shop: Shop) -> None:
    slow = Slow(lambda: setattr(shop.clock, "at", NOON + timedelta(hours=11)))
    shop.channels["email"] = slow
    shop.agrees()
    for key in ("m1", "m2"):
        shop.queue(key, "email", purpose="marketing")

    await shop.send()
    await shop.send()

    assert [letter.key for letter in slow.taken] == ["m1"]
    assert (shop.row("m2").status, shop.row("m2").held_back_by) == ("deferred", "quiet_hours")


async def test_what_a_batch_itself_uses_up_keeps_none_of_it(shop: Shop) -> None:
    """Two a day and two a week: the claim counted both, and none is counted once more."""
    shop.programme = Programme(contact=Contact(daily_budget={"email": 2}, frequency_cap=2))
    shop.agrees()
    for key in ("m1", "m2", "m3"):
        shop.queue(key, "email", purpose="marketing")

    assert await shop.send() == 2

    assert [shop.row(f"m{n}").status for n in (1, 2, 3)] == ["sent", "sent", "deferred"]


class Hanging:
    """A mail server that takes whoever comes and says nothing, until it is asked to answer."""

    at_once = 2

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.busy, self.answers = asyncio.Event(), asyncio.Event()

    async def send(self, letter: Letter) -> None:
        self.begun.append(letter.key)
        if len(self.begun) == self.at_once:
            self.busy.set()
        await self.answers.wait()
        raise Temporary("no answer")

    async def close(self) -> None: ...


class Heard:
    """A channel that rings when it is given a letter."""

    at_once = 1

    def __init__(self) -> None:
        self.bell = asyncio.Event()

    async def send(self, letter: Letter) -> None:
        self.bell.set()

    async def close(self) -> None: ...


async def test_a_channel_that_hangs_keeps_no_other_waiting(shop: Shop) -> None:
    """Its own line stands still; what is said elsewhere in the meantime is heard at once."""
    mail, app, stop = Hanging(), Heard(), asyncio.Event()
    shop.channels["email"], shop.channels["webhook"] = mail, app
    for n in range(5):
        shop.queue(f"mail{n}", "email")

    async with asyncio.timeout(20):
        sending = asyncio.create_task(send_messages(shop.relay(), stop))
        await mail.busy.wait()
        shop.queue("m1", "webhook")
        await app.bell.wait()
        stop.set()
        mail.answers.set()
        await sending

    assert shop.row("m1").status == "sent"


async def test_a_sender_that_is_stopped_gives_back_what_it_has_not_begun(shop: Shop) -> None:
    """What is on its way is waited for; nobody has to ask after mails that were never tried."""
    mail, stop = Hanging(), asyncio.Event()
    shop.channels["email"] = mail
    for n in range(5):
        shop.queue(f"m{n}", "email")

    sending = asyncio.create_task(shop.relay().run_once("email", stop))
    await mail.busy.wait()
    stop.set()
    mail.answers.set()
    await sending

    assert sorted(mail.begun) == ["m0", "m1"]  # two at once, in no order
    rows = [shop.row(f"m{n}") for n in range(5)]
    assert {row.status for row in rows} == {"deferred"}
    tried_again = NOON + FIRST_WAIT
    assert [row.due_at for row in rows] == [tried_again, tried_again, NOON, NOON, NOON]


async def test_an_in_app_message_that_cannot_be_noted_keeps_no_mail(shop: Shop) -> None:
    class InboxAway(SqlMessageStore):
        def settle(self, settlements: Sequence[Settlement]) -> None:
            if "m1" in {each.key for each in settlements}:
                raise OperationalError("COMMIT", {}, OSError("disk I/O error"))
            super().settle(settlements)

    mail, stop = Heard(), asyncio.Event()
    shop.channels["email"] = mail
    shop.queue("m1", "inbox")
    shop.queue("m2", "email")

    async with asyncio.timeout(20):
        sending = asyncio.create_task(send_messages(shop.relay(InboxAway), stop))
        await mail.bell.wait()
        stop.set()
        await sending

    assert shop.row("m2").status == "sent"


async def test_a_fault_of_ours_is_raised_after_the_others_are_settled(shop: Shop) -> None:
    class Faulty:
        at_once = 1

        async def send(self, letter: Letter) -> None:
            if letter.key == "m1":
                raise RuntimeError("a bug")

        async def close(self) -> None: ...

    shop.channels["email"] = Faulty()
    shop.queue("m1", "email")
    shop.queue("m2", "email")

    with pytest.raises(ExceptionGroup):
        await shop.send()

    assert shop.row("m1").status == "sending"
    assert shop.row("m2").status == "sent"
