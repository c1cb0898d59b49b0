"""The house's rules, read from syntax trees: who may import whom, and who may touch what.

Each exception stands in a table beside its reason. To add one, say why it cannot be avoided.
"""

import ast
import functools
import importlib.util
import re
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = ("handoff", "activities", "workflows", "api", "worker")
BESIDE = ("tests", "bench")

MAY_IMPORT = {
    "handoff": {"handoff"},
    "activities": {"handoff", "activities"},
    "workflows": {"handoff", "activities", "workflows"},
    "api": {"handoff", "activities", "workflows", "api"},
    "worker": {"handoff", "activities", "workflows", "worker"},
}
"""Imports run one way, and the API and the worker do not know each other."""

LIBRARY_BELONGS_TO = {
    "sqlalchemy": {
        "handoff/database/": "the record",
        "api/routes/files.py": "the type of a row that it renders",
        "api/routes/handoffs.py": "the type of a row that it renders",
        "api/routes/sessions.py": "the type of a row that it renders",
    },
    "alembic": {"handoff/database/": "migrations"},
    "asyncpg": {
        "handoff/database/connecting.py": "what the pool keeps",
        "handoff/database/opening.py": "opens it",
    },
    "redis": {
        "handoff/live.py": "the doorbell",
        "handoff/database/handoffs/announcing.py": "holds the injected client, to ring",
        "handoff/stack/doctor/reach.py": "the doctor asks the server itself",
        "activities/records.py": "holds the injected client, to ring",
        "activities/deliver.py": "holds the injected client, to ring",
        "activities/delivery.py": "holds the injected client, to ring",
        "activities/push.py": "holds the injected client, to publish",
        "activities/webhooks/bells.py": "holds the injected client, to listen",
        "worker/build.py": "wiring",
        "api/services.py": "wiring",
        "api/engine/own_worker.py": "wiring",
        "api/live/presence.py": "who is there, which Redis alone knows",
        "api/http/rate_limits.py": "counts over the connections that it is given",
    },
    "limits": {"api/http/rate_limits.py": "who asks for too much"},
    "standardwebhooks": {"activities/webhooks/way_out.py": "what is posted is signed"},
    "httpcore": {"activities/webhooks/checked.py": "where connections are made"},
    "slack_sdk": {
        "handoff/slack.py": "the one way to Slack",
        "activities/slack/calls.py": "what is said there",
        "api/identity/slack.py": "what is signed by it",
    },
    "aiohttp": {
        "handoff/slack.py": "Slack's own client is built on it",
        "api/identity/slack.py": "the answer to a press",
    },
    "obstore": {"handoff/bucket.py": "the one way to a bucket"},
    "aiosmtplib": {"activities/email/smtp_line.py": "the one way to a mail server"},
}
"""Where a library may be imported. A path that ends with a slash stands for all below it."""

PURE = {
    "handoff/contract/": {"handoff.contract"},
    "handoff/errors.py": set[str](),
    "handoff/rules/": {"handoff.contract", "handoff.errors", "handoff.rules"},
}
"""What decides or crosses borders: the standard library, and of ours only this."""

WORKFLOW_MAY_IMPORT = {
    "temporalio",
    "handoff.contract",
    "handoff.rules",
    "handoff.temporal",
    "workflows",
    "activities.deliver",
    "activities.push",
    "activities.records",
    "activities.trial",
}
"""Besides the standard library. The activities are references for the engine, never called."""

ENVIRONMENT = {
    "handoff/stack/environment.py": "hands on what the stack was started with",
}
"""Who may look at `os.environ`; settings are read by handoff/settings.py alone."""

ENGINE_ROOM = {
    "handoff/database/gate.py": "the gate itself: whether anybody answers",
    "api/identity/machines.py": "who a token belongs to is not known before it was read",
    "api/console/sign_in/page.py": "whose account it is, nobody knows before the sign-in",
    "api/identity/callers.py": "who a token belongs to is not known before it was read",
    "api/identity/recognition.py": "whom a provider means is not known before it was read",
    "handoff/database/operations/upkeep.py": "what the engine has not seen, whosesoever it is",
    "handoff/database/operations/health.py": "whether anything stalls, whosesoever it is",
    "handoff/database/operations/counts.py": "numbers for the operator, without ids",
    "handoff/database/operations/sealed.py": "webhooks and secrets, whosesoever they are",
    "handoff/database/directory/importing.py": "accounts are made here",
    "handoff/database/operations/idempotency.py": "old keys are purged over all accounts",
    "handoff/cli/token.py": "the command line of whoever runs it all",
    "handoff/cli/story.py": "the command line of whoever runs it all",
}
"""Who may see all accounts at once."""

