"""The workspace everything starts from: team Acme, three people, four channels and the bot."""

from bot.rehearsal.slack.grants import Grants
from bot.rehearsal.slack.state import Channel, State, User

BOT_USER = "UBOT00001"
ANA, SAM, KIM = "UANA00001", "USAM00001", "UKIM00001"
OPS, PAYMENTS, RANDOM, SECRET = "COPS00001", "CPAY00001", "CRAN00001", "CSEC00001"


def acme(grants: Grants) -> State:
    """A fresh workspace. The bot sits in #ops and #payments only; kim is a guest of #ops."""
    people = (
        User(ANA, "ana", "Ana Weber", "Europe/Berlin"),
        User(SAM, "sam", "Sam Rivera", "America/New_York"),
        User(KIM, "kim", "Kim Okafor", "Europe/London", is_guest=True, is_single_channel_guest=True),
        User("USLACKBOT", "slackbot", "Slackbot", "Etc/UTC", is_bot=True),
        User(BOT_USER, grants.bot_name, grants.app_name, "Etc/UTC", is_bot=True),
    )
    channels = (
        Channel(OPS, "ops", "channel", [ANA, SAM, KIM, BOT_USER], topic="Operations"),
        Channel(PAYMENTS, "payments", "channel", [ANA, SAM, BOT_USER], topic="Payments team"),
        Channel(RANDOM, "random", "channel", [ANA, SAM], topic="Anything else"),
        Channel(SECRET, "secret", "private", [ANA, SAM], topic="Not for everyone"),
    )
    return State(
        team_id="TACME0001",
        team_name="Acme",
        app_id="AAPP00001",
        bot_user_id=BOT_USER,
        bot_id="BBOT00001",
        users={user.id: user for user in people},
        channels={channel.id: channel for channel in channels},
        messages={channel.id: [] for channel in channels},
        usergroups={"SONCALL01": [ANA, SAM]},
    )
