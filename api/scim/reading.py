"""What identity providers send, read leniently: names in any case, truth as words, filters.

Pure: it knows JSON and nothing of users and teams.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from handoff.errors import ScimInvalid

PATCH = "urn:ietf:params:scim:api:messages:2.0:patchop"
MOST_OPERATIONS = 200

_FILTER = re.compile(r'\s*([A-Za-z.]+)\s+eq\s+"((?:[^"\\]|\\.)*)"\s*', re.IGNORECASE)
_SELECTED = re.compile(r"([A-Za-z.]+)\[(.*)\](?:\.([A-Za-z]+))?")
_PRIMARY = re.compile(r'\s*primary\s+eq\s+"?true"?\s*', re.IGNORECASE)
_CORE = re.compile(r"urn:ietf:params:scim:schemas:core:2\.0:(?:user|group):", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class PatchStep:
    """One step of a PATCH on one attribute. `chosen` is what a `members[value eq "…"]` names, or
    `roles[…]`."""

    kind: str
    path: str
    value: Any
    chosen: str | None = None


def lowered(value: Any) -> dict[str, Any]:
    """An object with its names in lower case: SCIM's attribute names have no case."""
    if not isinstance(value, dict):
        raise ScimInvalid("An object is needed here.", kind="invalidSyntax")
    return {_CORE.sub("", str(name)).lower(): item for name, item in value.items()}


def truth(value: Any) -> bool:
    """Booleans, and the words that some providers write in their place."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    raise ScimInvalid("active must be true or false.", kind="invalidValue")


def text(value: Any, name: str) -> str:
    """A string that is one."""
    if not isinstance(value, str):
        raise ScimInvalid(f"{name} must be a string.", kind="invalidValue")
    return value


def first(value: Any) -> Any:
    """The primary one of a multi-valued attribute, or the first, or the value itself."""
    if not isinstance(value, list):
        value = [value]
    entries = [lowered(item) if isinstance(item, dict) else {"value": item} for item in value]
    primary = [entry for entry in entries if entry.get("primary") in (True, "true", "True")]
    return next((entry.get("value") for entry in [*primary, *entries]), None)


def read_filter(wanted: str | None, allowed: tuple[str, ...]) -> tuple[str, str] | None:
    """`userName eq "…"`: the attribute in lower case, and the value.

    Raises:
        ScimInvalid: any other filter.
    """
    if wanted is None:
        return None
    found = _FILTER.fullmatch(wanted)
    if found is None or "\x00" in wanted or found[1].lower() not in allowed:
        known = ", ".join(f'{name} eq "…"' for name in allowed)
        raise ScimInvalid(f"Only these filters are known: {known}", kind="invalidFilter")
    return found[1].lower(), re.sub(r"\\(.)", r"\1", found[2])


def patch_steps(body: dict[str, Any]) -> Iterator[PatchStep]:
    """A PATCH's steps; one without a path is one for each attribute of its value."""
    given = lowered(body).get("operations")
    if not isinstance(given, list) or not 1 <= len(given) <= MOST_OPERATIONS:
        raise ScimInvalid("Operations must be a list, and not empty.", kind="invalidSyntax")
    for item in given:
        yield from _steps(lowered(item))


def _steps(step: dict[str, Any]) -> Iterator[PatchStep]:
    kind, path, value = str(step.get("op", "")).lower(), step.get("path"), step.get("value")
    if kind not in ("add", "replace", "remove"):
        raise ScimInvalid("op must be add, replace or remove.", kind="invalidSyntax")
    if path is None:
        if kind == "remove":
            raise ScimInvalid("A remove needs a path.", kind="noTarget")
        for name, item in lowered(value).items():
            yield PatchStep(kind, name, item)
        return
    yield _at(kind, text(path, "path"), value)


def _at(kind: str, path: str, value: Any) -> PatchStep:
    selected = _SELECTED.fullmatch(_CORE.sub("", path))
    if selected is None:
        return PatchStep(kind, _CORE.sub("", path).lower(), value)
    chosen = _FILTER.fullmatch(selected[2])
    name, part = selected[1].lower(), (selected[3] or "value").lower()
    if name == "members" and (chosen is None or chosen[1].lower() != "value"):
        raise ScimInvalid('Only members[value eq "…"] is known.', kind="invalidPath")
    if part != "value":
        # A display name, say: what it is called gives nobody anything.
        return PatchStep(kind, f"{name}.{part}", value)
    # Whichever entry of roles or emails is to be set, there is but one of them here.
    return PatchStep(kind, name, value, chosen=_chosen(selected[2]))


def _chosen(filter: str) -> str | None:
    """The value that a filter names; None for the only entry that there is, the primary one."""
    found = _FILTER.fullmatch(filter)
    if found is not None and found[1].lower() == "value":
        return found[2]
    return None if _PRIMARY.fullmatch(filter) else ""
