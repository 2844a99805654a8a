# Damaged input for every parser: `make fuzz`, or `python -m fieldbeat.hil_tests.fuzz 5000 cbor`.
# SPDX-License-Identifier: Apache-2.0
#
# targets.py and run.py run on both interpreters, host_targets.py holds what only a host parses.
