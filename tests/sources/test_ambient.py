"""The logins of this machine: who gets them, and who does not though a project, or a server, names him."""

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from micropkgd.model.origins import Origins
from micropkgd.model.permits import Permits
from micropkgd.model.ref import Ref
from micropkgd.model.tree import digest_of
from micropkgd.sources.ambient import withheld
from micropkgd.sources.cache import ArchiveCache
from micropkgd.sources.gather import Sources
from micropkgd.sources.source import Answer, Failed, FailureKind, Fetched, Lookup, Request
from micropkgd.sources.upload import BytesInMemory, Upload
from tests.kit.canaries import CANARY, hold
from tests.kit.servers.faults import FaultServer, Reply
from tests.kit.servers.seaweed import Seaweed

OWN_S3 = {"key": "k", "secret": "s"}
OWN_CLIENT = {"aws_access_key_id": "k", "aws_secret_access_key": "s"}
EVIL = "https://evil.example"
LISTED = "https://minio.corp.example"

S3_OF_AWS = [
    "https://s3.amazonaws.com",
    "https://s3.eu-west-1.amazonaws.com",
    "https://s3-eu-west-1.amazonaws.com",
    "https://s3.dualstack.us-east-2.amazonaws.com",
    "https://s3-fips.us-gov-west-1.amazonaws.com",
    "https://s3-accelerate.amazonaws.com",
    "https://bucket.s3.eu-central-1.amazonaws.com",
    "https://bucket.vpce-1a2b.s3.us-east-1.vpce.amazonaws.com",
    "https://s3.cn-north-1.amazonaws.com.cn",
    "https://S3.EU-WEST-1.AMAZONAWS.COM:443/",
]
NOT_S3_OF_AWS = [
    EVIL,
    "https://s3.amazonaws.com.evil.example",
    "https://s3.amazonaws.com@evil.example",
    "https://evil.example/s3.amazonaws.com",
    "https://ec2-1-2-3-4.eu-west-1.compute.amazonaws.com",
    "https://s3-123456.us-east-1.elb.amazonaws.com",
    "https://s3-us-east-1-123456.us-east-1.elb.amazonaws.com",
    "https://abc.execute-api.eu-west-1.amazonaws.com",
    "https://s3.eu-west-1.elb.amazonaws.com",
    "https://xs3.amazonaws.com",
    "https://s3.amazonaws.com:8443",
    "http://s3.eu-west-1.amazonaws.com",
    "http://127.0.0.1:9000",
    "https://[::1",
    "https://s3.amazonaws.com\\@evil.example",
]

