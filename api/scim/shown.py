"""Which attributes of a resource an answer shows: `attributes`, `excludedAttributes` (RFC 7644,
3.9). What says which resource it is, is always shown.
"""

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Query

from api.scim.expressions import read_names
from api.scim.protocol import Resource

ALWAYS = frozenset({"schemas", "id"})

Names = Annotated[str | None, Query(max_length=500)]


@dataclass(frozen=True, slots=True)
class Shown:
    """`only` None: whatever is not left out."""

    only: frozenset[str] | None = None
    but: frozenset[str] = frozenset()

    def of(self, resource: Resource) -> Resource:
        """The resource, or what of it was asked for."""
        kept: Resource = {}
        for name, value in resource.items():
            if name in ALWAYS:
                kept[name] = value
            elif (part := self._part(name.lower(), value)) is not None:
                kept[name] = part
        return kept

    def shows(self, name: str) -> bool:
        """Whether anything of the attribute, in lower case, is shown."""
        asked = self.only is None or any(
            one == name or one.startswith(f"{name}.") for one in self.only
        )
        return asked and name not in self.but

    def _part(self, name: str, value: Any) -> Any:
        if not self.shows(name):
            return None
        if isinstance(value, list):
            parts = [self._part(name, item) for item in value]
            return [part for part in parts if part is not None]
        if not isinstance(value, dict):
            return value
        inner = {key: item for key, item in value.items() if self._shows_part(name, key.lower())}
        return inner or None

    def _shows_part(self, name: str, part: str) -> bool:
        whole = f"{name}.{part}"
        asked = self.only is None or name in self.only or whole in self.only
        return asked and whole not in self.but


def _shown(
    attributes: Names = None,
    excluded: Annotated[str | None, Query(alias="excludedAttributes", max_length=500)] = None,
) -> Shown:
    return asked(attributes, excluded)


def asked(attributes: str | None, excluded: str | None) -> Shown:
    """By two lists, as a query has them."""
    only = read_names(attributes) if attributes else None
    return Shown(only, read_names(excluded or ""))


Asked = Annotated[Shown, Depends(_shown)]
"""What this request wants to see of the resources that it is answered with."""
