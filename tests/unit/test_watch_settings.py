"""The settings of the watch."""

from pathlib import Path

import pytest

from bot.config import ConfigError, Settings, load
from dispatch.watch import FREE_BYTES, MEGABYTE, TOKENS


def settings(folder: Path, text: str) -> Settings:
    path = folder / "onequeue.toml"
    path.write_text(text, encoding="utf-8")
    return load({"ONEQUEUE_CONFIG": str(path)})


def test_nothing_said_is_the_default(tmp_path: Path) -> None:
    watch = settings(tmp_path, "").watch
    assert (watch.ping_url, watch.tokens, watch.disk_free_mb * MEGABYTE) == ("", TOKENS, FREE_BYTES)


def test_the_address_to_ping_stays_as_it_is_and_is_not_shown(tmp_path: Path) -> None:
    watch = settings(tmp_path, '[watch]\nping_url = "https://ping.example/abc?x=1"\n').watch
    assert watch.ping_url == "https://ping.example/abc?x=1"
    assert "abc" not in repr(watch)


def test_what_is_no_web_address_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"watch\.ping_url.*https://"):
        settings(tmp_path, '[watch]\nping_url = "ftp://ping.example"\n')
