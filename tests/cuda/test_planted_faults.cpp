// A producer, a consumer and a ring in a cluster of two, as the kernels for Hopper have them, with
// faults of synchronisation planted: each is found under some schedule, and the kernel without them
// is right under all.
#include <cmath>
#include <cstdint>
#include <stdexcept>
#include <vector>

#include <device/hopper.cuh>
#include <device/runtime.cuh>

#include "check.hpp"

using namespace mmkernels;
using namespace mmkernels::cuda;

namespace {

constexpr int kBlocks = 2, kStages = 2, kSteps = 5, kDepth = kSteps * kBoxDepth;
constexpr int kRows = 64, kColumns = 64, kPart = kColumns / kBlocks;
constexpr int kColumnsAt = kRows * 128, kPartBytes = kPart * 128;
constexpr int kStageBytes = kColumnsAt + kColumns * 128;
constexpr uint64_t kSchedules = 12;

enum class Fault {
  none,
  released_early,    // a stage is given back before its products are waited for
  released_at_home,  // and not to the other block, which writes to it, too
  parity_kept,       // by the consumer, when it comes to the ring's start again
  bytes_forgotten,   // of what the other block sends
  left_early,        // while the other block still gives stages back
};

struct Products {
  TensorMap rows, columns;
  float* sums;  // [block][row][column]
};

// Each block multiplies its own rows by the columns of both, of which it fetches a half for both.
template <Fault fault>
void multiply(const Products products) {
  auto* filled = reinterpret_cast<ptx::Barrier*>(ptx::shared() + kStages * kStageBytes);
  ptx::Barrier* emptied = filled + kStages;
  const int thread = ptx::thread() % 128, rank = ptx::cluster_rank();
  if (ptx::thread() == 0) {
    for (int s = 0; s < kStages; ++s) {
      ptx::make_barrier(filled + s, 1);
      ptx::make_barrier(emptied + s, fault == Fault::released_at_home ? 1 : kBlocks);
    }
    ptx::publish_barriers();
  }
  ptx::sync_cluster();
  if (ptx::thread() == 0)
    for (int step = 0; step < kSteps; ++step) {
      const int s = step % kStages, parity = step / kStages % 2;
      uint8_t* stage = ptx::shared() + s * kStageBytes;
      ptx::wait_phase(emptied + s, parity ^ 1);
      const int unexpected = fault == Fault::bytes_forgotten ? kPartBytes : 0;
      ptx::arrive_expecting(filled + s, kStageBytes - unexpected);
      ptx::copy_box(stage, products.rows, step * kBoxDepth, rank * kRows, filled + s);
      ptx::copy_box_to(3, stage + kColumnsAt + rank * kPartBytes, products.columns, step * kBoxDepth,
                       rank * kPart, filled + s);
    }
  if (ptx::thread() >= 128) {
    float sums[kColumns / 2];
    for (int step = 0; step < kSteps; ++step) {
      const int s = step % kStages, parity = step / kStages % 2;
      const uint8_t* stage = ptx::shared() + s * kStageBytes;
      const auto release = [&] {
        if (fault == Fault::released_at_home ? thread == rank : thread < kBlocks)
          ptx::arrive_at(emptied + s, thread);
      };
      ptx::wait_phase(filled + s, fault == Fault::parity_kept ? 0 : parity);
      ptx::start_products(sums);
      for (int k = 0; k < 4; ++k)
        ptx::multiply_group<ptx::Half>(sums, ptx::operand(stage + k * 32),
                                       ptx::operand(stage + kColumnsAt + k * 32), step | k);
      ptx::commit_products();
      if (fault == Fault::released_early) release();
      ptx::wait_products<0>(sums);
      if (fault != Fault::released_early) release();
    }
    const int row = rank * kRows + thread / 32 * 16 + thread % 32 / 4;
    for (int v = 0; v < kColumns / 2; ++v)
      products.sums[(row + v % 4 / 2 * 8) * kColumns + v / 4 * 8 + thread % 4 * 2 + v % 2] =
          sums[v];
  }
  if (fault != Fault::left_early) ptx::sync_cluster();
}

int entry(int i, int d, int side) { return (i * 5 + d * 3 + side * (i * d + 7)) % 9 - 4; }

std::vector<uint16_t> array(int count, int side) {
  std::vector<uint16_t> values;
  for (int i = 0; i < count; ++i)
    for (int d = 0; d < kDepth; ++d)
      values.push_back(ptx::to_half(static_cast<float>(entry(i, d, side))));
  return values;
}

template <Fault fault>
void check_products() {
  const std::vector<uint16_t> rows = array(kBlocks * kRows, 0), columns = array(kColumns, 1);
  std::vector<float> sums(kBlocks * kRows * kColumns, NAN);
  launch_clusters("multiply", multiply<fault>, 1, kBlocks, 256,
                  kStages * (kStageBytes + 2 * sizeof(ptx::Barrier)), nullptr,
                  Products{make_tensor_map(rows.data(), kBlocks * kRows, kDepth, kRows),
                           make_tensor_map(columns.data(), kColumns, kDepth, kPart), sums.data()});
  for (int i = 0; i < kBlocks * kRows; ++i)
    for (int j = 0; j < kColumns; ++j) {
      int wanted = 0;
      for (int d = 0; d < kDepth; ++d) wanted += entry(i, d, 0) * entry(j, d, 1);
      CHECK(sums[i * kColumns + j] == wanted, i, j);
    }
}

// Of the schedules that the test's own seed stands for.
template <Fault fault>
int schedules_that_find_it() {
  const uint64_t seed = shim::control().seed;
  int found = 0;
  for (uint64_t s = 0; s < kSchedules; ++s) {
    shim::control().seed = 1 + seed * kSchedules + s;
    try {
      check_products<fault>();
    } catch (const std::runtime_error&) {
      ++found;
    }
  }
  shim::control().seed = seed;
  return found;
}

}  // namespace

TEST(the_kernel_without_planted_faults_is_right) {
  check_products<Fault::none>();
  CHECK(schedules_that_find_it<Fault::none>() == 0);
}

TEST(planted_release_before_products_are_waited_for) {
  CHECK(schedules_that_find_it<Fault::released_early>() > 0);
}

TEST(planted_release_to_the_own_block_only) {
  CHECK(schedules_that_find_it<Fault::released_at_home>() > 0);
}

TEST(planted_parity_that_does_not_change) {
  CHECK(schedules_that_find_it<Fault::parity_kept>() > 0);
}

TEST(planted_bytes_that_are_not_expected) {
  CHECK(schedules_that_find_it<Fault::bytes_forgotten>() > 0);
}

TEST(planted_end_while_the_other_block_goes_on) {
  CHECK(schedules_that_find_it<Fault::left_early>() > 0);
}
