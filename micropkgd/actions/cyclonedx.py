"""The bill of materials (SBOM) of the code that was copied into a project, in CycloneDX, by its own library.

Rules: no clock, no chance. The serial number is made of the content, and there is no time but that of
SOURCE_DATE_EPOCH, so that the same lock, tree and archives give the same bytes. A copy that was edited is another
component than the one that was published: it says so in its pedigree, with the published one as its ancestor. Words of
ours are properties.
"""

from collections.abc import Iterator
from datetime import UTC, datetime

from micropkgd import __version__
from micropkgd.actions.copied import CopiedCode, CopiedPackage, in_order
from micropkgd.annotations import TYPE_CHECKING, Final
from micropkgd.errors import UsageError
from micropkgd.model.distribution_name import normalised

if TYPE_CHECKING:
    from cyclonedx.model import Property
    from cyclonedx.model.bom import Bom
    from cyclonedx.model.component import Component, Pedigree
    from packageurl import PackageURL

_PREFIX: Final = "micropkgd"
_PYPI: Final = "https://pypi.org/simple"


def cyclonedx(code: CopiedCode, epoch: int | None) -> str:
    """The document, version 1.6 as JSON; `UsageError` where the library is not installed."""
    try:
        from cyclonedx.output.json import JsonV1Dot6
    except ImportError as error:
        hint = "install micropkgd with its extra `sbom`, as in `pip install '.[sbom]'` from a checkout"
        raise UsageError(
            "a CycloneDX document needs cyclonedx-python-lib, which is not installed", hint=hint
        ) from error
    from hashlib import sha256
    from uuid import NAMESPACE_URL, UUID, uuid5

    bom = _bom(code)
    bom.metadata.timestamp = datetime.fromtimestamp(epoch, UTC) if epoch is not None else None  # type: ignore[assignment]
    bom.serial_number = UUID(int=0)
    content = JsonV1Dot6(bom).output_as_string()
    bom.serial_number = uuid5(NAMESPACE_URL, f"{_PREFIX}:{sha256(content.encode()).hexdigest()}")
    return JsonV1Dot6(bom).output_as_string(indent=2) + "\n"


def _bom(code: CopiedCode) -> "Bom":
    from cyclonedx.model.bom import Bom
    from cyclonedx.model.component import Component, ComponentType

    bom = Bom()
    bom.metadata.tools.components.add(
        Component(name="micropkgd", version=__version__, type=ComponentType.APPLICATION, bom_ref="micropkgd")
    )
    project = Component(
        name=code.name, version=code.version or None, type=ComponentType.APPLICATION, bom_ref="project"
    )  # fmt: skip
    bom.metadata.component = project
    components = [_component(one) for one in in_order(code)]
    bom.components.update(components)
    bom.register_dependency(project, components)
    return bom


def _component(one: CopiedPackage) -> "Component":
    component = _published(one, str(one.version.target))
    if one.edited or one.missing:
        component.hashes.clear()  # which are those of what was published
        component.pedigree = _pedigree(one)
    component.properties.update(_property(name, value) for name, value in _said(one) if value)
    return component


def _published(one: CopiedPackage, bom_ref: str) -> "Component":
    """The package as its archive is."""
    from cyclonedx.model import ExternalReference, ExternalReferenceType, HashAlgorithm, HashType, XsUri
    from cyclonedx.model.component import Component, ComponentType

    version = one.version
    digest = HashType(alg=HashAlgorithm.SHA_256, content=version.archive.partition(":")[2])
    component = Component(
        name=one.name, version=version.version, type=ComponentType.LIBRARY, bom_ref=bom_ref, purl=_purl(one),
        hashes=[digest],
        external_references=[
            ExternalReference(type=ExternalReferenceType.DISTRIBUTION, url=XsUri(version.url), hashes=[digest])
        ],
    )  # fmt: skip
    if one.stated is None:
        return component
    if one.stated.repository:
        vcs = ExternalReference(type=ExternalReferenceType.VCS, url=XsUri(one.stated.repository))
        component.external_references.add(vcs)
    _add_licenses(component, one.stated.licenses)
    return component


def _add_licenses(component: "Component", names: tuple[str, ...]) -> None:
    """One expression, or any number of named ones: the format has no place for both."""
    from cyclonedx.contrib.license.factories import LicenseFactory

    factory = LicenseFactory()
    if len(names) == 1:
        component.licenses.add(factory.make_from_string(names[0]))
    else:
        component.licenses.update(factory.make_with_name(name) for name in names)


def _pedigree(one: CopiedPackage) -> "Pedigree":
    from cyclonedx.model.component import Pedigree

    files = ", ".join([*one.edited, *(f"{path} (deleted)" for path in one.missing)])
    return Pedigree(
        ancestors=[_published(one, f"{one.version.target}#published")], notes=f"modified by the project: {files}"
    )


def _purl(one: CopiedPackage) -> "PackageURL":
    """Of PyPI where an index was asked, which is named unless it is the public one; else of the archive's address."""
    from packageurl import PackageURL

    version = one.version
    if not version.index_url.startswith(("https://", "http://")):
        where = {"checksum": version.archive, **({"download_url": version.url} if "://" in version.url else {})}
        return PackageURL("generic", None, one.name, version.version, where)
    index = version.index_url.rstrip("/")
    elsewhere = {} if index == _PYPI else {"repository_url": index}
    return PackageURL("pypi", None, normalised(one.name), version.version, elsewhere)


def _said(one: CopiedPackage) -> Iterator[tuple[str, str]]:
    block, version = one.block, one.version
    yield "ref", block.ref
    yield "target", version.target
    yield "state", one.state
    yield "locked", block.version if block.archive != version.archive else ""
    yield "waiting", one.waiting
    yield "by-hand", "true" if one.by_hand else ""
    yield "licence", "unknown: its archive was not at hand" if one.stated is None else ""
    yield from (("edited", path) for path in one.edited)
    yield from (("missing", path) for path in one.missing)
    yield from (("accepted", path) for path in block.edited)
    yield from (("requirement", line) for line in version.requirements)


def _property(name: str, value: str) -> "Property":
    from cyclonedx.model import Property

    return Property(name=f"{_PREFIX}:{name}", value=value)
