"""The ledger's keys of what comes from outside: a kind, who reports it, and its id there.

Both a source and an id may contain a colon, and `pos` with `1:7` is not `pos:1` with `7`. In the
source alone it is written as a tilde, which no source contains: so a key is read back one way only,
is no longer than before, and can stand in an address as it is.
"""


def event_key(kind: str, source: str, id: str) -> str:
    """The key of one event, hold or return; no two pairs share one."""
    return f"{kind}:{source.replace(':', '~')}:{id}"


def key_after(act: str, key: str) -> str:
    """The key of what follows from `key`. The act stands in front: an id may end in any word, and
    one that ends like the act is not to meet it.
    """
    return f"{act}:{key}"


def event_of(key: str) -> tuple[str, str, str]:
    """The kind, source and id that a key was made from."""
    kind, _, rest = key.partition(":")
    source, _, id = rest.partition(":")
    return kind, source.replace("~", ":"), id
