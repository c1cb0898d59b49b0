"""How a page is made: the template engine and the headers that every page bears. No content."""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from api.console.shared import times, words
from handoff import markup
from handoff.contract.people import Actor
from handoff.contract.words import EventType
from handoff.rules.channels import chosen_by_people, leaving, named_by_policies
from handoff.rules.roles import LEADING_ROLES, WORKING_ROLES
from handoff.rules.steps import next_action
from handoff.settings import Settings
from handoff.wire import rfc3339

CONSOLE = Path(__file__).parents[1]
"""Templates are named by their page's folder: `queue/page.html`."""
ICONS = "shared/frame/icons.html"

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "connect-src 'self'",
        # A picture that somebody added is fetched as an attachment, and shown from memory.
        "img-src 'self' data: blob:",
        # Beside the list of the queue.
        "frame-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    )
)
IN_OUR_FRAME = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY.replace(
        "frame-ancestors 'none'", "frame-ancestors 'self'"
    ),
    "X-Frame-Options": "SAMEORIGIN",
}
"""For a page that another one of ours shows in a frame."""

HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    # To others nothing; to us, because without it a form's Origin is `null`, and over plain http,
    # or in an older browser, nothing else says where it comes from.
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}


_TURNS = dict.fromkeys([*range(0x202A, 0x202F), *range(0x2066, 0x206A)])
"""The marks that turn the direction of what follows: a title could read as another one by them."""


def straight(value: Any) -> Any:
    """What people typed, without the marks that make it read as something else.

    Every expression of every template passes here. The same is done in `dom.js`.
    """
    plain = isinstance(value, str) and not isinstance(value, Markup)
    return value.translate(_TURNS) if plain else value


def _timed(moment: datetime, kind: str, shown: str) -> Markup:
    return Markup('<time datetime="{at}" title="{exact}" data-time="{kind}">{shown}</time>').format(
        at=rfc3339(moment), exact=times.exact(moment), kind=kind, shown=shown
    )


def _ago(moment: datetime, now: datetime) -> Markup:
    """`4 min ago`."""
    return _timed(moment, "ago", times.since(moment, now))


def _countdown(moment: datetime, now: datetime) -> Markup:
    """`4:12`, until then."""
    return _timed(moment, "countdown", times.countdown(moment, now))


def _length(moment: datetime, now: datetime) -> Markup:
    """`4 min`, since then."""
    return _timed(moment, "length", times.length(moment, now))


def _wait(moment: datetime, now: datetime) -> Markup:
    """The same for somebody who waits: it grows louder, and so does its style."""
    return Markup(
        '<time datetime="{at}" title="{exact}" data-time="length" data-age="{age}">{shown}</time>'
    ).format(
        at=rfc3339(moment),
        exact=times.exact(moment),
        age=times.age(moment, now),
        shown=times.length(moment, now),
    )


def _clock(moment: datetime, now: datetime) -> Markup:
    """The time of day, which the browser says in its own zone."""
    return _timed(moment, "clock", times.exact(moment))


_TIMES = {"ago": _ago, "countdown": _countdown, "length": _length, "wait": _wait, "clock": _clock}


def _at(timed: words.Timed, now: datetime) -> Markup:
    """A sentence with its time in it."""
    shown = _TIMES[timed.kind](timed.at, now) if timed.at is not None else ""
    return Markup(" ").join(part for part in (straight(timed.before), shown) if part) + timed.after


def _readable(value: Any) -> str:
    """A value of somebody's context, as plain as it goes."""
    if value is None:
        return "–"
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(item, str | int | float) for item in value):
        return ", ".join(map(_readable, value))
    return json.dumps(value, indent=2, ensure_ascii=False, sort_keys=True)


def _prose(text: str) -> Markup:
    """Paragraphs of our own documentation: its lines joined, its backticks as code."""
    said = (_line(paragraph) for paragraph in re.split(r"\n\s*\n", text.strip()))
    return Markup("").join(Markup("<p>{}</p>").format(one) for one in said)


def _line(text: str) -> Markup:
    pieces = re.split(r"`([^`]+)`", " ".join(text.split()))
    code = Markup("<code>{}</code>")
    return Markup("").join(
        code.format(piece) if at % 2 else escape(piece) for at, piece in enumerate(pieces)
    )


def _tight(markup: str) -> Markup:
    """Without the indentation, of which hundreds of rows are full. Where space counts it may not
    be used."""
    return Markup(re.sub(r"\s*\n\s*", "\n", markup))  # noqa: S704 - a template's own block


def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(CONSOLE),
        autoescape=True,
        finalize=straight,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(_TIMES, at=_at, readable=_readable, rfc3339=rfc3339)
    made.filters.update(prose=_prose, line=_line, tight=_tight)
    # Cleaned by the library that made it so: nothing that somebody typed is HTML in it.
    made.filters.update(
        markup=lambda text: Markup(markup.to_html(straight(text))),  # noqa: S704
        linked=lambda text: Markup(markup.with_links(straight(text))),  # noqa: S704
    )
    made.globals.update(
        words=words,
        clock_now=lambda: datetime.now(UTC),
        next_of=next_action,
        leaving=leaving,
        named_by_policies=named_by_policies,
        chosen_by_people=chosen_by_people,
        event_types=" ".join(kind.value for kind in EventType),
        is_working=lambda actor: actor.role in WORKING_ROLES,
        is_leading=lambda actor: actor.role in LEADING_ROLES,
    )
    made.globals["icon"] = made.get_template(ICONS).module.icon  # type: ignore[attr-defined]
    return made


_templates = _environment()


def page(
    request: Request,
    template: str,
    content: Mapping[str, Any],
    *,
    me: Actor | None = None,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> HTMLResponse:
    """One page, or one piece of it."""
    settings: Settings = request.app.state.services.settings
    shown = _templates.get_template(template).render(
        me=me, path=request.url.path, embedded=settings.embedded, **content
    )
    return HTMLResponse(shown, status, {**HEADERS, **(headers or {})})
