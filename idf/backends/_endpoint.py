"""One attempt at one request over HTTP: an answer, a fault that may pass, or a refusal that will not."""

from __future__ import annotations

import asyncio
import email.utils
import json
import os
from dataclasses import replace
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from idf.errors import UserError

from ._dialect import Dialect, left_out_of, server_of
from ._reply import MOST_BYTES, Broken, Unreadable, read_reply
from ._request import Response

if TYPE_CHECKING:
    import httpx

PASSING = (408, 409, 425, 429)  # and every 5xx; the other 4xx say that the same request will never be answered
LONGEST_WAIT_S = 600.0


class Fault(Exception):
    """An attempt failed, and another may succeed.

    Args:
        reason: What happened.
        wait_s: How long the server asks to wait; None if it does not say.
        charged: Whether the server may have generated, and charged, an answer that did not arrive.
    """

    def __init__(self, reason: str, *, wait_s: float | None = None, charged: bool = False) -> None:
        super().__init__(reason)
        self.wait_s = wait_s
        self.charged = charged


def read_key(variable: str) -> str | None:
    """The key in an environment variable, or None.

    Raises:
        UserError: It cannot be sent in a header. The message does not show it.
    """
    key = os.environ.get(variable, "").strip()
    if not (key.isascii() and key.isprintable() and " " not in key):
        raise UserError(f"the environment variable {variable} holds characters that no key has: set it again")
    return key or None


class Refused(UserError):
    """The server refuses one request: too long a prompt, say, or what it takes for an offence."""