WITHHELD: list[tuple[str, Mapping[str, object]]] = [
    *(("s3://b/x.tar.gz", {"endpoint_url": server}) for server in NOT_S3_OF_AWS),
    ("s3://b/x.tar.gz", {"client_kwargs": {"endpoint_url": EVIL}}),
    ("s3://b/x.tar.gz", {"endpoint_url": EVIL, "profile": "team"}),
    ("s3://b/x.tar.gz", {"endpoint_url": EVIL, "key": "k"}),
    ("s3://b/x.tar.gz", {"endpoint_url": EVIL, "key": "k", "secret": ""}),
    ("s3://b/x.tar.gz", {"endpoint_url": EVIL, "key": "k", "password": "s"}),
    ("s3://b/x.tar.gz", {"endpoint_url": EVIL, "token": "t"}),
    ("s3://b/x.tar.gz", {"endpoint_url": EVIL, "anon": "yes"}),
    ("s3://b/x.tar.gz", {"endpoint_url": EVIL, "client_kwargs": {"aws_access_key_id": "k"}}),
    ("s3://b/x.tar.gz", {"config_kwargs": {"proxies": {"https": "http://evil.example:3128"}}}),
    ("s3://b/x.tar.gz", {"config_kwargs": {"proxies": {"https": "evil.example:3128"}}}),
    ("s3://b/x.tar.gz", {"use_ssl": False}),
    ("s3://b/x.tar.gz", {"client_kwargs": {"use_ssl": False}}),
    ("gs://b/x.tar.gz", {"endpoint_url": EVIL}),
    ("gs://b/x.tar.gz", {"endpoint_url": EVIL, "token": None}),
    ("gs://b/x.tar.gz", {"endpoint_url": EVIL, "token": "google_default"}),
    ("gs://b/x.tar.gz", {"endpoint_url": EVIL, "token": "cloud"}),
    ("gs://b/x.tar.gz", {"endpoint_url": EVIL, "token": "/home/ana/.config/gcloud/adc.json"}),
    ("gs://b/x.tar.gz", {"endpoint_url": EVIL, "token": "ROOT/../account.json"}),
    ("gs://b/x.tar.gz", {"endpoint_url": "http://storage.googleapis.com"}),
    ("gs://b/x.tar.gz", {"endpoint_url": "https://storage.googleapis.com.evil.example"}),
    ("gs://b/x.tar.gz", {"endpoint_url": "https://evilgoogleapis.com"}),
    ("hf://datasets/x.tar.gz", {"endpoint": EVIL}),
    ("abfs://c/x.tar.gz", {"account_name": "a", "account_host": "evil.example"}),
    ("lakefs://r/x.tar.gz", {"host": "evil.example"}),
    ("webhdfs://h/x.tar.gz", {"client_kwargs": {"proxy": EVIL}}),
    ("abfs://c/x.tar.gz", {"connection_string": f"BlobEndpoint={EVIL}/a;"}),
]  # fmt: skip
GIVEN: list[tuple[str, Mapping[str, object]]] = [
    *(("s3://b/x.tar.gz", {"endpoint_url": server}) for server in S3_OF_AWS),
    ("s3://b/x.tar.gz", {}),
    ("s3://b/x.tar.gz", {"profile": "team"}),
    ("s3://b/x.tar.gz", {"endpoint_url": EVIL, **OWN_S3}),
    ("s3://b/x.tar.gz", {"endpoint_url": EVIL, "username": "k", "password": "s"}),
    ("s3://b/x.tar.gz", {"endpoint_url": EVIL, "anon": True}),
    ("s3://b/x.tar.gz", {"endpoint_url": EVIL, "client_kwargs": OWN_CLIENT}),
    ("s3://b/x.tar.gz", {"endpoint_url": LISTED}),
    ("s3://b/x.tar.gz", {"config_kwargs": {"proxies": {"https": LISTED}}}),
    ("gs://b/x.tar.gz", {}),
    ("gs://b/x.tar.gz", {"token": "google_default"}),
    ("gs://b/x.tar.gz", {"endpoint_url": "https://storage.googleapis.com"}),
    ("gs://b/x.tar.gz", {"endpoint_url": "https://storage.europe-west1.rep.googleapis.com"}),
    ("gs://b/x.tar.gz", {"endpoint_url": EVIL, "token": "anon"}),
    ("gs://b/x.tar.gz", {"endpoint_url": EVIL, "token": "ya29.own"}),
    ("gs://b/x.tar.gz", {"endpoint_url": EVIL, "token": {"type": "service_account"}}),
    ("gs://b/x.tar.gz", {"endpoint_url": EVIL, "token": "ROOT/account.json"}),
    ("gs://b/x.tar.gz", {"endpoint_url": LISTED}),
    ("hf://datasets/x.tar.gz", {"token": "own"}),
    ("abfs://c/x.tar.gz", {"account_name": "a"}),
    ("abfs://c/x.tar.gz", {"connection_string": "AccountName=a;AccountKey=eA==;BlobEndpoint=http://127.0.0.1:10000/a;"}),
    ("lakefs://r/x.tar.gz", {"host": "minio.corp.example"}),
]  # fmt: skip


def judged(ref: str, options: Mapping[str, object], root: Path) -> Failed | None:
    """What is said of a request, with one endpoint listed."""
    token = options.get("token")
    filled = {**options, "token": token.replace("ROOT", str(root))} if isinstance(token, str) else options
    return withheld(Origins.parse([LISTED]), Request(Ref.parse(ref), filled), root)


@pytest.mark.parametrize(("ref", "options"), WITHHELD)
def test_a_server_that_only_the_project_names_gets_nothing(
    ref: str, options: Mapping[str, object], tmp_path: Path
) -> None:
    """The request is not made, and the answer says what helps."""
    failed = judged(ref, options, tmp_path)

    assert failed is not None
    assert (failed.kind, failed.reason) == (FailureKind.REFUSED, "LoginWithheld")
    assert "credential-endpoints" in failed.hint


