"""What keeps a replayed program from reaching anything but the harness: the isolation ladder and its cells."""