class Endpoint:
    """The chat completions of a server.

    Args:
        client: The HTTP client.
        base_url: Where "/chat/completions" is.
        key_variable: The environment variable with the key.
        timeout_s: Longest time for one answer.
        dialect: What the server was found to take; it learns.
    """

    def __init__(
        self, client: httpx.AsyncClient, base_url: str, key_variable: str, timeout_s: float, dialect: Dialect
    ) -> None:
        self.client = client
        self.dialect = dialect
        self.url = f"{base_url.rstrip('/')}/chat/completions"
        self.key_variable = key_variable
        self.timeout_s = timeout_s

    async def attempt(self, body: dict[str, Any]) -> Response:
        """Send a request once; again for each key that the server says it does not take, without that key.

        Raises:
            Fault: No answer, and another attempt may bring one.
            Refused: The server refuses this request; it may take others.
            Unreadable: The reply holds no answer, and is paid for.
            UserError: The server refuses, and would refuse any.
        """
        while True:
            sent = self.dialect.spoken(body)
            reply, raw = await self._post(sent)
            if reply.status_code == 200:
                return replace(self._read(raw), left_out=left_out_of(sent, body))
            # What others in flight have meanwhile found out counts as well.
            if reply.status_code not in (400, 422) or not (
                self.dialect.spoken(body) != sent or self.dialect.learns(sent, raw)
            ):
                raise self._refusal(reply, raw)

    async def look(self) -> None:
        """Ask the server once who it is, for 10 s at most; if that fails, `dialect.unknown_because` says why."""
        import httpx

        if self.dialect.server is not None or self.dialect.unknown_because:
            return
        key = read_key(self.key_variable)
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        url = self.url.removesuffix("/chat/completions") + "/models"
        why = "it answers with no list of models"
        try:
            reply = await asyncio.wait_for(self.client.get(url, headers=headers), min(10.0, self.timeout_s))
            if reply.status_code == 200:
                self.dialect.server = server_of(reply.content)
            else:
                why = f"it answers {reply.status_code}"
        except asyncio.TimeoutError:
            why = "no answer came in time"
        except httpx.HTTPError as error:
            why = self._clean(str(error)) or type(error).__name__
        if self.dialect.server is None:
            self.dialect.unknown_because = f"{url}: {why}"

    async def _post(self, sent: dict[str, Any]) -> tuple[httpx.Response, bytes]:
        """Send a request, and wait for the whole reply.

        Raises:
            Fault: None came.
            Unreadable: It is too long.
        """
        import httpx

        key = read_key(self.key_variable)
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        try:
            return await asyncio.wait_for(self._whole(sent, headers), self.timeout_s)
        except asyncio.TimeoutError:
            raise Fault(f"no answer within {self.timeout_s:g} s", charged=True) from None
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise Fault(f"cannot connect to {self.url}: {self._clean(str(error))}") from None
        except httpx.HTTPError as error:
            said = self._clean(str(error)) or type(error).__name__
            raise Fault(f"the answer broke off: {said}", charged=True) from None

    async def _whole(self, sent: dict[str, Any], headers: dict[str, str]) -> tuple[httpx.Response, bytes]:
        """A reply and its body, which is read piece by piece, so that one without end fills no memory."""
        raw = bytearray()
        async with self.client.stream("POST", self.url, json=sent, headers=headers) as reply:
            async for piece in reply.aiter_bytes():
                raw += piece
                if len(raw) > MOST_BYTES:
                    raise Unreadable(f"the answer is longer than {MOST_BYTES:,} bytes")
        return reply, bytes(raw)

    def _refusal(self, reply: httpx.Response, raw: bytes) -> Exception:
        """What a reply of any other status than 200 means."""
        said = f"{self.url} answers {reply.status_code}: {self._message(raw)}"
        passes = reply.status_code in PASSING or reply.status_code >= 500
        if reply.status_code in (400, 413, 422):
            return Refused(said + _on_thinking(said))
        if not passes or b"insufficient_quota" in raw:  # that one is a 429, but lasts until somebody pays
            return UserError(said + self._advice(reply.status_code))
        wait_s = _wait_s(reply.headers.get("Retry-After"), reply.headers.get("Retry-After-Ms"))
        if wait_s is not None and wait_s > LONGEST_WAIT_S:
            return UserError(f"{said} (it asks to wait {wait_s:.0f} s: run the same command again then)")
        return Fault(said, wait_s=wait_s)

    def _read(self, raw: bytes) -> Response:
        """The answer in a reply of status 200."""
        try:
            return read_reply(raw)
        except Broken as broken:
            raise Fault(f"{broken}: {self._clean(raw[:2000].decode('utf-8', 'replace'))}", charged=True) from None

    def _message(self, raw: bytes) -> str:
        """The server's own words about an error."""
        try:
            data = json.loads(raw)
            error = (data[0] if isinstance(data, list) and data else data)["error"]
            return self._clean(str(error["message"] if isinstance(error, dict) else error))
        except (ValueError, KeyError, TypeError, RecursionError):
            return self._clean(raw[:2000].decode("utf-8", "replace")) or "(nothing)"

    def _clean(self, said: str) -> str:
        """At most a line of what somebody else said, without the key."""
        key = read_key(self.key_variable)
        said = " ".join((said.replace(key, "[key]") if key else said).split())
        return said if len(said) <= 300 else f"{said[:300]}..."

    def _advice(self, status: int) -> str:
        if status not in (401, 403):
            return ""
        is_set = "is set" if read_key(self.key_variable) else "is not set"
        return f" (the key is read from the environment variable {self.key_variable}, which {is_set})"


def _on_thinking(said: str) -> str:
    """What to do about a model that thinks unless it is told not to, on a server that then wants to stream."""
    if "enable_thinking" not in said:
        return ""
    return " (set enable_thinking in extra_body, or ask for streaming)"


def _wait_s(retry_after: str | None, milliseconds: str | None) -> float | None:
    """Seconds of a Retry-After header: a number or a date (RFC 9110, 10.2.3); None if there is none, or nonsense.

    Some services say it in a header of milliseconds, which is finer and goes first.
    """
    if milliseconds is not None and milliseconds.strip().isdigit():
        return int(milliseconds) / 1000
    if retry_after is None:
        return None
    try:
        seconds = float(retry_after)
    except ValueError:
        try:
            date = email.utils.parsedate_to_datetime(retry_after)
        except ValueError:
            return None
        date = date if date.tzinfo else date.replace(tzinfo=timezone.utc)
        seconds = (date - datetime.now(timezone.utc)).total_seconds()
    return max(0.0, seconds) if seconds == seconds else None
