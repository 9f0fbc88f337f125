"""What needs a hand: found, acted on once and at a pace, set aside, and replayed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest

from bootstrap.repairing import Repairer
from loyalty import repair_jobs
from loyalty.erasure import Erasure, erase
from loyalty.errors import Invalid, KeyReused, WrongState
from loyalty.refused_event import Kind, refused_event
from loyalty.refused_events import keep
from loyalty.repairs import ACTS, LISTS, JobRequest, ListName, Narrowed
from storage import tables
from storage.proof import Check, Proof
from storage.reads import SqlReads
from storage.store import SqlStore
from storage.verifications import note_proof
from tests.storage.exchange_desk import HOLD, PRICE
from tests.storage.exchange_desk import Desk as ExchangeDesk
from tests.storage.front_desk import FrontDesk
from tests.storage.rows import NOON, StillClock, message, put

LATENESS = timedelta(days=3)
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
ALL = Narrowed()


@dataclass
class Operator(FrontDesk):
    """Whoever looks at the lists and mends what is in them."""

    @property
    def reads(self) -> SqlReads:
        return SqlReads(self.store.database, self.clock)

    def sees(self, name: ListName, **narrow: Any) -> list[str]:
        """The targets that a list shows, and its count agrees."""
        part = Narrowed(**narrow)
        page = self.reads.repairs.page(name, LATENESS, part, after=None, limit=50)
        if not narrow:
            assert self.reads.repairs.counts(LATENESS)[name] == len(page)
        return [row["target"] for row in page]

    def starts(self, name: ListName, act: str, targets: Sequence[str], **more: Any) -> Any:
        asked: dict[str, Any] = {"id": "j1", "list": name, "act": act, "reason": "mended"}
        asked |= {"targets": targets} if targets else {"all": dict[str, str]()}
        request = JobRequest.model_validate({**asked, **more})
        return self.store.run(lambda tx: repair_jobs.start(tx, request, targets, "ola"))

    def relay_says(self, **of_every_row: Any) -> None:
        with self.store.database.write() as connection:
            connection.execute(tables.outbox.update().values(of_every_row))

    def does_all(self) -> int:
        """Every item that is due now."""
        repairer, done = Repairer(self.store), 0
        while repairer.carry_next():
            done += 1
        return done

    def job(self, id: str = "j1") -> Any:
        return self.reads.repairs.job(id)

    def outcomes(self, id: str = "j1") -> list[tuple[str, str, str | None]]:
        items = self.reads.repairs.items(id, state=None, after=0, limit=200)
        return [(each["target"], each["state"], each["outcome"]) for each in items]

    def acts(self) -> list[tuple[str, str, str | None]]:
        a = tables.audit
        found = self._rows(a.select().order_by(a.c.id))
        return [(row.action, row.target, row.reason) for row in found if row.actor == "ola"]

    def refused(self, id: str, member_id: str, code: str = "unknown") -> str:
        body = self.receipt(member_id, id, [("grocery", 10_000)]).model_dump(mode="json")
        return self.refuses("purchase", body, code)

    def refuses(self, kind: Kind, body: dict[str, Any], code: str = "invalid") -> str:
        event = refused_event(kind, {"source": "till", **body}, code, "There is no member.")
        assert event is not None
        self.store.run(lambda tx: keep(tx, event))
        return f"till/{body['id']}"


@pytest.fixture
def ola(store: SqlStore, clock: StillClock) -> Operator:
    return Operator(store, clock)


# --- the lists ----------------------------------------------------------------------------------


def test_an_untroubled_programme_shows_nothing(ola: Operator) -> None:
    """A member on the way through a campaign is no trouble."""
    ola.launch("new_member_bonus")
    ola.joins("lee")
    ola.take_turns("lee")

    counts = ola.reads.repairs.counts(LATENESS)

    assert set(counts.values()) == {0}
    assert set(LISTS) - set(counts) == {"failing_runs"}  # of these Temporal knows


def test_a_run_whose_hour_is_long_past_is_stuck_until_something_is_in_line(ola: Operator) -> None:
    """The relay's word is waited for; only what nothing will wake is shown."""
    ola.launch("new_member_bonus")
    ola.joins("lee")
    ola.take_turns("lee")
    ola.relay_says(sent_at=NOON)
    run = ola.enrolment("lee")
    assert ola.sees("stuck_runs") == []

    assert run.wake_at is not None
    ola.clock.instant = run.wake_at + 11 * MINUTE
    assert ola.sees("stuck_runs") == [run.id]
    assert ola.sees("stuck_runs", campaign_id="other") == []
    assert ola.sees("stuck_runs", member_id="lee") == [run.id]

    ola.starts("stuck_runs", "retry", [run.id])
    assert ola.does_all() == 1
    assert ola.sees("stuck_runs") == []
    assert ("run.retry", run.id, "mended") in ola.acts()


