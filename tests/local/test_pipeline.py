"""What stands between the package and a running pipeline."""

from pathlib import Path

import pytest

from local.pipeline import read_template


def test_missing_package_says_how_to_build_it(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="make package PLATFORM=local"):
        read_template(tmp_path)
