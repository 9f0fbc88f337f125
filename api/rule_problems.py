"""Problems that a rule of the programme makes: what was asked is understood, and refused."""

from api.problem_kind import Kind

RULE_PROBLEMS: dict[str, Kind] = {
    "unknown": Kind(
        404,
        {"en": "There is no such thing", "zh": "对象不存在"},
        {
            "en": (
                "The id in the address or the body names nothing that exists. `facts` says "
                "which kind and which id. A member must be registered before purchases and "
                "events can name them."
            ),
            "zh": (
                "地址或请求体中的编号没有对应的对象，`facts` 说明了类型和编号。会员须先注册，才"
                "能提交其消费和事件。"
            ),
        },
    ),
    "refused": Kind(
        409,
        {"en": "Refused", "zh": "已拒绝"},
        {
            "en": "Milepost understood the request and a rule forbids it. Nothing was changed.",
            "zh": "请求可以理解，但规则不允许。没有任何改动。",
        },
    ),
    "gift_refused": Kind(
        409,
        {"en": "This gift is not allowed", "zh": "不能转赠"},
        {
            "en": (
                "The programme limits gifts of points. `facts.rule` says which limit holds: "
                "`new_account`, `debt`, `sent_monthly` or `received_monthly`, with its figures."
            ),
            "zh": (
                "积分转赠有限制。`facts.rule` 说明是哪一条：`new_account`（新会员）、"
                "`debt`（欠分）、`sent_monthly`（每月赠出上限）或 `received_monthly`（每月受赠"
                "上限），并附数字。"
            ),
        },
    ),
    "over_budget_rule": Kind(
        409,
        {"en": "The campaign is over the budget rule", "zh": "活动超出预算规则"},
        {
            "en": (
                "The programme limits what one campaign may give. `facts.rule` says which limit "
                "holds: `needs_budget`, `most_points` or `most_cost_minor`, with its figures. Give "
                "the draft a smaller budget, or one at all, and launch it again."
            ),
            "zh": (
                "会员计划限制了单个活动可发放的积分。`facts.rule` 说明是哪一条："
                "`needs_budget`（须设预算）、`most_points`（积分上限）或 `most_cost_minor`"
                "（成本上限），并附数字。请为草稿设置预算或调低预算后重新上线。"
            ),
        },
    ),
    "second_person_needed": Kind(
        409,
        {"en": "A second person has to approve this", "zh": "须由另一人复核"},
        {
            "en": (
                "Who proposed a correction, or asked for a launch, does not decide on it. Use a "
                "key of another person whose role allows it."
            ),
            "zh": "提出调整或申请上线的人不能自己复核，请用另一位有此权限的人的密钥。",
        },
    ),
    "key_reused": Kind(
        409,
        {"en": "This id was used for other content", "zh": "编号已用于其他内容"},
        {
            "en": (
                "An id stands for one content for ever. Sending the same body again returns "
                "the first answer; another body needs another id."
            ),
            "zh": (
                "一个编号永远对应一份内容。重发相同内容会得到首次的回答；不同内容请使用新的编号。"
            ),
        },
    ),
    "changed_meanwhile": Kind(
        409,
        {"en": "Somebody changed it meanwhile", "zh": "其他人已先修改"},
        {
            "en": (
                "It is no longer what you read: the template, earning rules or campaign you "
                "edited, or the draft you launch, approve or decline. `facts` says what it is "
                "now. Nothing was changed. Read it, then save after it or decide anew."
            ),
            "zh": (
                "您读取之后已被改动：所编辑的模板、积分规则或活动，或所上线、批准、拒绝的活动草稿。"
                "`facts` 说明了现在的情况。本次未作任何更改。请重新查看，再在其后保存或重新决定。"
            ),
        },
    ),
    "wrong_state": Kind(
        409,
        {"en": "Not in this state", "zh": "当前状态不允许"},
        {
            "en": (
                "The act does not fit the state the thing is in: a stopped campaign cannot be "
                "paused, a confirmed claim cannot be released. Read it again, then decide."
            ),
            "zh": (
                "操作与对象的当前状态不符：已停止的活动不能暂停，已确认的兑换不能释放。请重新读"
                "取后再决定。"
            ),
        },
    ),
    "not_enough_points": Kind(
        409,
        {"en": "Not enough points", "zh": "积分不足"},
        {
            "en": (
                "The member's available points do not cover this. Points on hold and points "
                "that have lapsed do not count as available."
            ),
            "zh": "会员的可用积分不足。被冻结或已过期的积分不计入可用积分。",
        },
    ),
    "bill_too_small": Kind(
        409,
        {"en": "The bill is too small for points", "zh": "账单未达到积分抵扣门槛"},
        {
            "en": (
                "Points may be used from a larger bill on; gift cards and the like do not count. "
                "`facts` says the minimum and what is missing. Take the whole sum in money."
            ),
            "zh": (
                "账单金额未达到使用积分的最低要求，礼品卡等不计入。最低金额和差额见 `facts`。请"
                "全部以现金支付。"
            ),
        },
    ),
    "too_many_points": Kind(
        409,
        {"en": "More points than this bill takes", "zh": "积分超过本单可用上限"},
        {
            "en": (
                "Only a part of a bill may be paid with points. `facts` says how many may be used: "
                "ask for those, or fewer."
            ),
            "zh": "每单只能用积分支付一部分。可用数量见 `facts`，请改用该数量或更少。",
        },
    ),
    "not_eligible": Kind(
        409,
        {"en": "For other members", "zh": "不在兑换范围内"},
        {
            "en": "The offer is for members with `who`, and this member is none of them.",
            "zh": "该兑换仅限符合 `who` 的会员，而该会员不符合。",
        },
    ),
    "sold_out": Kind(
        409,
        {"en": "Sold out", "zh": "已兑完"},
        {
            "en": "The stock of this offer is taken. Stock held by claims that fail comes back.",
            "zh": "该兑换的库存已被领完。失败的兑换会退回库存。",
        },
    ),
    "limit_reached": Kind(
        409,
        {"en": "The limit is reached", "zh": "已达上限"},
        {
            "en": "This member has taken as many as the offer allows each member.",
            "zh": "该会员的兑换数量已达每人上限。",
        },
    ),
    "hold_closed": Kind(
        409,
        {"en": "The hold is closed", "zh": "冻结已结束"},
        {
            "en": "These points were confirmed, released or ran out before. Each hold ends once.",
            "zh": "这笔冻结此前已确认、释放或超时。每笔冻结只结束一次。",
        },
    ),
    "reversal_too_large": Kind(
        409,
        {"en": "More than there was", "zh": "超出可冲正的数量"},
        {
            "en": (
                "More would be taken back than the transaction moved, counting what was taken "
                "back before."
            ),
            "zh": "冲正数量超过了原交易剩余可冲正的积分。",
        },
    ),
    "offer_not_open": Kind(
        409,
        {"en": "The offer takes no claims now", "zh": "当前不可兑换"},
        {
            "en": (
                "It has not opened yet, has closed, or its campaign is paused or stopped. "
                "`facts` has the times."
            ),
            "zh": "兑换尚未开始、已经结束，或活动已暂停或停止。时间见 `facts`。",
        },
    ),
    "invalid": Kind(
        422,
        {"en": "The content breaks a rule", "zh": "内容不符合规则"},
        {
            "en": (
                "`errors` lists each field, why it was refused and what is allowed. Nothing "
                "was changed."
            ),
            "zh": "`errors` 列出每个字段、拒绝原因和允许的取值。没有任何改动。",
        },
    ),
    "bad_condition": Kind(
        422,
        {"en": "The condition cannot be used", "zh": "条件无法使用"},
        {
            "en": (
                "The condition is misspelt, or compares what cannot be compared. `facts` says "
                "where, and which names it may use."
            ),
            "zh": "条件书写有误，或比较了不能比较的内容。位置和可用的名称见 `facts`。",
        },
    ),
    "condition_failed": Kind(
        409,
        {"en": "The condition has no answer", "zh": "条件无法得出结果"},
        {
            "en": (
                "A condition met facts it has no answer for, such as an attribute that the event "
                "does not have. Ask for it with `has()` first."
            ),
            "zh": "条件遇到了无法判断的情况，例如事件没有该属性。请先用 `has()` 判断。",
        },
    ),
    "broken_template": Kind(
        422,
        {"en": "The template does not fit together", "zh": "模板无法成立"},
        {
            "en": (
                "With these values the template would not make a campaign. `errors` lists every "
                "place in its files, and what would be right."
            ),
            "zh": "使用这些取值，模板无法生成活动。`errors` 列出每处位置和正确写法。",
        },
    ),
}
