"""The words for what is on nobody's record: why a member did not get it, as things stand."""

EN = {
    "never_reached": "The campaign is looking over its members just now and has not come to this "
    "one yet.",
    "next_pass": "The campaign has not looked at this member yet. It does so next at {next}, and "
    "the member would enter then.",
    "no_pass_left": "The campaign has not looked at this member, and it does not look again: it "
    "did so last at {passed}, and the member joined at {registered}.",
    "nobody_knocked": "Members enter this campaign when another system says so, and none has for "
    "this member.",
    "only_announcements": "This campaign has no journey to enter, only announcements. None was "
    "for this member so far.",
    "offer_not_claimed": "The exchange is {offer_state}, {remaining} left at {price} points each. "
    "The member has {available} points and has not claimed one.",
    "paused_now": "The campaign is paused: nobody new is looked at, and whoever is in it is held, "
    "until it is resumed.",
    "event_never_came": "The campaign begins with {on}, and none of this member has arrived.",
    "event_before_launch": "The campaign begins with {on}. The member's last was at {happened}, "
    "before the launch at {launched}.",
    "event_after_end": "The campaign begins with {on}. The member's was recorded at {recorded}, "
    "after the campaign had ended at {ended}.",
    "member_merged": "This member was merged into {into}: from then on everything is about that "
    "one.",
    "member_erased": "The member was erased, so nothing is given or said to them any more.",
    "about_to_begin": "The member is in the campaign (entry {entry}) and the run has not begun "
    "yet: it waits for its workflow to start.",
    "stands_still": "The member is in the campaign and the run should have gone on at {due}, but "
    "stands still: something fails, or nobody works on it. The run says what, and Repair lists it.",
    "still_waiting": "The member is in the campaign and has not yet done what {step} waits for: "
    "{missing}, until {until}.",
    "resting": "The member is in the campaign, and its next step comes at {until}.",
    "act_before": "{step} waited for {on} after {since}. The member's was at {happened}, before "
    "that.",
    "act_after": "{step} waited for {on} before {until}. The member's was at {happened}, after "
    "that.",
    "act_recorded_late": "{step} waited for {on} before {until}. The member's at {happened} was "
    "in time, but it arrived only at {recorded}.",
    "act_did_not_count": "{step} waited for {on}. The member's at {happened} did not count: "
    "{failed}.",
    "act_refunded": "{step} waited for {on}. The member's at {happened} was refunded, so it does "
    "not count.",
    "act_too_few": "{step} waited for {needed} times {on}, and {count} counted.",
    "act_never_came": "{step} waited for {on} until {until}, and none of this member arrived.",
    "message_in_line": "{step}: the message {message} by {channel} is in line and goes out at "
    "{due}.",
    "message_failed": "{step}: the message {message} by {channel} could not be sent: {error}.",
    "message_unknown": "{step}: the message {message} by {channel} was being sent when the sender "
    "went away; whether it arrived nobody knows. An operator can send it again.",
    "got_it": "The member did get it: {points} points, {sent} messages sent, the run ended as "
    "{outcome}.",
    "got_it_with_inviter": "The member did get it: {points} points, and {inviter} more for the "
    "inviter, {sent} messages sent, the run ended as {outcome}.",
    "got_told": "The member did get it: {sent} messages of this campaign were sent.",
}
ZH = {
    "never_reached": "活动正在筛选会员，尚未轮到该会员。",
    "next_pass": "活动尚未筛选到该会员。下一次筛选时间为 {next}，届时该会员将进入。",
    "no_pass_left": "活动未曾筛选到该会员，也不会再次筛选：上次筛选于 {passed}，该会员于 "
    "{registered} 加入。",
    "nobody_knocked": "该活动由其他系统指定会员进入，尚未指定该会员。",
    "only_announcements": "该活动没有会员流程，只有通知；目前没有发给该会员的通知。",
    "offer_not_claimed": "兑换状态：{offer_state}，剩余 {remaining} 件，每件 {price} 积分。"
    "该会员有 {available} 积分，尚未兑换。",
    "paused_now": "活动已暂停：恢复前不筛选新会员，已进入的会员停在原处。",
    "event_never_came": "活动由 {on} 触发，尚未收到该会员的此类事件。",
    "event_before_launch": "活动由 {on} 触发。该会员最近一次在 {happened}，早于活动上线时间 "
    "{launched}。",
    "event_after_end": "活动由 {on} 触发。该会员的事件记录于 {recorded}，晚于活动结束时间 "
    "{ended}。",
    "member_merged": "该会员已并入 {into}，此后一切以后者为准。",
    "member_erased": "该会员已注销并清除，不再发放或通知。",
    "about_to_begin": "会员已进入活动（批次 {entry}），流程尚未开始：等待工作流启动。",
    "stands_still": "会员在活动中，流程本应在 {due} 继续，但停滞不前：可能持续出错或无人处理。"
    "原因见流程页面，修复列表中也有该流程。",
    "still_waiting": "会员在活动中，尚未完成 {step} 等待的内容：{missing}，截至 {until}。",
    "resting": "会员在活动中，下一步在 {until}。",
    "act_before": "{step} 等待 {since} 之后的 {on}。该会员的发生在 {happened}，早于该时间。",
    "act_after": "{step} 等待 {until} 之前的 {on}。该会员的发生在 {happened}，晚于该时间。",
    "act_recorded_late": "{step} 等待 {until} 之前的 {on}。该会员在 {happened} 及时完成，但数据在 "
    "{recorded} 才到达。",
    "act_did_not_count": "{step} 等待 {on}。该会员在 {happened} 的不计入：{failed}。",
    "act_refunded": "{step} 等待 {on}。该会员在 {happened} 的已退货，不计入。",
    "act_too_few": "{step} 需要 {needed} 次 {on}，计入 {count} 次。",
    "act_never_came": "{step} 等待 {on}，截至 {until}，未收到该会员的此类事件。",
    "message_in_line": "{step}：{channel}消息“{message}”已排队，将于 {due} 发送。",
    "message_failed": "{step}：{channel}消息“{message}”发送失败：{error}。",
    "message_unknown": "{step}：{channel}消息“{message}”发送时中断，是否送达未知，"
    "可由运营人员重新发送。",
    "got_it": "该会员已获得：{points} 积分，已发送 {sent} 条消息，流程结果为 {outcome}。",
    "got_it_with_inviter": "该会员已获得：{points} 积分，邀请人另得 {inviter} 积分，已发送 {sent} "
    "条消息，流程结果为 {outcome}。",
    "got_told": "该会员已收到：本活动已发送 {sent} 条消息。",
}
