"""What a runtime's own words say went wrong. Pure.

Every pattern begins where a line does, after such leads as `Error:`, and ends where the statement does,
so that a sentence in which the same words occur says nothing.
"""

import re
from typing import Final, NamedTuple

from dispatch.faults import FaultKind, from_api

ACCOUNT_FAULTS = frozenset({FaultKind.BILLING, FaultKind.SUSPENDED, FaultKind.AUTHENTICATION})
"""Faults of a whole account. The API answers some of them as if the request were at fault."""

_LONGEST_LINE = 1_000

_LEAD = r"(?:(?:api |fatal |uncaught )?[\w.@/-]{1,60}: ){0,3}(?:\[errno \d{1,4}\] )?"
_END = r"(?=$|[.,:;!|]|\s*[·∙(\[—-])"

_EXIT = r"(?:(?:claude code )?process |command failed with )?exit(?:ed with)?(?: code| status)?"

_SAID: Final = {
    FaultKind.OUT_OF_MEMORY: (
        r"(?:[a-z -]{1,50}allocation failed - )?javascript heap out of memory",
        r"out of memory",
        r"cannot allocate memory",
        _EXIT + r" 137",
    ),
    FaultKind.LOST: (
        _EXIT + r" 143",
        r"(?:killed by |received )?sigterm",
    ),
    FaultKind.RUNTIME: (
        r"spawn \S.{0,200} e(?:noent|acces|perm|noexec|nomem|again|mfile|2big)",
        r"disk quota exceeded",
        r"no space left on device",
        r"too many open files",
        r"command not found",
    ),
    FaultKind.CONFIGURATION: (
        r"unknown (?:option|flag|argument|command)(?: \S{1,80})?",
        r"option '[^'\n]{1,80}' argument (?:'[^'\n]{0,200}' is invalid|missing)",
        r"--[\w-]{1,60}(?:=\S{1,80})? (?:requires|cannot be used with|is not valid) .*",
        r"model:? \S{1,120} not found",
        r"there's an issue with the selected model",
        r"settings file not found",
        r"(?:invalid mcp configuration|mcp config file not found)",
    ),
    FaultKind.BILLING: (
        r"(?:your )?credit balance (?:is )?too low",
        r"insufficient credits",
        r"payment required",
        r"(?:you've hit|your organization has reached) (?:your|its|the) (?:[\w']{1,20} ){0,3}spend limit"
        r"(?: of its contract)?",
        r"spend limit reached",
        r"you have reached your specified api usage limits",
        r"your organization has been disabled due to billing",
    ),
    FaultKind.SUSPENDED: (
        r"(?:this|your) (?:organization|account) (?:has been|is) (?:disabled|suspended|on hold)"
        r"(?: and can't use claude code)?",
        r"your anthropic_api_key belongs to a disabled organization",
    ),
    FaultKind.AUTHENTICATION: (
        r"invalid (?:api key|x-api-key|bearer token|auth token)",
        r"oauth (?:access )?token (?:has expired|has been revoked|expired|revoked)",
        r"not logged in",
        r"please run /login",
        r"(?:(?:this|your) )?(?:organization|account) does not have access(?: to claude(?: code)?)?",
        r"your organization has disabled (?:claude subscription access|api key authentication)"
        r"(?: for claude code)?",
    ),
    FaultKind.RATE_LIMITED: (
        r"you're out of extra usage",
        r"you've hit your (?:[\w'-]{1,20} ){0,3}limit",
        r"(?:(?:claude )?(?:ai |max |pro )?usage|\d{1,2}-hour|daily|session) limit reached",
        r"(?:weekly|(?:opus|sonnet|haiku)(?: weekly)?) limit reached",
        r"rate limit (?:reached|exceeded)",
        r"too many requests",
        r"request rejected \(429\)",
        r"this request would exceed your (?:organization|account)'s rate limit",
    ),
    FaultKind.OVERLOADED: (
        r"overloaded",
        r"repeated 529 overloaded errors",
        r"server error mid-response",
        r"internal server error",
        r"bad gateway",
        r"service unavailable",
    ),
    FaultKind.NETWORK: (
        r"(?:connect |read |write |getaddrinfo )?"
        r"(?:econnrefused|econnreset|enotfound|eai_again|etimedout|epipe)(?: \S{1,120}){0,2}",
        r"unable to connect to api",
        r"connection (?:error|dropped|refused|reset by peer|lost mid-response)",
        r"request timed out",
        r"fetch failed",
        r"socket hang up",
    ),
    FaultKind.TIMEOUT: (
        r"(?:claude |codex )?(?:subprocess|process|session) timed out(?: after [\w ]{1,40})?",
    ),
    FaultKind.INCOMPLETE: (
        r"max turns limit reached",
        r"reached max(?:imum number of)? turns",
        r"claude's response exceeded the [\d,]{1,12} output token maximum",
    ),
    FaultKind.OVER_CAP: (r"reached maximum budget", r"exceeded usd budget"),
    FaultKind.INVALID_REQUEST: (
        r"input exceeded the context limit",
        r"(?:prompt|input) is too long(?: for requested model)?",
        r"input length and .max_tokens. exceed context limit",
        r"request too large",
    ),
}
_PATTERNS: Final = tuple(
    (kind, re.compile(rf"{_LEAD}(?:{'|'.join(said)}){_END}", re.IGNORECASE)) for kind, said in _SAID.items()
)

