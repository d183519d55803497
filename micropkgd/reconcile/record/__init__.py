"""Say and remember what came of a pass: `outcome` for the caller, `state` for the next pass, `pass_log` for people.

`short_way` leaves the record by which the next pass is short where nothing moves. `requirements_notes` says what
installs the requirements that came or went (`install_command`) and which are at odds. `failures` keeps what was learnt
of a source that failed through the passes that do not ask it; `gate` says for `--locked` what was edited beside what is
accepted.
"""
