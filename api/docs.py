"""The API's documentation as plain pages: no script, nothing fetched from elsewhere."""

import json
from html import escape
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response

from api.docs_style import STYLE
from api.problem_kinds import KINDS
from api.problems import locale_of, problem_response

router = APIRouter(include_in_schema=False)
_POLICY = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; frame-ancestors 'none'; "
    "base-uri 'none'; form-action 'none'"
}


@router.get("/docs")
def read_docs(request: Request) -> HTMLResponse:
    return HTMLResponse(_page("Milepost API", render(request.app.openapi())), headers=_POLICY)


@router.get("/openapi.json")
def read_openapi(request: Request) -> JSONResponse:
    return JSONResponse(request.app.openapi())


@router.get("/docs/style.css")
def read_style() -> Response:
    return Response(STYLE, media_type="text/css", headers={"Cache-Control": "max-age=3600"})


@router.get("/problems/{code}")
def read_problem(request: Request, code: Annotated[str, Path(max_length=64)]) -> Response:
    """What a kind of problem means and what to do, in both languages."""
    kind = KINDS.get(code)
    if kind is None:
        return problem_response(request, "no_such_path", "There is no such kind of problem.")
    first = locale_of(request)
    parts = [
        f'<section lang="{lang}"><h2>{escape(kind.title[lang])}</h2>'
        f"<p>{_inline(kind.help[lang])}</p></section>"
        for lang in sorted(kind.title, key=lambda lang: lang != first)
    ]
    head = f"<h1><code>{code}</code> <small>HTTP {kind.status}</small></h1>"
    back = '<p><a href="/docs">API documentation / 接口文档</a></p>'
    body = f"<main>{head}{''.join(parts)}{back}</main>"
    return HTMLResponse(_page(code, body, first), headers=_POLICY)


def render(openapi: dict[str, Any]) -> str:
    """The whole description as HTML, operations by their tags."""
    by_tag: dict[str, list[str]] = {tag["name"]: [] for tag in openapi["tags"]}
    for path, methods in openapi["paths"].items():
        for method, operation in methods.items():
            shown = _operation(openapi, method, path, operation)
            by_tag.setdefault(operation.get("tags", ["Other"])[0], []).append(shown)
    about = {tag["name"]: tag["description"] for tag in openapi["tags"]}
    menu = "".join(f'<li><a href="#{_anchor(tag)}">{escape(tag)}</a></li>' for tag in by_tag)
    sections = "".join(
        f'<section id="{_anchor(tag)}"><h2>{escape(tag)}</h2>'
        f"<p>{escape(about.get(tag, ''))}</p>{_contents(openapi, tag)}"
        f"{''.join(operations)}</section>"
        for tag, operations in by_tag.items()
        if operations
    )
    info = openapi["info"]
    title = f"<h1>{escape(info['title'])} <small>{escape(info['version'])}</small></h1>"
    machine = '<p>For programs: <a href="/openapi.json">openapi.json</a></p>'
    main = f"{title}{_prose(info['description'])}{machine}{sections}{_shapes(openapi)}"
    menu += '<li><a href="#shapes">Shapes</a></li>'
    return f"<nav><ul>{menu}</ul></nav><main>{main}</main>"


def _contents(openapi: dict[str, Any], tag: str) -> str:
    """The operations of a section as links, to see at a glance what there is."""
    lines = "".join(
        f'<li><a href="#{escape(operation["operationId"])}">{escape(operation["summary"])}</a></li>'
        for methods in openapi["paths"].values()
        for operation in methods.values()
        if operation.get("tags", ["Other"])[0] == tag
    )
    return f"<ul class=contents>{lines}</ul>"


def _shapes(openapi: dict[str, Any]) -> str:
    """Every shape that bodies and answers are made of, for the links in their tables."""
    shown = "".join(
        f'<article id="shape-{escape(name)}"><h3>{escape(name)}</h3>'
        f"{_prose(shape.get('description', ''))}{_fields(openapi, shape)}</article>"
        for name, shape in sorted(openapi["components"]["schemas"].items())
        if shape.get("properties")
    )
    return f'<section id="shapes"><h2>Shapes</h2>{shown}</section>'


