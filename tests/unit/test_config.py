from datetime import time, timedelta
from pathlib import Path

import pytest

from bot.config import ENVIRONMENT, ConfigError, load
from bot.sections import listening_at
from dispatch.means import Beyond, Means, Profile, Project, RunnerName
from dispatch.routing import DEFAULT_TABLE
from dispatch.task import Tier
from dispatch.terms import Upgrades
from dispatch.usage import MICRO_USD
from tests.fakes.values import make_task


def written(folder: Path, text: str) -> dict[str, str]:
    path = folder / "onequeue.toml"
    path.write_text(text, encoding="utf-8")
    return {"ONEQUEUE_CONFIG": str(path)}


def test_nothing_configured_is_the_default(tmp_path: Path) -> None:
    settings = load(written(tmp_path, ""))
    assert settings.table == DEFAULT_TABLE
    assert settings.slack.stream
    assert settings.slack.api_url == "https://slack.com/api/"
    assert settings.database == Path("onequeue.db")
    assert settings.digest.at == time(9)
    assert settings.priority_in("C1") == 5
    assert settings.retention == timedelta(days=90)


def test_the_environment_stands_over_the_file(tmp_path: Path) -> None:
    file = written(tmp_path, 'timezone = "Europe/Berlin"\n[slack]\nbot_token = "from-file"\n')
    settings = load(file | {"SLACK_BOT_TOKEN": "from-environment"})
    assert settings.slack.bot_token == "from-environment"
    assert settings.timezone == "Europe/Berlin"


def test_every_environment_name_reaches_its_setting(tmp_path: Path) -> None:
    values = dict.fromkeys(ENVIRONMENT, "http://127.0.0.1:1/x") | {"ONEQUEUE_TIMEZONE": "Asia/Tokyo"}
    settings = load(written(tmp_path, "") | values)
    settings.need(*ENVIRONMENT)
    assert settings.anthropic.base_url == "http://127.0.0.1:1/x/"
    assert settings.database == Path("http://127.0.0.1:1/x")
    assert settings.timezone == "Asia/Tokyo"


def test_tiers_change_only_what_they_name(tmp_path: Path) -> None:
    text = '[tiers.opus]\nmodel = "claude-opus-5"\nseats = 1\nminutes = 45\ncap_usd = 2.5\n'
    table = load(written(tmp_path, text)).table
    assert table[Tier.OPUS].model == "claude-opus-5"
    assert table[Tier.OPUS].wall_clock == timedelta(minutes=45)
    assert table[Tier.OPUS].cap_micro_usd == 2_500_000
    assert table[Tier.OPUS].last_priority == DEFAULT_TABLE[Tier.OPUS].last_priority
    assert table[Tier.HAIKU] == DEFAULT_TABLE[Tier.HAIKU]
    assert table[Tier.HAIKU].cap_micro_usd == MICRO_USD


def test_a_channel_may_have_its_own_default_priority(tmp_path: Path) -> None:
    settings = load(written(tmp_path, "default_priority = 6\n[channels.C42]\ndefault_priority = 8\n"))
    assert (settings.priority_in("C42"), settings.priority_in("C1")) == (8, 6)


def test_in_a_channel_replies_wait_unless_it_says_that_they_steer(tmp_path: Path) -> None:
    settings = load(written(tmp_path, '[channels.C42]\nreplies = "steer"\n[channels.C43]\nquiet = true\n'))
    assert [settings.steers_in(channel) for channel in ("C42", "C43", "C1")] == [True, False, False]
    with pytest.raises(ConfigError, match=r"channels\.C42\.replies: Input should be 'wait' or 'steer'"):
        load(written(tmp_path, '[channels.C42]\nreplies = "queue"\n'))


def test_questions_wait_and_tasks_are_raised_as_the_team_says(tmp_path: Path) -> None:
    usual = load(written(tmp_path, "")).terms
    assert (usual.questions_last, usual.upgrades) == (timedelta(hours=4), Upgrades.ASK)
    said = load(written(tmp_path, '[questions]\nhours = 8\nupgrade = "on"\n')).terms
    assert (said.questions_last, said.upgrades) == (timedelta(hours=8), Upgrades.ON)


def test_one_error_names_everything_that_is_wrong(tmp_path: Path) -> None:
    text = 'timezone = "Mars/Base"\ndefault_priority = 11\nsurprise = 1\n[tiers.opus]\nseats = 0\n'
    with pytest.raises(ConfigError) as caught:
        load(written(tmp_path, text) | {"SLACK_API_URL": "slack.com"})
    told = str(caught.value)
    for name in ("timezone", "default_priority", "surprise", "tiers.opus.seats", "SLACK_API_URL"):
        assert name in told


