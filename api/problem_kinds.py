"""Every kind of problem: its status, its title, and what to do about it, in English and Chinese."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Kind:
    status: int
    title: Mapping[str, str]
    help: Mapping[str, str]


def _kind(status: int, en: tuple[str, str], zh: tuple[str, str]) -> Kind:
    return Kind(status, {"en": en[0], "zh": zh[0]}, {"en": en[1], "zh": zh[1]})


KINDS: dict[str, Kind] = {
    "malformed": _kind(
        400,
        ("The request cannot be read",
         "The body is not JSON, or the address holds characters that no id may have. Nothing was "
         "changed. Check what your program sends, then send it again."),
        ("无法读取请求", "请求体不是 JSON，或地址中含有不允许的字符。没有任何改动。请检查程序发送的内容后重试。"),
    ),
    "unauthenticated": _kind(
        401,
        ("No valid key",
         "Every request carries an API key in the header `Authorization: Bearer mp_...`. Keys are "
         "made by an administrator and can be revoked."),
        ("没有有效密钥", "每个请求都要在请求头 `Authorization: Bearer mp_...` 中携带 API 密钥。"
         "密钥由管理员创建，也可以被吊销。"),
    ),
    "forbidden": _kind(
        403,
        ("This key may not do that",
         "The key is valid, but its role does not allow this act. The answer names the roles that do."),
        ("该密钥无权执行此操作", "密钥有效，但其角色不允许此操作。回答中列出了所需的角色。"),
    ),
    "unknown": _kind(
        404,
        ("There is no such thing",
         "The id in the address or the body names nothing that exists. `facts` says which kind and which "
         "id. A member must be registered before purchases and events can name them."),
        ("对象不存在", "地址或请求体中的编号没有对应的对象，`facts` 说明了类型和编号。"
         "会员须先注册，才能提交其消费和事件。"),
    ),
    "no_such_path": _kind(
        404,
        ("There is no such address", "Milepost has nothing at this path. `/docs` lists all there is."),
        ("没有这个地址", "该路径不存在。全部接口见 `/docs`。"),
    ),
    "method_not_allowed": _kind(
        405,
        ("Not with this method", "The address exists, the method does not fit. The header `Allow` says which do."),
        ("不支持的请求方法", "地址存在，但不支持此方法。可用的方法见响应头 `Allow`。"),
    ),
    "refused": _kind(
        409,
        ("Refused", "Milepost understood the request and a rule forbids it. Nothing was changed."),
        ("已拒绝", "请求可以理解，但规则不允许。没有任何改动。"),
    ),
    "key_reused": _kind(
        409,
        ("This id was used for other content",
         "An id stands for one content for ever. Sending the same body again returns the first answer; "
         "another body needs another id."),
        ("编号已用于其他内容", "一个编号永远对应一份内容。重发相同内容会得到首次的回答；不同内容请使用新的编号。"),
    ),
    "wrong_state": _kind(
        409,
        ("Not in this state",
         "The act does not fit the state the thing is in: a stopped campaign cannot be paused, a "
         "confirmed claim cannot be released. Read it again, then decide."),
        ("当前状态不允许", "操作与对象的当前状态不符：已停止的活动不能暂停，已确认的兑换不能释放。请重新读取后再决定。"),
    ),
    "not_enough_points": _kind(
        409,
        ("Not enough points",
         "The member's available points do not cover this. Points on hold and points that have lapsed "
         "do not count as available."),
        ("积分不足", "会员的可用积分不足。被冻结或已过期的积分不计入可用积分。"),
    ),
    "sold_out": _kind(
        409,
        ("Sold out", "The stock of this offer is taken. Stock held by claims that fail comes back."),
        ("已兑完", "该兑换的库存已被领完。失败的兑换会退回库存。"),
    ),
    "limit_reached": _kind(
        409,
        ("The limit is reached", "This member has taken as many as the offer allows each member."),
        ("已达上限", "该会员的兑换数量已达每人上限。"),
    ),
    "hold_closed": _kind(
        409,
        ("The hold is closed",
         "These points were confirmed, released or ran out before. Each hold ends once."),
        ("冻结已结束", "这笔冻结此前已确认、释放或超时。每笔冻结只结束一次。"),
    ),
    "reversal_too_large": _kind(
        409,
        ("More than there was",
         "More would be taken back than the transaction moved, counting what was taken back before."),
        ("超出可冲正的数量", "冲正数量超过了原交易剩余可冲正的积分。"),
    ),
    "offer_not_open": _kind(
        409,
        ("The offer takes no claims now",
         "It has not opened yet, has closed, or its campaign is paused or stopped. `facts` has the times."),
        ("当前不可兑换", "兑换尚未开始、已经结束，或活动已暂停或停止。时间见 `facts`。"),
    ),
    "too_large": _kind(
        413,
        ("The body is too large",
         "A body may have 1 MiB, a batch of events 4 MiB and 1,000 events. Split it and send the parts."),
        ("请求体过大", "请求体上限为 1 MiB；批量事件上限为 4 MiB 且不超过 1000 条。请拆分后发送。"),
    ),
    "unsupported_media_type": _kind(
        415,
        ("Send JSON", "The body must be JSON, with the header `Content-Type: application/json`."),
        ("请发送 JSON", "请求体必须是 JSON，并带请求头 `Content-Type: application/json`。"),
    ),
    "invalid": _kind(
        422,
        ("The content breaks a rule",
         "`errors` lists each field, why it was refused and what is allowed. Nothing was changed."),
        ("内容不符合规则", "`errors` 列出每个字段、拒绝原因和允许的取值。没有任何改动。"),
    ),
    "internal": _kind(
        500,
        ("Something went wrong on our side",
         "This is our fault. The request may be sent again with the same ids: nothing is done twice. "
         "Give the operator the `request_id`."),
        ("服务器内部错误", "这是我们的问题。可用相同编号重发请求，不会重复执行。请把 `request_id` 交给运维人员。"),
    ),
    "unavailable": _kind(
        503,
        ("Not available right now",
         "The database or a service behind Milepost does not answer. Wait as long as `Retry-After` says "
         "and send the same request with the same ids again."),
        ("暂时不可用", "数据库或后台服务没有响应。请按 `Retry-After` 等待后，用相同编号重发。"),
    ),
    "busy": _kind(
        503,
        ("Too busy",
         "More requests are waiting than Milepost can answer in good time. Nothing was done. Wait as "
         "long as `Retry-After` says and send it again."),
        ("请求过多", "等待中的请求过多，未执行任何操作。请按 `Retry-After` 等待后重发。"),
    ),
}  # fmt: skip
