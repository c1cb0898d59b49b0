"""What the commands print. Text from files and servers can hold controls that move the cursor, hide
a line or retitle the window: it is shown, and does nothing.
"""

import typer

from handoff.names import is_written


def tell(line: str, *, error: bool = False) -> None:
    """One line on the terminal."""
    typer.echo(harmless(line), err=error)


def harmless(line: str) -> str:
    """The line with all that no name is written with told instead: `\\x1b`, `\\u202e`."""
    return "".join(letter if is_written(letter) else _told(letter) for letter in line)


def _told(character: str) -> str:
    return character.encode("unicode_escape").decode()