@pytest.mark.parametrize(
    ("name", "status"),
    [("unknown_messages", "unknown"), ("failed_messages", "failed")],
)
def test_a_message_that_did_not_arrive_is_sent_again_or_set_aside(
    ola: Operator, name: ListName, status: str
) -> None:
    """Each is dealt with once, with the reason in the audit trail."""
    for key in ("m1", "m2"):
        put(ola.store.database, tables.messages, message(key, status=status, due_at=NOON))
    assert ola.sees(name) == ["m1", "m2"]

    ola.starts(name, "resend", ["m1"])
    ola.starts(name, "set_aside", ["m2"], id="j2")
    ola.does_all()

    assert ola.sees(name) == []
    assert [each[:2] for each in ola.acts()][-2:] == [
        ("message.resend", "m1"),
        ("repair.set_aside", "m2"),
    ]


def test_a_message_that_waits_for_days_is_shown(ola: Operator) -> None:
    """Quiet hours are no trouble; a day and a night are."""
    put(ola.store.database, tables.messages, message("m1", status="deferred", created_at=NOON))

    assert ola.sees("deferred_messages") == []
    ola.clock.instant = NOON + DAY
    assert ola.sees("deferred_messages") == ["m1"]


def test_a_row_that_was_given_up_on_goes_out_again(ola: Operator) -> None:
    """It is put back in line as if it had never been tried, once."""
    ola.store.run(lambda tx: tx.outbox.add("nudge_journey", "j/a/b/c", {"reason": "x"}))
    ola.relay_says(dead_at=NOON, last_error="NO")
    [row] = ola.sees("parked_rows")

    ola.starts("parked_rows", "replay", [row, "12345"])
    ola.does_all()
    ola.clock.instant += 2 * MINUTE
    ola.does_all()

    assert ola.sees("parked_rows") == []
    assert [each[1] for each in ola.outcomes()] == ["done", "failed"]
    [back] = ola.outbox("nudge_journey")
    assert (back.dead_at, back.attempts, back.sent_at) == (None, 0, None)


def test_an_overdue_claim_is_given_back(ola: Operator) -> None:
    """Whoever did not pick it up gets the points back."""
    desk = ExchangeDesk(ola.store, ola.clock).open(opens_at=NOON, closes_at=NOON + DAY)
    desk.members(lee=PRICE)
    desk.reserve("lee")
    assert ola.sees("overdue_claims") == []

    ola.clock.instant = NOON + HOLD + 6 * MINUTE
    [claim] = ola.sees("overdue_claims")
    ola.starts("overdue_claims", "give_back", [claim])
    ola.does_all()

    assert ola.outcomes() == [(claim, "done", "expired")]
    assert ola.sees("overdue_claims") == []
    assert ola.balance("lee").available == PRICE


@pytest.mark.parametrize(("late", "shown"), [(LATENESS, 0), (LATENESS + MINUTE, 1)])
def test_an_upload_beyond_the_lateness_is_shown(ola: Operator, late: timedelta, shown: int) -> None:
    """Within the lateness its campaign still took it (rule 13)."""
    ola.clock.instant = NOON - 2 * LATENESS
    ola.launch("new_member_bonus")
    ola.joins("lee")
    ola.clock.instant = NOON
    ola.buys("lee", "r1", ("grocery", 100), occurred_at=NOON - late)
    ola.buys("lee", "r2", ("grocery", 100))

    assert len(ola.sees("late_events")) == shown


def test_history_brought_along_is_not_late(ola: Operator) -> None:
    """What was before the first launch could open no journey: years of it need nobody's hand."""
    ola.joins("lee")
    ola.buys("lee", "r1", ("grocery", 100), occurred_at=NOON - 2 * LATENESS)
    assert ola.sees("late_events") == []

    ola.launch("new_member_bonus")
    assert ola.sees("late_events") == []


def proved(*checks: Check) -> Proof:
    """An empty ledger that was added up again, with what came of each check."""
    figures = dict.fromkeys(
        ("transactions", "entries", "members", "issued", "redeemed", "lapsed", "outstanding",
         "held", "owed"), 0,
    )  # fmt: skip
    return Proof(**figures, checks=checks)


