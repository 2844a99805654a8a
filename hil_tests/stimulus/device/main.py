# Runs the stimulus fixture; Ctrl-C stops it, and mpremote reaches the board then.
# SPDX-License-Identifier: Apache-2.0
import fixture.app

fixture.app.main()
