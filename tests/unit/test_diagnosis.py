import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatch.diagnosis import SessionFacts, ended
from dispatch.faults import OVER_BUDGET_ERROR, OVER_CAP_ERROR, RUNTIME_FAULTS, Fault, FaultKind
from tests.unit.sessions import ANSWERED, RECORDED, TOO_FAST, Recorded, refused, stopped

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")
LIMITED = refused(429, "rate_limit_error", "rate_limit", TOO_FAST)
CRASHED = SessionFacts(exit_code=1)


def fault_of(facts: SessionFacts, now: datetime = NOW) -> Fault:
    fault = ended(facts, now, BERLIN)
    assert fault
    return fault


def limited(words: str) -> SessionFacts:
    return replace(LIMITED, result=words)


def test_one_of_every_way_to_end_is_on_record() -> None:
    assert len(RECORDED) == 31
    assert sum(one.kind is None for one in RECORDED.values()) == 9
    assert len({one.kind for one in RECORDED.values()}) == 13


@pytest.mark.parametrize("recorded", RECORDED.values(), ids=RECORDED)
def test_a_recorded_session_is_read_right(recorded: Recorded) -> None:
    fault = ended(recorded.facts, NOW, BERLIN)
    assert (fault.kind if fault else None) is recorded.kind
    if fault:
        assert fault.detail
        assert fault.retry_after is None


@pytest.mark.parametrize("recorded", RECORDED.values(), ids=RECORDED)
def test_a_session_cut_before_its_result_never_counts_as_answered(recorded: Recorded) -> None:
    cut = replace(recorded.facts, has_result=False, exit_code=0)
    assert fault_of(cut).kind in RUNTIME_FAULTS


@pytest.mark.parametrize("recorded", RECORDED.values(), ids=RECORDED)
@pytest.mark.parametrize("status", ["allowed", "allowed_warning", None])
def test_a_window_that_is_open_changes_nothing(recorded: Recorded, status: str | None) -> None:
    told = replace(recorded.facts, window_status=status, window_resets_at=NOW.timestamp() + 3_600)
    assert ended(told, NOW, BERLIN) == ended(recorded.facts, NOW, BERLIN)


@pytest.mark.parametrize("name", [name for name, one in RECORDED.items() if one.kind is None])
@pytest.mark.parametrize("exit_code", [0, 1, 137, 143, None])
def test_what_a_result_proves_no_exit_code_takes_back(name: str, exit_code: int | None) -> None:
    closed = replace(RECORDED[name].facts, exit_code=exit_code, window_status="rejected", killed_by_us=True)
    assert ended(closed, NOW, BERLIN) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"is_error": True},
        {"subtype": "error_during_execution"},
        {"subtype": None},
        {"terminal_reason": "hook_stopped"},
        {"terminal_reason": "a reason not known yet"},
        {"num_turns": 0},
        {"result": " \n"},
        {"stop_reason": "max_tokens"},
        {"stop_reason": "tool_use"},
        {"stop_reason": None},
        {"error_class": "unknown"},
        {"expects_structured": True},
        {"has_result": False},
    ],
    ids=str,
)
def test_whatever_a_result_does_not_prove_is_a_fault(changes: dict[str, object]) -> None:
    assert ended(ANSWERED, NOW, BERLIN) is None
    assert fault_of(replace(ANSWERED, **changes)).detail is not None  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("facts", "kind"),
    [
        (CRASHED, FaultKind.RUNTIME),
        (replace(CRASHED, exit_code=0), FaultKind.RUNTIME),
        (replace(CRASHED, exit_code=None), FaultKind.LOST),
        (replace(CRASHED, exit_code=137), FaultKind.OUT_OF_MEMORY),
        (replace(CRASHED, exit_code=-9), FaultKind.OUT_OF_MEMORY),
        (replace(CRASHED, exit_code=143), FaultKind.LOST),
        (replace(CRASHED, exit_code=-15), FaultKind.LOST),
        (replace(CRASHED, exit_code=129), FaultKind.LOST),
        (replace(CRASHED, exit_code=143, killed_by_us=True), FaultKind.CANCELLED),
        (replace(CRASHED, exit_code=-9, killed_by_us=True), FaultKind.CANCELLED),
        (replace(CRASHED, stderr="error: unknown option '--name'\n"), FaultKind.CONFIGURATION),
        (replace(CRASHED, exit_code=None, stderr="Error: spawn claude ENOENT"), FaultKind.RUNTIME),
        (replace(CRASHED, exit_code=134, stderr="fatal: Out of memory"), FaultKind.OUT_OF_MEMORY),
        (replace(CRASHED, stderr="I plan to add a cap on retries"), FaultKind.RUNTIME),
        (replace(CRASHED, window_status="rejected"), FaultKind.RATE_LIMITED),
    ],
)
def test_a_session_without_a_result(facts: SessionFacts, kind: FaultKind) -> None:
    fault = fault_of(facts)
    assert fault.kind is kind
    assert fault.detail