def _operation(openapi: dict[str, Any], method: str, path: str, operation: dict[str, Any]) -> str:
    roles = [
        role for need in operation.get("security", []) for each in need.values() for role in each
    ]
    who = f"<p class=roles>Roles: {escape(', '.join(roles))}</p>" if roles else ""
    return (
        f'<article id="{escape(operation["operationId"])}">'
        f"<h3><b class={method}>{method.upper()}</b> <code>{escape(path)}</code> "
        f"{escape(operation.get('summary', ''))}</h3>{who}"
        f"{_prose(operation.get('description', ''))}"
        f"{_parameters(operation.get('parameters', []))}"
        f"{_body(openapi, operation.get('requestBody'))}"
        f"{_answers(openapi, operation['responses'])}</article>"
    )


def _parameters(parameters: list[dict[str, Any]]) -> str:
    rows = "".join(
        f"<tr><td><code>{escape(each['name'])}</code></td><td>{escape(each['in'])}"
        f"{', required' if each.get('required') else ''}</td>"
        f"<td>{_inline(each.get('description', ''))}</td></tr>"
        for each in parameters
    )
    return f"<table><caption>Parameters</caption>{rows}</table>" if rows else ""


def _body(openapi: dict[str, Any], body: dict[str, Any] | None) -> str:
    if not body:
        return ""
    content = body["content"]["application/json"]
    shape = _resolved(openapi, content["schema"])
    examples = [content["example"]] if "example" in content else shape.get("examples", [])
    shown = "".join(
        f"<pre>{escape(json.dumps(each, ensure_ascii=False, indent=2))}</pre>" for each in examples
    )
    return f"<h4>Body</h4>{_prose(shape.get('description', ''))}{_fields(openapi, shape)}{shown}"


def _fields(openapi: dict[str, Any], shape: dict[str, Any]) -> str:
    required = set(shape.get("required", []))
    rows = "".join(
        f"<tr><td><code>{escape(name)}</code></td><td>{_kind(field)}"
        f"{', required' if name in required else ''}</td>"
        f"<td>{_inline(_resolved(openapi, field).get('description', ''))}</td></tr>"
        for name, field in shape.get("properties", {}).items()
    )
    return f"<table>{rows}</table>" if rows else ""


def _answers(openapi: dict[str, Any], responses: dict[str, Any]) -> str:
    rows = "".join(
        f"<tr><td>{escape(status)}</td><td>{_inline(answer['description'])}</td></tr>"
        for status, answer in sorted(responses.items())
    )
    successes = [answer for status, answer in sorted(responses.items()) if status[0] == "2"]
    shape = (successes or [{}])[-1].get("content", {}).get("application/json", {}).get("schema", {})
    fields = _fields(openapi, _resolved(openapi, shape))
    shown = f"<h4>What a success holds</h4>{fields}" if fields else ""
    return f"<h4>Answers</h4><table class=answers>{rows}</table>{shown}"


def _resolved(openapi: dict[str, Any], shape: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in shape:
        return shape
    found: dict[str, Any] = openapi["components"]["schemas"][shape["$ref"].rpartition("/")[2]]
    return {**found, **{key: value for key, value in shape.items() if key != "$ref"}}


def _kind(field: dict[str, Any]) -> str:
    """A field's type as HTML, with links to the shapes it names."""
    if "$ref" in field:
        name = escape(field["$ref"].rpartition("/")[2])
        return f'<a href="#shape-{name}">{name}</a>'
    if "anyOf" in field:
        return " or ".join(_kind(each) for each in field["anyOf"])
    if field.get("type") == "array":
        return f"list of {_kind(field.get('items', {}))}"
    if "enum" in field:
        return escape(" | ".join(str(each) for each in field["enum"]))
    return escape(str(field.get("format") or field.get("const") or field.get("type", "anything")))


def _prose(text: str) -> str:
    return "".join(f"<p>{_inline(part)}</p>" for part in text.split("\n\n") if part.strip())


def _inline(text: str) -> str:
    """Escaped text, with `code` and **strong** as the descriptions write them."""
    for mark, tag in (("**", "strong"), ("`", "code")):
        parts = text.split(mark)
        if len(parts) % 2:
            text = "".join(
                part if i % 2 == 0 else f"\x00{tag}\x01{part}\x00/{tag}\x01"
                for i, part in enumerate(parts)
            )
    return escape(text, quote=False).replace("\x00", "<").replace("\x01", ">")


def _anchor(tag: str) -> str:
    return escape(tag.lower().replace(" ", "-"))


def _page(title: str, body: str, lang: str = "en") -> str:
    return (
        f'<!doctype html><html lang="{lang}"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width"><title>{escape(title)}</title>'
        f'<link rel="stylesheet" href="/docs/style.css"></head><body>{body}</body></html>'
    )
