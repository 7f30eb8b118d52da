"""Places where agents work on projects: a git worktree and a branch for each."""

from dispatch.places.worktrees import Worktrees

__all__ = ["Worktrees"]
