"""New source of a service that is a process, beside what it uses."""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING

from envsync import process
from envsync.files import remove_tree
from envsync.score.app_files import (
    link_path,
    list_links,
    list_source,
    source_folder,
    version_of,
    write_members,
)
from envsync.workflow.service.folder import own_folders

if TYPE_CHECKING:
    from pathlib import Path

    from envsync.workflow.service.plan import ServicePlan


class ProcessSource:
    """New source of a service, used from `use` on, and no longer after `undo`."""

    def __init__(self, root: Path, folder: Path, plan: ServicePlan) -> None:
        self._root = root
        self._folder = folder
        self._files = plan.files
        self._version = str(time.time_ns())
        self._old = version_of(str((root / link_path(plan.files)).readlink()))
        members = tuple(list_source(plan.files, self._version, own_folders()))
        used = source_folder(self._old)
        for earlier in root.glob(source_folder("*")):
            if earlier.name != used:
                remove_tree(earlier)
        try:
            write_members(members, root)
        except BaseException:
            remove_tree(root / members[0].path)
            raise

    def use(self) -> None:
        """Have the server load it; the old goes on until that is done."""
        write_members(list_links(self._files, self._version), self._root)
        identity = process.read_identity(self._folder)
        if identity is not None:
            identity.send(signal.SIGHUP)

    def undo(self) -> None:
        """Have what was there before be loaded from now on."""
        write_members(list_links(self._files, self._old), self._root)
