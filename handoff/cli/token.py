"""`handoff token EMAIL_OR_ID`: a bearer token for trying things."""

from datetime import UTC, datetime, timedelta
from typing import Annotated
from uuid import UUID

import typer

from handoff.cli.context import DATA_DIR, DataDir, run, settings_for
from handoff.cli.terminal import tell
from handoff.errors import ConfigurationError
from handoff.settings import Settings

LIFETIME = timedelta(hours=12)


def token(
    user: Annotated[str, typer.Argument(help="The user's address or id.")],
    data_dir: DataDir = DATA_DIR,
) -> None:
    """Print a bearer token for one user. Refused where an identity provider is configured."""
    settings = settings_for(data_dir)
    if settings.auth_jwks_url is not None or settings.auth_secret is None:
        raise ConfigurationError(
            "HANDOFF_AUTH_JWKS_URL is set: the identity provider gives out the tokens"
        )
    found = run(_find(settings, user))
    if len(found) != 1:
        what = "nobody active" if not found else "several people; name one by id:"
        ids = " ".join(str(user_id) for user_id in found)
        tell(f"{user} is {what} {ids}".strip(), error=True)
        raise typer.Exit(1)
    from handoff.tokens import mint

    typer.echo(
        mint(
            found[0],
            secret=settings.auth_secret,
            issuer=settings.auth_issuer,
            audience=settings.auth_audience,
            lifetime=LIFETIME,
            now=datetime.now(UTC),
        )
    )


async def _find(settings: Settings, wanted: str) -> list[UUID]:
    from handoff.database import people
    from handoff.database.gate import Database

    database = Database.connect(settings)
    try:
        async with database.engine_room() as connection:
            return await people.living_ids(connection, wanted)
    finally:
        await database.close()
