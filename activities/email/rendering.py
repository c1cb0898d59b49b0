"""How a letter's bodies are drawn: the templates, and numbers and times as people say them."""

from datetime import datetime, timedelta, tzinfo
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from handoff.markup import to_mail


def ordinal(number: int) -> str:
    """1st, 2nd, 11th."""
    suffix = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10)
    return f"{number}{suffix or 'th'}"


def waiting(since: datetime | None, now: datetime, zone: tzinfo) -> str:
    """Since when, and for how long by now; nothing of what does not wait."""
    if since is None:
        return ""
    when = ", ".join(filter(None, moment(since, now, zone)))
    return f"{when} ({_length(now - since)})"


def moment(at: datetime, now: datetime, zone: tzinfo) -> tuple[str, str]:
    """The day, unless it is today's, and the time with its zone, as the reader has them."""
    local = at.astimezone(zone)
    name = local.tzname() or "UTC"
    named = f"UTC{name}" if name[0] in "+-" else name
    day = "" if local.date() == now.astimezone(zone).date() else f"{local:%d %b}"
    return day, f"{local:%H:%M} {named}"


def _length(span: timedelta) -> str:
    minutes = max(0, int(span.total_seconds())) // 60
    if minutes < 1:
        return "just now"
    if minutes < 120:
        return f"{minutes} min"
    return f"{minutes // 60} h" if minutes < 48 * 60 else f"{minutes // (24 * 60)} days"


def rendered(template: str, facts: dict[str, Any]) -> str:
    """A body, from facts that are harmless already."""
    return _templates().get_template(template).render(facts)


@cache
def _templates() -> Environment:
    templates = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=select_autoescape(enabled_extensions=("html.j2",)),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    templates.filters["markup"] = lambda text: Markup(to_mail(text))  # noqa: S704 - it is cleaned
    return templates
