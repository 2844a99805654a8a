# The actuators of a station: what few boards have, loaded for them. All are made at rest.
# SPDX-License-Identifier: Apache-2.0
import machine

from protocols.compat import const

from .parts import register_map
from .wiring import input_pin, output_pin

_FULL = const(65535)  # of a PWM's duty


def _relay(board, entry):
    from drivers.relay import Relay

    active = entry.get("active", 1)
    return Relay(output_pin(entry["pin"], 1 - active), active)


def _pwm_output(board, entry):
    from drivers.pwm_output import PWMOutput

    active = entry.get("active", 1)
    pin = output_pin(entry["pin"], 1 - active)
    pwm = machine.PWM(pin, freq=entry["freq_hz"], duty_u16=0 if active else _FULL)
    return PWMOutput(pwm, active)


def _latching_valve(board, entry):
    from drivers.latching_valve import LatchingValve

    return LatchingValve(
        output_pin(entry["open"], 0), output_pin(entry["close"], 0), entry["pulse_ms"]
    )


def _two_relay_motor(board, entry):
    from drivers.two_relay_motor import TwoRelayMotor

    active = entry.get("active", 1)
    open, close = [output_pin(entry[key], 1 - active) for key in ("open", "close")]
    stops = [
        input_pin(entry[key]).value if key in entry else None
        for key in ("open_stop", "closed_stop")
    ]
    return TwoRelayMotor(open, close, entry["travel_ms"], entry["dead_ms"], active, stops)


def _modbus_relay(board, entry):
    from drivers.modbus_relay import ModbusRelay

    data = register_map(entry["map"])
    return ModbusRelay(board.bus(entry["bus"]), entry["address"], data, entry["output"])


def maker(name):
    return PARTS[name]


# make(board, entry of "fitted") -> driver
PARTS = {
    "latching_valve": _latching_valve,
    "modbus_relay": _modbus_relay,
    "pwm_output": _pwm_output,
    "relay": _relay,
    "two_relay_motor": _two_relay_motor,
}