@pytest.mark.parametrize("reason", ["aborted_tools", "aborted_streaming"])
def test_an_aborted_session_is_cancelled_if_we_asked(reason: str) -> None:
    aborted = stopped("error_during_execution", reason, 2, "Request was aborted")
    assert fault_of(aborted).kind is FaultKind.INCOMPLETE
    assert fault_of(replace(aborted, killed_by_us=True)).kind is FaultKind.CANCELLED
    assert fault_of(replace(ANSWERED, terminal_reason=reason)).kind is FaultKind.INCOMPLETE


@pytest.mark.parametrize(
    ("facts", "kind"),
    [
        (refused(402, OVER_CAP_ERROR, "unknown", "API Error: 402 the cap is $1.00"), FaultKind.OVER_CAP),
        (refused(402, OVER_BUDGET_ERROR, "unknown", "API Error: 402 spent"), FaultKind.OVER_BUDGET),
        (refused(503, "gateway_error", "server_error", "API Error: 503 the ledger"), FaultKind.RUNTIME),
        (refused(402, None, "unknown", "API Error: 402 pay"), FaultKind.BILLING),
        (refused(429, "rate_limit_error", "rate_limit", TOO_FAST), FaultKind.RATE_LIMITED),
        (
            refused(
                429,
                "rate_limit_error",
                "rate_limit",
                "API Error: Request rejected (429) · Your organization has reached its monthly spend limit.",
            ),
            FaultKind.BILLING,
        ),
        (
            refused(
                400,
                "invalid_request_error",
                "unknown",
                "API Error: 400 You have reached your specified API usage limits. You will regain access on "
                "2026-12-01 at 00:00 UTC.",
            ),
            FaultKind.BILLING,
        ),
        (
            refused(
                400, "invalid_request_error", "unknown", "API Error: 400 This organization has been disabled."
            ),
            FaultKind.SUSPENDED,
        ),
        (
            refused(
                403,
                "permission_error",
                "authentication_failed",
                "Your organization has disabled Claude subscription access for Claude Code · Use an API key",
            ),
            FaultKind.AUTHENTICATION,
        ),
        (
            replace(
                refused(400, "invalid_request_error", "unknown", ""), api_error_code="organization_on_hold"
            ),
            FaultKind.SUSPENDED,
        ),
        (
            replace(refused(None, None, "unknown", "API Error: ECONNREFUSED"), api_error="connection_failed"),
            FaultKind.NETWORK,
        ),
        (refused(None, None, "unknown", "Not logged in · Please run /login"), FaultKind.AUTHENTICATION),
        (refused(None, None, "unknown", "Request timed out"), FaultKind.NETWORK),
        (refused(None, None, "unknown", "words nobody knows"), FaultKind.UNKNOWN),
        (refused(None, None, "unknown", "words nobody knows", turns=0), FaultKind.RUNTIME),
        (
            replace(refused(None, None, "unknown", "words nobody knows"), window_status="rejected"),
            FaultKind.RATE_LIMITED,
        ),
        (stopped("error_during_execution", "prompt_too_long", 1, "too long"), FaultKind.INVALID_REQUEST),
        (stopped("error_during_execution", "turn_setup_failed", 1, "no sandbox"), FaultKind.RUNTIME),
        (stopped("error_max_structured_output_retries", None, 5, "no form"), FaultKind.INCOMPLETE),
        (replace(ANSWERED, stop_reason="refusal"), FaultKind.REFUSAL),
    ],
)
def test_a_result_that_is_an_error(facts: SessionFacts, kind: FaultKind) -> None:
    assert fault_of(facts).kind is kind


