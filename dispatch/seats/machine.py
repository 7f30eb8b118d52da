"""How large this machine is, or the part of it that this process may use."""

import os
from pathlib import Path

_CONTROL = Path("/sys/fs/cgroup")


def cores(control: Path | None = None) -> int:
    """Processors that this process may use. `control` is the folder with its control group's limits."""
    found = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota, _, period = _limit(control, "cpu.max").partition(" ")
    if quota.isdigit() and period.isdigit():
        return max(1, min(found, int(quota) // int(period)))
    return found


def memory_bytes(control: Path | None = None) -> int:
    """Memory that this process may use, in bytes. `control` as above."""
    found = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limit = _limit(control, "memory.max")
    return min(found, int(limit)) if limit.isdigit() else found


def _limit(control: Path | None, name: str) -> str:
    try:
        return ((control or _own()) / name).read_text().strip()
    except OSError:
        return ""


def _own() -> Path:
    lines = Path("/proc/self/cgroup").read_text().splitlines()
    own = next((line for line in lines if line.startswith("0::")), "0::/")
    return _CONTROL / own.removeprefix("0::").lstrip("/")
