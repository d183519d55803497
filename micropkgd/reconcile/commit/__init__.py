"""Make the change: `carry_out` commits a proposal, or plans again where somebody saved a file in between.

`preview` lays out the project as it would be for whoever may object; `conflicts` lays held versions beside the tree.
"""
