// Products through the ring of Hopper's kernels, and that each of its waits is needed.
#include <cmath>
#include <vector>

#include "check.hpp"
#include "shim/fibers.hpp"
#include "sm90_ring.cuh"
#include "synchronisation.hpp"

using namespace mmkernels;
using namespace mmkernels::cuda;

namespace {

constexpr int kColumns = 64, kStages = 2;
constexpr int kColumnsAt = kHopperRows * kStepRowBytes;
constexpr int kStageBytes = kColumnsAt + kColumns * kStepRowBytes;
constexpr int kRounds = 3;

struct Products {
  TensorMap rows, columns;
  int steps;
  float* out;  // [round][row of 256][column of 64]
};

// Two blocks with their own 128 rows and the same columns, of which each fetches one half for both;
// the same product several times, from round to round with the columns one further.
__global__ void multiply_in_cluster(const __grid_constant__ Products products) {
  auto* barriers = reinterpret_cast<ptx::Barrier*>(ptx::shared() + kStages * kStageBytes);
  const Ring ring{ptx::shared(), barriers, barriers + kStages, kStages, kStageBytes};
  if (ptx::thread() == 0) make_ring(ring);
  ptx::sync_cluster();
  const int rank = ptx::cluster_rank(), part = kColumns / ptx::cluster_blocks();
  RingPlace place;
  if (warpgroup() == 0) {
    ptx::give_registers<kProducerRegisters>();
    if (ptx::thread() == 0)
      for (int round = 0; round < kRounds; ++round)
        for (int step = 0; step < products.steps; ++step) {
          uint8_t* stage = claim(ring, place, kStageBytes);
          ptx::copy_box(stage, products.rows, step * kBoxDepth, rank * kHopperRows,
                        ring.filled + place.stage);
          ptx::copy_box_to((1 << ptx::cluster_blocks()) - 1,
                           stage + kColumnsAt + rank * part * kStepRowBytes, products.columns,
                           step * kBoxDepth, round + rank * part, ring.filled + place.stage);
          place.advance(ring);
        }
  } else {
    ptx::take_registers<kConsumerRegisters>();
    const int group = warpgroup() - 1, lane = ptx::thread() % 32;
    const int row = rank * kHopperRows + group * kGroupRows + ptx::thread() % kGroupThreads / 32 * 16 +
                    lane / 4;
    for (int round = 0; round < kRounds; ++round) {
      float sums[kColumns / 2];
      run_steps(ring, place, products.steps, sums, [&](const uint8_t* stage, int step) {
        const uint8_t* rows = stage + group * kGroupRows * kStepRowBytes;
        for (int k = 0; k < kBoxDepth / 16; ++k)
          ptx::multiply_group<ptx::Half>(sums, ptx::operand(rows + k * 32),
                                         ptx::operand(stage + kColumnsAt + k * 32), step | k);
      });
      for (int v = 0; v < kColumns / 2; ++v)
        products.out[(round * 2 * kHopperRows + row + v % 4 / 2 * 8) * kColumns + v / 4 * 8 +
                     lane % 4 * 2 + v % 2] = sums[v];
    }
  }
  ptx::sync_cluster();
}

// Small enough for sums to be exact.
int entry(int i, int d, int side) { return (i * 7 + d * 3 + side * (i + d * d)) % 9 - 4; }

void check_products(int rows, int depth) {
  const auto array = [&](int count, int side) {
    std::vector<uint16_t> values(static_cast<size_t>(count) * depth + 8);
    for (int i = 0; i < count; ++i)
      for (int d = 0; d < depth; ++d)
        values[static_cast<size_t>(i) * depth + d] = ptx::to_half(static_cast<float>(entry(i, d, side)));
    return values;
  };
  const std::vector<uint16_t> left = array(rows, 0), right = array(kColumns, 1);
  std::vector<float> out(static_cast<size_t>(kRounds) * 2 * kHopperRows * kColumns, NAN);
  const Products products{make_tensor_map(left.data(), rows, depth, kHopperRows),
                          make_tensor_map(right.data(), kColumns, depth, kColumns / 2),
                          static_cast<int>(steps_of(depth)), out.data()};
  launch_clusters("multiply_in_cluster", multiply_in_cluster, 1, 2, kHopperThreads,
                  kStages * (kStageBytes + 2 * sizeof(ptx::Barrier)), nullptr, products);
  for (int round = 0; round < kRounds; ++round)
    for (int i = 0; i < 2 * kHopperRows; ++i)
      for (int j = 0; j < kColumns; ++j) {
        int wanted = 0;
        // Beyond the arrays there are zeros.
        if (i < rows && round + j < kColumns)
          for (int d = 0; d < depth; ++d) wanted += entry(i, d, 0) * entry(round + j, d, 1);
        CHECK(out[(round * 2 * kHopperRows + i) * kColumns + j] == wanted, rows, depth, round, i, j);
      }
}

void check_all_products() {
  for (auto [rows, depth] : {std::pair{256, 64}, {200, 160}, {129, 264}}) check_products(rows, depth);
}

}  // namespace

TEST(products_through_the_ring_of_a_cluster) { check_all_products(); }

TEST(no_synchronisation_of_the_ring_can_be_left_out) {
  if (!testing::is_time_to_leave_out()) return;
  testing::every_site_matters(check_all_products);
}
