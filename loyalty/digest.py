"""The fingerprint of a body: two bodies that mean the same have the same one."""

import hashlib
import json
from typing import Any


def digest(body: Any) -> str:
    """SHA-256 of the canonical JSON: keys sorted, no spaces, text as it is."""
    text = json.dumps(
        body, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )
    return hashlib.sha256(text.encode()).hexdigest()
