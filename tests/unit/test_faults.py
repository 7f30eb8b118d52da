import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatch.faults import OVER_BUDGET_ERROR, OVER_CAP_ERROR, FaultKind, from_api


@pytest.mark.parametrize(
    ("status", "error_type", "code", "message", "kind"),
    [
        (429, "rate_limit_error", None, "", FaultKind.RATE_LIMITED),
        (429, "rate_limit_error", "enforced_spend_limit_reached", "", FaultKind.BILLING),
        (429, "rate_limit_error", "contract_spend_limit_reached", "", FaultKind.BILLING),
        (402, "billing_error", None, "", FaultKind.BILLING),
        (402, None, "linked_organization_suspended", "", FaultKind.BILLING),
        (400, "invalid_request_error", "organization_on_hold", "", FaultKind.SUSPENDED),
        (403, "permission_error", "organization_on_hold", "", FaultKind.SUSPENDED),
        (400, "invalid_request_error", None, "This organization has been disabled.", FaultKind.SUSPENDED),
        (
            400,
            "invalid_request_error",
            None,
            "You have reached your specified API usage limits. You will regain access on 2026-12-01.",
            FaultKind.BILLING,
        ),
        (400, "invalid_request_error", None, "Your credit balance is too low to go on", FaultKind.BILLING),
        (400, "invalid_request_error", None, "max_tokens: required", FaultKind.INVALID_REQUEST),
        (401, "authentication_error", None, "", FaultKind.AUTHENTICATION),
        (403, "permission_error", None, "", FaultKind.FORBIDDEN),
        (403, None, None, "", FaultKind.FORBIDDEN),
        (404, "not_found_error", None, "model: x", FaultKind.CONFIGURATION),
        (413, "request_too_large", None, "", FaultKind.INVALID_REQUEST),
        (413, None, None, "", FaultKind.INVALID_REQUEST),
        (500, "api_error", None, "", FaultKind.OVERLOADED),
        (502, None, None, "", FaultKind.OVERLOADED),
        (504, "timeout_error", None, "", FaultKind.NETWORK),
        (504, None, None, "", FaultKind.NETWORK),
        (529, "overloaded_error", None, "", FaultKind.OVERLOADED),
        (200, "overloaded_error", None, "", FaultKind.OVERLOADED),
        (402, None, None, "", FaultKind.BILLING),
        (402, OVER_CAP_ERROR, None, "", FaultKind.OVER_CAP),
        (402, OVER_BUDGET_ERROR, None, "", FaultKind.OVER_BUDGET),
        (None, None, None, "connection refused", FaultKind.NETWORK),
        (418, None, None, "", FaultKind.INVALID_REQUEST),
        (503, None, None, "", FaultKind.OVERLOADED),
    ],
)
def test_the_class_follows_from_structured_facts(
    status: int | None, error_type: str | None, code: str | None, message: str, kind: FaultKind
) -> None:
    assert from_api(status, error_type, code, message).kind is kind


@given(
    st.one_of(st.none(), st.integers(100, 599)),
    st.one_of(st.none(), st.text(max_size=20)),
    st.one_of(st.none(), st.text(max_size=20)),
    st.text(),
)
def test_every_error_has_a_class(
    status: int | None, error_type: str | None, code: str | None, message: str
) -> None:
    assert from_api(status, error_type, code, message, 3.0).retry_after == 3.0


@given(st.text())
def test_prose_does_not_decide(message: str) -> None:
    prose = f"I plan to add a cap on retries; the endpoint returned 403 Forbidden. {message}"
    assert from_api(529, "overloaded_error", None, prose).kind is FaultKind.OVERLOADED
