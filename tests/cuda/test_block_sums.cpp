#include "block_sums.cuh"

#include <vector>

#include "check.hpp"
#include "synchronisation.hpp"

using namespace mmkernels;
using namespace mmkernels::cuda;

namespace {

constexpr int kThreads = 128, kSums = 100;

// found[sum][thread]
__global__ void add_one_after_another(double* found) {
  auto* slots = reinterpret_cast<double*>(ptx::shared());
  for (int s = 0; s < kSums; ++s)
    found[s * kThreads + ptx::thread()] = sum_of_block(ptx::thread() * (s + 1.0), slots);
}

void check_sums() {
  std::vector<double> found(kSums * kThreads, -1);
  launch("add_one_after_another", add_one_after_another, 1, kThreads, kBlockSumBytes, nullptr,
         found.data());
  for (int s = 0; s < kSums; ++s)
    for (int t = 0; t < kThreads; ++t)
      CHECK(found[s * kThreads + t] == kThreads * (kThreads - 1) / 2 * (s + 1), s, t);
}

}  // namespace

TEST(sums_of_a_block_are_known_to_all) { check_sums(); }

TEST(no_synchronisation_of_block_sums_can_be_left_out) {
  if (shim::control().seed != 0) return;  // it goes through seeds of its own
  CHECK(testing::every_site_matters(check_sums) == 2);
}
