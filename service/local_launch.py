"""Become a command that runs as a given user and ends when its parent ends. Run by path, standard library only.

    python -I -S local_launch.py PARENT_PID SIGNAL UID GID COMMAND [ARGUMENT…]

UID and GID of -1 mean: stay who we are. SIGNAL is what the command gets should its parent vanish (Linux only).
It is asked for after the user has changed, since a change of user forgets it (prctl(2), PR_SET_PDEATHSIG).
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def become(user_id: int, group_id: int) -> None:
    """Drop root for a user, or stay."""
    if user_id >= 0:
        os.setgroups([])
        os.setgid(group_id)
        os.setuid(user_id)


def end_with_parent(parent: int, number: int) -> None:
    """Have the kernel send us a signal when the parent ends; leave at once if it has ended already."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, number)
    if os.getppid() != parent:
        sys.exit("the parent has ended")


def forget_signals() -> None:
    """Undo what the interpreter and our parent did to signals: ignored ones stay ignored through exec."""
    for number in (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])


def main() -> None:
    """Read the arguments and become the command."""
    parent, number, user_id, group_id = (int(argument) for argument in sys.argv[1:5])
    become(user_id, group_id)
    forget_signals()
    end_with_parent(parent, number)
    os.execv(sys.argv[5], sys.argv[5:])  # noqa: S606 - a program and its arguments, no shell


main()
