"""Timing: when passes are due. Everything here is given the time, but `jumps`, which asks the system.

`agenda` keeps who asked and takes what is due; `timetable` puts onto it what comes by itself, by `schedule` (intervals
and cron) and `retries` (outages); `jumps` notices that the clock or the network moved.
"""
