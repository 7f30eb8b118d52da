"""What the whole bot keeps of a session: all of it, and none of what it must never show."""

from bot.rehearsal.claude import Call, Say, Step, say
from dispatch.states import State
from dispatch.transcript import MODEL, Kind
from tests.incidents.house import opened

TOKEN = "ghp_" + "abcdefghijklmnopqrstuvwxyz0123456789"


async def test_secrets_are_gone_before_anything_is_stored_also_coloured_ones() -> None:
    async with opened() as house:
        coloured = f"\x1b[1m{TOKEN[:8]}\x1b[0m{TOKEN[8:]}"
        ours = f"{house.claude.key} {house.slack.bot_token} {house.slack.app_token}"
        house.claude.script(
            [Step((Say(f"I use {coloured}."), Call("progress", {"text": ours}))), say("Done.")]
        )
        (number,) = await house.ask(1)
        assert await house.states() == {State.DONE: 1}
        entries = await house.store.transcripts.entries(number, 1, 0, 100)
        assert [(entry.who, entry.kind, entry.text) for entry in entries] == [
            (MODEL, Kind.SAID, "I use [redacted]."),
            ("progress", Kind.CALL, "text: [redacted] [redacted] [redacted]"),
            ("progress", Kind.RESULT, "Noted."),
            (MODEL, Kind.SAID, "Done."),
        ]
        assert {entry.at for entry in entries} == {house.clock.now()}
        assert (await house.attempts(number))[0].has_transcript
