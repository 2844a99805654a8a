"""Instruments of a bench: five interfaces, each with a virtual implementation and real ones.

An instrument that is absent, refuses or disappears raises `Blocked`, which says what to do next.
"""
