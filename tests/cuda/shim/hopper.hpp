// What only kernels for compute capability 9.0 use: barriers in shared memory, copies of boxes,
// products of warpgroups, named barriers, clusters. What hardware leaves undefined is an error here,
// or poisoned: sums while products are under way, operands before they are there.
#pragma once

#include <array>
#include <map>

#include "fibers.hpp"

namespace mmkernels::shim {

constexpr int kWarpgroup = 128, kNamedBarriers = 16;

// An array as the copy engine knows it.
struct TensorMap {
  const uint16_t* values;
  int64_t rows, depth;
  int box_rows;
};
constexpr int kBoxDepth = 64, kBoxRowBytes = kBoxDepth * 2, kBoxAlignment = 1024;

// One product of a warpgroup, from its start until it is waited for.
struct GroupProduct {
  int width;  // columns
  float (*decode)(uint16_t);
  uint64_t a, b;
  bool add;
  float* sums;  // of the first thread: which sums these are
};

// Sums that products own, taken from the threads until all products on them are waited for.
struct OwnedSums {
  int count = 0;  // of a thread
  int pending = 0;  // products
  std::array<float*, kWarpgroup> threads{};
  std::vector<float> values;  // [thread][count]
};

struct Warpgroup {
  int arrived = 0;
  unsigned generation = 0;
  const char* what = nullptr;
  const void* argument[kWarpgroup] = {};
  bool started = false;  // the fence before products
  int registers = 0;     // as it last asked for; 0: never
  std::vector<GroupProduct> open;
  std::deque<std::vector<GroupProduct>> groups;  // committed, not waited for
  size_t executed = 0;  // of all that are not waited for, in order
  std::map<float*, OwnedSums> owned;
};

struct NamedBarrier {
  int arrived = 0, threads = 0;
  unsigned generation = 0;
};

struct HopperBlock {
  std::vector<Warpgroup> groups;
  NamedBarrier named[kNamedBarriers];
};

// 0 or 1. Throws where there is no barrier.
int phase_parity(uint64_t barrier);

void make_barrier(uint64_t* barrier, int arrivals);
void arrive(uint64_t* barrier);
void arrive_at(uint64_t* barrier, int rank);
void arrive_expecting(uint64_t* barrier, int bytes);

// To every block of the cluster whose bit is set.
void copy_box(int ranks, void* to_shared, const TensorMap& map, int depth, int row, uint64_t* barrier);

// As the descriptors of wgmma have it.
uint64_t operand(const void* shared);

void start_products();
// sums: the calling thread's `width` / 2.
void multiply_group(float (*decode)(uint16_t), int width, float* sums, uint64_t a, uint64_t b, bool add);
void commit_products();
void wait_products(size_t pending);
void set_registers(int count, bool more);

void sync_some(int barrier, int threads);
void arrive_some(int barrier, int threads);
void sync_cluster();

}  // namespace mmkernels::shim
