"""Why did this member not get it: every cause there is, with what a marketer reads in answer."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import update

from loyalty import campaigns, merging
from loyalty.campaign_request import CampaignRequest
from loyalty.erasure import Erasure, erase
from loyalty.explain import sentence
from loyalty.journeys.load import load_texts
from loyalty.journeys.machine import bucket
from loyalty.merging import Merger
from loyalty.outlook import outlook
from loyalty.ports import Transaction
from loyalty.why_not import Answer, why_not
from storage import tables
from storage.database import Database
from storage.reads import SqlReads
from storage.store import SqlStore
from tests.storage.front_desk import FrontDesk
from tests.storage.rows import StillClock

DAY = timedelta(days=1)
MAIL = {"hello.en.j2": "Subject: Hello\n\nHello", "hello.zh.j2": "Subject: 您好\n\n您好"}
HEAD = """
name: {name}
title: {{en: Written, zh: 自建}}
summary: {{en: A tag for an act., zh: 行为标签。}}
enter: {enter}
reentry: {reentry}
{more}
journey:
"""


class Office(FrontDesk):
    """The front desk with a campaign `gift` that each story writes for itself."""

    def write(
        self,
        journey: str = "  - tag: was_here\n",
        *,
        enter: str = "{daily: {at: '10:00'}}",
        more: str = "",
        reentry: str = "{once: per_member}",
        launched: bool = True,
        **request: Any,
    ) -> None:
        files = {
            "campaign.yaml": HEAD.format(name="treat", enter=enter, more=more, reentry=reentry)
            + journey,
            **({f"messages/{n}": t for n, t in MAIL.items()} if "notify" in journey else {}),
        }
        template = load_texts("treat", files)
        asked = CampaignRequest(
            id="treat", name="Gift", template="treat", **{"holdout_percent": 0} | request
        )

        def work(tx: Any) -> None:
            campaigns.draft(tx, template, asked, "mia", lambda made: ())
            if launched:
                campaigns.launch(tx, "treat", 1, "mia")

        self.store.run(work)

    def passes(self) -> None:
        """The campaign looks over everybody at its next hour."""
        list(self.campaign_turns("treat"))
        wake = self.campaign("treat").wake_at
        assert wake is not None
        self.clock.instant = wake
        list(self.campaign_turns("treat"))

    def later(self, length: timedelta) -> None:
        self.clock.instant += length

    def sets(self, **values: Any) -> None:
        """What a sender or an operator would leave on the member's message."""
        with self.store.database.write() as connection:
            connection.execute(update(tables.messages).values(**values))


# --- before anything happened -------------------------------------------------------------------


def never_looked_at(office: Office) -> None:
    office.write()
    office.joins("lee")


def being_looked_over(office: Office) -> None:
    office.write()
    office.joins("lee")
    at = {"pass": {"key": "k", "since": "s", "after": "", "repeats": True}}
    with office.store.database.write() as connection:
        connection.execute(update(tables.campaigns).values(position=at))


def joined_after_the_only_pass(office: Office) -> None:
    office.joins("first")
    office.write("  - id: buy\n    await: {on: purchase, within: P30D}\n", enter="once")
    list(office.campaign_turns("treat"))
    office.later(DAY)
    office.joins("lee")


def nobody_said_so(office: Office) -> None:
    office.write(enter="api")
    office.joins("lee")


def not_launched(office: Office) -> None:
    office.write(launched=False)
    office.joins("lee")


def paused(office: Office) -> None:
    office.write()
    office.joins("lee")
    office.pause("treat")


def over(office: Office) -> None:
    office.write()
    office.joins("lee")
    office.store.run(lambda tx: campaigns.stop(tx, "treat", "wrong text", "mia"))


# --- at the door --------------------------------------------------------------------------------


def not_in_the_audience(office: Office) -> None:
    office.write(more="audience: [member.purchases > 0, 'member.points >= 500']")
    office.joins("lee")
    office.buys("lee", "r1", ("grocery", 20_000))
    office.passes()