def test_what_the_last_verification_found_is_shown_until_it_is_set_aside(ola: Operator) -> None:
    """A later one that finds nothing clears the list."""
    for broken in (None, "member:lee is off by 3", "member:wu is off by 1"):
        proof = proved(Check("balances add up", broken))
        ola.store.database.run(partial(note_proof, proof=proof, at=NOON, seconds=0.5))

    [target] = ola.sees("ledger_mismatches")
    ola.starts("ledger_mismatches", "set_aside", [target])
    ola.does_all()

    assert ola.sees("ledger_mismatches") == []
    last = ola.reads.repairs.verification("sums")
    assert last is not None
    assert (last["ok"], len(last["findings"])) == (False, 1)


def test_findings_come_a_page_at_a_time_and_are_about_nobody(ola: Operator) -> None:
    """Three findings are two pages; of one member there are none to set aside."""
    proof = proved(*(Check(name, "it is off by 3") for name in ("balances", "lots", "holds")))
    ola.store.database.run(partial(note_proof, proof=proof, at=NOON, seconds=0.5))

    def page(after: tuple[datetime, str] | None) -> list[tuple[datetime, str]]:
        look = ola.reads.repairs.page
        found = look("ledger_mismatches", LATENESS, ALL, after=after, limit=2)
        return [(row["at"], row["target"]) for row in found]

    begin = page(None)
    rest = page(begin[-1])

    assert (len(begin), len(rest), page(rest[-1])) == (2, 1, [])
    assert [target for _, target in begin + rest] == ola.sees("ledger_mismatches")
    lees = Narrowed(member_id="lee")
    assert ola.sees("ledger_mismatches", member_id="lee") == []
    assert ola.reads.repairs.targets("ledger_mismatches", LATENESS, lees, limit=9) == []


# --- refused events -----------------------------------------------------------------------------


def test_a_refused_receipt_is_replayed_once_its_member_is_there(ola: Operator) -> None:
    """It earns as if it had just been sent; while the member is missing it stays in the list."""
    target = ola.refused("r1", "lee")
    ola.refused("r1", "lee")
    assert ola.sees("refused_events") == [target]
    ola.starts("refused_events", "replay", [target])
    ola.does_all()
    assert ola.sees("refused_events") == [target]
    assert "unknown" in str(ola.outcomes()[0][2])

    ola.joins("lee")
    ola.starts("refused_events", "replay", [target], id="j2")
    ola.does_all()

    assert ola.outcomes("j2") == [(target, "done", "recorded")]
    assert ola.sees("refused_events") == []
    assert ola.balance("lee").available == 10


def test_what_the_shop_sent_again_is_no_longer_refused(ola: Operator) -> None:
    """Except where it was sent with other content: that stays for a person to look at (rule 14)."""
    ola.refused("r1", "lee")
    other = ola.refused("r2", "lee", "key_reused")
    ola.joins("lee")
    ola.buys("lee", "r1", ("grocery", 10_000))
    ola.buys("lee", "r2", ("grocery", 500))

    assert ola.sees("refused_events") == [other]


def test_who_is_erased_is_not_kept_as_a_refused_event(ola: Operator) -> None:
    """What a till said of a member goes with the member, and what it says later (rule 19)."""
    ola.joins("lee")
    ola.refused("r1", "lee", "key_reused")
    left = ola.refused("r2", "wu")
    asked = Erasure(id="e1", reason="asked by the member")
    ola.store.run(lambda tx: erase(tx, "lee", asked, "ola"))
    ola.refused("r3", "lee", "wrong_state")
    ola.refused("r4", "lee", "invalid")

    assert ola.sees("refused_events") == [left]


@pytest.mark.parametrize(
    "said",
    [
        {"purchase_id": "bought"},
        {"purchase_id": "bought", "source": "2", "purchase_source": "till"},
    ],
)
def test_a_refused_refund_goes_with_whose_goods_came_back(
    ola: Operator, said: dict[str, Any]
) -> None:
    """Rule 19: it names a purchase and no member, and may hold what a clerk wrote of the person."""
    ola.joins("lee")
    ola.buys("lee", "bought", ("grocery", 10_000))
    clerk = {"customer": "Lee Wang 138 0013 8000"}
    ola.refuses("refund", {"id": "b1", **said, **clerk})
    left = ola.refuses("refund", {"id": "b2", "purchase_id": "of nobody", **clerk})
    asked = Erasure(id="e1", reason="asked by the member")
    ola.store.run(lambda tx: erase(tx, "lee", asked, "ola"))
    ola.refuses("refund", {"id": "b3", **said, **clerk})

    assert ola.sees("refused_events") == [left]


