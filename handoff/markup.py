"""What people typed, as HTML that can be read: Markdown's safe part, never their HTML.

For pages and for mail. The text itself stays as it was typed, in the record and in the API.
"""

from collections.abc import Sequence
from functools import cache, lru_cache
from html import escape
from typing import Any
from urllib.parse import urlsplit

import nh3
from markdown_it import MarkdownIt
from markdown_it.token import Token
from pygments import highlight
from pygments.formatters.html import HtmlFormatter
from pygments.lexers import get_lexer_by_name
from pygments.util import ClassNotFound

LONGEST = 16 * 1024
"""Characters. What is longer is a log, and shown as one: to read it as Markdown could take seconds,
for which everybody else would wait."""

MOST_LINKS = 50
"""Addresses without brackets that become links."""

_TAGS = {
    *("p", "br", "strong", "em", "s", "code", "pre", "blockquote", "ul", "ol", "li", "hr", "a"),
    *("h3", "h4", "h5", "h6", "span", "table", "thead", "tbody", "tr", "th", "td"),
}
_ATTRIBUTES = {"a": {"href"}, "ol": {"start"}}
_CLASSES = {"span": {"class"}, "pre": {"class"}}
_SCHEMES = {"http", "https", "mailto"}


@lru_cache(maxsize=512)
def to_html(text: str) -> str:
    """The text as HTML of headings, lists, tables, links, quotes and code, and nothing else.

    A link shows the host that it leads to, and tells nobody there where it stood. What stands in
    fences is coloured by classes (`c-…`) where its language is known.
    """
    if len(text) > LONGEST:
        return f"<pre>{escape(text)}</pre>"
    return _clean(_markdown(links=text.count("://") <= MOST_LINKS).render(text))


@lru_cache(maxsize=128)
def to_mail(text: str) -> str:
    """The same for mail programs, which know no style sheet of ours: each element bears its own."""
    if len(text) > LONGEST:
        return f'<pre style="{_STYLES["pre"]}">{escape(text)}</pre>'
    made = _markdown(links=text.count("://") <= MOST_LINKS).render(text)
    return _clean(made, {tag: {"style": style} for tag, style in _STYLES.items()})


_MONOSPACED = "font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;font-size:14px"
_CELL = "padding:4px 8px;border:1px solid #d1d5db;text-align:left"
_STYLES = {
    "p": "margin:0 0 8px",
    "pre": f"margin:0 0 8px;overflow-x:auto;white-space:pre-wrap;{_MONOSPACED}",
    "code": _MONOSPACED,
    "blockquote": "margin:0 0 8px;padding-left:12px;border-left:3px solid #9ca3af",
    "ul": "margin:0 0 8px;padding-left:24px",
    "ol": "margin:0 0 8px;padding-left:24px",
    "table": "margin:0 0 8px;border-collapse:collapse",
    "th": _CELL,
    "td": _CELL,
    **{f"h{level}": "margin:0 0 8px;font-size:17px" for level in range(3, 7)},
}


def with_links(text: str) -> str:
    """The text as it is, but what is an address in it leads there."""
    made = _addresses().renderInline(text) if text.count("://") <= MOST_LINKS else escape(text)
    return _clean(made)


def _clean(html: str, set_on: dict[str, dict[str, str]] | None = None) -> str:
    return nh3.clean(
        html,
        tags=_TAGS,
        attributes=_ATTRIBUTES if set_on else _ATTRIBUTES | _CLASSES,
        set_tag_attribute_values=set_on,
        url_schemes=_SCHEMES,
        link_rel="noopener nofollow noreferrer",
    )


@cache
def _addresses() -> MarkdownIt:
    return MarkdownIt("zero", {"html": False, "linkify": True}).enable(["linkify"])


@cache
def _markdown(*, links: bool) -> MarkdownIt:
    options = {"html": False, "linkify": links, "breaks": True, "highlight": _coloured}
    markdown = MarkdownIt("commonmark", options)
    # A picture would tell its server who reads, and when; an entity was typed to be seen.
    markdown.enable(["table", "strikethrough", "linkify"]).disable(["image", "entity"])
    markdown.core.ruler.push("hosts", _show_hosts)
    markdown.core.ruler.push("headings", _lower_headings)
    return markdown


def _coloured(code: str, language: str, _: str) -> str:
    """Pygments' spans; an empty answer leaves the code as it is."""
    if not language:
        return ""
    try:
        lexer = get_lexer_by_name(language[:40].lower())
    except ClassNotFound:
        return ""
    coloured: str = highlight(code, lexer, HtmlFormatter(nowrap=True, classprefix="c-"))
    return coloured


def _show_hosts(state: Any) -> None:
    for block in state.tokens:
        if block.type == "inline" and block.children:
            block.children = _with_hosts(block.children)


def _with_hosts(tokens: Sequence[Token]) -> list[Token]:
    """Links whose words do not name their host say it in brackets."""
    found: list[Token] = []
    host, words = None, ""
    for token in tokens:
        if token.type == "link_open":
            host, words = _host(str(token.attrGet("href") or "")), ""
        elif token.type == "link_close" and host and host not in words.lower():
            found.append(Token("text", "", 0, content=f" ({host})"))
        words += token.content
        found.append(token)
    return found


def _host(address: str) -> str | None:
    try:
        return urlsplit(address).hostname
    except ValueError:
        return None


def _lower_headings(state: Any) -> None:
    """The page has headings of its own above these."""
    for token in state.tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(int(token.tag[1]) + 2, 6)}"
