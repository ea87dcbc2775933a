# SPDX-License-Identifier: MIT
# 30 processes and what a shell does with them.
set -eu
trap 'echo trapped' USR1
n=0
for i in {1..20}; do
	value=$(expr "$i" \* "$i")
	n=$((n + 1))
	echo "$i $value"
done
seq 100 | sort -rn | head -n 50 | tail -n 1 | cat
n=$((n + 5))
diff <(seq 3) <(seq 4) || true
n=$((n + 3))
sleep 0.1 &
wait $!
n=$((n + 1))
env kill -USR1 $$
n=$((n + 1))
echo "done $n"
