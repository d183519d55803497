"""The machine's config: what it may say, where it is from, and how what is wrong with it is said."""

import json
import tomllib
from pathlib import Path
from types import SimpleNamespace as Namespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from micropkgd.cli.commands.serve import load_settings
from micropkgd.errors import MicropkgError
from micropkgd.machine.config import load
from micropkgd.machine.places import find_config
from micropkgd.machine.projects import find_projects
from micropkgd.model.config import KEYS, SettingsError, read_settings, value_of, variable_of
from micropkgd.model.settings import (
    Group,
    LogFormat,
    Queue,
    Settings,
    SignatureTable,
    Webhook,
    WebhookForm,
    is_loopback,
)
from tests.kit.daemon import served
from tests.kit.places import REPOSITORY
from tests.kit.servers.faults import FaultServer, Reply
from tests.kit.world import World, archive

EXAMPLE = REPOSITORY / "config.example.toml"


def uncommented(text: str) -> str:
    """The example with every key that is commented out, where it does not exclude another."""
    lines = []
    for line in text.splitlines():
        bare = line.removeprefix("# ")
        is_key = bare != line and (
            bare.startswith("[[") or (bare.partition(" = ")[1] and " " not in bare.partition(" = ")[0])
        )
        lines.append(bare if is_key and not bare.startswith("cron") else line)
    return "\n".join(lines)


def keys_in(text: str) -> set[str]:
    """The dotted keys of a config, rows of tables by the table's name."""
    document = tomllib.loads(text)
    found = set()
    for key, value in document.items():
        if isinstance(value, dict):
            found |= {f"{key}.{inner}" for inner in value}
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            found |= {f"{key}[].{inner}" for row in value for inner in row}
        else:
            found.add(key)
    return found


def test_the_example_holds() -> None:
    """As it is, and with all that is commented out."""
    text = EXAMPLE.read_text()

    assert read_settings(tomllib.loads(text), "x", {}).groups == (Group(("~/src/*",)),)
    whole = read_settings(
        tomllib.loads(uncommented(text).replace("allow-remote = false", "allow-remote = true")), "x", {}
    )
    assert whole.webhooks[0].form is WebhookForm.GITHUB
    assert whole.queues[0].region == "eu-west-1"


def test_the_example_has_every_key() -> None:
    """Also those of the tables: a key that is added must be explained there."""
    rows = {f"project[].{field.replace('_', '-')}" for field in Group._fields} - {"project[].cron"}
    rows |= {f"webhook[].{field.replace('_', '-')}" for field in Webhook._fields}
    rows |= {f"queue[].{field.replace('_', '-')}" for field in Queue._fields}
    rows |= {f"signatures[].{field.replace('_', '-')}" for field in SignatureTable._fields}

    assert keys_in(uncommented(EXAMPLE.read_text())) == (set(KEYS) - {"cron"}) | rows
    assert "# cron = " in EXAMPLE.read_text()


def test_the_example_shows_what_holds_without_it() -> None:
    """What is not commented out is the default, but for the projects."""
    said = value_of(read_settings(tomllib.loads(EXAMPLE.read_text()), "x", {}))
    default = value_of(Settings(usual=Group(("~/src/*",))))

    assert said == default


