"""The device models of the bench on a MicroPython board: a physical stimulus fixture.

`device/` is what runs on the board beside the very files of `virtual/models/`: a world over the
board's clock, ports from a model to a pin, and a line protocol to the host.
`install.py` puts all of it in a folder for mpremote, `remote.py` is the host's end of the line.
"""