UNBOUND_STATEMENTS = {
    "handoff/database/gate.py:Tenant.select": "the gate itself",
    "handoff/database/gate.py:Database.ping": "touches no table",
    "handoff/database/gate.py:_ONE_MOMENT": "touches no table",
    "handoff/database/gate.py:_ENTER": "the gate itself",
    "handoff/database/tables/": "indexes and defaults, no queries",
    "handoff/database/migrations/": "the schema, no accounts",
    "handoff/database/reading/offers.py:residents": "the embedded stack's sign-in",
    "handoff/database/deliveries.py:planned": "every row of it bears the event's account",
    "handoff/database/directory/importing.py": "accounts are made here",
    "handoff/database/operations/idempotency.py:purge_keys": "over all accounts, for upkeep",
    "handoff/database/operations/upkeep.py": "over all accounts, for the engine",
    "handoff/database/operations/health.py": "over all accounts, for readiness and the auditor",
    "handoff/database/operations/counts.py": "over all accounts, for the operator",
    "handoff/database/operations/sealed.py": "over all accounts, for upkeep",
    "handoff/database/directory/token_holders.py:find_holder": "finds out whose a token is",
    "handoff/database/people.py:_identity": "finds out which account somebody belongs to",
    "handoff/database/people.py:living_ids": "for the command line",
    "handoff/database/messages/outbox.py:due": "a subquery, tied to a handoff of the account",
    "handoff/database/messages/truth.py:may_hear": "a subquery of a recipient",
}
"""SQL that names no account. Everything else does, or goes through `Tenant.select`."""

EMBEDDED_ONLY = {"handoff/stack/mail/": "the mail catcher of `handoff up`"}
"""What production never runs, so its packages are locked for development alone."""

CONSOLE = "api/console/"
BESIDE_A_PAGE = re.compile(r"""["'](?:/static/)?([\w./]+\.(?:css|html|js|svg))["']""")

WRITTEN_FOR_BROWSERS = {".css", ".html", ".j2", ".js", ".svg"}
ELSEWHERE = re.compile(r"https?://(?!www\.w3\.org/)|[\"'(]//\w")


@functools.cache
def trees() -> dict[str, ast.Module]:
    """Every Python file of the repository's own, by its path."""
    files = [path for name in (*ROOMS, *BESIDE) for path in sorted((ROOT / name).rglob("*.py"))]
    return {str(path.relative_to(ROOT)): ast.parse(path.read_bytes()) for path in files}


def in_rooms() -> Iterator[tuple[str, ast.Module]]:
    return ((path, tree) for path, tree in trees().items() if path.split("/")[0] in ROOMS)


