"""A letter to Lee, for the tests of every channel."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from delivery.channels import Letter


def real_time() -> datetime:
    return datetime.now(UTC)


def letter(**changes: Any) -> Letter:
    return replace(
        Letter(
            key="j/spring/lee/1:welcome:email",
            member_id="lee",
            address="lee@example.com",
            subject="Welcome",
            text="500 points are waiting.",
            locale="en",
            purpose="marketing",
            message="welcome",
            campaign_id="spring",
            variables={"points.available": 500},
        ),
        **changes,
    )
