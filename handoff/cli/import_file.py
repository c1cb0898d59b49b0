"""`handoff import FILE.json`: accounts, teams and users."""

import codecs
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from pydantic import ValidationError

from handoff.cli.context import DATA_DIR, DataDir, database_of, run, settings_for
from handoff.cli.terminal import tell
from handoff.settings import Settings

if TYPE_CHECKING:
    from handoff.database.directory.importing import Directory


def import_directory(
    file: Annotated[Path, typer.Argument(help="A JSON file; docs/directory.md shows its form.")],
    data_dir: DataDir = DATA_DIR,
) -> None:
    """Bring in accounts, teams and users. A repeat changes nothing."""
    directory = _read(file)
    settings = settings_for(data_dir)
    tell(f"database {database_of(settings)}")
    run(_bring_in(settings, directory))
    users = sum(len(account.users) for account in directory.accounts)
    tell(f"{len(directory.accounts)} accounts, {users} users")


def _read(file: Path) -> "Directory":
    from handoff.database.directory.importing import Directory

    try:
        return Directory.model_validate_json(_text(file.read_bytes()))
    except OSError as fault:
        tell(f"{file}: {fault.strerror}", error=True)
        raise typer.Exit(2) from None
    except UnicodeDecodeError as fault:
        tell(f"{file}: byte {fault.start} is not {fault.encoding}", error=True)
        raise typer.Exit(2) from None
    except ValidationError as fault:
        for error in fault.errors(include_input=False, include_url=False):
            path = "/".join(str(part) for part in error["loc"])
            tell(f"{file}: {path}: {error['msg']}", error=True)
        raise typer.Exit(2) from None


def _text(content: bytes) -> str:
    """UTF-8, or what Windows writes: with a mark before it, or in UTF-16."""
    marked = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    return content.decode("utf-16" if marked else "utf-8-sig")


async def _bring_in(settings: Settings, directory: "Directory") -> None:
    from handoff.database.directory.importing import bring_in
    from handoff.database.gate import Database

    database = Database.connect(settings)
    try:
        await bring_in(database, directory)
    finally:
        await database.close()
