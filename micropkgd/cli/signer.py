"""Signs archives by `ssh-keygen` for who is at the terminal: it asks for a passphrase, or leaves that to an agent."""

from collections.abc import Callable, Mapping

from micropkgd.annotations import BinaryIO
from micropkgd.cli.programs import answer_to, find_program
from micropkgd.errors import UsageError
from micropkgd.machine.signer import fitting, words_to_sign
from micropkgd.model.tree import Digest


def signer(root: str, key: str, environ: Mapping[str, str]) -> Callable[[BinaryIO, Digest], bytes]:
    """What signs with a key, named by its file; the public half will do where an agent has the other."""
    program = find_program("ssh-keygen", root, environ)
    if program is None:
        raise UsageError("`ssh-keygen` was not found", hint="install the client of OpenSSH")
    words = [program, *words_to_sign(key)]

    def sign(stream: BinaryIO, digest: Digest) -> bytes:
        ended, said = answer_to(stream, words, environ)
        if ended != 0:
            raise UsageError(f"`ssh-keygen` did not sign: it ended with {ended}", where=key, hint="see what it said")
        return fitting(said, digest, key)

    return sign
