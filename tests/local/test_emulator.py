"""The emulator's start, and its end in every way there is."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import local.emulator
from local.aws import Aws
from local.emulator import Emulator, EmulatorError
from local.stack import deploy
from tests.local.templates import make_artifact, make_template
from tests.local.waiting import wait_until

if TYPE_CHECKING:
    from types_boto3_sqs import SQSClient

ROOT = Path(__file__).resolve().parents[2]

#: Has a function called, so that there is a worker, and tells of the processes to outlive.
OWNER = """
import json, sys, time
from pathlib import Path
from local.emulator import Emulator
from local.stack import deploy
with Emulator(region="eu-west-1") as aws:
    stack = deploy(aws, json.loads(sys.argv[1]), Path(sys.argv[2]), {"TencentSesEndpoint": "e"})
    answer = aws.client("lambda").invoke(FunctionName=stack.outputs["Function"])
    print(answer["Payload"].read().decode(), flush=True)
    time.sleep(600)
"""

#: What the worker says: its group, its id, and the emulator's temporary folder.
WORKER = """
import os
def handler(event, context):
    return [os.getpgid(0), os.getpid(), os.environ["TMPDIR"]]
"""


PARAMETERS = {"TencentSesEndpoint": "e"}

#: Says more than can be read in the moment after its answer.
TALKATIVE = """
import sys
def handler(event, context):
    sys.stderr.write("line\\n" * 300_000 + f"the last of {event}\\n")
"""


def is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


#: Stands for `make`: waits for what it runs.
MAKE = "import subprocess, sys; subprocess.run([sys.executable, '-c', *sys.argv[1:]])"


@pytest.mark.integration
@pytest.mark.parametrize("killed", [["-c", OWNER], ["-c", MAKE, OWNER]], ids=["owner", "make"])
def test_nothing_is_left_after_a_kill(tmp_path: Path, killed: list[str]) -> None:
    """Neither the emulator, nor the functions' processes, nor a file."""
    with subprocess.Popen(  # noqa: S603 - our own code
        [
            sys.executable,
            *killed,
            json.dumps(make_template()),
            str(make_artifact(tmp_path, WORKER)),
        ],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        group, worker, folder = json.loads(process.stdout.readline())
        assert is_alive(group)
        assert is_alive(worker)
        assert Path(folder).exists()

        process.kill()

        wait_until(lambda: not is_alive(group) and not is_alive(worker))
        wait_until(lambda: not Path(folder).exists())


@pytest.mark.integration
def test_root_makes_clients_of_an_empty_account(aws: Aws) -> None:
    sqs: SQSClient = aws.client("sqs")

    assert sqs.list_queues().get("QueueUrls", []) == []
    assert aws.endpoint_url.startswith("http://127.0.0.1:")


@pytest.mark.integration
def test_log_of_an_invocation_is_whole(aws: Aws, tmp_path: Path) -> None:
    """The emulator's own patience ends before: on a busy machine metrics were missing."""
    stack = deploy(aws, make_template(), make_artifact(tmp_path, TALKATIVE), PARAMETERS)
    function = stack.outputs["Function"]

    aws.client("lambda").invoke(FunctionName=function, Payload=json.dumps("it"))

    logs = aws.client("logs").filter_log_events(
        logGroupName=f"/aws/lambda/{function.rpartition(':')[2]}", filterPattern="last"
    )
    assert [event["message"] for event in logs["events"]] == ["the last of it"]


@pytest.mark.integration
def test_port_taken_meanwhile_is_tried_again_with_another(
    emulator: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor is the emulator that sits on the port taken for ours."""
    taken = int(emulator.endpoint_url.rpartition(":")[2])
    ports = [taken, local.emulator._free_port()]  # noqa: SLF001 - the race has no other handle
    free = iter(ports)
    monkeypatch.setattr("local.emulator._free_port", lambda: next(free))

    with Emulator(region="eu-west-1") as second:
        assert second.endpoint_url.endswith(f":{ports[1]}")


def test_missing_installation_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(EmulatorError, match="make setup"):
        Emulator(region="eu-west-1", python=tmp_path / "python").__enter__()


def test_failing_start_shows_the_end_of_the_log(tmp_path: Path) -> None:
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\necho no module named ministack\nexit 1\n")
    broken.chmod(0o755)

    with pytest.raises(EmulatorError, match=r"(?s)make setup.*no module named ministack"):
        Emulator(region="eu-west-1", python=broken).__enter__()


def test_start_without_an_answer_is_given_up(tmp_path: Path) -> None:
    silent = tmp_path / "python"
    silent.write_text("#!/bin/sh\necho still thinking\nexec sleep 600\n")
    silent.chmod(0o755)

    with pytest.raises(EmulatorError, match=r"(?s)did not answer.*still thinking"):
        Emulator(region="eu-west-1", python=silent, ready_within_seconds=0.2).__enter__()
