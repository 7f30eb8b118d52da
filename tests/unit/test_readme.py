"""What the README shows is true."""

import re
from pathlib import Path

from bot.access import Person, operates
from bot.config import load

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")


def test_the_settings_it_shows_are_taken_as_they_stand(tmp_path: Path) -> None:
    shown = README.split("## Settings")[1]
    lines = [line.removeprefix("    ") for line in re.findall(r"^(?: {4}.*|)$", shown, re.MULTILINE)]
    file = tmp_path / "onequeue.toml"
    file.write_text("\n".join(lines), encoding="utf-8")
    settings = load({"ONEQUEUE_CONFIG": str(file)})
    assert settings.terms.budgets.urgent == 10_000_000
    assert settings.terms.token_caps == {"another-model": 200_000}
    assert operates(Person("U0123456789"), settings.rules)
    assert not operates(Person("UANA00001"), settings.rules)
