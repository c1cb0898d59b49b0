"""What browsers load beside a page: modules, styles and icons, from where their page lives.

Templates and Python files stand in the same folders, and are never served.
"""

from os import stat_result
from pathlib import Path

from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

SERVED = {".css", ".js", ".svg"}
_KEEP = "public, max-age=60"


class Assets(StaticFiles):
    """Our own modules and styles: a minute old at most, then asked for by their ETag."""

    def lookup_path(self, path: str) -> tuple[str, stat_result | None]:
        """The file, by its real name: whatever else lies there is not to be had."""
        found, about = super().lookup_path(path)
        return (found, about) if Path(found).suffix in SERVED else ("", None)

    async def get_response(self, path: str, scope: Scope) -> Response:
        """The file, and how long it may be kept."""
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = _KEEP
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response
