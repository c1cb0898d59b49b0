"""What a provider has said of somebody beyond what the record needs, kept as it was said: the name
in its parts, and what stands beside the address and the role. It gives nobody any right.
"""

from typing import Any

from api.scim.reading import lowered, text
from handoff.errors import ScimInvalid
from handoff.names import one_line

NAME_PARTS = (
    "formatted",
    "familyName",
    "givenName",
    "middleName",
    "honorificPrefix",
    "honorificSuffix",
)
_SPOKEN = ("givenName", "middleName", "familyName")
LONGEST = 200

Profile = dict[str, Any]
"""`name` by its parts, `displayName`, `email` and `role` with what stands beside their values, and
`shown`: the name that was made of it. A name that is null was taken away, one that is missing was
never said."""

_BY_LOWER = {part.lower(): part for part in NAME_PARTS}


def told_name(profile: Profile) -> str | None:
    """How to call them, by what was said: as they want to be shown, in one, or of its parts."""
    parts = profile.get("name") or {}
    spoken = " ".join(parts[part] for part in _SPOKEN if part in parts)
    return profile.get("displayName") or parts.get("formatted") or spoken or None


def with_name(profile: Profile, given: Any, *, whole: bool) -> Profile:
    """`whole`: parts that are not given are none (a PUT); else they stay (a PATCH)."""
    if given is None:
        return profile | {"name": None}
    said = {_BY_LOWER[name]: value for name, value in lowered(given).items() if name in _BY_LOWER}
    before = {} if whole else dict(profile.get("name") or {})
    if "formatted" not in said:
        # It was made of other parts.
        before.pop("formatted", None)
    for part, value in said.items():
        before.pop(part, None)
        if value not in (None, ""):
            before[part] = _written(value, f"name.{part}")
    return profile | {"name": {part: before[part] for part in NAME_PARTS if part in before} or None}


def with_part(profile: Profile, part: str, value: Any) -> Profile:
    """One part of the name, in lower case; None takes it away."""
    return with_name(profile, {part: value}, whole=False) if part in _BY_LOWER else profile


def with_display_name(profile: Profile, value: Any) -> Profile:
    """None takes it away."""
    said = None if value in (None, "") else _written(value, "displayName")
    return profile | {"displayName": said}


def _written(value: Any, name: str) -> str:
    try:
        written = one_line(text(value, name))
    except ValueError as fault:
        raise ScimInvalid(f"{name}: {fault}", kind="invalidValue") from None
    if len(written) > LONGEST:
        raise ScimInvalid(f"{name}: at most {LONGEST} characters", kind="invalidValue")
    return written


def beside(entry: dict[str, Any], *names: str) -> dict[str, Any]:
    """What of an entry is kept beside its value: short words, and truth."""
    kept: dict[str, Any] = {}
    for name in names:
        value = entry.get(name.lower())
        if name == "primary" and isinstance(value, bool):
            kept[name] = value
        elif name != "primary" and isinstance(value, str) and value:
            kept[name] = _written(value, name)
    return kept
