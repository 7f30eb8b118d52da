"""No incident is left out."""

import re
from pathlib import Path

INCIDENTS = 24


def test_every_incident_has_its_test() -> None:
    files = Path(__file__).parent.glob("test_incidents_*.py")
    names = [name for file in files for name in re.findall(r"def test_incident_(\d\d)_", file.read_text())]
    assert {int(name) for name in names} == set(range(1, INCIDENTS + 1))
