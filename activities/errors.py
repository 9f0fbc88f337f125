"""Which failures are worth another try.

A refusal by the rules (LoyaltyError) will be refused again, so it stops the work and shows itself
to the operator. Everything else is weather: a database away, a lock, a lost connection.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from temporalio.exceptions import ApplicationError

from loyalty.errors import LoyaltyError


@contextmanager
def refusals_are_final() -> Iterator[None]:
    """Hand a refusal to Temporal under its stable code, marked as not worth a retry."""
    try:
        yield
    except LoyaltyError as refusal:
        raise ApplicationError(
            refusal.detail, refusal.facts, type=refusal.code, non_retryable=True
        ) from refusal
