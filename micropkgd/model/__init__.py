"""The words of micropkgd as frozen values: no clock, disk, network or log is reached from here.

Reading order: `tree` (paths and digests), `hashing`, `ref`, `index`, `publish`, `layout`, `module_origin`,
`parameters`, `place_names`, `distribution_name`, `text_form`, `text_diff`, `contents`; `manifest` (made of
`project_tables`, `policy`, `pull_entry` and `package_entry`, read with `fields`; with `pulled_again`, `lookalikes`,
`patterns`, `choice`) and `lock` (with `entry_key`, `lock_merge`, `requirements`, `requirements_place`,
`requirement_lines`, `requirement_conflicts`); `plan`, `collision`, `condition`, `standing`, `outcome` (with `packaged`
and `outcome_json`), `status`, `event`, `trigger`. The machine's config: `settings`, read by `config` with `kinds` and
`variables`; `origins` and `permits` say what projects may reach, `signers` and `publishers` whose archives they may
install.
So many beside each other: each is one noun of micropkgd with its rules, and a leaf that at most two or three others
name; whoever looks for a noun finds a file of that name, and no room in between would have a name of its own.
`schemas` tells editors of TOML what can be written. `failure_codes` outlive words. `backoff` is the pause before what
failed is tried again.
Values are `NamedTuple`s (docs/decisions/0001): a second constructor (`parse`, `from_mapping`) checks, the plain one
does not.
"""