def never_bought(office: Office) -> None:
    office.write(more="audience: [member.days_since_purchase < 30, '\"vip\" in member.tags']")
    office.joins("lee")
    office.passes()


def held_out(office: Office) -> None:
    office.write(holdout_percent=50)
    assert bucket("treat", "holdout", "lee") < 5_000, "choose another name for the story"
    office.joins("lee")
    office.passes()


def no_budget(office: Office) -> None:
    office.write("  - grant: {points: 500}\n", more="budget_points: 600")
    office.joins("ann")
    office.joins("lee")
    office.passes()


def enters(entry: str, tx: Transaction) -> None:
    campaigns.enrol(tx, "treat", "lee", entry, "app")


def rested_too_shortly(office: Office) -> None:
    office.write(enter="api", reentry="{again_after: P30D}")
    office.joins("lee")
    for entry in ("a", "b"):
        office.store.run(partial(enters, entry))
        office.take_turns("lee")


# --- the event that opens it --------------------------------------------------------------------


def no_event(office: Office) -> None:
    office.write(enter="{on: purchase}")
    office.joins("lee")


def event_before_launch(office: Office) -> None:
    office.joins("lee")
    office.buys("lee", "r1", ("grocery", 1_000))
    office.later(DAY)
    office.write(enter="{on: purchase}")


def event_after_the_end(office: Office) -> None:
    office.write(enter="{on: purchase}")
    office.joins("lee")
    office.store.run(lambda tx: campaigns.stop(tx, "treat", "over", "mia"))
    office.later(DAY)
    office.buys("lee", "r1", ("grocery", 1_000))


def wrong_event(office: Office) -> None:
    office.write(enter="{on: purchase, where: event.amount_minor >= 5000}")
    office.joins("lee")
    office.buys("lee", "r1", ("grocery", 1_000))


# --- on the way ---------------------------------------------------------------------------------

WAIT = """
  - id: visit
    await: {on: purchase, where: event.amount_minor >= 5000, within: P7D}
    met:
      - grant: {points: 100}
"""
AT_DOOR = "{on: member.registered}"


def waiting(office: Office) -> None:
    office.write(WAIT, enter=AT_DOOR, more="budget_points: 1000")
    office.joins("lee")
    office.take_turns("lee")


def done_in_part(office: Office) -> None:
    goals = "goals: [{on: purchase, reward: [{grant: 100}]}, {on: review, count: 2}]"
    wait = f"  - id: tasks\n    await: {{{goals}, within: P7D}}\n"
    office.write(wait, enter=AT_DOOR, more="budget_points: 1000")
    office.joins("lee")
    office.take_turns("lee")
    office.later(DAY)
    office.buys("lee", "r1", ("grocery", 9_000))
    office.does("lee", "review")
    office.take_turns("lee")


def done_before_the_end(office: Office) -> None:
    office.write(WAIT.replace("P7D}", "P7D, settle: at_deadline}"), enter=AT_DOOR,
                 more="budget_points: 1000")  # fmt: skip
    office.joins("lee")
    office.take_turns("lee")
    office.later(DAY)
    office.buys("lee", "r1", ("grocery", 9_000))
    office.take_turns("lee")


def not_begun(office: Office) -> None:
    office.write(WAIT, enter=AT_DOOR, more="budget_points: 1000")
    office.joins("lee")


def never_begun(office: Office) -> None:
    not_begun(office)
    office.later(DAY)


def held_by_the_pause(office: Office) -> None:
    not_begun(office)
    office.pause("treat")
    office.take_turns("lee")


def stopped_on_the_way(office: Office) -> None:
    waiting(office)
    office.store.run(lambda tx: campaigns.stop(tx, "treat", "wrong text", "mia"))
    office.take_turns("lee")


def missed(office: Office) -> None:
    waiting(office)
    office.later(8 * DAY)
    office.take_turns("lee")


def came_too_late(office: Office) -> None:
    missed(office)
    office.buys("lee", "r1", ("grocery", 9_000))


