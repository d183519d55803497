"""When passes are due: `agenda` keeps who asked, `schedule` and `retries` say when to look again.

`jumps` notices that the clock or the network moved; it alone asks the system, the others are given the time.
"""
