"""Lists that come page by page: a cursor says where one goes on, a `Link` where the next starts."""

from dataclasses import dataclass
from typing import Annotated, Any, Protocol, TypeVar
from uuid import UUID

from fastapi import Depends, Query, Request, Response

from api.schemas.texts import Text


class _Identified(Protocol):
    @property
    def id(self) -> UUID: ...


Listed = TypeVar("Listed", bound=_Identified)

Search = Annotated[Text | None, Query(alias="q", max_length=200, description="Part of a name")]
Limit = Annotated[int, Query(ge=1, le=200)]


def link_to_next(request: Request, response: Response, cursor: str) -> None:
    """Says where the next page is: the same question, from the cursor on."""
    link = request.url.include_query_params(cursor=cursor)
    response.headers["Link"] = f'<{link.path}?{link.query}>; rel="next"'


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
