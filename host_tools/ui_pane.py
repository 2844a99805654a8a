"""A tab of `fieldbeat ui`: what it says stands at its foot, its work runs in a thread.

Whom the work asks for a passphrase, a password or a code is asked in a dialog.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.message import Message
from textual.screen import ModalScreen
from textual.widgets import Input, Label, Static, TabPane

from .asking import asked_by
from .cli import foreseen
from .language import tr


class Call(Message):
    """Something that a thread wants to be done where the screen may be touched."""

    def __init__(self, call: Callable[[], object]) -> None:
        super().__init__()
        self.call = call


class Question(ModalScreen[str | None]):
    """Asks for something that nobody else should see; None: nobody answered."""

    BINDINGS = [Binding("escape", "dismiss(None)", show=False)]

    def __init__(self, question: str) -> None:
        super().__init__()
        self._question = question

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Label(self._question, markup=False)
            yield Input(password=True, compact=True)
            yield Label(tr("Enter: it is right; Esc: leave it"), markup=False)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        if event.value:
            self.dismiss(event.value)


class Pane(TabPane):
    """A tab with one piece of work at a time; `stop` is set when that is to end."""

    def __init__(self, title: str, id: str) -> None:
        super().__init__(title, id=id)
        self.stop = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def busy(self) -> bool:
        return self._thread is not None

    def said(self) -> Static:
        """Return the widget for what is said; a tab places it where it has room."""
        return Static(id=f"{self.id}-said", classes="said")

    def say(self, text: str, bad: bool = False) -> None:
        """Say something until something else is said."""
        self.query_one(f"#{self.id}-said", Static).update(Text(text, "bold" if bad else ""))

    def tell(self, text: str) -> None:
        """Say something, from any thread."""
        self.later(self.say, text)

    def fail(self, error: BaseException) -> None:
        """Say what went wrong, and what to do next."""
        if isinstance(error, Exception):
            failure = foreseen(error, "fieldbeat ui")
            self.say(tr("error: {error}").format(error=failure), bad=True)
        else:
            self.say(tr("interrupted"), bad=True)

    def begin(self, work: Callable[[], object]) -> None:
        """Do something in a thread; it ends with the program, or when it sees `stop`."""
        self.stop.clear()
        self._thread = threading.Thread(target=self._run, args=(work,), daemon=True)
        self._thread.start()
        self.refresh_bindings()

    def later(self, call: Callable[..., object], *arguments: Any) -> None:
        """Do something where the screen may be touched; to be called from any thread."""
        try:
            self.post_message(Call(partial(call, *arguments)))
        except RuntimeError:
            pass  # there is no screen any more

    def on_call(self, message: Call) -> None:
        message.stop()
        message.call()

    def enter(self) -> None:
        """Be shown."""

    def _ask(self, question: str) -> str:
        """Return what somebody types into a dialog; the thread waits for it."""
        answers: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self.later(self.app.push_screen, Question(question), answers.put)
        answer = answers.get()
        if answer is None:
            raise KeyboardInterrupt
        return answer

    def _run(self, work: Callable[[], object]) -> None:
        try:
            with asked_by(self._ask):
                work()
        except (Exception, KeyboardInterrupt) as error:
            self.later(self.fail, error)
        finally:
            self.later(self._end)

    def _end(self) -> None:
        self._thread = None
        self.refresh_bindings()
        self.app.work_ended()  # type: ignore[attr-defined]
