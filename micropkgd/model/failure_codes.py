"""The code of each kind of failure: what is written after `MPK` stays the same for ever, whatever the words become.

The first digit says who can help: 1 whoever asked, 2 the network or a server, 3 whoever published, 4 whoever owns the
tree or the code, 5 whoever must choose, 6 whoever owns the machine.
"""

from collections.abc import Mapping

from micropkgd.annotations import Final

CODES: Final[Mapping[str, str]] = {
    "Usage": "MPK101",
    "Document": "MPK102",
    "Manifest": "MPK103",
    "Settings": "MPK104",
    "OutOfStep": "MPK105",
    "Overlap": "MPK106",
    "Unreachable": "MPK201",
    "Throttled": "MPK202",
    "Denied": "MPK203",
    "Gone": "MPK204",
    "Refused": "MPK205",
    "Downloading": "MPK206",
    "OriginNotAllowed": "MPK207",
    "LoginWithheld": "MPK208",
    "Archive": "MPK301",
    "Corrupt": "MPK302",
    "Verification": "MPK303",
    "EmptyPackage": "MPK304",
    "Taken": "MPK305",
    "Unsigned": "MPK306",
    "BadSignature": "MPK307",
    "ForeignSignature": "MPK308",
    "Tree": "MPK401",
    "Code": "MPK402",
    "Unread": "MPK403",
    "DanglingImport": "MPK404",
    "RequirementsFile": "MPK405",
    "LinkInTheWay": "MPK406",
    "ContainsItself": "MPK407",
    "Unsettled": "MPK408",
    "Raced": "MPK409",
    "SparseCheckout": "MPK410",
    "Downgrade": "MPK501",
    "Rebuilt": "MPK502",
    "StillHeld": "MPK503",
    "Suspended": "MPK504",
    "Shortage": "MPK601",
    "ProjectBusy": "MPK602",
    "ForeignJournal": "MPK603",
    "Service": "MPK604",
    "Vetoed": "MPK605",
    "ProjectMissing": "MPK606",
    "Untrusted": "MPK607",
    "FoundByGlob": "MPK608",
    "FolderReplaced": "MPK609",
    "FolderMoved": "MPK610",
    "TrustNotOurs": "MPK611",
    "TrustUnreadable": "MPK612",
    "Bug": "MPK699",
}


def code_of(reason: str) -> str:
    """The code of a reason; empty where it is of a later version. `ArchiveRejected/not-gzip` is one of `Archive`."""
    return CODES.get(reason.partition("/")[0].removesuffix("Rejected"), "")
