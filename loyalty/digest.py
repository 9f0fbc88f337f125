"""The fingerprint of a body: two bodies that mean the same have the same one."""

import hashlib
from typing import Any

import orjson


def digest(body: Any) -> str:
    """SHA-256 of the canonical JSON: keys sorted, no spaces, text as it is."""
    return hashlib.sha256(orjson.dumps(body, option=orjson.OPT_SORT_KEYS)).hexdigest()
