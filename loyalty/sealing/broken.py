"""What is said when evidence does not hold: never a yes or no that somebody forgets to look at."""


class SealBroken(Exception):
    """Evidence was shown that proves nothing, or proves that something was changed.

    The sentence says what does not fit. It is no refusal of a request: nobody asked for anything
    that a rule forbids.
    """
