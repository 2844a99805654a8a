"""The pulled-cable campaign: `fieldbeat bench pulls`.

A golden run of a whole `fieldbeat batch` of two units counts what crosses the cable of one of
them: openings, reset lines, commands of the loader, SMP requests (`cable`). For every chosen one
the same batch runs again and the cable is pulled there, in one of three ways (`trial`). Then an
oracle that reads flash bytes, NVS, registry and journal, and asks nobody, says whether the unit is
resumable or clean (`oracle`); wrong units are put into the slot; the cable is plugged in and the
batch runs again. A pull has a name, so that every failure is one command away:

    fieldbeat bench pulls --pull 131:answer
"""
