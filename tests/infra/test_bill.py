"""infra/bill.py: what a package is made of, for whoever must know which of them is affected."""

import hashlib
import json
from pathlib import Path

import pytest

from infra.bill import write_bill
from infra.package import DIST
from infra.requirements import pinned
from infra.wheels import LAMBDA, REQUIREMENTS, distributions, installed_packages


@pytest.fixture
def artifact(tmp_path: Path) -> Path:
    path = tmp_path / "functions.zip"
    path.write_bytes(b"a zip")
    return path


def test_bill_names_all_that_is_shipped(artifact: Path, tmp_path: Path) -> None:
    packages = installed_packages(LAMBDA, cache=DIST / "packages")

    write_bill(distributions(packages), artifact=artifact, target=tmp_path / "sbom.json")

    bill = json.loads((tmp_path / "sbom.json").read_text())
    assert {part["purl"] for part in bill["components"]} == {
        f"pkg:pypi/{name}@{version}"
        for name, versions in pinned(REQUIREMENTS).items()
        for version in versions
    }
    assert all(part["licenses"] for part in bill["components"])


def test_bill_is_that_of_this_zip_and_no_other(artifact: Path, tmp_path: Path) -> None:
    """Whoever keeps both can tell later that they belong together."""
    write_bill([], artifact=artifact, target=tmp_path / "sbom.json")

    bill = json.loads((tmp_path / "sbom.json").read_text())
    digest = hashlib.sha256(b"a zip").hexdigest()
    assert bill["bomFormat"] == "CycloneDX"
    assert bill["metadata"]["component"]["hashes"] == [{"alg": "SHA-256", "content": digest}]


def test_same_zip_makes_the_same_bill(artifact: Path, tmp_path: Path) -> None:
    packages = distributions(installed_packages(LAMBDA, cache=DIST / "packages"))

    write_bill(packages, artifact=artifact, target=tmp_path / "one.json")
    write_bill(packages, artifact=artifact, target=tmp_path / "two.json")

    assert (tmp_path / "one.json").read_bytes() == (tmp_path / "two.json").read_bytes()
