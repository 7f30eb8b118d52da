"""The shapes of what blocks are made of: text, buttons, menus and rich text."""

from bot.rehearsal.slack import limits
from bot.rehearsal.slack.shapes import (
    Check,
    boolean,
    by_type,
    fields,
    items,
    number,
    one_of,
    string,
    typed,
    whole,
)

IDENTIFIER = string(limits.IDENTIFIER)


def plain(longest: int) -> Check:
    return typed("plain_text", {"text": string(longest)}, {"emoji": boolean})


def mrkdwn(longest: int) -> Check:
    return typed("mrkdwn", {"text": string(longest)}, {"verbatim": boolean})


def text(longest: int) -> Check:
    return by_type({"plain_text": plain(longest), "mrkdwn": mrkdwn(longest)})


CONFIRM = fields(
    {"text": text(limits.CONFIRM_TEXT)},
    {
        "title": plain(limits.CONFIRM_TITLE),
        "confirm": plain(limits.CONFIRM_CHOICE),
        "deny": plain(limits.CONFIRM_CHOICE),
        "style": one_of("primary", "danger"),
    },
)

BUTTON = typed(
    "button",
    {"text": plain(limits.BUTTON_TEXT)},
    {
        "action_id": IDENTIFIER,
        "value": string(limits.BUTTON_VALUE),
        "url": string(limits.URL),
        "style": one_of("primary", "danger"),
        "confirm": CONFIRM,
        "accessibility_label": string(limits.BUTTON_TEXT),
    },
)

OPTION = fields(
    {"text": text(limits.OPTION_TEXT), "value": string(limits.OPTION_VALUE)},
    {"description": plain(limits.OPTION_TEXT), "url": string(limits.URL)},
)

OVERFLOW = typed(
    "overflow",
    {"options": items(OPTION, limits.OVERFLOW_OPTIONS)},
    {"action_id": IDENTIFIER, "confirm": CONFIRM},
)

STATIC_SELECT = typed(
    "static_select",
    {"options": items(OPTION, limits.SELECT_OPTIONS)},
    {
        "action_id": IDENTIFIER,
        "placeholder": plain(limits.PLACEHOLDER),
        "initial_option": OPTION,
        "confirm": CONFIRM,
        "focus_on_load": boolean,
    },
)

_FEEDBACK = fields(
    {"text": plain(limits.BUTTON_TEXT), "value": string(limits.BUTTON_VALUE)},
    {"accessibility_label": string(limits.BUTTON_TEXT)},
)

FEEDBACK_BUTTONS = typed(
    "feedback_buttons",
    {"positive_button": _FEEDBACK, "negative_button": _FEEDBACK},
    {"action_id": IDENTIFIER},
)

ICON_BUTTON = typed(
    "icon_button",
    {"icon": one_of("trash"), "text": plain(limits.BUTTON_TEXT)},
    {
        "action_id": IDENTIFIER,
        "value": string(limits.BUTTON_VALUE),
        "confirm": CONFIRM,
        "accessibility_label": string(limits.BUTTON_TEXT),
        "visible_to_user_ids": items(string(), limits.CONTEXT_ELEMENTS),
    },
)

_CHOICES = {
    "action_id": IDENTIFIER,
    "confirm": CONFIRM,
    "focus_on_load": boolean,
}
RADIO_BUTTONS = typed(
    "radio_buttons", {"options": items(OPTION, limits.CHOICES)}, {"initial_option": OPTION, **_CHOICES}
)
CHECKBOXES = typed(
    "checkboxes",
    {"options": items(OPTION, limits.CHOICES)},
    {"initial_options": items(OPTION, limits.CHOICES), **_CHOICES},
)
_SELECT = {"placeholder": plain(limits.PLACEHOLDER), **_CHOICES}
PICKERS: dict[str, Check] = {
    "channels_select": typed("channels_select", {}, {"initial_channel": string(), **_SELECT}),
    "conversations_select": typed(
        "conversations_select",
        {},
        {
            "initial_conversation": string(),
            "default_to_current_conversation": boolean,
            "filter": fields(
                {},
                {
                    "include": items(one_of("im", "mpim", "private", "public")),
                    "exclude_external_shared_channels": boolean,
                    "exclude_bot_users": boolean,
                },
            ),
            **_SELECT,
        },
    ),
    "users_select": typed("users_select", {}, {"initial_user": string(), **_SELECT}),
}
CHOOSERS: dict[str, Check] = {
    "static_select": STATIC_SELECT,
    "radio_buttons": RADIO_BUTTONS,
    "checkboxes": CHECKBOXES,
    **PICKERS,
}

IMAGE_FIELDS: dict[str, Check] = {
    "image_url": string(limits.URL),
    "slack_file": fields({}, {"id": string(), "url": string()}),
}
IMAGE = typed("image", {"alt_text": string(limits.ALT_TEXT)}, IMAGE_FIELDS)

_ACTIONS: dict[str, Check] = {"button": BUTTON, "overflow": OVERFLOW, **CHOOSERS}
ACTION = by_type(_ACTIONS)
ACCESSORY = by_type({**_ACTIONS, "image": IMAGE})

_STYLE = {
    "style": fields(
        {}, {"bold": boolean, "italic": boolean, "strike": boolean, "code": boolean, "underline": boolean}
    )
}
_TEXT = typed("text", {"text": string()}, _STYLE)
_LINK = typed("link", {"url": string(limits.URL)}, {"text": string(), "unsafe": boolean, **_STYLE})
_INLINE = by_type(
    {
        "text": _TEXT,
        "link": _LINK,
        "user": typed("user", {"user_id": string()}, _STYLE),
        "usergroup": typed("usergroup", {"usergroup_id": string()}, _STYLE),
        "channel": typed("channel", {"channel_id": string()}, _STYLE),
        "broadcast": typed("broadcast", {"range": one_of("here", "channel", "everyone")}, _STYLE),
        "emoji": typed("emoji", {"name": string()}, {"unicode": string(), "url": string(), **_STYLE}),
        "date": typed(
            "date",
            {"timestamp": number, "format": string()},
            {"fallback": string(), "url": string(), **_STYLE},
        ),
        "color": typed("color", {"value": string()}, _STYLE),
    }
)
SOURCE = typed("url", {"url": string(limits.URL), "text": string()})
_BORDER = {"border": whole(0, 1)}
_SECTION = typed("rich_text_section", {"elements": items(_INLINE, least=0)})
_PREFORMATTED = typed(
    "rich_text_preformatted",
    {"elements": items(by_type({"text": _TEXT, "link": _LINK}), least=0)},
    {**_BORDER, "language": string()},
)
RICH_TEXT = typed(
    "rich_text",
    {
        "elements": items(
            by_type(
                {
                    "rich_text_section": _SECTION,
                    "rich_text_preformatted": _PREFORMATTED,
                    "rich_text_quote": typed("rich_text_quote", {"elements": items(_INLINE)}, _BORDER),
                    "rich_text_list": typed(
                        "rich_text_list",
                        {"style": one_of("bullet", "ordered"), "elements": items(_SECTION)},
                        {"indent": whole(0, 8), "offset": whole(0, 10_000), **_BORDER},
                    ),
                }
            )
        )
    },
    {"block_id": IDENTIFIER},
)
