"""The words of explanations, in every language of the product. `explain.py` picks and fills them.

Marketers read them to members on the telephone: one plain sentence, figures and dates included.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from loyalty import claim_words, why_words
from loyalty.plain_conditions import EN as EN_CONDITIONS
from loyalty.plain_conditions import ZH as ZH_CONDITIONS
from loyalty.plain_conditions import ConditionWords
from loyalty.programme import Channel


@dataclass(frozen=True, slots=True)
class Words:
    """One language. Names in braces are filled in by `explain.py`."""

    acts: Mapping[str, str]  # what an effect did, by its kind
    because: Mapping[str, str]  # what led to it, put behind the act
    reasons: Mapping[str, str]  # whole sentences, by reason
    rules: Mapping[str, str]  # the contact gate's rules, put behind a colon
    waits: str  # a message put off
    drops: str  # a message not sent
    channels: Mapping[Channel, str]
    to_inviter: str
    until: str
    observed: str
    never_bought: str  # the same of somebody without a purchase
    conditions: ConditionWords
    comma: str
    outlook: str
    entering: Mapping[str, str]  # how one enters, by kind
    failed: str  # one part of a condition that does not hold
    fact: str  # what was found instead
    never: str  # nobody bought yet, where days since a purchase were asked for
    yes: str
    no: str
    semicolon: str
    missing: str  # a goal that is not reached, with how far it is
    offer_states: Mapping[str, str]
    unheard: str  # a reason this program does not know: written by a newer one


EN = Words(
    acts={
        "grant": "{step}: gave {points} points{to}{because}.",
        "card": "{step}: gave a card for {multiplier} times the points{until}{because}.",
        "coupon": "{step}: gave the coupon {coupon}{until}{because}.",
        "tag": "{step}: changed the member's tags{tags}{because}.",
        "message": "{step}: put the message {message} in line for {channel}{because}.",
    },
    because={
        "reached": "",
        "goal_met": " for reaching the goal",
        "one_missing": ", as only one is missing",
        "reminder_due": " as a reminder",
        "told": ", as the campaign planned",
    },
    reasons={
        "admitted": "Entered the campaign (entry {entry}).",
        "holdout": "Held out on purpose, as part of the group the campaign is compared with.",
        "member_not_active": "Not admitted: the member is {status}, not active.",
        "not_in_audience": "Not meant for this member: the audience is {audience}{observed}.",
        "entry_condition": "Not admitted: the event had to be {where}.",
        "already_entered": "Not admitted: the member has entered for {entry} already.",
        "already_running": "Not admitted: the member is still in an earlier run.",
        "once_per_member": "Not admitted: each member may enter only once.",
        "cooling_down": "Not admitted: the last run was at {last}; again from {until} on.",
        "budget_exhausted": "Not admitted: the points budget has no room for another {needed}.",
        "goal_met": "{step}: the goal was reached with {count} of {needed}.",
        "goal_undone": "{step}: took {points} points back, as the goal is no longer reached.",
        "given_twice": "{step}: took {points} points back in a merger: one person had them twice.",
        "no_inviter": "{step}: nothing done, as the member has no active inviter.",
        "inviter_came_later": "{step}: nothing done, as the member had no inviter on entering.",
        "given_before": "{step}: not given again, as it was given and never taken back.",
        "nothing_to_give": "{step}: nothing done, as the points were set to 0.",
        "way": "{step}: took the way '{way}'.",
        "wait_opened": "{step}: waits for {goals}, until {until}.",
        "met": "{step}: the wait ended, as everything needed was done.",
        "missed": "{step}: the wait ended without what it was for.",
        "skipped": "{step}: an operator ended the wait early.",
        "waited": "{step}: the wait was over.",
        "condition_not_met": "{step}: not sent, as it is not meant for this member now.",
        "campaign_paused": "Held at {step} while the campaign is paused.",
        "campaign_stopped": "Ended, as the campaign was stopped.",
        "campaign_not_launched": "Nobody enters yet: the campaign has not been launched.",
        "campaign_over": "Nobody enters any more: the campaign is {state}.",
        "cancelled_by_operator": "Cancelled by an operator ({actor}).",
        "period_over": "Never begun, as {entry} was over when the pause was.",
        "member_left": "Ended, as the member is no longer active.",
        "ended_by_erasure": "Ended, as the member was erased.",
        "ended_by_merger": "Ended, as the member was merged into {into}, who has entered too.",
        "journey_ended": "The journey ended: {outcome}.",
        **claim_words.EN,
        "would_enter": "The member would enter {how}.",
        "outside_because": "Not meant for this member: it asks for {failed}. The whole audience "
        "is {audience}.",
        "event_because": "Not admitted: the event had to be {failed}.",
        **why_words.EN,
    },
    rules={
        "allowed": "the contact rules allow it",
        "campaign_stopped": "the campaign was stopped",
        "stop_listed": "the member is on the stop list",
        "no_consent": "the member has not agreed to it",
        "no_address": "there is no address for it",
        "expired": "its time had passed",
        "message_budget": "the channel's budget for the day is used up",
        "frequency_cap": "the member has had enough messages for now",
        "quiet_hours": "it is quiet hours where the member lives",
    },
    waits="{step}: the message {message} by {channel} waits until {until}: {rule}.",
    drops="{step}: the message {message} by {channel} was not sent: {rule}.",
    channels={"inbox": "the in-app inbox", "email": "e-mail", "webhook": "webhook"},
    to_inviter=" to the inviter",
    until=" until {until}",
    observed=" (seen: {days} days since a purchase, {purchases} in all, {points} points)",
    never_bought=" (seen: no purchase yet, {points} points)",
    conditions=EN_CONDITIONS,
    comma=", ",
    outlook="Nothing has been decided yet. As of now: {sentence}",
    entering={
        "event": "when a {on} comes in",
        "monthly": "with the next monthly pass",
        "daily": "with the next daily pass",
        "launch": "with the pass at launch",
        "api": "when another system says so",
        "none": "no journey, as this campaign has only announcements",
    },
    failed="{rule} (here: {seen})",
    fact="{fact} {value}",
    never="no purchase yet",
    yes="yes",
    no="no",
    semicolon="; ",
    missing="{goal} ({count} of {needed})",
    offer_states={"announced": "not open yet", "open": "open", "closed": "over"},
    unheard="{step}: {verdict} ({reason}).",
)

ZH = Words(
    acts={
        "grant": "{step}：{to}发放 {points} 积分{because}。",
        "card": "{step}：发放 {multiplier} 倍积分卡{until}{because}。",
        "coupon": "{step}：发放优惠券 {coupon}{until}{because}。",
        "tag": "{step}：更新会员标签{tags}{because}。",
        "message": "{step}：消息“{message}”已排队，经{channel}发送{because}。",
    },
    because={
        "reached": "",
        "goal_met": "（达成目标）",
        "one_missing": "（只差一次）",
        "reminder_due": "（到时提醒）",
        "told": "（按活动计划）",
    },
    reasons={
        "admitted": "已进入活动（批次 {entry}）。",
        "holdout": "被随机分入对照组，按设计不参与活动。",
        "member_not_active": "未进入：会员状态为 {status}，不是有效会员。",
        "not_in_audience": "不适用于该会员：目标人群为 {audience}{observed}。",
        "entry_condition": "未进入：事件须满足 {where}。",
        "already_entered": "未进入：会员已参加过批次 {entry}。",
        "already_running": "未进入：会员仍在上一次流程中。",
        "once_per_member": "未进入：每位会员只能参加一次。",
        "cooling_down": "未进入：上次参加于 {last}，{until} 起可再次参加。",
        "budget_exhausted": "未进入：剩余积分预算不足 {needed} 积分。",
        "goal_met": "{step}：目标已达成（{count}/{needed}）。",
        "goal_undone": "{step}：目标不再达成，收回 {points} 积分。",
        "given_twice": "{step}：会员合并，同一人重复获得，收回 {points} 积分。",
        "no_inviter": "{step}：未执行，会员没有有效的邀请人。",
        "inviter_came_later": "{step}：未执行，进入活动时没有邀请人，合并会员后才有。",
        "given_before": "{step}：此前已发放且未收回，不再重复发放。",
        "nothing_to_give": "{step}：未执行，积分设置为 0。",
        "way": "{step}：进入分支“{way}”。",
        "wait_opened": "{step}：等待 {goals}，截至 {until}。",
        "met": "{step}：所需条件已完成，等待结束。",
        "missed": "{step}：等待到期，未完成所需条件。",
        "skipped": "{step}：运营人员提前结束了等待。",
        "waited": "{step}：等待时间已到。",
        "condition_not_met": "{step}：未发送，目前不适用于该会员。",
        "campaign_paused": "活动已暂停，暂时停在 {step}。",
        "campaign_stopped": "活动已停止，流程结束。",
        "campaign_not_launched": "活动尚未上线，暂无会员进入。",
        "campaign_over": "活动状态为 {state}，不再有会员进入。",
        "cancelled_by_operator": "由运营人员（{actor}）取消。",
        "period_over": "活动恢复时批次 {entry} 已过期，流程未开始。",
        "member_left": "会员已不再有效，流程结束。",
        "ended_by_erasure": "会员资料已清除，流程结束。",
        "ended_by_merger": "会员已合并至 {into}，对方已参加该活动，流程结束。",
        "journey_ended": "流程结束：{outcome}。",
        **claim_words.ZH,
        "would_enter": "会员将{how}。",
        "outside_because": "不适用于该会员：要求{failed}。完整的目标人群为 {audience}。",
        "event_because": "未进入：事件须满足 {failed}。",
        **why_words.ZH,
    },
    rules={
        "allowed": "符合触达规则",
        "campaign_stopped": "活动已停止",
        "stop_listed": "会员在免打扰名单中",
        "no_consent": "会员未同意接收",
        "no_address": "没有可用的联系方式",
        "expired": "已过有效时间",
        "message_budget": "该渠道今日额度已用完",
        "frequency_cap": "会员近期收到的消息已达上限",
        "quiet_hours": "会员所在地处于免打扰时段",
    },
    waits="{step}：{channel}消息“{message}”推迟到 {until}：{rule}。",
    drops="{step}：{channel}消息“{message}”未发送：{rule}。",
    channels={"inbox": "站内信", "email": "邮件", "webhook": "Webhook"},
    to_inviter="向邀请人",
    until="，有效期至 {until}",
    observed="（实际：距上次购买 {days} 天，共购买 {purchases} 次，{points} 积分）",
    never_bought="（实际：从未购买，{points} 积分）",
    conditions=ZH_CONDITIONS,
    comma="、",
    outlook="尚未作出决定。按目前情况：{sentence}",
    entering={
        "event": "在发生 {on} 时进入",
        "monthly": "在下一次每月筛选时进入",
        "daily": "在下一次每日筛选时进入",
        "launch": "在活动上线筛选时进入",
        "api": "由其他系统指定进入",
        "none": "只收到通知，该活动没有会员流程",
    },
    failed="{rule}（实际：{seen}）",
    fact="{fact} {value}",
    never="从未购买",
    yes="是",
    no="否",
    semicolon="；",
    missing="{goal}（{count}/{needed}）",
    offer_states={"announced": "未开始", "open": "进行中", "closed": "已结束"},
    unheard="{step}：{verdict}（{reason}）。",
)


def words_of(locale: str) -> Words:
    """The words for a reader's language; English for whom we do not speak it."""
    return ZH if locale.startswith("zh") else EN
