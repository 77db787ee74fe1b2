"""Names that nobody can turn back without the key."""

import pytest

from functions.blocklist.adapters.hashing import MIN_KEY_CHARACTERS, KeyedHash
from functions.blocklist.domain.errors import ConfigurationError, UnavailableError

KEY = "0123456789abcdef0123456789abcdef"


def test_hash_is_hmac_sha256() -> None:
    """Whoever has the key finds a person with any tool; `openssl dgst -hmac` gave this one."""
    hashed = KeyedHash(lambda: "Jefe" * 8)

    assert hashed.of("what do ya want for nothing?") == (
        "167f928588c5cc2eef8e3093caa0e87c9ff566a14794aa61648d81621a2a40c6"
    )


def test_another_key_gives_another_hash() -> None:
    assert KeyedHash(lambda: KEY).of("a") != KeyedHash(lambda: KEY[::-1]).of("a")


def test_stray_line_break_is_no_part_of_the_key() -> None:
    """Else a key that was put in with one, once, would hide the whole ledger."""
    assert KeyedHash(lambda: f"{KEY}\n").of("a") == KeyedHash(lambda: KEY).of("a")


def test_key_is_read_once_and_again_after_a_failure() -> None:
    reads = []

    def read() -> str:
        reads.append("read")
        if len(reads) == 1:
            raise UnavailableError("down")
        return KEY

    hashed = KeyedHash(read)
    with pytest.raises(UnavailableError):
        hashed.of("a")

    assert hashed.of("a") == hashed.of("a") != hashed.of("b")
    assert len(reads) == 2


@pytest.mark.parametrize("key", ["", "   ", "x" * (MIN_KEY_CHARACTERS - 1)])
def test_short_key_is_refused(key: str) -> None:
    """A key that can be guessed gives every address away."""
    with pytest.raises(ConfigurationError, match="LedgerKeyTooShort"):
        KeyedHash(lambda: key).of("a")