def imports(tree: ast.Module) -> Iterator[str]:
    """What a file imports, each as `module.name`, wherever in the file it does so."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"relative import in line {node.lineno}: write it out"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def covers(names: set[str], module: str) -> bool:
    return any(module == name or module.startswith(f"{name}.") for name in names)


def listed(table: dict[str, str], path: str) -> bool:
    return any(path == name or (name[-1] == "/" and path.startswith(name)) for name in table)


def is_ours(module: str) -> bool:
    return module.split(".")[0] not in sys.stdlib_module_names


def canonical(package: str) -> str:
    """As package indexes spell it."""
    return re.sub(r"[-_.]+", "-", package).lower()


def complain(broken: list[str], rule: str) -> None:
    assert not broken, f"{rule}\n  " + "\n  ".join(broken)


@pytest.mark.parametrize("room", ROOMS)
def test_imports_run_one_way(room: str) -> None:
    others = {*ROOMS, *BESIDE} - MAY_IMPORT[room]
    broken = [
        f"{path} imports {module}"
        for path, tree in in_rooms()
        for module in imports(tree)
        if path.startswith(f"{room}/") and module.split(".")[0] in others
    ]
    complain(broken, f"{room} may import {sorted(MAY_IMPORT[room])} of our own, nothing else:")


@pytest.mark.parametrize("library", LIBRARY_BELONGS_TO)
def test_a_library_stays_in_its_place(library: str) -> None:
    broken = [
        f"{path} imports {module}"
        for path, tree in in_rooms()
        for module in imports(tree)
        if covers({library}, module) and not listed(LIBRARY_BELONGS_TO[library], path)
    ]
    complain(broken, f"{library} belongs to {', '.join(LIBRARY_BELONGS_TO[library])}:")


@pytest.mark.parametrize("place", PURE)
def test_words_and_rules_know_nothing_but_each_other(place: str) -> None:
    broken = [
        f"{path} imports {module}"
        for path, tree in in_rooms()
        for module in imports(tree)
        if listed({place: ""}, path) and is_ours(module) and not covers(PURE[place], module)
    ]
    complain(broken, f"{place} decides without any library, so that anybody can run it anywhere:")


def test_workflows_import_nothing_that_could_act() -> None:
    broken = [
        f"{path} imports {module}"
        for path, tree in in_rooms()
        for module in imports(tree)
        if path.startswith("workflows/")
        and is_ours(module)
        and not covers(WORKFLOW_MAY_IMPORT, module)
    ]
    complain(broken, "a workflow is replayed, so what it imports must be deterministic:")


def test_the_environment_is_read_in_one_place() -> None:
    broken = [
        f"{path}, line {node.lineno}"
        for path, tree in in_rooms()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute | ast.Name | ast.alias)
        and {getattr(node, name, None) for name in ("attr", "id", "name")}
        & {"environ", "getenv", "environb"}
        and not listed(ENVIRONMENT, path)
    ]
    complain(broken, "settings come from handoff.settings; it names a bad variable, os does not:")


def test_all_accounts_at_once_are_seen_by_few() -> None:
    broken = [
        f"{path}, line {node.lineno}"
        for path, tree in in_rooms()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and node.attr in {"engine_room", "glance"}
        and not listed(ENGINE_ROOM, path)
    ]
    complain(broken, "use Database.account(…): these would show a caller everybody's rows:")


def test_every_statement_is_bound_to_an_account() -> None:
    broken = [
        f"{path}:{name}"
        for path, tree in in_rooms()
        if any(covers({"sqlalchemy"}, module) for module in imports(tree))
        for name in unbound_statements(tree)
        if not listed(UNBOUND_STATEMENTS, f"{path}:{name}") and not listed(UNBOUND_STATEMENTS, path)
    ]
    complain(broken, "start with Tenant.select, or compare a column with tenant.account_id:")


def unbound_statements(tree: ast.Module) -> Iterator[str]:
    """Functions that write SQL, and neither compare an account nor call one here that does."""
    pieces = dict(named_pieces(tree))
    bound = {name.rpartition(".")[2] for name, piece in pieces.items() if compares_account(piece)}
    for name, piece in pieces.items():
        called = {node.func.id for node in calls(piece) if isinstance(node.func, ast.Name)}
        writes = called & {"select", "update", "delete", "text"}
        if writes and not compares_account(piece) and not called & bound:
            yield name


def named_pieces(
    tree: ast.Module | ast.ClassDef, prefix: str = ""
) -> Iterator[tuple[str, ast.AST]]:
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            yield from named_pieces(node, f"{node.name}.")
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield f"{prefix}{node.name}", node
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            yield f"{prefix}{ast.unparse(target)}", node


def calls(piece: ast.AST) -> Iterator[ast.Call]:
    return (node for node in ast.walk(piece) if isinstance(node, ast.Call))


def compares_account(piece: ast.AST) -> bool:
    return any(
        isinstance(side, ast.Attribute) and side.attr == "account_id"
        for node in ast.walk(piece)
        if isinstance(node, ast.Compare)
        for side in (node.left, *node.comparators)
    )


def test_what_production_runs_is_locked_for_production() -> None:
    locked = set(re.findall(r"^([\w.-]+)==", (ROOT / "requirements.txt").read_text(), re.MULTILINE))
    provided_by = packages_distributions()
    broken = [
        f"{path} imports {module}"
        for path, tree in in_rooms()
        for module in imports(tree)
        if is_ours(module) and not covers({*ROOMS}, module) and not listed(EMBEDDED_ONLY, path)
        if not locked & {canonical(name) for name in provided_by.get(module.split(".")[0], [])}
    ]
    complain(broken, "the image installs requirements.txt alone; `make lock` after pyproject.toml:")


def test_no_exception_outlives_its_reason() -> None:
    used = {path for path, _ in in_rooms()}
    tables = [ENVIRONMENT, ENGINE_ROOM, UNBOUND_STATEMENTS, *LIBRARY_BELONGS_TO.values()]
    broken = [
        name
        for table in tables
        for name in table
        if not any(path.startswith(name.partition(":")[0]) for path in used)
    ]
    complain(broken, "these files are gone; take them off their list:")


def test_no_library_is_granted_in_vain() -> None:
    used = [(path, [*imports(tree)]) for path, tree in in_rooms()]
    broken = [
        f"{name}: {library}"
        for library, table in LIBRARY_BELONGS_TO.items()
        for name in table
        if not any(
            listed({name: ""}, path) and covers({library}, module)
            for path, modules in used
            for module in modules
        )
    ]
    complain(broken, "these do not import it any more; take them off its list:")


def test_every_file_says_what_lives_there() -> None:
    broken = [path for path, tree in trees().items() if tree.body and not ast.get_docstring(tree)]
    complain(broken, "open the file with one to five lines: what lives here and what must not:")


def test_programs_leave_by_one_door() -> None:
    broken = [
        f"{path}, line {node.lineno}"
        for path, tree in trees().items()
        for node in tree.body
        if isinstance(node, ast.If)
        and "__main__" in ast.unparse(node.test)
        and [getattr(call.func, "id", "") for call in calls(node)] != ["leave_after"]
    ]
    complain(broken, "end by handoff.leaving, or the engine's threads may end it worse:")


def test_browsers_load_nothing_from_elsewhere() -> None:
    broken = [
        f"{path.relative_to(ROOT)}: {found[0]}"
        for room in ROOMS
        for path in sorted((ROOT / room).rglob("*"))
        if path.suffix in WRITTEN_FOR_BROWSERS
        and (found := ELSEWHERE.search(path.read_text("utf-8")))
    ]
    complain(broken, "a page must work offline and tell nobody who reads it:")


def test_a_page_of_the_console_knows_no_other() -> None:
    broken = [
        f"{CONSOLE}{path} names {other}"
        for path, other in named_in_the_console()
        if "/" in path and page_of(other) not in {page_of(path), "shared"}
    ]
    complain(broken, "a page is a folder; what two pages need lies in api/console/shared:")


def named_in_the_console() -> Iterator[tuple[str, str]]:
    """Files of the console, each with what it names there, by their paths below it."""
    for path, tree in in_rooms():
        for module in imports(tree):
            if path.startswith(CONSOLE) and module.startswith("api.console."):
                yield path.removeprefix(CONSOLE), module.removeprefix("api.console.")
    place = ROOT / CONSOLE
    for file in sorted((*place.rglob("*.html"), *place.rglob("*.js"))):
        start = file.parent if file.suffix == ".js" else place
        for name in BESIDE_A_PAGE.findall(file.read_text("utf-8")):
            named = (start / name).resolve()
            assert named.exists(), f"{file} names {name}, which is not there"
            yield str(file.relative_to(place)), str(named.relative_to(place))


def page_of(name: str) -> str:
    return re.split(r"[./]", name)[0]


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_is_ours(room: str) -> None:
    found = importlib.util.find_spec(room)
    assert found is not None
    assert found.origin is not None
    assert Path(found.origin).is_relative_to(ROOT), f"{room} means another package: {found.origin}"


def test_no_test_folder_bears_the_name_of_a_room() -> None:
    broken = [str(path) for room in ROOMS for path in (ROOT / "tests").rglob(room) if path.is_dir()]
    complain(broken, "pytest would import the folder in the room's place:")


@pytest.mark.parametrize(
    ("path", "code", "rule"),
    [
        ("handoff/x.py", "import api.app", lambda: test_imports_run_one_way("handoff")),
        ("api/x.py", "from worker import build", lambda: test_imports_run_one_way("api")),
        ("api/x.py", "def f():\n import redis", lambda: test_a_library_stays_in_its_place("redis")),
        (
            "handoff/rules/x.py",
            "from handoff.database import Tenant",
            lambda: test_words_and_rules_know_nothing_but_each_other("handoff/rules/"),
        ),
        ("workflows/x.py", "import httpx", test_workflows_import_nothing_that_could_act),
        ("api/x.py", "import os; os.getenv('A')", test_the_environment_is_read_in_one_place),
        ("api/x.py", "database.engine_room()", test_all_accounts_at_once_are_seen_by_few),
        (
            "handoff/x.py",
            "import sqlalchemy\ndef f(): select(A)",
            test_every_statement_is_bound_to_an_account,
        ),
        ("worker/x.py", "A = 1", test_every_file_says_what_lives_there),
        ("bench/x.py", "if __name__ == '__main__': main()", test_programs_leave_by_one_door),
        (
            "api/console/new/x.py",
            "import api.console.queue.rows",
            test_a_page_of_the_console_knows_no_other,
        ),
    ],
)
def test_each_rule_bites(
    path: str, code: str, rule: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.modules[__name__], "trees", lambda: {path: ast.parse(code)})
    with pytest.raises(AssertionError, match=re.escape(path)):
        rule()