@pytest.mark.parametrize(("ref", "options"), GIVEN)
def test_services_of_their_own_and_servers_with_a_login_beside(
    ref: str, options: Mapping[str, object], tmp_path: Path
) -> None:
    """Are asked; so is what the machine's config lists."""
    assert judged(ref, options, tmp_path) is None


@pytest.mark.parametrize(("scheme", "index"), [("s3", "s3://b/"), ("gs", "gs://b/")])
def test_an_index_that_is_a_bucket_is_judged_as_one(scheme: str, index: str, tmp_path: Path) -> None:
    """For reading and for publishing."""
    del scheme
    request = Request(Ref.parse("ds>=1"), {"endpoint_url": EVIL}, lookup=Lookup(index))
    upload = Upload(
        request.ref,
        "",
        "x",
        "ds",
        "1",
        BytesInMemory(b"x"),
        digest_of(b"x"),
        options=request.options,
        lookup=request.lookup,
    )

    for asked in (request, upload):
        assert withheld(Origins(()), asked, tmp_path) is not None


LABEL = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?", fullmatch=True)


@given(st.lists(LABEL, min_size=1, max_size=4), LABEL)
def test_no_host_outside_of_amazon_s_own_domains_is_taken_for_s3(labels: list[str], last: str) -> None:
    """Whatever stands before it."""
    host = ".".join((*labels, "s3", "amazonaws", "com", last if last != "cn" else "cx"))

    assert withheld(Origins(()), Request(Ref.parse("s3://b/x"), {"endpoint_url": f"https://{host}"}), "/p") is not None


# Through the sources, with a user who has logins


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with logins of every kind; each has the word in it that no server may hear."""
    for name in [name for name in os.environ if name.startswith(("AWS_", "FSSPEC_", "GOOGLE_"))]:
        monkeypatch.delenv(name)
    made = tmp_path / "home"
    made.mkdir()
    monkeypatch.setenv("HOME", str(made))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", f"AKIA{CANARY}")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", f"secret-{CANARY}")
    monkeypatch.setenv("AWS_SESSION_TOKEN", f"session-{CANARY}")
    user = {"type": "authorized_user", "client_id": "i", "client_secret": f"s-{CANARY}", "refresh_token": f"r-{CANARY}"}
    hold(made / "adc.json", json.dumps(user))
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(made / "adc.json"))
    monkeypatch.setenv("NETRC", str(made / "netrc"))
    return made


Asker = Callable[..., Answer]


@pytest.fixture
def ask(tmp_path: Path) -> Asker:
    """Ask for a ref, with these servers listed in the machine's config."""

    def ask(ref: str, listed: tuple[str, ...] = (), lookup: Lookup | None = None, **options: object) -> Answer:
        permits = Permits(endpoints=Origins.parse(listed))
        with Sources(ArchiveCache(tmp_path / "cache"), permits=lambda _: permits) as sources:
            return sources.answer([Request(Ref.parse(ref), options, lookup=lookup)], tmp_path / "project")[0]

    return ask


def heard(server: FaultServer) -> list[str]:
    """Every header with a login that a server was sent."""
    return [
        value
        for seen in server.seen
        for name, value in seen.headers.items()
        if name in {"authorization", "x-amz-security-token"}
    ]


@pytest.mark.parametrize("ref", ["s3://b/x.tar.gz", "gs://b/x.tar.gz"])
@pytest.mark.parametrize("wrapped", [False, True])
def test_the_endpoint_of_a_project_hears_nothing(faults: FaultServer, ask: Asker, ref: str, wrapped: bool) -> None:
    """Not even a first request without a login."""
    options = {"client_kwargs": {"endpoint_url": faults.url("")}} if wrapped else {"endpoint_url": faults.url("")}
    if wrapped and ref.startswith("gs"):
        options = {"endpoint_url": faults.url(""), "token": os.environ["GOOGLE_APPLICATION_CREDENTIALS"]}
    answer = ask(ref, **options)

    assert isinstance(answer, Failed)
    assert answer.reason == "LoginWithheld"
    assert faults.seen == []


