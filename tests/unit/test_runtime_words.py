import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatch.diagnosis import from_runtime_words
from dispatch.faults import FaultKind

CORPUS = {
    "unknown option '--name'": FaultKind.CONFIGURATION,
    "Credit balance is too low": FaultKind.BILLING,
    "Invalid API key · Please run /login": FaultKind.AUTHENTICATION,
    "OAuth token has expired": FaultKind.AUTHENTICATION,
    "organization does not have access": FaultKind.AUTHENTICATION,
    "You're out of extra usage · resets 11am (America/Denver)": FaultKind.RATE_LIMITED,
    "You've hit your limit · resets 3pm": FaultKind.RATE_LIMITED,
    "Disk quota exceeded": FaultKind.RUNTIME,
    "Max turns limit reached": FaultKind.INCOMPLETE,
    "input exceeded the context limit": FaultKind.INVALID_REQUEST,
    "spawn claude ENOENT": FaultKind.RUNTIME,
    "exit 137": FaultKind.OUT_OF_MEMORY,
    "exit 143": FaultKind.LOST,
    "overloaded_error": FaultKind.OVERLOADED,
    "model ... not found (404)": FaultKind.CONFIGURATION,
    "402: insufficient credits": FaultKind.BILLING,
    "codex subprocess timed out": FaultKind.TIMEOUT,
    "529": FaultKind.OVERLOADED,
}
"""Words that were once taken for something else, and what they say."""

PROSE = [
    "I plan to add a cap on retries",
    "The endpoint returned 403 Forbidden so I will",
    "403 Forbidden so I will try another key",
    "500 files were changed",
    "429 tests pass",
    "The rate limit reached in the tests is 50",
    "Overloaded operators are hard to read",
    "Unknown options should be rejected by the parser",
    "Out of memory errors are handled in worker.py",
    "Rate limit reached so I will wait",
    "You've hit your stride",
    "Model the queue as a heap",
    "Spawn several executors.",
    "",
    "\n \n",
]

