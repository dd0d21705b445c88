#!/usr/bin/env bash
# Everything that a machine with a CUDA device can tell, in one command and under 10 minutes:
#
#   benchmarks/gpu.sh        or  OUT=DIRECTORY benchmarks/gpu.sh  (else benchmarks/results)
#
# It needs nvcc, a C++20 compiler, and a python3 with torch, pybind11, ninja, setuptools and pytest,
# and no network. Wheels in .whl/ (flashlib, to be compared with) are used where there are any. It
# builds the package into a directory of its own, runs the tests of the CUDA functions (on Hopper with
# both families of kernels) and compute-sanitizer on small cases, then prints the tables of gpu_table.py
# and writes them as JSON.
# Exits with 0 only if everything passed, with 3 where there is no CUDA device.
set -uo pipefail
cd "$(dirname "$0")/.."
root=$PWD
out=${OUT:-$root/benchmarks/results}
seconds=${GPU_SECONDS:-560}  # in all
python=${PYTHON:-python3}

if ! "$python" -c 'import torch, sys; sys.exit(not torch.cuda.is_available())'; then
  echo "$python has no torch that sees a CUDA device: nothing is built or measured." >&2
  exit 3
fi

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
site=$scratch/site checks=$scratch/checks
mkdir -p "$site" "$out"
failed=0

# note NAME STATUS OUTPUT: a line of the table's head. A status of 124 is that of timeout.
note() {
  local said=passed
  [ "$2" -ne 0 ] && said="FAILED with status $2" && failed=1
  [ "$2" -eq 124 ] && said="not done in time"
  printf '%s\t%s; %s\n' "$1" "$said" "$3" >> "$checks"
  echo "== $1: $said; $3 (${SECONDS} s)"
}

# Machine code for this device alone, as it would be chosen of all: the build then takes less time.
architecture=$("$python" - <<'PYTHON'
import torch

major, minor = torch.cuda.get_device_capability()
print(f"{major}{minor}" + ("a" if major in (9, 10) else "") + "-real")
PYTHON
)
if compgen -G ".whl/*.whl" > /dev/null; then
  "$python" -m pip install -q --no-index --no-deps --no-compile --target "$site" .whl/*.whl
fi
export MMKERNELS_CUDA=1 MMKERNELS_CUDA_ARCHS=${MMKERNELS_CUDA_ARCHS:-$architecture}
if ! "$python" -m pip install -q --no-build-isolation --no-deps --target "$site" . \
  > "$scratch/build" 2>&1; then
  tail -50 "$scratch/build" >&2
  echo "The package does not build." >&2
  exit 1
fi
note build 0 "$MMKERNELS_CUDA_ARCHS"
export PYTHONPATH=$site

timeout 100 "$python" -m pytest -q -p no:cacheprovider tests/mmkernels_cuda > "$out/gpu-tests.txt" 2>&1
note tests $? "$(tail -1 "$out/gpu-tests.txt")"
if [ "$architecture" = 90a-real ]; then
  MMKERNELS_CUDA_PATH=sm90 timeout 80 "$python" -m pytest -q -p no:cacheprovider tests/mmkernels_cuda \
    > "$out/gpu-tests-sm90.txt" 2>&1
  note "tests, sm90" $? "$(tail -1 "$out/gpu-tests-sm90.txt")"
fi

# Frameworks keep freed memory, in which a stray access would go unnoticed.
export PYTORCH_NO_CUDA_MEMORY_CACHING=1
for tool in memcheck racecheck; do
  if ! command -v compute-sanitizer > /dev/null; then
    printf '%s\tnot run: there is no compute-sanitizer\n' "$tool" >> "$checks"
    continue
  fi
  report=$out/gpu-$tool.txt
  timeout 60 compute-sanitizer --tool "$tool" --error-exitcode 9 \
    "$python" benchmarks/gpu_small.py > "$report" 2>&1
  status=$?
  if grep -q "Device not supported" "$report"; then
    printf '%s\tnot run: it does not support this device\n' "$tool" >> "$checks"
  else
    note "$tool" "$status" "$(grep -a 'SUMMARY' "$report" | tail -1)"
  fi
done
unset PYTORCH_NO_CUDA_MEMORY_CACHING

left=$((seconds - SECONDS))
"$python" benchmarks/gpu_table.py --seconds "$((left > 30 ? left : 30))" --out "$out" \
  --checks "$checks" || failed=1
echo "done after ${SECONDS} s"
exit "$failed"