def bought_too_little(office: Office) -> None:
    waiting(office)
    office.later(DAY)
    office.buys("lee", "r1", ("grocery", 1_000))
    office.later(7 * DAY)
    office.take_turns("lee")


def brought_it_back(office: Office) -> None:
    office.write(WAIT.replace("P7D}", "P7D, settle: at_deadline}"), enter=AT_DOOR,
                 more="budget_points: 1000")  # fmt: skip
    office.joins("lee")
    office.take_turns("lee")
    office.later(DAY)
    office.buys("lee", "r1", ("grocery", 9_000))
    office.returns("r1")
    office.later(7 * DAY)
    office.take_turns("lee")


def uploaded_too_late(office: Office) -> None:
    waiting(office)
    in_time = office.clock.instant + DAY
    office.later(8 * DAY)
    office.take_turns("lee")
    office.later(DAY)
    office.buys("lee", "r1", ("grocery", 9_000), occurred_at=in_time)


def came_before(office: Office) -> None:
    office.joins("lee")
    office.buys("lee", "r0", ("grocery", 9_000))
    office.later(DAY)
    office.write(WAIT, enter="api", more="budget_points: 1000")
    office.store.run(lambda tx: campaigns.enrol(tx, "treat", "lee", "a", "app"))
    office.take_turns("lee")
    office.later(8 * DAY)
    office.take_turns("lee")


def came_once(office: Office) -> None:
    office.write("  - id: again\n    await: {on: purchase, within: P7D}\n", enter="{on: purchase}")
    office.joins("lee")
    office.buys("lee", "r1", ("grocery", 9_000))
    office.take_turns("lee")
    office.later(8 * DAY)
    office.take_turns("lee")


def came_twice_on_one_day(office: Office) -> None:
    office.write(
        "  - id: visits\n    await: {on: purchase, count: 2, once_per: day, within: P7D}\n",
        enter=AT_DOOR,
    )
    office.joins("lee")
    office.take_turns("lee")
    for receipt in ("r1", "r2"):
        office.later(timedelta(minutes=5))
        office.buys("lee", receipt, ("grocery", 9_000))
    office.later(8 * DAY)
    office.take_turns("lee")


def came_for_the_first_wait_only(office: Office) -> None:
    office.write(
        "  - id: one\n    await: {on: purchase, within: P7D}\n"
        "  - id: two\n    await: {on: purchase, within: P7D}\n",
        enter=AT_DOOR,
    )
    office.joins("lee")
    office.take_turns("lee")
    office.later(DAY)
    office.buys("lee", "r1", ("grocery", 9_000))
    office.take_turns("lee")
    office.later(8 * DAY)
    office.take_turns("lee")


FIVE = """
  - id: visits
    await: {on: purchase, count: 5, where: event.amount_minor >= 5000, within: P7D, lateness: P1D}
"""


def five_visits(office: Office, bought: int, returned: int = 0, late: int = 0) -> None:
    office.write(FIVE, enter=AT_DOOR)
    office.joins("lee")
    office.take_turns("lee")
    for number in range(bought):
        office.later(timedelta(hours=1))
        office.buys("lee", f"r{number}", ("grocery", 9_000))
    for number in range(returned):
        office.returns(f"r{number}")
    in_time = office.clock.instant + DAY
    office.later(9 * DAY)
    office.take_turns("lee")
    for number in range(late):
        office.buys("lee", f"late{number}", ("grocery", 9_000), occurred_at=in_time)


CASES_OF_FIVE: list[tuple[dict[str, int], str, int | None]] = [
    # What would not have been enough did not decide.
    ({"bought": 3, "returned": 1}, "act_too_few", 2),
    ({"bought": 3, "late": 1}, "act_too_few", 3),
    ({"bought": 4, "returned": 1, "late": 1}, "act_too_few", 3),
    # With it there would have been five.
    ({"bought": 5, "returned": 1}, "act_refunded", None),
    ({"bought": 5, "returned": 3}, "act_refunded", None),
    ({"bought": 4, "late": 1}, "act_recorded_late", None),
    ({"bought": 5, "returned": 1, "late": 1}, "act_recorded_late", None),  # the newest of the two
]