def test_one_error_names_everything_that_is_missing(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load(written(tmp_path, "")).need("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "ANTHROPIC_API_KEY")
    told = str(caught.value)
    for name in ("SLACK_BOT_TOKEN", "slack.app_token", "ANTHROPIC_API_KEY"):
        assert name in told


@pytest.mark.parametrize(
    "text",
    [
        "[tiers.opus]\nlast_priority = 8\n",
        "[tiers.haiku]\nlast_priority = 9\n",
        "[tiers.gpt]\nseats = 1\n",
        "[tiers.opus]\ncap_usd = 0\n",
        "slack = 3\n",
        "retention_days = 0\n",
        "[questions]\nhours = 0\n",
        '[questions]\nupgrade = "maybe"\n',
        "retention_days = 100000\n",
    ],
)
def test_settings_that_leave_a_priority_without_a_tier_or_make_no_sense_are_refused(
    tmp_path: Path, text: str
) -> None:
    with pytest.raises(ConfigError):
        load(written(tmp_path, text) | {"SLACK_BOT_TOKEN": "x"})


def test_a_named_file_must_be_there_and_be_toml(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot read"):
        load({"ONEQUEUE_CONFIG": str(tmp_path / "none.toml")})
    with pytest.raises(ConfigError, match="not valid TOML"):
        load(written(tmp_path, "a = ["))


def test_secrets_are_not_shown(tmp_path: Path) -> None:
    settings = load(written(tmp_path, "") | {"SLACK_BOT_TOKEN": "hush-hush", "ANTHROPIC_API_KEY": "quiet"})
    assert "hush-hush" not in repr(settings)
    assert settings.secrets == ("hush-hush", "quiet")


AGENTS = """
[tiers.opus]
runner = "claude-code"
profile = "edit"
beyond = "ask"
[projects.payments]
repo = "/srv/payments"
profile = "full"
setup = "make deps"
domains = ["pypi.org", "*.pythonhosted.org"]
beyond = "refuse"
[channels.C1]
project = "payments"
[channels.C2]
default_priority = 3
"""


def test_agents_have_their_projects_and_tiers(tmp_path: Path) -> None:
    settings = load(written(tmp_path, AGENTS))
    assert settings.has_agents
    assert (settings.priority_in("C1"), settings.priority_in("C2")) == (5, 3)
    terms = settings.terms
    assert terms.projects == {
        "payments": Project(
            "payments",
            Path("/srv/payments"),
            profile=Profile.FULL,
            setup="make deps",
            domains=("pypi.org", "*.pythonhosted.org"),
            beyond=Beyond.REFUSE,
        )
    }
    opus = make_task(priority=2, channel="C1")
    assert terms.means(opus) == Means(RunnerName.CLAUDE_CODE, Profile.FULL, terms.projects["payments"])
    assert terms.means(make_task(priority=2)) == Means(
        RunnerName.CLAUDE_CODE, Profile.EDIT, beyond=Beyond.ASK
    )
    assert not load(written(tmp_path, "")).has_agents


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ('[channels.C1]\nproject = "wiki"', "projects.wiki"),
        ('[projects."../x"]\nrepo = "/srv/x"', "projects"),
        ('[projects.x]\nrepo = "srv/x"', "whole path"),
        ('[projects.x]\nrepo = "/srv/x"\ndomains = ["https://pypi.org/"]', "domains"),
        ('[tiers.opus]\nrunner = "codex"', "runner"),
        ('[claude_code]\nisolation = "some"', "isolation"),
    ],
)
def test_agents_that_cannot_be_are_refused(tmp_path: Path, text: str, named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        load(written(tmp_path, text))


@pytest.mark.parametrize(
    ("address", "host", "port"),
    [("10.0.0.7:3000", "10.0.0.7", 3000), ("[::1]:80", "::1", 80), ("bot.local:65535", "bot.local", 65535)],
)
def test_slack_may_be_heard_over_http(tmp_path: Path, address: str, host: str, port: int) -> None:
    settings = load(written(tmp_path, f'[slack]\nhttp = "{address}"\n'))
    assert listening_at(settings.slack.http) == (host, port)


@pytest.mark.parametrize(
    "address", ["3000", ":3000", "host:", "host:0", "host:65536", "::1:80", "a:b", "a:²"]
)
def test_an_address_that_cannot_be_listened_at_is_refused(tmp_path: Path, address: str) -> None:
    with pytest.raises(ConfigError, match=r"slack\.http"):
        load(written(tmp_path, f'[slack]\nhttp = "{address}"\n'))
