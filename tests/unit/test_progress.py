"""Whoever waits hears what is done, and that it is still being done where it takes long."""

from __future__ import annotations

import threading

from dagster_project.progress import announce, kept_posted, listening


def test_each_listener_hears_each_sentence_while_it_listens() -> None:
    heard: list[str] = []
    with listening(heard.append):
        announce("Scoring\x1b[2J")
    announce("Unheard")
    assert heard == ["Scoring\\x1b[2J"]


def test_what_takes_long_is_said_again_and_nothing_once_it_is_over() -> None:
    heard: list[str] = []
    said = threading.Semaphore(0)

    def hear(text: str) -> None:
        heard.append(text)
        said.release()

    with kept_posted(hear, "getting ready", silence_seconds=0.01):
        assert said.acquire(timeout=60)
        announce("Scoring")
        while "  still: Scoring" not in heard:
            assert said.acquire(timeout=60)
    assert heard[0] == "  still: getting ready"
    assert not [thread for thread in threading.enumerate() if thread.name == "progress"]
