# So that `from __future__ import annotations` passes; MicroPython never evaluates annotations.
# SPDX-License-Identifier: Apache-2.0
annotations = None
