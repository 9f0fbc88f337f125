"""Where signed checkpoints are handed to: a file that grows, and an address that keeps them.

Both are best where whoever owns the database cannot write: that is what makes a checkpoint proof.
"""

import json
import os
from pathlib import Path
from typing import Any

import httpx2

TAIL = 65_536
"""Bytes at the end of the file that surely hold its last line: a note is a few hundred."""


class NotTaken(Exception):
    """The sink did not take it; it is offered again."""


class CheckpointFile:
    """Lines of JSON, only ever appended to. A checkpoint that is there already is not repeated."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def take(self, checkpoint: dict[str, Any]) -> None:
        """Append and wait until it is on the disk. Raises NotTaken."""
        line = json.dumps(checkpoint, ensure_ascii=False, separators=(",", ":")) + "\n"
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with self._path.open("a+b") as file:
                end = file.seek(0, os.SEEK_END)
                file.seek(max(0, end - TAIL))
                tail = file.read()
                if line.encode() in tail:
                    return
                # What a full disk left of a line before must not spoil this one.
                torn = b"" if not tail or tail.endswith(b"\n") else b"\n"
                file.write(torn + line.encode())
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise NotTaken(f"the file cannot be written: {error.strerror}") from None


class CheckpointWebhook:
    """Posts each as JSON. It carries its own signature, so whoever receives it can check it."""

    def __init__(self, url: str, *, timeout_seconds: float = 5, proxy: str | None = None) -> None:
        self._url = url
        self._timeout = timeout_seconds
        self._proxy = proxy

    def take(self, checkpoint: dict[str, Any]) -> None:
        """Raises NotTaken for anything but a clear yes: the same one twice is harmless."""
        body = json.dumps({"type": "checkpoint", "data": checkpoint}, ensure_ascii=False)
        headers = {"content-type": "application/json", "user-agent": "Milepost"}
        try:
            with (
                httpx2.Client(
                    timeout=self._timeout,
                    follow_redirects=False,
                    trust_env=False,
                    proxy=self._proxy,
                ) as client,
                client.stream("POST", self._url, content=body.encode(), headers=headers) as answer,
            ):
                status = answer.status_code
        except (httpx2.HTTPError, httpx2.StreamError, OSError) as error:
            raise NotTaken(f"no answer from the receiver: {type(error).__name__}") from None
        if not 200 <= status < 300:
            raise NotTaken(f"the receiver answered {status}")
