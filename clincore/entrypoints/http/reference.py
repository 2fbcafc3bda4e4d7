"""The reference page: the OpenAPI document as HTML, with nothing from elsewhere, and readable without scripts."""

from __future__ import annotations

import json
import re
from functools import cache
from html import escape
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

from clincore.entrypoints.http.openapi import document

if TYPE_CHECKING:
    from collections.abc import Iterable

Json = dict[str, Any]

POLICY: Final = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'none'; img-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_CODE: Final = re.compile(r"`([^`]+)`")
_BOUNDS: Final = {
    "minimum": "from {}",
    "maximum": "to {}",
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "minItems": "at least {}",
    "maxItems": "at most {}",
    "default": "default {}",
}


def static(name: str) -> bytes:
    """Return one of the page's own files."""
    return (files("clincore.entrypoints.http") / "static" / name).read_bytes()


@cache
def reference_page() -> str:
    """Return the whole page."""
    about = document()
    operations = [
        (method.upper(), path, one) for path, methods in about["paths"].items() for method, one in methods.items()
    ]
    tags = [(tag, [entry for entry in operations if tag["name"] in entry[2]["tags"]]) for tag in about["tags"]]
    info = about["info"]
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(info["title"])} {escape(info["version"])}: HTTP reference</title>
<link rel="stylesheet" href="/docs/reference.css">
<script src="/docs/reference.js" defer></script>
</head>
<body>
<nav aria-label="Calls">
<a class="name" href="#top">{escape(info["title"])}</a><span class="version">{escape(info["version"])}</span>
<input type="search" placeholder="Find a call" aria-label="Find a call" hidden>
{"".join(_group(tag, entries) for tag, entries in tags)}
</nav>
<main id="top">
<h1>{escape(info["title"])} over HTTP</h1>
<p>{escape(info["summary"])} This page is made of <a href="/openapi.json">/openapi.json</a>.</p>
{_prose(info["description"])}
{"".join(_section(tag, entries) for tag, entries in tags)}
<h2 id="types">Types</h2>
<p>What bodies and answers are made of.</p>
{"".join(_type(name, schema) for name, schema in about["components"]["schemas"].items())}
</main>
</body>
</html>
"""


def _group(tag: Json, entries: Iterable[tuple[str, str, Json]]) -> str:
    lines = "".join(
        f'<li title="{escape(one["summary"])}"><a href="#{one["operationId"]}">{_method(method)}'
        f'<span class="path">{escape(path)}</span></a></li>'
        for method, path, one in entries
    )
    return f"<section><h2>{escape(tag['name'])}</h2><ul>{lines}</ul></section>"


def _section(tag: Json, entries: Iterable[tuple[str, str, Json]]) -> str:
    calls = "".join(_operation(method, path, one) for method, path, one in entries)
    return f"<h2>{escape(tag['name'])}</h2><p>{escape(tag['description'])}</p>{calls}"


def _operation(method: str, path: str, one: Json) -> str:
    text, _, access = one["description"].rpartition("For ")
    described = f"<p>{_inline(text.strip())}</p>" if text else ""
    return (
        f'<article class="operation" id="{one["operationId"]}"><header>{_method(method)}'
        f'<span class="path">{escape(path)}</span><span class="access">{escape(access.rstrip("."))}</span></header>'
        f"<h3>{escape(one['summary'])}</h3>{described}"
        f"{_parameters(one.get('parameters', []))}{_exchange(one)}{_problems(one['responses'])}</article>"
    )


def _parameters(parameters: Iterable[Json]) -> str:
    rows = "".join(
        f"<tr><td><code>{escape(given['name'])}</code>{_needed(given['required'])}</td><td>{given['in']}</td>"
        f"<td>{_kind(given['schema'])}</td><td>{_inline(given.get('description', ''))}</td></tr>"
        for given in parameters
    )
    return _table("Parameters", ("name", "in", "type", ""), rows) if rows else ""


def _exchange(one: Json) -> str:
    """The body and the answer, each with its type and its example."""
    parts = []
    if "requestBody" in one:
        body = one["requestBody"]["content"]["application/json"]
        optional = "" if one["requestBody"]["required"] else ", optional"
        parts.append(f"<div><h4>Body{optional}: {_kind(body['schema'])}</h4>{_example(body['example'])}</div>")
    status, answer = next(iter(one["responses"].items()))
    content = answer["content"]["application/json"]
    parts.append(f"<div><h4>Answer {status}: {_kind(content['schema'])}</h4>{_example(content['example'])}</div>")
    headers = "".join(
        f"<tr><td><code>{escape(name)}</code></td><td>{_inline(header['description'])}</td></tr>"
        for name, header in answer["headers"].items()
        if "description" in header
    )
    shown = _table("Headers of the answer", ("name", ""), headers) if headers else ""
    return f'<div class="examples">{"".join(parts)}</div>{shown}'


def _problems(responses: Json) -> str:
    rows = "".join(
        f"<tr><td>{status}</td><td>{_inline(answer['description'])}</td></tr>"
        for status, answer in responses.items()
        if "application/problem+json" in answer["content"]
    )
    table = _table("", ("status", "problem"), rows)
    return f"<details><summary>Problems that it can answer with</summary>{table}</details>"


def _type(name: str, schema: Json) -> str:
    if "enum" in schema:
        values = ", ".join(f"<code>{escape(str(value))}</code>" for value in schema["enum"])
        inner = f"<p>One of {values}.</p>"
    else:
        needed = schema.get("required", ())
        rows = "".join(
            f"<tr><td><code>{escape(field)}</code>{_needed(field in needed)}</td><td>{_kind(given)}</td>"
            f"<td>{_inline(_description(given))}</td></tr>"
            for field, given in schema["properties"].items()
        )
        inner = f"<p>{_inline(schema.get('description', ''))}</p>{_table('', ('field', 'type', ''), rows)}"
    return f'<article class="schema" id="type-{name}"><h3>{escape(name)}</h3>{inner}</article>'


def _description(schema: Json) -> str:
    inner = [choice.get("description", "") for choice in schema.get("anyOf", ())]
    return str(schema.get("description", "") or " ".join(filter(None, inner)))


def _kind(schema: Json) -> str:
    """A schema in a few words, with links to the types that it names."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f'<a href="#type-{name}">{name}</a>'
    if "anyOf" in schema:
        return " or ".join(_kind(choice) for choice in schema["anyOf"])
    if "enum" in schema:
        said = " | ".join(f"<code>{escape(str(value))}</code>" for value in schema["enum"])
    elif schema.get("type") == "array":
        said = f"list of {_kind(schema['items'])}"
    elif isinstance(schema.get("additionalProperties"), dict):
        said = f"object of {_kind(schema['additionalProperties'])}"
    else:
        said = escape(schema.get("format") or schema.get("type", "any"))
    bounds = [text.format(schema[name]) for name, text in _BOUNDS.items() if schema.get(name) is not None]
    return f"{said}, {escape(', '.join(bounds))}" if bounds else said


