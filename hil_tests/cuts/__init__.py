"""The power-cut campaign: `fieldbeat bench cuts`.

A golden run records every flash operation and every datagram (`recorder`). For every operation the
flash as it stood before it is made again, cleanly cut and torn (`states`). A board boots from it
beside the collector as it was at that time (`judge`). An oracle that reads flash bytes and the
collector's file, and believes nothing that the firmware says, looks for promises that were broken
(`oracle`). A cut has a name, so that every failure is one command away:

    fieldbeat bench cuts --state 412:half
"""
