"""make demo: a unit from a bare board to its work, with the installed tools.

The bench runs in this process by the wall clock; everything else is the command line that a
technician types, against the board's serial port. Ctrl-C or $DEMO_FOR seconds end it;
$DEMO_SVG=FILE keeps a picture of it. Exit code 0: it did its work.
"""
