"""Problems that are HTTP's own business: keys, addresses, bodies, and our own failures."""

from api.problem_kind import Kind

HTTP_PROBLEMS: dict[str, Kind] = {
    "malformed": Kind(
        400,
        {"en": "The request cannot be read", "zh": "无法读取请求"},
        {
            "en": (
                "The body is not JSON, or the address holds characters that no id may have. "
                "Nothing was changed. Check what your program sends, then send it again."
            ),
            "zh": (
                "请求体不是 JSON，或地址中含有不允许的字符。没有任何改动。请检查程序发送的内容"
                "后重试。"
            ),
        },
    ),
    "unauthenticated": Kind(
        401,
        {"en": "No valid key", "zh": "没有有效密钥"},
        {
            "en": (
                "Every request carries an API key in the header `Authorization: Bearer "
                "mp_...`. Keys are made by an administrator and can be revoked."
            ),
            "zh": (
                "每个请求都要在请求头 `Authorization: Bearer mp_...` 中携带 API 密钥。密钥由管"
                "理员创建，也可以被吊销。"
            ),
        },
    ),
    "forbidden": Kind(
        403,
        {"en": "This key may not do that", "zh": "该密钥无权执行此操作"},
        {
            "en": (
                "The key is valid, but its role does not allow this act. The answer names the "
                "roles that do."
            ),
            "zh": "密钥有效，但其角色不允许此操作。回答中列出了所需的角色。",
        },
    ),
    "no_such_path": Kind(
        404,
        {"en": "There is no such address", "zh": "没有这个地址"},
        {
            "en": "Milepost has nothing at this path. `/docs` lists all there is.",
            "zh": "该路径不存在。全部接口见 `/docs`。",
        },
    ),
    "method_not_allowed": Kind(
        405,
        {"en": "Not with this method", "zh": "不支持的请求方法"},
        {
            "en": "The address exists, the method does not fit. The header `Allow` says which do.",
            "zh": "地址存在，但不支持此方法。可用的方法见响应头 `Allow`。",
        },
    ),
    "too_slow": Kind(
        408,
        {"en": "The body came too slowly", "zh": "请求体传输过慢"},
        {
            "en": (
                "A body must arrive within 20 seconds. Nothing was changed: send the same "
                "request with the same ids again."
            ),
            "zh": "请求体须在 20 秒内传完。没有任何改动：请用相同编号重发同一请求。",
        },
    ),
    "too_large": Kind(
        413,
        {"en": "The body is too large", "zh": "请求体过大"},
        {
            "en": (
                "A body may have 1 MiB, a batch of events 4 MiB and 1,000 events. Split it and "
                "send the parts."
            ),
            "zh": "请求体上限为 1 MiB；批量事件上限为 4 MiB 且不超过 1000 条。请拆分后发送。",
        },
    ),
    "unsupported_media_type": Kind(
        415,
        {"en": "Send JSON", "zh": "请发送 JSON"},
        {
            "en": "The body must be JSON, with the header `Content-Type: application/json`.",
            "zh": "请求体必须是 JSON，并带请求头 `Content-Type: application/json`。",
        },
    ),
    "internal": Kind(
        500,
        {"en": "Something went wrong on our side", "zh": "服务器内部错误"},
        {
            "en": (
                "This is our fault. The request may be sent again with the same ids: nothing "
                "is done twice. Give the operator the `request_id`."
            ),
            "zh": (
                "这是我们的问题。可用相同编号重发请求，不会重复执行。请把 `request_id` 交给运维"
                "人员。"
            ),
        },
    ),
    "unavailable": Kind(
        503,
        {"en": "Not available right now", "zh": "暂时不可用"},
        {
            "en": (
                "The database or a service behind Milepost does not answer. Wait as long as "
                "`Retry-After` says and send the same request with the same ids again."
            ),
            "zh": "数据库或后台服务没有响应。请按 `Retry-After` 等待后，用相同编号重发。",
        },
    ),
    "busy": Kind(
        503,
        {"en": "Too busy", "zh": "请求过多"},
        {
            "en": (
                "More requests are waiting than Milepost can answer in good time. Nothing was "
                "done. Wait as long as `Retry-After` says and send it again."
            ),
            "zh": "等待中的请求过多，未执行任何操作。请按 `Retry-After` 等待后重发。",
        },
    ),
}
