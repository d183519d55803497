"""Signs archives by `ssh-keygen`: it reads the key, asks for a passphrase, or leaves that to an agent. We read none."""

import os
from collections.abc import Callable, Mapping
from typing import BinaryIO

from micropkgd.cli.programs import answer_to, find_program
from micropkgd.errors import UsageError
from micropkgd.model.signers import NAMESPACE
from micropkgd.model.tree import Digest
from micropkgd.sources.sshsig import SignatureFormatError, SshSignature


def signer(root: str, key: str, environ: Mapping[str, str]) -> Callable[[BinaryIO, Digest], bytes]:
    """What signs with a key, named by its file; the public half will do where an agent has the other."""
    program = find_program("ssh-keygen", root, environ)
    if program is None:
        raise UsageError("`ssh-keygen` was not found", hint="install the client of OpenSSH")
    if not os.path.isfile(key):
        raise UsageError("there is no such key", where=key, hint="`ssh-keygen -t ed25519` makes one")
    words = [program, "-q", "-Y", "sign", "-n", NAMESPACE, "-O", "hashalg=sha256", "-f", os.path.abspath(key)]

    def sign(stream: BinaryIO, digest: Digest) -> bytes:
        ended, said = answer_to(stream, words, environ)
        if ended != 0:
            raise UsageError(f"`ssh-keygen` did not sign: it ended with {ended}", where=key, hint="see what it said")
        try:
            fits = SshSignature.of_file(said).signs(digest)
        except SignatureFormatError as error:
            raise UsageError(f"what `ssh-keygen` made does not count: {error}", where=key) from error
        if not fits:
            raise UsageError("what `ssh-keygen` made does not fit the archive", where=key)
        return said

    return sign
