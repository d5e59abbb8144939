"""A process that asks a teacher; tests kill and interrupt it. Arguments: address, journal, prompts, concurrency."""

from __future__ import annotations

import sys
from pathlib import Path

from idf.backends import OpenAIBackend, Sampling
from idf.traces._teachers import ask
from tests.backends.server import request

if __name__ == "__main__":
    url, journal, prompts, concurrency = sys.argv[1:]
    backend = OpenAIBackend("m", sampling=Sampling(8), base_url=url, concurrency=int(concurrency))
    requests = {f"id{i}": request(f"id{i}") for i in range(int(prompts))}
    replies = ask(requests, backend, Path(journal), {"a": 1}, show=False)
    print(f"{sum(reply.text == f're: {id}' for id, reply in replies.items())} right")
