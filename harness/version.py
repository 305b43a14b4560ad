"""The version of this release: read by the build, so that `unrepeat --version` imports nothing for it."""

VERSION = "0.1.0"
