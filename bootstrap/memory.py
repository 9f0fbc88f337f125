"""How often a long-lived process looks for memory that only cycles keep alive."""

import gc

YOUNG = 250_000
"""Objects before the first look: a commit of a hundred receipts makes tens of thousands at once,
nearly all of which go by themselves."""


def rest_easy() -> None:
    """What is loaded stays for good and is not looked at again; the rest is looked at seldom."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, 20, 50)
