"""`handoff demo`: plays the story of one handoff; see `story.py`."""

from handoff.cli.context import DATA_DIR, DataDir, run
from handoff.errors import Unreachable
from handoff.stack.state import read_state


def demo(data_dir: DataDir = DATA_DIR) -> None:
    """Play the story against a running stack and print it line by line."""
    state = read_state(data_dir)
    if state is None or state.api_url is None:
        raise Unreachable(f"No stack runs in {data_dir}. Start one with: handoff up")
    from handoff.cli import story

    run(story.play(state))
