// What would hang, fail or be left to chance on a GPU is reported by the shim, or comes to light.
#include <cmath>
#include <cstdint>
#include <cstring>

#include <device/ptx.cuh>
#include <device/runtime.cuh>

#include "check.hpp"
#include "reported.hpp"

using namespace mmkernels;
using namespace mmkernels::cuda;
using testing::check_reported;

namespace {

__global__ void part_of_a_warp_waits_for_the_block() {
  if (ptx::thread() % 32 < 16)
    ptx::sync_threads();
  else
    ptx::ballot(true);
}

__global__ void a_lane_leaves_early() {
  if (ptx::thread() == 7) return;
  ptx::ballot(true);
}

__global__ void lanes_call_different_functions() {
  if (ptx::thread() % 2)
    ptx::ballot(true);
  else
    ptx::sync_warp();
}

__global__ void warps_leave_early(int* arrived) {
  if (ptx::thread() >= 32) return;
  ptx::sync_threads();
  ptx::atomic_add(arrived, 1);
}

__global__ void copies_from(const uint8_t* from, int shift) {
  ptx::copy_async(ptx::shared() + shift, from);
  ptx::commit_copies();
  ptx::wait_copies<0>();
}

__global__ void loads_rows_at(int shift) {
  uint32_t values[4];
  ptx::load_matrices(values, ptx::shared() + shift);
}

__global__ void reads_shared(float* first) {
  if (ptx::thread() == 0) *first = *reinterpret_cast<const float*>(ptx::shared());
}

// Two groups of copies, of which all but `pending` are waited for.
template <int pending>
__global__ void reads_what_was_copied(const int32_t* from, int32_t* found) {
  auto* to = reinterpret_cast<int32_t*>(ptx::shared());
  if (ptx::thread() == 0) {
    for (int group = 0; group < 2; ++group) {
      ptx::copy_async(to + 4 * group, from + 4 * group);
      ptx::commit_copies();
    }
    ptx::wait_copies<pending>();
    for (int i = 0; i < 8; ++i) found[i] = to[i];
  }
}

// Warp 0 writes, warp 1 reads, and nothing stands between them.
__global__ void warps_race(int* seen) {
  auto* shared = reinterpret_cast<int*>(ptx::shared());
  if (ptx::thread() == 0) *shared = 1;
  if (ptx::thread() == 32) *seen = *shared;
}

}  // namespace

TEST(deadlocks_are_reported) {
  check_reported("wait for one another", [] {
    launch("stuck", part_of_a_warp_waits_for_the_block, 1, 64, 0, nullptr);
  });
  check_reported("wait for one another",
                 [] { launch("stuck", a_lane_leaves_early, 2, 32, 0, nullptr); });
  check_reported("and in", [] { launch("torn", lanes_call_different_functions, 1, 32, 0, nullptr); });
}

TEST(warps_that_have_left_are_not_waited_for) {
  int arrived = 0;
  launch("warps_leave_early", warps_leave_early, 1, 96, 0, nullptr, &arrived);
  CHECK(arrived == 32);
}

TEST(misaligned_addresses_are_reported) {
  alignas(16) const uint8_t from[64] = {};
  for (int shift : {1, 8}) {
    check_reported("multiple of 16",
                   [&] { launch("copies", copies_from, 1, 32, 64, nullptr, from, shift); });
    check_reported("multiple of 16",
                   [&] { launch("copies", copies_from, 1, 32, 64, nullptr, from + shift, 0); });
    check_reported("multiple of 16",
                   [&] { launch("loads", loads_rows_at, 1, 32, 64, nullptr, shift); });
  }
}

TEST(launches_that_no_device_takes_are_reported) {
  check_reported("whole warps", [] { launch("odd", loads_rows_at, 1, 40, 64, nullptr, 0); });
  check_reported("1024 threads", [] { launch("wide", loads_rows_at, 1, 1056, 64, nullptr, 0); });
  check_reported("more shared memory",
                 [] { launch("large", loads_rows_at, 1, 32, kSharedMost + 1, nullptr, 0); });
  check_reported("too many blocks",
                 [] { launch("many", loads_rows_at, kMostBlocks + 1, 32, 64, nullptr, 0); });
  launch("none", loads_rows_at, 0, 32, 64, nullptr, 1);  // no block, nothing to report
}

TEST(shared_memory_begins_as_not_a_number) {
  float first = 0;
  launch("reads_shared", reads_shared, 1, 32, 64, nullptr, &first);
  CHECK(std::isnan(first), first);
}

TEST(copies_complete_when_they_are_waited_for) {
  alignas(16) const int32_t from[8] = {1, 2, 3, 4, 5, 6, 7, 8};
  const uint64_t seed = shim::control().seed;
  int early = 0, late = 0;
  for (uint64_t run = 0; run < 20; ++run) {
    shim::control().seed = seed ? 20 * seed + run : 0;
    int32_t all[8] = {}, one[8] = {};
    launch("copied", reads_what_was_copied<0>, 1, 32, 64, nullptr, from, all);
    launch("copied", reads_what_was_copied<1>, 1, 32, 64, nullptr, from, one);
    CHECK(std::memcmp(all, from, sizeof from) == 0);
    CHECK(std::memcmp(one, from, sizeof from / 2) == 0);
    (one[4] == 5 ? early : late) += 1;
  }
  CHECK(late > 0, early, late);
  CHECK((early > 0) == (seed != 0), early, late);
}

TEST(a_race_between_warps_comes_to_light) {
  const uint64_t seed = shim::control().seed;
  if (seed == 0) return;
  int before = 0, after = 0;
  for (uint64_t run = 0; run < 40; ++run) {
    shim::control().seed = 40 * seed + run;
    int seen = 0;
    launch("warps_race", warps_race, 1, 64, 64, nullptr, &seen);
    (seen == 1 ? after : before) += 1;
  }
  CHECK(before > 0 && after > 0, before, after);
}
