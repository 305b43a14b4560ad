"""Starts the launcher; executed by path. Small, because a script is compiled anew each time and a module is not."""

import sys
from importlib import import_module
from importlib.machinery import ModuleSpec
from importlib.util import module_from_spec

if __name__ == "__main__":
    spec = ModuleSpec("_unrepeat_launch", None, is_package=True)
    spec.submodule_search_locations = [__file__.rpartition("/")[0]]
    sys.modules["_unrepeat_launch"] = module_from_spec(spec)
    import_module("_unrepeat_launch.sequence").main(int(sys.argv[1]), int(sys.argv[2]))