@pytest.mark.parametrize(
    ("text", "problem", "hint"),
    [
        pytest.param('evrey = "5m"', "unknown key `evrey`", "did you mean `every`?", id="unknown"),
        pytest.param(
            "[limits]\npases = 2", "unknown key `pases` in [limits]", "did you mean `passes`?", id="unknown-in-table"
        ),
        pytest.param(
            "every = 5", '`every` must be a time such as "30s", "5m", "2h" or "1d", found the number 5', "", id="time"
        ),
        pytest.param('every = "0s"', "`every` must be a time of at least a second", "", id="no-time"),
        pytest.param('limits.passes = "2"', "`limits.passes` must be a number from 1 to 1000", "", id="count"),
        pytest.param(
            "limits.passes = true", "`limits.passes` must be a number from 1 to 1000, found true", "", id="flag"
        ),
        pytest.param("limits = 3", "`limits` must be a table, found the number 3", "", id="no-table"),
        pytest.param('cron = "* * *"', "`cron` must be five fields of cron", "", id="cron"),
        pytest.param('cron = "* * * * *"\nevery = "5m"', "`every` and `cron` exclude each other", "", id="both"),
        pytest.param("[[project]]\nevery = '1m'", "a [[project]] has no `paths`", "", id="no-paths"),
        pytest.param(
            "[project]\npaths = ['a']", "`project` must be an array of tables", "write `[[project]]`", id="one-table"
        ),
        pytest.param('hooks.before-commit = "make"', "must be a list of texts", "", id="shell-line"),
        pytest.param(
            "hooks.before-commit = []", "must be a list with the program and its arguments", "", id="no-program"
        ),
        pytest.param(
            'http.listen = "0.0.0.0:80"', "which other machines can reach", "listen on 127.0.0.1", id="remote"
        ),
        pytest.param('http.listen = "127.0.0.1.evil.com:80"', "which other machines can reach", "", id="looks-local"),
        pytest.param('http.listen = "8473"', 'must be an address such as "127.0.0.1:8473"', "", id="no-host"),
        pytest.param(
            '[http]\nlisten = "[::1]:80"\nprobes = "[::1]:80"',
            "another address than `http.listen`",
            "",
            id="one-address",
        ),
        pytest.param('[http]\nlisten = "0.0.0.0:80"\nallow-remote = true', "needs `http.certificate`", "", id="no-tls"),
        pytest.param(
            "[[webhook]]\nname = 'a'\nsecret-file = '/s'", "webhooks need a listener", "http.listen", id="no-listener"
        ),
        pytest.param("[[webhook]]\nname = '../a'\nsecret-file = '/s'", "`../a` is not a name", "", id="no-name"),
        pytest.param('cache.dir = "cache"', "`cache.dir` must be an absolute path", "", id="relative"),
        pytest.param('limits.bytes-per-second = "fast"', 'must be a size such as "500KiB"', "", id="size"),
        pytest.param('allowed-origins = ["example.com"]', "names no place", "https://host/prefix", id="origin"),
        pytest.param('log.level = "loud"', "must be one of debug, info, warning, error", "", id="word"),
    ],
)
def test_what_is_wrong_is_said(text: str, problem: str, hint: str) -> None:
    """The key, what was wanted, what was found."""
    with pytest.raises(SettingsError) as caught:
        read_settings(tomllib.loads(text), "config.toml", {})

    assert problem in str(caught.value)
    assert hint in caught.value.hint


def test_an_error_has_file_and_line(tmp_path: Path) -> None:
    """As an editor needs it."""
    path = tmp_path / "config.toml"
    path.write_text("# first\n[limits]\npasses = 0\n")
    with pytest.raises(MicropkgError, match=r"config.toml:3: `limits.passes` must be a number"):
        load(str(path), {})
    path.write_text("[limits\n")
    with pytest.raises(MicropkgError, match=r"config\.toml"):
        load(str(path), {})


def test_a_variable_comes_before_the_file() -> None:
    """Of every kind of value, and `origins` says so."""
    environ = {
        "MICROPKGD_LIMITS_PASSES": "7",
        "MICROPKGD_HTTP_METRICS": "false",
        "MICROPKGD_PROJECTS": "/a, /b/*",
        "MICROPKGD_LOG_FORMAT": "json",
        "MICROPKGD_EVERY": "1h",
        "OTHER_THING": "x",
    }
    settings = read_settings(tomllib.loads('every = "5m"\nlimits.downloads = 3'), "config.toml", environ)

    assert settings.limits.passes == 7
    assert settings.http.metrics is False
    assert settings.groups[0].paths == ("/a", "/b/*")
    assert settings.groups[0].every == 3600.0
    assert settings.log_format is LogFormat.JSON
    assert settings.origins["every"] == "MICROPKGD_EVERY"
    assert settings.origins["limits.downloads"] == "config.toml"


@pytest.mark.parametrize(
    ("variable", "hint"),
    [
        ("MICROPKGD_EVRY", "did you mean MICROPKGD_EVERY?"),
        ("MICROPKGD_FOO", "see `micropkgd config show` for every key"),
    ],
)
def test_a_variable_is_told_its_nearest(variable: str, hint: str) -> None:
    """By its own words: the beginning that all share makes none of them alike."""
    with pytest.raises(SettingsError) as error:
        read_settings({}, "", {variable: "1"})
    assert error.value.hint == hint


@pytest.mark.parametrize("variable", ["MICROPKGD_EVRY", "MICROPKGD_", "MICROPKGD_LIMITS"])
def test_a_variable_that_means_nothing_is_refused(variable: str) -> None:
    """A misspelt one would be ignored for ever."""
    with pytest.raises(SettingsError, match="means nothing to micropkgd"):
        read_settings({}, "", {variable: "1"})


