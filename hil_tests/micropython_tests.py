# Runs the test functions of one file under MicroPython and prints one line for each:
#   micropython -X heapsize=192k hil_tests/micropython_tests.py protocols/tests/test_cbor.py [name]
# SPDX-License-Identifier: Apache-2.0
import gc
import sys


def run(path, names):
    sys.path.insert(0, "")
    module_name = path[:-3].replace("/", ".")
    module = __import__(module_name)
    for part in module_name.split(".")[1:]:
        module = getattr(module, part)
    failed = 0
    for name in names or sorted(n for n in dir(module) if n.startswith("test_")):
        gc.collect()
        try:
            getattr(module, name)()
        except Exception as error:
            failed += 1
            print("FAILED", name)
            sys.print_exception(error)
        else:
            print("PASSED", name)
    return failed


if __name__ == "__main__":
    sys.exit(1 if run(sys.argv[1], sys.argv[2:]) else 0)