def bought_but_never_reviewed(office: Office) -> None:
    goals = "goals: [{on: purchase}, {on: review, count: 2}]"
    office.write(f"  - id: both\n    await: {{{goals}, within: P7D}}\n", enter=AT_DOOR)
    office.joins("lee")
    office.take_turns("lee")
    office.later(DAY)
    office.buys("lee", "r1", ("grocery", 9_000))
    office.take_turns("lee")
    office.does("lee", "review")
    office.later(8 * DAY)
    office.take_turns("lee")


# --- messages -----------------------------------------------------------------------------------

TELL = "  - notify: {message: hello, channels: [CHANNEL]}\n"


def told(office: Office, channel: str = "inbox", hour: int = 12, **member: Any) -> None:
    office.clock.instant = office.clock.instant.replace(hour=hour)
    office.write(TELL.replace("CHANNEL", channel), enter=AT_DOOR)
    office.joins("lee", **member)
    office.take_turns("lee")


def no_consent(office: Office) -> None:
    told(office, "email", email="lee@example.com")


def no_address(office: Office) -> None:
    told(office, "email", consents=[{"channel": "email", "granted": True}])


def quiet_hours(office: Office) -> None:
    told(office, hour=14)  # ten in the evening in Shanghai


def in_line(office: Office) -> None:
    told(office)


def could_not_be_sent(office: Office) -> None:
    told(office)
    office.sets(status="failed", last_error="550 no such mailbox")


def nobody_knows(office: Office) -> None:
    told(office)
    office.sets(status="unknown")


def got_the_message(office: Office) -> None:
    told(office)
    office.sets(status="sent", sent_at=office.clock.instant)


def got_it_and_so_did_a_friend(office: Office) -> None:
    both = "  - grant: {points: 300}\n  - id: thanks\n    grant: {points: 200, to: inviter}\n"
    office.write(both, enter="{on: member.registered}")
    office.joins("friend")
    office.joins("lee", invited_by="friend")
    office.take_turns("lee")


# --- who the member is --------------------------------------------------------------------------


def merged(office: Office) -> None:
    office.write()
    for id in ("lee", "lee2"):
        office.joins(id)
    merger = Merger(id="m1", reason="one person")
    office.store.run(lambda tx: merging.merge(tx, "lee", "lee2", merger, "op"))


def erased(office: Office) -> None:
    office.write()
    office.joins("lee")
    office.store.run(lambda tx: erase(tx, "lee", Erasure(id="e1", reason="asked"), "op"))