def test_every_key_has_a_variable_of_its_own() -> None:
    """No two keys share one."""
    assert len({variable_of(name) for name in KEYS}) == len(KEYS)


def test_where_it_is_looked_for(tmp_path: Path) -> None:
    """By name, then the user's; a named one that is missing is an error."""
    user = tmp_path / "micropkgd" / "config.toml"
    user.parent.mkdir()
    user.write_text("")
    environ = {"XDG_CONFIG_HOME": str(tmp_path)}

    assert find_config(None, environ) == str(user)
    assert find_config("/x/y.toml", environ) == "/x/y.toml"
    assert find_config(None, {**environ, "MICROPKGD_CONFIG": "/z.toml"}) == "/z.toml"
    with pytest.raises(MicropkgError, match="there is no such config"):
        load("/x/y.toml", {})


def test_config_check_and_show(world: World) -> None:
    """On the command line, with the origin of each value, and as a document."""
    path = world.write("machine.toml", 'every = "2m"\ncron = "x"\n')
    assert world.run("config", "check", "--config", str(path)).code == 2
    path.write_text('projects = ["~/src/*"]\ncron = "0 6 * * 9"\n')
    assert "cron `0 6 * * 9` cannot be read" in world.run("config", "check", "--config", str(path)).err
    path.write_text(f'projects = ["{world.root}"]\nevery = "2m"\n')

    assert world.run("config", "check", "--config", str(path)).out.startswith(f"{path} is in order: 1 project path\n")
    shown = world.run("config", "show", "--origin", "--config", str(path)).out
    assert f'every = "2m"  # {path}' in shown
    assert "limits.passes = 2  # default" in shown


def test_config_check_says_how_often_sources_are_asked(world: World) -> None:
    """Of each group of projects, with what chance adds, and when files are looked at."""
    path = world.write(
        "machine.toml",
        f"""
        projects = ["{world.root}"]
        every = "10s"
        scan-every = "15m"
        [[project]]
        paths = ["/a", "/b"]
        cron = "*/15 * * * *"
        jitter = "0s"
        watch = false
        """,
    )
    said = world.run("config", "check", "--config", str(path)).out.splitlines()
    document = json.loads(world.run("config", "check", "--json", "--config", str(path)).out)

    often = "sources are asked every 10s, up to 10s later; files are looked at when they are saved and every 15m"
    assert said[1:3] == [
        "  /a, /b: sources are asked by cron `*/15 * * * *` in UTC; files are looked at every 15m",
        f"  {world.root}: {often}",
    ]
    assert document["schedules"] == [
        {"paths": ["/a", "/b"], "asked": "by cron `*/15 * * * *` in UTC"},
        {"paths": [str(world.root)], "asked": "every 10s, up to 10s later"},
    ]


def test_config_check_looks_at_the_machine(world: World) -> None:
    """What the service would miss is told before it starts; the config itself is in order."""
    far = "x" * 100
    path = world.write(
        "machine.toml",
        f"""
        projects = ["~no-such-user/src/*"]
        socket = "/run/{far}/ctl.sock"
        [http]
        listen = "127.0.0.1:8473"
        certificate = "/gone.pem"
        [hooks]
        webhook-url = "https://example.com/x"
        webhook-secret-file = "{world.root}"
        before-commit = ["python", "-m", "compileall", "-q", "src"]
        after-commit = ["python", "-I", "-m", "compileall", "-q", "src"]
        on-held = ["make", "held"]
        [[webhook]]
        name = "ci"
        secret-file = "/gone"
        """,
    )
    said = world.run("config", "check", "--config", str(path))
    runs = "can run code of the project it works in"
    older = "a Python older than 3.11 would look for modules in the project first: add `-I`"

    assert said.code == 0
    assert said.out.splitlines()[2].startswith("  drivers: s3fs 20")
    assert said.out.splitlines()[3:] == [
        "  note: `http.certificate` names /gone.pem: no such file or directory",
        f"  note: `hooks.webhook-secret-file` names {world.root}: is a directory",
        "  note: `webhook.ci.secret-file` names /gone: no such file or directory",
        f"  note: the socket's path is longer than 107 bytes: /run/{far}/ctl.sock",
        "  note: the project path ~no-such-user/src/* names a user whom there is not",
        "  note: no project is at any of the project paths",
        f"  note: `hooks.before-commit` {runs}: {older}",
        f"  note: `hooks.on-held` {runs}: `make` runs what it finds in the project",
    ]
    document = json.loads(world.run("config", "check", "--json", "--config", str(path)).out)
    assert len(document["doubts"]) == 8
    assert set(document["drivers"]) == {"s3fs", "gcsfs", "fsspec", "keyring"}