_ERROR_TYPE = re.compile(
    rf"{_LEAD}((?:rate_limit|overloaded|timeout|api|authentication|permission|billing|not_found|invalid_request)"
    rf"_error|request_too_large){_END}",
    re.IGNORECASE,
)
_REASONS = (
    "unauthorized|payment required|forbidden|not found|content too large|too many requests"
    "|internal server error|bad gateway|service unavailable|gateway timeout|overloaded"
)
_ANSWER = re.compile(
    rf"(?:failed to authenticate\. )?"
    rf"(?:(?:api error: )?request rejected \((?P<rejected>[45]\d\d)\)(?: · )?"
    rf"|(?:api error: |(?:[\w.@/-]{{1,60}}: ){{0,2}}(?=\d{{3}}(?:$|:| {{| (?:{_REASONS}){_END})))"
    rf"(?P<status>[45]\d\d)\b:?\s*)"
    rf"(?P<message>.*)",
    re.IGNORECASE,
)
_BODY_TYPE = re.compile(r'"type":\s*"(\w{1,40}_error|request_too_large)"')
_BODY_MESSAGE = re.compile(r'"message":\s*"([^"]*)')


def from_runtime_words(text: str) -> FaultKind | None:
    """What the runtime's own words say went wrong; None if they say nothing that is known.

    The last line that says something decides. Not for words of a model, nor of a tool it used.
    """
    return next((kind for line in _lines(text) if (kind := _of_line(line))), None)


def account_fault(text: str) -> FaultKind | None:
    """The fault of the whole account that the runtime's words name, whatever status it came with."""
    kinds = (_of_statement(_read(line).message) for line in _lines(text))
    return next((kind for kind in kinds if kind in ACCOUNT_FAULTS), None)


def _lines(text: str) -> list[str]:
    lines = (
        line.strip()[:_LONGEST_LINE].replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
        for line in text.splitlines()
    )
    return [line for line in lines if line][::-1]


class _Answer(NamedTuple):
    """An API answer as a runtime repeats it. `status` is None for words that repeat none."""

    status: int | None
    error_type: str | None
    message: str


def _read(line: str) -> _Answer:
    found = _ANSWER.match(line)
    if found is None:
        return _Answer(None, None, line)
    message = found["message"]
    error_type, inner = _BODY_TYPE.search(message), _BODY_MESSAGE.search(message)
    return _Answer(
        int(found["status"] or found["rejected"]),
        error_type[1] if error_type else None,
        inner[1] if inner else message,
    )


def _of_line(line: str) -> FaultKind | None:
    status, error_type, message = _read(line)
    said = _of_statement(message)
    if status is None or said in ACCOUNT_FAULTS:
        return said
    return from_api(status, error_type, None, message).kind


def _of_statement(statement: str) -> FaultKind | None:
    if named := _ERROR_TYPE.match(statement):
        return from_api(None, named[1].lower()).kind
    return next((kind for kind, pattern in _PATTERNS if pattern.match(statement)), None)
