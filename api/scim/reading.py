"""What identity providers send, read leniently: names in any case, truth as words, steps.

It knows JSON and nothing of users and teams.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from api.scim.expressions import Target, read_path
from handoff.database.directory.scim_filters import Condition
from handoff.errors import ScimInvalid

MOST_OPERATIONS = 200
MOST_NAMES = 200
"""In one object."""


@dataclass(frozen=True, slots=True)
class PatchStep:
    """One step of a PATCH on one attribute, `name.givenname`. `chosen`: of which entries."""

    kind: str
    path: str
    value: Any
    chosen: Condition | None = None


def lowered(value: Any) -> dict[str, Any]:
    """An object with its names in lower case, without their schema's URN."""
    return {target.name: item for target, item in _members(value)}


def _members(value: Any) -> Iterator[tuple[Target, Any]]:
    """What an object says of which attribute; those of the core schema may stand in its own."""
    if not isinstance(value, dict) or len(value) > MOST_NAMES:
        raise ScimInvalid("An object is needed here.", kind="invalidSyntax")
    for name, item in value.items():
        target = _key(str(name))
        if target.name == "" and isinstance(item, dict):
            yield from ((_key(str(inner)), part) for inner, part in item.items())
        else:
            yield target, item


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


def first(value: Any) -> dict[str, Any]:
    """The primary entry of a list, or the first, or the value itself as one; empty for none."""
    given = value if isinstance(value, list) else [value]
    entries = [lowered(item) if isinstance(item, dict) else {"value": item} for item in given]
    primary = [entry for entry in entries if str(entry.get("primary")).lower() == "true"]
    return next(iter([*primary, *entries]), {})


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
    if path is not None:
        yield _at(kind, read_path(text(path, "path")), value)
        return
    if kind == "remove":
        raise ScimInvalid("A remove needs a path.", kind="noTarget")
    for target, item in _members(value):
        yield _at(kind, target, item)


def _at(kind: str, target: Target, value: Any) -> PatchStep:
    return PatchStep(kind, target.name, value, target.chosen)


def _key(name: str) -> Target:
    """The names of an object's members may be paths; what is none is nothing that we keep."""
    if name.isalnum():
        return Target(name.lower())
    try:
        return read_path(name)
    except ScimInvalid:
        return Target(name.lower())
