"""Laws are about results: no example of one is timed, on no machine however busy."""

from hypothesis import settings

settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