def test_an_endpoint_that_is_listed_hears_the_login(faults: FaultServer, ask: Asker) -> None:
    """Its owner said so."""
    faults.script("/b/x.tar.gz", Reply(body=b"x"))
    answer = ask("s3://b/x.tar.gz", (faults.url(""),), endpoint_url=faults.url(""))

    assert isinstance(answer, Fetched)
    assert f"Credential=AKIA{CANARY}/" in "".join(heard(faults))


def test_a_real_store_with_a_login_beside(s3: Seaweed, ask: Asker) -> None:
    """A MinIO of the team, as most projects have one: nothing changes."""
    bucket = f"ambient-{os.urandom(4).hex()}"
    client = s3.client()
    client.create_bucket(Bucket=bucket)
    client.put_object(Bucket=bucket, Key="x.tar.gz", Body=b"x")

    assert isinstance(ask(f"s3://{bucket}/x.tar.gz", **s3.options()), Fetched)
    bare = {key: value for key, value in s3.options().items() if key not in {"key", "secret"}}
    answer = ask(f"s3://{bucket}/x.tar.gz", **bare)
    assert isinstance(answer, Failed)
    assert answer.reason == "LoginWithheld"


def test_the_default_of_netrc_is_for_nobody(faults: FaultServer, ask: Asker, home: Path) -> None:
    """A project may name any host, so what is for any host is for none."""
    hold(home / "netrc", f"machine other.example login u password {CANARY}\ndefault login u password {CANARY}\n")
    faults.script("/x.tar.gz", Reply(body=b"x"))

    assert isinstance(ask(faults.url("/x.tar.gz")), Fetched)
    assert isinstance(ask(f"http://localhost:{faults.port}/x.tar.gz"), Fetched)
    assert heard(faults) == []


def test_a_redirect_takes_no_login_to_another_host(faults: FaultServer, ask: Asker, home: Path) -> None:
    """On a server's word alone nobody gets this machine's login for him; the answer says what helps."""
    hold(home / "netrc", f"machine localhost login u password {CANARY}\n")
    there = f"http://localhost:{faults.port}"
    faults.script("/led", Reply(302, headers={"Location": f"{there}/x.tar.gz"}))
    faults.script("/x.tar.gz", Reply(401))
    answer = ask(faults.url("/led"))

    assert isinstance(answer, Failed)
    assert (answer.kind, "credential-endpoints" in answer.hint) == (FailureKind.DENIED, True)
    assert heard(faults) == []
    ask(faults.url("/led"), (there,))
    ask(f"{there}/x.tar.gz")
    assert len(heard(faults)) == 2


def test_a_file_of_an_index_elsewhere_takes_no_login(faults: FaultServer, ask: Asker, home: Path) -> None:
    """A page names it, as a redirect would."""
    hold(home / "netrc", f"machine localhost login u password {CANARY}\n")
    there = f"http://localhost:{faults.port}/ds-1.0.tar.gz"
    faults.script("/ds-1.0.tar.gz", Reply(body=b"x"))
    faults.script("/simple/ds/", Reply(body=f'<html><a href="{there}">ds-1.0.tar.gz</a></html>'.encode(),
                                       headers={"Content-Type": "text/html"}))  # fmt: skip
    answer = ask("ds", lookup=Lookup(faults.url("/simple/")))

    assert isinstance(answer, Fetched)
    assert heard(faults) == []
    ask("ds", (there,), Lookup(faults.url("/simple/")))
    assert len(heard(faults)) == 1


def test_a_proxy_of_the_project_reads_no_login(faults: FaultServer, ask: Asker, home: Path) -> None:
    """What goes to this very machine in the clear would go by way of it."""
    hold(home / "netrc", f"machine localhost login u password {CANARY}\n")
    faults.script("http://localhost:9/x.tar.gz", Reply(body=b"x"))
    faults.script("http://localhost:9/simple/ds/", Reply(404))

    assert isinstance(ask("http://localhost:9/x.tar.gz", proxy=faults.url("")), Fetched)
    ask("ds", lookup=Lookup("http://localhost:9/simple/", ("u", CANARY)), proxy=faults.url(""))
    assert len(faults.seen) == 2
    assert heard(faults) == []
