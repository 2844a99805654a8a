"""A collector is killed at work: what it acknowledged is there, what it did not may come again."""

import signal
import subprocess
import sys

import pytest
from fieldbeat.host_tools.collector import Collector
from fieldbeat.host_tools.registry import Registry
from fieldbeat.host_tools.store import Store

from .sender import NOW_S, Sender, boot_record, report_record, schema_record

# Takes frames as lines of hexadecimal, answers each with a line of replies.
WRITER = """
import sys
from pathlib import Path
from fieldbeat.host_tools.collector import Collector
from fieldbeat.host_tools.registry import Registry
from fieldbeat.host_tools.store import Store
folder = Path(sys.argv[1])
collector = Collector(Store(folder / "store.sqlite"), Registry(folder / "registry.sqlite"))
for line in sys.stdin:
    replies = collector.handle(bytes.fromhex(line), "pipe", float(sys.argv[2]))
    print(*(reply.hex() for reply in replies), flush=True)
"""


def start(folder):
    command = [sys.executable, "-c", WRITER, str(folder), str(NOW_S)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


@pytest.mark.parametrize("killed_after", [1, 5, 23])
def test_a_killed_collector_has_all_that_it_acknowledged(tmp_path, killed_after):
    registry = Registry(tmp_path / "registry.sqlite")
    sender = Sender(registry)
    records = [boot_record(1), schema_record(2), *(report_record(rn) for rn in range(3, 60))]
    frames = [sender.seal([record]) for record in records]
    writer = start(tmp_path)
    writer.stdin.write("".join(frame.hex() + "\n" for frame in frames))
    writer.stdin.flush()
    acked = 0
    for _ in range(killed_after):
        answer = sender.open_ack([bytes.fromhex(writer.stdout.readline())])
        acked = answer.cumulative
    writer.send_signal(signal.SIGKILL)  # in the middle of the frames that follow
    for line in writer.stdout.read().split():  # answers that had left before
        acked = sender.open_ack([bytes.fromhex(line)]).cumulative
    assert writer.wait() == -signal.SIGKILL
    writer.stdin.close()
    writer.stdout.close()

    store = Store(tmp_path / "store.sqlite")
    stored = store.stored_after("gh-1", 1, 0)
    assert stored == list(range(1, len(stored) + 1)) and len(stored) >= acked >= killed_after
    decoded = store.database.one("SELECT COUNT(*) FROM samples")[0]
    assert decoded == 4 * max(0, len(stored) - 2)  # two channels, two samples

    collector = Collector(store, registry)
    for record in records:
        answer = sender.open_ack(collector.handle(sender.seal([record]), "pipe", NOW_S))
    assert answer.cumulative == len(records)
    assert store.database.one("SELECT COUNT(*) FROM samples")[0] == 4 * (len(records) - 2)
    assert sender.down_pivs == sorted(set(sender.down_pivs))
