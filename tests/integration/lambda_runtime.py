"""
Lambda's own way to run a function: awslambdaric, and the service that it asks for events.

The API: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""

import json
import queue
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import IO, Any, cast

_SITE = Path(sysconfig.get_path("platlib"))
#: All that the runtime brings: its client and boto3, with what only they need. urllib3 and jmespath
#: are left out, though Lambda has them too: the functions' own must do.
_RUNTIME = (
    *("awslambdaric", "runtime_client.*", "simplejson", "snapshot_restore_py.py"),
    *("boto3", "botocore", "s3transfer", "dateutil", "six.py"),
)

#: The interpreter's own library lies between the functions and the runtime's packages, as there.
_BOOTSTRAP = """
import runpy, sys

task, runtime, handler = sys.argv[1:]
sys.path[:] = [task, *sys.path, runtime]
sys.argv[:] = ["bootstrap", handler]
runpy.run_module("awslambdaric", run_name="__main__", alter_sys=True)
"""

_PREFIX = "/2018-06-01/runtime"
_TIMEOUT_SECONDS = 60.0
_STOP = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What a function answered; *failed* when it raised or could not be loaded."""

    payload: Any
    failed: bool


class Function:
    """A function in its sandbox."""

    def __init__(self, service: "_Service", log: Path) -> None:
        self._service = service
        self._log = log

    def invoke(self, event: Mapping[str, Any]) -> Answer:
        """Hand over *event*, and wait for the answer."""
        self._service.events.put(json.dumps(event).encode())
        return self.answer()

    def answer(self) -> Answer:
        """Wait for what the function says, which may be that it cannot even start."""
        try:
            return self._service.answers.get(timeout=_TIMEOUT_SECONDS)
        except queue.Empty:
            raise AssertionError(f"no answer; it wrote:\n{self.log}") from None

    @property
    def log(self) -> str:
        """Everything that it wrote."""
        return self._log.read_text()


@contextmanager
def running_function(
    handler: str, *, task: Path, folder: Path, environment: Mapping[str, str]
) -> Iterator[Function]:
    """
    Run *handler* from the unpacked zip *task*, with nothing else at hand.

    No environment but the given one, no package but the runtime's. *folder* is for what it needs.
    """
    runtime, log = folder / "runtime", folder / f"{handler}.log"
    runtime.mkdir(exist_ok=True)
    for path in (path for pattern in _RUNTIME for path in _SITE.glob(pattern)):
        link = runtime / path.name
        if not link.exists():
            link.symlink_to(path)
    with _serving() as service, log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 - our own interpreter, our own functions
            [sys.executable, "-I", "-S", "-c", _BOOTSTRAP, str(task), str(runtime), handler],
            cwd=task,
            env={**_reserved(handler, task=task, port=service.server_port), **environment},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
        try:
            yield Function(service, log)
        finally:
            process.kill()
            process.wait()


def _reserved(handler: str, *, task: Path, port: int) -> dict[str, str]:
    """https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime."""
    return {
        "_HANDLER": handler,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
        "AWS_LAMBDA_FUNCTION_NAME": "function",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/function",
        "AWS_LAMBDA_LOG_STREAM_NAME": "stream",
        "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{port}",
        "LAMBDA_TASK_ROOT": str(task),
    }


class _Service(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Request)
        self.events: queue.Queue[bytes | None] = queue.Queue()
        self.answers: queue.Queue[Answer] = queue.Queue()

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: a function that is ended leaves its connection in the middle."""


@contextmanager
def _serving() -> Iterator[_Service]:
    service = _Service()
    thread = Thread(target=service.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield service
    finally:
        service.events.put(_STOP)
        service.shutdown()
        thread.join()
        service.server_close()


class _Request(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one packet

    def do_GET(self) -> None:
        """Give the next event, once there is one."""
        assert self.path == f"{_PREFIX}/invocation/next"
        event = self._service.events.get()
        if event is _STOP:
            self.close_connection = True
            return
        deadline_ms = int((time.time() + _TIMEOUT_SECONDS) * 1000)
        self._reply(
            200,
            event,
            {
                "Lambda-Runtime-Aws-Request-Id": "11111111-2222-3333-4444-555555555555",
                "Lambda-Runtime-Deadline-Ms": str(deadline_ms),
                "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:r:000000000000:function:f",
                "Content-Type": "application/json",
            },
        )

    def do_POST(self) -> None:
        """Take an answer, or an error."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self._reply(202, b"", {})
        failed = self.path.endswith("/error")
        self._service.answers.put(Answer(json.loads(body), failed))

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its own name
        """Say nothing."""

    @property
    def _service(self) -> _Service:
        return cast("_Service", self.server)

    def _reply(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        cast("IO[bytes]", self.wfile).write(body)
        self.wfile.flush()
