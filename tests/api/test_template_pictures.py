"""A template's journey as a picture, for programs that draw and for people who look."""

from pathlib import Path
from xml.etree import ElementTree

from api.console.drawing import svg_of
from loyalty.journeys.load import load_all
from loyalty.journeys.picture import picture_of_template
from loyalty.programme import Programme
from tests.api.conftest import Shop

SVG = "{http://www.w3.org/2000/svg}"
TEMPLATES = load_all(Path(__file__).parents[2] / "campaign_templates")


def test_a_template_is_drawn_as_boxes_and_as_a_picture(shop: Shop) -> None:
    marketer = shop.as_("marketer")

    boxes = marketer.get("/v1/templates/greeting/picture")
    picture = marketer.get(
        "/v1/templates/greeting/picture",
        headers={"Accept": "image/svg+xml", "Accept-Language": "zh"},
    )

    assert [node["id"] for node in boxes.json()["nodes"]] == ["entry", "gift", "completed"]
    assert boxes.json()["nodes"][1]["labels"]["en"]["title"] == ["50 points"]
    assert picture.headers["content-type"].startswith("image/svg+xml")
    drawn = ElementTree.fromstring(picture.text)
    assert drawn.findtext(f"{SVG}title") == "问候的旅程"
    assert "50 积分" in [text.text for text in drawn.iter(f"{SVG}text")]


def test_only_who_reads_campaigns_sees_pictures(shop: Shop) -> None:
    assert shop.stranger.get("/v1/templates/greeting/picture").status_code == 401
    assert shop.as_("marketer").get("/v1/templates/nope/picture").status_code == 404


def test_pictures_need_no_styles_and_no_scripts() -> None:
    """The console's policy allows neither inside a page."""
    for template in TEMPLATES.values():
        for language in ("en", "zh"):
            text = svg_of(picture_of_template(template, Programme()), language)
            drawn = ElementTree.fromstring(text)
            names = {name for each in drawn.iter() for name in each.attrib}
            assert not [name for name in names if name == "style" or name.startswith("on")]
            assert not [
                each for each in drawn.iter() if each.tag in (f"{SVG}style", f"{SVG}script")
            ]
            assert drawn.findtext(f"{SVG}desc")
