"""`POST /hooks/<name>`: somebody says that there is something new (docs/http.md). A hint only: nothing it says is used.

The secret is read at each request, for it may be renewed. A name that is not known and a proof that is wrong get the
same answer after the same work.
"""

import base64
import hmac
import json
import os
import secrets
from collections.abc import Mapping, Sequence
from http import HTTPStatus

from aiohttp import web

from micropkgd.annotations import Final
from micropkgd.model.settings import Webhook, WebhookForm
from micropkgd.model.trigger import Trigger, TriggerKind
from micropkgd.service.http.answers import SUPERVISOR, answer

_NOBODY: Final = Webhook("", "")
_LARGEST_SECRET: Final = 4096  # bytes
_TOLD_AT_MOST: Final = 200  # characters of an object's address


async def receive(request: web.Request) -> web.Response:
    """Ask for passes of the projects that a webhook is for, at once and without waiting."""
    supervisor = request.app[SUPERVISOR]
    name = request.match_info["name"]
    webhook = next((one for one in supervisor.settings.webhooks if one.name == name), _NOBODY)
    body = await request.read()
    if not is_proven(request, body, webhook):
        raise web.HTTPForbidden(reason="no such webhook, or not signed with its secret")
    about = _object(body) if webhook.form is WebhookForm.PUBSUB else ""
    projects = await supervisor.fleet.matching(webhook.projects) if webhook.projects else None
    supervisor.trigger(Trigger(TriggerKind.WEBHOOK, f"{name}{about}"), projects)
    return answer({"accepted": True}, HTTPStatus.ACCEPTED)


def is_proven(request: web.BaseRequest, body: bytes, webhook: Webhook) -> bool:
    """Whether the sender knows the secret, in the form that it is to be shown."""
    secret = read_secret(webhook.secret_file)
    known = secret or secrets.token_bytes(32)
    given = {
        WebhookForm.GITHUB: request.headers.get("X-Hub-Signature-256", ""),
        WebhookForm.TOKEN: _token(request.headers),
        WebhookForm.PUBSUB: request.query.get("token", ""),
    }[webhook.form]
    expected = known
    if webhook.form is WebhookForm.GITHUB:
        expected = f"sha256={hmac.new(known, body, 'sha256').hexdigest()}".encode()
    return hmac.compare_digest(given.encode("utf-8", "surrogateescape"), expected) and bool(secret)


def read_secret(path: str) -> bytes:
    """The secret in a file, without the line's end; empty where there is none."""
    if not path:
        return b""
    try:
        with open(os.path.expanduser(path), "rb") as stream:
            return stream.read(_LARGEST_SECRET).strip()
    except OSError:
        return b""


def _token(headers: Mapping[str, str]) -> str:
    scheme, _, token = headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else headers.get("X-Gitlab-Token", "")


def _object(body: bytes) -> str:
    """Which object a push of Pub/Sub is about, for people; `HTTPBadRequest` where it is no push."""
    try:
        message = json.loads(body)["message"]
        attributes = message.get("attributes") or {}
        about = [attributes.get("bucketId"), attributes.get("objectId")]
        if about == [None, None] and message.get("data"):
            data = json.loads(base64.b64decode(message["data"], validate=True))
            about = [data.get("bucket"), data.get("name")]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise web.HTTPBadRequest(reason="not a push of Pub/Sub") from None
    return _shown(about)


def _shown(about: Sequence[object]) -> str:
    if not all(isinstance(part, str) and part.isprintable() for part in about):
        return ""
    return f": gs://{about[0]}/{about[1]}"[:_TOLD_AT_MOST]
