"""Recorded data that the virtual bench replays; see README.md for sources and licences."""
