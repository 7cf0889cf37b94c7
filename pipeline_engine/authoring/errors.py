"""What authors are told when something cannot be done."""

from __future__ import annotations

from pipeline_engine.errors import Conflict, PipelineEngineError


class InvalidActionName(PipelineEngineError):
    """An action cannot be called this, or the package that would be made for it cannot."""

    code = "invalid_action_name"


class ActionNameTaken(Conflict):
    """An action, a package or a module of this name is installed already."""

    code = "action_name_taken"


class FolderNotEmpty(Conflict):
    """The folder has files in it, and nothing is overwritten."""

    code = "folder_not_empty"


class FolderNotWritable(PipelineEngineError):
    """The folder cannot be made, or no file be written into it."""

    code = "folder_not_writable"
