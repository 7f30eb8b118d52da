"""What holds for all tests: no property is asserted by the clock."""

from hypothesis import settings

settings.register_profile("onequeue", deadline=None)
settings.load_profile("onequeue")
