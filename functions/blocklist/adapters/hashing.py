"""Names that nobody can turn back without the key."""

import hmac
from collections.abc import Callable

from functions.blocklist.domain.errors import ConfigurationError

#: A key that is shorter could be guessed, and every address with it.
MIN_KEY_CHARACTERS = 32


class KeyedHash:
    """HMAC-SHA256 under a key that is read once, at its first use."""

    def __init__(self, key: Callable[[], str]) -> None:
        self._read_key = key
        self._key = b""

    def of(self, text: str) -> str:
        """
        Give the hash of *text* in hexadecimal digits.

        Raises:
            RetryLaterError: as what reads the key.
            ConfigurationError: the key is too short.
        """
        if not self._key:
            key = self._read_key().strip()
            if len(key) < MIN_KEY_CHARACTERS:
                raise ConfigurationError("LedgerKeyTooShort")
            self._key = key.encode()
        return hmac.digest(self._key, text.encode(), "sha256").hex()
