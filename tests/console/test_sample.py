"""The sample programme: one click on an empty machine, and nothing that passes for real."""

from collections.abc import Callable

from api.console.sample import Filling
from bootstrap.catalogue import Catalogue
from bootstrap.settings import read_settings
from bootstrap.template_reading import check_texts
from loyalty import sample
from loyalty.programme import Programme
from tests.api.conftest import Shop


def _machine(serving: Callable[..., Shop]) -> Shop:
    templates = Catalogue(read_settings().templates, Programme())
    return serving(embedded=True, templates=templates, check_texts=check_texts)


def test_an_admin_fills_an_empty_machine_with_one_click(serving: Callable[..., Shop]) -> None:
    """Members with purchases and points, and four drafts; everything says that it is a sample."""
    shop = _machine(serving)
    admin = shop.signed_in("admin")
    assert "Start with a sample programme" in admin.get("/console").text

    assert admin.post("/console/sample").status_code == 303
    filling: Filling = shop.console.state.filling
    assert filling.thread is not None
    filling.thread.join(60)

    assert not filling.failed
    assert filling.done == filling.most
    drafts = shop.services.reads.campaigns(state="draft", after="", limit=10)
    assert len(drafts) == 4
    assert all(each["name"].startswith("Sample: ") for each in drafts)
    found = [shop.services.reads.member_view(sample.member_id(n)) for n in (1, 40, 80)]
    assert all(member is not None and "sample" in member["tags"] for member in found)
    lines = shop.services.reads.statement("sample-001", before=None, limit=5)
    assert lines
    home = admin.get("/console").text
    assert "Sample: we miss you" in home
    assert "Start with a sample programme" not in home


def test_a_sample_never_mixes_with_real_campaigns(serving: Callable[..., Shop]) -> None:
    """With a campaign there it is neither offered nor made; nor away from one's own machine."""
    shop = _machine(serving)
    request = {"id": "real", "name": "Real", "template": "new_member_bonus"}
    assert shop.as_("marketer").post("/v1/campaigns", json=request).status_code == 201
    assert shop.signed_in("admin").post("/console/sample").status_code == 409

    visitor = serving().signed_in("admin")
    assert "sample programme" not in visitor.get("/console").text
    assert visitor.post("/console/sample").status_code == 409


def test_only_an_admin_makes_the_sample(serving: Callable[..., Shop]) -> None:
    """It records what tills record and drafts what marketers draft."""
    shop = _machine(serving)

    assert shop.signed_in("marketer").post("/console/sample").status_code == 403
