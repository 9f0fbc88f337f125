"""The words in a journey's picture, in every language of the product. `picture_labels.py` picks."""

from collections.abc import Mapping
from dataclasses import dataclass

from loyalty.plain_conditions import EN as EN_CONDITIONS
from loyalty.plain_conditions import ZH as ZH_CONDITIONS
from loyalty.plain_conditions import ConditionWords


@dataclass(frozen=True, slots=True)
class PictureWords:
    """One language. Names in braces are filled in by `picture_labels.py`."""

    kinds: Mapping[str, str]  # the small line over each node
    says: Mapping[str, str]  # titles and details
    ways: Mapping[str, str]  # at an edge
    outcomes: Mapping[str, str]  # of the templates that come with Milepost
    events: Mapping[str, tuple[str, str]]  # one of them, several of them
    lengths: Mapping[str, tuple[str, str]]
    channels: Mapping[str, str]
    conditions: ConditionWords
    joint: str  # between the parts of a list
    space: str  # between a figure and what it counts


EN = PictureWords(
    kinds={
        "entry": "Start", "grant": "Points", "card": "Card", "coupon": "Coupon", "tag": "Tag",
        "notify": "Message", "wait": "Wait", "await": "Wait for the member", "branch": "Question",
        "split": "Draw", "end": "End", "exchange": "Exchange", "tell": "Message to all",
        "open": "Opens", "close": "Closes",
    },
    says={
        "event": "A member enters on {event}",
        "monthly": "The audience enters every month on day {day} at {at}",
        "daily": "Every day at {at}, whoever fits the audience enters",
        "launch": "The audience enters at launch",
        "api": "Another system says who enters",
        "where": "Only if {condition}",
        "audience": "Audience: {condition}",
        "once_per_member": "Once per member",
        "once_per_period": "Once per member and period",
        "again_after": "Again {length} after the end of the last run",
        "holdout": "{percent} are held out, to compare with",
        "success": "Measured by: {goal}, within {length}",
        "points": "{points} points",
        "points_to": "{points} points for the inviter",
        "lapse": "They lapse after {length}",
        "card": "{times} times the points for {length}",
        "coupon": "{coupon}, for {length}",
        "add": "Add {tags}", "remove": "Take off {tags}",
        "text": "“{text}”", "text_to": "To the inviter: “{text}”",
        "channels": "By {channels}",
        "until": "Until {moment}", "after": "{length} later",
        "end_of_day": "the end of the day", "end_of_month": "the end of the month",
        "minus": "{length} before {moment}", "local_time": "{moment}, at {time}",
        "next_time": "the next {time}",
        "all": "All of:", "any": "One of:",
        "goal": "{count}{reward}", "reward": " → {reward}",
        "once_day": "counted once a day", "once_day_and_store": "counted once a day and store",
        "deadline": "Deadline: {moment}", "lateness": "Late uploads count {length} longer",
        "remind": "Reminder {moment}: “{text}”", "before_end": "{length} before the deadline",
        "almost": "One missing: “{text}”",
        "split": "Members are divided at random", "outcome": "{outcome}",
        "exchange": "{title} for {points} points",
        "stock": "{stock} in stock, {per_member} per member", "hold": "Reserved for {length}",
        "at": "{at}", "some": "Only if {condition}",
        "text_card": "card", "text_coupon": "coupon", "text_tag": "tag", "text_notify": "message",
        "picture": "The journey of {template}", "edge": "{label} → {target}",
    },
    ways={"met": "Done", "missed": "Not in time", "then": "Yes", "otherwise": "No",
          "arm": "{arm}: {percent}"},
    events={
        "purchase": ("a purchase", "purchases"), "refund": ("a refund", "refunds"),
        "member.registered": ("joining", "joinings"), "check_in": ("a check-in", "check-ins"),
        "review": ("a review", "reviews"),
        "tier.changed": ("a change of tier", "changes of tier"),
        "tier.at_risk": ("a tier at risk", "tiers at risk"),
        "points.expiring": ("points about to expire", "warnings of expiry"),
    },
    lengths={"months": ("month", "months"), "days": ("day", "days"), "hours": ("hour", "hours"),
             "minutes": ("minute", "minutes"), "seconds": ("second", "seconds")},
    channels={"inbox": "in-app inbox", "email": "e-mail", "webhook": "webhook"},
    conditions=EN_CONDITIONS,
    outcomes={
        "completed": "Done", "ordered": "Ordered", "no_order": "No order", "woken": "Came back",
        "gave_up": "Did not come back", "not_dormant": "Was not dormant",
        "all_done": "All tasks done", "month_over": "Month was over",
    },
    joint=", ",
    space=" ",
)  # fmt: skip
ZH = PictureWords(
    kinds={
        "entry": "开始", "grant": "积分", "card": "积分卡", "coupon": "优惠券", "tag": "标签",
        "notify": "消息", "wait": "等待", "await": "等待会员", "branch": "判断", "split": "分组",
        "end": "结束", "exchange": "兑换", "tell": "群发消息", "open": "开放", "close": "关闭",
    },
    says={
        "event": "会员{event}时进入",
        "monthly": "每月 {day} 日 {at}，目标会员进入",
        "daily": "每天 {at}，符合条件的会员进入",
        "launch": "上线时目标会员进入",
        "api": "由其他系统决定谁进入",
        "where": "仅当{condition}",
        "audience": "目标会员：{condition}",
        "once_per_member": "每位会员一次",
        "once_per_period": "每位会员每期一次",
        "again_after": "上次结束 {length}后可再次进入",
        "holdout": "{percent} 会员作为对照组",
        "success": "衡量目标：{length}内{goal}",
        "points": "{points} 积分",
        "points_to": "邀请人得 {points} 积分",
        "lapse": "{length}后过期",
        "card": "{times} 倍积分，有效 {length}",
        "coupon": "{coupon}，有效 {length}",
        "add": "添加 {tags}", "remove": "移除 {tags}",
        "text": "“{text}”", "text_to": "致邀请人：“{text}”",
        "channels": "渠道：{channels}",
        "until": "直到{moment}", "after": "{length}后",
        "end_of_day": "当天结束", "end_of_month": "当月结束",
        "minus": "{moment}前 {length}", "local_time": "{moment} {time}",
        "next_time": "下一个 {time}",
        "all": "全部完成：", "any": "完成其一：",
        "goal": "{count}{reward}", "reward": " → {reward}",
        "once_day": "每天计一次", "once_day_and_store": "每天每店计一次",
        "deadline": "截止：{moment}", "lateness": "迟到数据再等 {length}",
        "remind": "{moment}提醒：“{text}”", "before_end": "截止前 {length}",
        "almost": "只差一次时：“{text}”",
        "split": "会员随机分组", "outcome": "{outcome}",
        "exchange": "{title}：{points} 积分",
        "stock": "库存 {stock}，每人限兑 {per_member}", "hold": "预留 {length}",
        "at": "{at}", "some": "仅当{condition}",
        "text_card": "积分卡", "text_coupon": "优惠券", "text_tag": "标签", "text_notify": "消息",
        "picture": "{template}的旅程", "edge": "{label} → {target}",
    },
    ways={"met": "完成", "missed": "未按时完成", "then": "是", "otherwise": "否",
          "arm": "{arm}：{percent}"},
    events={
        "purchase": ("消费", "次消费"), "refund": ("退款", "次退款"),
        "member.registered": ("注册入会", "次注册"), "check_in": ("签到", "次签到"),
        "review": ("评价", "次评价"), "tier.changed": ("等级变化", "次等级变化"),
        "tier.at_risk": ("面临降级", "次降级提醒"),
        "points.expiring": ("积分即将到期", "次到期提醒"),
    },
    lengths={"months": ("个月", "个月"), "days": ("天", "天"), "hours": ("小时", "小时"),
             "minutes": ("分钟", "分钟"), "seconds": ("秒", "秒")},
    channels={"inbox": "站内信", "email": "邮件", "webhook": "Webhook"},
    conditions=ZH_CONDITIONS,
    outcomes={
        "completed": "完成", "ordered": "已下单", "no_order": "未下单", "woken": "已回归",
        "gave_up": "未回归", "not_dormant": "并未沉睡",
        "all_done": "任务全部完成", "month_over": "当月已结束",
    },
    joint="、",
    space=" ",
)  # fmt: skip
WORDS: Mapping[str, PictureWords] = {"en": EN, "zh": ZH}
