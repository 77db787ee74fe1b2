"""
Say what a package is made of, in CycloneDX: https://cyclonedx.org/specification/overview/.

The same zip makes the same bill: it has no time, and its number comes from its content.
"""

import hashlib
import json
import uuid
from collections.abc import Sequence
from email.message import Message
from email.parser import HeaderParser
from pathlib import Path

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import License
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL
from packaging.utils import canonicalize_name


def write_bill(distributions: Sequence[Path], *, artifact: Path, target: Path) -> None:
    """Write to *target* which distributions, given by their metadata, are in *artifact*."""
    digest = hashlib.sha256(artifact.read_bytes()).hexdigest()
    packages = [_component(distribution) for distribution in distributions]
    whole = Component(
        name="ses-blocklist",
        type=ComponentType.APPLICATION,
        bom_ref="ses-blocklist",
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=digest)],
    )
    number = uuid.uuid5(uuid.NAMESPACE_URL, f"urn:sha256:{digest}")
    bill = Bom(serial_number=number, components=packages)
    bill.metadata.component = whole
    bill.register_dependency(whole, packages)
    document = json.loads(JsonV1Dot6(bill).output_as_string())
    del document["metadata"]["timestamp"]
    target.write_text(json.dumps(document, indent=2, sort_keys=True) + "\n")


def _component(distribution: Path) -> Component:
    metadata = HeaderParser().parsestr((distribution / "METADATA").read_text())
    name, version = metadata["Name"], metadata["Version"]
    url = PackageURL("pypi", name=canonicalize_name(name), version=version)
    return Component(
        name=name,
        version=version,
        type=ComponentType.LIBRARY,
        purl=url,
        bom_ref=str(url),
        licenses=[_licence(metadata)],
    )


def _licence(metadata: Message) -> License:
    named = metadata["License-Expression"] or metadata["License"]
    return LicenseFactory().make_from_string(named)
