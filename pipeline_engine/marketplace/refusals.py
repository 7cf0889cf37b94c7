"""Why a package is not believed, not installed or not published."""

from __future__ import annotations

from pipeline_engine.errors import Conflict, NotFound, PipelineEngineError


class UnknownSource(NotFound):
    """No source of packages has this name (PIPELINE_MARKETPLACE_SOURCES)."""

    code = "unknown_source"


class PackageNotFound(NotFound):
    """No source has such a package."""

    code = "package_not_found"


class ReleaseNotFound(NotFound):
    """The package has no such release."""

    code = "release_not_found"


class AmbiguousPackage(Conflict):
    """More than one source has this package; say which one is meant."""

    code = "ambiguous_package"


class MarketplaceUnavailable(PipelineEngineError):
    """A source of packages cannot be read at the moment."""

    code = "marketplace_unavailable"


class InvalidIndex(PipelineEngineError):
    """This is no index of packages that could be read."""

    code = "invalid_index"


class BadSignature(PipelineEngineError):
    """What is signed is not what was read: somebody has changed it."""

    code = "bad_signature"


class UnknownKey(PipelineEngineError):
    """It is signed with a key that its source is not known for."""

    code = "unknown_key"


class IndexExpired(PipelineEngineError):
    """The index is older than its publisher wants it to be believed."""

    code = "index_expired"


class IndexRolledBack(PipelineEngineError):
    """A newer index of this source was read before: this one was replayed."""

    code = "index_rolled_back"


class SizeMismatch(PipelineEngineError):
    """The file of a package is not as large as its record says."""

    code = "size_mismatch"


class HashMismatch(PipelineEngineError):
    """The file of a package is not the one that was signed."""

    code = "hash_mismatch"


class ReleaseYanked(Conflict):
    """The publisher has taken this release back."""

    code = "release_yanked"


class IncompatibleRelease(Conflict):
    """This release does not run here: it wants another Python, engine or machine."""

    code = "incompatible_release"


class PackageMismatch(PipelineEngineError):
    """What is in the file of a package is not what its record says."""

    code = "package_mismatch"


class UnsafePackage(PipelineEngineError):
    """The package would change more than itself when it is installed."""

    code = "unsafe_package"


class ActionTypeTaken(Conflict):
    """The package claims an action that another installed package has."""

    code = "action_type_taken"


class MissingDependency(Conflict):
    """The package needs another one that is not installed here."""

    code = "missing_dependency"


class InstallFailed(PipelineEngineError):
    """The package could not be installed; what was there before is there again."""

    code = "install_failed"


class InvalidPackage(PipelineEngineError):
    """This file is no package of actions that could be published."""

    code = "invalid_package"


class ReleaseExists(Conflict):
    """This version was published before with another content; a release never changes."""

    code = "release_exists"


class InvalidKeyFile(PipelineEngineError):
    """This file holds no signing key that could be used."""

    code = "invalid_key_file"


class MarketplaceStateUnreadable(PipelineEngineError):
    """What this environment remembers of the marketplace cannot be read."""

    code = "marketplace_state_unreadable"
