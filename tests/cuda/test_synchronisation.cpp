// The shim notices where a barrier or a wait is missing: of tile products, each is left out.
#include <cmath>
#include <cstdint>
#include <vector>

#include "check.hpp"
#include "sm80_tile_product.cuh"
#include "synchronisation.hpp"

using namespace mmkernels;
using namespace mmkernels::cuda;

namespace {

struct Products {
  const uint16_t* rows;     // [128][depth]
  const uint16_t* columns;  // [128][depth]
  float* first;             // [128][128]
  float* second;            // the product of columns and rows
  int steps;
};

__device__ void write_tile(const TileSums& sums, float* out) {
  for (int i = 0; i < 4; ++i)
    for (int j = 0; j < 4; ++j)
      for (int e = 0; e < 4; ++e) out[tile_row(i, e) * kTileColumns + tile_column(j, e)] = sums[i][j][e];
}

// Two products that use the same ring, one after the other.
__global__ void multiply_twice(Products products) {
  const int64_t pitch = int64_t{products.steps} * kDepth;
  TileSums first{}, second{};
  add_tile_product<ptx::Half>(PlainSteps{products.rows, products.columns}, products.steps, pitch,
                              pitch, ptx::shared(), first);
  ptx::sync_threads();
  add_tile_product<ptx::Half>(PlainSteps{products.columns, products.rows}, products.steps, pitch,
                              pitch, ptx::shared(), second);
  write_tile(first, products.first);
  write_tile(second, products.second);
}

__device__ void meet_for_nothing() { ptx::sync_threads(); }

__global__ void add_with_barriers(int* sum) {
  auto* values = reinterpret_cast<int*>(ptx::shared());
  if (ptx::thread() % 32 == 0) values[ptx::thread() / 32] = 1 + ptx::thread() / 32;
  ptx::sync_threads();
  if (ptx::thread() == 0) *sum = values[0] + values[1];
  meet_for_nothing();
}

// Shared memory begins as what is no address.
__global__ void writes_where_it_is_told() {
  auto* place = reinterpret_cast<int**>(ptx::shared());
  int here = 0;
  if (ptx::thread() == 0) *place = &here;
  ptx::sync_threads();
  if (ptx::thread() == 32) **place = 1;
  ptx::sync_threads();
}

// Small integers, whose products float32 adds exactly in any order.
int entry(int row, int depth, int of) { return (row * 7 + depth * 13 + of * 5 + row * depth) % 11 - 5; }

void check_products(int steps) {
  const int depth = steps * kDepth;
  std::vector<uint16_t> packed(2 * kTileRows * depth + 8);
  // Copies are of 16 bytes from multiples of 16.
  uint16_t* rows = packed.data() + (16 - reinterpret_cast<uintptr_t>(packed.data()) % 16) % 16 / 2;
  uint16_t* columns = rows + kTileRows * depth;
  for (int i = 0; i < kTileRows; ++i)
    for (int d = 0; d < depth; ++d) {
      rows[i * depth + d] = ptx::to_half(static_cast<float>(entry(i, d, 0)));
      columns[i * depth + d] = ptx::to_half(static_cast<float>(entry(i, d, 1)));
    }
  std::vector<float> first(kTileRows * kTileColumns, NAN), second = first;
  launch("multiply_twice", multiply_twice, 1, kTileThreads, kTileSharedBytes, nullptr,
         Products{rows, columns, first.data(), second.data(), steps});
  for (int i = 0; i < kTileRows; ++i)
    for (int j = 0; j < kTileColumns; ++j) {
      int wanted = 0;
      for (int d = 0; d < depth; ++d) wanted += entry(i, d, 0) * entry(j, d, 1);
      CHECK(first[i * kTileColumns + j] == wanted, steps, i, j);
      CHECK(second[j * kTileColumns + i] == wanted, steps, j, i);
    }
}

void check_all_products() {
  // Fewer steps than stages, as many, and enough to go round the ring.
  for (int steps : {1, 2, 4, 7}) check_products(steps);
}

}  // namespace

TEST(tiles_are_products) { check_all_products(); }

TEST(no_synchronisation_of_a_tile_product_can_be_left_out) {
  if (!testing::is_time_to_leave_out()) return;
  // The wait, the barrier in the loop, and the one between the products.
  CHECK(testing::every_site_matters(check_all_products) == 3);
}

TEST(a_barrier_that_nothing_needs_is_found) {
  if (!testing::is_time_to_leave_out()) return;
  const auto body = [] {
    int sum = 0;
    launch("add_with_barriers", add_with_barriers, 1, 64, 64, nullptr, &sum);
    CHECK(sum == 3);
  };
  testing::Unproven found = testing::leave_out_each_site(body);
  CHECK(found.sites.size() == 2 && found.unnoticed.size() == 1, found.unnoticed.size());
  const char* file = "test_synchronisation.cpp";
  const testing::Excused excuse{file, "meet_for_nothing", "it is here to be excused"};
  CHECK(testing::every_site_matters(body, {excuse}) == 2);
  found = testing::leave_out_each_site(body, {excuse, {file, "add_with_barriers", "no reason"}});
  CHECK(found.unnoticed.empty() && found.needlessly_excused.size() == 1);
}

TEST(a_crash_is_noticed) {
  if (!testing::is_time_to_leave_out()) return;
  const auto body = [] {
    launch("writes", writes_where_it_is_told, 1, 64, 64, nullptr);
  };
  const testing::Unproven found = testing::leave_out_each_site(body);
  CHECK(found.sites.size() == 2 && found.unnoticed.size() == 1, found.unnoticed.size());
}
