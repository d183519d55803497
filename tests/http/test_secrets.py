"""Credentials that the service uses while it works, and every answer that it gives meanwhile: none tells one.

Each answer is searched as it comes (`tests/kit/site.py`), and everything that is left at the end of the run
(`tests/kit/canaries.py`).
"""

from functools import partial
from pathlib import Path

from tests.kit.canaries import CANARY, hold
from tests.kit.daemon import Daemon, until
from tests.kit.servers.faults import FaultServer, Reply
from tests.kit.site import Site, config, listening
from tests.kit.world import World, archive

PATHS = (
    "/", "/page.js", "/livez", "/readyz", "/startupz", "/metrics", "/v1/status", "/v1/events", "/v1/openapi.json",
    "/nowhere", "/v1/status?project=none", "/v1/events?since=x", "/hooks/plain",
)  # fmt: skip


def crawl(*sites: Site) -> int:
    """Ask everything there is, well and badly; give how many answers were searched."""
    answers = 0
    for site in sites:
        for path in PATHS:
            for method in ("GET", "POST", "HEAD", "PUT"):
                for token in (None, "", f"wrong-{CANARY}"):
                    until(partial(answered, site, method, path, token))
                    answers += 1
        for path in ("/v1/reconcile", "/v1/trigger", "/v1/suspend"):
            site.post(path, {"projects": [f"/none/{CANARY}"]})
            site.post(path, {CANARY: 1})
            answers += 2
    return answers


def answered(site: Site, method: str, path: str, token: str | None) -> bool:
    """Ask, and see whether we were put off."""
    return site.ask(method, path, b"{", {"Content-Type": "application/json"}, token=token).status != 429


def test_no_answer_tells_a_credential(tmp_path: Path, faults: FaultServer) -> None:
    """Logins in the environment, signed addresses that a source sends us to, secrets of webhooks, our own token."""
    signed = faults.url(f"/signed?X-Amz-Signature={CANARY}")
    faults.script(f"/signed?X-Amz-Signature={CANARY}", Reply(403, b"no"))
    faults.script("/good.tar.gz", Reply(200, archive({})))
    faults.script("/moved.tar.gz", Reply(302, headers={"Location": signed}))
    faults.script("/private.tar.gz", Reply(401, CANARY.encode(), {"WWW-Authenticate": f'Basic realm="{CANARY}"'}))
    refs = [faults.url(f"/{name}.tar.gz") for name in ("good", "moved", "private")]
    world = World(tmp_path / "src" / "one")
    world.manifest("\n".join(f'"{ref}" = {{alias = "a{number}"}}' for number, ref in enumerate(refs)))
    hold(tmp_path / "netrc", f"machine 127.0.0.1 login u password {CANARY}\n").chmod(0o600)
    hold(tmp_path / "token", f"token-{CANARY}-which-is-long-enough\n")
    hook = f'[[webhook]]\nname = "plain"\nform = "token"\nsecret-file = "{hold(tmp_path / "hook", f"hook-{CANARY}")}"'
    environ = {"NETRC": str(tmp_path / "netrc")}

    with Daemon(tmp_path, config(tmp_path, hook), environ=environ) as daemon:
        daemon.until_status(world.root, lambda status: status["standing"]["state"] == "Stalled")
        whole, alone = listening(daemon, "http.listen"), listening(daemon, "http.probes")
        assert crawl(whole, alone) > 300
        whole.ask("POST", "/hooks/plain", b"", {"X-Gitlab-Token": f"hook-{CANARY}"}, token="")
        assert whole.get("/v1/status").status == 200
        assert CANARY not in daemon.log.read_text()
    assert any("authorization" in seen.headers for seen in faults.seen)
