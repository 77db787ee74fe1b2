"""
An HTTP server whose connections can be broken on purpose: one thread each, kept alive.

The standard library's server ends every connection politely; this one must also be able to reset.
"""

import socket
import ssl
import struct
import threading
from collections.abc import Callable
from contextlib import suppress

from local.tencent.messages import HttpRequest, read_request

#: On, for no time: closing the socket then sends a reset instead of an orderly end.
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Connection:
    """One accepted connection, and what an answer may do to it."""

    def __init__(self, accepted: socket.socket, *, number: int, ended: threading.Event) -> None:
        accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket = accepted
        self.number = number
        self.is_open = True
        self._ended = ended

    def send(self, data: bytes) -> None:
        """Send *data* in one piece: two writes cost 44 ms of delayed acknowledgement."""
        self.socket.sendall(data)

    def pause(self, seconds: float | None) -> bool:
        """Wait, without *seconds* for ever; True when the server ended meanwhile."""
        return self._ended.wait(seconds)

    def close(self) -> None:
        """Read no more from it, and end it after what was sent."""
        self.is_open = False
        with suppress(OSError):  # the client or its own thread was faster
            self.socket.shutdown(socket.SHUT_RD)

    def reset(self) -> None:
        """End it at once, with a reset."""
        with suppress(OSError):  # as above
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        self.close()


Respond = Callable[[HttpRequest, Connection], None]


class HttpServer:
    """
    Listens on 127.0.0.1 from its construction until it is stopped, once.

    *number* is asked for the number of each connection accepted; with *tls* each is encrypted.
    """

    def __init__(
        self,
        respond: Respond,
        *,
        port: int,
        number: Callable[[], int],
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._respond = respond
        self._tls = tls
        self._number = number
        self._ended = threading.Event()
        self._serving: dict[threading.Thread, Connection] = {}
        self._listener = socket.create_server(("127.0.0.1", port))
        self.port: int = self._listener.getsockname()[1]
        self._acceptor = threading.Thread(target=self._accept, daemon=True)
        self._acceptor.start()

    def stop(self) -> None:
        """Refuse new connections, reset the open ones and wait for every thread to end."""
        self._ended.set()
        # A last connection wakes the acceptor: closing a socket under accept() does not everywhere.
        with suppress(OSError):  # refused only if others already wait to be accepted
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
        self._acceptor.join()
        self._listener.close()
        for thread, connection in list(self._serving.items()):
            connection.reset()
            thread.join()

    def _accept(self) -> None:
        while True:
            accepted, _ = self._listener.accept()
            if self._ended.is_set():
                accepted.close()
                return
            if self._tls:  # hands are shaken at the first read, in the connection's own thread
                accepted = self._tls.wrap_socket(
                    accepted, server_side=True, do_handshake_on_connect=False
                )
            connection = Connection(accepted, number=self._number(), ended=self._ended)
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            self._serving[thread] = connection
            thread.start()

    def _serve(self, connection: Connection) -> None:
        with (
            connection.socket,
            connection.socket.makefile("rb") as stream,
            suppress(ConnectionError, ssl.SSLError),  # the client left: its right
        ):
            while connection.is_open and (request := read_request(stream)):
                self._respond(request, connection)
                if request.headers.get("connection", "").lower() == "close":
                    break
            if self._ended.is_set():
                connection.reset()
        del self._serving[threading.current_thread()]
