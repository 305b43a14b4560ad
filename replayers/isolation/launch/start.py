"""Starts the launcher; executed by path. Small, because a script is compiled anew each time and a module is not."""

import sys

if __name__ == "__main__":
    # Behind the standard library, which is all else that ``-I -S`` leaves on the path.
    sys.path.append(__file__.rpartition("/launch/")[0])
    from launch.sequence import main  # type: ignore[import-not-found]

    main(int(sys.argv[1]), int(sys.argv[2]))
