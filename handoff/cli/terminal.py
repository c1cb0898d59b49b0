"""What the commands print. Text from files and servers can hold controls that move the cursor, hide
a line or retitle the window: it is shown, and does nothing.
"""

import typer


def tell(line: str, *, error: bool = False) -> None:
    """One line on the terminal."""
    typer.echo(harmless(line), err=error)


def harmless(line: str) -> str:
    """The line with everything that cannot be seen written out: `\\x1b`, `\\u202e`."""
    return "".join(character if character.isprintable() else _told(character) for character in line)


def _told(character: str) -> str:
    return character.encode("unicode_escape").decode()