@pytest.mark.parametrize("body", [None, [], {}, {"source": "till"}, {"source": "t", "id": "a b"}])
def test_what_names_no_event_is_not_kept(body: Any) -> None:
    """Nobody could find it again."""
    assert refused_event("event", body, "invalid", "…") is None


# --- jobs ---------------------------------------------------------------------------------------


def _failed_messages(ola: Operator, many: int) -> list[str]:
    keys = [f"m{n}" for n in range(many)]
    for key in keys:
        put(ola.store.database, tables.messages, message(key, status="failed", due_at=NOON))
    return keys


def test_a_job_keeps_its_pace(ola: Operator) -> None:
    """Sixty a minute is one a second; after a pause it does not rush."""
    keys = _failed_messages(ola, 5)
    ola.starts("failed_messages", "resend", keys, pace=60)

    assert ola.does_all() == 1
    ola.clock.instant += timedelta(seconds=1)
    assert ola.does_all() == 1
    ola.clock.instant += timedelta(hours=1)
    assert ola.does_all() == 2
    ola.clock.instant += timedelta(seconds=1)
    assert ola.does_all() == 1
    assert (ola.job()["state"], ola.job()["done"], ola.job()["failed"]) == ("done", 5, 0)


def test_a_job_asked_for_twice_is_one_job(ola: Operator) -> None:
    """The same id with other content is refused; a thing named twice is acted on once."""
    keys = _failed_messages(ola, 2)
    first = ola.starts("failed_messages", "resend", [*keys, keys[0]])
    again = ola.starts("failed_messages", "resend", [*keys, keys[0]])

    assert (first["total"], first["replayed"], again["replayed"]) == (2, False, True)
    with pytest.raises(KeyReused):
        ola.starts("failed_messages", "set_aside", keys)
    with pytest.raises(Invalid):
        ola.starts("failed_messages", "resend", [], id="j2")


def test_what_refuses_one_item_does_not_hold_up_the_others(ola: Operator) -> None:
    """The reason stands beside it, and nothing was done to it."""
    _failed_messages(ola, 1)
    ola.starts("failed_messages", "resend", ["nobody", "m0"])
    ola.does_all()
    ola.clock.instant += MINUTE
    ola.does_all()

    first, second = ola.outcomes()
    assert first[:2] == ("nobody", "failed")
    assert "unknown" in str(first[2])
    assert second == ("m0", "done", "queued")
    assert [act[1] for act in ola.acts() if act[0] == "message.resend"] == ["m0"]


def test_a_stopped_job_leaves_the_rest_alone(ola: Operator) -> None:
    """What is done stays done; stopping again changes nothing, and a job that is done stays."""
    keys = _failed_messages(ola, 9)
    ola.starts("failed_messages", "resend", keys, pace=60)
    ola.does_all()

    stopped = ola.store.run(lambda tx: repair_jobs.stop(tx, "j1", "wrong list", "max"))
    again = ola.store.run(lambda tx: repair_jobs.stop(tx, "j1", "again", "eva"))
    ola.clock.instant += DAY

    assert (stopped["state"], stopped, ola.does_all()) == ("stopped", again, 0)
    assert (ola.job()["stopped_by"], ola.job()["done"]) == ("max", 1)
    ola.starts("failed_messages", "resend", keys[5:6], id="j2")
    ola.does_all()
    with pytest.raises(WrongState):
        ola.store.run(lambda tx: repair_jobs.stop(tx, "j2", "late", "max"))


@pytest.mark.parametrize("name", LISTS)
def test_only_what_makes_sense_can_be_asked(name: ListName) -> None:
    """A message is not skipped, and a run is not sent again."""
    base = {"id": "j", "list": name, "reason": "r", "targets": ["x"]}
    allowed = {each for each in ("retry", "skip", "cancel", "resend", "replay", "give_back",
                                 "set_aside") if _accepted({**base, "act": each})}  # fmt: skip

    assert allowed == set(ACTS[name])
    assert not _accepted({**base, "act": ACTS[name][0], "all": {}})
    assert not _accepted({**base, "act": ACTS[name][0], "targets": None})


def _accepted(body: dict[str, Any]) -> bool:
    try:
        JobRequest.model_validate(body)
    except ValueError:
        return False
    return True
