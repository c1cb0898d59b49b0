"""How a page is made: the template engine and the headers that every page bears. No content."""

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from api.console import words
from handoff.contract import Actor, EventType
from handoff.rules.policy import LEADING_ROLES, WORKING_ROLES
from handoff.settings import Settings
from handoff.wire import rfc3339

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "connect-src 'self'",
        "img-src 'self' data:",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}


def _timed(moment: datetime, kind: str, shown: str) -> Markup:
    return Markup('<time datetime="{at}" title="{exact}" data-time="{kind}">{shown}</time>').format(
        at=rfc3339(moment), exact=words.exact(moment), kind=kind, shown=shown
    )


def _ago(moment: datetime, now: datetime) -> Markup:
    return _timed(moment, "ago", words.since(moment, now))


def _countdown(moment: datetime, now: datetime) -> Markup:
    return _timed(moment, "countdown", words.countdown(moment, now))


def _readable(value: Any) -> str:
    """A value of somebody's context, as plain as it goes."""
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(item, str | int | float) for item in value):
        return ", ".join(map(_readable, value))
    return json.dumps(value, indent=2, ensure_ascii=False)


def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(ago=_ago, countdown=_countdown, readable=_readable, rfc3339=rfc3339)
    made.globals.update(
        words=words,
        event_types=" ".join(kind.value for kind in EventType),
        is_working=lambda actor: actor.role in WORKING_ROLES,
        is_leading=lambda actor: actor.role in LEADING_ROLES,
    )
    made.globals["icon"] = made.get_template("icons.html").module.icon  # type: ignore[attr-defined]
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
