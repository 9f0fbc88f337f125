"""Which browser the tests drive: the one of this machine; without one they are skipped."""

import os
import shutil

import pytest

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def browser_path() -> str:
    """Its path; `MILEPOST_BROWSER` goes first. Skips the test when there is none."""
    given = os.environ.get("MILEPOST_BROWSER")
    for name in (given,) if given else _NAMES:
        if name and (path := shutil.which(name)):
            return path
    pytest.skip(
        "No browser: install chromium (Debian: apt-get install chromium fonts-noto-cjk), or name "
        "one in MILEPOST_BROWSER."
    )
