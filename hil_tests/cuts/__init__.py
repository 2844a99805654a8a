"""The power-cut campaign: `fieldbeat bench cuts`.

A golden run records every flash operation and every datagram (`recorder`). For every operation the
flash as it stood before it is made again, cleanly cut and torn (`states`), a board boots from those
bytes beside the collector as it was at that time (`judge`), and an oracle that reads flash bytes
and the collector's file, and believes nothing that the firmware says, looks for broken promises
(`oracle`). A state has a name, so that every failure is one command away:

    fieldbeat bench cuts --state 412:half
"""
