"""What people paste, as HTML: readable, and harmless whatever it is."""

import re

import pytest

from handoff.markup import LONGEST, to_html


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("one\ntwo", "<p>one<br>\ntwo</p>"),
        ("# Title", "<h3>Title</h3>"),
        ("- a\n- b", "<li>a</li>"),
        ("**bold** and `code`", "<strong>bold</strong> and <code>code</code>"),
        ("```\n$ ping <host>\n```", "<pre><code>$ ping &lt;host&gt;\n</code></pre>"),
        ("| a | b |\n|---|---|\n| 1 | 2 |", "<td>1</td>"),
    ],
)
def test_markdown_is_read(typed: str, shown: str) -> None:
    assert shown in to_html(typed)


def test_code_in_a_known_language_is_coloured() -> None:
    assert re.search(r'<span class="c-k">def</span>', to_html("```python\ndef f(): pass\n```"))
    assert "<span" not in to_html("```no-such-language\ndef f(): pass\n```")


def test_a_link_says_where_it_leads_and_vouches_for_nothing() -> None:
    said = to_html("[the runbook](https://evil.example/x)")
    assert 'rel="noopener nofollow noreferrer"' in said
    assert "the runbook (evil.example)" in said
    assert to_html("see https://docs.example/a").count("docs.example") == 2
    assert "(acme.example)" in to_html("[bank.example](https://acme.example/)")


@pytest.mark.parametrize(
    "hostile",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "[x](javascript:alert(1))",
        "[x](data:text/html,<script>alert(1)</script>)",
        "[x](vbscript:x)",
        "![x](https://evil.example/pixel.png)",
        "<svg/onload=alert(1)>",
        "```<script>\nx\n```",
        '```python" onmouseover="alert(1)\nx\n```',
        "[x](https://a.example/'onmouseover='alert(1))",
        "<a href='javascript:alert(1)'>x</a>",
        "| <style>*{display:none}</style> |\n|---|",
    ],
)
def test_nothing_that_is_typed_runs_or_loads(hostile: str) -> None:
    shown = to_html(hostile)
    harmless = {"p", "a", "pre", "code", "br", "span", "table", "thead", "tr", "th", "em"}
    assert set(re.findall(r"<\s*([a-z0-9]+)", shown)) <= harmless, shown
    for start in re.findall(r"<[a-z][^>]*>", shown):
        assert not re.search(r"\son\w+\s*=|style\s*=|src\s*=", start), shown
        assert not re.search(r'href="(?!https?:|mailto:)', start), shown


@pytest.mark.parametrize(
    "shape",
    ["[", "![", "*a", "_a ", "`", "> ", "- ", "|a", "<a ", "&#", "http://a.", "~~a", "[a](", "\\"],
)
def test_a_hostile_text_is_short_work(shape: str) -> None:
    for length in (LONGEST, 64 * 1024):
        assert len(to_html((shape * length)[:length])) < 32 * length
