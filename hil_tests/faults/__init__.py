"""What a fault may cost, and what it must not: the ledger that every test of a fault asks.

The switches are where the effect is, and each counts that it took effect:

| switch | holder | file |
|---|---|---|
| silent, hung, cereg, send_..., brownout, bytes | `modem.faults` | models/modem_faults.py |
| unplugged, frozen, forced, bad_crc, slow, stuck | a part's `faults` | models/ |
| away, lose, duplicate, reorder | `network.faults` | network.py |
| server_clock_off_s, kill_collector | `bench.faults` | bench.py, site.py |
| cut_at, torn | `board.flash.faults` | flash.py |
| i2c_stuck, heap_hog | `board.hardware.faults` | hardware.py |

`virtual/fault_panel.py` gathers them; `full_flash.py` fills a file system.
"""
