"""The callback's tokens: read once, refreshed, never forgotten because a read failed."""

import hashlib
import hmac
import time
from collections.abc import Callable, Sequence

from functions.blocklist.domain.errors import ConfigurationError, RetryLaterError
from functions.blocklist.services.ports import TokenMatch

MIN_TOKEN_CHARACTERS = 16
REFRESH_SECONDS = 300.0
#: Also how soon a read that failed is repeated. While no list was ever read, every request reads.
REREAD_SECONDS = 30.0


class RotatingTokens:
    """
    Accepts every token of a list that an operator changes while requests arrive.

    *read* gives the list, comma-separated, the current token first. It is read at first use and
    every five minutes; when a read fails the last good list stays. A token not known is looked for
    once more in a fresh list, at most every 30 s, so that a rotation loses nothing. Only digests
    are kept and compared, so that neither time nor a stack trace tells a token.
    """

    def __init__(
        self, read: Callable[[], str], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._read = read
        self._clock = clock
        self._digests: Sequence[bytes] = ()
        self._refresh_at = float("-inf")
        self._reread_at = float("-inf")

    def match(self, candidate: bytes) -> TokenMatch:
        """
        Compare in constant time with every accepted token.

        Raises:
            UnavailableError, ConfigurationError: no list could ever be read.
        """
        digest = hashlib.sha256(candidate).digest()
        now = self._clock()
        if now >= self._refresh_at:
            self._refresh(now)
            return self._compare(digest)
        match = self._compare(digest)
        if match is TokenMatch.NONE and now >= self._reread_at:
            self._reread_at = now + REREAD_SECONDS
            self._refresh(now)
            match = self._compare(digest)
        return match

    def _compare(self, digest: bytes) -> TokenMatch:
        match = TokenMatch.NONE
        for position, known in enumerate(self._digests):
            if hmac.compare_digest(digest, known):
                match = TokenMatch.PREVIOUS if position else TokenMatch.CURRENT
        return match

    def _refresh(self, now: float) -> None:
        try:
            self._digests = [hashlib.sha256(token).digest() for token in parse_tokens(self._read())]
        except RetryLaterError:
            if not self._digests:
                raise
            self._refresh_at = now + REREAD_SECONDS
        else:
            self._refresh_at = now + REFRESH_SECONDS


def parse_tokens(text: str) -> Sequence[bytes]:
    """
    Split a comma-separated list.

    One that is too short to be a secret is left out: refusing the whole list would refuse every
    callback. One that is listed twice counts where it stands first.

    Raises:
        ConfigurationError: no token is left.
    """
    tokens = [token.strip() for token in text.split(",")]
    accepted = [token for token in tokens if len(token) >= MIN_TOKEN_CHARACTERS]
    if not accepted:
        raise ConfigurationError("NoUsableCallbackToken")
    return [token.encode(errors="surrogatepass") for token in dict.fromkeys(accepted)]
