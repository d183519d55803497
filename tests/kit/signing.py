"""Keys and signatures of real people, made by the real `ssh-keygen`."""

import subprocess
from pathlib import Path


class Person:
    """Somebody who can sign."""

    def __init__(self, folder: Path, identity: str, *kind: str) -> None:
        self.identity = identity
        self.key = folder / identity.replace("@", "-at-")
        folder.mkdir(parents=True, exist_ok=True)
        keygen("-q", "-N", "", "-C", "no one", "-f", str(self.key), *(kind or ("-t", "ed25519")))

    @property
    def line(self) -> str:
        """The person's line in a file of allowed signers."""
        kind, key, *_ = self.key.with_name(f"{self.key.name}.pub").read_text().split()
        return f"{self.identity} {kind} {key}"

    def sign(self, archive: Path, *options: str, namespace: str = "micropkgd", hashed: str = "sha256") -> Path:
        """Sign an archive: the signature lies beside it."""
        beside = archive.with_name(f"{archive.name}.sig")
        beside.unlink(missing_ok=True)
        how = ["-O", f"hashalg={hashed}", *options]
        keygen("-q", "-Y", "sign", "-f", str(self.key), "-n", namespace, *how, str(archive))
        return beside


def keygen(*words: str) -> str:
    """What `ssh-keygen` prints."""
    return subprocess.run(["ssh-keygen", *words], check=True, capture_output=True, text=True).stdout
