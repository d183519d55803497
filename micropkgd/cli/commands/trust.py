"""`trust`: in which projects the service may act that only a glob of its config finds."""

from collections.abc import Iterator, Sequence
from types import SimpleNamespace as Namespace

from micropkgd.actions.review import Review, review
from micropkgd.cli.lines import plain
from micropkgd.cli.machine import tell_service
from micropkgd.cli.paths import projects_at
from micropkgd.cli.say import local, say_json, say_words
from micropkgd.machine import trust as trusting


def trust(options: Namespace) -> int:
    """Trust projects, take trust back, or list those that have it."""
    if options.listed:
        return _list(options)
    roots = projects_at(*(options.folders or ["."]))
    return _revoke(options, roots) if options.revoke else _trust(options, roots)


def _trust(options: Namespace, roots: Sequence[str]) -> int:
    reviews = [review(root) for root in roots]
    if not options.dry_run:
        trusting.trust(roots)
        for root in roots:
            tell_service(options, root, newly=True)
    if options.json:
        say_json(options, {"projects": [_document(one) for one in reviews]}, exit_code=0)
    else:
        verb = "would be trusted" if options.dry_run else "trusted"
        say_words(plain(line) for one in reviews for line in _lines(verb, one))
    return 0


def _revoke(options: Namespace, roots: Sequence[str]) -> int:
    taken = trusting.revoke(roots)
    for root in taken:
        tell_service(options, root)
    if options.json:
        say_json(options, {"projects": [{"project": root, "revoked": root in taken} for root in roots]}, exit_code=0)
    else:
        say_words(plain(f"{'no longer trusted' if root in taken else 'was not trusted'}: {root}") for root in roots)
    return 0


def _list(options: Namespace) -> int:
    found = trusting.trusted()
    if options.json:
        rows = [{"project": one.folder, "since": one.since, "stands": one.stands} for one in found]
        say_json(options, {"projects": rows}, exit_code=0)
    else:
        gone = "  (another folder stands there now, or none: it is asked about again)"
        say_words(plain(f"{local(one.since)}  {one.folder}{'' if one.stands else gone}") for one in found)
        if not found:
            say_words(["no folder is trusted; those that the config names without a wildcard need not be"])
    return 0


def _lines(verb: str, one: Review) -> Iterator[str]:
    yield f"{verb}: {one.root}"
    if one.problem:
        yield f"  its manifest cannot be read: {one.problem}"
    for what, names in (
        ("pulls from", one.pulls_from),
        ("publishes to", one.publishes_to),
        ("reads of the environment", one.variables),
    ):
        if names:
            yield f"  {what}: {', '.join(names)}"


def _document(one: Review) -> dict[str, object]:
    return {
        "project": one.root,
        "pulls_from": list(one.pulls_from),
        "publishes_to": list(one.publishes_to),
        "variables": list(one.variables),
        "problem": one.problem or None,
    }
