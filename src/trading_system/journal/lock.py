"""One writer per journal: a lock that the kernel drops when its process ends, however it ends.

Source: flock(2). The lock belongs to the open file, so a second writer in the same process is refused too.
"""

import fcntl
import os
import socket
from pathlib import Path

from trading_system.errors import ConfigurationError


def hold(journal: Path) -> int:
    """Lock `<journal>.lock`, create it where it is missing, and return the descriptor that holds the lock.

    The file stays when the lock is dropped; removing it could let two writers lock two files of one name.

    Raises:
        ConfigurationError: Somebody holds it; the message says who.
        OSError: The file cannot be opened.
    """
    descriptor = os.open(journal.with_name(journal.name + ".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.read(descriptor, 200).decode(errors="replace").strip() or "an unnamed process"
        os.close(descriptor)
        raise ConfigurationError(
            f"the journal {journal} is written by {holder} already; stop it, or name another journal"
        ) from None
    os.ftruncate(descriptor, 0)
    os.write(descriptor, f"process {os.getpid()} on {socket.gethostname()}\n".encode())
    return descriptor
