"""The rule that a project never pulls again what it publishes, which would change for ever. Pure."""

from micropkgd.annotations import TYPE_CHECKING
from micropkgd.model.distribution_name import normalised
from micropkgd.model.fields import ManifestError
from micropkgd.model.publish import ArchiveFolder, name_in, places_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from micropkgd.model.package_entry import PackageEntry
    from micropkgd.model.pull_entry import PullEntry


def refuse_pulled_again(pulls: "Iterable[PullEntry]", packages: "Iterable[PackageEntry]") -> None:
    """`ManifestError` names the first entry that pulls what a package entry publishes."""
    by_name: dict[tuple[ArchiveFolder, str], PackageEntry] = {}
    by_module: dict[tuple[ArchiveFolder, str], PackageEntry] = {}
    for package in packages:
        for place in package.publish.places if package.publish is not None else ():
            by_name.setdefault((place, normalised(package.alias or package.module.rpartition(".")[2])), package)
            by_module.setdefault((place, package.module), package)
    for pull in pulls:
        # A pulled module is packaged under the name it came with.
        module = "" if pull.alias is None else ".".join((*pull.destination, pull.alias))
        for place in places_of(pull.ref, pull.index_url):
            again = by_name.get((place, normalised(name_in(pull.ref)))) or by_module.get((place, module))
            if again is not None and again.publish is not None:
                cycle = f"`{again.module}` -> `{again.publish.text}` -> `{pull.ref.text}`"
                raise ManifestError(
                    f"a cycle: {cycle} is published by this project and pulled by it again",
                    (*pull.home, pull.ref.text),
                    other=(*again.home, again.module),
                    hint="remove the pull entry, or publish elsewhere",
                )
