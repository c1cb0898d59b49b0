"""Lists that come page by page: a cursor says where one goes on, a `Link` where the next starts."""

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Protocol, TypeVar
from uuid import UUID

from fastapi import Depends, Query, Request, Response

from api.schemas.texts import Text
from handoff.errors import Invalid


class _Identified(Protocol):
    @property
    def id(self) -> UUID: ...


Place = TypeVar("Place")
Listed = TypeVar("Listed", bound=_Identified)

Search = Annotated[Text | None, Query(alias="q", max_length=200, description="Part of a name")]
Limit = Annotated[int, Query(ge=1, le=200)]


PAGES: dict[int | str, dict[str, Any]] = {
    200: {
        "headers": {
            "Link": {
                "description": 'Where the next page is, while there is one: `<…>; rel="next"`',
                "schema": {"type": "string"},
            }
        }
    }
}
"""What OpenAPI says of an endpoint that answers page by page."""


def link_to_next(request: Request, response: Response, cursor: str) -> None:
    """Says where the next page is: the same question, from the cursor on."""
    link = request.url.include_query_params(cursor=cursor)
    response.headers["Link"] = f'<{link.path}?{link.query}>; rel="next"'


def write_cursor(*place: str | int) -> str:
    """A place in an order of several columns, as a cursor."""
    return base64.urlsafe_b64encode(json.dumps(place).encode()).decode()


def read_cursor(cursor: str, as_place: Callable[..., Place]) -> Place:
    """The place of a cursor. `as_place` takes what was written, and raises for anything else.

    Raises:
        Invalid: it is none of ours.
    """
    try:
        return as_place(*json.loads(base64.urlsafe_b64decode(cursor)))
    except (ValueError, TypeError, AttributeError, OverflowError, RecursionError):
        fault = {"path": "query/cursor", "message": "not a cursor of ours", "type": "cursor"}
        raise Invalid("Start again without a cursor.", errors=[fault]) from None


@dataclass(frozen=True, slots=True)
class _Page:
    """What is asked of a list that is long in rare cases only: usually all of it is one page."""

    limit: int
    _request: Request
    _response: Response

    def goes_on(self, cursor: object) -> None:
        """Says where the next page is."""
        link_to_next(self._request, self._response, str(cursor))


async def _page(request: Request, response: Response, limit: Limit = 200) -> _Page:
    return _Page(limit, request, response)


Page = Annotated[_Page, Depends(_page)]


@dataclass(frozen=True, slots=True)
class _Listing:
    """What is asked of a list that goes by ids. `wanted`: the same in the query's words."""

    wanted: dict[str, Any]
    _request: Request
    _response: Response
    _limit: int

    def shown(self, found: list[Listed]) -> list[Listed]:
        """The page; a full one says where the next is."""
        if len(found) == self._limit:
            link_to_next(self._request, self._response, str(found[-1].id))
        return found


async def _listing(
    request: Request,
    response: Response,
    search: Search = None,
    include_deleted: bool = False,
    limit: Limit = 50,
    cursor: UUID | None = None,
) -> _Listing:
    wanted = {
        "search": search,
        "include_deleted": include_deleted,
        "after": cursor,
        "limit": limit,
    }
    return _Listing(wanted, request, response, limit)


Listing = Annotated[_Listing, Depends(_listing)]
