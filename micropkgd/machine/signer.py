"""Signs what passes publish, with the key that the machine's config names: by `ssh-keygen`, and nobody is asked.

Rule: where the key has a passphrase that no agent knows, nothing is signed, and so nothing is published.
"""

import os

from micropkgd.annotations import BinaryIO, Final
from micropkgd.errors import UsageError
from micropkgd.machine.unasked import answer_unasked, program_beside
from micropkgd.model.signers import NAMESPACE
from micropkgd.model.tree import Digest
from micropkgd.named_tuples import NamedTuple
from micropkgd.sources.sshsig import AT_MOST, SignatureFormatError, SshSignature

_PATIENCE: Final = 30.0  # seconds: an agent may ask for a finger
_AGENT: Final = ("SSH_AUTH_SOCK",)


class SigningKey(NamedTuple):
    """A key, for the archives of one project."""

    key: str  # its file
    root: str

    def sign(self, stream: BinaryIO, digest: Digest) -> bytes:
        """The signature of an archive; `UsageError` where there is none."""
        program = program_beside("ssh-keygen", self.root)
        if program is None:
            raise UsageError("`ssh-keygen` was not found", hint="install the client of OpenSSH")
        words = [program, *words_to_sign(self.key)]
        said = answer_unasked(words, self.root, stream, patience=_PATIENCE, largest=AT_MOST, inherited=_AGENT)
        if said is None:
            hint = "a key with a passphrase needs an agent (SSH_AUTH_SOCK); `micropkgd publish` asks for it"
            raise UsageError("`ssh-keygen` did not sign by the machine's `signing-key`", where=self.key, hint=hint)
        return fitting(said, digest, self.key)


def words_to_sign(key: str) -> list[str]:
    """What `ssh-keygen` is told; `UsageError` where there is no such key."""
    path = os.path.abspath(os.path.expanduser(key))
    if not os.path.isfile(path):
        raise UsageError("there is no such key", where=key, hint="`ssh-keygen -t ed25519` makes one")
    return ["-q", "-Y", "sign", "-n", NAMESPACE, "-O", "hashalg=sha256", "-f", path]


def fitting(said: bytes, digest: Digest, key: str) -> bytes:
    """What `ssh-keygen` said, which is a signature of the archive; `UsageError` where it is something else."""
    try:
        fits = SshSignature.of_file(said).signs(digest)
    except SignatureFormatError as error:
        raise UsageError(f"what `ssh-keygen` made does not count: {error}", where=key) from error
    if not fits:
        raise UsageError("what `ssh-keygen` made does not fit the archive", where=key)
    return said
