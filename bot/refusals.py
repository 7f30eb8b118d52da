"""What follows when Slack refuses a delivery. Pure."""

from enum import Enum
from typing import Final

from dispatch.delivery import Delivery, DeliveryKind


class Consequence(Enum):
    """What to do with a delivery that was refused."""

    MOVE = "to the requester's direct messages"
    TELL_DIRECTLY = "the same words as a direct message"
    SAY_SO = "a notice in its place"
    WAIT = "until an operator has put it right"
    GIVE_UP = "no other way is left"


NO_BLOCKS: Final = frozenset(
    {"invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long", "msg_too_long", "invalid_attachments"}
)
"""The message is taken as text alone."""

NO_CARD: Final = frozenset({"message_not_found", "cant_update_message", "edit_window_closed"})
"""The card is not there to be edited: a new one is posted."""

NO_EDIT: Final = "edit_window_closed"
"""The team lets nobody edit what is so old: only the end of a task is worth a new card."""

NO_THREAD: Final = frozenset({"cannot_reply_to_message", "thread_not_found", "invalid_thread_ts"})
"""The thread is gone: the channel itself is left."""

NO_STREAM: Final = frozenset(
    {"access_denied", "missing_scope", "no_permission", "not_allowed_token_type", "unknown_method"}
)
"""The workspace takes no message that grows."""

_NO_RIGHT_TO_FILES: Final = "missing_scope"

_NOT_THERE: Final = frozenset(
    {
        "channel_not_found",
        "is_archived",
        "not_in_channel",
        "restricted_action",
        "restricted_action_non_threadable_channel",
        "restricted_action_read_only_channel",
        "restricted_action_thread_locked",
        "restricted_action_thread_only_channel",
        "user_not_in_channel",
    }
)

_OURS: Final = frozenset(
    {
        "access_denied",
        "account_inactive",
        "ekm_access_denied",
        "invalid_auth",
        "message_limit_exceeded",
        "messages_tab_disabled",
        "missing_scope",
        "no_permission",
        "not_allowed_token_type",
        "not_authed",
        "org_login_required",
        "team_access_not_granted",
        "token_expired",
        "token_revoked",
    }
)


def is_ours(code: str) -> bool:
    """Whether an operator can put that right, so that the same is taken later."""
    return code in _OURS


def is_of_files(code: str) -> bool:
    """Whether the words of a file that was refused so may still be taken as a message."""
    return code == _NO_RIGHT_TO_FILES or code not in _OURS | _NOT_THERE


def consequence(code: str, delivery: Delivery) -> Consequence:
    """What to do with the delivery, by Slack's word for the refusal."""
    if is_ours(code):
        return Consequence.WAIT
    if delivery.kind is DeliveryKind.WHISPER:
        return Consequence.TELL_DIRECTLY
    if code in _NOT_THERE and delivery.task_id is not None:
        return Consequence.MOVE
    if code not in _NOT_THERE:
        return Consequence.SAY_SO if delivery.kind is DeliveryKind.ANSWER else Consequence.GIVE_UP
    if delivery.kind in (DeliveryKind.DIGEST, DeliveryKind.NOTICE, DeliveryKind.BUDGET):
        return Consequence.WAIT
    return Consequence.GIVE_UP
