"""Which scripts there are."""

from collections.abc import Mapping, Sequence
from typing import Final

from bot.grammar import Run
from bot.manual import SLASH, Way
from bot.sections import ScriptSettings
from bot.views import scripts as views
from bot.views.scripts import Listed


class Scripts:
    """The scripts of the settings."""

    def __init__(self, known: Mapping[str, ScriptSettings]) -> None:
        self._known = known

    @property
    def any(self) -> bool:
        """Whether there are scripts at all."""
        return bool(self._known)

    def has(self, name: str) -> bool:
        """Whether there is a script of that name."""
        return name in self._known

    @property
    def names(self) -> Sequence[str]:
        """What they are called."""
        return list(self._known)

    def listed(self, names: Sequence[str]) -> Sequence[Listed]:
        """These scripts and what they are about."""
        return [Listed(name, self._known[name].about) for name in names]

    def unknown(self, asked: Run, names: Sequence[str], way: Way = SLASH) -> str:
        """The private answer where there is no such script, with those that may be run."""
        return views.unknown(asked, self.listed(names), way)


NO_SCRIPTS: Final = Scripts({})
