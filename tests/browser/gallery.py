"""One block of each kind, and the same kinds again carrying an attack in every field."""

from tests.browser.workspace import (
    ANA,
    ATTACK,
    BOT,
    OPS,
    Json,
    button,
    context,
    message,
    mrkdwn,
    section,
    ts,
)

DAYS = [f"{day} Nov" for day in range(11, 25)]


def chart(kind: str, title: str = "Cost of the last 14 days by tier") -> Json:
    tiers = {"Opus": 1.0, "Sonnet": 0.6, "Haiku": 0.15}
    series = [
        {
            "name": name,
            "data": [
                {"label": day, "value": round(factor * (4 + (7 * n) % 11), 2)} for n, day in enumerate(DAYS)
            ],
        }
        for name, factor in tiers.items()
    ]
    axes = {"categories": DAYS, "x_label": "day", "y_label": "dollars"}
    return {
        "type": "data_visualization",
        "title": title,
        "chart": {"type": kind, "series": series, "axis_config": axes},
    }


def pie(*labels: str) -> Json:
    segments = [{"label": label, "value": n + 1} for n, label in enumerate(labels)]
    return {
        "type": "data_visualization",
        "title": "Share of cost",
        "chart": {"type": "pie", "segments": segments},
    }


def table(*rows: tuple[str, str]) -> Json:
    cells = [[{"type": "raw_text", "text": cell} for cell in row] for row in rows]
    return {"type": "table", "rows": cells, "column_settings": [{}, {"align": "right"}]}


def rich_text(word: str) -> Json:
    elements = [
        {"type": "text", "text": f"{word} <!channel> "},
        {"type": "text", "text": "bold", "style": {"bold": True}},
        {"type": "user", "user_id": ANA},
        {"type": "link", "url": "https://example.com/a", "text": "a link"},
    ]
    points = {
        "type": "rich_text_list",
        "style": "ordered",
        "elements": [{"type": "rich_text_section", "elements": [{"type": "text", "text": word}]}],
    }
    return {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": elements}, points]}


def gallery() -> list[Json]:
    """Messages of the bot, a few blocks each."""
    buttons = [button("Retry", "retry", value="42", style="primary"), button("Stop", "stop", style="danger")]
    mixed = (
        f"*bold* _italics_ ~strike~ `code` <https://example.com|docs> <@{ANA}> <#{OPS}|ops> "
        "<!date^1795593600^{date_num} {time}|then> :tada: &lt;b&gt; :no_such:\n&gt; quoted\n```fenced *x*```"
    )
    fields = [mrkdwn("*Model*\nclaude-opus-5-5"), mrkdwn("*Cost*\n$0.93")]
    return [
        message(ts(0), ANA, mixed, edited=True, reactions=[{"name": "eyes", "users": [BOT]}]),
        message(
            ts(1),
            BOT,
            "blocks",
            {"type": "header", "text": {"type": "plain_text", "text": "A header"}},
            section("A section", fields=fields, accessory=button("Open", "open")),
            context("A quiet line"),
            {"type": "divider"},
            {"type": "actions", "block_id": "b1", "elements": buttons},
            table(("tier", "tasks"), ("Opus", "6")),
            rich_text("plain"),
            {"type": "image", "image_url": "https://example.com/x.png", "alt_text": "a cat"},
            {"type": "video", "title": {"type": "plain_text", "text": "x"}},
        ),
        message(ts(2), BOT, "charts", chart("bar"), chart("line"), chart("area"), pie("Opus", "Sonnet")),
        message(ts(3), BOT, "for you", ephemeral_to=ANA),
        message(
            ts(4),
            BOT,
            "a file",
            files=[
                {
                    "id": "F1",
                    "name": "task-42.md",
                    "mimetype": "text/markdown",
                    "size": 20,
                    "url": "/_sim/files/F1",
                }
            ],
        ),
        message(ts(6), BOT, "orphan", thread_ts=ts(5)),
    ]


def hostile_thumbs() -> Json:
    side = {"text": {"type": "plain_text", "text": ATTACK}, "value": ATTACK}
    kind = {"type": "feedback_buttons", "action_id": ATTACK}
    return {**kind, "positive_button": side, "negative_button": side}


def hostile_menu() -> Json:
    option = {"text": {"type": "plain_text", "text": ATTACK}, "value": ATTACK}
    return {"type": "static_select", "action_id": ATTACK, "options": [option]}


def hostile_step() -> Json:
    source = {"type": "url", "url": "javascript:window.hurt=1", "text": ATTACK}
    words = {"title": ATTACK, "status": ATTACK, "details": rich_text(ATTACK), "sources": [source]}
    return {"type": "task_card", "task_id": ATTACK, **words}


def hostile_view(kind: str) -> Json:
    """A view of that type with an attack in every field."""
    plain = {"type": "plain_text", "text": ATTACK}
    asked = {"type": "plain_text_input", "action_id": ATTACK, "placeholder": plain}
    blocks = [
        {"type": "section", "block_id": "s", "text": mrkdwn(ATTACK)},
        {"type": "actions", "block_id": "a", "elements": [hostile_menu(), button(ATTACK, ATTACK)]},
        *(
            {"type": "input", "block_id": f"i{n}", "label": plain, "hint": plain, "element": element}
            for n, element in enumerate((asked, {**hostile_menu(), "type": "radio_buttons"}))
        ),
    ]
    view = {"id": "V1", "hash": "1", "type": kind, "title": plain, "submit": plain, "close": plain}
    return {**view, "state": {"values": {}}, "blocks": blocks if kind == "modal" else blocks[:2]}


def attacks() -> list[Json]:
    """Attacks as text, in each kind of block, as names of files and reactions, and as addresses."""
    links = (
        "<javascript:window.hurt=1|one> [two](javascript:window.hurt=1) <data:text/html,x|three> "
        "[four](data:text/html,<script>window.hurt=1</script>) <https://evil.example/|bank.com>"
    )
    plain = {"type": "plain_text", "text": ATTACK}
    file = {
        "id": ATTACK,
        "name": ATTACK,
        "mimetype": "text/html",
        "size": 3,
        "url": "javascript:window.hurt=1",
    }
    hostile_chart = chart("bar", ATTACK)
    hostile_chart["chart"]["series"][0]["name"] = ATTACK
    fields = [mrkdwn(ATTACK), plain]
    return [
        message(ts(0), "UEVE00001", f"{ATTACK} {links}"),
        message(
            ts(1),
            BOT,
            ATTACK,
            {"type": "header", "text": plain},
            section(ATTACK, fields=fields, accessory=button(ATTACK, ATTACK, value=ATTACK, style=ATTACK)),
            context(ATTACK),
            {"type": "actions", "elements": [button(ATTACK, "a", url="javascript:window.hurt=1")]},
            {"type": "markdown", "text": f"# {ATTACK}\n\n{ATTACK} {links}\n\n```{ATTACK}\n{ATTACK}\n```"},
            table((ATTACK, ATTACK), (ATTACK, ATTACK)),
            rich_text(ATTACK),
            hostile_chart,
            pie(ATTACK, "x"),
            {"type": "image", "image_url": "javascript:window.hurt=1", "alt_text": ATTACK},
            {"type": "context_actions", "elements": [hostile_thumbs(), hostile_menu()]},
            {"type": "plan", "title": ATTACK, "tasks": [hostile_step()]},
            hostile_step(),
            {"type": ATTACK},
            {"type": "toString"},
            {"type": "table", "rows": None},
        ),
        message(ts(2), ATTACK, ATTACK, files=[file], reactions=[{"name": ATTACK, "users": [ATTACK]}]),
    ]
