# Interrupts of pins; the bench has their edges (../pin_edges.py). Loaded for Pin.irq.
# SPDX-License-Identifier: Apache-2.0
import sys

import _callbacks
import _link
from micropython import const

_OP_PIN_IRQ = const(50)
_OP_PIN_EDGE = const(51)
_PIN_BIT = const(0x8000)  # of the inputs

_handlers = {}  # pin number: (pin, handler)


def set_handler(pin, handler, trigger):
    if handler:
        _handlers[pin.id] = pin, handler
        _callbacks.waiting[_PIN_BIT] = _call
    _link.call(_OP_PIN_IRQ, pin.id, bytes((trigger if handler else 0,)))


def _call():
    while True:
        number = _link.call(_OP_PIN_EDGE)
        if number < 0:
            return
        pin, handler = _handlers[number]
        try:
            handler(pin)
        except Exception as error:  # a chip goes on, too
            sys.print_exception(error)
