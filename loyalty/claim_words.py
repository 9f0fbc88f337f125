"""The words for claims on exchange offers: what became of one, and why one took nothing."""

EN = {
    "claim_reserved": "Reserved {quantity} for {points} points, to be confirmed by {until}.",
    "claim_confirmed": "Confirmed: {quantity} handed over for {points} points.",
    "claim_released": "Gave {points} points and {quantity} back ({cause}).",
    "claim_expired": "Not confirmed in time: {points} points and {quantity} were given back.",
    "claim_too_early": "Claimed at {pressed} (request {request_id}) and refused: the exchange "
    "opens only at {opens_at}.",
    "claim_too_late": "Claimed at {pressed} (request {request_id}) and refused: the exchange "
    "was closed.",
    "claim_paused": "Claimed at {pressed} (request {request_id}) and refused: the campaign was "
    "paused.",
    "claim_stopped": "Claimed at {pressed} (request {request_id}) and refused: the campaign "
    "was over.",
    "claim_not_eligible": "Claimed at {pressed} (request {request_id}) and refused: the exchange "
    "is for others, it asks for {failed}.",
    "claim_sold_out": "Claimed at {pressed} (request {request_id}) and refused: {asked} asked "
    "for, {remaining} left.",
    "claim_limit_reached": "Claimed at {pressed} (request {request_id}) and refused: a member "
    "may take {per_member}, {taken} were taken and {asked} asked for.",
    "claim_not_enough_points": "Claimed at {pressed} (request {request_id}) and refused: "
    "{needed} points were needed and {available} available.",
}
ZH = {
    "claim_reserved": "已预留 {quantity} 件，冻结 {points} 积分，须在 {until} 前确认。",
    "claim_confirmed": "已确认：以 {points} 积分兑换 {quantity} 件。",
    "claim_released": "已退还 {points} 积分与 {quantity} 件库存（{cause}）。",
    "claim_expired": "未按时确认：已退还 {points} 积分与 {quantity} 件库存。",
    "claim_too_early": "{pressed} 申请兑换（请求 {request_id}）被拒绝：兑换于 {opens_at} 才开始。",
    "claim_too_late": "{pressed} 申请兑换（请求 {request_id}）被拒绝：兑换已结束。",
    "claim_paused": "{pressed} 申请兑换（请求 {request_id}）被拒绝：活动当时已暂停。",
    "claim_stopped": "{pressed} 申请兑换（请求 {request_id}）被拒绝：活动已结束。",
    "claim_not_eligible": "{pressed} 申请兑换（请求 {request_id}）被拒绝：该兑换面向其他会员，"
    "要求{failed}。",
    "claim_sold_out": "{pressed} 申请兑换（请求 {request_id}）被拒绝：申请 {asked} 件，仅剩 "
    "{remaining} 件。",
    "claim_limit_reached": "{pressed} 申请兑换（请求 {request_id}）被拒绝：每位会员限兑 "
    "{per_member} 件，已兑 {taken} 件，又申请 {asked} 件。",
    "claim_not_enough_points": "{pressed} 申请兑换（请求 {request_id}）被拒绝：需要 {needed} "
    "积分，可用 {available} 积分。",
}
