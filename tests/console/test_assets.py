"""What the pages load: byte for byte what its makers published, and kept by browsers for good."""

import gzip
import hashlib

import pytest

from api.console.assets import ASSETS, address, content
from tests.api.conftest import Shop


@pytest.mark.parametrize("name", [name for name, each in ASSETS.items() if each.upstream])
def test_scripts_of_others_are_what_their_makers_published(name: str) -> None:
    """One-person packages carry them: what is inside is compared, not trusted."""
    assert hashlib.sha256(content(name)).hexdigest() == ASSETS[name].upstream


@pytest.mark.parametrize("name", ASSETS)
def test_a_file_is_served_for_good_under_its_own_hash(shop: Shop, name: str) -> None:
    """A new version has a new address; an old address is not answered with other bytes."""
    path = address(name)
    answer = shop.stranger.get(path)

    assert answer.status_code == 200
    assert answer.content == content(name)
    assert "immutable" in answer.headers["cache-control"]
    assert answer.headers["content-type"].startswith(ASSETS[name].media_type)
    assert answer.headers["content-encoding"] == "gzip"
    plain = shop.stranger.get(path, headers={"Accept-Encoding": "identity"})
    assert plain.content == content(name)
    assert len(gzip.compress(plain.content)) <= len(plain.content)
    assert shop.stranger.get(path.replace(path.split("/")[3], "0" * 16)).status_code == 404


def test_nothing_else_of_the_packages_is_served(shop: Shop) -> None:
    """The table is the whole list: no folder is open."""
    for path in ("static/x/../assets.py", "static/0/htmx.amd.js", "static/"):
        assert shop.stranger.get(f"/console/{path}").status_code == 404
