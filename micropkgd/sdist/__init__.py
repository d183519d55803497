"""Archives, as streams and never as paths: nothing here opens, writes or runs a file.

Reading order: `reader` (the story and its values), below it `inflate` (the gzip frame), `headers` (tar blocks),
`pax` (extended headers), `names` (what a member may be called), `limits`. Then `metadata` (who the archive says it
is and what it requires) with `fields` (PKG-INFO), `identity`, `requirements` and `license`. `writer`
makes what `reader` reads.
A reader refuses what two programs could understand in two ways: it never repairs, skips or guesses.
"""
