"""Which failures are worth another try.

A refusal by the rules (LoyaltyError) will be refused again, so it stops the work and shows itself
to the operator. Everything else is weather: a database away, a lock, a lost connection. Of that
Temporal is told the kind and the place only: histories keep words in plain text, and a database
quotes the row that it chokes on, name and address included.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from temporalio.exceptions import ApplicationError, FailureError

from loyalty.errors import LoyaltyError


@contextmanager
def told_to_temporal(*, refused_for_good: bool = True) -> Iterator[None]:
    """Hand failures to Temporal: a refusal under its stable code, marked as not worth a retry.

    Work that comes round for ever is not `refused_for_good`.
    """
    try:
        yield
    except FailureError:  # Temporal's own, such as a cancelled activity
        raise
    except LoyaltyError as refusal:
        raise ApplicationError(
            refusal.detail, refusal.facts, type=refusal.code, non_retryable=refused_for_good
        ) from refusal
    except Exception as error:
        kind = type(error).__name__
        told = ApplicationError(f"{kind}: the worker's log says where.", type=kind)
        raise told.with_traceback(error.__traceback__) from None