CASES: list[tuple[Callable[[Office], None], str, str, str]] = [
    (
        never_looked_at, "next_pass",
        "As of now: The campaign has not looked at this member yet. It does so next at "
        "2026-03-03 10:00 Asia/Shanghai, and the member would enter then.",
        "按目前情况：活动尚未筛选到该会员。下一次筛选时间为 2026-03-03 10:00 Asia/Shanghai，"
        "届时该会员将进入。",
    ),
    (
        being_looked_over, "never_reached",
        "The campaign is looking over its members just now and has not come to this one yet.",
        "活动正在筛选会员，尚未轮到该会员。",
    ),
    (
        joined_after_the_only_pass, "no_pass_left",
        "it did so last at 2026-03-02 20:00 Asia/Shanghai, and the member joined at "
        "2026-03-03 20:00 Asia/Shanghai.",
        "上次筛选于 2026-03-02 20:00 Asia/Shanghai，该会员于 2026-03-03 20:00 Asia/Shanghai 加入。",
    ),
    (
        nobody_said_so, "nobody_knocked",
        "Members enter this campaign when another system says so, and none has for this member.",
        "该活动由其他系统指定会员进入，尚未指定该会员。",
    ),
    (
        not_launched, "campaign_not_launched",
        "Nobody enters yet: the campaign has not been launched.",
        "活动尚未上线，暂无会员进入。",
    ),
    (
        paused, "paused_now",
        "The campaign is paused: nobody new is looked at, and whoever is in it is held, until it "
        "is resumed.",
        "活动已暂停：恢复前不筛选新会员，已进入的会员停在原处。",
    ),
    (
        over, "campaign_over",
        "Nobody enters any more: the campaign is stopped.",
        "活动状态为 stopped，不再有会员进入。",
    ),
    (
        not_in_the_audience, "not_in_audience",
        "Not meant for this member: it asks for points ≥ 500 (here: points 20). The whole audience "
        "is purchases > 0 and points ≥ 500.",
        "不适用于该会员：要求积分 ≥ 500（实际：积分 20）。完整的目标人群为 购买次数 > 0 且 "
        "积分 ≥ 500。",
    ),
    (
        never_bought, "not_in_audience",
        'it asks for days since a purchase < 30 (here: no purchase yet); "vip" in tags.',
        '要求距上次购买天数 < 30（实际：从未购买）；"vip" in 标签。',
    ),
    (
        held_out, "holdout",
        "Held out on purpose, as part of the group the campaign is compared with.",
        "被随机分入对照组，按设计不参与活动。",
    ),
    (
        no_budget, "budget_exhausted",
        "Not admitted: the points budget has no room for another 500.",
        "未进入：剩余积分预算不足 500 积分。",
    ),
    (
        rested_too_shortly, "cooling_down",
        "Not admitted: the last run was at 2026-03-02 20:00 Asia/Shanghai; again from 2026-04-01 "
        "20:00 Asia/Shanghai on.",
        "未进入：上次参加于 2026-03-02 20:00 Asia/Shanghai，2026-04-01 20:00 Asia/Shanghai "
        "起可再次参加。",
    ),
    (
        no_event, "event_never_came",
        "The campaign begins with purchase, and none of this member has arrived.",
        "活动由 purchase 触发，尚未收到该会员的此类事件。",
    ),
    (
        event_before_launch, "event_before_launch",
        "The member's last was at 2026-03-02 20:00 Asia/Shanghai, before the launch at 2026-03-03 "
        "20:00 Asia/Shanghai.",
        "该会员最近一次在 2026-03-02 20:00 Asia/Shanghai，早于活动上线时间 2026-03-03 20:00 "
        "Asia/Shanghai。",
    ),
    (
        event_after_the_end, "event_after_end",
        "The member's was recorded at 2026-03-03 20:00 Asia/Shanghai, after the campaign had ended "
        "at 2026-03-02 20:00 Asia/Shanghai.",
        "该会员的事件记录于 2026-03-03 20:00 Asia/Shanghai，晚于活动结束时间 2026-03-02 20:00 "
        "Asia/Shanghai。",
    ),
    (
        wrong_event, "entry_condition",
        "Not admitted: the event had to be amount (minor units) ≥ 5000 (here: amount (minor units) "
        "1,000).",
        "未进入：事件须满足 金额（最小货币单位） ≥ 5000（实际：金额（最小货币单位） 1,000）。",
    ),
    (
        not_begun, "about_to_begin",
        "The member is in the campaign (entry once) and the run has not begun yet: it waits for "
        "its workflow to start.",
        "会员已进入活动（批次 once），流程尚未开始：等待工作流启动。",
    ),
    (
        never_begun, "stands_still",
        "the run should have gone on at 2026-03-02 20:00 Asia/Shanghai, but stands still: "
        "something fails, or nobody works on it. The run says what, and Repair lists it.",
        "流程本应在 2026-03-02 20:00 Asia/Shanghai 继续，但停滞不前：可能持续出错或无人处理。",
    ),
    (
        waiting, "still_waiting",
        "has not yet done what visit waits for: purchase (0 of 1), until 2026-03-09 20:00 "
        "Asia/Shanghai.",
        "尚未完成 visit 等待的内容：purchase（0/1），截至 2026-03-09 20:00 Asia/Shanghai。",
    ),
    (
        done_in_part, "still_waiting",
        "has not yet done what tasks waits for: review (1 of 2), until 2026-03-09 20:00 "
        "Asia/Shanghai.",
        "尚未完成 tasks 等待的内容：review（1/2），截至 2026-03-09 20:00 Asia/Shanghai。",
    ),
    (
        done_before_the_end, "resting",
        "The member is in the campaign, and its next step comes at 2026-03-09 20:00 "
        "Asia/Shanghai.",
        "会员在活动中，下一步在 2026-03-09 20:00 Asia/Shanghai。",
    ),
    (
        held_by_the_pause, "campaign_paused",
        "Held at visit while the campaign is paused.",
        "活动已暂停，暂时停在 visit。",
    ),
    (
        stopped_on_the_way, "campaign_stopped",
        "Ended, as the campaign was stopped.",
        "活动已停止，流程结束。",
    ),
    (
        missed, "act_never_came",
        "visit waited for purchase until 2026-03-09 20:00 Asia/Shanghai, and none of this member "
        "arrived.",
        "visit 等待 purchase，截至 2026-03-09 20:00 Asia/Shanghai，未收到该会员的此类事件。",
    ),
    (
        # What opened the journey is not what it then waits for.
        came_once, "act_never_came",
        "again waited for purchase until 2026-03-09 20:00 Asia/Shanghai, and none of this member "
        "arrived.",
        "again 等待 purchase，截至 2026-03-09 20:00 Asia/Shanghai，未收到该会员的此类事件。",
    ),
    (
        came_twice_on_one_day, "act_too_few",
        "visits waited for 2 times purchase, and 1 counted.",
        "visits 需要 2 次 purchase，计入 1 次。",
    ),
    (
        # What ended the first wait is not what the second looks for.
        came_for_the_first_wait_only, "act_never_came",
        "two waited for purchase until 2026-03-10 20:00 Asia/Shanghai, and none of this member "
        "arrived.",
        "two 等待 purchase，截至 2026-03-10 20:00 Asia/Shanghai，未收到该会员的此类事件。",
    ),
    (
        # Of two goals the one that was reached is no reason.
        bought_but_never_reviewed, "act_too_few",
        "both waited for 2 times review, and 1 counted.",
        "both 需要 2 次 review，计入 1 次。",
    ),
    (
        came_too_late, "act_after",
        "visit waited for purchase before 2026-03-09 20:00 Asia/Shanghai. The member's was at "
        "2026-03-10 20:00 Asia/Shanghai, after that.",
        "该会员的发生在 2026-03-10 20:00 Asia/Shanghai，晚于该时间。",
    ),
    (
        came_before, "act_before",
        "The member's was at 2026-03-02 20:00 Asia/Shanghai, before that.",
        "该会员的发生在 2026-03-02 20:00 Asia/Shanghai，早于该时间。",
    ),
    (
        bought_too_little, "act_did_not_count",
        "The member's at 2026-03-03 20:00 Asia/Shanghai did not count: amount (minor units) ≥ 5000 "
        "(here: amount (minor units) 1,000).",
        "该会员在 2026-03-03 20:00 Asia/Shanghai 的不计入：金额（最小货币单位） ≥ 5000"
        "（实际：金额（最小货币单位） 1,000）。",
    ),
    (
        brought_it_back, "act_refunded",
        "The member's at 2026-03-03 20:00 Asia/Shanghai was refunded, so it does not count.",
        "该会员在 2026-03-03 20:00 Asia/Shanghai 的已退货，不计入。",
    ),
    (
        uploaded_too_late, "act_recorded_late",
        "The member's at 2026-03-03 20:00 Asia/Shanghai was in time, but it arrived only at "
        "2026-03-11 20:00 Asia/Shanghai.",
        "该会员在 2026-03-03 20:00 Asia/Shanghai 及时完成，但数据在 2026-03-11 20:00 Asia/Shanghai "
        "才到达。",
    ),
    (
        no_consent, "no_consent",
        "notify_hello: the message hello by e-mail was not sent: the member has not agreed to it.",
        "notify_hello：邮件消息“hello”未发送：会员未同意接收。",
    ),
    (
        no_address, "no_address",
        "notify_hello: the message hello by e-mail was not sent: there is no address for it.",
        "notify_hello：邮件消息“hello”未发送：没有可用的联系方式。",
    ),
    (
        quiet_hours, "quiet_hours",
        "Asia/Shanghai: it is quiet hours where the member lives.",
        "会员所在地处于免打扰时段。",
    ),
    (
        in_line, "message_in_line",
        "notify_hello: the message hello by the in-app inbox is in line and goes out at 2026-03-02 "
        "20:00 Asia/Shanghai.",
        "notify_hello：站内信消息“hello”已排队，将于 2026-03-02 20:00 Asia/Shanghai 发送。",
    ),
    (
        could_not_be_sent, "message_failed",
        "could not be sent: 550 no such mailbox.",
        "发送失败：550 no such mailbox。",
    ),
    (
        nobody_knows, "message_unknown",
        "whether it arrived nobody knows. An operator can send it again.",
        "是否送达未知，可由运营人员重新发送。",
    ),
    (
        got_the_message, "got_it",
        "The member did get it: 0 points, 1 messages sent, the run ended as completed.",
        "该会员已获得：0 积分，已发送 1 条消息，流程结果为 completed。",
    ),
    (
        got_it_and_so_did_a_friend, "got_it_with_inviter",
        "The member did get it: 300 points, and 200 more for the inviter, 0 messages sent, the run "
        "ended as completed.",
        "该会员已获得：300 积分，邀请人另得 200 积分，已发送 0 条消息，流程结果为 completed。",
    ),
    (
        merged, "member_merged",
        "This member was merged into lee2: from then on everything is about that one.",
        "该会员已并入 lee2，此后一切以后者为准。",
    ),
    (
        erased, "member_erased",
        "The member was erased, so nothing is given or said to them any more.",
        "该会员已注销并清除，不再发放或通知。",
    ),
]  # fmt: skip


