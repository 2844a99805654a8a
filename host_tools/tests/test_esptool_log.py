"""esptool's one logger, heard by several threads."""

import threading

from esptool.logger import log
from fieldbeat.host_tools.esptool_log import listening


def test_each_thread_hears_its_own(capsys):
    meet = threading.Barrier(2)
    shares: dict[str, list[float]] = {"a": [], "b": []}
    said = {}

    def work(name, total):
        with listening() as heard:
            heard.on_progress = shares[name].append
            for n in range(3):
                meet.wait()
                log.progress_bar(n, total)
                log.print(f"{name}{n}")
            said[name] = heard.messages

    threads = [threading.Thread(target=work, args=pair) for pair in (("a", 4), ("b", 8))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert shares == {"a": [0, 0.25, 0.5], "b": [0, 0.125, 0.25]}
    assert said == {"a": ["a0", "a1", "a2"], "b": ["b0", "b1", "b2"]}
    assert capsys.readouterr().out == ""
