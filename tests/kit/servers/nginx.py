"""nginx over one folder of files, on plain http and on TLS with certificates good and bad."""

import itertools
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple

from tests.kit.canaries import CANARY, hold
from tests.kit.servers.ports import free_ports
from tests.kit.servers.starting import await_server, end, listens

USER = "reader"
PASSWORD = f"pass-{CANARY}"

_CERTIFICATES = {
    "good": ("IP:127.0.0.1,DNS:localhost", "30"),
    "expired": ("IP:127.0.0.1", "-1"),
    "elsewhere": ("DNS:elsewhere.test", "30"),
}


_SECONDS = itertools.count(1_600_000_000)  # ETag and Last-Modified know nothing finer


class Nginx(NamedTuple):
    """A running server. What lies in `files` is served below `/`, and again below each place with its own manners."""

    files: Path
    authority: Path  # the certificate that signed all others
    port: int
    tls_ports: dict[str, int]

    def url(self, path: str) -> str:
        """An address on plain http. Places: `no-etag`, `private`, `mislabelled`, `slow`, `listed`."""
        return f"http://127.0.0.1:{self.port}/{path}"

    def tls_url(self, path: str, certificate: str = "good") -> str:
        """An address on TLS; certificates: `good`, `expired`, `elsewhere`."""
        return f"https://127.0.0.1:{self.tls_ports[certificate]}/{path}"

    def publish(self, name: str, data: bytes) -> None:
        """Put a file in place at once, with a time of its own even within one second."""
        second = next(_SECONDS)
        beside = self.files / f".{name}.{second}"
        beside.write_bytes(data)
        os.utime(beside, (second, second))
        beside.rename(self.files / name)


@contextmanager
def running(folder: Path) -> Iterator[Nginx]:
    """Run nginx until the end of the `with`."""
    first, *more = free_ports(1 + len(_CERTIFICATES))
    server = Nginx(folder / "files", folder / "authority.pem", first, dict(zip(_CERTIFICATES, more, strict=True)))
    server.files.mkdir()
    _make_certificates(folder)
    hold(folder / "users", f"{USER}:{{PLAIN}}{PASSWORD}\n")
    (folder / "nginx.conf").write_text(_config(folder, server))
    program = shutil.which("nginx") or "/usr/sbin/nginx"
    process = subprocess.Popen([program, "-e", folder / "error.log", "-p", folder, "-c", folder / "nginx.conf"])
    try:
        for port in (server.port, *server.tls_ports.values()):
            await_server(process, partial(listens, port), folder / "error.log")
        yield server
    finally:
        end(process)


def _config(folder: Path, server: Nginx) -> str:
    tls = "".join(
        f"server {{ listen 127.0.0.1:{port} ssl; ssl_certificate {name}.pem; ssl_certificate_key {name}.key;"
        f" root {server.files}; location ~ ^/downgrade/(.*)$ {{ return 302 http://127.0.0.1:$1/y; }} }}\n"
        for name, port in server.tls_ports.items()
    )
    temporary = "".join(
        f"{kind}_temp_path {folder}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    return f"""
daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log;
events {{ }}
http {{
  access_log {folder}/access.log; default_type application/octet-stream; {temporary}
  index index.json; types {{ application/vnd.pypi.simple.v1+json json; }}
  server {{
    listen 127.0.0.1:{server.port}; root {server.files};
    location /no-etag/ {{ alias {server.files}/; etag off; }}
    location /private/ {{ alias {server.files}/; auth_basic here; auth_basic_user_file {folder}/users; }}
    location /mislabelled/ {{ alias {server.files}/; add_header Content-Encoding gzip; }}
    location /listed/ {{ alias {server.files}/; autoindex on; index none; }}
    location /slow/ {{ alias {server.files}/; limit_rate 400k; }}
  }}
  {tls}
}}
"""


def _make_certificates(folder: Path) -> None:
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    usage = ("-addext", "keyUsage=critical,keyCertSign,cRLSign")  # Python 3.13 believes no authority without it
    made = ("-keyout", "authority.key", "-out", "authority.pem")
    _openssl(folder, "req", "-x509", *key, *usage, "-subj", "/CN=tests", *made)
    for name, (names, days) in _CERTIFICATES.items():
        _openssl(folder, "req", *key, "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.csr")
        (folder / f"{name}.ext").write_text(f"subjectAltName={names}\nauthorityKeyIdentifier=keyid\n")
        signed = ("-CA", "authority.pem", "-CAkey", "authority.key", "-CAcreateserial", "-extfile", f"{name}.ext")
        _openssl(folder, "x509", "-req", "-in", f"{name}.csr", *signed, "-days", days, "-out", f"{name}.pem")


def _openssl(folder: Path, *arguments: str) -> None:
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True, timeout=120)
