"""The reference page: whole, from the service alone, and clean in a real browser without a network."""

from __future__ import annotations

import os
import re
import shutil
import struct
import subprocess
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest

from clincore.entrypoints.http.problems import PROBLEMS
from clincore.entrypoints.http.routes import OPERATIONS

if TYPE_CHECKING:
    from pathlib import Path

    from service import Clinics

QUIET = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


class Page(HTMLParser):
    """The tags of a page, with their attributes, in order; void and closing tags must pair."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "link", "input"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def html(clinics: Clinics) -> str:
    with clinics.service.client() as anyone:
        answer = anyone.get("/docs")
    assert answer.headers["content-type"].startswith("text/html")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    return answer.text


def test_every_call_and_every_problem_of_a_call_is_on_the_page(html: str) -> None:
    for one in OPERATIONS:
        assert f'id="{one.name}"' in html
    for kind in PROBLEMS:
        assert f"<code>{kind.name}</code>" in html


def test_the_page_is_well_formed_and_its_links_lead_somewhere(html: str) -> None:
    page = Page(html)
    assert page.open == []
    places = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(places) == len(set(places))
    for _, attributes in page.tags:
        target = attributes.get("href") or ""
        assert not target.startswith("#") or target[1:] in places


def test_the_page_brings_nothing_from_elsewhere_and_no_inline_script(clinics: Clinics, html: str) -> None:
    page = Page(html)
    loaded = {attributes[name] for _, attributes in page.tags for name in ("src", "href") if name in attributes}
    own = {target for target in loaded if target and not target.startswith("#")}
    assert own == {"/docs/reference.css", "/docs/reference.js", "/openapi.json"}
    assert not [name for _, attributes in page.tags for name in attributes if name.startswith("on") or name == "style"]
    with clinics.service.client() as anyone:
        for path, kind in (("/docs/reference.css", "text/css"), ("/docs/reference.js", "text/javascript")):
            answer = anyone.get(path)
            assert answer.headers["content-type"].startswith(kind)
            assert not re.search(r"url\(|https?://|@import", answer.text)


@pytest.fixture(scope="module")
def chromium() -> str:
    """Debian's browser; where it is not installed the test is skipped."""
    found = shutil.which("chromium")
    if found is None:
        missing = "chromium, in which the page is looked at, is not installed (Debian: apt-get install chromium)"
        if os.environ.get("CLINCORE_REQUIRE_CHROMIUM") == "1":
            pytest.fail(missing)
        pytest.skip(missing)
    return found


def browse(chromium: str, folder: Path, url: str, *options: str) -> subprocess.CompletedProcess[bytes]:
    """Open a page in a new profile; no name is resolved, so that nothing but the service can be reached."""
    offline = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
    profile = f"--user-data-dir={folder / 'profile'}"
    command = [chromium, *QUIET, offline, profile, "--enable-logging=stderr", "--v=0", *options, url]
    return subprocess.run(command, cwd=folder, capture_output=True, check=True, timeout=60)


def test_a_browser_without_a_network_shows_the_page(clinics: Clinics, chromium: str, tmp_path: Path) -> None:
    url = f"{clinics.service.url}/docs"
    shown = browse(chromium, tmp_path, url, "--dump-dom")
    assert b"CONSOLE" not in shown.stderr
    dom = shown.stdout.decode()
    assert re.search(r"<input[^>]*type=\"search\"[^>]*>", dom)
    assert not re.search(r"<input[^>]*hidden[^>]*>", dom)  # the script ran, under the policy
    for one in OPERATIONS:
        assert f'id="{one.name}"' in dom


def test_a_picture_of_the_page_can_be_taken(clinics: Clinics, chromium: str, tmp_path: Path) -> None:
    picture = tmp_path / "docs.png"
    browse(chromium, tmp_path, f"{clinics.service.url}/docs", f"--screenshot={picture}", "--window-size=1400,1600")
    content = picture.read_bytes()
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">II", content[16:24]) == (1400, 1600)
    assert len(content) > 60_000  # an empty page has a tenth of that