@given(st.text(max_size=60))
def test_the_words_of_a_model_decide_nothing(words: str) -> None:
    prose = f"Credit balance is too low\n{words}\nInvalid API key · Please run /login"
    assert ended(replace(ANSWERED, result=prose), NOW, BERLIN) is None
    stopped_at = replace(stopped("error_during_execution", None, 3, "it broke"), result=prose)
    assert fault_of(stopped_at) == Fault(FaultKind.UNKNOWN, "it broke")


def test_a_limit_that_names_its_reset_is_tried_again_then() -> None:
    denver = fault_of(limited("You're out of extra usage · resets 11am (America/Denver)"))
    assert denver == Fault(FaultKind.RATE_LIMITED, denver.detail, 6 * 3_600)
    ours = fault_of(limited("You've hit your limit · resets 3pm"))
    assert ours.retry_after == 2 * 3_600, "a time without a zone is the team's"
    killed = fault_of(replace(CRASHED, stderr="You've hit your limit · resets 3pm"))
    assert killed.retry_after == 2 * 3_600


def test_a_reset_reached_while_the_words_were_on_their_way_is_not_tomorrows() -> None:
    words = limited("You've hit your limit · resets 1pm")
    assert fault_of(words, NOW - timedelta(seconds=1)).retry_after == 1
    assert fault_of(words, NOW).retry_after is None
    assert fault_of(words, NOW + timedelta(minutes=9)).retry_after is None
    assert fault_of(words, NOW + timedelta(minutes=11)).retry_after == (24 * 60 - 11) * 60


def test_the_window_that_rejected_knows_its_reset_best() -> None:
    facts = replace(
        limited("You've hit your limit · resets 3pm"),
        window_status="rejected",
        window_resets_at=NOW.timestamp() + 90,
    )
    assert fault_of(facts).retry_after == 90
    assert fault_of(replace(facts, window_resets_at=None)).retry_after == 2 * 3_600


@pytest.mark.parametrize("seconds", [0, -5, math.nan, math.inf, NOW.timestamp() * 1_000])
def test_a_reset_that_makes_no_sense_is_not_named(seconds: float) -> None:
    facts = replace(LIMITED, window_status="rejected", window_resets_at=NOW.timestamp() + seconds)
    assert fault_of(facts) == fault_of(LIMITED)


def test_only_a_limit_waits_for_a_reset() -> None:
    facts = replace(
        RECORDED["err_529"].facts, window_status="rejected", window_resets_at=NOW.timestamp() + 90
    )
    assert fault_of(facts).retry_after is None


def test_of_many_words_the_telling_ones_are_kept() -> None:
    noisy = replace(CRASHED, stderr="warning\n" * 1_000 + "the last line")
    assert fault_of(noisy).detail.endswith("the last line")
    assert len(fault_of(noisy).detail) <= 500
    wordy = refused(500, "api_error", "server_error", "API Error: 500 " + "x" * 10_000)
    assert len(fault_of(wordy).detail) <= 500


@given(
    st.builds(
        SessionFacts,
        exit_code=st.one_of(st.none(), st.integers(-64, 255)),
        has_result=st.booleans(),
        is_error=st.booleans(),
        subtype=st.sampled_from(["success", "error_during_execution", "error_max_turns"]),
        terminal_reason=st.sampled_from([None, "completed", "api_error", "max_turns", "aborted_tools"]),
        stop_reason=st.sampled_from([None, "end_turn", "tool_use", "refusal", "max_tokens"]),
        error_class=st.sampled_from([None, "unknown", "rate_limit", "something new"]),
        window_status=st.sampled_from([None, "allowed", "rejected", "something new"]),
        window_resets_at=st.one_of(st.none(), st.floats()),
        num_turns=st.integers(0, 3),
        result=st.text(max_size=20),
        stderr=st.text(max_size=40),
    )
)
def test_no_facts_are_an_answer_but_a_finished_result(facts: SessionFacts) -> None:
    fault = ended(facts, NOW, BERLIN)
    if fault is None:
        assert facts.has_result
        assert not facts.is_error
        assert facts.subtype == "success"
        assert facts.num_turns > 0
        assert facts.stop_reason == "end_turn"
        assert facts.error_class is None
        assert facts.result.strip()
    elif fault.retry_after is not None:
        assert fault.kind is FaultKind.RATE_LIMITED
        assert 0 < fault.retry_after <= 8 * 86_400
