"""`POST /hooks/<name>` of the real service, signed as the senders sign."""

import base64
import hmac
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from tests.kit.canaries import CANARY, hold
from tests.kit.daemon import Daemon, served
from tests.kit.site import Answer, Site, config, listening

SECRET = f"hook-{CANARY}"
PUSH = json.dumps({"ref": "refs/heads/main", "commits": []}).encode()


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A service with two projects, and a webhook of each form; `one` is for the first project alone."""
    folder = tmp_path_factory.mktemp("hooks")
    worlds = [served(folder / "src", number) for number in (1, 2)]
    secret = hold(folder / "secret", f"{SECRET}\n")
    rows = [
        f'[[webhook]]\nname = "{name}"\nsecret-file = "{secret}"\nform = "{form}"\n'
        for name, form in (("gh", "github"), ("lab", "token"), ("bucket", "pubsub"))
    ]
    rows.append(
        f'[[webhook]]\nname = "one"\nsecret-file = "{secret}"\nform = "token"\nprojects = ["{folder}/src/p1*"]\n'
    )
    rows.append(f'[[webhook]]\nname = "lost"\nsecret-file = "{folder}/none"\nform = "token"\n')
    with Daemon(folder, config(folder, "\n".join(rows))) as running:
        running.quiet(*(world.root for world in worlds))
        yield running


@pytest.fixture
def site(daemon: Daemon) -> Site:
    """Where it listens; senders have no token of ours."""
    return listening(daemon, "http.listen")._replace(token="")


def signature(body: bytes, secret: str = SECRET) -> dict[str, str]:
    """What GitHub sends with a body."""
    return {"X-Hub-Signature-256": f"sha256={hmac.new(secret.encode(), body, 'sha256').hexdigest()}"}


def push(attributes: Mapping[str, str] | None = None, data: Mapping[str, str] | None = None) -> bytes:
    """What Pub/Sub pushes."""
    message: dict[str, Any] = {"messageId": "1", "publishTime": "2026-01-01T00:00:00Z"}
    if attributes is not None:
        message["attributes"] = attributes
    if data is not None:
        message["data"] = base64.b64encode(json.dumps(data).encode()).decode()
    return json.dumps({"message": message, "subscription": "projects/a/subscriptions/b"}).encode()


def passes_of(daemon: Daemon) -> float:
    """How many passes the first project had."""
    labels = f'{{project="{daemon.folder}/src/p1",result="in_sync"}} '
    lines = listening(daemon, "http.listen").get("/metrics").body.decode().splitlines()
    return next(
        float(line.partition("} ")[2]) for line in lines if line.startswith(f"micropkgd_reconcile_total{labels}")
    )


def leads_to_passes(daemon: Daemon, send: Callable[[], Answer], trigger: str, *names: str) -> None:
    """See that the answer is yes, and that a pass of each project follows, for this reason."""
    folders = [daemon.folder / "src" / name for name in names]
    before = {str((daemon.status(folder) or {})["last_pass"]["id"]) for folder in folders}
    answer = send()
    assert (answer.status, answer.json()["accepted"]) == (202, True)

    def follows(status: Mapping[str, Any]) -> bool:
        return status["last_pass"]["id"] not in before and trigger in status["last_pass"]["trigger"].split(", ")

    for folder in folders:
        daemon.until_status(folder, follows)


def test_what_github_signs_leads_to_passes(daemon: Daemon, site: Site) -> None:
    """The signature is of the bytes as they came."""
    headers = {**signature(PUSH), "Content-Type": "application/json"}

    leads_to_passes(daemon, lambda: site.ask("POST", "/hooks/gh", PUSH, headers), "webhook: gh", "p1", "p2")


@pytest.mark.parametrize(
    "headers",
    [{"Authorization": f"Bearer {SECRET}"}, {"Authorization": f"bearer {SECRET}"}, {"X-Gitlab-Token": SECRET}],
)
def test_a_plain_token_leads_to_passes(daemon: Daemon, site: Site, headers: Mapping[str, str]) -> None:
    """As `Authorization`, or as GitLab sends it."""
    leads_to_passes(daemon, lambda: site.ask("POST", "/hooks/lab", b"", headers), "webhook: lab", "p1", "p2")


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (push({"bucketId": "team", "objectId": "a/ds.tar.gz"}), "webhook: bucket: gs://team/a/ds.tar.gz"),
        (push(None, {"bucket": "team", "name": "b.tar.gz"}), "webhook: bucket: gs://team/b.tar.gz"),
        (push({}), "webhook: bucket"),
        (push({"bucketId": "team", "objectId": "a\nb"}), "webhook: bucket"),
    ],
)
def test_a_push_of_pubsub_leads_to_passes(daemon: Daemon, site: Site, body: bytes, told: str) -> None:
    """The reason says which object it is about, where the message does."""
    leads_to_passes(daemon, lambda: site.ask("POST", f"/hooks/bucket?token={SECRET}", body), told, "p1", "p2")


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b'{"message": 1}', b'{"message": {"data": "%"}}', b"[" * 60000])
def test_a_push_that_is_none_is_refused(site: Site, body: bytes) -> None:
    """After the proof, with its own word."""
    assert site.ask("POST", f"/hooks/bucket?token={SECRET}", body).status == 400


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/hooks/gh", {}),
        ("/hooks/gh", signature(PUSH, "wrong")),
        ("/hooks/gh", signature(PUSH + b" ")),
        ("/hooks/gh", {"X-Hub-Signature-256": signature(PUSH)["X-Hub-Signature-256"].removeprefix("sha256=")}),
        ("/hooks/gh", {"X-Hub-Signature": "sha1=" + "0" * 40}),
        ("/hooks/gh", {"X-Hub-Signature-256": "sha256=\u00e9"}),
        ("/hooks/gh", {"Authorization": f"Bearer {SECRET}"}),
        ("/hooks/lab", {"Authorization": "Bearer wrong"}),
        ("/hooks/lab", {"X-Gitlab-Token": ""}),
        ("/hooks/lab", {"Authorization": f"Basic {SECRET}"}),
        ("/hooks/lab", signature(PUSH)),
        ("/hooks/bucket", {"Authorization": f"Bearer {SECRET}"}),
        ("/hooks/bucket?token=", {}),
        ("/hooks/bucket?token=wrong", {}),
        ("/hooks/lost", {"Authorization": "Bearer "}),
        ("/hooks/lost", {"X-Gitlab-Token": ""}),
        ("/hooks/%67%68x", signature(PUSH)),
    ],
)
def test_who_proves_nothing_learns_nothing(site: Site, path: str, headers: Mapping[str, str]) -> None:
    """A wrong proof, a secret that cannot be read and a name that is not known get the same bytes."""
    unknown = site.ask("POST", "/hooks/unknown", PUSH, signature(PUSH))
    answer = site.ask("POST", path, PUSH, headers)

    assert (answer.status, answer.body) == (unknown.status, unknown.body) == (403, unknown.body)
    assert answer.headers.keys() == unknown.headers.keys()


def test_our_own_token_proves_nothing(daemon: Daemon) -> None:
    """A webhook is not for who may ask everything else."""
    assert listening(daemon, "http.listen").ask("POST", "/hooks/lab", b"").status == 403


def test_a_webhook_may_be_for_some_projects(daemon: Daemon, site: Site) -> None:
    """The others hear nothing of it."""
    headers = {"X-Gitlab-Token": SECRET}
    leads_to_passes(daemon, lambda: site.ask("POST", "/hooks/one", b"", headers), "webhook: one", "p1")

    other = daemon.status(daemon.folder / "src" / "p2")
    assert other is not None
    assert "webhook: one" not in other["last_pass"]["trigger"]


def test_a_secret_is_read_at_each_request(daemon: Daemon, site: Site) -> None:
    """It may be renewed at any time."""
    renewed = f"renewed-{CANARY}"
    assert site.ask("POST", "/hooks/lab", b"", {"X-Gitlab-Token": SECRET}).status == 202
    old = (daemon.folder / "secret").read_text()
    hold(daemon.folder / "secret", f"{renewed}\n")
    try:
        assert site.ask("POST", "/hooks/lab", b"", {"X-Gitlab-Token": SECRET}).status == 403
        assert site.ask("POST", "/hooks/lab", b"", {"X-Gitlab-Token": renewed}).status == 202
    finally:
        hold(daemon.folder / "secret", old)


def test_a_large_push_is_taken(site: Site) -> None:
    """256 KiB, for what many commits are announced with; more is refused before it is looked at."""
    body = b" " * (256 * 1024)
    assert site.ask("POST", "/hooks/gh", body, signature(body)).status == 202
    body += b" "
    assert site.ask("POST", "/hooks/gh", body, signature(body)).status == 413


def test_a_flood_of_pushes_is_few_passes(daemon: Daemon, site: Site) -> None:
    """A replayed one is coalesced with what waits already; too many are put off."""
    before = passes_of(daemon)
    head = {"Host": "localhost", "Content-Length": str(len(PUSH)), **signature(PUSH)}
    lines = ["POST /hooks/gh HTTP/1.1", *(f"{name}: {text}" for name, text in head.items()), "", ""]
    codes = site.flood("\r\n".join(lines).encode() + PUSH)
    daemon.ask().post("/v1/reconcile", {}, timeout=None)  # what waits is done with it

    assert set(codes) == {202, 429}
    assert passes_of(daemon) - before < codes.count(202)


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_only_a_post_is_a_webhook(site: Site, method: str) -> None:
    """Everything else needs the token first."""
    assert site.ask(method, "/hooks/gh", PUSH, signature(PUSH)).status == 401


def test_no_secret_is_told(daemon: Daemon, site: Site) -> None:
    """Not in the log, the events or the metrics (each answer is looked at as it comes)."""
    site.ask("POST", f"/hooks/bucket?token={SECRET}", b"{}")
    whole = listening(daemon, "http.listen")

    seen = [whole.get(path).body for path in ("/v1/status", "/v1/events", "/metrics", "/", "/v1/openapi.json")]
    assert CANARY.encode() not in b"".join(seen)
    assert CANARY not in daemon.log.read_text()