def _method(method: str) -> str:
    return f'<span class="method {method}">{method}</span>'


def _needed(is_needed: bool) -> str:
    return ' <span class="needed">required</span>' if is_needed else ""


def _example(value: Any) -> str:
    return f"<pre><code>{escape(json.dumps(value, indent=2, ensure_ascii=False))}</code></pre>"


def _table(title: str, head: tuple[str, ...], rows: str) -> str:
    cells = "".join(f"<th>{name}</th>" for name in head)
    heading = f"<h4>{title}</h4>" if title else ""
    return f'{heading}<div class="scroll"><table><thead><tr>{cells}</tr></thead><tbody>{rows}</tbody></table></div>'


def _inline(text: str) -> str:
    return _CODE.sub(r"<code>\1</code>", escape(text, quote=False))


def _prose(text: str) -> str:
    """The paragraphs and the table of the document's description."""
    return "".join(
        _limits(paragraph) if paragraph.startswith("|") else f"<p>{_inline(paragraph)}</p>"
        for paragraph in text.split("\n\n")
    )


def _limits(table: str) -> str:
    _, _, *lines = table.splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    rows = "".join(f"<tr><td>{escape(what)}</td><td>{escape(limit)}</td></tr>" for what, limit in cells)
    return _table("Limits", ("of", "limit"), rows)
