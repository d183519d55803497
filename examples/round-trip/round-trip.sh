#!/bin/sh
# A fix goes home: it is made where a module is used, carried to the repository that the module came from, released there,
# and found again here, where it is no longer an edit.
#
#     sh examples/round-trip/round-trip.sh /tmp/round-trip
#
# The folder must be new. It gets two git repositories, `producer` and `consumer`, and a `bucket` between them: a folder
# here, `s3://...` elsewhere. What is run is printed first; read it from top to bottom.
set -eu
unset $(git rev-parse --local-env-vars)  # in a hook of git they name its repository

here=$(cd "$(dirname "$0")" && pwd)
work=${1:?"name a new folder to work in"}
mkdir "$work"
cd "$work"

say() { printf '\n## %s\n' "$*"; }
run() { printf '$ %s\n' "$1"; sh -eu -c "$1"; }

say 'Two repositories, and a bucket'
cp -R "$here/producer" "$here/consumer" .
mkdir bucket
for repository in producer consumer; do
    git init -q "$repository"
    git -C "$repository" config user.name 'A Person'
    git -C "$repository" config user.email person@team.example
    git -C "$repository" add -A
    git -C "$repository" commit -qm 'Begin'
done

say 'The producer releases what is committed'
cd producer
run 'micropkgd reconcile --once'
run 'ls ../bucket'

say 'The consumer pulls it: code, tests and parameters, under names of its own'
cd ../consumer
run 'micropkgd reconcile --once'
run 'head -5 src/team/sales/nodes.py'
git add -A
git commit -qm 'Pull features 1.0'

say 'Somebody mends the pulled code, and adds a test'
cat > src/team/sales/numbers.py <<'END'
"""Small sums."""


def mean(values):
    return sum(values) / len(values) if values else 0
END
cat >> tests/sales/test_nodes.py <<'END'


def test_a_day_without_sales():
    from team.sales import numbers

    assert numbers.mean([]) == 0
END
cat >> src/team/sales/nodes.py <<'END'


def monthly_sales(amounts):
    return [math.fsum(amounts[start : start + 30]) for start in range(0, len(amounts), 30)]
END
sed -i 's/^from team.sales import numbers/import math\n\n&/' src/team/sales/nodes.py
git commit -qam 'Mend the mean of nothing, add months'
run 'micropkgd status'

say 'Meanwhile the producer has moved on'
cd ../producer
sed -i 's/"days": len(amounts)/"days": len(amounts), "best": max(amounts, default=0)/' src/shop/pipelines/features/nodes.py
git commit -qam 'Say which day was best'

say 'The edits go home: paths and names are those of the producer'
cd ../consumer
run 'micropkgd patch'
run 'micropkgd patch | git -C ../producer apply -3'

say 'There they are looked at, committed and released'
cd ../producer
run 'git status --short'
sed -i 's/1\.0/1.1/' src/shop/pipelines/features/__init__.py
git commit -qam 'Take the fixes of the consumer, release 1.1'
run 'micropkgd reconcile --once'

say 'Here the next pass takes the release, and nothing is edited any more'
cd ../consumer
run 'micropkgd reconcile --once'
run 'micropkgd status'
run 'micropkgd patch'
run 'git diff --stat'
