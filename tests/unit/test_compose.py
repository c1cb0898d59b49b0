"""docker-compose.yml and the Dockerfile, as far as they can be judged without a Docker engine."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from handoff.__main__ import app
from handoff.cli.environment_example import NOT_FOR_PRODUCTION
from handoff.settings import Settings, load_settings

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docker-compose.yml").read_text("utf-8")
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load(TEXT)["services"]
DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")
OURS = ("migrate", "api", "worker")
JOBS = ("migrate", "temporal-schema")
LASTING = [name for name in SERVICES if name not in JOBS]

REFERENCE = re.compile(r"(?<!\$)\$\{(\w+)(?:(:?[-?])([^}]*))?\}")
SECRET_NAME = re.compile(r"PASSWORD|SECRET|_PWD|_KEYS?$|_URL$")


def resolve(value: str, given: dict[str, str]) -> str:
    """`${NAME}`, `${NAME:-default}` and `${NAME:?why}` as Docker Compose reads them."""

    def replacement(found: re.Match[str]) -> str:
        name, operator, rest = found.groups()
        if operator and "?" in operator and not given.get(name):
            raise LookupError(f"{name} {rest}")
        return given.get(name) or (rest if operator and "-" in operator else "")

    return REFERENCE.sub(replacement, value)


def environment_of(service: str, given: dict[str, str]) -> dict[str, str]:
    """What the container is given. A name without a value is handed on where it is given."""
    raw = SERVICES[service].get("environment", {})
    handed_on = {name: given[name] for name, value in raw.items() if not value and name in given}
    return {name: resolve(value, given) for name, value in raw.items() if value} | handed_on


def filled_in() -> dict[str, str]:
    """.env.example, copied to .env with every empty line filled in."""
    found: dict[str, str] = {}
    for line in (ROOT / ".env.example").read_text("utf-8").splitlines():
        name, equals, value = line.partition("=")
        if equals and not name.startswith("#"):
            found[name] = resolve(value, found) or "f" * 64
    return found


@pytest.mark.parametrize("service", OURS)
def test_our_containers_start_with_what_the_example_says(
    service: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment_of(service, filled_in()).items():
        monkeypatch.setenv(name, value)
    settings = load_settings()
    password = filled_in()["POSTGRES_HANDOFF_PASSWORD"]
    assert settings.database_dsn == f"postgresql+asyncpg://handoff:{password}@postgres:5432/handoff"


@pytest.mark.parametrize("service", OURS)
def test_every_setting_can_be_given_and_no_other_name_is(service: str) -> None:
    named = {name for name in SERVICES[service]["environment"] if name.startswith("HANDOFF_")}
    known = {f"HANDOFF_{name.upper()}" for name in Settings.model_fields}
    assert named == known - NOT_FOR_PRODUCTION, "run `make fix`"


def test_what_must_be_given_is_in_the_example() -> None:
    demanded = {name for name, operator, _ in REFERENCE.findall(TEXT) if "?" in operator}
    assert demanded
    assert demanded <= filled_in().keys()
    for name in demanded:
        given = {key: value for key, value in filled_in().items() if key != name}
        with pytest.raises(LookupError, match=name):
            _ = [environment_of(service, given) for service in SERVICES]


def test_no_credentials_stand_in_the_file() -> None:
    shown = [
        f"{name} {variable}={value}"
        for name, service in SERVICES.items()
        for variable, value in service.get("environment", {}).items()
        if SECRET_NAME.search(variable) and value and not value.startswith("${")
    ]
    assert not shown


@pytest.mark.parametrize("service", SERVICES)
def test_images_are_pinned(service: str) -> None:
    image = SERVICES[service]["image"]
    if image == "handoff:local":
        assert SERVICES[service]["build"] == "."
    else:
        assert re.search(r":v?\d+\.\d+(\.\d+)?(-[\w.]+)?$", image), image
        assert "auto-setup" not in image


def test_only_this_machine_can_reach_it() -> None:
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert published.keys() == {"api", "temporal-ui", "mail"}
    for ports in published.values():
        assert all(port.startswith("127.0.0.1:") for port in ports)


@pytest.mark.parametrize("service", SERVICES)
def test_nothing_may_take_the_whole_machine_or_new_rights(service: str) -> None:
    described = SERVICES[service]
    assert {"mem_limit", "pids_limit", "security_opt", "logging"} <= described.keys()
    assert "no-new-privileges:true" in described["security_opt"]
    assert not {"privileged", "network_mode", "cap_add"} & described.keys()


@pytest.mark.parametrize("service", OURS)
def test_our_containers_can_write_nothing_but_their_scratch_space(service: str) -> None:
    assert SERVICES[service]["read_only"] is True
    assert SERVICES[service]["tmpfs"] == ["/tmp"]
    assert SERVICES[service]["cap_drop"] == ["ALL"]


@pytest.mark.parametrize("service", LASTING)
def test_what_lasts_comes_back_and_says_how_it_does(service: str) -> None:
    described = SERVICES[service]
    assert described["restart"] == "unless-stopped"
    # The API's stands in the Dockerfile, since it is what the image does by default.
    assert "test" in described.get("healthcheck", {}) or service == "api"


@pytest.mark.parametrize("service", JOBS)
def test_jobs_run_once(service: str) -> None:
    assert SERVICES[service]["restart"] == "no"


def test_everything_waits_for_what_it_needs() -> None:
    for name, service in SERVICES.items():
        for other, wait in service.get("depends_on", {}).items():
            expected = "service_completed_successfully" if other in JOBS else "service_healthy"
            assert wait == {"condition": expected}, f"{name} on {other}"
    assert "temporal" not in SERVICES["api"]["depends_on"], "claims need no engine"
    assert "migrate" in SERVICES["worker"]["depends_on"]


def test_what_is_mounted_exists() -> None:
    volumes = yaml.safe_load(TEXT)["volumes"].keys()
    for service in SERVICES.values():
        for mount in service.get("volumes", []):
            source = mount.split(":")[0]
            assert (ROOT / source).exists() if source.startswith(".") else source in volumes
            assert not source.startswith(".") or mount.endswith(":ro")


@pytest.mark.parametrize("service", OURS)
def test_commands_exist(service: str) -> None:
    commands = {
        command.name or command.callback.__name__
        for command in app.registered_commands
        if command.callback is not None
    }
    assert SERVICES[service]["command"][0] in commands
    assert 'ENTRYPOINT ["handoff"]' in DOCKERFILE


def test_the_image_takes_hashed_packages_and_nobody_special_runs_it() -> None:
    bases = re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)
    assert len(bases) == 2
    assert len(set(bases)) == 1
    assert re.fullmatch(r"python:3\.\d+\.\d+-slim\S*", bases[0])
    assert "--require-hashes" in DOCKERFILE
    assert re.findall(r"^USER (.+)$", DOCKERFILE, re.MULTILINE) == ["10001:10001"]
    assert "/livez" in DOCKERFILE, "a claim needs neither engine nor Redis"


def test_the_image_holds_every_room_and_nothing_else_is_sent_to_the_builder() -> None:
    copied = re.findall(r"^COPY (\w+) \1$", DOCKERFILE, re.MULTILINE)
    assert copied == ["handoff", "activities", "workflows", "api", "worker"]
    ignored = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    assert "*" in ignored
    let_in = {line[1:] for line in ignored if line.startswith("!")}
    assert let_in == {*copied, "requirements.txt"}


def test_temporal_reads_what_is_mounted() -> None:
    path = SERVICES["temporal"]["environment"]["DYNAMIC_CONFIG_FILE_PATH"]
    mounted, inside = SERVICES["temporal"]["volumes"][0].split(":")[:2]
    assert path.startswith(inside)
    wanted = yaml.safe_load((ROOT / mounted / Path(path).name).read_text("utf-8"))
    assert all(re.fullmatch(r"[a-z]+\.\w+", name) for name in wanted)
    assert all([*value[0]] == ["value"] for value in wanted.values())
