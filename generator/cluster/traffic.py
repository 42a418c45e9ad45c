"""A client: streamed chat requests, with the times of what comes back.

`python -m generator.cluster.traffic ADDRESS PORT HOST MODEL TOKENS...` sends as many at once as there are numbers of
tokens, and prints one line of JSON for each when it is over.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import sys
import threading
import time
from collections.abc import Callable

import msgspec

Hear = Callable[[str], None]


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What came back: status, seconds since the request until its first and its last byte, tokens, the end mark."""

    status: int
    cold: bool
    header_s: float
    first_s: float
    last_s: float
    tokens: int
    complete: bool
    problem: str = ""


def chat(
    address: tuple[str, int],
    host: str,
    model: str,
    tokens: int,
    hear: Hear = lambda _: None,
    patience_s: float | None = None,
) -> Answer:
    """Ask once, and read the stream to its end; `hear` gets each piece of text. Without patience, give up."""
    connection = http.client.HTTPConnection(*address, timeout=patience_s)
    body = {
        "model": model,
        "stream": True,
        "max_tokens": tokens,
        # the simulator would end an answer where it likes
        "ignore_eos": True,
        "messages": [{"role": "user", "content": "Say something."}],
    }
    begin = time.monotonic()
    status, cold, header, first, count, complete, problem = 0, False, 0.0, 0.0, 0, False, ""
    try:
        connection.request(
            "POST", "/v1/chat/completions", json.dumps(body), {"Host": host, "Content-Type": "application/json"}
        )
        response = connection.getresponse()
        status, header = response.status, time.monotonic() - begin
        cold = response.getheader("X-KEDA-HTTP-Cold-Start") == "true"
        while line := response.readline():
            first = first or time.monotonic() - begin
            complete = complete or line.startswith(b"data: [DONE]")
            text = text_of(line)
            count += bool(text)
            if text:
                hear(text)
    except (OSError, http.client.HTTPException) as error:
        problem = repr(error)
    finally:
        connection.close()
    return Answer(
        status=status,
        cold=cold,
        header_s=header,
        first_s=first,
        last_s=time.monotonic() - begin,
        tokens=count,
        complete=complete,
        problem=problem,
    )


def text_of(line: bytes) -> str:
    """Read the text of one event of a stream; empty where it carries none."""
    if not line.startswith(b"data: {"):
        return ""
    with contextlib.suppress(ValueError, LookupError, TypeError):
        return str(json.loads(line[6:])["choices"][0]["delta"].get("content") or "")
    return ""


def chat_many(address: tuple[str, int], host: str, model: str, tokens: list[int]) -> list[Answer]:
    """Ask several times at once."""
    found: list[Answer] = []

    def one(count: int) -> None:
        answer = chat(address, host, model, count)
        found.append(answer)
        # in one piece: others print too
        sys.stdout.write(msgspec.json.encode(answer).decode() + "\n")
        sys.stdout.flush()

    threads = [threading.Thread(target=one, args=(count,)) for count in tokens]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def main(arguments: list[str]) -> None:
    """Send what the command line asks for."""
    address, port, host, model, *tokens = arguments
    chat_many((address, int(port)), host, model, [int(count) for count in tokens])


if __name__ == "__main__":
    main(sys.argv[1:])
