"""
Start `block_recipients` on paper: with the settings of a template and the policy of a package.

What it would refuse, it refuses before anything is deployed: afterwards mail waits for days.
"""

import zipfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Any

from functions.blocklist.adapters.policies import PolicyError, load_policy
from functions.blocklist.config import BlockSettings, read_block_settings

_POLICIES = PurePosixPath("functions/blocklist/policies")


def settings_of(template: Mapping[str, Any], *, artifact: Path) -> BlockSettings:
    """
    Give the settings that *template* starts it with, once its policy is found in *artifact*.

    Raises:
        ValueError: it would refuse them, or stand still for want of a policy; the text is for
            whoever deploys.
    """
    try:
        settings = read_block_settings(_environment(template))
        _load_policy(settings.policy_file, artifact=artifact)
    except PolicyError as error:
        raise ValueError(
            f"block_recipients would not start with this policy:\n  {error}\n"
            f"Mend it in {_POLICIES}, or name another as the parameter policyFile "
            "(docs/policy.md), then build again."
        ) from None
    except ValueError as error:
        raise ValueError(f"block_recipients would not start: {error}") from None
    return settings


def _environment(template: Mapping[str, Any]) -> Mapping[str, str]:
    """Do what CloudFormation does: a parameter's default, any other reference some name."""
    consumer = template["Resources"]["BlockRecipientsLambdaFunction"]["Properties"]
    defaults = {
        name: part["Default"] for name, part in template["Parameters"].items() if "Default" in part
    }
    return {
        name: value if isinstance(value, str) else defaults.get(value["Ref"], "known once deployed")
        for name, value in consumer["Environment"]["Variables"].items()
    }


def _load_policy(name: str, *, artifact: Path) -> None:
    """Load *name* from what is shipped: a zip that was built elsewhere has what it had then."""
    with zipfile.ZipFile(artifact) as archive, TemporaryDirectory(prefix="policies-") as folder:
        for member in map(PurePosixPath, archive.namelist()):
            if member.parent == _POLICIES:
                (Path(folder) / member.name).write_bytes(archive.read(str(member)))
        load_policy(name, folder=Path(folder))