@pytest.fixture
def office(store: SqlStore, clock: StillClock) -> Office:
    return Office(store, clock)


def asked(office: Office, clock: StillClock, member: str = "lee") -> Answer:
    record = SqlReads(office.store.database, clock).record_of(member, "treat")
    return office.store.read(lambda tx: why_not(tx, member, "treat", record))


@pytest.mark.parametrize(
    ("story", "cause", "en", "zh"), CASES, ids=[case[0].__name__ for case in CASES]
)
def test_every_cause_has_its_answer(
    office: Office,
    clock: StillClock,
    story: Callable[[Office], None],
    cause: str,
    en: str,
    zh: str,
) -> None:
    """The one thing that decided, with the member's own figures, in both languages."""
    story(office)

    why = asked(office, clock).why
    zone = office.store.read(lambda tx: tx.programme.tz)

    assert why.reason == cause
    assert en in sentence(why, "en", zone)
    assert zh in sentence(why, "zh", zone)


@pytest.mark.parametrize(("story", "cause", "count"), CASES_OF_FIVE)
def test_only_what_would_have_been_enough_is_blamed(
    office: Office, clock: StillClock, story: dict[str, int], cause: str, count: int | None
) -> None:
    """Five were asked for: a refund or a late upload is the reason where it made the difference."""
    five_visits(office, **story)

    why = asked(office, clock).why

    assert why.reason == cause
    assert why.inputs.get("count") == count


def test_what_has_changed_since_is_said_too(office: Office, clock: StillClock) -> None:
    """Lee had too few points at the pass, and has enough by now."""
    not_in_the_audience(office)
    office.store.run(lambda tx: tx.ledger.earn("g1", "lee", 900, kind="grant"))

    answer = asked(office, clock)

    assert answer.why.reason == "not_in_audience"
    assert answer.now is not None
    assert answer.now.reason == "next_pass"


def test_an_answer_writes_nothing(office: Office, clock: StillClock, database: Database) -> None:
    """Asking a hundred times leaves no trace."""
    never_looked_at(office)
    before = office.count(tables.decisions)

    office.store.read(lambda tx: outlook(tx, "lee", "treat"))
    asked(office, clock)

    assert office.count(tables.decisions) == before
