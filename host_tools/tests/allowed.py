"""Tells what each field of each table that people write may hold, in the language asked for."""

from __future__ import annotations

import importlib
import pkgutil

from fieldbeat import host_tools
from fieldbeat.host_tools import validation


def _models(model: type[validation.Strict]) -> list[type[validation.Strict]]:
    below = [each for child in model.__subclasses__() for each in _models(child)]
    return [model, *below]


def main() -> None:
    for found in pkgutil.iter_modules(host_tools.__path__):
        if found.name != "ui" and not found.name.startswith(("ui_", "tests")):
            try:
                importlib.import_module(f"fieldbeat.host_tools.{found.name}")
            except ImportError:
                continue  # of an extra
    for model in _models(validation.Strict):
        for name, field in model.model_fields.items():
            print(f"{model.__name__}.{name}: {validation._allowed(field, name)}")


if __name__ == "__main__":
    main()
