"""Every file the console's pages load, where it lies, and under which address it is served.

Scripts of other people come from installed packages; their hashes are those that their makers
published, and a test compares. An address carries the content's hash, so a browser may keep the
file for good and a new version is fetched at once.
"""

import gzip
import hashlib
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from fastapi import APIRouter, Request
from fastapi.responses import Response

router = APIRouter()
_FOR_GOOD = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class Asset:
    """`upstream` is the sha256 of the release as its makers published it; none for our own."""

    package: str
    path: str
    media_type: str
    upstream: str | None = None


_JS, _CSS, _SVG = "text/javascript", "text/css", "image/svg+xml"
ASSETS: dict[str, Asset] = {
    "console.css": Asset("api.console", "static/console.css", _CSS),
    "console.js": Asset("api.console", "static/console.js", _JS),
    "write.js": Asset("api.console", "static/write.js", _JS),
    "watch.js": Asset("api.console", "static/watch.js", _JS),
    "icons.svg": Asset("api.console", "static/icons.svg", _SVG),
    "favicon.svg": Asset("api.console", "static/favicon.svg", _SVG),
    "htmx.js": Asset(  # htmx 2.0.3
        "js_lib_htmx",
        "static/htmx/htmx.min.js",
        _JS,
        "491955cd1810747d7d7b9ccb936400afb760e06d25d53e4572b64b6563b2784e",
    ),
    "echarts.js": Asset(  # Apache ECharts 5.6.0
        "xlsx2echarts",
        "static/echarts.min.js",
        _JS,
        "bf4a223524e40b77c304bec67e1222cf551f14880cf42c69dc046558e11c07b1",
    ),
}


def content(name: str) -> bytes:
    """The file's bytes. A package is only looked for, never imported."""
    asset = ASSETS[name]
    spec = find_spec(asset.package)
    if spec is None or not spec.submodule_search_locations:
        raise RuntimeError(f"The package {asset.package}, which carries {name}, is not installed.")
    return (Path(spec.submodule_search_locations[0]) / asset.path).read_bytes()


@cache
def _served(name: str) -> tuple[str, bytes, bytes]:
    """Short hash, bytes, and the bytes as they travel."""
    body = content(name)
    return hashlib.sha256(body).hexdigest()[:16], body, gzip.compress(body, 6, mtime=0)


def address(name: str) -> str:
    """Where the file is served, as pages link it."""
    return f"/console/static/{_served(name)[0]}/{name}"


@router.get("/static/{hash}/{name}")
def read_asset(request: Request, hash: str, name: str) -> Response:
    if name not in ASSETS or _served(name)[0] != hash:
        return Response("Not here.", status_code=404, media_type="text/plain")
    headers = {"Cache-Control": _FOR_GOOD, "Vary": "Accept-Encoding"}
    _, body, packed = _served(name)
    if "gzip" in request.headers.get("accept-encoding", ""):
        headers["Content-Encoding"] = "gzip"
        body = packed
    return Response(body, media_type=ASSETS[name].media_type, headers=headers)
