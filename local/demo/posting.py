"""Tencent's part: posting callbacks over HTTP, several at once."""

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus

import requests

from local.demo.callbacks import Post

#: As many as the emulator answers side by side.
CONCURRENCY = 4
#: What an emulator under load may take for one request.
TIMEOUT_SECONDS = 30
#: A callback that was not kept is posted again; whether Tencent would is not documented.
MAX_TRIES = 3

WRONG_TOKEN = "some-other-token-0123456789"  # noqa: S105 - it is wrong on purpose


def post_all(
    posts: Sequence[Post],
    url: Callable[[str], str],
    token: str,
    *,
    on_posted: Callable[[Post], None],
    stopping: threading.Event,
) -> Counter[int]:
    """
    Post the first alone and the others side by side; give how often each status was answered.

    *url* gives the address for a token; *on_posted* hears of each request that was answered. Once
    *stopping* is set, nothing more is posted.
    """
    with requests.Session() as session:
        session.trust_env = False  # neither proxies nor .netrc: it is this machine

        def post(one: Post) -> Counter[int]:
            if stopping.is_set():
                return Counter()
            status = _post(session, url(token if one.has_token else WRONG_TOKEN), one.body)
            on_posted(one)
            return Counter([status])

        statuses = post(posts[0])
        with ThreadPoolExecutor(CONCURRENCY) as pool:
            for answered in pool.map(post, posts[1:]):
                statuses += answered
    return statuses


def _post(session: requests.Session, url: str, body: str) -> int:
    for _ in range(MAX_TRIES):
        response = session.post(url, data=body.encode(), timeout=TIMEOUT_SECONDS)
        if response.status_code < HTTPStatus.INTERNAL_SERVER_ERROR:
            break
    return response.status_code
