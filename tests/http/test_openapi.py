"""The OpenAPI document: the same in `docs/`, one operation for every route, and true by what schemathesis tries."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis import Case
from schemathesis.specs.openapi.checks import ignored_auth, missing_required_header

from micropkgd.service.http.openapi import openapi_document
from tests.http.test_inside import Inside
from tests.kit.canaries import look
from tests.kit.daemon import Daemon, served
from tests.kit.places import REPOSITORY
from tests.kit.site import Site, config, listening

DOCUMENT = REPOSITORY / "docs" / "openapi.json"
SCHEMA = schemathesis.openapi.from_dict({**openapi_document(), "security": []})  # each call is given the token
SCHEMA.config.update(rate_limit="45/s")  # fewer than what is put off

_OTHERS = [ignored_auth, missing_required_header]  # they ask without the token: that is tests/http/test_guard.py


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A service with one project, that listens on TCP."""
    folder = tmp_path_factory.mktemp("openapi")
    world = served(folder / "src")
    with Daemon(folder, config(folder)) as running:
        running.ready(world.root)
        yield running


@pytest.fixture(scope="module")
def site(daemon: Daemon) -> Site:
    """Where it listens."""
    return listening(daemon, "http.listen")


def test_the_document_stands_in_the_docs() -> None:
    """Write it anew with `python -m micropkgd.service.http.openapi > docs/openapi.json`."""
    assert json.loads(DOCUMENT.read_text()) == json.loads(json.dumps(openapi_document()))


def test_the_service_gives_the_same_document(daemon: Daemon, site: Site) -> None:
    """On the socket too."""
    assert site.get("/v1/openapi.json").json() == openapi_document() == dict(daemon.ask().get("/v1/openapi.json"))


def test_every_route_stands_in_the_document(tmp_path: Path) -> None:
    """And every operation of the document is a route."""

    async def routes() -> set[tuple[str, str]]:
        inside = Inside(tmp_path)
        app = inside.front.whole(inside.supervisor.settings.http)
        await inside.front.stop()
        return {
            (route.method.lower(), route.resource.canonical)
            for route in app.router.routes()
            if route.resource is not None and route.method != "HEAD"
        }

    documented = {(method, path) for path, operations in openapi_document()["paths"].items() for method in operations}
    assert asyncio.run(routes()) == documented


@SCHEMA.parametrize()
@settings(max_examples=25, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_answer_is_as_the_document_says(case: Case[Any], site: Site) -> None:
    """Whatever is sent, good or bad: never a 5xx but where one is documented, never a body of another form."""
    if case.query.get("follow") == "1":
        case.query["follow"] = "0"  # a stream has no end to wait for
    response = case.call(base_url=f"http://127.0.0.1:{site.port}", headers=site.signed())
    look(response.text, f"the answer to {case.method} {case.path}")
    case.validate_response(response, excluded_checks=_OTHERS)