def test_config_check_warns_of_a_hook_inside_a_project(world: World) -> None:
    """Its whole path is run, for whoever wrote it meant it; whoever changes the project changes the hook."""
    path = world.write(
        "machine.toml", f'projects = ["{world.root}"]\n[hooks]\non-stalled = ["{world.root}/.venv/bin/python", "-IV"]\n'
    )
    said = world.run("config", "check", "--config", str(path))
    assert "note: `hooks.on-stalled` can run code of the project it works in: " in said.out
    assert f"`{world.root}/.venv/bin/python` is a program of a project" in said.out


def test_allowed_origins_hold_for_one_pass_too(world: World, faults: FaultServer) -> None:
    """An entry from elsewhere stalls with the reason, and nobody is asked."""
    world.asks_for(faults.script("/ds.tar.gz", Reply(200, archive({"n.py": "1\n"}))))
    path = world.write("machine.toml", 'allowed-origins = ["https://packages.example.com"]\n')
    said = world.reconcile("--config", str(path))

    assert said.code == 1
    assert "allowed-origins" in said.out
    assert faults.requests_for("/ds.tar.gz") == []


def test_a_misspelt_variable_is_said_by_a_pass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit 2 before anything is asked or written."""
    world = served(tmp_path)
    monkeypatch.chdir(world.root)
    monkeypatch.setenv("MICROPKGD_LIMIT_PASSES", "1")
    said = world.reconcile()

    assert said.code == 2
    assert "did you mean MICROPKGD_LIMITS_PASSES?" in said.err
    assert not world.has("src/shop/ds")


@pytest.mark.parametrize("host", ["127.0.0.0001", "127.1", "127.0.0.1.", "128.0.0.1", "0127.0.0.1", "::1", "LOCALHOST"])
def test_odd_ways_to_write_loopback_are_not_taken_for_it(host: str) -> None:
    """What a resolver might make of them is not ours to guess."""
    assert not is_loopback(f"{host}:80")


@given(st.text(max_size=30))
def test_no_address_is_taken_for_loopback_by_its_looks(host: str) -> None:
    """Only `localhost`, `[::1]` and four numbers that begin with 127."""
    parts = host.split(".")
    numbers = len(parts) == 4 and all(part.isdecimal() and len(part) <= 3 for part in parts) and parts[0] == "127"

    assert is_loopback(f"{host}:80") == (numbers or host in {"localhost", "[::1]"})


def test_a_table_comes_before_the_usual_schedule(tmp_path: Path) -> None:
    """As the example has it: `projects` names a glob, and a table one of its folders."""
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "pyproject.toml").write_text("[tool.micropkgd.pull]\n")
    text = f'projects = ["{tmp_path}/*"]\n[[project]]\npaths = ["{tmp_path}/two"]\nevery = "1m"\n'
    found = find_projects(read_settings(tomllib.loads(text), "x", {}).groups)

    assert {Path(root).name: group.every for root, group in found.items()} == {"one": 300.0, "two": 60.0}


@pytest.mark.parametrize("projects", [[], ["."]])
def test_the_usual_schedule_holds_for_what_the_command_line_names(
    world: World, monkeypatch: pytest.MonkeyPatch, projects: list[str]
) -> None:
    """And for the project around the working folder: also where a config has no `projects`, but tables."""
    monkeypatch.setenv("MICROPKGD_EVERY", "1h")
    config = world.write("config.toml", '[[project]]\npaths = ["/x"]\nevery = "1m"\n' if projects else "")
    settings = load_settings(Namespace(config=str(config), projects=projects, log_format=None))

    assert [group.every for group in settings.groups] == [3600.0]


def test_what_is_usual_is_not_what_a_table_says() -> None:
    """`config show` says of each what it is."""
    said = value_of(read_settings(tomllib.loads('[[project]]\npaths = ["/x"]\nevery = "1m"\n'), "x", {}))

    assert said["every"] == 300.0
    assert said["projects"] == ()
    assert said["project.0"] == {"paths": ("/x",), "every": 60.0, "jitter": 30.0, "watch": True}
