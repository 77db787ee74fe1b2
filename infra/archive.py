"""Write a zip whose bytes depend on its content and nothing else, and that Lambda starts fast."""

import os
import zipfile
from collections.abc import Mapping
from pathlib import Path

from infra.template import BuildError

#: Lambda takes 50 and 250. What doubles by accident should not be found out by its cold starts.
MAX_ZIPPED_MB = 5
MAX_UNZIPPED_MB = 20

#: The earliest moment a zip can say.
_EPOCH = (1980, 1, 1, 0, 0, 0)

#: A plain file that everyone may read: Lambda unpacks as one user and runs as another.
_MODE = 0o100644


def write_zip(entries: Mapping[str, Path], *, target: Path) -> None:
    """
    Write the files under their names, so that equal content makes equal bytes.

    Raises:
        BuildError: it would be larger than we allow; what *target* was before stays.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = target.with_name(f"{target.name}.{os.getpid()}")
    try:
        with zipfile.ZipFile(fresh, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
            for name, path in sorted(entries.items()):
                entry = zipfile.ZipInfo(name, date_time=_EPOCH)
                entry.create_system = 3  # Unix, whose modes these are
                entry.external_attr = _MODE << 16
                entry.compress_type = zipfile.ZIP_DEFLATED
                archive.writestr(entry, path.read_bytes())
        _check_size("zipped", fresh.stat().st_size, max_mb=MAX_ZIPPED_MB)
        _check_size("unzipped", unzipped_bytes(fresh), max_mb=MAX_UNZIPPED_MB)
        fresh.replace(target)
    finally:
        fresh.unlink(missing_ok=True)


def unzipped_bytes(path: Path) -> int:
    """Return how large the content of a zip is."""
    with zipfile.ZipFile(path) as archive:
        return sum(entry.file_size for entry in archive.infolist())


def has_bytecode(path: Path) -> bool:
    """Tell whether somebody compiled what is in a zip."""
    with zipfile.ZipFile(path) as archive:
        return any(name.endswith(".pyc") for name in archive.namelist())


def _check_size(how: str, size: int, *, max_mb: int) -> None:
    if size > max_mb * 1_000_000:
        raise BuildError(f"the package has {size / 1e6:.1f} MB {how}; it may have {max_mb}")