SAID = {
    "error: unknown option '--nme'\n(Did you mean --name?)": FaultKind.CONFIGURATION,
    "error: option '--max-turns <turns>' argument 'x' is invalid. must be a number": FaultKind.CONFIGURATION,
    "error: option '--model <model>' argument missing": FaultKind.CONFIGURATION,
    "Error: --input-format=stream-json requires output-format=stream-json.": FaultKind.CONFIGURATION,
    "--dangerously-skip-permissions cannot be used with root/sudo privileges for security": (
        FaultKind.CONFIGURATION
    ),
    "Error: Settings file not found: /srv/settings.json": FaultKind.CONFIGURATION,
    "Error: Invalid MCP configuration:\nMCP config file not found: /none": FaultKind.CONFIGURATION,
    "model: claude-nine not found": FaultKind.CONFIGURATION,
    "OSError: [Errno 122] Disk quota exceeded: '/srv/x'": FaultKind.RUNTIME,
    "Error: ENOSPC: no space left on device, write": FaultKind.RUNTIME,
    "bash: claude: command not found": FaultKind.RUNTIME,
    "FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory": (
        FaultKind.OUT_OF_MEMORY
    ),
    "OSError: [Errno 12] Cannot allocate memory": FaultKind.OUT_OF_MEMORY,
    "Claude Code process exited with code 137": FaultKind.OUT_OF_MEMORY,
    "Error: Command failed with exit code 143 (exit code: 143)": FaultKind.LOST,
    "process exited with code 137": FaultKind.OUT_OF_MEMORY,
    "Error: connect ECONNREFUSED 127.0.0.1:8901": FaultKind.NETWORK,
    "API Error: Unable to connect to API (ECONNREFUSED)": FaultKind.NETWORK,
    "API Error: Request timed out.": FaultKind.NETWORK,
    "API Error: Connection lost mid-response. The response above may be incomplete.": FaultKind.NETWORK,
    "API Error: Server error mid-response. The response above may be incomplete.": FaultKind.OVERLOADED,
    "API Error: Repeated 529 Overloaded errors": FaultKind.OVERLOADED,
    'API Error: 529 {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}': (
        FaultKind.OVERLOADED
    ),
    'Error: 401 {"type":"error","error":{"type":"authentication_error","message":"no"}}': (
        FaultKind.AUTHENTICATION
    ),
    'API Error: 400 {"type":"error","error":{"type":"invalid_request_error","message":"Your credit '
    'balance is too low to access the Anthropic API."}}': FaultKind.BILLING,
    'API Error: 402 {"type":"error","error":{"type":"over_cap_error","message":"the cap is $1"}}': (
        FaultKind.OVER_CAP
    ),
    "API Error: 400 This organization has been disabled.": FaultKind.SUSPENDED,
    "API Error: 402 Your organization has been disabled due to billing.": FaultKind.BILLING,
    "Failed to authenticate. API Error: 403 Your API key may not use this resource.": FaultKind.FORBIDDEN,
    "403 Forbidden": FaultKind.FORBIDDEN,
    "permission_error: not for this key": FaultKind.FORBIDDEN,
    "API Error: Request rejected (429) · This request would exceed your organization's rate limit": (
        FaultKind.RATE_LIMITED
    ),
    "API Error: Request rejected (429) · Your organization has reached its monthly spend limit.": (
        FaultKind.BILLING
    ),
    "You've hit your monthly spend limit.": FaultKind.BILLING,
    "You’ve hit your session limit · resets 3pm": FaultKind.RATE_LIMITED,
    "Weekly limit reached · resets 10am (Asia/Seoul)": FaultKind.RATE_LIMITED,
    "Claude AI usage limit reached|1749924000": FaultKind.RATE_LIMITED,
    "5-hour limit reached ∙ resets 3pm": FaultKind.RATE_LIMITED,
    "Your account is on hold and can't use Claude Code. View details or appeal": FaultKind.SUSPENDED,
    "Your organization has disabled API key authentication · Sign in again": FaultKind.AUTHENTICATION,
    "Reached maximum number of turns (2)": FaultKind.INCOMPLETE,
    "Reached maximum budget ($0.0002)": FaultKind.OVER_CAP,
    "prompt is too long: 210000 tokens > 200000 maximum": FaultKind.INVALID_REQUEST,
    "Request too large (max 32MB). Remove older images": FaultKind.INVALID_REQUEST,
    "Credit balance is too low\nError: ENOSPC: no space left on device, write": FaultKind.RUNTIME,
    "Error: Invalid session ID. Must be a valid UUID.": None,
}


@pytest.mark.parametrize(("words", "kind"), CORPUS.items())
def test_words_once_misread_are_read_right(words: str, kind: FaultKind) -> None:
    assert from_runtime_words(words) is kind
    assert from_runtime_words(f"starting\n  Error: {words}\n\n") is kind


def test_the_words_once_misread_are_all_there() -> None:
    assert len(CORPUS) == 18


@pytest.mark.parametrize("words", PROSE)
def test_prose_says_nothing(words: str) -> None:
    assert from_runtime_words(words) is None


@pytest.mark.parametrize(("words", "kind"), SAID.items())
def test_what_a_runtime_says(words: str, kind: FaultKind | None) -> None:
    assert from_runtime_words(words) is kind


@given(st.sampled_from([*CORPUS, *SAID]), st.sampled_from(["The log says ", "I saw that ", "When "]))
def test_the_same_words_inside_a_sentence_say_nothing(words: str, before: str) -> None:
    line = words.splitlines()[0]
    assert from_runtime_words(f"{before}{line} and I go on") is None


@given(st.text())
def test_any_text_can_be_read(text: str) -> None:
    kind = from_runtime_words(text)
    assert kind is None or isinstance(kind, FaultKind)


@pytest.mark.timeout(10)
@pytest.mark.parametrize("piece", ["a: ", "a ", "-", "x" * 61 + ": ", "you've hit your a ", "error: 4"])
def test_a_long_line_is_read_in_time(piece: str) -> None:
    assert from_runtime_words((piece * 5_000 + "\n") * 50) is None
