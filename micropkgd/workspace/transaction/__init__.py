"""One commit over many files, all or none.

`journal` says what is about to be done, under the key of this user (`journal_key`); `commit` does it and recovers it;
`kept` has what was replaced; `foreign` sets aside what this user did not write here.
"""
