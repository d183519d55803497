"""Real servers on 127.0.0.1 for the tests of sources: nginx for what servers do, `faults` for what they should not."""
