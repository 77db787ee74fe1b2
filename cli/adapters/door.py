"""The callback address, called from here."""

import requests

SECONDS = 10


def answer_of(url: str) -> int | str:
    """
    Give the status that a GET of *url* is answered with, or what kept it from being answered.

    Nothing of the address is told: it ends in a token.
    """
    try:
        return requests.get(url, timeout=SECONDS, allow_redirects=False).status_code
    except requests.RequestException as error:
        return type(error).__name__
