"""Tencent's double in a process of its own, so that its work is not counted as ours."""

import math
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

import certifi
import trustme

from bench.sandbox import SECRET_ID, SECRET_KEY
from local.tencent import TencentDouble, faults

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


@contextmanager
def serving(
    *, latency_seconds: float = 0, requests_per_second: int = NO_LIMIT, tls: bool = False
) -> Iterator[Server]:
    """
    Serve until the end of the `with`; each answer comes *latency_seconds* late.

    With *tls* the certificate's authority is trusted here, beside all others: loading those is
    what a new client pays for.
    """
    with TemporaryDirectory() as folder:
        certificate = _certify(Path(folder)) if tls else None
        spawn = get_context("spawn")
        ours, theirs = spawn.Pipe()
        process = spawn.Process(
            target=_serve,
            args=(theirs, latency_seconds, requests_per_second, certificate),
            daemon=True,
        )
        process.start()
        theirs.close()  # so that its death is heard of
        try:
            bundle = str(Path(folder) / "bundle.pem")
            with patch.object(certifi, "where", lambda: bundle if tls else _WHERE()):
                yield Server(ours.recv(), ours)
        finally:
            process.terminate()
            process.join()


_WHERE = certifi.where


def _certify(folder: Path) -> str:
    authority = trustme.CA()
    chain = folder / "server.pem"
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(chain))
    trusted = Path(_WHERE()).read_bytes() + authority.cert_pem.bytes()
    (folder / "bundle.pem").write_bytes(trusted)
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


def _context(certificate: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context
