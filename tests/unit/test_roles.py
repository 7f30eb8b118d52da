"""The settings that say who may do what, and what they refuse."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.access import Role, Rules
from bot.config import ConfigError, load
from dispatch.policy import Ration
from tests.unit.test_config import written

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


def test_nothing_said_is_open_to_every_member(tmp_path: Path) -> None:
    settings = load(written(tmp_path, ""))
    assert settings.rules == Rules(roles=dict.fromkeys(Role, frozenset()))
    assert settings.terms.ration(NOON) is None
    assert not settings.rules.groups


def test_everything_said_is_judged_by(tmp_path: Path) -> None:
    text = """
        timezone = "Europe/Berlin"
        [operators]
        people = ["USAM00001", "S0PS00001"]
        [access]
        channels = ["COPS00001"]
        requesters = ["C0ENG0001"]
        urgent = ["W0NCALL01"]
        opus = ["SPLAT0001"]
        urgent_a_day = 3
        opus_a_day = 10
        guests = true
        shared_channels = true
        [scripts.status]
        run = "/bin/true"
        who = ["UANA00001"]
        [scripts.restart]
        run = "/bin/true"
        [scripts.hello]
        run = "/bin/true"
        who = "everybody"
    """
    settings = load(written(tmp_path, text))
    assert settings.rules == Rules(
        roles={
            Role.OPERATOR: frozenset({"USAM00001", "S0PS00001"}),
            Role.REQUESTER: frozenset({"C0ENG0001"}),
            Role.URGENT: frozenset({"W0NCALL01"}),
            Role.OPUS: frozenset({"SPLAT0001"}),
        },
        channels=frozenset({"COPS00001"}),
        scripts={"status": frozenset({"UANA00001"}), "restart": None},
        guests=True,
        shared_channels=True,
    )
    assert settings.rules.groups == {"S0PS00001", "C0ENG0001", "SPLAT0001"}
    assert settings.terms.ration(NOON) == Ration(datetime(2026, 11, 23, 23, tzinfo=UTC), 3, 10)


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ('[access]\nurgent = ["@sam"]', "access.urgent.0", "'@sam' is no id; use a person's (U…)"),
        ('[access]\nopus = ["sam@example.com"]', "access.opus.0", "is no id"),
        ('[access]\nchannels = ["#ops"]', "access.channels.0", "'#ops' is no channel id; use one such as C0"),
        ('[access]\nchannels = ["USAM00001"]', "access.channels.0", "is no channel id"),
        ('[operators]\npeople = ["sam"]', "operators.people.0", "is no id"),
        ("[access]\nopus_a_day = 0", "access.opus_a_day", "greater than or equal to 1"),
        ('[access]\nguests = ["UKIM00001"]', "access.guests", "valid boolean"),
        ('[access]\nadmins = ["USAM00001"]', "access.admins", "Extra inputs"),
        (
            '[access]\nopus_a_day = 2\n[questions]\nupgrade = "on"',
            "",
            'questions.upgrade = "on" lets any session move itself to Opus',
        ),
    ],
)
def test_what_cannot_be_used_is_named(tmp_path: Path, text: str, place: str, words: str) -> None:
    with pytest.raises(ConfigError) as refused:
        load(written(tmp_path, text))
    assert words in str(refused.value)
    assert place in str(refused.value)
