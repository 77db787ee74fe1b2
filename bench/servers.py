"""The doubles in processes of their own, so that their work is not counted as ours."""

import math
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

import certifi
import trustme

from bench.sandbox import SECRET_ID, SECRET_KEY
from bench.table import Table
from local.tencent import TencentDouble, faults
from local.tencent.server import HttpServer

#: As the API's page says, for all callers together.
DOCUMENTED_RATE = 20
NO_LIMIT = 1_000_000


@dataclass(frozen=True, slots=True)
class Seen:
    """One request as the double saw it: when, how many recipients, until when, and its answer."""

    started_at: float
    recipients: tuple[str, ...]
    until: str | None
    outcome: str


@dataclass(frozen=True, slots=True)
class Server:
    """A running double."""

    url: str
    _line: Connection

    def seen(self) -> list[Seen]:
        """Ask for every request so far."""
        self._line.send("seen")
        return [Seen(*one) for one in self._line.recv()]


@dataclass(frozen=True, slots=True)
class TableServer:
    """A running table, empty at first."""

    url: str
    bundle: str
    _line: Connection

    @property
    def environment(self) -> Mapping[str, str]:
        """What leads boto3 there, and lets it believe the certificate."""
        return {"AWS_ENDPOINT_URL_DYNAMODB": self.url, "AWS_CA_BUNDLE": self.bundle}

    def forget(self) -> tuple[int, int, int]:
        """Empty the table; give how many updates there were, their units, and what bytes stood."""
        self._line.send("forget")
        updates, units, stored = self._line.recv()
        return updates, units, stored


@contextmanager
def serving(
    *, latency_seconds: float = 0, requests_per_second: int = NO_LIMIT, tls: bool = False
) -> Iterator[Server]:
    """
    Serve as Tencent until the end of the `with`; each answer comes *latency_seconds* late.

    With *tls* the certificate's authority is trusted here, beside all others: loading those is
    what a new client pays for.
    """
    with TemporaryDirectory() as folder:
        certificate = _certify(Path(folder)) if tls else None
        bundle = str(Path(folder) / BUNDLE)
        with (
            _process(_serve, latency_seconds, requests_per_second, certificate) as line,
            patch.object(certifi, "where", lambda: bundle if tls else _WHERE()),
        ):
            yield Server(line.recv(), line)


@contextmanager
def serving_table() -> Iterator[TableServer]:
    """Serve as DynamoDB over TLS until the end of the `with`."""
    with TemporaryDirectory() as folder:
        certificate = _certify(Path(folder))
        with _process(_serve_table, certificate) as line:
            yield TableServer(line.recv(), str(Path(folder) / BUNDLE), line)


@contextmanager
def _process(target: Callable[..., None], *arguments: object) -> Iterator[Connection]:
    """Run *target* in a process with a line to us, which it gets before its *arguments*."""
    spawn = get_context("spawn")
    ours, theirs = spawn.Pipe()
    process = spawn.Process(target=target, args=(theirs, *arguments), daemon=True)
    process.start()
    theirs.close()  # so that its death is heard of
    try:
        yield ours
    finally:
        process.terminate()
        process.join()


BUNDLE = "bundle.pem"
_WHERE = certifi.where


def _certify(folder: Path) -> str:
    authority = trustme.CA()
    chain = folder / "server.pem"
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(chain))
    trusted = Path(_WHERE()).read_bytes() + authority.cert_pem.bytes()
    (folder / BUNDLE).write_bytes(trusted)
    return str(chain)


def _serve(line: Connection, latency: float, rate: int, certificate: str | None) -> None:
    with TencentDouble(
        secret_id=SECRET_ID,
        secret_key=SECRET_KEY,
        max_requests_per_second=rate,
        tls=_context(certificate) if certificate else None,
    ) as double:
        if latency:
            double.misbehave(faults.late(latency), times=math.inf)
        line.send(double.url)
        while line.recv() == "seen":
            line.send(
                [
                    (request.started_at, request.emails, request.expire_date, request.outcome)
                    for request in double.requests
                ]
            )


def _serve_table(line: Connection, certificate: str) -> None:
    table = Table()
    server = HttpServer(table.answer, port=0, number=count().__next__, tls=_context(certificate))
    line.send(f"https://127.0.0.1:{server.port}")
    while line.recv() == "forget":
        line.send(table.forget())


def _context(certificate: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context
