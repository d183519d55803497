"""What each command does, a module for those that belong together; only the one that was asked for is imported."""
