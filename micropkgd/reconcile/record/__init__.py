"""Say and remember what came of a pass: `outcome` for the caller, `state` for the next pass, `pass_log` for people."""
